"""Every framework's way of calling a reward is recognised by the signature, called as it expects, and read back."""

from __future__ import annotations

import asyncio
import functools
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from reward_kit import EvaluateResult, Message, reward_function
from reward_kit.errors import DeadlineError, RewardShapeError
from reward_kit.models import Row, Sample
from reward_kit.reward import Reward, as_reward


def sample(answer: str = "24", gold: Any = "24", row_id: str = "a", **columns: Any) -> Sample:
    prompt = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "6 * 4?"})
    return Sample(Row(row_id, prompt, gold, columns, 1), {"role": "assistant", "content": answer})


def called_with(function: Callable[..., Any], *samples: Sample) -> dict[str, Any]:
    """The arguments that a reward of this signature gets."""
    return as_reward(function).shape.arguments(samples)


# -- recognised ----------------------------------------------------------------------------------------------------


def pointwise(messages, ground_truth, **kwargs): ...  # type: ignore[no-untyped-def]
def only_messages(messages): ...  # type: ignore[no-untyped-def]
def keyword_only(messages, *, ground_truth, tolerance=0.1): ...  # type: ignore[no-untyped-def]
def batch(rollouts_messages, ground_truth, **kwargs): ...  # type: ignore[no-untyped-def]
def trl(prompts, completions, **columns): ...  # type: ignore[no-untyped-def]
def trl_completions(completions, **kwargs): ...  # type: ignore[no-untyped-def]
def trl_named(completions, answer, prompts=None): ...  # type: ignore[no-untyped-def]
def verl(data_source, solution_str, ground_truth, extra_info=None): ...  # type: ignore[no-untyped-def]
def verl_short(solution_str, ground_truth, **kwargs): ...  # type: ignore[no-untyped-def]
def openrlhf(queries, prompts, labels): ...  # type: ignore[no-untyped-def]
def openrlhf_more(queries, prompts, labels, **kwargs): ...  # type: ignore[no-untyped-def]


async def async_pointwise(messages, ground_truth): ...  # type: ignore[no-untyped-def]
async def async_trl(prompts, completions, **kwargs): ...  # type: ignore[no-untyped-def]


class Callable_:  # noqa: N801
    def __call__(self, completions, **kwargs): ...  # type: ignore[no-untyped-def]


class AsyncCallable:
    async def __call__(self, messages, ground_truth): ...  # type: ignore[no-untyped-def]

    def method(self, solution_str, ground_truth): ...  # type: ignore[no-untyped-def]


RECOGNISED: list[tuple[Any, str]] = [
    (pointwise, "reward-kit, pointwise"),
    (only_messages, "reward-kit, pointwise"),
    (keyword_only, "reward-kit, pointwise"),
    (reward_function(pointwise), "reward-kit, pointwise"),
    (reward_function(id="x")(pointwise), "reward-kit, pointwise"),
    (batch, "reward-kit, batch"),
    (reward_function(mode="batch")(batch), "reward-kit, batch"),
    (trl, "TRL"),
    (trl_completions, "TRL"),
    (trl_named, "TRL"),
    (lambda completions: [], "TRL"),
    (functools.partial(trl, temperature=1), "TRL"),
    (functools.partial(verl, "gsm8k"), "verl"),
    (Callable_(), "TRL"),
    (verl, "verl"),
    (verl_short, "verl"),
    (AsyncCallable().method, "verl"),
    (openrlhf, "OpenRLHF"),
    (openrlhf_more, "OpenRLHF"),
    (async_pointwise, "reward-kit, pointwise, async"),
    (AsyncCallable(), "reward-kit, pointwise, async"),
    (functools.partial(async_pointwise, ground_truth="1"), "reward-kit, pointwise, async"),
    (async_trl, "TRL, async"),
]


@pytest.mark.parametrize(("function", "shape"), RECOGNISED, ids=lambda value: value if isinstance(value, str) else "")
def test_the_shape_is_recognised_and_said(function: Any, shape: str) -> None:
    assert as_reward(function, "mine").describe() == f"mine ({shape})"


def test_a_decorated_wrapper_is_recognised_by_what_it_wraps() -> None:
    @functools.wraps(trl)
    def logged(*args: Any, **kwargs: Any) -> Any:
        return trl(*args, **kwargs)

    assert as_reward(logged).shape.title == "TRL"


