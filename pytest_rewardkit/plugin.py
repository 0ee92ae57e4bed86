"""The plugin's hooks. Each only delegates; nothing is imported until a suite is named or a fixture used."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

from pytest_rewardkit.fixtures import (
    _rk_recordings,
    rk_cassette,
    rk_controls,
    rk_fireworks,
    rk_grpo,
    rk_reward,
    rk_row,
    rk_suite,
)
from pytest_rewardkit.options import add_options, record_mode, wants_suites

__all__ = [
    "_rk_recordings",
    "rk_cassette",
    "rk_controls",
    "rk_fireworks",
    "rk_grpo",
    "rk_reward",
    "rk_row",
    "rk_suite",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rk_suite(name): run this test once for each row of the suite, as `rk_row`.")
    config.addinivalue_line(
        "markers", "rk_pass_rate(rate): with rk_suite, single rows may fail; a gate after them requires the rate."
    )
    from reward_kit.installation import conflict

    if problem := conflict():
        raise pytest.UsageError(problem)
    record_mode(config)  # refused before anything runs
    config.pluginmanager.register(_Reports(config), "rewardkit-reports")
    executes_code = False
    if wants_suites(config):
        from pytest_rewardkit.suites import SuitePlugin

        suites = SuitePlugin.from_config(config)
        config.pluginmanager.register(suites, SuitePlugin.NAME)
        executes_code = suites.executes_code
    if (executes_code or config.option.rk_sandbox) and not config.option.help:
        from pytest_rewardkit.sandbox import SandboxPlugin

        config.pluginmanager.register(SandboxPlugin(config), SandboxPlugin.NAME)


# Tests marked rk_suite


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "rk_row" in metafunc.fixturenames:
        from pytest_rewardkit.marked import parametrize_rows

        parametrize_rows(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> Generator[None, Any, Any]:
    collected = yield
    if isinstance(collected, list) and collected and collected[0].get_closest_marker("rk_pass_rate"):
        from pytest_rewardkit.marked import with_gate

        return with_gate(collector, name, collected)
    return collected


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if marked := sys.modules.get("pytest_rewardkit.marked"):  # loaded where a test needed it
        marked.put_gates_last(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    marked = sys.modules.get("pytest_rewardkit.marked")
    if marked and isinstance(item, marked.MarkedGate) and hasattr(item.config, "workerinput"):
        marked.defer(item, nextitem)
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    recorded = sys.modules.get("pytest_rewardkit.recorded")  # loaded where a test needed it
    missed = recorded is not None and recorded.fail_where_missed(item, report)
    if item.get_closest_marker("rk_pass_rate"):
        from pytest_rewardkit.marked import annotate_report

        annotate_report(item, call, report, broken=missed)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    result = yield
    marked = sys.modules.get("pytest_rewardkit.marked")
    if marked and not hasattr(session.config, "workerinput"):
        marked.decide_deferred(session.config)
    return result


class _Reports:
    """Sees every report; apart from the module's hooks because it needs the config."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._gates: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        marked = sys.modules.get("pytest_rewardkit.marked")
        if marked is None or hasattr(self._config, "workerinput") or session.exitstatus != pytest.ExitCode.OK:
            return
        if marked.undecided_gates(self._config, self._gates):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        recorded = sys.modules.get("pytest_rewardkit.recorded")
        lines = recorded.summary_lines(self._config) if recorded else []
        if lines:
            terminalreporter.write_sep("=", "cassettes")
            for line in lines:
                terminalreporter.write_line(line)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.nodeid.endswith("::gate"):
            self._gates.add(report.nodeid)
        if hasattr(report, "rk_row_passed") or hasattr(report, "rk_deferred_gate"):
            from pytest_rewardkit.marked import note_report

            note_report(self._config, report)


# pytest-xdist


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    from pytest_rewardkit.store import offer_store

    offer_store(node)


def pytest_unconfigure(config: pytest.Config) -> None:
    if store := sys.modules.get("pytest_rewardkit.store"):
        store.remove_store(config)


# What the terminal shows


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    if getattr(report, "rk_tolerated", False):
        return "tolerated", "t", ("TOLERATED", {"yellow": True})
    return None
