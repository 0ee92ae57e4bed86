"""The same verdict and the same JSON, however the run is cut, shuffled, spread or disturbed."""

from __future__ import annotations

import sys
import textwrap
import time

import pytest

#: Notes each call in a file, so that a test can count how often a row was evaluated.
COUNTING = """
import os
from pathlib import Path

def grade(messages, ground_truth, **kwargs):
    with open(Path(__file__).with_name("calls.txt"), "a") as calls:
        calls.write(ground_truth + "\\n")
    return float(messages[-1]["content"] == ground_truth)
"""

#: Kills its own worker with SIGKILL, once, in the call on row 5: what the system does for want of memory.
KILLED_ONCE = """
import os, signal
from pathlib import Path

def grade(messages, ground_truth, **kwargs):
    mark = Path(__file__).with_name("killed")
    if ground_truth == "5" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return float(messages[-1]["content"] == ground_truth)
"""

TOML = "[local]\npass_rate = 0.95\n"
IN_ORDER = "-p no:asyncio -p no:randomly"
SHUFFLED = "-p no:asyncio"  # pytest-randomly loads by itself
WAYS = {
    "load": (IN_ORDER, ["-n2"]),
    "loadfile": (IN_ORDER, ["-n2", "--dist=loadfile"]),
    "worksteal": (IN_ORDER, ["-n2", "--dist=worksteal"]),
    "loadscope": (IN_ORDER, ["-n2", "--dist=loadscope"]),
    "loadgroup": (IN_ORDER, ["-n2", "--dist=loadgroup"]),
    "random": (SHUFFLED, []),
    "random-spread": (SHUFFLED, ["-n2"]),
    "no-cache": (IN_ORDER, ["-p", "no:cacheprovider"]),
}


@pytest.fixture
def plain(pytester, make_suite):
    """A suite of 60 rows with 2 wrong ones, and the bytes a plain run writes."""
    make_suite(rows=60, wrong=(7, 31), toml=TOML, reward=COUNTING)
    run = pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=plain.json")
    assert run.ret == 0
    (pytester.path / "cases" / "small" / "calls.txt").unlink()
    return (pytester.path / "plain.json").read_bytes()


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_running_gives_the_same_bytes_and_evaluates_each_row_once(pytester, plain, monkeypatch, way):
    addopts, arguments = WAYS[way]
    monkeypatch.setenv("PYTEST_ADDOPTS", addopts)
    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=other.json", *arguments)
    assert result.ret == 0
    assert (pytester.path / "other.json").read_bytes() == plain
    calls = (pytester.path / "cases" / "small" / "calls.txt").read_text().split()
    assert sorted(calls, key=int) == [str(number) for number in range(60)]


def test_last_failed_decides_over_all_rows(pytester, make_suite):
    make_suite(rows=20, wrong=(3,))
    pytester.runpytest("--rk-suite=small", "--rk-json=first.json")
    again = pytester.runpytest("--rk-suite=small", "--lf", "--rk-json=again.json")
    assert again.ret == 1
    assert (pytester.path / "again.json").read_bytes() == (pytester.path / "first.json").read_bytes()


def test_last_failed_after_the_repair_decides_every_step(pytester, make_suite, read_results):
    folder = make_suite(rows=20, wrong=(3,))
    pytester.runpytest("--rk-suite=small")
    dataset = folder / "dataset.jsonl"
    dataset.write_text(dataset.read_text().replace("spoilt", "3"))
    again = pytester.runpytest("--rk-suite=small", "--lf", "--rk-json=again.json")
    assert again.ret == 0
    step = read_results("again.json")["suites"]["small"]["steps"]["local"]
    assert (step["gate"], step["passed"], step["rows"]) == ("passed", 20, 20)


@pytest.mark.parametrize("spread", [[], ["-n2"]])
def test_last_failed_keeps_a_suite_though_another_file_failed(pytester, make_suite, spread):
    make_suite(rows=5)
    test = pytester.makepyfile(test_other="def test_other():\n    assert False\n")
    pytester.runpytest_subprocess("--rk-suite=small", "test_other.py", *spread)
    test.write_text("def test_other():\n    assert True\n")
    again = pytester.runpytest_subprocess("--rk-suite=small", "test_other.py", "--lf", *spread)
    assert again.ret == 0
    again.stdout.fnmatch_lines(["*local * 5/5 * passed"])


