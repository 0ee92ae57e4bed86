"""Step `local`: every reference is graded, and a row without one is not passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reward_kit import Outcome
from reward_kit.gates import Decision
from reward_kit.models import Row, Sample
from reward_kit.steps import STEPS
from reward_kit.steps.base import RateSettings
from reward_kit.steps.local import LocalStep
from reward_kit.verdict import Verdict

USER = {"role": "user", "content": "6 * 4?"}
ROWS = [
    Row("with", (USER, {"role": "assistant", "content": "24"}), "24", {}, 1),
    Row("without", (USER,), "24", {}, 2),
    Row("other", (USER, {"role": "assistant", "content": "25"}), "24", {}, 3),
]


def step(**limits: Any) -> LocalStep:
    return LocalStep(RateSettings(**limits), Path(), ROWS)


def exact(samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
    """Grades backwards, as workers may."""
    for position, sample in reversed(list(enumerate(samples))):
        right = sample.response["content"] == sample.row.ground_truth
        yield position, Verdict(sample.row.id, Outcome.PASSED if right else Outcome.WRONG_ANSWER)


context = SimpleNamespace(grade=exact)


def test_each_row_gets_one_verdict_and_a_missing_reference_is_a_defect() -> None:
    verdicts = {verdict.row_id: verdict.outcome for verdict in step().evaluate(ROWS, context)}

    assert verdicts == {"with": Outcome.PASSED, "without": Outcome.GOLD_DEFECT, "other": Outcome.WRONG_ANSWER}


def test_a_missing_reference_stays_in_the_denominator() -> None:
    verdicts = list(step().evaluate(ROWS[:2], context))

    assert step(pass_rate=0.5).gates(verdicts)["gate"].decision is Decision.PASSED
    assert step(pass_rate=0.6).gates(verdicts)["gate"].decision is Decision.FAILED


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_error_is_never_tolerated_and_a_strict_step_tolerates_nothing(outcome: Outcome) -> None:
    verdict = Verdict("a", outcome)

    assert not step().tolerates(verdict)
    assert step(pass_rate=0.9).tolerates(verdict) == (not outcome.is_error)
    assert step(max_abstained=0.1).tolerates(verdict) == (outcome is Outcome.ABSTAINED)


def test_steps_have_names_of_their_own() -> None:
    assert [step.name for step in STEPS] == ["data", "local", "controls", "preview", "regenerate", "grpo"]
