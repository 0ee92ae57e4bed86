"""The worker process: reads requests from stdin, answers with one byte each, ends with its parent."""

from __future__ import annotations

import os
import pickle
import resource
import struct
import sys
from typing import Any

_LENGTH = struct.Struct("<I")
_MEMORY = 1 << 30
# The parent kills at its deadline; this bounds a request whose parent is gone (it cannot be interrupted otherwise).
_CPU_SECONDS = 3
_OPERATIONS = frozenset(("identical", "proportional", "within"))


def main() -> None:
    """Serve requests until the parent closes the pipe."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(5_000)
    from reward_kit.rewards._math import symbolic

    os.write(1, b"+")
    while header := _read(_LENGTH.size):
        message = _read(_LENGTH.unpack(header)[0])
        _bound_cpu()
        os.write(1, _reply(symbolic, pickle.loads(message)))  # from the parent, over a private pipe


def _reply(symbolic: Any, request: tuple[Any, ...]) -> bytes:
    operation, *operands = request
    if operation not in _OPERATIONS:
        return b"?"
    try:
        verdict = getattr(symbolic, operation)(*operands)
    except (ArithmeticError, ValueError, MemoryError, RecursionError, OverflowError):
        return b"?"  # undecided: never a verdict
    return b"-" if verdict == -1 else b"1" if verdict else b"0" if verdict is not None else b"?"


def _bound_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + _CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _read(count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = os.read(0, count - len(data))
        if not piece:
            return b""
        data += piece
    return data
