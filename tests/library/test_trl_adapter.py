"""Rewards inside TRL's calls: every shape gets what it got in the suite, and nothing broken becomes a number."""

from __future__ import annotations

import asyncio
import functools
import inspect
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from docs_page import Page

from reward_kit import EvaluateResult, Message, reward_function
from reward_kit.errors import RewardKitError, RewardShapeError
from reward_kit.integrations import RewardCallError, create_trl_adapter, reward_weights, to_trl
from reward_kit.reward import load_reward

PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}]
OTHER = [{"role": "user", "content": "3+3?"}]
#: What TRL passes beside the dataset's columns.
OWN: dict[str, Any] = {"completion_ids": [[1], [2], [3], [4]], "trainer_state": object(), "log_metric": print}
CALL: dict[str, Any] = {
    "prompts": [PROMPT, PROMPT, OTHER, OTHER],
    "completions": [[{"role": "assistant", "content": text}] for text in ("4", "5", "6", "7")],
    "ground_truth": ["4", "4", "6", "6"],
    "source": ["made up"] * 4,
    **OWN,
}
RIGHT = [1.0, 0.0, 1.0, 0.0]
TEXT = {**CALL, "prompts": ["2+2?", "2+2?", "3+3?", "3+3?"], "completions": ["4", "5", "6", "7"]}


def pointwise(messages, ground_truth, **kwargs):
    return float(messages[-1]["content"] == ground_truth)


async def pointwise_async(messages, ground_truth, **kwargs):
    await asyncio.sleep(0)
    return {"score": float(messages[-1]["content"] == ground_truth)}


@reward_function(mode="batch")
def batch(rollouts_messages: list[list[Message]], ground_truth, **kwargs):
    return [EvaluateResult(score=float(rollout[-1].content == ground_truth)) for rollout in rollouts_messages]


def trl(prompts, completions, ground_truth, **kwargs):
    texts = [done if isinstance(done, str) else done[0]["content"] for done in completions]
    return [float(text == gold) for text, gold in zip(texts, ground_truth, strict=True)]


async def trl_async(prompts, completions, ground_truth, **kwargs):
    return trl(prompts, completions, ground_truth)


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    assert data_source == extra_info["source"] == "made up"
    return solution_str == ground_truth


def reward_func(queries, prompts, labels):
    assert all(query.startswith(prompt) for query, prompt in zip(queries, prompts, strict=True))
    return {"rewards": [float(query.endswith(f"?{label}")) for query, label in zip(queries, labels, strict=True)]}


SHAPES = [pointwise, pointwise_async, batch, trl, trl_async, compute_score, reward_func]


def given(reward: object, **call: Any) -> list[float | None]:
    """What the adapter of a reward returns for TRL's call, CALL with changes."""
    return returned(to_trl(reward), **{**CALL, **call})


def returned(adapter: Any, **call: Any) -> list[float | None]:
    answer = adapter(**call)
    return asyncio.run(answer) if inspect.iscoroutine(answer) else answer


@pytest.mark.parametrize("reward", SHAPES)
@pytest.mark.parametrize("call", [CALL, TEXT], ids=["conversational", "text"])
def test_every_call_shape_gives_one_float_a_completion_under_its_own_name(reward: Any, call: dict[str, Any]):
    adapter: Any = to_trl(reward)
    scores = returned(adapter, **call)
    assert scores == RIGHT
    assert {type(score) for score in scores} == {float}
    assert adapter.__name__ == reward.__name__
    assert inspect.iscoroutinefunction(adapter) == inspect.iscoroutinefunction(reward)


def test_a_path_a_reward_and_a_partial_are_rewards_too():
    path = f"{__name__}:pointwise"
    for reward in (path, load_reward(path), functools.partial(pointwise, strict=True)):
        assert to_trl(reward).__name__ == "pointwise"  # type: ignore[union-attr]
        assert given(reward) == RIGHT
    with pytest.raises(RewardShapeError, match="did you mean pointwise"):
        to_trl(f"{__name__}:pointwize")


def test_a_wrapper_that_hides_its_coroutine_is_run():
    assert given(lambda messages, **kwargs: pointwise_async(messages, **kwargs)) == RIGHT


