"""The reward called as TRL would call it: every defect ends in its own name, and good rewards of every kind in none."""

from __future__ import annotations

import asyncio
import functools
import random
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from reward_kit import EvaluateResult
from reward_kit.grpo.probe import probe
from reward_kit.grpo.shapes import Decoy, Probe, TrainingRow
from reward_kit.models import Row, Sample
from reward_kit.reward import as_reward
from reward_kit.verdict import Scale

Reward = Callable[..., Any]


def training_row(number: int, **columns: Any) -> TrainingRow:
    prompt = ({"role": "system", "content": "Answer in \\boxed{}."}, {"role": "user", "content": f"{number} + 0?"})
    row = Row(f"row-{number}", prompt, str(number), {"source": "own", **columns}, number)
    decoys = (Decoy("wrong value", f"\\boxed{{{number + 1}}}"), Decoy("unboxed", str(number)), Decoy("empty", ""))
    return TrainingRow(row, f"\\boxed{{{number}}}", decoys)


ROWS = tuple(training_row(number) for number in (21, 34, 55, 89, 97, 63, 42, 18))


def probed(
    reward: Reward, rows: tuple[TrainingRow, ...] = ROWS, low: float = 0.0, high: float = 1.0, **more: Any
) -> Probe:
    return probe(reward, rows, 16, Scale(low, high), **more)


def names(reward: Reward, *args: Any, **more: Any) -> list[str]:
    return [defect.name for defect in probed(reward, *args, **more).defects]


def texts(completions: list[Any]) -> list[str]:
    return [completion[0]["content"] for completion in completions]


def right(text: str, truth: str) -> float:
    return 1.0 if re.fullmatch(r"\\boxed\{(\d+)\}", text) and text[7:-1] == truth else 0.0


def good(completions, ground_truth, **kwargs):
    return [right(text, truth) for text, truth in zip(texts(completions), ground_truth, strict=True)]


def adapted(function: Reward) -> Reward:
    """A tiny stand-in for the adapter of other call shapes."""
    reward = as_reward(function)

    def adapter(prompts, completions, ground_truth, trainer_state, log_extra, log_metric, completion_ids, **columns):
        samples = [
            Sample(Row("", tuple(prompt), truth, {n: c[i] for n, c in columns.items()}, 1), completion[0])
            for i, (prompt, completion, truth) in enumerate(zip(prompts, completions, ground_truth, strict=True))
        ]
        return [float(getattr(value, "score", value)) for value in (reward.call([one], 5)[0] for one in samples)]

    return adapter


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    """The noise of these tests is the same in every run."""
    state = random.getstate()
    random.seed(6)
    yield
    random.setstate(state)


# -- good rewards of every kind ------------------------------------------------------------------------------------


def with_settings(completions, ground_truth, tolerance=1e-6, style=None, weights=(1.0,), **kwargs):
    return good(completions, ground_truth)


def with_everything(prompts, completions, completion_ids, ground_truth, source, trainer_state, log_extra, log_metric):
    log_metric("seen", float(trainer_state.global_step))
    log_extra("source", source)
    assert all(completion_ids[0])
    assert prompts[0][-1]["role"] == "user"
    return good(completions, ground_truth)


def noisy(completions, ground_truth, **kwargs):
    return [1 - value if random.random() < 0.2 else value for value in good(completions, ground_truth)]


