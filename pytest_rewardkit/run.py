"""A suite in this run: its selected steps, the reward they share, and each step's verdicts and gate."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_rewardkit.store import make_folder, sharers_of, store_of
from pytest_rewardkit.verdicts import OwnVerdicts, SharedVerdicts, Verdicts
from reward_kit.gates import Decision, Gate
from reward_kit.grading import Grader
from reward_kit.models import Row, Sample
from reward_kit.report.results import StepReport, SuiteReport
from reward_kit.steps import Step
from reward_kit.suite import Suite
from reward_kit.verdict import Verdict, error_verdict
from reward_kit.workers import describe_exception

if TYPE_CHECKING:
    from pytest_rewardkit.nodes import SuiteNode

NOT_SELECTED = Gate(Decision.UNDECIDED, "not selected")


class StepRun:
    """One selected step of a suite in this run."""

    def __init__(self, run: SuiteRun, step: Step[Any], rows: Sequence[Row]) -> None:
        self.run = run
        self.step = step
        #: The rows that become items.
        self.rows = rows
        #: Whether the gate is among the items of this process.
        self.gate_selected = False
        #: The gate's decision, once its item has been reported.
        self.gate: Gate | None = None
        self._verdicts: Verdicts | None = None

    @property
    def verdicts(self) -> Verdicts:
        """This step's verdicts; shared where the run has a store."""
        if self._verdicts is None:
            rows, store = self.run.suite.rows, store_of(self.run.config)
            if store is None:
                self._verdicts = OwnVerdicts(rows, self._evaluate)
            else:
                folder = make_folder(store, self.run.suite.name, self.step.name)
                self._verdicts = SharedVerdicts(rows, self._evaluate, folder, sharers_of(self.run.config))
        return self._verdicts

    def _evaluate(self, rows: Sequence[Row]) -> Iterator[Verdict]:
        return self.step.evaluate(rows, self.run.grade)

    def tolerates(self, verdict: Verdict) -> bool:
        """True where a row that did not pass is left to the gate, and the gate is there to decide."""
        return self.gate_selected and self.step.tolerates(verdict)

    def decide(self) -> Gate:
        """Decide the gate, evaluating what is missing."""
        return self.step.gate(self.verdicts.all())

    def report(self) -> StepReport:
        """What this step came to, from what has been evaluated."""
        verdicts = self.verdicts.known()
        return StepReport(self.step.name, verdicts, self.gate or self._without_gate(verdicts))

    def _without_gate(self, verdicts: Sequence[Verdict]) -> Gate:
        """A gate that did not run has failed where a row that it could not have tolerated did."""
        hopeless = [verdict for verdict in verdicts if not verdict.passed and not self.step.tolerates(verdict)]
        if hopeless:
            reason = (
                f"{hopeless[0].row_id}: {hopeless[0].outcome} ({len(verdicts)}/{len(self.run.suite.rows)} rows run)"
            )
            return Gate(Decision.FAILED, reason)
        return Gate(Decision.UNDECIDED, f"gate not decided ({len(verdicts)}/{len(self.run.suite.rows)} rows run)")


class SuiteRun:
    """One suite in this run.

    Args:
        config: pytest's.
        suite: the suite as it was read.
        steps: names of the steps to run; empty for all that are declared.
        ids: row ids to narrow to; empty for all rows, with gates.
        timeout: seconds one call of the reward may take.
    """

    def __init__(
        self, config: pytest.Config, suite: Suite, steps: Sequence[str], ids: Sequence[str], timeout: float
    ) -> None:
        self.config = config
        self.suite = suite
        self.timeout = timeout
        self.narrowed_to_ids = bool(ids)
        #: The node through which fixtures are requested; set when the suite is collected.
        self.node: SuiteNode | None = None
        #: How the reward was recognised, once it was resolved.
        self.reward_found = ""
        rows = [row for row in suite.rows if not ids or row.id in ids]
        selected = [step for name, step in suite.steps.items() if not steps or name in steps]
        self.steps = {step.name: StepRun(self, step, rows) for step in selected}

    def grade(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
        """Grade with the reward that `rk_reward` gives; where there is none, every sample is an error."""
        try:
            if self.node is None:
                raise RuntimeError(f"suite {self.suite.name} was not collected")
            reward = self.node.reward()
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:  # noqa: BLE001  # shown on each row
            reason = f"the reward cannot be used: {describe_exception(error)}"
            yield from ((i, error_verdict(sample.row.id, reason)) for i, sample in enumerate(samples))
            return
        self.reward_found = reward.describe()
        workers = max(1, len(os.sched_getaffinity(0)) // sharers_of(self.config))
        with Grader(reward, self.suite.scale, self.timeout, workers) as grader:
            yield from grader.grade(samples)

    def stop(self) -> None:
        """End evaluations under way: the reward's fixtures are about to go."""
        for step_run in self.steps.values():
            step_run.verdicts.stop()

    def report(self) -> SuiteReport:
        """What the suite came to, every declared step included."""
        steps = [
            self.steps[name].report() if name in self.steps else StepReport(name, (), NOT_SELECTED)
            for name in self.suite.steps
        ]
        return SuiteReport(self.suite.name, steps, has_controls="controls" in self.suite.steps)
