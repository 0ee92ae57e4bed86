"""The plugin's hooks. Each only delegates; nothing is imported until a suite is named or a fixture used."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_rewardkit.fixtures import rk_reward, rk_row, rk_suite
from pytest_rewardkit.options import add_options, wants_suites

__all__ = ["rk_reward", "rk_row", "rk_suite"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rk_suite(name): run this test once for each row of the suite, as `rk_row`.")
    config.addinivalue_line(
        "markers", "rk_pass_rate(rate): with rk_suite, single rows may fail; a gate after them requires the rate."
    )
    _refuse_reward_kit()
    if wants_suites(config):
        from pytest_rewardkit.suites import SuitePlugin

        config.pluginmanager.register(SuitePlugin.from_config(config), SuitePlugin.NAME)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "rk_row" in metafunc.fixturenames:
        from pytest_rewardkit.marked import parametrize_rows

        parametrize_rows(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> Generator[None, Any, Any]:
    collected = yield
    if isinstance(collected, list) and collected and collected[0].get_closest_marker("rk_pass_rate"):
        from pytest_rewardkit.marked import with_gate

        return with_gate(collector, name, collected)
    return collected


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.get_closest_marker("rk_pass_rate"):
        from pytest_rewardkit.marked import note_report

        note_report(item, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import sys

    marked = sys.modules.get("pytest_rewardkit.marked")  # loaded by the tests that need it
    if marked is not None:
        marked.put_gates_last(items)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    from pytest_rewardkit.store import offer_store

    offer_store(node)


def pytest_unconfigure(config: pytest.Config) -> None:
    from pytest_rewardkit.store import remove_store

    remove_store(config)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    if getattr(report, "rk_tolerated", False):
        return "tolerated", "t", ("TOLERATED", {"yellow": True})
    return None


def _refuse_reward_kit() -> None:
    from reward_kit.installation import conflict

    if problem := conflict():
        raise pytest.UsageError(problem)
