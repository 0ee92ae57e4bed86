"""Which suites, steps and rows a command line collects."""

from __future__ import annotations

import pytest


@pytest.fixture
def repository(pytester: pytest.Pytester, make_suite):
    """A repository with testpaths, one ordinary test and two suites."""
    make_suite("first", rows=3)
    make_suite("second", rows=2)
    pytester.makeini("[pytest]\ntestpaths = tests\n")
    pytester.mkdir("tests")
    (pytester.path / "tests" / "test_plain.py").write_text("def test_plain():\n    pass\n")
    return pytester


def test_a_named_suite_replaces_testpaths(repository):
    result = repository.runpytest("--rk-suite=first", "-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*cases/first/suite.toml::local?row-00? PASSED*", "*::local::gate PASSED*"])
    result.stdout.no_fnmatch_line("*test_plain*")


def test_a_bare_run_leaves_suites_alone(repository):
    result = repository.runpytest("-v")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*suite.toml*")
    result.stdout.no_fnmatch_line("*reward readiness*")


def test_a_run_of_a_whole_folder_leaves_suites_alone(repository):
    assert repository.runpytest(".").parseoutcomes() == {"passed": 1}


def test_a_suite_beside_a_path_runs_both(repository):
    repository.runpytest("--rk-suite=second", "tests").assert_outcomes(passed=4)


def test_a_suite_file_can_be_named_as_an_argument(repository):
    repository.runpytest("cases/second/suite.toml").assert_outcomes(passed=3)


def test_naming_a_suite_twice_runs_it_once(repository):
    repository.runpytest("--rk-suite=second,second", "cases/second/suite.toml").assert_outcomes(passed=3)


def test_all_stands_for_every_suite(repository):
    repository.runpytest("--rk-suite=all").assert_outcomes(passed=7)


def test_the_ini_twin_names_suites_too(repository):
    repository.makeini("[pytest]\ntestpaths = tests\nrk_suite = first\n")
    repository.runpytest().assert_outcomes(passed=4)
    repository.runpytest("--rk-suite=second").assert_outcomes(passed=3)


def test_the_cases_folder_can_be_elsewhere(repository):
    (repository.path / "cases").rename(repository.path / "graded")
    repository.makeini("[pytest]\nrk_cases = graded\n")
    repository.runpytest("--rk-suite=all").assert_outcomes(passed=7)


def test_suites_are_found_from_a_subfolder(repository, monkeypatch):
    monkeypatch.chdir(repository.path / "tests")
    repository.runpytest("--rk-suite=first", "-c", "../tox.ini").assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rk-suite=frist"], "*unknown suite 'frist'; known suites: first, second*"),
        (["--rk-suite=first", "--rk-step=locla"], "*unknown step 'locla'; declared steps: local*"),
        (["--rk-suite=first", "--rk-step=data"], "*step 'data' is not declared by first; declared steps: local*"),
        (["--rk-suite=first", "--rk-ids=row-99"], "*unknown row id 'row-99'*Known ids: row-00, row-01, row-02*"),
        (["--rk-ids=row-00"], "*--rk-ids is about suites, and none is named: add --rk-suite=NAME*"),
        (["--rk-suite=first", "--rk-json=nowhere/x.json"], "*--rk-json=nowhere/x.json lies in*which does not exist*"),
        (["--rk-suite=first", "-o", "rk_timeout=soon"], "*rk_timeout is 'soon'*"),
        (["--rk-suite="], "*--rk-suite= names nothing*"),
        (["--rk-suite=first", "--rk-ids=,"], "*--rk-ids=, names nothing*"),
        (["--rk-json=x.json"], "*--rk-json is about suites*"),
        (["--rk-suite=first", "--rk-json=/proc/x.json"], "*--rk-json=/proc/x.json cannot be written*"),
        (["cases/third/suite.toml"], "*file or directory not found: cases/third/suite.toml*"),
    ],
)
def test_what_is_unknown_is_a_usage_error(repository, arguments, message):
    result = repository.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_defects_of_suite_and_dataset_are_usage_errors_with_lines(repository):
    (repository.path / "cases" / "first" / "dataset.jsonl").write_text('{"id": "a"}\n{broken\n')
    result = repository.runpytest("--rk-suite=first")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*dataset.jsonl:1: has no messages*", "*dataset.jsonl:2: is not JSON*"])
    (repository.path / "cases" / "second" / "suite.toml").write_text('reward = "m:f"\n[local]\npas_rate = 1\n')
    result = repository.runpytest("--rk-suite=second")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*suite.toml:3: unknown key 'local.pas_rate'*pass_rate*"])


def test_two_suites_of_one_name_are_a_usage_error(repository):
    elsewhere = repository.mkdir("elsewhere")
    (repository.path / "cases" / "first").rename(elsewhere / "second")
    result = repository.runpytest("--rk-suite=second", "elsewhere/second/suite.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*two suites have the name second*"])


def test_collect_only_lists_and_judges_nothing(repository):
    result = repository.runpytest("--rk-suite=first", "--collect-only", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["cases/first/suite.toml::local?row-02?", "cases/first/suite.toml::local::gate"])
    result.stdout.no_fnmatch_line("*READY*")


def test_a_row_a_gate_and_a_step_have_node_ids(repository):
    repository.runpytest("cases/first/suite.toml::local[row-01]").assert_outcomes(passed=1)
    repository.runpytest("cases/first/suite.toml::local::gate").assert_outcomes(passed=1)
    repository.runpytest("cases/first/suite.toml::local").assert_outcomes(passed=4)


def test_the_plugin_can_be_switched_off(repository):
    repository.runpytest("-p", "no:rewardkit", "tests").assert_outcomes(passed=1)
