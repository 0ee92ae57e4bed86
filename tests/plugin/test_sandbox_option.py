"""--rk-sandbox: what is asked for is what programs run in, in every process, and the header says it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_rewardkit.options import SANDBOXES
from reward_kit.sandbox.tiers import CHOICES, Tier, find_tier

sys.path.append(str(Path(__file__).parents[1] / "sandbox"))
import lesser_machine

#: Pays 1.0 where the worker that grades runs programs in a sandbox of exactly these layers.
REWARD = """
from reward_kit.sandbox.shapes import Job, Mode
from reward_kit.sandbox.shared import shared_sandbox

def grade(messages, ground_truth, **kwargs):
    sandbox = shared_sandbox()
    end, = sandbox.run([Job(Mode.PROGRAM, "print(6 * 7)")])
    return float(end.stdout == b"42\\n" and set(sandbox.layers) == set({layers!r}))
"""


@pytest.fixture(scope="module", autouse=True)
def _all_layers() -> None:
    if (found := find_tier()).tier is not Tier.STRONG:
        pytest.skip(f"this machine has no strong sandbox: {found.why_not(Tier.STRONG)}")


@pytest.fixture
def code_suite(make_suite):
    """A suite whose reward expects the layers of a tier."""

    def make(tier: Tier = Tier.STRONG) -> None:
        make_suite("code", rows=3, reward=REWARD.format(layers=sorted(tier.layers)))

    return make


def test_the_option_knows_the_choices_of_the_library() -> None:
    assert SANDBOXES == CHOICES


def test_a_suite_that_executes_code_says_what_it_runs_in(pytester, code_suite) -> None:
    code_suite()
    result = pytester.runpytest_subprocess("--rk-suite=code")
    result.stdout.fnmatch_lines(["reward-kit sandbox: strong (namespaces, landlock *, seccomp)", "*local*3/3*"])
    assert result.ret == 0


def test_other_suites_start_no_sandbox(pytester, make_suite) -> None:
    make_suite()
    result = pytester.runpytest_subprocess("--rk-suite=small")
    result.stdout.no_fnmatch_line("reward-kit sandbox*")
    assert result.ret == 0


def test_the_reward_of_the_library_is_known_by_its_name(pytester, make_suite) -> None:
    folder = make_suite("named")
    toml = 'reward = "reward_kit.rewards.code_execution:fractional_code_reward"\n[local]\n'
    (folder / "suite.toml").write_text(toml)
    result = pytester.runpytest_subprocess("--rk-suite=named", "--collect-only")
    result.stdout.fnmatch_lines(["reward-kit sandbox: strong*"])


def test_the_option_shows_the_header_for_any_run(pytester) -> None:
    pytester.makepyfile("def test_plain(): ...")
    result = pytester.runpytest_subprocess("--rk-sandbox=strict")
    result.stdout.fnmatch_lines(["reward-kit sandbox: strong*"])
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("tier", Tier)
def test_workers_run_programs_in_the_tier_that_was_named(pytester, code_suite, tier) -> None:
    code_suite(tier)
    result = pytester.runpytest_subprocess("--rk-suite=code", f"--rk-sandbox={tier}")
    result.stdout.fnmatch_lines([f"reward-kit sandbox: {tier} (*", "*local*3/3*"])
    assert result.ret == 0


def test_workers_of_xdist_run_programs_in_it_too(pytester, code_suite) -> None:
    code_suite(Tier.GOOD)
    result = pytester.runpytest_subprocess("--rk-suite=code", "--rk-sandbox=good", "-n2")
    result.stdout.fnmatch_lines(["reward-kit sandbox: good (*", "*local*3/3*"])
    assert result.ret == 0


@pytest.mark.parametrize("tier", [Tier.BASIC, Tier.NONE])
def test_below_good_a_warning_names_what_stays_open(pytester, code_suite, tier) -> None:
    code_suite(tier)
    result = pytester.runpytest_subprocess("--rk-suite=code", f"--rk-sandbox={tier}")
    result.stdout.fnmatch_lines([f"*SandboxWarning: reward-kit sandbox: {tier} leaves open: {tier.leaves_open}"])


def test_where_warnings_are_errors_it_is_one_without_a_traceback(pytester) -> None:
    result = pytester.runpytest_subprocess("--rk-sandbox=basic", "-Werror")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: reward-kit sandbox: basic leaves open: files*"])


def test_strong_and_good_warn_of_nothing(pytester, code_suite) -> None:
    code_suite(Tier.GOOD)
    result = pytester.runpytest_subprocess("--rk-suite=code", "--rk-sandbox=good", "-Werror")
    assert result.ret == 0


def test_an_unknown_sandbox_is_a_usage_error(pytester) -> None:
    result = pytester.runpytest_subprocess("--rk-sandbox=docker")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--rk-sandbox: invalid choice: 'docker'*"])


def run_on_lesser(pytester, refused: str, *arguments: str):
    return pytester.run(*lesser_machine.command(refused, sys.executable, "-m", "pytest", *arguments))


def test_strict_is_a_usage_error_where_there_is_less(pytester, code_suite) -> None:
    code_suite()
    result = run_on_lesser(pytester, "namespaces", "--rk-suite=code", "--rk-sandbox=strict")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: no sandbox of tier strong here: namespaces: *This machine gives good"])


def test_auto_takes_less_where_there_is_less(pytester, code_suite) -> None:
    code_suite(Tier.GOOD)
    result = run_on_lesser(pytester, "namespaces", "--rk-suite=code")
    result.stdout.fnmatch_lines(["reward-kit sandbox: good (landlock *, seccomp)", "*local*3/3*"])
    assert result.ret == 0


def test_auto_runs_nothing_without_a_sandbox_and_says_how_to(pytester, code_suite) -> None:
    code_suite(Tier.NONE)
    result = run_on_lesser(pytester, "seccomp", "--rk-suite=code")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: there is no sandbox here: seccomp: *--rk-sandbox=none"])

    asked = run_on_lesser(pytester, "seccomp", "--rk-suite=code", "--rk-sandbox=none")
    assert asked.ret == 0
    asked.stdout.fnmatch_lines(["reward-kit sandbox: none (limits of time and memory only)", "*local*3/3*"])
