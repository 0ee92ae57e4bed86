"""The way out: pacing, then retries, then the key, then the network.

A cassette stands before all of it. So a replay neither waits nor retries nor needs a key, and what is recorded is the
final answer to a request in which the key has not been put yet.
"""

from __future__ import annotations

import json
import ssl
import urllib.parse
import urllib.request
from contextlib import suppress

import httpx

from reward_kit.fireworks.account import Account
from reward_kit.fireworks.pacer import TokenPacer
from reward_kit.fireworks.retries import RetryPolicy, RetryTransport
from reward_kit.fireworks.secrets import LogScrubber, scrub

#: In the extensions of a request: how many tokens its answer may have at most (int). Requests without are not paced.
MAX_TOKENS = "rewardkit.max_tokens"
#: Generated tokens a second that the account may have.
_LIMIT_HEADER = "x-ratelimit-limit-tokens-generated"


def live_transport(
    account: Account, policy: RetryPolicy | None = None, pacer: TokenPacer | None = None
) -> httpx.AsyncBaseTransport:
    """What sends an account's requests over the network. Without a pacer: paced, except to this machine.

    Raises:
        NoKeyError: where the server is not on this machine and there is no key.
    """
    account.require_key()
    retried = RetryTransport(KeyTransport(Connections(account.base), account), policy)
    if pacer is None and account.loopback:
        return retried
    return PacedTransport(retried, pacer or TokenPacer())


class Connections(httpx.AsyncBaseTransport):
    """As many connections as requests are under way, each in a pool of its own; answers come back read whole.

    One pool of httpcore 1.0.9 for all of them looks at every connection on every request, and may close one that it
    has just given to a request, which then hangs until its timeout (https://github.com/encode/httpcore/pull/1114).
    """

    def __init__(self, base: str) -> None:
        self._proxy = _proxy(base)
        # Loading the certificates of authorities takes long; a context without any trusts nobody.
        secure = base.startswith("https:")
        self._certificates = httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._idle: list[httpx.AsyncHTTPTransport] = []
        self._all: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        connection = self._idle.pop() if self._idle else self._new()
        try:
            response = await connection.handle_async_request(request)
            try:
                await response.aread()
            finally:
                await response.aclose()
            return response
        finally:
            self._idle.append(connection)

    async def aclose(self) -> None:
        for connection in self._all:
            await connection.aclose()

    def _new(self) -> httpx.AsyncHTTPTransport:
        one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        self._all.append(httpx.AsyncHTTPTransport(verify=self._certificates, limits=one, proxy=self._proxy))
        return self._all[-1]


class KeyTransport(httpx.AsyncBaseTransport):
    """Puts the account's key into requests to the account's own host, below everything that logs or records them."""

    def __init__(self, inner: httpx.AsyncBaseTransport, account: Account) -> None:
        self._inner = inner
        self._key = account.key
        self._home = httpx.URL(account.base)
        self._scrubber = LogScrubber(account.key) if account.key else None
        if self._scrubber:
            self._scrubber.install()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._inner.handle_async_request(self._signed(request))
        except httpx.RequestError as error:
            broken = type(error)(scrub(str(error), self._key), request=request)
        # Outside the clause: the frames of the original hold the headers, and debuggers and crash reports show frames.
        raise broken

    async def aclose(self) -> None:
        if self._scrubber:
            self._scrubber.remove()
        await self._inner.aclose()

    def _signed(self, request: httpx.Request) -> httpx.Request:
        url, home = request.url, self._home
        if self._key is None or (url.scheme, url.netloc) != (home.scheme, home.netloc):
            return request
        headers = httpx.Headers(request.headers)
        headers["authorization"] = f"Bearer {self._key.reveal()}"
        return httpx.Request(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )


class PacedTransport(httpx.AsyncBaseTransport):
    """Holds requests back until their tokens may be generated; learns the limit from the answers' headers."""

    def __init__(self, inner: httpx.AsyncBaseTransport, pacer: TokenPacer) -> None:
        self._inner = inner
        self._pacer = pacer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        tokens = request.extensions.get(MAX_TOKENS)
        if tokens is None:
            return await self._inner.handle_async_request(request)
        async with self._pacer.reserve(tokens) as reservation:
            try:
                response = await self._inner.handle_async_request(request)
            except httpx.ConnectError:
                reservation.used = 0
                raise
            await response.aread()
            reservation.used = _generated(response) if response.is_success else 0
        with suppress(ValueError):  # a header that is no number teaches nothing
            self._pacer.learn(float(response.headers.get(_LIMIT_HEADER, "nan")))
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _generated(response: httpx.Response) -> int | None:
    """How many tokens an answer says it has; None where it does not, and all that were reserved count."""
    try:
        tokens = json.loads(response.content)["usage"]["completion_tokens"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return tokens if type(tokens) is int and tokens >= 0 else None


def _proxy(base: str) -> str | None:
    """The proxy of the environment for `base`; none for this machine. httpx reads it only for its own transports."""
    parts = urllib.parse.urlsplit(base)
    proxies = urllib.request.getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or Account(base).loopback or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return found if "://" in found else f"http://{found}"
