"""Running a suite's item: the call phase only, since rows have nothing of their own to set up or tear down."""

from __future__ import annotations

import pytest

from pytest_rewardkit import internals
from pytest_rewardkit.nodes import GateItem, RowNotPassedError, SuiteItem


def run_item(item: SuiteItem, nextitem: pytest.Item | None) -> None:
    """Run one row or gate and report it, as pytest's own run protocol would."""
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    set_up = pytest.CallInfo.from_call(lambda: internals.set_up(item.suite_node), when="setup", reraise=_reraised(item))
    if set_up.excinfo is not None:  # a package's or a module's set-up failed: an error of this item, as in pytest
        hook.pytest_runtest_logreport(report=hook.pytest_runtest_makereport(item=item, call=set_up))
        _report_teardown(item, nextitem)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return
    call = pytest.CallInfo.from_call(item.runtest, when="call", reraise=_reraised(item))
    hook.pytest_runtest_logreport(report=_report(item, call))
    leaving = not isinstance(nextitem, SuiteItem) or nextitem.suite_node is not item.suite_node
    if leaving or isinstance(item, GateItem):  # JUnit takes properties from the teardown report: gates need one
        _report_teardown(item, nextitem if leaving else item)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def _reraised(item: pytest.Item) -> tuple[type[BaseException], ...]:
    leave = (pytest.exit.Exception,)
    return leave if item.config.getoption("usepdb", False) else (*leave, KeyboardInterrupt)


def _report(item: SuiteItem, call: pytest.CallInfo[None]) -> pytest.TestReport:
    failed = call.excinfo is not None
    report = item.ihook.pytest_runtest_makereport(item=item, call=call) if failed else _passed(item, call)
    if isinstance(item, GateItem):
        vars(report)["rk_gate"] = item.rk_gate  # a plain attribute: xdist carries it to the controller
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, RowNotPassedError) and item.step_run.tolerates(error.verdict):
        mark_tolerated(report, f"{error.verdict.outcome}: {error.verdict.reason}")
        vars(report)["rk_left_to"] = [item.step_run.run.suite.name, item.step_run.step.name]
    return report


def _passed(item: SuiteItem, call: pytest.CallInfo[None]) -> pytest.TestReport:
    """The report of an item that passed, without a walk through hooks and keywords: most rows are this one."""
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="passed",
        longrepr=None,
        when="call",
        duration=call.duration,
        start=call.start,
        stop=call.stop,
        user_properties=item.user_properties,
    )


def mark_tolerated(report: pytest.TestReport, reason: str) -> None:
    """Turn a failure into one that the gate after it counts; in JUnit an expected failure with its reason."""
    report.outcome = "skipped"
    report.wasxfail = f"tolerated: {reason}"
    vars(report)["rk_tolerated"] = True


def _report_teardown(item: SuiteItem, nextitem: pytest.Item | None) -> None:
    """Tear down what `nextitem` does not need; an error in a fixture is an error of this item, as in pytest."""
    call = pytest.CallInfo.from_call(
        lambda: internals.tear_down(item, nextitem), when="teardown", reraise=_reraised(item)
    )
    item.ihook.pytest_runtest_logreport(report=item.ihook.pytest_runtest_makereport(item=item, call=call))
