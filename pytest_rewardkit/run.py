"""A suite in this run: its selected steps, the reward they share, and each step's verdicts and gate."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_rewardkit.progress import shown_progress
from pytest_rewardkit.store import make_folder, sharers_of, store_of
from pytest_rewardkit.verdicts import OwnVerdicts, SharedVerdicts, Verdicts
from reward_kit.files import replace_file
from reward_kit.gates import NOT_SELECTED, Decision, Gate
from reward_kit.grading import Grader
from reward_kit.models import Outcome, Row, Sample
from reward_kit.report.results import StepReport, SuiteReport
from reward_kit.reward import Reward
from reward_kit.steps import Step
from reward_kit.suite import Suite
from reward_kit.verdict import Verdict, error_verdict
from reward_kit.workers import describe_exception

if TYPE_CHECKING:
    from pytest_rewardkit.nodes import SuiteNode
    from pytest_rewardkit.options import Selection
    from reward_kit.cassettes.cassette import Mode
    from reward_kit.fireworks.client import FireworksClient
    from reward_kit.progress import Told

#: What steps leave to be looked at: training logs.
_WORK_FOLDER = ".rewardkit"


class StepRun:
    """One selected step of a suite in this run."""

    def __init__(self, run: SuiteRun, step: Step[Any]) -> None:
        self.run = run
        self.step = step
        #: The gates that are among the items of this process.
        self.gates_selected: set[str] = set()
        #: The decision of each gate whose item has been reported.
        self.decided: dict[str, Gate] = {}
        #: Whether a row was tolerated: then its gate must decide.
        self.left_rows_to_gate = False
        #: Errors told in full on a row of this step already, and on which.
        self.told: dict[str, str] = {}
        self._verdicts: Verdicts | None = None

    @cached_property
    def items(self) -> Sequence[Row]:
        """The rows of the whole step: its gates are decided over these."""
        return tuple(self.step.items())

    @property
    def rows(self) -> Sequence[Row]:
        """Those of them that are items of this run: where ids are named, there may be none."""
        ids = self.run.selection.ids
        return [row for row in self.items if row.id in ids] if ids else self.items

    @property
    def verdicts(self) -> Verdicts:
        """This step's verdicts; shared where the run has a store."""
        if self._verdicts is None:
            rows, whole, store = self.items, self.step.whole, store_of(self.run.config)
            if store is None:
                self._verdicts = OwnVerdicts(rows, self._evaluate, whole=whole)
            else:
                folder, sharers = make_folder(store, self.run.suite.name, self.step.name), sharers_of(self.run.config)
                self._verdicts = SharedVerdicts(rows, self._evaluate, folder, sharers, whole=whole)
        return self._verdicts

    def _evaluate(self, rows: Sequence[Row]) -> Iterator[Verdict]:
        """One verdict a row, whatever the step does: what it leaves out, or breaks at, is an error."""
        left = {row.id: row for row in rows}
        reason = f"step {self.step.name} gave this row no verdict"
        try:
            for verdict in self.step.evaluate(rows, self.run):
                del left[verdict.row_id]
                yield verdict
        except Exception as error:  # noqa: BLE001  # shown on every row that it left without a verdict
            reason = f"step {self.step.name} broke: {describe_exception(error)}"
        yield from (error_verdict(row_id, reason, Outcome.INFRA_ERROR) for row_id in left)

    @cached_property
    def obstacle(self) -> str | None:
        """Why the step cannot run here; None where it can."""
        try:
            return self.step.obstacle(self.run)
        except Exception as error:  # noqa: BLE001  # a step that cannot say whether it can run cannot
            return f"step {self.step.name} broke: {describe_exception(error)}"

    @property
    def narrowed(self) -> bool:
        """True where rows were picked and this step did not run them all: then its gate is not expected to decide.

        A whole step runs all of them for the sake of one: that it did says nothing of what was picked.
        """
        if self.step.whole or not self.items:
            return self.run.picks_rows
        return self.run.picks_rows and len(self.verdicts.known()) < len(self.items)

    def tolerates(self, verdict: Verdict) -> bool:
        """True where a row that did not pass is left to the gates, and all of them are there to decide."""
        return self.gates_selected.issuperset(self.step.gate_names) and self.step.tolerates(verdict)

    @property
    def undecided(self) -> list[str]:
        """The gates of the step that no item has decided."""
        return [name for name in self.step.gate_names if name not in self.decided]

    def decide(self, gate: str) -> Gate:
        """Decide one of the step's gates, evaluating what is missing."""
        if self.obstacle is not None:
            return Gate(Decision.UNDECIDED, self.obstacle)
        return self.step.gates(self.verdicts.all())[gate]

    def report(self) -> StepReport:
        """What this step came to, from what has been evaluated."""
        verdicts = self.verdicts.known()
        gates = dict.fromkeys(self.step.gate_names, self._without_gate(verdicts)) | self.decided
        step = self.step
        notes, lines = tuple(step.notes(verdicts)), tuple(step.lines(verdicts))
        return StepReport(step.name, verdicts, gates, notes, lines, step.document(verdicts))

    def _without_gate(self, verdicts: Sequence[Verdict]) -> Gate:
        """A gate that was stopped short of has failed where a row did that it could not have tolerated."""
        ran = f"{len(verdicts)}/{len(self.items)} rows run"
        hopeless = [verdict for verdict in verdicts if not verdict.passed and not self.step.tolerates(verdict)]
        if hopeless and not self.narrowed:
            return Gate(Decision.FAILED, f"{hopeless[0].row_id}: {hopeless[0].outcome} ({ran})")
        return Gate(Decision.UNDECIDED, f"gate not decided ({ran})")


