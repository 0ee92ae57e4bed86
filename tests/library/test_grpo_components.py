"""The probe of a composite: each component's defects under its name, and what they pay together as TRL adds it up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reward_kit.grpo.components import Component, probe_components
from reward_kit.grpo.probe import probe
from reward_kit.grpo.shapes import Decoy, Probe, TrainingRow
from reward_kit.models import Row
from reward_kit.verdict import Scale

Reward = Callable[..., Any]


def training_row(number: int) -> TrainingRow:
    row = Row(f"row-{number}", ({"role": "user", "content": f"{number} + 0?"},), str(number), {}, number)
    return TrainingRow(row, f"\\boxed{{{number}}}", (Decoy("wrong value", "\\boxed{7}"), Decoy("unboxed", str(number))))


ROWS = tuple(training_row(number) for number in (21, 34, 55, 89, 97, 63, 42, 18))


def right(completions, ground_truth, **kwargs):
    pairs = zip(completions, ground_truth, strict=True)
    return [float(completion[0]["content"] == f"\\boxed{{{truth}}}") for completion, truth in pairs]


def boxed(completions, **kwargs):
    return [float(completion[0]["content"].startswith("\\boxed")) for completion in completions]


def short(completions, **kwargs):
    return [1.0 for _ in completions]


def nothing(completions, **kwargs):
    return [None for _ in completions]


def nothing_of_wrong(completions, ground_truth, **kwargs):
    return [value or None for value in right(completions, ground_truth)]


def broken(completions, **kwargs):
    raise ValueError("no sandbox")


def infinite(completions, ground_truth, **kwargs):
    return [float("inf") if value else 0.0 for value in right(completions, ground_truth)]


def probed(*weighted: tuple[Reward, float]) -> Probe:
    return probe_components([Component(one, one, weight) for one, weight in weighted], ROWS, 8, Scale())


def told(found: Probe) -> tuple[list[str], list[str]]:
    return [str(one) for one in found.defects], [str(one) for one in found.cautions]


def test_a_reward_of_one_function_is_probed_as_it_always_was() -> None:
    assert probed((right, 1.0)) == probe(right, ROWS, 8, Scale(), right)


def test_components_are_paid_by_weight() -> None:
    found = probed((right, 0.75), (boxed, 0.25))
    assert found.defects == ()
    assert [(one.gold, one.decoys) for one in found.scores] == [(1.0, {"wrong value": 0.25, "unboxed": 0.0})] * 8


def test_what_abstains_is_left_out_of_the_sum_as_trl_does() -> None:
    found = probed((nothing_of_wrong, 0.75), (boxed, 0.25)).scores[0]
    assert (found.gold, found.decoys) == (1.0, {"wrong value": 0.25, "unboxed": 0.0})
    assert probed((nothing_of_wrong, 1.0), (nothing, 1.0)).scores[0].decoys["unboxed"] is None


@pytest.mark.parametrize("order", [((right, 0.8), (broken, 0.2)), ((broken, 0.2), (right, 0.8))], ids=["last", "first"])
def test_a_broken_component_is_named_wherever_it_stands(order: Any) -> None:
    found = probed(*order)
    [(defect), *more] = found.defects
    assert (defect.name, more) == ("reward_raises", [])
    assert defect.problem.startswith("broken: the reward raises ValueError: no sandbox")
    assert found.scores == ()


def test_every_component_says_what_is_wrong_with_it() -> None:
    defects, _ = told(probed((infinite, 0.5), (broken, 0.5)))
    assert [text.partition(":")[0] for text in defects] == ["infinite", "broken"]


@pytest.mark.parametrize("silent", [short, nothing])
def test_a_component_with_nothing_to_say_is_a_caution_beside_one_that_tells(silent: Reward) -> None:
    defects, cautions = told(probed((silent, 0.5), (right, 0.5)))
    assert defects == []
    assert [text for text in cautions if text.startswith(f"{silent.__name__}: the reward ")]


def test_components_that_all_say_nothing_are_a_defect() -> None:
    names = [defect.name for defect in probed((short, 0.5), (nothing, 0.5)).defects]
    assert names == ["constant_reward", "abstains_everywhere"]


def test_a_component_that_tells_counts_for_nothing_at_weight_0() -> None:
    assert [defect.name for defect in probed((short, 1.0), (right, 0.0)).defects] == ["constant_reward"]


def test_the_record_holds_the_calls_of_all() -> None:
    record = probed((right, 0.5), (nothing, 0.5)).record
    assert record is not None
    assert record.values["finite"] > 0
    assert record.values["none"] > 0
