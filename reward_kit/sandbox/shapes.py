"""Jobs, their limits, and how they ended. Standard library only: the fork server imports this too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    """What a job does with its code.

    `program` runs it as __main__ with stdin; `calls` runs it and then calls the entry point on each input; `serve`
    runs it and answers calls that come from another job; `test` runs test code, whose calls go to a serving job.
    """

    PROGRAM = "program"
    CALLS = "calls"
    SERVE = "serve"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may take: seconds, bytes, numbers. `wall` and `cpu` are seconds; the others are bytes."""

    wall: float = 4.0
    cpu: int = 4
    memory: int = 512 << 20
    output: int = 4 << 20
    disk: int = 16 << 20
    stack: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Arguments:
    """One call's arguments, as plain data."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """Code to run and what goes into it; never what should come out."""

    mode: Mode
    code: str
    stdin: bytes = b""
    entry_point: str = ""
    calls: tuple[Arguments, ...] = ()
    tests: tuple[str, ...] = ()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Returned:
    """What one call, or one test, came to: `value` as exact builtin types where `ok`, else the error in one line.

    `opaque` is True where the value was no plain data: `value` is then None, and `error` names its type.
    """

    ok: bool
    value: Any = None
    error: str = ""
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended, as the parent and the kernel saw it.

    `exit_code` is None where a signal ended it (`signal`); `limit` names the limit that it hit ("wall", "cpu",
    "memory", "output", "") ; seconds and MB are the kernel's, not the job's. `stdout` is capped at the output limit,
    `stderr` is its end. `returned` holds one entry for each call or test that was answered, in order: there may be
    fewer than asked for.
    """

    exit_code: int | None
    signal: int | None = None
    limit: str = ""
    wall: float = 0.0
    cpu: float = 0.0
    memory_mb: float = 0.0
    stdout: bytes = b""
    stderr: str = ""
    returned: tuple[Returned, ...] = ()

    @property
    def clean(self) -> bool:
        """True where the program ended by itself, with exit code 0, within its limits."""
        return self.exit_code == 0 and not self.limit
