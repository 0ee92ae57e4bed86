"""Tests that people mark with rk_suite: an item a row, and with rk_pass_rate a gate after them.

A gate decides from the reports of its rows. In one process it does so as an item; under xdist no worker sees all
reports, so that the worker that meets the gate hands it to the controller, which decides at the end.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import pytest

from pytest_rewardkit import internals
from pytest_rewardkit.options import find_suite
from pytest_rewardkit.protocol import mark_tolerated
from reward_kit.errors import RewardKitError
from reward_kit.gates import list_of, meets, percent
from reward_kit.suite import Suite, load_suite

_SUITES = pytest.StashKey[dict[str, Suite]]()
_GATED = pytest.StashKey[dict[str, str]]()


def suite_of(node: pytest.Item | pytest.Collector) -> Suite:
    """The suite that the node's mark rk_suite names.

    Raises:
        CollectError: where there is no mark, no such suite, or a suite with defects; pytest shows its message alone.
    """
    mark = node.get_closest_marker("rk_suite")
    if mark is None or len(mark.args) != 1:
        raise pytest.Collector.CollectError(f"{node.nodeid}: mark it with @pytest.mark.rk_suite(NAME)")
    suites = node.config.stash.setdefault(_SUITES, {})
    name = str(mark.args[0])
    if name not in suites:
        try:
            suites[name] = load_suite(find_suite(node.config, name).parent)
        except (RewardKitError, pytest.UsageError) as error:
            raise pytest.Collector.CollectError(str(error)) from None
    return suites[name]


def parametrize_rows(metafunc: pytest.Metafunc) -> None:
    """One item for each row of the suite that the test is marked with."""
    if metafunc.definition.get_closest_marker("rk_suite"):
        rows = suite_of(metafunc.definition).rows
        metafunc.parametrize("rk_row", rows, ids=[row.id for row in rows], indirect=True)


def with_gate(collector: pytest.Collector, name: str, items: list[Any]) -> list[Any]:
    """The row items of a test marked rk_pass_rate, and a gate after them."""
    if not _is_row(items[0]):
        return items
    mark = items[0].get_closest_marker("rk_pass_rate")
    rate = mark.args[0] if mark and len(mark.args) == 1 else None
    if not isinstance(rate, (int, float)) or not 0.0 < rate <= 1.0:
        raise pytest.Collector.CollectError(
            f"{items[0].nodeid}: rk_pass_rate takes a rate above 0 and at most 1, e.g. 0.9"
        )
    row_ids = [item.nodeid for item in items]
    nodeid = f"{collector.nodeid}::{name}::gate"  # no row can have this one
    gate = MarkedGate.from_parent(collector, name=f"{name}::gate", nodeid=nodeid, row_ids=row_ids, rate=float(rate))
    return [*items, gate]


class RateNotReachedError(Exception):
    """The gate of marked tests failed, or could not be decided."""


class MarkedGate(pytest.Item):
    """Decides a pass rate over the row items of one test; it cannot run them itself."""

    def __init__(self, *, row_ids: Sequence[str], rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.row_ids = row_ids
        self.rate = rate

    def runtest(self) -> None:
        outcomes = outcomes_of(self.config)
        self.user_properties += [("rk.rows", len(self.row_ids)), ("rk.pass_rate", self.rate)]
        require_rate(outcomes, self.row_ids, self.rate)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        known = isinstance(excinfo.value, RateNotReachedError)
        return f"{self.name}: {excinfo.value}" if known else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, self.name


def require_rate(outcomes: Mapping[str, bool], row_ids: Sequence[str], rate: float) -> None:
    """Raise RateNotReachedError where a row is missing from `outcomes`, or too few of them passed."""
    rows = len(row_ids)
    missing = rows - len(outcomes.keys() & set(row_ids))
    if missing:
        raise RateNotReachedError(f"gate not decided: {missing} of {rows} rows did not run in this run")
    low = [row for row in row_ids if not outcomes[row]]
    passed = rows - len(low)
    if not meets(passed, rows, rate):
        named = list_of([row.partition("[")[2].removesuffix("]") for row in low])
        shown = f"{passed}/{rows} rows pass ({passed / rows:.1%}), {percent(rate)} is required"
        raise RateNotReachedError(f"{shown}; not passed: {named}")


# Reports: what rows came to, and gates on their way to the controller


_OUTCOMES = pytest.StashKey[dict[str, bool]]()
_DEFERRED = pytest.StashKey[list[pytest.TestReport]]()
_LEFT_TO = pytest.StashKey[set[str]]()


def outcomes_of(config: pytest.Config) -> dict[str, bool]:
    """Whether each row test reported so far passed, by node id."""
    known: dict[str, bool] = config.stash.setdefault(_OUTCOMES, {})
    return known


def annotate_report(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, *, broken: bool = False
) -> None:
    """Say on a row's report whether it passed; where its gate runs, a failed assertion is left to the gate.

    Another exception than a failed assertion is an error, which no rate tolerates; so is whatever a test says that was
    `broken` from outside.
    """
    if not _is_row(item) or (report.when != "call" and report.passed):
        return
    vars(report)["rk_row_passed"] = report.passed  # a plain attribute: xdist carries it to the controller
    asserted = call.excinfo is not None and call.excinfo.errisinstance((AssertionError, pytest.fail.Exception))
    gate = _gated(item.session).get(item.nodeid)
    if report.when == "call" and report.failed and asserted and not broken and gate is not None:
        mark_tolerated(report, report.longreprtext.strip().rpartition("\n")[2])
        vars(report)["rk_left_to_marked"] = gate


def note_report(config: pytest.Config, report: pytest.TestReport) -> None:
    """Remember what a row came to: one that failed in any phase has not passed. Remember deferred gates too."""
    if hasattr(report, "rk_row_passed"):
        known = outcomes_of(config)
        known[report.nodeid] = known.get(report.nodeid, True) and report.rk_row_passed
    if hasattr(report, "rk_deferred_gate"):
        config.stash.setdefault(_DEFERRED, []).append(report)
    if hasattr(report, "rk_left_to_marked"):
        config.stash.setdefault(_LEFT_TO, set()).add(report.rk_left_to_marked)


def undecided_gates(config: pytest.Config, reported: Container[str]) -> list[str]:
    """The gates that rows were left to and that were never reported themselves."""
    waiting: set[str] = config.stash.get(_LEFT_TO, set())
    return sorted(gate for gate in waiting if gate not in reported)


def defer(gate: MarkedGate, nextitem: pytest.Item | None) -> None:
    """In an xdist worker: hand the gate to the controller, on a report that counts as nothing by itself."""
    hook = gate.ihook
    hook.pytest_runtest_logstart(nodeid=gate.nodeid, location=gate.location)
    call = pytest.CallInfo.from_call(lambda: internals.tear_down(gate, nextitem), when="setup")
    report = hook.pytest_runtest_makereport(item=gate, call=call)
    vars(report)["rk_deferred_gate"] = {"row_ids": list(gate.row_ids), "rate": gate.rate}
    hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=gate.nodeid, location=gate.location)


def decide_deferred(config: pytest.Config) -> None:
    """In the controller, when every row has been reported: decide the gates and report them."""
    for deferred in config.stash.get(_DEFERRED, []):
        said = vars(deferred)["rk_deferred_gate"]
        problem = None
        try:
            require_rate(outcomes_of(config), said["row_ids"], said["rate"])
        except RateNotReachedError as error:
            problem = f"{deferred.nodeid.rpartition('::')[2]}: {error}"
        for when in ("call", "teardown"):
            failed = problem is not None and when == "call"
            report = pytest.TestReport(
                nodeid=deferred.nodeid,
                location=deferred.location,
                keywords=deferred.keywords,
                outcome="failed" if failed else "passed",
                longrepr=problem if failed else None,
                when=when,
                user_properties=[("rk.rows", len(said["row_ids"])), ("rk.pass_rate", said["rate"])],
            )
            config.hook.pytest_runtest_logreport(report=report)


def _is_row(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    return callspec is not None and "rk_row" in callspec.params


def _gated(session: pytest.Session) -> dict[str, str]:
    """The row items whose gate is in this run, each with its gate, by node id."""
    stash = session.config.stash
    if _GATED not in stash:
        gates = [item for item in session.items if isinstance(item, MarkedGate)]
        stash[_GATED] = {row: gate.nodeid for gate in gates for row in gate.row_ids}
    return stash[_GATED]


def put_gates_last(items: list[pytest.Item]) -> None:
    """Move the gates behind everything else, however items were shuffled."""
    gates = [item for item in items if isinstance(item, MarkedGate)]
    if gates:
        items[:] = [*(item for item in items if not isinstance(item, MarkedGate)), *gates]