# -- refused -------------------------------------------------------------------------------------------------------


def foreign(response, answer): ...  # type: ignore[no-untyped-def]
def anything(*args, **kwargs): ...  # type: ignore[no-untyped-def]
def nothing(): ...  # type: ignore[no-untyped-def]
def positional(messages, ground_truth, /): ...  # type: ignore[no-untyped-def]
def verl_without_gold(solution_str): ...  # type: ignore[no-untyped-def]
def openrlhf_without_labels(queries, prompts): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    "function", [foreign, anything, nothing, positional, verl_without_gold, openrlhf_without_labels]
)
def test_an_unknown_signature_is_shown_with_the_shapes_there_are(function: Any) -> None:
    with pytest.raises(RewardShapeError) as caught:
        as_reward(function)

    import inspect

    first, *known = str(caught.value).splitlines()
    assert first == f"{function.__name__}{inspect.signature(function)} fits no known call shape. Known shapes:"
    assert [line.split(":")[0].strip() for line in known] == [
        "reward-kit, pointwise",
        "reward-kit, batch",
        "TRL",
        "verl",
        "OpenRLHF",
    ]


@pytest.mark.parametrize(
    "function",
    [
        lambda messages, completions: 1,
        lambda messages, rollouts_messages, **kwargs: 1,
        lambda completions, solution_str, ground_truth: 1,
        lambda prompts, completions, queries, labels: 1,
    ],
)
def test_a_signature_that_fits_several_shapes_is_refused_rather_than_guessed(function: Any) -> None:
    with pytest.raises(RewardShapeError, match=r"<lambda>\(.*\) fits several call shapes\. Known shapes:"):
        as_reward(function)


@pytest.mark.parametrize("what", [3, None, "reward_kit:math_reward", [pointwise]])
def test_what_cannot_be_called_is_no_reward(what: object) -> None:
    with pytest.raises(RewardShapeError, match="not a function"):
        as_reward(what)


def test_a_builtin_without_signature_is_refused() -> None:
    with pytest.raises(RewardShapeError, match="has no signature to read"):
        as_reward(min)


def test_a_batch_reward_without_rollouts_is_refused() -> None:
    with pytest.raises(RewardShapeError, match='marked mode="batch" but takes no rollouts_messages'):
        as_reward(reward_function(mode="batch")(pointwise))


# -- called as the framework calls it ------------------------------------------------------------------------------


def test_reward_kit_gets_the_whole_conversation_the_gold_and_every_column() -> None:
    arguments = called_with(pointwise, sample("24", tools=[{"name": "f"}], source="mine"))

    assert arguments == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "6 * 4?"},
            {"role": "assistant", "content": "24"},
        ],
        "ground_truth": "24",
        "tools": [{"name": "f"}],
        "source": "mine",
    }


def test_a_reward_without_kwargs_gets_what_it_names_only() -> None:
    assert called_with(keyword_only, sample("24", source="mine", tolerance=5)).keys() == {
        "messages",
        "ground_truth",
        "tolerance",
    }
    assert called_with(only_messages, sample("24", source="mine")).keys() == {"messages"}


def test_the_reference_in_the_dataset_is_not_shown_to_the_reward_beside_the_response() -> None:
    row = Row("a", ({"role": "user", "content": "?"}, {"role": "assistant", "content": "reference"}), "g", {}, 1)

    shown = called_with(pointwise, Sample(row, {"role": "assistant", "content": "other"}))["messages"]
    assert [message["content"] for message in shown] == ["?", "other"]


def test_batch_gets_the_rollouts_of_one_row() -> None:
    def with_its_own_name(rollouts_messages, ground_truth_for_eval, **kwargs): ...  # type: ignore[no-untyped-def]

    arguments = called_with(batch, sample("24"))
    assert [messages[-1]["content"] for messages in arguments["rollouts_messages"]] == ["24"]
    assert arguments["ground_truth"] == "24"
    assert called_with(with_its_own_name, sample("24"))["ground_truth_for_eval"] == "24"


def test_trl_gets_lists_with_a_value_a_row_and_conversational_completions() -> None:
    arguments = called_with(trl, sample("1", gold="x", level=3), sample("2", gold="y", other="z"))

    assert arguments["completions"] == [[{"role": "assistant", "content": text}] for text in ("1", "2")]
    assert [[m["role"] for m in prompt] for prompt in arguments["prompts"]] == [["system", "user"]] * 2
    assert arguments["ground_truth"] == ["x", "y"]
    assert (arguments["level"], arguments["other"]) == ([3, None], [None, "z"])


