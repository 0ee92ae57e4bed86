"""The nodes of a suite: the file, the node that requests its fixtures, rows and gates.

A suite's tree is `suite.toml` -> rows `local[id]` and collectors `local` -> `gate`. Rows and gates hang below a
`SuiteNode` that shows in no node id: while it is set up, the suite's fixtures live.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from functools import cached_property
from os.path import relpath
from typing import TYPE_CHECKING, Any, Self, cast

import pytest

from pytest_rewardkit import internals
from reward_kit.gates import Decision, Gate
from reward_kit.models import Row
from reward_kit.reward import Reward, as_reward
from reward_kit.steps import GATE
from reward_kit.suite import Suite
from reward_kit.verdict import Verdict

if TYPE_CHECKING:
    from pytest_rewardkit.run import StepRun, SuiteRun


class SuiteFile(pytest.Module):
    """A suite.toml. A Module to pytest, so that a module-scoped `rk_reward` has its scope."""

    obj = None
    rk_run: SuiteRun

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        node = SuiteNode.from_parent(self, name=self.rk_run.suite.name, nodeid=self.nodeid)
        node.rk_run = self.rk_run
        self.rk_run.node = node
        for step_run in self.rk_run.steps.values():
            for row in step_run.rows:
                yield RowItem.below(node, name=f"{step_run.step.name}[{row.id}]", step_run=step_run, row=row)
            if not self.rk_run.narrowed_to_ids:
                yield StepCollector.from_parent(self, name=step_run.step.name, node=node, step_run=step_run)


class StepCollector(pytest.Collector):
    """Gives the gates of a step their node ids: `suite.toml::local::gate`."""

    def __init__(self, *, node: SuiteNode, step_run: StepRun, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._node = node
        self._step_run = step_run

    def collect(self) -> Iterable[pytest.Item]:
        for gate in self._step_run.step.gate_names:
            yield GateItem.below(self._node, name=gate, nodeid=f"{self.nodeid}::{gate}", step_run=self._step_run)


class SuiteNode(pytest.Item):
    """Requests the suite's fixtures; never runs as a test."""

    rk_run: SuiteRun
    obj = None  # what `request.function` gives
    _reward: Reward | BaseException | None = None

    @property
    def rk_suite(self) -> Suite:
        """The suite, for the fixture of that name."""
        return self.rk_run.suite

    @cached_property
    def shown_path(self) -> str:
        """suite.toml as reports show it; the same for every item, so it is made once."""
        return str(self.location[0])

    def reward(self) -> Reward:
        """The suite's reward, resolved through the fixture `rk_reward` once while this node is set up."""
        if self._reward is None:
            leave = (KeyboardInterrupt, pytest.exit.Exception)
            # Fixtures such as caplog and tmp_path wait for a set-up and its report.
            ready = pytest.CallInfo.from_call(
                lambda: self.ihook.pytest_runtest_setup(item=self), when="setup", reraise=leave
            )
            self.ihook.pytest_runtest_makereport(item=self, call=ready)
            call = pytest.CallInfo.from_call(self._resolve, when="setup", reraise=leave)
            self._reward = call.result if call.excinfo is None else call.excinfo.value
        if isinstance(self._reward, BaseException):
            raise self._reward
        return self._reward

    def _resolve(self) -> Reward:
        request = internals.request_for(self)
        internals.fill_fixtures(request)
        function = request.getfixturevalue("rk_reward")
        suite = self.rk_run.suite
        return as_reward(function, suite.reward if _is_declared(function, suite) else None)

    def teardown(self) -> None:
        self._reward = None
        self.rk_run.stop()

    def runtest(self) -> None:
        raise NotImplementedError("a suite's node is not a test")


def _is_declared(function: object, suite: Suite) -> bool:
    module, _, name = suite.reward.partition(":")
    return getattr(function, "__module__", None) == module and getattr(function, "__qualname__", None) == name


