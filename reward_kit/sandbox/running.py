"""Jobs under a deadline: their pipes drained and capped, their ends as the kernel saw them.

One thread, one poll over the pipes and pidfds of all jobs that run; a job is killed by its pidfd, which in a pid
namespace kills everything that it started.
"""

from __future__ import annotations

import contextlib
import fcntl
import marshal
import os
import select
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

from reward_kit.sandbox import codec, folders, frames
from reward_kit.sandbox.connection import Connection, ServerGoneError
from reward_kit.sandbox.shapes import End, Job, Limits, Mode, Returned

#: How much of stderr is kept: its end.
STDERR_TAIL = 4096
_READY = b"+"
_PIECE = 1 << 16
_GRACE = 30.0  # seconds that the kernel may take to end what was killed


def run(connection: Connection, groups: Mapping[int, list[Job]], at_once: int) -> Iterator[tuple[int, list[End]]]:
    """Run each group of jobs (one, or a candidate and its tester) and yield their ends as they come."""
    waiting = list(groups.items())
    live: dict[int, Group] = {}
    try:
        while waiting or live:
            while waiting and len(live) < at_once:
                at, jobs = waiting.pop(0)
                live[at] = group = Group()
                group.start(connection, jobs)
            _step(list(live.values()))
            for at in [at for at, group in live.items() if group.over]:
                group = live[at]
                ends = group.ends()
                group.close()
                del live[at]
                yield at, ends
    finally:
        for group in live.values():
            group.close()


def _step(groups: list[Group]) -> None:
    """Wait for the next thing to happen, or the next deadline."""
    poll = select.poll()
    readers: dict[int, Running] = {}
    for running in (running for group in groups for running in group.runs if not running.over):
        for fd in running.watched:
            poll.register(fd, select.POLLIN)
            readers[fd] = running
    now = time.monotonic()
    wait = min((running.deadline - now for running in readers.values()), default=0.0)
    for fd, _ in poll.poll(max(0.0, wait) * 1000 + 1):
        readers[fd].ready(fd)
    now = time.monotonic()
    for running in readers.values():
        running.check(now)


class Group:
    """Jobs that run side by side: one alone, or two that are joined by two pipes."""

    def __init__(self) -> None:
        self.runs: list[Running] = []

    @property
    def over(self) -> bool:
        return all(running.over for running in self.runs)

    def start(self, connection: Connection, jobs: list[Job]) -> None:
        """Start them; all or, with an exception, none."""
        with contextlib.ExitStack() as ours:
            joined: list[dict[str, int]] = [{} for _ in jobs]
            if len(jobs) == 2:
                asks, answers = _pipe(ours), _pipe(ours)
                joined = [{"incoming": asks[0], "outgoing": answers[1]}, {"incoming": answers[0], "outgoing": asks[1]}]
            for job, pipes in zip(jobs, joined, strict=True):
                running = Running(connection, job)
                self.runs.append(running)
                running.start(pipes)

    def ends(self) -> list[End]:
        return [running.end() for running in self.runs]

    def close(self) -> None:
        for running in self.runs:
            running.close()


