"""Steps that run on rows of their choice, and steps that evaluate their rows together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from pytest_rewardkit.verdicts import OwnVerdicts, SharedVerdicts, Verdicts
from reward_kit.models import Outcome, Row
from reward_kit.verdict import Verdict

ROWS = [Row(str(number), ({"role": "user", "content": "?"},), None, {}, number + 1) for number in range(40)]

#: For a run's conftest.py: of the rows, `local` chooses every other one, and it notes what it is asked to evaluate.
CHOOSING = """
from pathlib import Path
from reward_kit.steps.local import LocalStep

evaluate = LocalStep.evaluate

def noted(self, rows, context):
    with Path(self.folder, "asked.txt").open("a") as asked:
        asked.write(",".join(row.id for row in rows) + "\\n")
    return evaluate(self, rows, context)

LocalStep.evaluate = noted
LocalStep.items = lambda self: self.rows[1::2]
"""
WHOLE = CHOOSING + "LocalStep.whole = True\n"
WITH_CONTROLS = "[local]\n[controls]\n"


@pytest.fixture
def asked(pytester: pytest.Pytester) -> Callable[[], list[str]]:
    """Which rows `local` was asked to evaluate since the last look, a line a call."""

    def lines() -> list[str]:
        path = pytester.path / "cases" / "small" / "asked.txt"
        found = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return found

    return lines


@pytest.mark.parametrize("spread", [[], ["-n2"]])
@pytest.mark.parametrize("step", [CHOOSING, WHOLE], ids=["apart", "whole"])
def test_only_chosen_rows_are_items_and_the_gate_is_decided_over_them(
    pytester, make_suite, read_results, asked, step, spread
):
    make_suite(rows=10, wrong=(2,))
    pytester.makeconftest(step)
    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=results.json", *spread)
    assert result.ret == 0
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*local * 5/5 * passed"])
    local = read_results()["suites"]["small"]["steps"]["local"]
    assert [row["id"] for row in local["results"]] == ["row-01", "row-03", "row-05", "row-07", "row-09"]
    assert local["reason"] == "5/5 rows pass (100.0%), 100% is required"
    assert sorted(",".join(asked()).split(",")) == [row["id"] for row in local["results"]]


@pytest.mark.parametrize("step", [CHOOSING, WHOLE], ids=["apart", "whole"])
def test_a_row_that_a_step_did_not_choose_is_no_item_of_it(pytester, make_suite, asked, step):
    make_suite(rows=4, toml=WITH_CONTROLS)
    pytester.makeconftest(step)
    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-ids=row-02", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*suite.toml::controls?row-02?"])
    result.stdout.no_fnmatch_line("*local?row*")

    alone = pytester.runpytest_subprocess("--rk-suite=small", "--rk-ids=row-02", "--rk-step=local")
    assert alone.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert asked() == []


@pytest.mark.parametrize("spread", [[], ["-n2"]])
@pytest.mark.parametrize("pick", [["--rk-ids=row-03"], ["-k", "row-03"]], ids=["ids", "keyword"])
def test_one_row_of_a_whole_step_is_evaluated_with_all_the_others(
    pytester, make_suite, read_results, asked, pick, spread
):
    make_suite(rows=10, wrong=(5,))
    pytester.makeconftest(WHOLE)
    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=results.json", *pick, *spread)
    assert result.ret == 0  # the row asked for is right, and a gate was not
    assert asked() == ["row-01,row-03,row-05,row-07,row-09"]
    suite = read_results()["suites"]["small"]
    local = suite["steps"]["local"]
    assert (local["passed"], local["rows"]) == (4, 5)
    assert (local["gate"], local["reason"]) == ("undecided", "gate not decided (5/5 rows run)")
    assert suite["readiness"] == "UNDECIDED"


@pytest.mark.parametrize("spread", [[], ["-n2"], ["-x"]])
def test_a_whole_step_is_evaluated_in_one_call(pytester, make_suite, asked, spread):
    make_suite(rows=120, wrong=(1,))
    pytester.makeconftest(WHOLE)
    result = pytester.runpytest_subprocess("--rk-suite=small", *spread)
    assert result.ret in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
    assert [line.count(",") + 1 for line in asked()] == [60]


def test_a_step_that_chose_no_row_is_undecided_and_fails_the_run(pytester, make_suite):
    make_suite(rows=4)
    pytester.makeconftest(CHOOSING.replace("self.rows[1::2]", "[]"))
    result = pytester.runpytest_subprocess("--rk-suite=small")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["small: UNDECIDED - local: no row was evaluated*"])


def test_a_step_that_chose_no_row_leaves_rows_of_other_steps_to_themselves(pytester, make_suite):
    reward = """
from fractions import Fraction

def grade(messages, ground_truth, **kwargs):
    try:
        return float(Fraction(messages[-1]["content"]) == Fraction(ground_truth))
    except ValueError:
        return 0.0
"""
    make_suite(rows=4, reward=reward, toml=WITH_CONTROLS)
    pytester.makeconftest(CHOOSING.replace("self.rows[1::2]", "[]"))
    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-ids=row-02")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1)


class Evaluation:
    """Passes every row, in reverse; notes the calls. Breaks off after `breaks_after` verdicts, once."""

    def __init__(self, breaks_after: int | None = None) -> None:
        self.calls: list[int] = []
        self._breaks_after = breaks_after

    def __call__(self, rows: Sequence[Row]) -> Iterator[Verdict]:
        self.calls.append(len(rows))
        for number, row in enumerate(reversed(rows)):
            if number == self._breaks_after:
                self._breaks_after = None
                raise KeyboardInterrupt
            yield Verdict(row.id, Outcome.PASSED)


Make = Callable[[Evaluation], Verdicts]


@pytest.fixture(params=["own", "shared"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """The verdicts of a whole step, in one process or as one of two."""
    if request.param == "own":
        return partial(OwnVerdicts, ROWS, whole=True)
    return partial(SharedVerdicts, ROWS, folder=tmp_path, sharers=2, whole=True)


def test_any_row_of_a_whole_step_brings_all_verdicts(whole: Make) -> None:
    evaluation = Evaluation()
    verdicts = whole(evaluation)
    verdicts.want(frozenset({"7"}))
    assert verdicts.known() == []

    assert verdicts.of("7").passed
    assert [verdict.row_id for verdict in verdicts.known()] == [row.id for row in ROWS]
    assert verdicts.all() == verdicts.known()
    assert evaluation.calls == [40]


def test_what_was_broken_off_half_way_is_begun_anew_with_every_row(whole: Make) -> None:
    evaluation = Evaluation(breaks_after=30)
    verdicts = whole(evaluation)
    with pytest.raises(KeyboardInterrupt):
        verdicts.of("0")
    verdicts.stop()
    assert verdicts.known() == []

    assert len(verdicts.all()) == 40
    assert evaluation.calls == [40, 40]


def test_what_one_process_evaluated_is_read_by_the_other_whatever_each_wants(tmp_path: Path) -> None:
    first, second = Evaluation(), Evaluation()
    one = SharedVerdicts(ROWS, first, tmp_path, 2, whole=True)
    other = SharedVerdicts(ROWS, second, tmp_path, 2, whole=True)
    one.want(frozenset({"3"}))
    other.want(frozenset({"39"}))

    assert (one.of("3").passed, other.of("39").passed) == (True, True)
    assert (first.calls, second.calls) == ([40], [])
    assert one.all() == other.all()
