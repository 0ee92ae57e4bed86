"""A smoke run that failed though nothing was certain ends in one likely cause."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reward_kit.grpo.diagnoses import diagnose
from reward_kit.grpo.probe import probe
from reward_kit.grpo.shapes import CallRecord, Decoy, Margin, Plan, Smoke, Training, TrainingRow, Wrong
from reward_kit.models import Row
from reward_kit.verdict import Scale

Reward = Callable[..., Any]
COLUMNS = {"ground_truth": "str", "source": "str"}
LEARNING: dict[str, Any] = {"reward": 0.5, "frac_reward_zero_std": 0.1, "completions/clipped_ratio": 0.0}


def training_row(number: int) -> TrainingRow:
    row = Row(f"row-{number}", ({"role": "user", "content": f"{number} + 0?"},), str(number), {"source": "own"}, number)
    decoys = (
        Decoy("wrong value", f"\\boxed{{{number + 1}}}", wrong=Wrong.VALUE),
        Decoy("unboxed", str(number), wrong=Wrong.FORMAT),
        Decoy("empty", "", wrong=Wrong.EMPTY),
    )
    return TrainingRow(row, f"\\boxed{{{number}}}", decoys)


ROWS = tuple(training_row(number) for number in (21, 340, 55, 8901, 97, 63, 42, 18))


def text_reward(pays: Callable[[str, str], float]) -> Reward:
    """A TRL reward of a function of text and ground truth."""

    def reward(completions: list[Any], ground_truth: list[str], **kwargs: Any) -> list[float]:
        return [pays(c[0]["content"], truth) for c, truth in zip(completions, ground_truth, strict=True)]

    return reward


def boxed(text: str, truth: str) -> float:
    return float(text == f"\\boxed{{{truth}}}")


def flipped(pays: Callable[[str, str], float]) -> Reward:
    """20 % of the values turned round."""
    return text_reward(lambda text, truth: 1 - pays(text, truth) if random.random() < 0.2 else pays(text, truth))


def training(record: Mapping[str, Any] | None = None, **more: Any) -> Training:
    noted = {"calls": 10, "rows": 1280, "columns": COLUMNS, "conversational": True} | dict(record or {})
    noted = {"values": {"finite": 1280}, "distinct": 2} | noted
    return Training(
        **{"warm_up_steps": 90, "coverage": 0.9, "steps": 10, "logs": (LEARNING,), "record": CallRecord(**noted)} | more
    )


def cause(
    reward: Reward = text_reward(boxed),  # noqa: B008
    seen: Training | None = None,
    failed: tuple[str, ...] = ("margins",),
    **options: Any,
) -> str:
    plan = Plan(ROWS, Scale(), Path("log"), options=options)
    smoke = Smoke(plan, probe=probe(reward, ROWS, 16, plan.scale), training=seen or training())
    return diagnose(smoke, failed).name


@pytest.fixture(autouse=True)
def _seeded() -> None:
    random.seed(6)


# -- what the reward pays for --------------------------------------------------------------------------------------

PAID: list[tuple[str, Callable[[str, str], float]]] = [
    ("inverted_sign", lambda text, truth: 1 - boxed(text, truth)),
    ("length_rewarded", lambda text, truth: len(text) / 100),
    ("length_rewarded", lambda text, truth: 1 - len(text) / 100),
    ("format_rewarded", lambda text, truth: float("\\boxed" in text)),
    ("format_ignored", lambda text, truth: float(truth in text)),
    ("empty_paid", lambda text, truth: float(text == "" or boxed(text, truth))),
    ("gold_refused", lambda text, truth: float(text == truth)),
    ("not_learnt", boxed),
]


@pytest.mark.parametrize(("name", "pays"), PAID)
def test_what_the_reward_pays_for_is_named(name: str, pays: Callable[[str, str], float]) -> None:
    assert cause(text_reward(pays)) == name


@pytest.mark.parametrize(("name", "pays"), [case for case in PAID if case[0] != "length_rewarded"])
def test_a_fifth_of_noise_does_not_hide_it(name: str, pays: Callable[[str, str], float]) -> None:
    assert cause(flipped(pays)) == name


@pytest.mark.parametrize("draw", [random.random, lambda: float(random.random() < 0.5)])
def test_random_values(draw: Callable[[], float]) -> None:
    assert cause(lambda completions, **kwargs: [draw() for _ in completions]) == "random_reward"


def test_right_on_the_first_row_only() -> None:
    def reward(completions: list[Any], ground_truth: list[str], **kwargs: Any) -> list[float]:
        return [boxed(completion[0]["content"], ground_truth[0]) for completion in completions]

    assert cause(reward) == "first_ground_truth"


def test_another_decoy_is_named_in_words() -> None:
    rows = tuple(TrainingRow(r.row, r.gold, (*r.decoys, Decoy("two answers", r.gold + r.decoys[0].text))) for r in ROWS)
    plan = Plan(rows, Scale(), Path("log"))
    reward = text_reward(lambda text, truth: float(text.startswith(f"\\boxed{{{truth}}}")))
    found = diagnose(Smoke(plan, probe=probe(reward, rows, 16, plan.scale), training=training()), ["margins"])

    assert found.name == "decoy_paid"
    assert "two answers" in found.problem


# -- what the training saw -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("not_finite", {"finite": 1279, "nan": 1}),
        ("not_finite", {"finite": 1000, "inf": 280}),
        ("not_finite", {"finite": 1000, "other": 280}),
        ("abstains_everywhere", {"none": 1280}),
        ("abstains_often", {"none": 1000, "finite": 280}),
    ],
)
def test_values_in_training(name: str, values: dict[str, int]) -> None:
    assert cause(seen=training({"values": values})) == name


def test_a_dropped_column_is_named_before_the_constant_that_it_leads_to() -> None:
    seen = training({"columns": {}, "distinct": 1})

    assert cause(seen=seen, remove_unused_columns=True) == "dropped_column"


def test_one_value_in_training() -> None:
    assert cause(seen=training({"distinct": 1})) == "constant_reward"


def test_truncated_completions() -> None:
    logs = ({"completions/clipped_ratio": 0.9}, {"completions/clipped_ratio": 0.4})

    assert cause(seen=training(logs=logs)) == "truncated_completions"


def test_a_warm_up_that_did_not_reach_its_coverage() -> None:
    assert cause(seen=Training(400, 0.6), failed=("warm_up",)) == "not_warmed_up"


def test_rows_too_hard_or_too_easy() -> None:
    plan = Plan(ROWS, Scale(), Path("log"))
    seen = probe(text_reward(boxed), ROWS, 16, plan.scale)

    def problem(reward: float) -> str:
        log = LEARNING | {"reward": reward, "frac_reward_zero_std": 0.9}
        return str(diagnose(Smoke(plan, probe=seen, training=training(logs=(log,))), ["group_signal"]))

    assert "too hard" in problem(0.02)
    assert "too easy" in problem(0.98)


def test_a_single_row_that_the_reward_never_pays_is_named() -> None:
    swallowed = text_reward(lambda text, truth: boxed(text, truth) if truth != "55" else 0.0)

    assert cause(swallowed) == "rows_not_taught"
    assert cause(text_reward(boxed)) == "not_learnt"


def test_wrong_completions_that_are_not_judged_are_not_unlearnt() -> None:
    def reward(completions: list[Any], ground_truth: list[str], **kwargs: Any) -> list[float | None]:
        texts = [(c[0]["content"], truth) for c, truth in zip(completions, ground_truth, strict=True)]
        return [boxed(text, truth) if "boxed" in text else None for text, truth in texts]

    fell = (Margin("row-21", "unboxed", 1.0, 0.5), Margin("row-21", "empty", 1.0, 2.0))
    assert cause(reward, training(margins=fell)) == "abstains_often"


def test_a_reward_normalised_over_its_batch_cannot_rise() -> None:
    held = tuple(LEARNING | {"reward": mean, "reward_std": 0.4} for mean in (0.5, 0.51, 0.49))

    assert cause(seen=training(logs=held), failed=("own_reward",)) == "mean_fixed"
    assert cause(seen=training(logs=held), failed=("own_reward", "margins")) == "not_learnt"


def test_what_was_not_learnt_names_the_margins_that_fell() -> None:
    margins = (Margin("row-21", "unboxed", 1.0, 0.5), Margin("row-21", "empty", 1.0, 2.0))
    plan = Plan(ROWS, Scale(), Path("log"))
    found = diagnose(Smoke(plan, training=training(margins=margins)), ["margins"])

    assert found.name == "not_learnt"
    assert "against: unboxed" in found.problem


def test_there_is_a_cause_where_next_to_nothing_was_seen() -> None:
    assert diagnose(Smoke(Plan(ROWS, Scale(), Path("log"))), []).name == "not_learnt"