def test_conversations_reach_a_pointwise_reward_whole():
    seen: list[Any] = []

    def reward(messages, **kwargs):
        seen.append((messages, kwargs))

    turns = [
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "add", "arguments": "{}"}}]},
        {"role": "tool", "content": "4", "tool_calls": None},
        {"role": "assistant", "content": "It is 4."},
    ]
    assert returned(to_trl(reward), prompts=[PROMPT], completions=[turns], tools=[["add"]], **OWN) == [None]
    ((messages, kwargs),) = seen
    assert messages == [*PROMPT, turns[0], {"role": "tool", "content": "4"}, turns[2]]  # no keys that Arrow filled in
    assert kwargs == {"tools": ["add"]}  # the row's columns, nothing of the trainer's


def test_a_completion_cut_off_after_a_tool_message_and_a_prefilled_prompt_stay_in_order():
    seen: list[Any] = []

    def reward(messages, **kwargs):
        seen.append([message["role"] for message in messages])
        return 0.0

    prompts = [[*OTHER, {"role": "assistant", "content": "Well,"}]]
    returned(to_trl(reward), prompts=prompts, completions=[[{"role": "assistant"}, {"role": "tool", "content": "4"}]])
    assert seen == [["user", "assistant", "assistant", "tool"]]


def test_a_trl_reward_gets_what_trl_passes_and_fails_as_in_trl_without_kwargs():
    seen: dict[str, Any] = {}

    def everything(completions, **kwargs):
        seen.update(kwargs, completions=completions)
        return [None] * len(completions)

    assert given(everything) == [None] * 4
    assert seen == CALL
    assert seen["trainer_state"] is OWN["trainer_state"]

    def narrow(prompts, completions, ground_truth):
        return [0.0] * len(completions)

    with pytest.raises(RewardCallError, match=r"unexpected keyword argument.*accept \*\*kwargs"):
        given(narrow)


def test_a_batch_reward_sees_the_completions_of_one_row_together():
    sizes: list[int] = []

    def relative(rollouts_messages, **kwargs):
        sizes.append(len(rollouts_messages))
        return [float(place) for place in range(len(rollouts_messages))]

    assert given(relative) == [0.0, 1.0, 0.0, 1.0]
    assert given(relative, source=["a", "b", "b", "b"]) == [0.0, 0.0, 0.0, 1.0]
    assert sizes == [2, 2, 1, 1, 2]


def test_none_abstains_and_keeps_its_place():
    def second_abstains(messages, ground_truth, **kwargs):
        return None if messages[-1]["content"] == "5" else {"score": 1}

    assert given(second_abstains) == [1.0, None, 1.0, 1.0]


def fails_on_6(messages, ground_truth, **kwargs):
    return 1 / (6 - int(messages[-1]["content"]))


def leaves(messages, **kwargs):
    raise SystemExit(0)


async def fails_async(messages, **kwargs):
    return {}["answer"]


def states_an_error(messages, **kwargs):
    return EvaluateResult(score=0.0, error="the judge is down")


def states_an_infra_error(messages, **kwargs):
    return {"score": 0.0, "outcome": "infra_error", "reason": "the sandbox did not start"}


@pytest.mark.parametrize(
    ("reward", "said"),
    [
        (fails_on_6, r"fails_on_6, completion 2 of 0-3: the reward raised ZeroDivisionError: .*ground_truth, source"),
        (leaves, r"completion 0 of 0-3: the reward raised SystemExit"),
        (fails_async, r"completion 0 of 0-3: the reward raised KeyError: 'answer'"),
        (states_an_error, r"completion 0 of 0-3: the reward reports an error: the judge is down"),
        (states_an_infra_error, r"completion 0 of 0-3: the sandbox did not start"),
        (lambda messages, **kwargs: "1.0", r"returned '1.0' \(str\), not a number"),
        (lambda messages, **kwargs: [1.0], r"returned \[1.0\] \(list\), not a number"),
        (lambda messages, **kwargs: {"reward": 1.0}, "no 'score', only reward"),
        (lambda messages, **kwargs: float("nan"), "completion 0 of 0-3: the reward returned nan"),
        (lambda messages, **kwargs: float("-inf"), "completion 0 of 0-3: the reward returned -inf"),
        (lambda messages, **kwargs: 1e39, r"the reward returned 1e\+39, outside"),  # infinite in TRL's 32 bits
        (lambda completions, **kwargs: [1.0, 1.0, float("nan"), 1.0], "completion 2 of 0-3: the reward returned nan"),
        (lambda completions, **kwargs: [1.0], "completion 0-3 of 0-3: the reward returned 1 rewards for 4"),
        (lambda completions, **kwargs: 1.0, "completion 0-3 of 0-3: the reward returned float, not a list of 4"),
        (lambda rollouts_messages, **kwargs: [1.0], "completion 0-1 of 0-3: the reward returned 1 rewards for 2"),
    ],
)
def test_what_breaks_is_raised_and_never_a_number(reward: Any, said: str):
    with pytest.raises(RewardCallError, match=said) as raised:
        given(reward)
    assert isinstance(raised.value, RewardKitError)
    assert str(raised.value).endswith((".", "to train on", "to abstain", "does not use"))  # closes with a remedy


