"""Rewards that misbehave, seen through a whole run: the right verdict, and no traceback of the plugin's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

#: What row 3 of a suite does, and what its report says.
FAULTS = {
    "raises": ("raise ValueError('no such thing')", "*ValueError: no such thing (cases/small/reward_of_small.py:*"),
    "none": ("return None", "*row-03: abstained*"),
    "nan": ("return float('nan')", "*the reward returned nan, outside its declared range*"),
    "inf": ("return float('inf')", "*the reward returned inf, outside its declared range*"),
    "string": ("return '1.0'", "*the reward returned '1.0' (str), not a number*"),
    "list": ("return [1.0]", "*the reward returned ?1.0? (list), not a number*"),
    "above": ("return 1.2", "*the reward returned 1.2, outside its declared range ?0, 1?*"),
    "below": ("return -0.1", "*the reward returned -0.1, outside its declared range ?0, 1?*"),
    "no-score": ("return {'reward': 1.0}", "*the reward's result has no 'score'*"),
    "loop": ("while True: pass", "*no result within 0.5 s*"),
    "sleep": ("import time; time.sleep(60)", "*no result within 0.5 s*"),
    "in-c": ("9 ** 9 ** 9", "*no result within 0.5 s*"),
    "exit": ("import sys; sys.exit(0)", "*SystemExit: 0*"),
    "os-exit": ("import os; os._exit(0)", "*the worker process ended itself with exit code 0*"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "*the worker process was killed by SIGSEGV*"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "*infra_error*"),
    "interrupt": ("raise KeyboardInterrupt", "*KeyboardInterrupt*"),
    "recursion": ("return grade(messages, ground_truth)", "*RecursionError*"),
}


@pytest.mark.parametrize("spread", [[], ["-n2"]], ids=["plain", "n2"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_misbehaving_reward_fails_its_row_and_the_gate(pytester, make_suite, read_results, fault, spread):
    act, message = FAULTS[fault]
    reward = (
        f"def grade(messages, ground_truth, **kwargs):\n    if ground_truth == '3':\n        {act}\n    return 1.0\n"
    )
    make_suite(rows=6, reward=reward, toml="[local]\npass_rate = 0.5\n")
    run = pytester.runpytest_subprocess if spread else pytester.runpytest
    result = run("--rk-suite=small", "-o", "rk_timeout=0.5", "--rk-json=results.json", *spread)
    step = read_results()["suites"]["small"]["steps"]["local"]
    assert (step["rows"], step["passed"]) == (6, 5)
    result.stdout.no_fnmatch_line("*Traceback*")
    if fault == "none":  # an abstention is no error: a tolerant suite tolerates it
        assert result.ret == 0
        return
    assert result.ret == 1
    assert step["gate"] == "failed"
    result.stdout.fnmatch_lines([message])
    result.stdout.fnmatch_lines(["small: NOT READY*1 row ended in an error: row-03; *"])


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("def other(): ...", "*reward_of_small has no 'grade'*"),
        ("import nothing_like_it", "*importing reward_of_small failed (ModuleNotFoundError*"),
        ("def grade(text): return 1.0", "*grade(text) fits no known call shape*"),
        ("def grade(messages, completions): return 1.0", "*fits several call shapes*"),
        ("grade = 3", "*is int, not a function*"),
    ],
)
def test_a_reward_that_cannot_be_used_fails_every_row(pytester, make_suite, read_results, reward, message):
    make_suite(rows=3, reward=reward)
    result = pytester.runpytest("--rk-suite=small", "--rk-json=results.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines([message])
    assert read_results()["suites"]["small"]["steps"]["local"]["outcomes"] == {"reward_error": 3}


def test_a_module_that_ends_the_process_at_import_does_not_end_green(pytester, make_suite):
    make_suite(rows=2, reward="raise SystemExit(0)")
    assert pytester.runpytest_subprocess("--rk-suite=small").ret != 0


def test_ctrl_c_ends_the_run_and_every_worker(pytester, make_suite):
    reward = """
import os, time
from pathlib import Path
def grade(messages, ground_truth, **kwargs):
    Path(__file__).with_name(f"pid-{os.getpid()}").touch()
    time.sleep(60)
"""
    folder = make_suite(rows=4, reward=reward)
    command = [sys.executable, "-m", "pytest", "--rk-suite=small", "--rk-json=results.json"]
    run = subprocess.Popen(
        command,
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    pids = _wait_for_pids(folder)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=20)
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert "small: UNDECIDED" in out
    assert not [pid for pid in pids if _is_alive(pid)]


def test_workers_do_not_outlive_a_killed_run(pytester, make_suite):
    reward = """
import os, time
from pathlib import Path
def grade(messages, ground_truth, **kwargs):
    Path(__file__).with_name(f"pid-{os.getpid()}").touch()
    time.sleep(60)
"""
    folder = make_suite(rows=4, reward=reward)
    command = [sys.executable, "-m", "pytest", "--rk-suite=small"]
    run = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pids = _wait_for_pids(folder)
    run.kill()
    run.wait()
    deadline = time.monotonic() + 10
    while any(map(_is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if _is_alive(pid)]


def _wait_for_pids(folder):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if pids := [int(path.name.removeprefix("pid-")) for path in folder.glob("pid-*")]:
            return pids
        time.sleep(0.05)
    raise AssertionError("no worker began")


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_process_is_left_as_it_was(pytester, make_suite):
    """No alarm is used: a timer armed by somebody else still runs, its handler untouched."""
    make_suite(rows=5)
    pytester.makeconftest(
        """
        import signal

        def note(signum, frame): ...

        def pytest_sessionstart():
            signal.signal(signal.SIGALRM, note)
            signal.setitimer(signal.ITIMER_REAL, 300)

        def pytest_sessionfinish():
            assert signal.getsignal(signal.SIGALRM) is note
            assert 200 < signal.getitimer(signal.ITIMER_REAL)[0] <= 300
        """
    )
    assert pytester.runpytest_subprocess("--rk-suite=small").ret == 0


def test_nothing_is_left_in_the_temporary_folder(pytester, make_suite, monkeypatch):
    shared = pytester.mkdir("tmp")
    monkeypatch.setenv("TMPDIR", str(shared))
    make_suite(rows=5)
    assert pytester.runpytest_subprocess("--rk-suite=small", "-n2").ret == 0
    assert [name for name in os.listdir(shared) if not name.startswith("pytest-of-")] == []
