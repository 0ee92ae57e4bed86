"""The fork server: a fresh interpreter that forks one child a job, and tells how it ended. It never reads a job.

Code, inputs and tests go to the child in a file of their own (a memfd), read after the fork: nothing of one job is in
this process's memory for a later one to find. The control socket carries small JSON messages, one a packet:
{"start": ...} with the job's descriptors -> {"pid": ...} with a pidfd, {"reap": pid} -> its status and usage.
"""

from __future__ import annotations

import array
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from reward_kit.sandbox import conversation, folders, job, program
from reward_kit.sandbox.kernel import calls, landlock, limits, namespaces, seccomp
from reward_kit.sandbox.shapes import Limits, Mode

LAYERS = ("namespaces", "landlock", "seccomp", "limits")
_LONGEST = 1 << 16
_MOST_DESCRIPTORS = 8
_INTS = array.array("i").itemsize


def main(control: int, parent: int, layers: str, folder: str) -> job.Task:
    """Serve until the parent has gone. Returns only in a child, with its task: so a job's stack starts shallow."""
    connection = socket.socket(fileno=control)
    try:
        world, facts = prepare(frozenset(filter(None, layers.split(","))), folder)
    except Exception as error:  # noqa: BLE001 - said to the parent, which raises it: there is no other way to tell
        connection.send(json.dumps({"error": conversation.one_line(error)}).encode())
        os._exit(1)
    connection.send(json.dumps({"ready": facts}).encode())
    for name in [name for name in sys.modules if name.split(".")[0] == "reward_kit"]:
        del sys.modules[name]
    gc.collect()
    calls.return_free_memory()
    gc.freeze()
    gc.disable()
    return Server(connection, parent, world, folder).serve()


def prepare(layers: frozenset[str], folder: str) -> tuple[job.World, dict[str, Any]]:
    """Load what jobs use, enter the namespaces, and build what is the same for all jobs."""
    program.prepare()
    job.rehearse()
    resource.setrlimit(resource.RLIMIT_NOFILE, (job.MOST_DESCRIPTORS, job.MOST_DESCRIPTORS))
    facts = {"kernel": os.uname().release, "landlock": landlock.version(), "user": os.getuid()}
    size, tasks = limits.address_space(), None
    own_root = "namespaces" in layers
    if own_root:
        namespaces.enter()
        tasks = limits.TASKS
    os.chdir("/")
    calls.adopt_orphans()
    calls.no_new_privileges()
    calls.dumpable(False)
    alive = select.poll()
    alive.register(os.pidfd_open(os.getpid()), select.POLLIN)
    world = job.World(
        layers=layers,
        server=alive,
        address_space=size,
        tasks=tasks,
        files=_files(namespaces.JOBS if own_root else folder) if "landlock" in layers else None,
        calls=seccomp.Filter(1, own_world=True) if own_root else None,
    )
    return world, facts


def _files(work: str) -> landlock.Ruleset:
    """The standard library without installed packages, shared libraries, and the folder that jobs work below."""
    rules = landlock.Ruleset()
    for folder in namespaces.standard_library():
        names = [name for name in os.listdir(folder) if name not in namespaces.PACKAGES]
        rules.read(os.path.join(folder, name) for name in names)
        rules.list_folders([folder])
    rules.read([*namespaces.LIBRARIES, namespaces.ZONES, *namespaces.DEVICES])
    rules.write("/dev/null")
    rules.work(work)
    return rules


class Server:
    """One parent's fork server."""

    def __init__(self, connection: socket.socket, parent: int, world: job.World, folder: str) -> None:
        self._connection = connection
        self._folder = folder
        self._parent = parent
        self._world = world
        self._cloner = calls.Cloner()
        self._children: set[int] = set()

    def serve(self) -> job.Task:
        """Answer requests; in a child, return its task. The process ends with the parent, or with the socket."""
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        poll.register(self._parent, select.POLLIN)
        while True:
            if any(fd == self._parent for fd, _ in poll.poll()):
                self._leave()
            data, ancillary, _, _ = self._connection.recvmsg(
                _LONGEST, socket.CMSG_SPACE(_MOST_DESCRIPTORS * _INTS), socket.MSG_CMSG_CLOEXEC
            )
            if not data:
                self._leave()
            task = self._answer(json.loads(data), _descriptors(ancillary))
            if task is not None:
                return task

    def _answer(self, request: dict[str, Any], fds: list[int]) -> job.Task | None:
        if "reap" in request:
            self._send(self._reap(request["reap"]))
            return None
        try:
            pid, pidfd = self._cloner.fork(namespaces.JOB if self._world.own_root else 0)
        except OSError as error:
            self._send({"error": str(error)})
        else:
            if pid == 0:
                return self._task(request["start"], fds)
            self._children.add(pid)
            self._send({"pid": pid}, [pidfd])
            os.close(pidfd)
        for fd in fds:
            os.close(fd)
        return None

    def _task(self, request: dict[str, Any], fds: list[int]) -> job.Task:
        """The task of a child, from the parent's request."""
        names = request["descriptors"]
        descriptors = job.Descriptors(**dict(zip(names, fds, strict=True)))
        return job.Task(self._world, Limits(**request["limits"]), Mode(request["mode"]), request["folder"], descriptors)

    def _reap(self, pid: int) -> dict[str, Any]:
        """How a child ended, by the kernel; it has ended, or is about to: the parent saw its pidfd."""
        if pid not in self._children:
            return {"error": f"{pid} is no job"}
        _, status, usage = os.wait4(pid, 0)
        self._children.discard(pid)
        if not self._world.contained:
            self._sweep()
        return {"status": status, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss}

    def _sweep(self) -> None:
        """Where nothing stops a job from leaving processes behind: end those that became ours."""
        children = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
        while strays := {int(pid) for pid in _read(children).split()} - self._children:
            for pid in strays:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _send(self, message: dict[str, Any], fds: list[int] | None = None) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self._connection.sendmsg([json.dumps(message).encode()], rights)
        except (BrokenPipeError, ConnectionResetError):
            self._leave()

    def _leave(self) -> NoReturn:
        """End, and everything with it: nothing of a job outlives the process that wanted it."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if not self._world.contained:
            self._children.clear()
            self._sweep()
        if self._folder:
            folders.remove(self._folder)
        os._exit(0)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % _INTS])
    return fds.tolist()
