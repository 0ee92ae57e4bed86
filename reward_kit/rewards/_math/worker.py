"""The symbolic layer's worker processes, seen from the parent: leases, deadlines, a spare one always warm.

A bignum power or a root at a huge precision cannot be interrupted from within a process, so the symbolic layer runs in
a fresh interpreter that is killed at the deadline. No signal, timer or thread is used: any thread, event loop or forked
child may ask at any time and gets the same verdict.
"""

# WorkerUnavailable says what is, and is turned into an outcome in layers.py.
# ruff: noqa: N818

from __future__ import annotations

import atexit
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from typing import Any

from reward_kit.rewards._math.bounds import proven_different
from reward_kit.rewards._math.expression import Expr
from reward_kit.rewards._math.identity import same_rational_function

# A verdict takes a millisecond; the bar for a whole grade is one second.
DEADLINE = 0.7
# A fresh interpreter with python-flint takes a tenth of a second, on a loaded machine a few seconds.
_START_DEADLINE = 20.0
_MOST_IDLE = 4
_LENGTH = struct.Struct("<I")
_SERVER = "reward_kit.rewards._math.server"


class WorkerUnavailable(RuntimeError):
    """The worker process cannot be started: an error of the installation, never a verdict."""


class Worker:
    """One worker process and its pipes; used by one thread at a time."""

    def __init__(self) -> None:
        package_root = os.path.dirname(os.path.abspath(__file__)).rsplit(os.sep, 3)[0]
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                f"import sys; sys.path.insert(0, {package_root!r}); from {_SERVER} import main; main()",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            bufsize=0,
        )
        self.ready = False

    def is_alive(self) -> bool:
        """True while the process runs."""
        return self.process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait for the process to have imported what it needs.

        Raises:
            WorkerUnavailable: where it ends or stays silent instead.
        """
        if self.ready:
            return
        if self._read(1, time.monotonic() + _START_DEADLINE) != b"+":
            self.kill()
            raise WorkerUnavailable("the symbolic worker does not start; is python-flint installed?")
        self.ready = True

    def ask(self, request: tuple[Any, ...], deadline: float) -> Any:
        """The answer to a request; None, with the process killed, where it misses the deadline."""
        message = pickle.dumps(request)
        try:
            self._write(_LENGTH.pack(len(message)) + message, deadline)
        except BrokenPipeError:
            self.kill()
            return None
        reply = self._read(1, deadline)
        if reply is None or reply == b"":
            self.kill()
            return None
        return {b"1": True, b"0": False, b"-": -1}.get(reply)

    def _write(self, data: bytes, deadline: float) -> None:
        assert self.process.stdin is not None
        place = self.process.stdin.fileno()
        while data:
            if not select.select([], [place], [], max(0.0, deadline - time.monotonic()))[1]:
                raise BrokenPipeError
            data = data[os.write(place, data[:4096]) :]

    def _read(self, count: int, deadline: float) -> bytes | None:
        assert self.process.stdout is not None
        place = self.process.stdout.fileno()
        poll = select.poll()  # select() fails on descriptors above 1023
        poll.register(place, select.POLLIN | select.POLLHUP)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return None
        return os.read(place, count)

    def kill(self) -> None:
        """End the process at once and reap it."""
        self.process.kill()
        self.process.wait()
        self._close_pipes()

    def forget(self) -> None:
        """In a forked child: let go of the parent's process without touching it."""
        self._close_pipes()
        self.process.returncode = 0

    def _close_pipes(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class WorkerPool:
    """Idle workers. Each request leases one, so that threads never share; a spare one is kept warm."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []

    def ask(self, request: tuple[Any, ...], seconds: float) -> tuple[Any, float]:
        """The answer of any worker and the seconds it took, the start of a first worker not counted."""
        worker = self._lease()
        started = time.monotonic()
        try:
            answer = worker.ask(request, started + seconds)
        except BaseException:
            worker.kill()  # its pipes are in an unknown state
            raise
        if worker.is_alive():
            self._give_back(worker)
        return answer, time.monotonic() - started

    def _lease(self) -> Worker:
        with self._lock:
            worker = next((idle for idle in self._idle if idle.ready), None) or (self._idle[0] if self._idle else None)
            if worker is not None:
                self._idle.remove(worker)
            if not self._idle:
                self._idle.append(Worker())  # the spare, starting while this one works
        if worker is not None and not worker.is_alive():
            worker.kill()
            worker = None
        worker = worker or Worker()
        try:
            worker.wait_until_ready()
        except BaseException:
            worker.kill()
            raise
        return worker

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.insert(0, worker)
                return
        worker.kill()

    def close(self) -> None:
        """End all idle workers."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()

    def forget(self) -> None:
        """In a forked child: start over without the parent's workers."""
        self._lock = threading.Lock()
        for worker in self._idle:
            worker.forget()
        self._idle = []


# One pool a process: workers cost 30 MB each and are the same for every caller.
POOL = WorkerPool()
atexit.register(POOL.close)
os.register_at_fork(after_in_child=POOL.forget)


class Prover:
    """Decides identities in a worker, all of one grade within one deadline."""

    def __init__(self, seconds: float = DEADLINE) -> None:
        self._left = seconds
        self.used = False
        self.timed_out = False

    def identical(self, left: Expr, right: Expr) -> bool | None:
        """True where the two expressions are equal, False where proven different, None where undecided."""
        here = same_rational_function(left, right)
        if here is not None:
            return here
        if proven_different(left, right):
            return False
        answer = self._ask("identical", left, right)
        return None if answer == -1 else answer

    def proportional(self, left: Any, right: Any) -> int:
        """+1 or -1 where left = c * right with a constant c of that sign, else 0."""
        return int(self._ask("proportional", left, right) or 0)

    def within(self, left: Any, right: Any, relative: float, absolute: float) -> bool:
        """True where two numbers differ by no more than the tolerances."""
        return self._ask("within", left, right, relative, absolute) is True

    def _ask(self, *request: Any) -> Any:
        self.used = True
        if self._left <= 0:
            self.timed_out = True
            return None
        answer, seconds = POOL.ask(request, self._left)
        self._left = max(0.0, self._left - seconds)
        self.timed_out = self.timed_out or self._left == 0
        return answer
