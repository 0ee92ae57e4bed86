"""Running code as `python3 solution.py` runs it, from its first line to its exit code."""

from __future__ import annotations

import atexit
import builtins
import functools
import gc
import io
import os
import random
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
_FLUSH_FAILED = 120  # as CPython: output that could not be written is no success


def streams() -> None:
    """stdin, stdout and stderr on descriptors 0, 1 and 2, as the interpreter makes them for pipes in UTF-8."""
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


def surroundings(folder: str) -> None:
    """What a program sees of its process: an empty environment, its own name, the names that `site` adds."""
    import _sitebuiltins

    os.environ.clear()
    sys.argv = [NAME]
    sys.orig_argv = ["python3", NAME]
    sys.path.insert(0, folder)
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _sitebuiltins._Helper()
    for name, text in (
        ("copyright", sys.copyright),
        ("credits", "Thanks to CWI, CNRI, BeOpen.com, Zope Corporation."),
        ("license", "See https://www.python.org/psf/license/"),
    ):
        setattr(builtins, name, _sitebuiltins._Printer(name, text))
    for name in [name for name in sys.modules if name.split(".")[0] == "reward_kit"]:
        del sys.modules[name]
    random.seed(0)
    gc.enable()


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
        _quietly(functools.partial(_report, error))
    _quietly(threading._shutdown)  # type: ignore[attr-defined]
    _quietly(atexit._run_exitfuncs)
    if not _flush():
        status = status or _FLUSH_FAILED
    if main is not None and threading.active_count() == 1:
        _quietly(lambda: _forget(main))
        _flush()
    os._exit(status)


def _status(error: SystemExit) -> int:
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if abs(code) < 1 << 63 else 0xFF
    _quietly(lambda: print(code, file=sys.stderr, flush=True))
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


def _quietly(step: Callable[[], object]) -> None:
    try:
        step()
    except BaseException:  # noqa: BLE001 - the process is about to end; its exit code is what counts
        return
