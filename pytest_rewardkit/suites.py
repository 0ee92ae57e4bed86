"""The part of the plugin that runs suites; registered only in runs that name one."""

from __future__ import annotations

import gc
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_rewardkit import internals
from pytest_rewardkit.executing import executes_code
from pytest_rewardkit.nodes import BY_NAME, GateItem, RowItem, SuiteFile, SuiteItem
from pytest_rewardkit.options import Selection, clear_json, known_suites, path_part, read_selection
from pytest_rewardkit.protocol import run_item
from pytest_rewardkit.run import SuiteRun
from pytest_rewardkit.terminal import readiness_lines
from reward_kit.errors import RewardKitError
from reward_kit.gates import Decision, Gate
from reward_kit.report.results import write_results
from reward_kit.steps import STEPS
from reward_kit.suite import Suite, load_suite


class SuitePlugin:
    """Holds the suites of this run."""

    NAME = "rewardkit-suites"

    def __init__(self, config: pytest.Config, selection: Selection, runs: Sequence[SuiteRun]) -> None:
        self._config = config
        self._selection = selection
        self._runs = {run.suite.path: run for run in runs}
        self._by_name = {run.suite.name: run for run in runs}
        self._problems: list[str] = []
        self._ran = False

    @classmethod
    def from_config(cls, config: pytest.Config) -> SuitePlugin:
        """Read options and suites.

        Raises:
            pytest.UsageError: naming whatever is wrong with either.
        """
        selection = read_selection(config)
        if selection.json_path and not hasattr(config, "workerinput"):
            clear_json(selection.json_path)
        try:
            suites = [load_suite(path.parent) for path in selection.suite_paths]
        except RewardKitError as error:
            raise pytest.UsageError(str(error)) from None
        _check_names(selection, suites)
        picks = bool(selection.ids or config.option.keyword or any("::" in arg for arg in config.args))
        if selection.record == "all" and picks and not selection.ids:
            raise pytest.UsageError("--rk-record=all records whole cassettes anew: name single rows with --rk-ids")
        runs = [SuiteRun(config, suite, selection, picks_rows=picks) for suite in suites]
        config.stash[BY_NAME] = {name: path.resolve() for name, path in known_suites(config).items()}
        plugin = cls(config, selection, runs)
        plugin._add_arguments()
        return plugin

    def _add_arguments(self) -> None:
        """--rk-suite replaces testpaths and the working folder; beside arguments it adds to them."""
        config = self._config
        if config.args_source is not pytest.Config.ArgsSource.ARGS and self._runs:
            config.args = []
        named = {Path(arg).resolve() for arg in map(self._argument_path, config.args)}
        config.args = [*config.args, *(str(path) for path in self._runs if path not in named)]

    def _argument_path(self, arg: str) -> Path:
        return self._config.invocation_params.dir / path_part(arg)

    @property
    def executes_code(self) -> bool:
        """Whether a suite of this run has a reward that runs what a model wrote."""
        return any(executes_code(run.suite) for run in self._runs.values())

    # Collection

    def pytest_report_header(self) -> str | None:
        if not self._runs:
            return None
        return "reward-kit: " + ", ".join(f"{name} ({', '.join(run.steps)})" for name, run in self._by_name.items())

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
        run = self._runs.get(file_path)
        if run is None:
            return None
        file: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
        file.rk_run = run
        return file

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, Any, Any]:
        """Keep gates out of the hands of --lf: a gate that passed before must still decide this run."""
        before = list(items)
        result = yield
        if self._config.getoption("lf", False):
            kept = set(items)
            lost = [item for item in before if isinstance(item, GateItem) and item not in kept]
            items.extend(item for item in lost if not self._config.option.keyword)
        return result

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        wanted: dict[int, set[str]] = {}
        for item in session.items:
            if isinstance(item, GateItem):
                item.step_run.gates_selected.add(item.name)
            elif isinstance(item, RowItem):
                wanted.setdefault(id(item.step_run), set()).add(item.row.id)
        for run in self._runs.values():
            for step_run in run.steps.values():
                if not step_run.gates_selected:  # a gate asks for every row: then none is better left for later
                    step_run.verdicts.want(frozenset(wanted.get(id(step_run), ())))
        if all(isinstance(item, SuiteItem) for item in session.items):
            # Rows and items live to the end: no collection need walk them, here or in the workers forked from here.
            # Left alone where other people's tests run too: they may wait for a cycle to be collected.
            gc.freeze()

    # Running

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if not isinstance(item, SuiteItem):
            return None
        run_item(item, nextitem)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        self._ran = True
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        """Keep --lf from leaving out a suite because another file failed: its gates must still decide."""
        if isinstance(collector, SuiteFile) and self._config.getoption("lf", False):
            return internals.collect_report(collector)
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if left_to := getattr(report, "rk_left_to", None):
            suite, step = left_to
            self._by_name[suite].steps[step].left_rows_to_gate = True
        said = getattr(report, "rk_gate", None)
        if said:
            run = self._by_name[said["suite"]]
            run.steps[said["step"]].decided[said["gate"]] = Gate(Decision(said["decision"]), said["reason"])

    # Reporting

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        for run in self._runs.values():
            run.stop()
        if hasattr(self._config, "workerinput") or self._config.option.collectonly or not self._ran:
            return
        if session.exitstatus == pytest.ExitCode.OK and self._undecided():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._selection.json_path:
            self._write_results(session, self._selection.json_path)

    def _write_results(self, session: pytest.Session, path: Path) -> None:
        try:
            write_results(path, [run.report() for run in self._runs.values()])
        except OSError as error:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            self._problems.append(f"--rk-json={path} could not be written ({error.strerror})")

    def _undecided(self) -> bool:
        """True where a gate that should have been decided was not: rows were left to it, or it was to be reached."""
        steps = [step_run for run in self._runs.values() for step_run in run.steps.values()]
        return any(run.undecided and (run.left_rows_to_gate or not run.narrowed) for run in steps)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._runs and not self._config.option.collectonly:
            terminalreporter.write_sep("=", "reward readiness")
            width = self._config.get_terminal_writer().fullwidth if terminalreporter.isatty else None
            for run in self._runs.values():
                for text, markup in readiness_lines(run, width):
                    terminalreporter.write_line(text, **markup)
            for problem in self._problems:
                terminalreporter.write_line(problem, red=True)

    def pytest_unconfigure(self) -> None:
        for run in self._runs.values():
            run.stop()


def _check_names(selection: Selection, suites: Sequence[Suite]) -> None:
    names = [suite.name for suite in suites]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise pytest.UsageError(
            f"two suites have the name {', '.join(sorted(twice))}: rename a folder, or run them apart"
        )
    declared = list(dict.fromkeys(step for suite in suites for step in suite.steps))
    for step in selection.steps:
        if step not in declared:
            known = step in {known_step.name for known_step in STEPS}
            what = f"step {step!r} is not declared by {', '.join(names)}" if known else f"unknown step {step!r}"
            raise pytest.UsageError(f"{what}; declared steps: {', '.join(declared)}")
    known_ids = {row.id for suite in suites for row in suite.rows}
    unknown = [row_id for row_id in selection.ids if row_id not in known_ids]
    if unknown:
        raise pytest.UsageError(_unknown_ids(unknown, sorted(known_ids)))


def _unknown_ids(unknown: Sequence[str], known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(unknown[0], known, n=3)
    guess = f"; did you mean {', '.join(near)}?" if near else ""
    shown = ", ".join(known[:20]) + (f" ... ({len(known)} in all)" if len(known) > 20 else "")
    return f"unknown row id {', '.join(map(repr, unknown))}{guess} Known ids: {shown}"
