"""A run's verdicts, gates and readiness, and the JSON document that other tools read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from reward_kit.files import replace_file
from reward_kit.gates import NOT_SELECTED, Decision, Gate, outcome_counts, together
from reward_kit.verdict import Verdict

#: Version of the JSON document; keys are added without changing it, never changed.
SCHEMA = 1


class Readiness(StrEnum):
    """May this suite's reward and dataset be trained on?"""

    READY = "READY"
    NOT_READY = "NOT READY"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step: the verdicts there are, in dataset order, and its gates by name."""

    name: str
    verdicts: Sequence[Verdict]
    gates: Mapping[str, Gate]
    #: What whoever reads the verdict must know beside it.
    notes: Sequence[str] = ()
    #: What a terminal shows below the step's line.
    lines: Sequence[str] = ()
    #: What the results document holds of the step beside rows and gates.
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gate(self) -> Gate:
        """What the gates come to together."""
        return together(self.gates)

    def reasons(self, decision: Decision) -> list[str]:
        """What the gates with this decision say, each reason once."""
        return list(dict.fromkeys(gate.reason for gate in self.gates.values() if gate.decision is decision))

    @property
    def passed(self) -> int:
        return sum(verdict.passed for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """One suite: a report for every declared step, and whether it declares [controls]."""

    name: str
    steps: Sequence[StepReport]
    has_controls: bool

    @property
    def readiness(self) -> Readiness:
        decisions = {step.gate.decision for step in self.steps}
        if Decision.FAILED in decisions:
            return Readiness.NOT_READY
        if decisions == {Decision.PASSED} and self.has_controls:
            return Readiness.READY
        return Readiness.UNDECIDED

    @property
    def notes(self) -> list[str]:
        """What stands beside the verdict, whatever it is."""
        return [f"{step.name}: {note}" for step in self.steps for note in step.notes]

    @property
    def reasons(self) -> list[str]:
        """Why the suite is not READY, the gravest first; empty where it is."""
        left_out = [step.name for step in self.steps if NOT_SELECTED in step.gates.values()]
        by_decision = {
            decision: [
                f"{step.name}: {reason}"
                for step in self.steps
                if step.name not in left_out
                for reason in step.reasons(decision)
            ]
            for decision in (Decision.FAILED, Decision.UNDECIDED)
        }
        missing = [] if self.has_controls else ["[controls] is not declared: nothing shows that wrong answers fail"]
        not_selected = [f"{NOT_SELECTED.reason}: {', '.join(left_out)}"] if left_out else []
        return [*by_decision[Decision.FAILED], *by_decision[Decision.UNDECIDED], *not_selected, *missing]


def results_document(suites: Sequence[SuiteReport]) -> str:
    """The JSON text of a run: no timings, results in dataset order, so that equal runs give equal bytes."""
    document = {"schema": SCHEMA, "suites": {suite.name: _suite(suite) for suite in suites}}
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def write_results(path: Path, suites: Sequence[SuiteReport]) -> None:
    """Write the document of a run, atomically.

    Raises:
        OSError: where it cannot be written.
    """
    replace_file(path, [results_document(suites)])


def _suite(suite: SuiteReport) -> dict[str, Any]:
    return {
        "readiness": suite.readiness.value,
        "reasons": suite.reasons,
        "steps": {step.name: _step(step) for step in suite.steps},
    }


def _step(step: StepReport) -> dict[str, Any]:
    return {
        "rows": len(step.verdicts),
        "passed": step.passed,
        "outcomes": outcome_counts(step.verdicts),
        "gate": step.gate.decision.value,
        "reason": step.gate.reason,
        "gates": {name: {"decision": gate.decision.value, "reason": gate.reason} for name, gate in step.gates.items()},
        "notes": list(step.notes),
        **step.document,
        "results": [_result(verdict) for verdict in step.verdicts],
    }


def _result(verdict: Verdict) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": verdict.row_id,
        "outcome": verdict.outcome.value,
        "score": verdict.score,
        "reason": verdict.reason,
        "extracted": verdict.extracted,
    }
    if verdict.detail is not None:
        result.update(verdict.detail.as_json())
    return result
