"""The probe of a reward that TRL is given as several functions: each by itself, and what they come to together.

TRL adds up the weighted values of a completion and leaves out what is None (trl/trainer/grpo_trainer.py,
`_generate_and_score_completions`; its default, `multi_objective_aggregation="sum_then_normalize"`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reward_kit.grpo.probe import SILENT, probe
from reward_kit.grpo.recorder import merged
from reward_kit.grpo.shapes import Diagnosis, Probe, Scores, TrainingRow, TrlReward
from reward_kit.integrations.trl.adapters import name_in_logs
from reward_kit.verdict import Scale


@dataclass(frozen=True, slots=True)
class Component:
    """One function as TRL is given it, the user's own behind it, and its weight in the sum."""

    function: TrlReward
    user_reward: Callable[..., Any]
    weight: float = 1.0


def probe_components(
    components: Sequence[Component], rows: Sequence[TrainingRow], generations: int, scale: Scale
) -> Probe:
    """Probe every component; a defect of one is a defect of the reward, and says whose it is.

    A component with nothing to say of golds and decoys (a length limit that all of them keep) is no defect beside one
    that tells them apart: it is a caution.

    Args:
        components: at least one; a single one is probed as a plain reward.
        rows: what is trained on.
        generations: completions a group.
        scale: the declared range, of each component.
    """
    probes = [probe(one.function, rows, generations, scale, one.user_reward) for one in components]
    if len(probes) == 1:
        return probes[0]
    speaks = any(one.weight and not _is_silent(seen) for one, seen in zip(components, probes, strict=True))
    silent = [speaks and _is_silent(seen) for seen in probes]
    weights = [one.weight for one in components]
    return Probe(
        defects=_told(components, ([] if quiet else seen.defects for seen, quiet in zip(probes, silent, strict=True))),
        record=merged([seen.record for seen in probes if seen.record]),
        deterministic=all(seen.deterministic for seen in probes),
        scores=_weighted([seen.scores for seen in probes], weights),
        cautions=_told(
            components,
            ([*(seen.defects if quiet else ()), *seen.cautions] for seen, quiet in zip(probes, silent, strict=True)),
        ),
        reads_closed_thinking=all(seen.reads_closed_thinking for seen in probes),
    )


def _is_silent(seen: Probe) -> bool:
    """Whether nothing is wrong with a component but that it says nothing."""
    return bool(seen.defects) and all(defect.name in SILENT for defect in seen.defects)


def _told(components: Sequence[Component], found: Iterable[Iterable[Diagnosis]]) -> tuple[Diagnosis, ...]:
    """What was found of each component, under its name."""
    return tuple(
        replace(defect, problem=f"{name_in_logs(one.function)}: {defect.problem}")
        for one, defects in zip(components, found, strict=True)
        for defect in defects
    )


def _weighted(scores: Sequence[Sequence[Scores]], weights: Sequence[float]) -> tuple[Scores, ...]:
    """What the components pay together, row by row; none where one of them could not be called."""
    if not all(scores):
        return ()
    return tuple(
        Scores(
            of_row[0].row_id,
            _sum([one.gold for one in of_row], weights),
            {name: _sum([one.decoys[name] for one in of_row], weights) for name in of_row[0].decoys},
        )
        for of_row in zip(*scores, strict=True)
    )


def _sum(values: Sequence[float | None], weights: Sequence[float]) -> float | None:
    """As TRL adds them up; None where there is nothing to add."""
    known = [value * weight for value, weight in zip(values, weights, strict=True) if value is not None]
    return sum(known) if known else None
