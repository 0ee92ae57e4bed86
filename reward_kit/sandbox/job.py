"""The life of one job: isolation, layer by layer, and then the code. This runs in a child of the fork server."""

from __future__ import annotations

import builtins
import gc
import marshal
import os
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from reward_kit.sandbox import codec, conversation, frames, program
from reward_kit.sandbox.kernel import calls, capabilities, landlock, limits, namespaces, seccomp
from reward_kit.sandbox.shapes import Limits, Mode

#: Where a job finds its descriptors, out of the way of those that it opens itself.
RESULTS, INCOMING, OUTGOING, _READY = 63, 62, 61, 60
#: Descriptors from here on are for moving them about; none is as large as the last.
_SPARE, MOST_DESCRIPTORS = 128, 1024
#: What a job says on its `ready` pipe when it is isolated; anything else is what went wrong.
READY = b"+"


@dataclass(frozen=True, slots=True)
class World:
    """What the fork server has made ready for its jobs."""

    layers: frozenset[str]
    server: select.poll  # on a pidfd of the fork server itself: ready where it has ended
    address_space: int
    tasks: int | None
    files: landlock.Ruleset | None
    calls: seccomp.Filter | None  # where every job has the same id

    @property
    def own_root(self) -> bool:
        return "namespaces" in self.layers

    @property
    def contained(self) -> bool:
        """True where no job can leave a process behind."""
        return self.own_root or "seccomp" in self.layers


@dataclass(frozen=True, slots=True)
class Descriptors:
    """A job's descriptors in the order that they are sent; -1 where there is none."""

    payload: int
    stdin: int
    stdout: int
    stderr: int
    ready: int
    results: int = -1
    incoming: int = -1
    outgoing: int = -1


@dataclass(frozen=True, slots=True)
class Task:
    """One job in its own process."""

    world: World
    limits: Limits
    mode: Mode
    folder: str
    descriptors: Descriptors

    def run(self) -> NoReturn:
        """Isolate, then run the code; the process ends here."""
        ready = os.dup2(self.descriptors.ready, _READY, inheritable=False)
        try:
            payload = self._isolate()
        except BaseException as error:  # noqa: BLE001 - reported to the parent as no fault of the program
            os.write(ready, conversation.one_line(error).encode("utf-8", "replace"))
            os._exit(1)
        os.write(ready, READY)
        os.close(ready)
        main, body = _body(self.mode, payload, os.getcwd())
        program.run_to_exit(body, main)

    def _isolate(self) -> dict[str, Any]:
        """Everything before the code's first line."""
        calls.die_with_parent(signal.SIGKILL)
        if self.world.server.poll(0):
            os._exit(1)  # the fork server ended before the line above
        os.setsid()
        payload = _payload(self.descriptors.payload)
        self._work_folder()
        folder = os.getcwd()
        program.put_source(payload["code"], folder, as_file=self.mode is Mode.PROGRAM)
        self._hold_back(folder)
        self._arrange()
        self._limit()
        sys.path.insert(0, folder)
        gc.enable()
        return payload

    def _work_folder(self) -> None:
        if self.world.own_root:
            namespaces.mount_work(self.limits.disk)
        else:
            os.chdir(self.folder)

    def _hold_back(self, folder: str) -> None:
        """Take away files and capabilities; the rules are descriptors, so this comes before those are closed."""
        world = self.world
        own_files = None
        if world.files is not None and not world.own_root:
            own_files = landlock.Ruleset()
            own_files.work(folder)
            own_files.read(["/"])
            own_files.write("/dev/null")
        capabilities.drop()
        for rules in (world.files, own_files):
            if rules is not None:
                rules.restrict()

    def _arrange(self) -> None:
        """Put the descriptors where the job expects them and close all others."""
        fds = self.descriptors
        wanted = {0: fds.stdin, 1: fds.stdout, 2: fds.stderr}
        wanted |= {RESULTS: fds.results, INCOMING: fds.incoming, OUTGOING: fds.outgoing}
        spare = {target: os.dup2(fd, _SPARE + target, inheritable=False) for target, fd in wanted.items() if fd >= 0}
        os.closerange(0, _READY)
        os.closerange(_READY + 1, _SPARE)
        for target, fd in spare.items():
            os.dup2(fd, target, inheritable=target <= 2)
        os.closerange(_SPARE, MOST_DESCRIPTORS)

    def _limit(self) -> None:
        """The last of it: what is left to do needs little memory, and few calls."""
        world = self.world
        if "limits" in world.layers:
            memory = world.address_space + self.limits.memory
            cpu, disk, stack = self.limits.cpu, self.limits.disk, self.limits.stack
            limits.apply(memory=memory, cpu=cpu, disk=disk, stack=stack, tasks=world.tasks)
        if "seccomp" in world.layers:
            (world.calls or seccomp.Filter(os.getpid(), own_world=world.own_root)).install()