def test_the_rewards_own_exception_is_chained():
    with pytest.raises(RewardCallError) as raised:
        given(fails_on_6)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_a_declared_range_is_kept_and_an_impossible_one_refused():
    adapter: Any = to_trl(lambda messages, **kwargs: 1.5, range=(0, 1))
    with pytest.raises(RewardCallError, match=r"returned 1.5, outside its declared range \[0, 1\]"):
        adapter(**CALL)
    assert returned(to_trl(lambda messages, **kwargs: -1.0, range=(-1, 1)), **CALL) == [-1.0] * 4
    for bounds in ((1, 0), (0, float("nan")), (0, float("inf"))):
        with pytest.raises(ValueError, match="Give two finite numbers"):
            to_trl(pointwise, range=bounds)


@pytest.mark.parametrize("reward", SHAPES)
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ground_truth": ["4"]}, "4 completions, but 1 values in 'ground_truth'"),
        ({"source": ["a"] * 5}, "4 completions, but 5 values in 'source'"),
        ({"prompts": [PROMPT]}, "4 completions, but 1 values in 'prompts'"),
        ({"completions": [[]]}, "1 completions, but 4 values in 'prompts'"),
        ({"source": "made"}, "the column 'source' is str, not a list"),
        ({"completions": None}, "completions is NoneType, not a list"),
    ],
)
def test_lists_of_different_lengths_are_refused(reward: Any, changed: dict[str, Any], said: str):
    with pytest.raises(RewardCallError, match=said):
        given(reward, **changed)


@pytest.mark.parametrize("reward", SHAPES)
def test_a_ground_truth_that_the_reward_needs_must_be_in_the_dataset(reward: Any):
    call = {name: values for name, values in CALL.items() if name != "ground_truth"} | {"answer": ["4"] * 4}
    with pytest.raises(RewardCallError, match=r"ground_truth.*answer, source"):
        returned(to_trl(reward), **call)


def test_a_reward_that_needs_no_ground_truth_keeps_its_own_default():
    call = {name: values for name, values in CALL.items() if name != "ground_truth"}
    assert returned(to_trl(lambda messages, ground_truth="4", **kwargs: ground_truth == "4"), **call) == [1.0] * 4


def test_what_is_no_conversation_is_refused():
    for changed in ({"prompts": [None] * 4}, {"completions": [[], [], [], []]}, {"completions": [["4"]] * 4}):
        with pytest.raises(RewardCallError, match=r"\[0\] is .*neither text nor a list of messages"):
            given(pointwise, **changed)


@dataclass(frozen=True)
class Component:
    name: str
    reward: Any
    weight: float


@dataclass(frozen=True)
class Composite:
    components: tuple[Component, ...]

    def __call__(self, messages, **kwargs):
        raise AssertionError("TRL weighs the components itself")


def test_a_composite_gives_one_function_a_component_and_their_weights():
    composite = Composite((Component("right", trl, 0.8), Component("judged", pointwise_async, 0.2)))
    functions: Any = to_trl(composite)
    assert [function.__name__ for function in functions] == ["right", "judged"]
    assert [returned(function, **CALL) for function in functions] == [RIGHT, RIGHT]
    assert reward_weights(composite) == [0.8, 0.2]
    assert reward_weights(pointwise) is None
    with pytest.raises(RewardShapeError, match="components of one name"):
        to_trl(Composite((Component("right", trl, 1), Component("right", trl, 1))))
    with pytest.raises(RewardShapeError, match="components without name"):
        to_trl(Composite((trl,)))  # type: ignore[arg-type]


# create_trl_adapter: docs/migration.md, "Training with TRL", lists what differs; each row names a test of this file.


def test_every_difference_that_the_page_lists_is_a_test_here():
    cases = [case for *_, case in Page("migration.md").table("the reward or the call", "0.4.1", "here", "case")]
    assert len(cases) == 11
    assert all(callable(globals()[case]) for case in cases)


def mapped(reward: Any, columns: dict[str, str] | None = None, **settings: Any) -> Any:
    return create_trl_adapter(reward, {"ground_truth": "gold"} if columns is None else columns, **settings)