def normalised(completions, ground_truth, **kwargs):
    """Over groups of sixteen, as a trainer with another advantage would."""
    values = good(completions, ground_truth)
    means = [sum(values[start : start + 16]) / 16 for start in range(0, len(values), 16)]
    return [value - means[i // 16] for i, value in enumerate(values)]


def groups_of_sixteen(completions, ground_truth, **kwargs):
    if len(completions) % 16:
        raise ValueError("not a whole group")
    return good(completions, ground_truth)


def abstains_on_some(completions, ground_truth, **kwargs):
    return [
        None if text == "" else right(text, truth) for text, truth in zip(texts(completions), ground_truth, strict=True)
    ]


def one_by_one(completions, ground_truth, **kwargs):
    yield from good(completions, ground_truth)


def partly_paid(completions, ground_truth, **kwargs):
    return [
        max(value, 0.1 if "boxed" in t else 0.0)
        for value, t in zip(good(completions, ground_truth), texts(completions), strict=True)
    ]


class Counter:
    """Rewards keep counts, and some judge by them."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, completions, ground_truth, **kwargs):
        self.calls += 1
        return [value * (1 - 0.01 * self.calls) for value in good(completions, ground_truth)]


async def judged(completions, ground_truth, **kwargs):
    await asyncio.sleep(0)
    return good(completions, ground_truth)


class Judge:
    """A judge whose client belongs to the event loop it was first used on."""

    def __init__(self) -> None:
        self.loop: Any = None

    async def __call__(self, completions, ground_truth, **kwargs):
        self.loop = self.loop or asyncio.get_running_loop()
        assert self.loop is asyncio.get_running_loop()
        return good(completions, ground_truth)


def runs_its_own_loop(completions, ground_truth, **kwargs):
    return asyncio.run(judged(completions, ground_truth))


def inverted(completions, ground_truth, **kwargs):
    return [1 - value for value in good(completions, ground_truth)]


def by_length(completions, **kwargs):
    return [len(text) / 100 for text in texts(completions)]


GOOD: list[Reward] = [
    good,
    with_settings,
    with_everything,
    noisy,
    groups_of_sixteen,
    abstains_on_some,
    one_by_one,
    partly_paid,
    Counter(),
    judged,
    Judge(),
    runs_its_own_loop,
    functools.partial(with_settings, tolerance=1e-3),
    functools.partial(judged),
]


def name_of(reward: Reward) -> str:
    return getattr(reward, "__name__", type(reward).__name__)


@pytest.mark.parametrize("reward", GOOD, ids=name_of)
def test_good_rewards_have_no_defect(reward: Reward) -> None:
    seen = probed(reward)

    assert seen.defects == ()
    assert fmean(score.gold or 0.0 for score in seen.scores) > 0.5


def test_a_reward_normalised_over_its_batch_has_no_defect() -> None:
    assert names(normalised, ROWS, -1.0, 1.0) == []


@pytest.mark.parametrize(
    "reward", [inverted, by_length, lambda completions, **kwargs: [random.random() for _ in completions]]
)
def test_rewards_that_pay_the_wrong_thing_are_left_to_the_training(reward: Reward) -> None:
    assert names(reward) == []


def test_scores_are_kept_as_evidence() -> None:
    seen = probed(inverted)

    assert seen.deterministic
    assert seen.scores[0].gold == 0
    assert seen.scores[0].decoys == {"wrong value": 1.0, "unboxed": 1.0, "empty": 1.0}
    assert seen.record is not None
    assert seen.record.columns == {"ground_truth": "str", "source": "str"}


def test_a_noisy_reward_is_not_deterministic_and_its_scores_are_means() -> None:
    seen = probed(noisy)

    assert not seen.deterministic
    assert 0 < sum(score.gold or 0 for score in seen.scores) < len(ROWS)


# -- what breaks a call --------------------------------------------------------------------------------------------


def test_what_a_reward_raises_is_shown_with_its_line() -> None:
    def reward(completions, ground_truth, **kwargs):
        return [float(text) for text in texts(completions)]

    (defect,) = probed(reward).defects

    assert defect.name == "reward_raises"
    assert "could not convert string to float" in defect.problem
    assert re.search(r"test_grpo_probe\.py:\d+", defect.problem)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ([1.0], "1 values for 128 completions"),
        (0.5, "float 0.5"),
        (None, "returns None"),
        (["1.0"] * 128, "str '1.0'"),
        ([{"score": 1.0}] * 128, "dict"),
        ([EvaluateResult(score=1.0)] * 128, "EvaluateResult"),
        (EvaluateResult(score=1.0), "EvaluateResult"),
        ({"score": [1.0] * 128}, "dict"),
        ([[1.0]] * 128, "list [1.0]"),
    ],
)
def test_returns_that_trl_cannot_take(returned: Any, words: str) -> None:
    (defect,) = probed(lambda completions, **kwargs: returned).defects

    assert defect.name == "wrong_return"
    assert words in defect.problem


async def leaves(completions, **kwargs):
    raise SystemExit(0)


def fails(completions, **kwargs):
    pytest.fail("not a reward's business")


@pytest.mark.parametrize("reward", [leaves, fails], ids=name_of)
def test_a_reward_that_leaves_is_one_that_raises(reward: Reward) -> None:
    assert names(reward) == ["reward_raises"]


def test_a_coroutine_nobody_awaits() -> None:
    assert names(lambda completions, ground_truth, **kwargs: judged(completions, ground_truth)) == ["wrong_return"]


def test_no_kwargs() -> None:
    def reward(completions, ground_truth):
        return good(completions, ground_truth)

    (defect,) = probed(reward).defects

    assert defect.name == "needs_kwargs"
    assert "trainer_state" in defect.problem


def test_a_required_column_that_is_not_there() -> None:
    def reward(completions, groundtruth, **kwargs):
        return good(completions, groundtruth)

    (defect,) = probed(reward).defects

    assert defect.name == "missing_column"
    assert "Did you mean ground_truth?" in defect.remedy


# -- columns -------------------------------------------------------------------------------------------------------


def misspelt_constant(completions, answers=None, **kwargs):
    return good(completions, answers) if answers else [0.0] * len(completions)


def misspelt_raises(completions, ground_truths=None, **kwargs):
    return good(completions, ground_truths)


def misspelt_abstains(completions, grund_truth=None, **kwargs):
    return good(completions, grund_truth) if grund_truth else [None] * len(completions)


def misspelt_in_part(completions, groundtruth=None, **kwargs):
    truths = groundtruth or [""] * len(completions)
    return [right(t, g) or (0.1 if "boxed" in t else 0.0) for t, g in zip(texts(completions), truths, strict=True)]


def misspelt_and_noisy(completions, groundtruth=None, **kwargs):
    values = good(completions, groundtruth) if groundtruth else [0.0] * len(completions)
    return [1 - value if random.random() < 0.2 else value for value in values]


MISSPELT = [misspelt_constant, misspelt_raises, misspelt_abstains, misspelt_in_part, misspelt_and_noisy]


@pytest.mark.parametrize("reward", MISSPELT, ids=name_of)
def test_a_misspelt_optional_column(reward: Reward) -> None:
    (defect,) = probed(reward).defects

    assert defect.name == "misspelt_column"
    assert "Did you mean ground_truth?" in defect.remedy


def test_a_misspelt_column_shows_where_the_completions_have_another_format_than_the_reward() -> None:
    """Without the column it compares nothing with nothing, and pays; with the column it still pays no box."""

    def by_last_line(completions, ground_thruth=None, **kwargs):
        truths = ground_thruth or [None] * len(completions)
        found = [re.search(r"#### (\d+)$", text) for text in texts(completions)]
        return [float((match and match[1]) == truth) for match, truth in zip(found, truths, strict=True)]

    (defect,) = probed(by_last_line).defects

    assert defect.name == "misspelt_column"
    assert "Did you mean ground_truth?" in defect.remedy


def test_a_setting_near_a_column_is_no_column_where_the_reward_says_nothing() -> None:
    def constant(completions, ground_truth, sources="mine", **kwargs):
        return [0.5] * len(completions)

    assert names(constant) == ["constant_reward"]


def test_a_misspelt_optional_column_behind_an_adapter() -> None:
    def pointwise(messages, groundtruth=None):
        return right(messages[-1]["content"], groundtruth) if groundtruth else 0.0

    (defect,) = probed(adapted(pointwise), user_reward=pointwise).defects

    assert defect.name == "misspelt_column"
    assert "groundtruth" in defect.problem


def test_a_good_reward_behind_an_adapter_has_no_defect() -> None:
    def pointwise(messages, ground_truth, tolerance=1e-6):
        return EvaluateResult(score=right(messages[-1]["content"], ground_truth))

    assert names(adapted(pointwise), user_reward=pointwise) == []


def test_a_parameter_that_trl_never_fills() -> None:
    def reward(completions, ground_truth, completion=None, **kwargs):
        return good(completions, ground_truth)

    assert names(reward) == ["reserved_column"]


def test_a_column_that_trl_keeps_to_itself() -> None:
    def reward(completions, **kwargs):
        return good(completions, kwargs.get("completion", [None] * len(completions)))

    rows = tuple(training_row(number, completion=str(number)) for number in (21, 34, 55))

    assert names(reward, rows) == ["reserved_column"]
    seen = probed(good, rows)
    assert seen.defects == ()
    assert seen.record is not None  # of TRL's own calls only, not of those that looked for the cause
    assert seen.record.columns.keys() == {"ground_truth", "source"}


def test_messages_taken_for_strings_by_a_reward_of_another_format_than_the_golds_here() -> None:
    said = {"role": "assistant"}
    rows = tuple(
        replace(one, row=replace(one.row, messages=(*one.row.messages, said | {"content": f"#### {one.row.id[4:]}"})))
        for one in ROWS
    )

    def by_line(completions, ground_truth, **kwargs):
        return [
            float(f"#### {truth}" in completion) for completion, truth in zip(completions, ground_truth, strict=True)
        ]

    def raises(completions, ground_truth, **kwargs):
        return [float(c.endswith(f"#### {truth}")) for c, truth in zip(completions, ground_truth, strict=True)]

    assert [names(reward, rows) for reward in (by_line, raises)] == [["messages_as_strings"]] * 2


def test_messages_taken_for_strings() -> None:
    def by_len(completions, **kwargs):
        return [len(completion) / 100 for completion in completions]

    def by_pattern(completions, ground_truth, **kwargs):
        return [right(completion, truth) for completion, truth in zip(completions, ground_truth, strict=True)]

    def swallowed(completions, ground_truth, **kwargs):
        return [float(c == f"\\boxed{{{g}}}") for c, g in zip(completions, ground_truth, strict=True)]

    assert [names(reward) for reward in (by_len, by_pattern, swallowed)] == [["messages_as_strings"]] * 3


# -- values --------------------------------------------------------------------------------------------------------


def test_values_that_cannot_teach() -> None:
    def always(value: Any) -> Reward:
        return lambda completions, **kwargs: [value] * len(completions)

    assert names(always(None)) == ["abstains_everywhere"]
    assert names(always(float("nan"))) == ["not_finite"]
    assert names(always(float("inf"))) == ["not_finite"]
    assert names(always(0.5)) == ["constant_reward"]
    assert names(lambda completions, **kwargs: [0.5 + 1e-6 * i / 128 for i in range(len(completions))]) == [
        "constant_reward"
    ]


def test_odd_values_among_good_ones() -> None:
    def odd(value: float) -> Reward:
        return lambda completions, ground_truth, **kwargs: [
            value if v else 0.0 for v in good(completions, ground_truth)
        ]

    assert names(odd(float("inf"))) == ["not_finite"]
    assert names(odd(float("nan"))) == ["not_finite"]
    (defect,) = probed(odd(100.0)).defects
    assert defect.name == "out_of_range"
    assert "100" in defect.problem


# -- threads -------------------------------------------------------------------------------------------------------


def with_signal(completions, ground_truth, **kwargs):
    signal.signal(signal.SIGUSR1, signal.getsignal(signal.SIGUSR1))
    return good(completions, ground_truth)


async def async_with_signal(completions, ground_truth, **kwargs):
    return with_signal(completions, ground_truth)


def signal_swallowed(completions, ground_truth, **kwargs):
    try:
        return with_signal(completions, ground_truth)
    except ValueError:
        return [0.0] * len(completions)


async def async_signal_swallowed(completions, ground_truth, **kwargs):
    return signal_swallowed(completions, ground_truth)


@pytest.mark.parametrize("reward", [async_with_signal, async_signal_swallowed], ids=name_of)
def test_async_rewards_that_work_in_the_main_thread_alone(reward: Reward) -> None:
    assert names(reward) == ["needs_main_thread"]


@pytest.mark.parametrize("reward", [with_signal, signal_swallowed], ids=name_of)
def test_trl_calls_functions_in_the_main_thread_so_others_are_warned_of(reward: Reward) -> None:
    seen = probed(reward)
    assert not seen.defects
    assert [caution.name for caution in seen.cautions] == ["needs_main_thread"]
    assert not probed(good).cautions


# -- a think tag that the template has opened ------------------------------------------------------------------------


def wants_both_tags(completions, ground_truth, **kwargs):
    return [
        float("<think>" in text and right(text.rpartition("</think>")[2].strip(), truth) == 1.0)
        for text, truth in zip(texts(completions), ground_truth, strict=True)
    ]


def reads_what_follows_thinking(completions, ground_truth, **kwargs):
    return [
        right(t.rpartition("</think>")[2].strip(), g) for t, g in zip(texts(completions), ground_truth, strict=True)
    ]


def test_whether_a_prefilled_think_tag_matters_is_up_to_the_reward() -> None:
    thinking = [replace(row, gold=f"<think>\nSums.\n</think>\n\n{row.gold}") for row in ROWS]
    assert not probe(wants_both_tags, thinking, 8, Scale()).reads_closed_thinking
    assert probe(reads_what_follows_thinking, thinking, 8, Scale()).reads_closed_thinking
    assert probed(reads_what_follows_thinking).reads_closed_thinking


# -- order and neighbours ------------------------------------------------------------------------------------------


def test_values_in_reversed_order() -> None:
    (defect,) = probed(lambda completions, ground_truth, **kwargs: good(completions, ground_truth)[::-1]).defects

    assert defect.name == "reversed_order"
    assert "reversed" in defect.problem


def test_values_in_another_order() -> None:
    assert names(lambda completions, ground_truth, **kwargs: sorted(good(completions, ground_truth))) == [
        "reversed_order"
    ]


def test_the_first_ground_truth_for_all() -> None:
    def reward(completions, ground_truth, **kwargs):
        return [right(text, ground_truth[0]) for text in texts(completions)]

    def last(completions, ground_truth, **kwargs):
        return [right(text, ground_truth[-1]) for text in texts(completions)]

    assert names(reward) == ["first_ground_truth"]
    assert names(last) == ["last_ground_truth"]


def test_no_claim_of_order_where_a_reward_is_not_deterministic() -> None:
    assert names(lambda completions, ground_truth, **kwargs: noisy(completions, ground_truth)[::-1]) == []
