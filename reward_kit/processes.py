"""Child processes: how they leave their parent, where their output goes, how they are ended with all they started."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

#: How much of what a child printed is kept, in bytes: its end says most.
_OUTPUT_KEPT = 4000
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@contextlib.contextmanager
def interrupt_held_back() -> Iterator[None]:
    """Let Ctrl-C wait: raised in Python's own after-fork hooks, a KeyboardInterrupt would be dropped."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_the_parent(foreign: Sequence[int]) -> None:
    """Own process group, dead with the parent, deaf to Ctrl-C (the parent decides), no foreign pipe held open."""
    os.setsid()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what it forks twice stays its descendant, and can be found
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    faulthandler.disable()  # a crash is the parent's to report, not a dump on the user's terminal
    for descriptor in foreign:
        os.close(descriptor)


def redirect_output(printed: BinaryIO) -> None:
    """Send what the reward prints to a file that the parent can read too; stdin reads nothing."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (printed.fileno(), 1), (printed.fileno(), 2)):
        os.dup2(source, target)
    sys.stdin = os.fdopen(os.dup(0), encoding="utf-8")
    sys.stdout = sys.stderr = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8", errors="backslashreplace")


def tail(printed: BinaryIO) -> str:
    """The end of what was printed to a file."""
    size = os.fstat(printed.fileno()).st_size
    return os.pread(printed.fileno(), _OUTPUT_KEPT, max(0, size - _OUTPUT_KEPT)).decode("utf-8", "replace")


def end_family(pid: int) -> None:
    """Kill a child, its process group and whatever it started; the caller waits for it."""
    # Before waitpid, so that no number can belong to somebody else yet.
    for descendant in _descendants(pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(descendant, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # it had no time to lead its own group yet
        os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    """Every living descendant of a process, those that left its group too; none where /proc does not tell."""
    found: list[int] = []
    parents = [pid]
    while parents:
        children: list[int] = []
        for listing in Path(f"/proc/{parents.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children += map(int, listing.read_text().split())
        found += children
        parents += children
    return found


def dies_within(pid: int, seconds: float) -> bool:
    """Whether a child dies in this time; it is left to be waited for."""
    patience = time.monotonic() + seconds
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() >= patience:
            return False
        time.sleep(0.005)
    return True


def exit_reason(status: int | None) -> str:
    """How a child ended, from its wait status; None where it closed its pipe and lives."""
    if status is None:
        return "closed its pipe to the test run, or wrote to it,"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        named = number in signal.Signals.__members__.values()  # most real-time signals have no name
        return f"was killed by {signal.Signals(number).name if named else f'signal {number}'}"
    return f"ended itself with exit code {os.WEXITSTATUS(status)}"