def equal(messages, gold, **kwargs):
    return {"score": float(messages[-1]["content"] == gold)}


async def equal_async(messages, gold, **kwargs):
    return equal(messages, gold)


def test_mapped_columns_and_static_arguments_reach_the_reward():
    seen: list[Any] = []

    def reward(messages, **kwargs):
        seen.append(kwargs)
        return 1.0

    adapter = mapped(reward, {"ground_truth": "gold"}, static_reward_kwargs={"units": "off"})
    assert returned(adapter, **CALL) == [1.0] * 4
    assert seen[0] == {"gold": "4", "units": "off"}
    assert returned(mapped(equal), **CALL) == returned(mapped(equal_async), **CALL) == RIGHT
    assert inspect.iscoroutinefunction(mapped(equal_async))


def test_a_reward_that_raises_ends_the_training():
    for broken in (fails_on_6, fails_async):
        with pytest.raises(RewardCallError, match="the reward raised"):
            returned(mapped(broken, {"ground_truth": "ground_truth"}), **CALL)


def test_a_result_without_a_score_ends_the_training_and_none_abstains():
    with pytest.raises(RewardCallError, match="no 'score'"):
        returned(mapped(lambda messages, **kwargs: {}), **CALL)
    assert returned(mapped(lambda messages, **kwargs: {"score": None}), **CALL) == [None] * 4


def test_a_stated_error_and_what_is_no_finite_number_end_the_training():
    for result in ({"score": 0.0, "error": "the judge is down"}, {"score": float("nan")}, {"score": float("inf")}):
        with pytest.raises(RewardCallError, match=r"completion 0 of 0-3: the reward (reports an error|returned)"):
            mapped(functools.partial(lambda messages, result, **kwargs: result, result=result))(**CALL)


def test_a_mapped_column_that_is_missing_or_of_another_length_is_refused():
    with pytest.raises(RewardCallError, match="no column 'answer'; it has ground_truth, source"):
        returned(mapped(equal, {"answer": "gold"}), **CALL)
    with pytest.raises(RewardCallError, match="4 completions, but 1 values"):
        returned(mapped(equal), **{**CALL, "ground_truth": ["4"]})


def test_a_tuple_is_a_column():
    assert returned(mapped(equal), **{**CALL, "ground_truth": ("4", "4", "6", "6")}) == RIGHT


def test_completions_that_do_not_pair_with_prompts_are_refused():
    with pytest.raises(RewardCallError, match="1 completions, but 4 values in 'prompts'"):
        returned(mapped(equal), **{**CALL, "completions": ["4"], "ground_truth": ["4"], "source": ["a"]})
    with pytest.raises(TypeError, match="completions"):
        mapped(equal)(prompts=[PROMPT])


def test_the_system_prompt_and_every_turn_are_kept_unless_user_message_fn_makes_one_text():
    seen: list[Any] = []

    def reward(messages, **kwargs):
        seen.append(messages)
        return 0.0

    returned(mapped(reward, {}), **CALL)
    assert seen[0] == [*PROMPT, {"role": "assistant", "content": "4"}]
    seen.clear()
    own = {"user_message_fn": lambda prompt: prompt[-1]["content"], "assistant_message_fn": lambda done: "I say 4"}
    returned(mapped(reward, {}, **own), **CALL)
    assert seen[0] == [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "I say 4"}]


def test_messages_are_dicts_unless_the_reward_asks_for_message_objects():
    kinds: list[type] = []

    @reward_function
    def typed(messages: list[Message], **kwargs):
        kinds.append(type(messages[0]))
        return EvaluateResult(score=1.0)

    @reward_function
    def untyped(messages, **kwargs):
        kinds.append(type(messages[0]))
        return EvaluateResult(score=1.0)

    for reward in (typed, untyped):
        mapped(reward, {})(prompts=["a"], completions=["b"])
    assert kinds == [Message, dict]


def test_two_values_for_one_argument_and_rewards_of_other_shapes_are_refused_at_once():
    with pytest.raises(ValueError, match="gold: given twice to equal"):
        mapped(equal, static_reward_kwargs={"gold": "4"})
    with pytest.raises(RewardShapeError, match=r"does not take messages\. Use to_trl"):
        mapped(trl)


def test_importing_the_adapter_imports_no_trainer():
    code = "import sys, reward_kit.integrations; print([m for m in ('torch', 'trl', 'datasets') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
