"""Running code as `python3 solution.py` runs it, from its first line to its exit code."""

from __future__ import annotations

import _sitebuiltins
import atexit
import builtins
import functools
import gc
import importlib
import io
import linecache
import os
import sys
import threading
import types
from collections.abc import Callable
from typing import Any, NoReturn

#: The name that a program's file has in its working folder.
NAME = "solution.py"
#: Modules that solutions import most: loaded once, in the fork server.
WARM = (
    "_sitebuiltins abc array ast bisect calendar cmath codecs collections collections.abc contextlib copy dataclasses "
    "datetime decimal enum fractions functools heapq inspect io itertools json linecache math numbers operator queue "
    "random re statistics string textwrap threading time traceback types typing unicodedata zoneinfo"
).split()
_NOTICES = {
    "copyright": sys.copyright,
    "credits": "Thanks to CWI, CNRI, BeOpen.com, Zope Corporation and a cast of thousands.",
    "license": "See https://www.python.org/psf/license/",
}
_FLUSH_FAILED = 120  # as CPython: output that could not be written is no success


def prepare() -> None:
    """What every program finds, made once in the fork server: modules, streams, the names that `site` adds."""
    _import_warm()
    _streams()
    os.environ.clear()
    sys.argv = [NAME]
    sys.orig_argv = ["python3", NAME]
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _sitebuiltins._Helper()
    for name, text in _NOTICES.items():
        setattr(builtins, name, _sitebuiltins._Printer(name, text))
    sys.modules["random"].seed(0)


def _import_warm() -> None:
    """Load what solutions import. `random` does not get to seed itself anew in every job: each starts from the same."""
    register, os.register_at_fork = os.register_at_fork, lambda **_: None
    try:
        importlib.import_module("random")
    finally:
        os.register_at_fork = register
    for name in WARM:
        importlib.import_module(name)


def _streams() -> None:
    """stdin, stdout and stderr on descriptors 0, 1 and 2, as the interpreter makes them for a file and two pipes.

    The files that they are made on stand for those that each job puts in their place.
    """
    unused, pipe = os.pipe()
    os.dup2(os.memfd_create("stdin"), 0)
    for fd in (1, 2):
        os.dup2(pipe, fd)
    os.close(pipe)
    for fd, name, mode, errors in (
        (0, "stdin", "r", "surrogateescape"),
        (1, "stdout", "w", "surrogateescape"),
        (2, "stderr", "w", "backslashreplace"),
    ):
        buffer = open(fd, mode + "b", closefd=False)  # noqa: SIM115 - the program's own, open to its end
        buffer.raw.name = f"<{name}>"  # type: ignore[attr-defined]
        stream = io.TextIOWrapper(buffer, "utf-8", errors, newline="\n", line_buffering=fd == 2)
        stream.mode = mode  # type: ignore[misc]
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.close(unused)


def put_source(code: str, folder: str, *, as_file: bool) -> None:
    """Where tracebacks, and the program itself, look for its source: in its file, or in memory where it has none."""
    if not as_file:
        linecache.cache[f"{folder}/{NAME}"] = (len(code), None, code.splitlines(keepends=True), NAME)
        return
    fd = os.open(NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    left = memoryview(code.encode("utf-8", "surrogatepass"))
    while left:
        left = left[os.write(fd, left) :]
    os.close(fd)


def module(name: str, folder: str) -> types.ModuleType:
    """An empty module for the code to run in."""
    made = types.ModuleType(name)
    made.__dict__.update(__file__=f"{folder}/{NAME}", __builtins__=builtins, __cached__=None)
    sys.modules[name] = made
    return made


def execute(code: str, namespace: dict[str, Any], filename: str) -> None:
    """Run source text; from bytes, so that a coding line and a byte order mark mean what they mean in a file."""
    exec(compile(code.encode("utf-8", "surrogatepass"), filename, "exec", dont_inherit=True), namespace)


def run_to_exit(body: Callable[[], None], main: types.ModuleType | None) -> NoReturn:
    """Run `body` and end the process as the interpreter would: threads, exit functions, flushed output, exit code."""
    status = 0
    try:
        body()
    except SystemExit as exit_request:
        status = _status(exit_request)
    except BaseException as error:  # noqa: BLE001 - the end of a program, as in the interpreter itself
        status = 1
        quietly(functools.partial(_report, error))
    quietly(threading._shutdown)  # type: ignore[attr-defined]
    quietly(atexit._run_exitfuncs)
    if not _flush():
        status = status or _FLUSH_FAILED
    if main is not None and threading.active_count() == 1:
        quietly(lambda: _forget(main))
        _flush()
    os._exit(status)


def _status(error: SystemExit) -> int:
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if abs(code) < 1 << 63 else 0xFF
    quietly(lambda: print(code, file=sys.stderr, flush=True))
    return 1


def _report(error: BaseException) -> None:
    """Print the traceback, from the program's first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("reward_kit."):
        trace = trace.tb_next
    _flush()
    try:
        sys.excepthook(type(error), error.with_traceback(trace), trace)
    except BaseException:  # noqa: BLE001 - a hook of the program that fails itself
        sys.__excepthook__(type(error), error, trace)


def _flush() -> bool:
    flushed = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:  # noqa: BLE001 - whatever the program put there
            flushed = False
    return flushed


def _forget(main: types.ModuleType) -> None:
    """Let go of the program's objects while it can still print: their `__del__` runs as at the interpreter's end."""
    for name in list(main.__dict__):
        if name != "__builtins__":
            main.__dict__[name] = None
    gc.collect()


def quietly(step: Callable[[], object]) -> None:
    """Take a step of the end, whatever becomes of it."""
    try:
        step()
    except BaseException:  # noqa: BLE001 - the process is about to end; its exit code is what counts
        return