class SuiteRun:
    """One suite in this run.

    Args:
        config: pytest's.
        suite: the suite as it was read.
        selection: which steps and rows to run; with row ids, no gates.
        picks_rows: whether the command line picks rows, by id, by keyword or by node id.
    """

    def __init__(self, config: pytest.Config, suite: Suite, selection: Selection, *, picks_rows: bool) -> None:
        self.config = config
        self.suite = suite
        self.selection = selection
        self.timeout = selection.timeout
        #: What is said of this run beside its verdicts, and in no results file: another run may not see it.
        self.remarks: list[str] = []
        self.narrowed_to_ids = bool(selection.ids)
        self.picks_rows = picks_rows
        #: The node through which fixtures are requested; set when the suite is collected.
        self.node: SuiteNode | None = None
        self._reward_found = ""
        #: The steps whose cassettes were opened in this run.
        self._opened: set[str] = set()
        selected = [step for name, step in suite.steps.items() if not selection.steps or name in selection.steps]
        self.steps = {step.name: StepRun(self, step) for step in selected}

    def grade(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
        """Grade with the reward that `rk_reward` gives; where there is none, every sample is an error."""
        try:
            reward = self._own_reward()
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:  # noqa: BLE001  # shown on each row; pytest.skip raises such too
            reason = f"the reward cannot be used: {describe_exception(error)}"
            yield from ((i, error_verdict(sample.row.id, reason)) for i, sample in enumerate(samples))
            return
        self._note_reward(reward.describe())
        workers = max(1, len(os.sched_getaffinity(0)) // sharers_of(self.config))
        with Grader(reward, self.suite.scale, self.timeout, workers) as grader:
            yield from grader.grade(samples)

    def reward(self) -> Reward:
        """The reward that `rk_reward` gives.

        Raises:
            Exception: whatever the fixture raised.
        """
        try:
            return self._own_reward()
        except (Exception, KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:  # pytest.skip and SystemExit, which no step expects
            raise RuntimeError(f"the reward cannot be used: {describe_exception(error)}") from error

    def _own_reward(self) -> Reward:
        if self.node is None:
            raise RuntimeError(f"suite {self.suite.name} was not collected")
        return self.node.reward()

    @contextmanager
    def fireworks(self, step: str, concurrency: int) -> Iterator[FireworksClient]:
        """The client behind the step's cassette, which records where --rk-record says so."""
        from reward_kit.cassettes.cassette import Mode
        from reward_kit.fireworks.progress import shown_on
        from reward_kit.fireworks.session import recorded_client

        mode, tape = self._mode(step), self._tape(step)
        self._opened.add(step)
        with ExitStack() as stack:
            progress = None
            if mode is not Mode.NONE:
                progress = shown_on(stack.enter_context(shown_progress(self.config, f"recording {step}")))
            opened = recorded_client(**tape, mode=mode, concurrency=concurrency, progress=progress)
            client, cassette = stack.enter_context(opened)
            yield client
        if mode is Mode.NONE and not self.picks_rows and store_of(self.config) is None:
            self.remarks += [f"{step}: {said}" for said in [cassette.unused_text()] if said]

    @contextmanager
    def progress(self, description: str) -> Iterator[Told]:
        """A bar on the terminal."""
        with shown_progress(self.config, description) as told:
            yield told

    def work_folder(self, step: str) -> Path:
        """.rewardkit/SUITE/STEP below the root folder; git is told to leave it alone."""
        top = self.config.rootpath / _WORK_FOLDER
        folder = top / self.suite.name / step
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        replace_file(top / ".gitignore", ["# made by pytest-rewardkit\n*\n"])
        return folder

    @property
    def tokenizer(self) -> Path | None:
        """What --rk-tokenizer names."""
        return self.selection.tokenizer

    def fireworks_obstacle(self, step: str) -> str | None:
        """Why there is no client for the step."""
        from reward_kit.fireworks.session import obstacle_to_client

        return obstacle_to_client(**self._tape(step), mode=self._mode(step))

    def _tape(self, step: str) -> dict[str, Any]:
        """Which cassette is the step's, and which of its rows are recorded anew."""
        from reward_kit.cassettes.opening import cassette_path

        path = cassette_path(self.suite.folder.parent.parent, self.suite.name, step)
        return {"path": path, "suite": self.suite.name, "step": step, "only": self.selection.ids or None}

    def _mode(self, step: str) -> Mode:
        from reward_kit.cassettes.cassette import Mode

        mode = Mode(self.selection.record)
        # A second recording of everything in one run would start from nothing again, and drop the first.
        return Mode.NEW if mode is Mode.ALL and step in self._opened and not self.selection.ids else mode

    def _note_reward(self, description: str) -> None:
        self._reward_found = description
        store = store_of(self.config)
        if store is not None:
            replace_file(make_folder(store, self.suite.name) / "reward", [description])

    @property
    def reward_found(self) -> str:
        """How the reward was recognised, by this process or another of the run; empty before it was needed."""
        store = store_of(self.config)
        noted = store / self.suite.name / "reward" if store is not None else None
        if noted is not None and noted.exists():
            return noted.read_text(encoding="utf-8")
        return self._reward_found

    def stop(self) -> None:
        """End evaluations under way: the reward's fixtures are about to go."""
        for step_run in self.steps.values():
            step_run.verdicts.stop()

    def report(self) -> SuiteReport:
        """What the suite came to, every declared step included."""
        steps = [
            self.steps[name].report()
            if name in self.steps
            else StepReport(name, (), dict.fromkeys(step.gate_names, NOT_SELECTED))
            for name, step in self.suite.steps.items()
        ]
        return SuiteReport(self.suite.name, steps, has_controls="controls" in self.suite.steps)
