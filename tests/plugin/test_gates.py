"""Rows, gates, readiness and exit codes, as a user meets them."""

from __future__ import annotations

import pytest

TOLERANT = "[local]\npass_rate = 0.8\n"


def test_every_row_right_is_not_yet_ready_without_controls(pytester, make_suite, read_results):
    make_suite()
    result = pytester.runpytest("--rk-suite=small", "--rk-json=results.json")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*local*10/10*100.0%*passed*", "small: UNDECIDED - ?controls? is not declared*"])
    suite = read_results()["suites"]["small"]
    assert suite["readiness"] == "UNDECIDED"
    assert suite["steps"]["local"] | {"results": []} == {
        "rows": 10,
        "passed": 10,
        "outcomes": {"passed": 10},
        "gate": "passed",
        "reason": "10/10 rows pass (100.0%), 100% is required",
        "gates": {"gate": {"decision": "passed", "reason": "10/10 rows pass (100.0%), 100% is required"}},
        "notes": [],
        "results": [],
    }
    assert [row["id"] for row in suite["steps"]["local"]["results"]] == [f"row-{n:02}" for n in range(10)]


def test_one_wrong_row_fails_itself_and_the_gate(pytester, make_suite, read_results):
    make_suite(wrong=(3,))
    result = pytester.runpytest("--rk-suite=small", "--rk-json=results.json")
    assert result.ret == 1
    result.assert_outcomes(passed=9, failed=2)
    result.stdout.fnmatch_lines(
        [
            "row-03: wrong_answer",
            "  response  spoilt",
            "  gold      3",
            "  score     0.0",
            "  reason    score 0 is below pass_at 1",
            "  rerun     pytest --rk-suite=small --rk-step=local --rk-ids=row-03",
            "9/10 rows pass (90.0%), 100% is required; not passed: row-03",
            "small: the gate of step local failed",
            "small: NOT READY - local: 9/10 rows pass (90.0%), 100% is required; not passed: row-03",
        ]
    )
    assert read_results()["suites"]["small"]["readiness"] == "NOT READY"


def test_the_rerun_command_runs_that_row_alone(pytester, make_suite):
    make_suite(wrong=(3,))
    result = pytester.runpytest("--rk-suite=small", "--rk-step=local", "--rk-ids=row-03")
    assert result.ret == 1
    result.assert_outcomes(failed=1)


def test_a_tolerant_suite_leaves_low_rows_to_the_gate(pytester, make_suite):
    make_suite(wrong=(3, 7), toml=TOLERANT)
    result = pytester.runpytest("--rk-suite=small", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*local?row-03? TOLERATED*", "*local::gate PASSED*", "*9 passed, 2 tolerated*"])


def test_a_tolerant_gate_fails_below_its_rate(pytester, make_suite):
    make_suite(wrong=(1, 3, 7), toml=TOLERANT)
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*not passed: row-01, row-03, row-07*", "*1 failed, 7 passed, 3 tolerated*"])


@pytest.mark.parametrize(
    "narrowing", [["--rk-ids=row-03"], ["-k", "row-03"], ["cases/small/suite.toml::local[row-03]"]]
)
def test_a_low_row_without_its_gate_fails_by_itself(pytester, make_suite, narrowing):
    make_suite(wrong=(3,), toml=TOLERANT)
    suite = [] if "::" in narrowing[0] else ["--rk-suite=small"]
    result = pytester.runpytest(*suite, *narrowing)
    assert result.ret == 1
    result.assert_outcomes(failed=1, deselected=10 if narrowing[0] == "-k" else 0)


@pytest.mark.parametrize(
    "narrowing", [["--rk-ids=row-04"], ["-k", "row-04"], ["cases/small/suite.toml::local[row-04]"]]
)
def test_narrowing_to_rows_decides_nothing_and_says_so(pytester, make_suite, read_results, narrowing):
    make_suite(wrong=(3,))
    suite = [] if "::" in narrowing[0] else ["--rk-suite=small"]
    result = pytester.runpytest(*suite, *narrowing, "--rk-json=results.json")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["small: UNDECIDED - local: gate not decided (1/10 rows run)"])
    assert read_results()["suites"]["small"]["steps"]["local"]["gate"] == "undecided"


@pytest.mark.parametrize("narrowing", ["--rk-ids=row-03", "-k=row-03"])
def test_narrowing_to_a_wrong_row_fails_the_run_and_decides_nothing(pytester, make_suite, narrowing):
    make_suite(wrong=(3,))
    result = pytester.runpytest("--rk-suite=small", narrowing)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["small: UNDECIDED - local: gate not decided (1/10 rows run)"])


def test_a_keyword_that_names_a_step_takes_its_gate_along(pytester, make_suite):
    make_suite(wrong=(3,))
    result = pytester.runpytest("--rk-suite=small", "-k", "local")
    result.assert_outcomes(passed=9, failed=2)


def test_a_keyword_that_drops_only_the_gate_does_not_end_green(pytester, make_suite):
    make_suite()
    assert pytester.runpytest("--rk-suite=small", "-k", "not gate").ret == 1