def typed_new(completions: list[str], prompts: list[str]) -> list[float]: ...  # type: ignore[empty-body]
def typed_old(completions: typing.List[str], **kwargs: Any) -> list[float]: ...  # type: ignore[empty-body]  # noqa: UP006
def typed_abstract(completions: Sequence[str], **kwargs: Any) -> list[float]: ...  # type: ignore[empty-body]


class TypedObject:
    def __call__(self, completions: list[str], **kwargs: Any) -> list[float]: ...  # type: ignore[empty-body]


@pytest.mark.parametrize(
    "function", [typed_new, typed_old, typed_abstract, TypedObject(), functools.partial(typed_old, weight=1)]
)
def test_a_trl_reward_annotated_for_texts_gets_texts(function: Any) -> None:
    assert called_with(function, sample("1"), sample("2"))["completions"] == ["1", "2"]


def test_verl_gets_the_response_as_text_and_the_columns_as_extra_info() -> None:
    arguments = called_with(verl, sample("24", data_source="gsm8k", level=3))

    assert arguments == {
        "data_source": "gsm8k",
        "solution_str": "24",
        "ground_truth": "24",
        "extra_info": {"data_source": "gsm8k", "level": 3},
    }


def test_openrlhf_gets_queries_that_hold_prompt_and_response() -> None:
    arguments = called_with(openrlhf, sample("24"), sample("25", gold="7"))

    assert arguments == {
        "queries": ["Be brief.\n6 * 4?24", "Be brief.\n6 * 4?25"],
        "prompts": ["Be brief.\n6 * 4?"] * 2,
        "labels": ["24", "7"],
    }


def test_reasoning_given_apart_stands_before_the_text_that_trainers_would_decode() -> None:
    thinking = Sample(sample().row, {"role": "assistant", "content": "24", "reasoning_content": "6*4"})

    assert called_with(verl, thinking)["solution_str"] == "<think>\n6*4\n</think>\n\n24"


def test_content_in_parts_and_no_content_become_text() -> None:
    parts = [{"type": "text", "text": "2"}, {"type": "text", "text": "4"}]

    assert called_with(verl, Sample(sample().row, {"role": "assistant", "content": parts}))["solution_str"] == "24"
    assert called_with(verl, Sample(sample().row, {"role": "assistant", "content": None}))["solution_str"] == ""


@pytest.mark.parametrize("function", [trl, batch])
def test_a_column_never_stands_for_what_is_graded(function: Any) -> None:
    """A dataset of the right answers in a column `completions` would pass whatever the model says."""
    forged = dict.fromkeys(("prompts", "completions", "rollouts_messages", "messages"), "right answer")
    arguments = called_with(function, sample("wrong answer", **forged))

    response = arguments["completions" if function is trl else "rollouts_messages"]
    assert response[0][-1]["content"] == "wrong answer"


def test_a_reward_that_changes_its_arguments_does_not_change_the_row() -> None:
    one = sample("24")
    as_reward(lambda messages: messages[-1].update(content="changed") or messages.clear()).call([one], 1.0)

    assert one.messages[-1]["content"] == "24"
    assert len(one.messages) == 3


def test_annotations_that_cannot_be_resolved_do_not_matter() -> None:
    def grade(completions: NotThere, other: typing.Missing = 1, **kwargs: Any) -> Nothing: ...  # type: ignore  # noqa: F821

    assert as_reward(grade).shape.title == "TRL"
    assert as_reward(reward_function(grade)).shape.title == "TRL"


# -- what comes back -----------------------------------------------------------------------------------------------


