"""Nothing stays behind: no process, no descriptor, no file, not even where the parent is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import LAYERS
from sandbox_jobs import calls, program

from reward_kit.sandbox.client import Sandbox


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for temporary files that nobody else uses meanwhile."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def folders() -> set[str]:
    return set(os.listdir(tempfile.gettempdir()))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()


JOBS = [
    program("print(1)"),
    program("while True: pass", wall=0.2),
    program("import os\nwhile True: os.write(1, b'x' * 65536)", output=1 << 20),
    program("1 / 0"),
    calls("def f(): return 1", ()),
    program("import time; time.sleep(9)", wall=0.2),
]


@pytest.mark.parametrize("tier", LAYERS)
def test_a_sandbox_leaves_nothing(tier: str) -> None:
    before, files = descriptors(), folders()
    sandbox = Sandbox(LAYERS[tier])
    sandbox.run(JOBS[:1])
    server, during = sandbox.pid, descriptors()
    for _ in range(3):
        sandbox.run(JOBS)
    assert descriptors() == during
    assert children(server) == []
    sandbox.close()
    assert descriptors() == before
    assert not alive(server)
    assert folders() == files


def test_processes_that_a_job_leaves_behind_are_ended() -> None:
    """Without walls a program may fork; what it leaves is ended with it."""
    code = "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(60)\n  os._exit(0)"
    with Sandbox(LAYERS["none"]) as sandbox:
        sandbox.run([program(code)])
        assert children(sandbox.pid) == []


@pytest.mark.parametrize("tier", LAYERS)
def test_nothing_survives_a_kill_of_the_parent(tier: str) -> None:
    files = folders()
    code = (
        "import sys\nfrom reward_kit.sandbox.client import Sandbox\n"
        "from reward_kit.sandbox.shapes import Job, Limits, Mode\n"
        f"s = Sandbox(frozenset({sorted(LAYERS[tier])!r}))\nprint(s.pid, flush=True)\n"
        "s.run([Job(Mode.PROGRAM, 'import time; time.sleep(60)', limits=Limits(wall=60.0))] * 2)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        server = int(parent.stdout.readline())
        assert eventually(lambda: len(children(server)) == 2)
        jobs = children(server)
        parent.send_signal(signal.SIGKILL)
        assert eventually(lambda: not any(map(alive, [server, *jobs])))
    assert eventually(lambda: folders() == files)


@pytest.mark.parametrize("tier", LAYERS)
def test_jobs_do_not_survive_their_server(tier: str) -> None:
    with Sandbox(LAYERS[tier]) as sandbox:
        server = sandbox.pid
        thread = threading.Thread(target=lambda: sandbox.run([program("import time; time.sleep(1)", wall=30.0)]))
        thread.start()
        assert eventually(lambda: len(children(server)) == 1)
        (job,) = children(server)
        os.kill(server, signal.SIGKILL)
        assert eventually(lambda: not alive(job))
        thread.join()


def test_many_threads_share_a_sandbox(strong: Sandbox) -> None:
    before, seen = descriptors(), []
    work = [
        threading.Thread(target=lambda n=n: seen.append((n, strong.run([program(f"print({n})")])[0]))) for n in range(8)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sorted((n, end.stdout) for n, end in seen) == [(n, f"{n}\n".encode()) for n in range(8)]
    assert descriptors() == before
