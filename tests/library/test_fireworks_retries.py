"""What is sent again, after how long, and when it ends."""

from __future__ import annotations

import asyncio
import random
from email.utils import formatdate

import httpx
import pytest

from reward_kit.fireworks.retries import ANSWERS, RetryPolicy, RetryTransport, asked_wait
from reward_kit.fireworks.shapes import RETRIES

pytestmark = pytest.mark.asyncio


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def clock(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


async def send(outcomes, policy=None, extensions=None, time=None):
    """The final response to a request, or the error; and how long was slept before each retry."""
    time, remaining = time or Time(), iter(outcomes)

    def answer(request):
        outcome = next(remaining)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    transport = RetryTransport(
        httpx.MockTransport(answer), policy, sleep=time.sleep, clock=time.clock, source=random.Random(0)
    )
    request = httpx.Request("POST", "http://127.0.0.1/", json={"a": 1}, extensions=extensions)
    try:
        return await transport.handle_async_request(request), time.slept
    except httpx.TransportError as error:
        return error, time.slept


def answers(*statuses, **headers):
    return [
        httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})
        for status in statuses
    ]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_what_may_pass_is_sent_again_and_counted(status):
    response, slept = await send(answers(status, status, 200))
    assert response.status_code == 200
    assert response.extensions[RETRIES] == 2
    assert len(slept) == 2


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 412, 422])
async def test_what_is_refused_is_not_sent_again(status):
    response, slept = await send(answers(status, x_should_retry="true") if status != 405 else answers(status))
    assert (response.status_code, response.extensions[RETRIES], slept) == (status, 0, [])


async def test_the_server_has_a_say_on_what_is_sent_again():
    assert (await send(answers(500, x_should_retry="false")))[1] == []
    assert len((await send([*answers(405, x_should_retry="true"), httpx.Response(200)]))[1]) == 1


async def test_a_status_that_answers_the_request_is_not_sent_again():
    response, slept = await send(answers(409), extensions={ANSWERS: frozenset({409})})
    assert (response.status_code, slept) == (409, [])


async def test_backoff_doubles_with_a_random_quarter_off():
    _, slept = await send(answers(500, 500, 500, 500, 500, 200))
    assert len(slept) == 4  # the fifth attempt was the last
    for wait, whole in zip(slept, (0.5, 1, 2, 4), strict=True):
        assert 0.75 * whole <= wait <= whole
    assert len({wait / whole for wait, whole in zip(slept, (0.5, 1, 2, 4), strict=True)}) == 4


async def test_errors_of_the_connection_end_with_the_last_attempt():
    broken = [httpx.ReadError(str(n)) for n in range(9)]
    error, slept = await send(broken, RetryPolicy(attempts=3))
    assert (str(error), len(slept)) == ("2", 2)


async def test_a_request_that_is_wrong_by_itself_is_not_sent_again():
    assert (await send([httpx.LocalProtocolError("illegal header")]))[1] == []


async def test_a_rate_limit_of_a_minute_is_waited_out():
    time = Time()
    limited = (httpx.Response(429 if time.now < 1060 else 200) for _ in range(100))
    response, slept = await send(limited, time=time)
    assert response.status_code == 200
    assert 60 <= sum(slept) <= 120
    assert len(slept) > 5  # more than the attempts that other faults get


async def test_a_rate_limit_that_stays_ends_when_the_waiting_is_used_up():
    response, slept = await send(httpx.Response(429) for _ in range(100))
    assert response.status_code == 429
    assert sum(slept) == pytest.approx(120)


async def test_a_wait_that_is_asked_for_beyond_what_is_allowed_is_not_begun():
    response, slept = await send(answers(429, retry_after="31"), RetryPolicy(waiting=30))
    assert (response.status_code, slept) == (429, [])


async def test_everything_together_ends_before_the_deadline():
    _, slept = await send((httpx.Response(429) for _ in range(100)), RetryPolicy(deadline=10))
    assert sum(slept) < 10


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": formatdate(1_750_000_030, usegmt=True)}, 30),
        ({"retry-after": formatdate(1_749_999_000, usegmt=True)}, None),
        ({"retry-after": "60"}, 60),
        ({"retry-after": "61"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({}, None),
    ],
)
async def test_what_servers_ask_to_wait(headers, seconds):
    assert asked_wait(httpx.Headers(headers), 1_750_000_000) == (None if seconds is None else pytest.approx(seconds))


async def test_the_wait_that_is_asked_for_is_kept():
    assert (await send([*answers(429, retry_after="7"), httpx.Response(200)]))[1] == [7]


class Slow(httpx.AsyncByteStream):
    def __init__(self):
        self.closed = False

    async def __aiter__(self):
        yield b"{"
        await asyncio.Event().wait()

    async def aclose(self):
        self.closed = True


async def test_a_body_that_does_not_end_is_timed_out_closed_and_asked_for_again():
    slow = Slow()
    response, _ = await send([httpx.Response(200, stream=slow), httpx.Response(200)], RetryPolicy(timeout=0.05))
    assert response.extensions[RETRIES] == 1
    assert slow.closed
    error, _ = await send([httpx.Response(200, stream=Slow()) for _ in range(2)], RetryPolicy(timeout=0.05, attempts=2))
    assert isinstance(error, httpx.ReadTimeout)


async def test_answers_that_are_dropped_are_closed():
    dropped = answers(500, 503)
    for response in dropped:
        del response._content
        response.stream, response.is_closed, response.is_stream_consumed = httpx.ByteStream(b"x"), False, False
    await send([*dropped, httpx.Response(200)])
    assert all(response.is_closed for response in dropped)


async def test_a_cancelled_request_is_closed_and_never_sent_again():
    sent, slow = [], Slow()

    def answer(request):
        sent.append(request)
        return httpx.Response(200, stream=slow)

    request = httpx.Request("POST", "http://127.0.0.1/", json={})
    task = asyncio.create_task(RetryTransport(httpx.MockTransport(answer)).handle_async_request(request))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (len(sent), slow.closed) == (1, True)