class ArrayLike:
    """What numpy arrays and tensors have in common."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def tolist(self) -> Any:
        return self.values


def trl_returning(answer: Any) -> Reward:
    return as_reward(lambda completions, **kwargs: answer, "mine")


THREE = [sample(str(n), row_id=str(n)) for n in range(3)]


@pytest.mark.parametrize(
    "answer", [[1.0, 0.0, None], (1.0, 0.0, None), ArrayLike([1.0, 0.0, None])], ids=["list", "tuple", "array"]
)
def test_a_list_of_one_reward_a_completion_is_read_in_order(answer: Any) -> None:
    assert trl_returning(answer).call(THREE, 1.0) == [1.0, 0.0, None]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ([1.0], "returned 1 rewards for 3 completions"),
        ([1.0] * 4, "returned 4 rewards for 3 completions"),
        ([], "returned 0 rewards for 3 completions"),
        (1.0, "returned float, not a list of 3 rewards"),
        (None, "returned NoneType, not a list of 3 rewards"),
        ("111", "returned str, not a list of 3 rewards"),
        (b"111", "returned bytes, not a list of 3 rewards"),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "returned dict, not a list of 3 rewards"),
        ({1.0, 0.5, 0.0}, "returned set, not a list of 3 rewards"),
        ((1.0 for _ in range(3)), "returned generator, not a list of 3 rewards"),
        (ArrayLike(1.0), "returned ArrayLike, not a list of 3 rewards"),
        (ArrayLike([1.0]), "returned 1 rewards for 3 completions"),
        (EvaluateResult(score=1.0), "returned EvaluateResult, not a list of 3 rewards"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_one_reward_is_never_spread_over_several_completions(answer: Any, problem: str) -> None:
    with pytest.raises(RewardShapeError, match=problem):
        trl_returning(answer).call(THREE, 1.0)


def test_openrlhf_may_return_its_rewards_in_a_dict() -> None:
    reward = as_reward(lambda queries, prompts, labels: {"rewards": ArrayLike([0.0, 1.0, 0.5]), "extra_logs": {}})

    assert reward.call(THREE, 1.0) == [0.0, 1.0, 0.5]


def test_a_batch_reward_returns_a_list_even_for_one_rollout() -> None:
    assert as_reward(lambda rollouts_messages: [0.5]).call([THREE[0]], 1.0) == [0.5]
    with pytest.raises(RewardShapeError, match="returned float, not a list of 1"):
        as_reward(lambda rollouts_messages: 0.5).call([THREE[0]], 1.0)


def test_async_rewards_of_every_shape_are_awaited() -> None:
    async def one(messages: Any) -> float:
        await asyncio.sleep(0)
        return float(messages[-1]["content"])

    async def many(completions: list[str], **kwargs: Any) -> list[float]:
        return [float(text) for text in completions]

    async def rollouts(rollouts_messages: Any) -> list[float]:
        return [float(rollouts_messages[0][-1]["content"])]

    @reward_function
    async def decorated(messages: list[Message], **kwargs: Any) -> EvaluateResult:
        return EvaluateResult(score=float(messages[-1].content or "nan"))

    assert as_reward(one).call(THREE, 1.0) == [0.0, 1.0, 2.0]
    assert as_reward(many).call(THREE, 1.0) == [0.0, 1.0, 2.0]
    assert as_reward(rollouts).call(THREE, 1.0) == [0.0, 1.0, 2.0]
    assert [result.score for result in as_reward(decorated).call(THREE, 1.0)] == [0.0, 1.0, 2.0]


async def answer_of(messages: Any) -> float:
    await asyncio.sleep(0)
    return float(messages[-1]["content"])


@functools.wraps(answer_of)
def passes_the_coroutine_on(messages: Any) -> Any:
    return answer_of(messages)


@functools.wraps(answer_of)
def runs_the_coroutine(messages: Any) -> Any:
    return asyncio.run(answer_of(messages))


@pytest.mark.parametrize("wrapper", [passes_the_coroutine_on, runs_the_coroutine, lambda messages: answer_of(messages)])
def test_a_plain_wrapper_of_an_async_reward_works_whether_it_awaits_or_not(wrapper: Any) -> None:
    assert as_reward(wrapper).call(THREE, 1.0) == [0.0, 1.0, 2.0]


def test_async_calls_on_several_rows_wait_together() -> None:
    waiting = []

    async def grade(messages: Any) -> Mapping[str, float]:
        waiting.append(1)
        while len(waiting) < len(THREE):
            await asyncio.sleep(0)
        return {"score": 1.0}

    assert len(as_reward(grade).call(THREE, 5.0)) == 3


def test_an_async_call_over_its_deadline_ends() -> None:
    async def grade(messages: Any) -> float:
        await asyncio.sleep(60)
        return 1.0

    with pytest.raises(DeadlineError):
        as_reward(grade).call(THREE, 0.01)
