"""The parent's end of one fork server: its process, its socket, the folder for jobs that have no world of their own."""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reward_kit.sandbox import folders, server
from reward_kit.sandbox.errors import SandboxError, SandboxUnavailableError

#: The server's own start: this package's modules, without the package's __init__ (and pydantic with it).
_BOOTSTRAP = """\
import sys, types
for name, path in (("reward_kit", sys.argv[1]), ("reward_kit.sandbox", sys.argv[1] + "/sandbox")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from reward_kit.sandbox.server import main
main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]).run()
"""
_OPTIONS = ("-s", "-S", "-P", "-B", "-X", "utf8", "-c", _BOOTSTRAP)
_START_SECONDS = 60.0
_LONGEST = 1 << 16


class ServerGoneError(SandboxError):
    """The fork server ended, or could not set up a job. What it ran is to be run again."""


class Connection:
    """A running fork server. The lock makes a request and its answer one step."""

    def __init__(self, layers: frozenset[str]) -> None:
        self._lock = threading.Lock()
        self.dead = False
        #: Where jobs without namespaces work, each in a private folder below; "" where there is none.
        self.folder = "" if "namespaces" in layers else tempfile.mkdtemp(prefix="rewardkit-")
        try:
            self._socket, self._process = _start(layers, self.folder)
            self.facts = self._hello(layers)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, request: Mapping[str, Any], fds: Mapping[str, int]) -> tuple[int, int]:
        """Fork a job that gets these descriptors: its id, and a pidfd of it."""
        message = {"start": {**request, "descriptors": list(fds)}}
        answer, received = self._ask(message, list(fds.values()))
        if len(received) != 1 or "pid" not in answer:
            for fd in received:
                os.close(fd)
            raise ServerGoneError(f"a job could not be started: {answer.get('error', answer)}")
        return int(answer["pid"]), received[0]

    def reap(self, pid: int) -> dict[str, Any]:
        """How a job that has ended did so: `status`, `cpu` seconds, `memory` in kB."""
        answer, _ = self._ask({"reap": pid}, [])
        if "status" not in answer:
            raise ServerGoneError(f"a job's end could not be had: {answer.get('error', answer)}")
        return answer

    def close(self) -> None:
        """End the server, which ends its jobs, and remove the folder."""
        self.dead = True
        if hasattr(self, "_socket"):
            self._socket.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            self._process.kill()
            self._process.wait()
            if self._process.stderr:
                self._process.stderr.close()
        if self.folder:
            folders.remove(self.folder)

    def _hello(self, layers: frozenset[str]) -> dict[str, Any]:
        self._socket.settimeout(_START_SECONDS)
        try:
            data = self._socket.recv(_LONGEST)
        except OSError as error:
            data, why = b"", str(error)
        else:
            why = "it ended"
        if not data:
            self._process.kill()
            said = self._process.stderr.read().decode("utf-8", "replace") if self._process.stderr else ""
            raise SandboxUnavailableError(f"the sandbox's server did not start ({why}): {said[-2000:].strip()}")
        answer = json.loads(data)
        if "error" in answer:
            raise SandboxUnavailableError(f"the sandbox with {', '.join(sorted(layers))}: {answer['error']}")
        if self._process.stderr:
            self._process.stderr.close()
        return dict(answer["ready"])

    def _ask(self, message: Mapping[str, Any], fds: list[int]) -> tuple[dict[str, Any], list[int]]:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        with self._lock:
            try:
                self._socket.sendmsg([json.dumps(message).encode()], rights)
                data, received, _, _ = socket.recv_fds(self._socket, _LONGEST, 4, socket.MSG_CMSG_CLOEXEC)
            except OSError as error:
                self.dead = True
                raise ServerGoneError(f"its server does not answer: {error}") from error
            if not data:
                self.dead = True
                raise ServerGoneError("its server has ended")
        return json.loads(data), received


def _start(layers: frozenset[str], folder: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The server as a fresh interpreter with an empty environment; it sees this process's end by a pidfd."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    this = os.pidfd_open(os.getpid())
    package = Path(server.__file__).resolve().parent.parent
    arguments = [str(package), str(theirs.fileno()), str(this), ",".join(sorted(layers)), folder]
    try:
        process = subprocess.Popen(
            [sys.executable, *_OPTIONS, *arguments],
            env={"PYTHONHASHSEED": "0"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno(), this],
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(this)
    return ours, process