def _payload(fd: int) -> dict[str, Any]:
    data = bytearray()
    while piece := os.pread(fd, os.fstat(fd).st_size - len(data), len(data)):
        data += piece
    return dict(marshal.loads(data))


def _body(mode: Mode, payload: dict[str, Any], folder: str) -> tuple[Any, Callable[[], None]]:
    """The module that the code runs in, where it is a program, and what to run."""
    code, entry_point = payload["code"], payload["entry_point"]
    name = "__main__" if mode in (Mode.PROGRAM, Mode.TEST) else "solution"
    module = program.module(name, folder)
    filename = f"{folder}/{program.NAME}"
    namespace = module.__dict__

    def run_calls() -> None:
        program.execute(code, namespace, filename)
        entry = conversation.Entry(namespace, entry_point)
        for call in payload["calls"]:
            frames.write(RESULTS, _called(entry, entry_point, call))

    def run_server() -> None:
        program.execute(code, namespace, filename)
        conversation.serve(conversation.Entry(namespace, entry_point), INCOMING, OUTGOING)

    def run_tests() -> None:
        candidate = conversation.Candidate(OUTGOING, INCOMING) if payload["paired"] else None
        for test in payload["tests"]:
            frames.write(RESULTS, _tested(candidate, code, test, entry_point))

    bodies: dict[Mode, Callable[[], None]] = {
        Mode.PROGRAM: lambda: program.execute(code, namespace, filename),
        Mode.CALLS: run_calls,
        Mode.SERVE: run_server,
        Mode.TEST: run_tests,
    }
    return (module if mode is Mode.PROGRAM else None), bodies[mode]


def rehearse() -> None:
    """Do a job's own part a few times: what the interpreter writes into code that runs is written before the fork."""
    for _ in range(16):
        namespace: dict[str, Any] = {}
        program.execute("def f(a):\n    return a", namespace, program.NAME)
        payload = marshal.loads(marshal.dumps({"calls": [codec.encode(((_SAMPLE,), {}))]}))
        _called(conversation.Entry(namespace, "f"), "f", payload["calls"][0])
        program.quietly(lambda: None)


#: Something of every kind that most answers hold.
_SAMPLE = [1, "a", 1.5, None, True, (1, "b"), {"k": [1]}, {2}]


def _called(entry: conversation.Entry, name: str, call: Any) -> bytes:
    """One call's answer: its value, or its error in a line."""
    args, kwargs = codec.decode(call)
    try:
        value = entry.find(name)(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - the answer to this call
        return codec.dumps({"error": conversation.one_line(error)})
    try:
        return codec.dumps({"value": value})
    except codec.NotPlainError as error:
        return codec.dumps({"error": f"not plain data: {str(error)[:200]}", "opaque": True})


def _tested(candidate: conversation.Candidate | None, code: str, test: str, entry_point: str) -> bytes:
    """One test's answer: how often it called the candidate, or why it failed."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    if candidate is not None:
        candidate.calls = 0
        namespace = conversation.Globals(candidate, entry_point)
    try:
        program.execute(code, namespace, program.NAME)
        program.execute(test, namespace, "test.py")
    except conversation.OpaqueError as error:
        return codec.dumps({"error": str(error), "opaque": True})
    except (Exception, conversation.CandidateGoneError, SystemExit) as error:  # noqa: BLE001 - the test's verdict
        return codec.dumps({"error": conversation.one_line(error)})
    return codec.dumps({"value": candidate.calls if candidate is not None else None})
