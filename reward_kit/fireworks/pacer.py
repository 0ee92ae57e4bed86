"""Keeping generated tokens below an account's limit, so that a long run is not answered with 429.

Serverless accounts start with 36,000 generated tokens a minute (https://docs.fireworks.ai/serverless/rate-limits);
what holds for an account stands in the header X-Ratelimit-Limit-Tokens-Generated, in tokens a second.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

START_LIMIT = 36_000
#: Seconds of unused rate that may be spent at once: limits are counted by the minute.
_WINDOW = 60.0


class Reservation:
    """Tokens taken for one request. Set `used` to what it generated; what stays None was used whole."""

    __slots__ = ("reserved", "used")

    def __init__(self, reserved: int) -> None:
        self.reserved = reserved
        self.used: int | None = None


async def _wait(changed: asyncio.Event, seconds: float) -> None:
    """Wait until something changed, at most `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        pass


class TokenPacer:
    """Lets requests through in the order they come, as fast as their generated tokens may flow.

    A bucket of one minute's tokens: a request takes the most it can generate (`max_tokens`) before it is sent, and
    gives back what it did not use. One that asks for more than a bucket holds waits for a full one.

    Args:
        per_minute: generated tokens a minute.
        clock, wait: time in seconds, and waiting for an event for at most so long; tests give their own.
    """

    def __init__(
        self,
        per_minute: float = START_LIMIT,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[asyncio.Event, float], Awaitable[None]] = _wait,
    ) -> None:
        if not (math.isfinite(per_minute) and per_minute > 0):
            raise ValueError(f"tokens a minute must be above 0, not {per_minute}")
        self._rate = per_minute / 60
        self._level = self._capacity
        self._clock = clock
        self._wait = wait
        self._filled = clock()
        self._turn = asyncio.Lock()  # its waiters are served in order
        self._changed = asyncio.Event()

    @property
    def per_minute(self) -> float:
        return self._rate * 60

    @property
    def _capacity(self) -> float:
        return self._rate * _WINDOW

    def learn(self, tokens_per_second: float) -> None:
        """Take over the limit that a response named."""
        if math.isfinite(tokens_per_second) and tokens_per_second > 0 and tokens_per_second != self._rate:
            self._fill()
            spent = self._capacity - self._level
            self._rate = tokens_per_second
            self._level = self._capacity - spent
            self._changed.set()

    @asynccontextmanager
    async def reserve(self, tokens: int) -> AsyncIterator[Reservation]:
        """Wait until `tokens` may be generated; settle with what was used when the block is left."""
        await self._take(tokens)
        reservation = Reservation(tokens)
        try:
            yield reservation
        finally:
            if reservation.used is not None:
                self._fill()
                self._level = min(self._capacity, self._level + reservation.reserved - reservation.used)
                self._changed.set()

    async def _take(self, tokens: int) -> None:
        async with self._turn:
            while (missing := min(tokens, self._capacity) - self._fill()) > 1e-6:
                self._changed.clear()
                await self._wait(self._changed, missing / self._rate)
            self._level -= tokens

    def _fill(self) -> float:
        now = self._clock()
        self._level = min(self._capacity, self._level + (now - self._filled) * self._rate)
        self._filled = now
        return self._level
