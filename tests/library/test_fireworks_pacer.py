"""Generated tokens flow no faster than the account's limit; the clock of these tests is moved by waiting only."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from reward_kit.fireworks.pacer import TokenPacer
from reward_kit.fireworks.transport import MAX_TOKENS, PacedTransport

pytestmark = pytest.mark.asyncio


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    async def wait(self, changed, seconds):
        """What happens first: a change, or so many seconds on this clock."""
        for _ in range(3):
            await asyncio.sleep(0)
        if not changed.is_set():
            self.now += seconds


def pacer(per_minute=36_000):
    clock = Clock()
    return TokenPacer(per_minute, clock=clock, wait=clock.wait), clock


async def test_a_minutes_tokens_go_at_once_and_then_as_fast_as_the_limit():
    paced, clock = pacer()
    for _ in range(54):  # 216,000 tokens: a minute's worth at once, and five minutes for the rest
        async with paced.reserve(4000) as reservation:
            reservation.used = 4000
    assert clock.now == pytest.approx(5 * 60)


async def test_what_is_not_used_is_given_back():
    paced, clock = pacer()
    for _ in range(54):
        async with paced.reserve(4000) as reservation:
            reservation.used = 400
    assert clock.now < 0.1


async def test_what_is_used_beyond_the_reservation_is_owed():
    paced, clock = pacer(600)
    async with paced.reserve(1) as reservation:
        reservation.used = 1200
    async with paced.reserve(600):
        assert clock.now == pytest.approx(120)


async def test_a_request_larger_than_a_minutes_tokens_waits_for_a_full_bucket():
    paced, clock = pacer(600)
    async with paced.reserve(900):
        assert clock.now == 0
    async with paced.reserve(900):
        assert clock.now == pytest.approx(90)


async def test_requests_are_let_through_in_the_order_they_came():
    paced, _ = pacer(600)
    order = []

    async def ask(name, tokens):
        async with paced.reserve(tokens):
            order.append(name)

    await asyncio.gather(ask("full", 600), ask("large", 500), *(ask(f"small {n}", 1) for n in range(3)))
    assert order == ["full", "large", "small 0", "small 1", "small 2"]


async def test_a_cancelled_request_takes_nothing_and_lets_the_next_one_on():
    paced = TokenPacer(600)  # on the real clock: nothing is waited for to its end
    async with paced.reserve(600) as reservation:
        waiting = asyncio.create_task(paced._take(600))
        after = asyncio.create_task(paced._take(100))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        reservation.used = 0
    await asyncio.wait_for(after, 1)


async def test_tokens_given_back_wake_whoever_waits():
    paced = TokenPacer(600)
    async with paced.reserve(600) as reservation:
        waiting = asyncio.create_task(paced._take(600))
        await asyncio.sleep(0.01)
        reservation.used = 0
    await asyncio.wait_for(waiting, 1)


async def test_the_limit_of_the_account_is_learned():
    paced, clock = pacer(600)
    async with paced.reserve(600):
        pass
    paced.learn(100)  # a second, where 10 were assumed
    async with paced.reserve(6000):
        assert clock.now == pytest.approx(6)
    for nonsense in (0, -1, float("nan"), float("inf")):
        paced.learn(nonsense)
    assert paced.per_minute == 6000


@pytest.mark.parametrize("rate", [0, -5, float("nan"), float("inf")])
async def test_a_limit_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="above 0"):
        TokenPacer(rate)


def answer_of(tokens, status=200, **headers):
    return lambda request: httpx.Response(status, json={"usage": {"completion_tokens": tokens}}, headers=headers)


@pytest.mark.parametrize(
    ("respond", "left"),
    [(answer_of(100), 500), (answer_of(None), 0), (answer_of(True), 0), (answer_of(5, status=429), 600)],
    ids=["usage", "none given", "nonsense", "refused"],
)
async def test_the_transport_settles_with_what_an_answer_says(respond, left):
    paced, _ = pacer(600)
    transport = PacedTransport(httpx.MockTransport(respond), paced)
    await transport.handle_async_request(httpx.Request("POST", "http://x/", extensions={MAX_TOKENS: 600}))
    assert paced._level == left


async def test_without_a_connection_nothing_is_counted():
    def refuse(request):
        raise httpx.ConnectError("refused")

    paced, _ = pacer(600)
    with pytest.raises(httpx.ConnectError):
        await PacedTransport(httpx.MockTransport(refuse), paced).handle_async_request(
            httpx.Request("POST", "http://x/", extensions={MAX_TOKENS: 600})
        )
    assert paced._level == 600


async def test_the_transport_learns_from_headers_and_ignores_nonsense_in_them():
    paced, _ = pacer(600)
    for header, expected in (("50", 3000), ("many", 3000)):
        respond = answer_of(1, **{"X-Ratelimit-Limit-Tokens-Generated": header})
        transport = PacedTransport(httpx.MockTransport(respond), paced)
        await transport.handle_async_request(httpx.Request("POST", "http://x/", extensions={MAX_TOKENS: 6}))
        assert paced.per_minute == expected
