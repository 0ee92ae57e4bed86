"""Tests that people mark with rk_suite: an item a row, and with rk_pass_rate a gate after them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pytest_rewardkit.options import find_suite
from pytest_rewardkit.protocol import mark_tolerated
from pytest_rewardkit.store import make_folder, store_of
from reward_kit.errors import RewardKitError
from reward_kit.suite import Suite, load_suite

_SUITES = pytest.StashKey[dict[str, Suite]]()
_PASSED = pytest.StashKey[dict[str, bool]]()
_GATED = pytest.StashKey[frozenset[str]]()
#: How long a gate waits, without any row finishing meanwhile, for rows that run in other xdist workers: seconds.
_PATIENCE = 60.0


def suite_of(node: pytest.Item | pytest.Collector) -> Suite:
    """The suite that the node's mark rk_suite names.

    Raises:
        pytest.UsageError: where there is no mark, no such suite, or a suite with defects.
    """
    mark = node.get_closest_marker("rk_suite")
    if mark is None or len(mark.args) != 1:
        raise pytest.UsageError(f"{node.nodeid}: mark it with @pytest.mark.rk_suite(NAME)")
    suites = node.config.stash.setdefault(_SUITES, {})
    name = str(mark.args[0])
    if name not in suites:
        try:
            suites[name] = load_suite(find_suite(node.config, name).parent)
        except RewardKitError as error:
            raise pytest.UsageError(str(error)) from None
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
        raise pytest.UsageError(f"{items[0].nodeid}: rk_pass_rate takes a rate above 0 and at most 1, e.g. 0.9")
    row_ids = [item.nodeid for item in items]
    return [*items, MarkedGate.from_parent(collector, name=f"{name}[gate]", row_ids=row_ids, rate=float(rate))]


def note_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Remember a row's outcome for its gate; where the gate runs, a failed call is left to it."""
    if not _is_row(item) or (report.when != "call" and report.passed):
        return
    _remember(item.config, item.nodeid, report.passed)
    if report.when == "call" and report.failed and item.nodeid in _gated(item.session):
        mark_tolerated(report, str(getattr(report, "longreprtext", "")).strip().rpartition("\n")[2])


class RateNotReachedError(Exception):
    """The gate of marked tests failed, or could not be decided."""


class MarkedGate(pytest.Item):
    """Decides a pass rate over the row items of one test; it cannot run them itself."""

    def __init__(self, *, row_ids: Sequence[str], rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.row_ids = row_ids
        self.rate = rate

    def runtest(self) -> None:
        outcomes = self._wait_for_rows()
        missing = len(self.row_ids) - len(outcomes)
        if missing:
            raise RateNotReachedError(
                f"gate not decided: {missing} of {len(self.row_ids)} rows did not run in this run"
            )
        passed = sum(outcomes.values())
        reached = passed / len(self.row_ids)
        self.user_properties += [("rk.rows", len(self.row_ids)), ("rk.passed", passed), ("rk.pass_rate", self.rate)]
        if reached + 1e-9 < self.rate:
            low = ", ".join(row.rpartition("[")[2].rstrip("]") for row, ok in outcomes.items() if not ok)
            rows = len(self.row_ids)
            raise RateNotReachedError(
                f"{passed}/{rows} rows pass ({reached:.1%}), {self.rate:.4g} is required; not passed: {low}"
            )

    def _wait_for_rows(self) -> dict[str, bool]:
        """The outcomes of this gate's rows; under xdist others may still be at work on some."""
        deadline, seen = time.monotonic() + _PATIENCE, -1
        while True:
            passed = _recall(self.config)
            outcomes = {row: passed[row] for row in self.row_ids if row in passed}
            if len(outcomes) == len(self.row_ids) or store_of(self.config) is None:
                return outcomes
            if len(passed) != seen:
                deadline, seen = time.monotonic() + _PATIENCE, len(passed)
            if time.monotonic() > deadline:
                return outcomes
            time.sleep(0.05)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        known = isinstance(excinfo.value, RateNotReachedError)
        return f"{self.name}: {excinfo.value}" if known else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, self.name


def put_gates_last(items: list[pytest.Item]) -> None:
    """Move the gates of marked tests behind everything else, however items were shuffled."""
    gates = [item for item in items if isinstance(item, MarkedGate)]
    if gates:
        items[:] = [*(item for item in items if not isinstance(item, MarkedGate)), *gates]


def _is_row(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    return callspec is not None and "rk_row" in callspec.params


def _gated(session: pytest.Session) -> frozenset[str]:
    """The row items whose gate is in this run."""
    stash = session.config.stash
    if _GATED not in stash:
        gates = [item for item in session.items if isinstance(item, MarkedGate)]
        stash[_GATED] = frozenset(row for gate in gates for row in gate.row_ids)
    return stash[_GATED]


def _remember(config: pytest.Config, nodeid: str, passed: bool) -> None:
    """A row that failed in any phase has not passed, whatever its other phases say."""
    known = config.stash.setdefault(_PASSED, {})
    known[nodeid] = known.get(nodeid, True) and passed
    store = store_of(config)
    if store is not None:
        path = _record_path(make_folder(store, "marked"), nodeid)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(f"{int(known[nodeid])}{nodeid}", encoding="utf-8")
        os.replace(partial, path)


def _record_path(folder: Path, nodeid: str) -> Path:
    return folder / f"{sha256(nodeid.encode()).hexdigest()}.row"


def _recall(config: pytest.Config) -> dict[str, bool]:
    """The outcomes known by now, of every worker."""
    known: dict[str, bool] = config.stash.setdefault(_PASSED, {})
    passed = dict(known)
    store = store_of(config)
    if store is not None:
        texts = [path.read_text(encoding="utf-8") for path in (store / "marked").glob("*.row")]
        passed.update({text[1:]: text[0] == "1" for text in texts})
    return passed
