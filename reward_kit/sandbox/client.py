"""One fork server, seen from the process that uses it: started on first use, restarted once when it dies."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from reward_kit.sandbox import running, server
from reward_kit.sandbox.connection import Connection, ServerGoneError
from reward_kit.sandbox.errors import SandboxDiedError, SandboxUnavailableError
from reward_kit.sandbox.kernel.calls import supported
from reward_kit.sandbox.shapes import End, Job, Mode

ALL_LAYERS = frozenset(server.LAYERS)
_Result = TypeVar("_Result")


class Sandbox:
    """Runs programs, each in a process of its own, behind the layers asked for. A context manager; safe in threads.

    A process that was forked from the one that made it gets a fork server of its own. `tier` is a name for the layers,
    for people to read.
    """

    def __init__(self, layers: frozenset[str] = ALL_LAYERS, *, tier: str = "", at_once: int | None = None) -> None:
        unknown = layers - ALL_LAYERS
        if unknown:
            raise ValueError(f"no such layer: {', '.join(sorted(unknown))}; there are {', '.join(server.LAYERS)}")
        self.layers = layers
        self.tier = tier
        self._at_once = at_once or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._owner = os.getpid()
        self._inherited: Connection | None = None
        self._closed = False

    def __enter__(self) -> Self:
        self._connected()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def facts(self) -> dict[str, Any]:
        """What the fork server said of the kernel when it started."""
        return self._connected().facts

    @property
    def pid(self) -> int:
        """The fork server's process id."""
        return self._connected().pid

    def run(self, jobs: Sequence[Job]) -> list[End]:
        """Run jobs, several at once, and say how each ended, in order."""
        for job in jobs:
            if job.mode is Mode.SERVE:
                raise ValueError("a job that serves runs with one that tests: run_pair")
        ends: dict[int, End] = {}

        def rest(connection: Connection) -> list[End]:
            left = {at: [job] for at, job in enumerate(jobs) if at not in ends}
            for at, (end,) in running.run(connection, left, self._at_once):
                ends[at] = end
            return [ends[at] for at in range(len(jobs))]

        return self._with_one_retry(rest)

    def run_pair(self, candidate: Job, tester: Job) -> tuple[End, End]:
        """Run a candidate that serves calls and the test that makes them, side by side, in two sandboxes."""
        if (candidate.mode, tester.mode) != (Mode.SERVE, Mode.TEST):
            raise ValueError("a pair is a job that serves and a job that tests")

        def pair(connection: Connection) -> tuple[End, End]:
            ((_, (served, tested)),) = running.run(connection, {0: [candidate, tester]}, 1)
            return served, tested

        return self._with_one_retry(pair)

    def close(self) -> None:
        """End the fork server and whatever it runs."""
        self._after_fork()
        with self._lock:
            self._closed = True
            self._drop()

    def _with_one_retry(self, work: Callable[[Connection], _Result]) -> _Result:
        connection = self._connected()
        try:
            return work(connection)
        except ServerGoneError as first:
            reason = str(first)
        connection = self._connected(instead_of=connection)
        try:
            return work(connection)
        except ServerGoneError as second:
            raise SandboxDiedError(
                f"the sandbox failed twice ({reason}; after a restart: {second}). The program was not judged. "
                "See `reward-kit doctor`"
            ) from second

    def _connected(self, instead_of: Connection | None = None) -> Connection:
        self._after_fork()
        with self._lock:
            if self._closed:
                raise RuntimeError("this sandbox is closed")
            if self._connection is not None and (self._connection is instead_of or self._connection.dead):
                self._drop()
            if self._connection is None:
                if reason := supported():
                    raise SandboxUnavailableError(f"the sandbox cannot run here: {reason}")
                self._connection = Connection(self.layers)
            return self._connection

    def _after_fork(self) -> None:
        """In a forked process: the server, and perhaps the lock, belong to the one that it was forked from."""
        if self._owner != os.getpid():
            self._owner = os.getpid()
            self._lock = threading.Lock()
            self._inherited, self._connection = self._connection, None

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