@pytest.mark.parametrize("way", [[], ["-n2"], ["--lf"]])
def test_a_reward_that_looks_at_its_batch_sees_the_same_batches(pytester, make_suite, way):
    reward = (
        "def grade(prompts, completions, **kwargs):\n    return [float(n < 8) for n, _ in enumerate(completions)]\n"
    )
    make_suite(rows=40, reward=reward, toml=TOML)
    pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=plain.json")
    pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=other.json", *way)
    assert (pytester.path / "other.json").read_bytes() == (pytester.path / "plain.json").read_bytes()


def test_what_a_reward_forks_and_leaves_behind_holds_nobody_up(pytester, make_suite):
    reward = """
import os, time
done = False
def grade(messages, ground_truth, **kwargs):
    global done
    if not done:
        done = True
        if os.fork() == 0:
            os.setsid()
            for descriptor in (1, 2):
                os.close(descriptor)
            time.sleep(20)
            os._exit(0)
    return 1.0
"""
    make_suite(rows=40, reward=reward)
    started = time.monotonic()
    assert pytester.run(sys.executable, "-m", "pytest", "--rk-suite=small", "-n2", timeout=60).ret == 0
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("spread", [[], ["-n2"]])
def test_a_worker_killed_in_a_call_changes_nothing(pytester, make_suite, spread):
    make_suite("small", rows=20, reward=KILLED_ONCE)
    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=killed.json", *spread)
    assert result.ret == 0
    assert (pytester.path / "cases" / "small" / "killed").exists()
    pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=calm.json")
    assert (pytester.path / "killed.json").read_bytes() == (pytester.path / "calm.json").read_bytes()


def test_a_killed_xdist_worker_leaves_the_gate_right(pytester, make_suite, read_results):
    make_suite(rows=20)
    pytester.makeconftest(
        """
        import os, signal
        from pathlib import Path
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_logreport(report):
            mark = Path("killed")
            if os.environ.get("PYTEST_XDIST_WORKER") and "row-06" in report.nodeid and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    result = pytester.runpytest_subprocess("--rk-suite=small", "-n2", "--rk-json=results.json")
    assert result.ret == 1  # xdist reports the crash itself as a failure
    step = read_results()["suites"]["small"]["steps"]["local"]
    assert (step["gate"], step["passed"], step["rows"]) == ("passed", 20, 20)


def test_other_tests_are_distributed_as_they_were(pytester, make_suite):
    """Without a suite's help each of two workers gets some of forty slow tests; with one it must too."""
    make_suite(rows=4)
    pytester.makepyfile(
        test_other="""
        import os, time, pytest

        @pytest.mark.parametrize("n", range(40))
        def test_other(n):
            time.sleep(0.01)
            with open("seen.txt", "a") as seen:
                seen.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
        """
    )
    result = pytester.runpytest_subprocess("--rk-suite=small", "test_other.py", "-n2")
    assert result.ret == 0
    seen = (pytester.path / "seen.txt").read_text().split()
    assert len(seen) == 40
    assert min(seen.count("gw0"), seen.count("gw1")) >= 8


def test_ordinary_tests_before_and_after_a_suite_keep_their_fixtures(pytester, make_suite):
    make_suite(rows=3)
    ordinary = """
        import pytest

        @pytest.fixture(scope="module")
        def resource():
            yield "open"

        def test_one(resource):
            assert resource == "open"
        """
    pytester.mkdir("before")
    pytester.mkdir("later")
    (pytester.path / "before" / "test_before.py").write_text(textwrap.dedent(ordinary))
    (pytester.path / "later" / "test_later.py").write_text(textwrap.dedent(ordinary))
    result = pytester.runpytest("before", "cases/small/suite.toml", "later")
    result.assert_outcomes(passed=6)
