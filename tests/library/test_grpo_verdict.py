"""What a smoke run comes to, where training alone would say too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reward_kit.gates import Decision, Gate
from reward_kit.grpo.probe import probe
from reward_kit.grpo.shapes import Decoy, Margin, Plan, Smoke, Training, TrainingRow
from reward_kit.grpo.verdict import decide
from reward_kit.models import Row
from reward_kit.verdict import Scale

Pays = Callable[[str, str], float | None]


def training_row(number: int) -> TrainingRow:
    row = Row(f"row-{number}", ({"role": "user", "content": f"{number} + 0?"},), str(number), {}, number)
    decoys = (Decoy("wrong value", f"\\boxed{{{number + 1}}}"), Decoy("unboxed", str(number)), Decoy("empty", ""))
    return TrainingRow(row, f"\\boxed{{{number}}}", decoys)


ROWS = tuple(training_row(number) for number in (21, 340, 55, 8901, 97, 63, 42, 18))


def boxed(text: str, truth: str) -> float:
    return float(text == f"\\boxed{{{truth}}}")


def margins_gate(pays: Pays) -> Gate:
    """Of a run in which all margins rose, as they may by what other rows taught, or by chance."""

    def reward(completions: list[Any], ground_truth: list[str], **kwargs: Any) -> list[float | None]:
        return [pays(c[0]["content"], truth) for c, truth in zip(completions, ground_truth, strict=True)]

    plan = Plan(ROWS, Scale(), Path("log"))
    rose = tuple(Margin(row.row.id, decoy.name, 0.0, 2.0) for row in ROWS for decoy in row.decoys)
    logs = tuple({"reward": n / 10, "loss": 0.0, "grad_norm": 1.0, "frac_reward_zero_std": 0.0} for n in range(4))
    seen = Training(80, 0.9, steps=4, logs=logs, margins=rose, changed=1, parameters=1)
    return decide(Smoke(plan, probe=probe(reward, ROWS, 16, plan.scale), training=seen))["margins"]


BLIND: dict[str, Pays] = {
    "an error caught and scored 0": lambda text, truth: boxed(text, truth) if truth != "55" else 0.0,
    "everything right in a row": lambda text, truth: boxed(text, truth) if truth != "55" else 1.0,
    "the sign of a row turned": lambda text, truth: boxed(text, truth) if truth != "55" else 1 - boxed(text, truth),
    "a gold that is not judged": lambda text, truth: boxed(text, truth) if truth != "55" else None,
}


@pytest.mark.parametrize("name", BLIND)
def test_a_row_that_the_reward_does_not_teach_fails_whatever_its_margins_did(name: str) -> None:
    gate = margins_gate(BLIND[name])
    assert gate.decision is Decision.FAILED
    assert "row-55" in gate.reason


SEEING: dict[str, Pays] = {
    "right or wrong": boxed,
    "a bonus for the box": lambda text, truth: 0.8 * boxed(text, truth) + 0.2 * ("boxed" in text),
    "a range of its own": lambda text, truth: 0.5 * boxed(text, truth),
    "abstains without a box": lambda text, truth: boxed(text, truth) if "boxed" in text else None,
}


@pytest.mark.parametrize("name", SEEING)
def test_a_row_that_the_reward_teaches_passes(name: str) -> None:
    assert margins_gate(SEEING[name]).decision is Decision.PASSED


@pytest.mark.parametrize(("phase", "part"), [("", "prompts"), ("warm-up", "warm_up"), ("training", "liveness")])
def test_a_run_that_broke_fails_the_part_it_was_at(phase: str, part: str) -> None:
    seen = probe(lambda completions, **given: [0.0] * len(completions), ROWS, 16, Scale()) if phase else None
    plan = Plan(ROWS, Scale(), Path("log"))
    calm = replace(seen, defects=()) if seen else None
    gates = decide(Smoke(plan, probe=calm, failure="it said nothing for too long", phase=phase))
    assert [name for name, gate in gates.items() if gate.decision is Decision.FAILED] == [part]
