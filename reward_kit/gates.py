"""Gates: a step's verdicts against its threshold, with three possible decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from reward_kit.models import Outcome
from reward_kit.statistics import wilson_interval
from reward_kit.verdict import Verdict

#: Rates are quotients of small integers: the smallest difference between two is far above this.
_ROUNDING = 1e-9
#: How many row ids a reason lists.
_NAMED = 10


class Decision(StrEnum):
    """What a gate says."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Gate:
    """A decision with its reason in one line."""

    decision: Decision
    reason: str


#: What is said of a step that this run leaves out.
NOT_SELECTED = Gate(Decision.UNDECIDED, "not selected")


def together(gates: Mapping[str, Gate]) -> Gate:
    """What several gates of one step come to: the gravest decision, and every reason once."""
    decisions = {gate.decision for gate in gates.values()}
    gravest = next(decision for decision in _BY_GRAVITY if decision in decisions)
    return Gate(gravest, "; ".join(dict.fromkeys(gate.reason for gate in gates.values())))


_BY_GRAVITY = (Decision.FAILED, Decision.UNDECIDED, Decision.PASSED)


class RateLimits(Protocol):
    """The thresholds of a step whose rows pass or do not."""

    @property
    def pass_rate(self) -> float: ...
    @property
    def max_abstained(self) -> float: ...
    @property
    def confidence(self) -> float | None: ...


def rate_gate(verdicts: Sequence[Verdict], limits: RateLimits) -> Gate:
    """Decide a pass rate over all rows.

    Errors of the reward or of its surroundings fail the gate whatever the rate. Abstentions count as not passed,
    unless their share is within `max_abstained`: then the rate is that of the rows that did not abstain.
    With `confidence`, the lower end of the Wilson interval must clear the rate; where only the number of rows is in
    the way, the gate is undecided.
    """
    rows = len(verdicts)
    passed = sum(verdict.passed for verdict in verdicts)
    errors = [verdict for verdict in verdicts if verdict.outcome.is_error]
    abstained = sum(verdict.outcome is Outcome.ABSTAINED for verdict in verdicts)
    if not rows:
        return Gate(Decision.UNDECIDED, "no row was evaluated")
    if errors:
        first, *_ = errors[0].reason.split("\n")  # its rows tell the rest
        reason = f"{_count(len(errors), 'row')} ended in an error: {_names(errors)}; {first}"
        return Gate(Decision.FAILED, reason)
    excused = abstained if 0 < abstained <= limits.max_abstained * rows + _ROUNDING else 0
    if excused == rows:
        return Gate(Decision.UNDECIDED, f"the reward abstained on all {rows} rows")
    return _decide(passed, rows - excused, excused, verdicts, limits)


def _decide(passed: int, rows: int, excused: int, verdicts: Sequence[Verdict], limits: RateLimits) -> Gate:
    rate = passed / rows
    shown = f"{passed}/{rows} rows pass ({rate:.1%}), {percent(limits.pass_rate)} is required"
    if excused:
        shown += f"; {excused} abstained, within max_abstained {percent(limits.max_abstained)}"
    if rate + _ROUNDING < limits.pass_rate:
        low = [v for v in verdicts if not v.passed and not (excused and v.outcome is Outcome.ABSTAINED)]
        return Gate(Decision.FAILED, f"{shown}; not passed: {_names(low)}")
    if limits.confidence is not None:
        bound, _ = wilson_interval(passed, rows, limits.confidence)
        if bound + _ROUNDING < limits.pass_rate:
            claim = f"the lower bound at confidence {percent(limits.confidence)} is {bound:.1%}"
            return Gate(Decision.UNDECIDED, f"{shown}; {claim}: more rows are needed")
    return Gate(Decision.PASSED, shown)


def outcome_counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many verdicts have each outcome, in the order of `Outcome`, those without any left out."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    return {outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]}


def meets(passed: int, total: int, required: float) -> bool:
    """True where the rate reaches what is required."""
    return passed / total + _ROUNDING >= required


def percent(rate: float) -> str:
    """A required rate as people read it: 0.85 as 85%."""
    return f"{100 * rate:.6g}%"


def list_of(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _names(verdicts: Sequence[Verdict]) -> str:
    return list_of([verdict.row_id for verdict in verdicts])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