def test_tolerated_rows_are_listed(pytester, make_suite):
    make_suite(wrong=(3,), toml=TOLERANT)
    result = pytester.runpytest("--rk-suite=small")
    result.stdout.fnmatch_lines(["*tolerated row-03: wrong_answer: score 0 is below pass_at 1"])


def test_a_run_that_ends_early_leaves_no_results_of_another(pytester, make_suite):
    folder = make_suite()
    assert pytester.runpytest("--rk-suite=small", "--rk-json=results.json").ret == 0
    (folder / "dataset.jsonl").write_text("")
    assert pytester.runpytest("--rk-suite=small", "--rk-json=results.json").ret == pytest.ExitCode.USAGE_ERROR
    assert not (pytester.path / "results.json").exists()


def test_an_error_that_all_rows_share_is_told_once(pytester, make_suite):
    make_suite(rows=3, reward="def grade(messages, ground_truth, **kwargs):\n    return 1 / 0\n")
    result = pytester.runpytest("--rk-suite=small")
    result.stdout.fnmatch_lines(["row-00: reward_error", "row-01: reward_error, as on row row-00"])
    result.stdout.fnmatch_lines(["*NOT READY*3 rows ended in an error: row-00, row-01, row-02; ZeroDivisionError:*"])


def test_rows_whose_gate_was_deselected_do_not_end_green(pytester, make_suite):
    make_suite()
    result = pytester.runpytest("--rk-suite=small", "--deselect=cases/small/suite.toml::local::gate")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["small: UNDECIDED - local: gate not decided (10/10 rows run)"])


def test_the_gate_alone_decides_over_all_rows(pytester, make_suite):
    make_suite(wrong=(3,))
    result = pytester.runpytest("cases/small/suite.toml::local::gate")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*9/10 rows pass*not passed: row-03"])


def test_choosing_steps_leaves_the_suite_undecided(pytester, make_suite):
    source = '{"question": "q", "answer": "1+1=<<1+1=2>>2\\n#### 2"}\n'
    folder = make_suite(toml='[local]\n[data]\nsource = {kind = "jsonl", path = "source.jsonl", layout = "gsm8k"}\n')
    (folder / "source.jsonl").write_text(source)
    result = pytester.runpytest("--rk-suite=small", "--rk-step=local")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*data * undecided: not selected", "*small: UNDECIDED - not selected: data*"])


@pytest.mark.parametrize("stop", ["-x", "--maxfail=2"])
def test_stopping_at_a_failure_does_not_hide_the_verdict(pytester, make_suite, stop):
    make_suite(wrong=(2, 4, 6))
    result = pytester.runpytest("--rk-suite=small", stop)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["small: NOT READY - local: row-02: wrong_answer*"])


def test_tolerated_rows_do_not_stop_a_run(pytester, make_suite):
    make_suite(wrong=(2, 4), toml=TOLERANT)
    assert pytester.runpytest("--rk-suite=small", "-x").ret == 0


def test_abstentions_count_as_not_passed(pytester, make_suite):
    reward = "def grade(messages, ground_truth, **kwargs):\n    return None if ground_truth == '3' else 1.0\n"
    make_suite(reward=reward)
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*abstained 1*", "*NOT READY - local: 9/10 rows pass*"])


def test_a_declared_share_may_abstain(pytester, make_suite):
    reward = "def grade(messages, ground_truth, **kwargs):\n    return None if ground_truth == '3' else 1.0\n"
    make_suite(reward=reward, toml="[local]\nmax_abstained = 0.1\n")
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*abstained 1*"])


def test_too_few_rows_for_the_claim_is_undecided_and_not_green(pytester, make_suite, read_results):
    make_suite(toml="[local]\npass_rate = 0.9\nconfidence = 0.95\n")
    result = pytester.runpytest("--rk-suite=small", "--rk-json=results.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["small: the gate of step local is undecided", "*UNDECIDED*more rows are needed*"])
    assert read_results()["suites"]["small"]["readiness"] == "UNDECIDED"


def test_junit_carries_the_gate_and_the_tolerated_rows(pytester, make_suite):
    make_suite(wrong=(3,), toml=TOLERANT)
    pytester.runpytest("--rk-suite=small", "--junitxml=junit.xml")
    xml = (pytester.path / "junit.xml").read_text()
    assert 'name="rk.decision" value="passed"' in xml
    assert xml.count("tolerated: wrong_answer") == 1
    assert 'failures="0"' in xml


def test_the_printed_output_of_a_reward_stands_with_its_row(pytester, make_suite):
    reward = "def grade(messages, ground_truth, **kwargs):\n    print('looking at', ground_truth)\n    return 0.0\n"
    make_suite(rows=2, reward=reward)
    result = pytester.runpytest("--rk-suite=small")
    result.stdout.fnmatch_lines(["*reward output*", "looking at 0", "*reward output*", "looking at 1"])


def test_an_exception_is_shown_with_the_users_line(pytester, make_suite):
    make_suite(rows=1, reward="def grade(messages, ground_truth, **kwargs):\n    return 1 / 0\n")
    result = pytester.runpytest("--rk-suite=small")
    result.stdout.fnmatch_lines(["*ZeroDivisionError: division by zero (cases/small/reward_of_small.py:2)"])
    result.stdout.no_fnmatch_line("*Traceback*")