class SuiteItem(pytest.Item):
    """What a row and a gate share."""

    def __init__(self, *, step_run: StepRun, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step_run = step_run

    @classmethod
    def below(cls, node: SuiteNode, **kwargs: Any) -> Self:
        """An item whose parent is the suite's node, so that pytest keeps the node set up between items."""
        parent: Any = node  # an item with items below it is nothing pytest's annotations know
        return cls.from_parent(parent, **kwargs)

    @property
    def suite_node(self) -> SuiteNode:
        node: Any = self.parent
        return cast("SuiteNode", node)

    @cached_property
    def location(self) -> tuple[str, int | None, str]:
        _, line, shown = self.reportinfo()
        return self.suite_node.shown_path, line, shown

    def reportinfo(self) -> tuple[Any, int | None, str]:
        suite = self.step_run.run.suite
        return self.path, None, f"{suite.name}::{self.shown_name}"

    @property
    def shown_name(self) -> str:
        """The item's name below its suite."""
        return self.name


class RowNotPassedError(Exception):
    """A row fell short; carries its verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class GateNotPassedError(Exception):
    """A gate failed or could not be decided; carries what it said."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(gate.reason)
        self.gate = gate


class RowItem(SuiteItem):
    """One row in one step."""

    def __init__(self, *, row: Row, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.row = row

    def runtest(self) -> None:
        if self.step_run.obstacle is not None:
            if not self.step_run.gates_selected:  # nothing else would say that this run came to nothing
                pytest.fail(self.step_run.obstacle, pytrace=False)
            pytest.skip(self.step_run.obstacle)
        verdict = self.step_run.verdicts.of(self.row.id)
        if not verdict.passed:
            raise RowNotPassedError(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        error = excinfo.value
        if not isinstance(error, RowNotPassedError):
            return super().repr_failure(excinfo)
        verdict = error.verdict
        if verdict.output:
            self.add_report_section("call", "reward output", verdict.output)
        is_error = verdict.outcome.is_error
        if is_error and (first := self.step_run.told.setdefault(_fault(verdict), self.row.id)) != self.row.id:
            return f"{self.row.id}: {verdict.outcome}, as on row {first}"
        shown = {
            "response": verdict.response and _end_of(verdict.response),
            "gold": verdict.gold if verdict.gold is not None else self.row.ground_truth,
            "extracted": verdict.extracted,
            "score": verdict.score,
        }
        lines = [f"{self.row.id}: {verdict.outcome}"]
        lines += [f"  {name:<9} {_one_line(value)}" for name, value in shown.items() if value not in (None, "")]
        if verdict.reason:  # an error's may be a table of its own
            lines += [f"  {'reason':<9} {_indented(verdict.reason) if is_error else _one_line(verdict.reason)}"]
        lines += [f"  {'rerun':<9} {self.rerun}"]
        return "\n".join(lines)

    @property
    def rerun(self) -> str:
        """The command that runs this row alone."""
        run = self.step_run.run
        here = self.config.invocation_params.dir
        by_name = self.config.stash[BY_NAME].get(run.suite.name) == run.suite.path
        which = f"--rk-suite={run.suite.name}" if by_name else relpath(run.suite.path, here)
        return shlex.join(["pytest", which, f"--rk-step={self.step_run.step.name}", f"--rk-ids={self.row.id}"])


#: The suites that --rk-suite=NAME would find: name to suite.toml.
BY_NAME = pytest.StashKey[dict[str, Any]]()


def _end_of(text: str) -> str:
    """The end of a response, where its answer stands."""
    return text if len(text) <= 300 else f"...{text[-300:]}"


def _fault(verdict: Verdict) -> str:
    """An error's reason without what is its row's alone: a server that refuses a hundred rows is told of once."""
    return re.sub(r"request id [^,)]+|after \d+ retr(y|ies)", "", verdict.reason.replace(verdict.row_id, ""))


def _indented(text: str) -> str:
    """Lines below one another, as a cassette's miss has them."""
    kept = text if len(text) <= _ERROR_KEPT else f"{text[:_ERROR_KEPT]}..."
    return kept.replace("\n", "\n" + " " * 4)


#: Characters of an error's reason that are shown: a miss with five differences, and what to do, is shorter.
_ERROR_KEPT = 2500


def _one_line(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.replace("\n", "\\n")
    return text if len(text) <= 1000 else f"{text[:1000]}..."


class GateItem(SuiteItem):
    """A step's threshold as an assertion. It asks for every row's verdict and evaluates the missing ones."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extra_keyword_matches |= {self.step_run.step.name, GATE}  # -k local picks the gates with the rows

    @property
    def shown_name(self) -> str:
        return f"{self.step_run.step.name}::{self.name}"

    #: What the gate said, once it ran, in plain strings: it travels with the report.
    rk_gate: dict[str, str] | None = None

    def runtest(self) -> None:
        gate = self.step_run.decide(self.name)
        run = self.step_run.run
        self.rk_gate = {
            "suite": run.suite.name,
            "step": self.step_run.step.name,
            "gate": self.name,
            "decision": gate.decision.value,
            "reason": gate.reason,
            "reward": run.reward_found,
        }
        self.user_properties += [(f"rk.{key}", value) for key, value in self.rk_gate.items()]
        if gate.decision is not Decision.PASSED:
            raise GateNotPassedError(gate)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        error = excinfo.value
        if not isinstance(error, GateNotPassedError):
            return super().repr_failure(excinfo)
        undecided = error.gate.decision is Decision.UNDECIDED
        # What keeps one gate undecided keeps the others: they say so in a line, and the reason stands once.
        if undecided and (first := self.step_run.told.setdefault(f"gate {error.gate.reason}", self.name)) != self.name:
            return f"undecided, as gate {first}"
        verb = "is undecided" if undecided else "failed"
        run = self.step_run.run
        which = "gate" if self.name == GATE else f"gate {self.name}"
        return f"{error.gate.reason}\n{run.suite.name}: the {which} of step {self.step_run.step.name} {verb}"
