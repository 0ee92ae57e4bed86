# ruff: noqa: E501 - a program is read in one line
"""What a program may take: seconds, memory, output, files. The kernel says what it took."""

from __future__ import annotations

import time

import pytest
from sandbox_jobs import calls, program

from reward_kit.sandbox.client import Sandbox


def test_a_loop_is_stopped_at_its_deadline(sandbox: Sandbox) -> None:
    started = time.monotonic()
    (end,) = sandbox.run([program("print('begun', flush=True)\nwhile True: pass", wall=0.4)])
    assert (end.limit, end.signal, end.exit_code) == ("wall", 9, None)
    assert end.stdout == b"begun\n"
    assert time.monotonic() - started < 10
    assert not end.clean


def test_sleep_costs_wall_and_no_cpu(strong: Sandbox) -> None:
    (end,) = strong.run([program("import time; time.sleep(.3)")])
    assert end.wall >= 0.3
    assert end.cpu < 0.2


def test_cpu_seconds_end_at_the_kernels_count(sandbox: Sandbox) -> None:
    (end,) = sandbox.run([program("while True: pass", wall=30.0, cpu=1)])
    assert end.limit == "cpu"
    assert 0.5 <= end.cpu <= 2  # the limit is counted in ticks, the usage is not


def test_memory_ends_in_a_memory_error(sandbox: Sandbox) -> None:
    (end,) = sandbox.run([program("a = []\nwhile True: a.append(bytearray(1 << 24))", wall=20.0, memory=128 << 20)])
    assert (end.limit, end.exit_code) == ("memory", 1)
    assert end.memory_mb < 200


def test_memory_that_is_used_is_told(strong: Sandbox) -> None:
    small, large = strong.run([program("pass"), program("a = bytearray(b'x') * (100 << 20)", wall=20.0)])
    assert 95 < large.memory_mb - small.memory_mb < 120


@pytest.mark.parametrize("fd", [1, 2])
def test_a_flood_is_cut_and_stopped(sandbox: Sandbox, fd: int) -> None:
    (end,) = sandbox.run([program(f"import os\nwhile True: os.write({fd}, b'x' * 65536)", wall=20.0, output=1 << 20)])
    assert end.limit == "output"
    assert len(end.stdout) <= 1 << 20
    assert len(end.stderr) <= 4096


def test_a_flood_of_answers_is_cut(strong: Sandbox) -> None:
    (end,) = strong.run([calls("def f(): return 'x' * (8 << 20)", (), wall=20.0)])
    assert end.limit == "output"
    assert end.returned == ()


def test_large_output_within_the_limit_is_whole(strong: Sandbox) -> None:
    (end,) = strong.run([program("import sys; sys.stdout.write('y' * (3 << 20))", wall=20.0)])
    assert end.clean
    assert len(end.stdout) == 3 << 20


@pytest.mark.parametrize("folder", ["one file", "many files"])
def test_the_disk_is_small(strong: Sandbox, folder: str) -> None:
    code = (
        "n = 0\ntry:\n  while n < 200:\n"
        f"    open('f' if {folder == 'one file'} else f'f{{n}}', 'ab').write(b'x' * (1 << 20)); n += 1\n"
        "except OSError: pass\nprint(n)"
    )
    (end,) = strong.run([program(code, wall=20.0)])
    assert 10 <= int(end.stdout) <= 16


def test_descriptors_are_few(sandbox: Sandbox) -> None:
    (end,) = sandbox.run([program("import os\ntry:\n  while True: n = os.dup(0)\nexcept OSError: print(n)")])
    assert int(end.stdout) < 64


def test_endless_recursion_in_c_kills_only_the_program(walled: Sandbox) -> None:
    code = "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n  def __getattr__(self, n): return getattr(self, n + 'x')\nA().y"
    first, second = walled.run([program(code, wall=5.0), program("print(1)")])
    assert not first.clean
    assert second.clean


def test_threads_are_bounded(walled: Sandbox) -> None:
    code = (
        "import threading, time\nn = 0\ntry:\n"
        "  while n < 5000: threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); n += 1\n"
        "except Exception: pass\nprint(n)"
    )
    (end,) = walled.run([program(code, wall=20.0)])
    assert int(end.stdout) < 300