class Running:
    """One job that runs: what is known of it from outside."""

    def __init__(self, connection: Connection, job: Job) -> None:
        self._connection = connection
        self._job = job
        self._closing = contextlib.ExitStack()
        self._outputs: dict[int, bytearray] = {}
        self._ready = self._pidfd = -1
        self._pid = 0
        self._size = 0
        self._killed_for = ""
        self._reaped = False
        self._started = self._ended = 0.0
        self.deadline = float("inf")
        self.watched: set[int] = set()
        self.over = False

    def start(self, joined: Mapping[str, int]) -> None:
        """Make the pipes and have the job forked."""
        job = self._job
        with contextlib.ExitStack() as theirs:
            fds = {"payload": _memory(theirs, _payload(job, paired=bool(joined)))}
            fds["stdin"] = _memory(theirs, job.stdin)
            names = ["stdout", "stderr", "ready", *(["results"] if job.mode in (Mode.CALLS, Mode.TEST) else [])]
            ends = {}
            for name in names:
                ends[name], fds[name] = _one_way(self._closing, theirs)
            request = {"mode": job.mode, "limits": _limits(job.limits), "folder": self._folder()}
            self._pid, self._pidfd = self._connection.start(request, {**fds, **joined})
        self._closing.callback(os.close, self._pidfd)
        self._started = time.monotonic()
        self.deadline = self._started + job.limits.wall
        self._ready = ends.pop("ready")
        self._fds = ends
        self._outputs = {fd: bytearray() for fd in ends.values()}
        self.watched = {*self._outputs, self._pidfd}

    def ready(self, fd: int) -> None:
        """Take what there is to take from one descriptor."""
        if self.over:
            return
        if fd == self._pidfd:
            self._ended = time.monotonic()
            self.over = True
            for output in list(self.watched & self._outputs.keys()):
                while self._read(output):
                    pass
        else:
            self._read(fd)

    def check(self, now: float) -> None:
        """Kill the job where its time is over."""
        if self.over or now < self.deadline:
            return
        if self._killed_for:
            raise ServerGoneError(f"a job could not be ended within {_GRACE:.0f} seconds")
        self._kill("wall")

    def end(self) -> End:
        """How the job ended; ServerGoneError where it was never isolated and so never began."""
        usage = self._connection.reap(self._pid)
        self._reaped = True
        said = os.read(self._ready, _PIECE) if _readable(self._ready) else b""
        if said != _READY:
            why = said.decode("utf-8", "replace") or self._killed_for or f"status {usage['status']}"
            raise ServerGoneError(f"a job could not be isolated: {why}")
        return self._described(usage)

    def close(self) -> None:
        """Let go of everything: a job that still runs is killed, its folder removed."""
        if self._pid and not self._reaped:
            self._kill("closed")
            with contextlib.suppress(ServerGoneError):
                if _readable(self._pidfd, _GRACE):
                    self._connection.reap(self._pid)
            self._reaped = True
        self._closing.close()

    def _described(self, usage: Mapping[str, Any]) -> End:
        code = os.waitstatus_to_exitcode(usage["status"])
        stderr = bytes(self._outputs[self._fds["stderr"]]).decode("utf-8", "replace")
        results = bytes(self._outputs[self._fds["results"]]) if "results" in self._fds else b""
        wanted = len(self._job.calls if self._job.mode is Mode.CALLS else self._job.tests)
        return End(
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            limit=self._limit(code, usage["cpu"], stderr),
            wall=self._ended - self._started,
            cpu=usage["cpu"],
            memory_mb=usage["memory"] / 1024,
            stdout=bytes(self._outputs[self._fds["stdout"]]),
            stderr=stderr,
            returned=tuple(_returned(message) for message in frames.split(results)[:wanted]),
        )

    def _limit(self, code: int, cpu: float, stderr: str) -> str:
        if self._killed_for:
            return self._killed_for
        if code in (-signal.SIGKILL, -signal.SIGXCPU) and cpu >= self._job.limits.cpu / 2:
            return "cpu"
        last = stderr.rstrip().rpartition("\n")[2]
        return "memory" if code == 1 and last.partition(":")[0] == "MemoryError" else ""

    def _read(self, fd: int) -> bool:
        """Read a piece. False where there is nothing more for now, or at all."""
        try:
            piece = os.read(fd, _PIECE)
        except BlockingIOError:
            return False
        if not piece:
            self.watched.discard(fd)
            return False
        room = max(0, self._job.limits.output - self._size)
        self._size += len(piece)
        output = self._outputs[fd]
        if fd == self._fds["stderr"]:
            output += piece
            del output[:-STDERR_TAIL]
        else:
            output += piece[:room]
        if self._size > self._job.limits.output:
            self._kill("output")
            self.watched -= self._outputs.keys()
            return False
        return True

    def _kill(self, why: str) -> None:
        if not self._killed_for and not self.over:
            self._killed_for = why
            self.deadline = time.monotonic() + _GRACE
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _folder(self) -> str:
        if not self._connection.folder:
            return ""  # its own namespaces: it works in a file system of its own
        folder = tempfile.mkdtemp(dir=self._connection.folder)
        self._closing.callback(folders.remove, folder)
        return folder


def _limits(limits: Limits) -> dict[str, float]:
    return {name: getattr(limits, name) for name in Limits.__slots__}


def _payload(job: Job, *, paired: bool) -> bytes:
    """What goes to the child alone: the code, the inputs, the tests."""
    calls = [codec.encode((tuple(call.args), dict(call.kwargs))) for call in job.calls]
    message = {"code": job.code, "entry_point": job.entry_point, "calls": calls, "tests": list(job.tests)}
    # The same interpreter reads it, from us: marshal is the quickest, and keeps every text as it is.
    return marshal.dumps({**message, "paired": paired})


def _returned(message: bytes) -> Returned:
    """One answer of a job. What is malformed is an answer that failed: a job writes what it likes."""
    try:
        answer = codec.parse(message)
        if type(answer) is not dict:
            raise ValueError("no answer")
        answer = codec.decode(answer)
        if "value" in answer:
            return Returned(ok=True, value=answer["value"])
        return Returned(ok=False, error=str(answer["error"])[:STDERR_TAIL], opaque=answer.get("opaque") is True)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Returned(ok=False, error="the program wrote an answer that is none")


def _memory(closing: contextlib.ExitStack, data: bytes) -> int:
    """A file in memory with this content, which nobody can change any more."""
    fd = os.memfd_create("rewardkit", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    closing.callback(os.close, fd)
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]
    os.lseek(fd, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def _pipe(closing: contextlib.ExitStack) -> tuple[int, int]:
    return _one_way(closing, closing)


def _one_way(reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe whose ends are closed with two different owners; ours does not block."""
    read, write = os.pipe()
    reader.callback(os.close, read)
    writer.callback(os.close, write)
    if reader is not writer:
        os.set_blocking(read, False)
    return read, write


def _readable(fd: int, seconds: float = 0.0) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
