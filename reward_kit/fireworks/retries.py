"""Sending again what may be sent again.

Which answers are, and how long to wait, follow Fireworks' own client (PyPI fireworks-ai): 408, 409, 429, 5xx and broken
connections; `x-should-retry`, `retry-after-ms` and `retry-after` where they are given (RFC 9110, section 10.2.3).
"""

from __future__ import annotations

import asyncio
import email.utils
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from reward_kit.fireworks.shapes import RETRIES

#: In the extensions of a request: statuses that answer it, and are not to be retried.
ANSWERS = "rewardkit.answers"
_RETRIED = frozenset({408, 409, 429})
#: Sending these again changes nothing, whatever `x-should-retry` says.
_NEVER = frozenset({400, 401, 402, 403, 404, 412, 422})
#: A server may ask for a wait of up to this many seconds; where it asks for more, the backoff decides.
_LONGEST_ASKED = 60.0
#: What httpx raises for a request that is wrong by itself.
_OURS = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a client is; all times in seconds.

    Args:
        attempts: how often a request is sent at most. 429 does not count: it ends with `waiting`.
        timeout: for one attempt, from its start to the last byte of the answer.
        waiting: for all waits before retries. By default two minutes, so that a limit counted by the minute frees up.
        deadline: for everything together.
        first, longest: the first wait, doubled each time up to the longest.
    """

    attempts: int = 5
    timeout: float = 180.0
    waiting: float = 120.0
    deadline: float = 900.0
    first: float = 0.5
    longest: float = 30.0

    def backoff(self, retries: int, source: random.Random) -> float:
        """How long to wait before retry number `retries` (from 0): a quarter of it is random, to spread clients."""
        return min(self.longest, self.first * 2.0 ** min(retries, 30)) * (1 - 0.25 * source.random())


class RetryTransport(httpx.AsyncBaseTransport):
    """Sends requests through `inner` until they are answered; answers come back read whole.

    Args:
        inner: what sends. It is closed with this.
        policy: how patient to be.
        sleep, clock, source: for waiting, time in seconds and chance; tests give their own.

    Raises:
        httpx.TransportError: the last attempt's, where none brought an answer.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        policy: RetryPolicy | None = None,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        source: random.Random | None = None,
    ) -> None:
        self._inner = inner
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._clock = clock
        self._source = source or random.Random()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()  # so that it can be sent again
        started, faults, waited, retries = self._clock(), 0, 0.0, 0
        while True:
            request.extensions[RETRIES] = retries
            left = self._policy.deadline - (self._clock() - started)
            outcome = await self._attempt(request, min(self._policy.timeout, left))
            limited = isinstance(outcome, httpx.Response) and outcome.status_code == 429
            faults += not limited
            wait = self._wait(request, outcome, retries, self._policy.waiting - waited)
            late = wait is None or self._clock() - started + wait >= self._policy.deadline
            if wait is None or late or faults >= self._policy.attempts:
                return _final(outcome, retries)
            await self._sleep(wait)
            waited, retries = waited + wait, retries + 1

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _attempt(self, request: httpx.Request, limit: float) -> httpx.Response | httpx.RequestError:
        """One answer, read whole and closed, or what kept it from coming."""
        try:
            async with asyncio.timeout(limit):
                response = await self._inner.handle_async_request(request)
                try:
                    await response.aread()
                finally:
                    await response.aclose()
                return response
        except TimeoutError:
            return httpx.ReadTimeout(f"no whole answer within {limit:.3g} s", request=request)
        except (httpx.TransportError, httpx.DecodingError) as error:
            return error

    def _wait(
        self, request: httpx.Request, outcome: httpx.Response | httpx.RequestError, retries: int, allowed: float
    ) -> float | None:
        """How long to wait before the next attempt; None where there is to be none."""
        if isinstance(outcome, _OURS) or allowed <= 0:
            return None
        backoff = self._policy.backoff(retries, self._source)
        if not isinstance(outcome, httpx.Response):
            return min(backoff, allowed)
        if not _worth_another(outcome, request.extensions.get(ANSWERS, ())):
            return None
        asked = asked_wait(outcome.headers, time.time())
        if asked is None:
            return min(backoff, allowed)
        return asked if asked <= allowed else None


def _final(outcome: httpx.Response | httpx.RequestError, retries: int) -> httpx.Response:
    if not isinstance(outcome, httpx.Response):
        raise outcome
    outcome.extensions[RETRIES] = retries
    return outcome


def _worth_another(response: httpx.Response, answers: frozenset[int] | tuple[int, ...]) -> bool:
    status = response.status_code
    if status < 400 or status in _NEVER or status in answers:
        return False
    said = str(response.headers.get("x-should-retry"))
    if said in ("true", "false"):
        return said == "true"
    return status in _RETRIED or status >= 500


def asked_wait(headers: httpx.Headers, now: float) -> float | None:
    """Seconds that a server asks to wait: `retry-after-ms`, then `retry-after` as seconds or as a date.

    Args:
        headers: the answer's.
        now: seconds since 1970, for dates.

    Returns:
        None where nothing is asked for, or what is asked for is not above 0 and up to 60.
    """
    for reading in (_milliseconds, _seconds, _date):
        try:
            seconds = reading(headers, now)
        except (KeyError, ValueError, OverflowError):
            continue
        return seconds if math.isfinite(seconds) and 0 < seconds <= _LONGEST_ASKED else None
    return None


def _milliseconds(headers: httpx.Headers, now: float) -> float:
    return float(headers["retry-after-ms"]) / 1000


def _seconds(headers: httpx.Headers, now: float) -> float:
    return float(headers["retry-after"])


def _date(headers: httpx.Headers, now: float) -> float:
    return email.utils.parsedate_to_datetime(headers["retry-after"]).timestamp() - now
