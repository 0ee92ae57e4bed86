"""Escapes: the attacks of `attacks`, run in jobs against bait that this process lays out, and what became of each.

What a sandbox holds is found by trying, not by reading versions: a kernel may have a mechanism and refuse it, or have
it and not mean what its documentation says.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import inspect
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reward_kit.sandbox import attacks
from reward_kit.sandbox.shapes import Arguments, End, Job, Limits, Mode, Returned

#: Each attack by its name in `attacks`, with what it reaches for; the ones that change the job itself stand last.
ESCAPES: Mapping[str, str] = {
    "read_file": "read a file of the user",
    "write_file": "write outside its own folder",
    "change_file": "change a file's mode or times",
    "read_environment": "read this process's environment",
    "read_memory": "read this process's memory",
    "read_server": "read the fork server's memory",
    "trace": "trace this process",
    "signal_others": "signal other processes",
    "connect_tcp": "connect to a port of this machine",
    "send_udp": "send a datagram",
    "connect_unix": "connect to a unix socket",
    "start_process": "start a process",
    "enter_user_namespace": "enter a new user namespace",
    "run_program": "run another program",
}
#: Ends the job where it gets through, so that it gets one of its own.
_LAST_WORD = "run_program"
#: Every attack takes a moment; a machine under load may take longer to come to it.
_LIMITS = Limits(wall=10.0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one escape: `how` is the error that stopped it, or what got through."""

    name: str
    stopped: bool
    how: str

    @property
    def tries(self) -> str:
        """What the escape reaches for."""
        return ESCAPES[self.name]


class Bait:
    """A secret in a file and in memory, a folder to write to, and listeners: what the attacks reach for.

    Everything lies in a private folder or on ports of its own, and goes with `close`.
    """

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._secret = secrets.token_hex(16).encode()
        self._memory = ctypes.create_string_buffer(self._secret)
        self._folder = Path(tempfile.mkdtemp(prefix="rk-bait-"))
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._file = self._folder / "secret"
        self._file.write_bytes(self._secret)
        self._before = self._stat()
        self._tcp = self._listener(socket.AF_INET, ("127.0.0.1", 0))
        self._udp = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._udp.bind(("127.0.0.1", 0))
        self._udp.setblocking(False)
        self._unix = self._listener(socket.AF_UNIX, str(self._folder / "socket"))
        abstract = f"\0rk-bait-{secrets.token_hex(8)}"  # Linux only: elsewhere the path is tried twice
        self._abstract = self._listener(socket.AF_UNIX, abstract) if sys.platform == "linux" else self._unix

    def close(self) -> None:
        """Take everything away."""
        self._stack.close()

    def _listener(self, family: int, address: Any) -> socket.socket:
        listener = self._stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listener.bind(address)
        listener.listen(4)
        listener.setblocking(False)
        return listener

    def _stat(self) -> tuple[int, int]:
        found = self._file.stat()
        return found.st_mode, found.st_mtime_ns

    def laid_out(self) -> dict[str, Any]:
        """What an attack is told."""
        return {
            "pid": os.getpid(),
            "program": os.path.realpath(sys.executable),
            "file": str(self._file),
            "folder": str(self._folder),
            "address": ctypes.addressof(self._memory),
            "length": len(self._secret),
            "tcp": self._tcp.getsockname()[1],
            "udp": self._udp.getsockname()[1],
            "socket": str(self._folder / "socket"),
            "abstract": os.fsdecode(self._abstract.getsockname()),
        }

    def evidence(self) -> Iterator[str]:
        """The escapes whose traces are here to see, whatever the attacks say of themselves."""
        if (self._folder / "written").exists():
            yield "write_file"
        if self._stat() != self._before:
            yield "change_file"
        traces = {"connect_tcp": (self._tcp,), "connect_unix": (self._unix, self._abstract)}
        yield from (name for name, listeners in traces.items() if any(map(_was_reached, listeners)))
        with contextlib.suppress(BlockingIOError):
            self._udp.recv(64)
            yield "send_udp"


def try_escapes(run: Callable[[Sequence[Job]], Sequence[End]]) -> tuple[Attempt, ...]:
    """Try every escape in jobs, and say of each whether it was stopped.

    An escape counts as stopped only where its attack ran and met an error of the system, and left no trace in the
    bait. One that gave no answer, or broke in another way, was not stopped: nobody knows.

    Args:
        run: runs jobs in the sandbox to be judged, as `Sandbox.run` does.
    """
    bait = Bait()
    try:
        told, code = bait.laid_out(), inspect.getsource(attacks)
        others = [name for name in ESCAPES if name != _LAST_WORD]
        ends = run([_job(code, others, told), _job(code, [_LAST_WORD], told)])
        traces = set(bait.evidence())
    finally:
        bait.close()
    asked = (others, [_LAST_WORD])
    answers = {name: said for names, end in zip(asked, ends, strict=True) for name, said in _answers(names, end)}
    return tuple(_judged(name, answers.get(name), name in traces) for name in ESCAPES)


def _job(code: str, names: Sequence[str], told: Mapping[str, Any]) -> Job:
    calls = tuple(Arguments((name, dict(told))) for name in names)
    return Job(Mode.CALLS, code, entry_point="attempt", calls=calls, limits=_LIMITS)


def _answers(names: Sequence[str], end: End) -> Iterator[tuple[str, Returned]]:
    """The answers that came, each with its name: a job that ended early gave fewer than it was asked for."""
    yield from zip(names, end.returned, strict=False)


def _judged(name: str, answer: Returned | None, traced: bool) -> Attempt:
    if traced:
        return Attempt(name, False, "left its trace")
    if answer is None:
        return Attempt(name, False, "no answer came back")
    if answer.ok or answer.opaque:
        return Attempt(name, False, "got through")
    if not _is_refusal(answer.error):
        return Attempt(name, False, f"could not be tried: {answer.error}")
    return Attempt(name, True, answer.error)


def _is_refusal(error: str) -> bool:
    """True where an error is the system's: the attack was made, and refused."""
    kind = getattr(builtins, error.partition(":")[0], None)
    return isinstance(kind, type) and issubclass(kind, OSError)


def _was_reached(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True
