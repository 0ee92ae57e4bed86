"""How far a run of calls is: a callback, and how a bar shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from reward_kit.progress import Told


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run is. Rows whose call failed are done too; tokens are those that answers reported.

    `seconds_left` is None until one row is done, and where the total is not known.
    """

    done: int
    total: int | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds_left: float | None = None


class Progress(Protocol):
    """What is told after each call; it must be quick and must not raise."""

    def __call__(self, standing: Standing) -> None: ...


class Tally:
    """Counts rows and tokens, and tells `progress`.

    Args:
        progress: what is told; None for nothing.
        clock: time in seconds.
    """

    def __init__(self, progress: Progress | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._clock = clock
        self._started: float | None = None
        self._standing = Standing(0, None)

    @property
    def standing(self) -> Standing:
        return self._standing

    def expect(self, rows: int) -> None:
        """So many more rows will come."""
        self._update(0, rows, 0, 0)

    def start(self) -> None:
        """The clock runs from the first call on."""
        if self._started is None:
            self._started = self._clock()

    def add(self, rows: int, prompt_tokens: int = 0, completion_tokens: int = 0) -> None:
        """A call for so many rows ended."""
        self._update(rows, 0, prompt_tokens, completion_tokens)

    def _update(self, rows: int, expected: int, prompt: int, completion: int) -> None:
        before = self._standing
        done, total = before.done + rows, before.total
        if expected:
            total = (total or 0) + expected
        self._standing = Standing(
            done, total, before.prompt_tokens + prompt, before.completion_tokens + completion, self._left(done, total)
        )
        if self._progress is not None:
            self._progress(self._standing)

    def _left(self, done: int, total: int | None) -> float | None:
        if total is None or not done or self._started is None:
            return None
        return (self._clock() - self._started) / done * max(0, total - done)


def shown_on(told: Told) -> Progress:
    """Shows a run of calls on a bar: rows, tokens, time left."""

    def show(standing: Standing) -> None:
        tokens = f"{standing.prompt_tokens:,} + {standing.completion_tokens:,} tokens"
        told("", standing.done, standing.total, f"{tokens} {_clock_face(standing.seconds_left)}".rstrip())

    return show


def _clock_face(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} left"
