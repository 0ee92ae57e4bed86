"""Chat completions, evaluator previews and evaluators, as async calls with typed answers.

Endpoints: https://docs.fireworks.ai/api-reference; those of evaluators as reward-kit 0.4.1 uses them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx

from reward_kit.fireworks.account import NAME, Account
from reward_kit.fireworks.errors import (
    Call,
    ConnectionFailedError,
    FireworksError,
    RequestError,
    RequestTimeoutError,
    ResponseError,
    status_error,
)
from reward_kit.fireworks.pacer import TokenPacer
from reward_kit.fireworks.progress import Progress, Tally
from reward_kit.fireworks.responses import Body, call_of, quotable, read_completion, read_preview, server_message
from reward_kit.fireworks.retries import ANSWERS, RetryPolicy
from reward_kit.fireworks.shapes import READ, ChatRequest, Completion, Evaluator, Preview, Samples, Tag
from reward_kit.fireworks.transport import MAX_TOKENS, PacedTransport, live_transport
from reward_kit.jsonl import compact_json

#: Seconds to connect: a server that is there answers sooner.
_CONNECT = 15.0


class FireworksClient:
    """A client of one account; `async with` closes its connections. It belongs to one event loop.

    Args:
        account: whose calls these are. In replay its key may be None.
        transport: what sends; by default the network, with retries. It is closed with the client. A cassette around
            the network is `CassetteTransport(..., live_transport(account))`.
        concurrency: calls under way at once.
        timeout: seconds for one attempt of a call.
        pacer: limits generated tokens; by default by the account's limit, and not to servers on this machine.
        progress: told after each call.

    Raises:
        NoKeyError: without a transport, where the server is not on this machine and there is no key.
    """

    def __init__(
        self,
        account: Account,
        transport: httpx.AsyncBaseTransport | None = None,
        concurrency: int = 10,
        timeout: float = 180.0,
        pacer: TokenPacer | None = None,
        progress: Progress | None = None,
    ) -> None:
        if concurrency < 1 or timeout <= 0:
            raise ValueError(f"concurrency {concurrency} and timeout {timeout} must be above 0")
        if transport is None:
            transport = live_transport(account, RetryPolicy(timeout=timeout), pacer)
        elif pacer is not None:
            transport = PacedTransport(transport, pacer)
        self.account = account
        self._tally = Tally(progress)
        self._slots = asyncio.Semaphore(concurrency)
        limits = httpx.Timeout(timeout, connect=min(_CONNECT, timeout), pool=None)
        headers = {"accept": "application/json", "user-agent": "pytest-rewardkit"}
        self._http = httpx.AsyncClient(transport=transport, timeout=limits, headers=headers, trust_env=False)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def expect(self, rows: int) -> None:
        """Tell the progress that so many more rows will be asked for."""
        self._tally.expect(rows)

    async def chat(self, request: ChatRequest, tag: Tag) -> Completion:
        """One chat completion.

        Raises:
            FireworksError: one of its subclasses, for everything that keeps an answer from coming.
        """
        body = request.body
        call = Call(f"POST {self.account.chat_url}")
        if body.get("n", 1) != 1 or body.get("stream"):
            raise call.error(RequestError, "one whole answer is read per request", "Leave the options n and stream out")
        used = (0, 0)
        try:
            read = partial(read_completion, call, asked_for=request.model)
            extensions = {MAX_TOKENS: _most_tokens(body), READ: read}
            call, response = await self._send("POST", self.account.chat_url, body, tag, extensions, request.model)
            completion = read_completion(call, response, request.model)
            used = (completion.prompt_tokens or 0, completion.completion_tokens or 0)
            return completion
        finally:
            self._tally.add(len(tag.row_ids), *used)

    async def preview(self, evaluator: Evaluator, samples: Samples, tag: Tag) -> Preview:
        """What an evaluator, run by the server, says of each sample.

        Args:
            evaluator: the packaged reward.
            samples: rows with a response, as the evaluator's `evaluate` takes them.
            tag: which rows they are.

        Raises:
            CountMismatchError: where not every sample has its result.
            FireworksError: one of its subclasses, for everything else that keeps results from coming.
        """
        url = f"{self.account.evaluators_url}:previewEvaluator"
        if not samples:
            raise Call(f"POST {url}").error(RequestError, "there are no samples to preview", "Give at least one")
        body = {
            "evaluator": evaluator_body(evaluator, "Preview Evaluator"),
            "sampleData": [_json(sample, "a sample") for sample in samples],
            "maxSamples": len(samples),
        }
        try:
            read = partial(read_preview, Call(f"POST {url}"), samples=len(samples))
            call, response = await self._send("POST", url, body, tag, {READ: read})
            return read_preview(call, response, len(samples))
        finally:
            self._tally.add(len(tag.row_ids))

    async def create_evaluator(self, evaluator: Evaluator, evaluator_id: str, force: bool = False) -> Mapping[str, Any]:
        """Create an evaluator; with `force` one of that name is deleted first, as reward-kit does.

        Returns:
            The evaluator as the server describes it.

        Raises:
            RequestError: where there is one of that name and `force` is not set.
            FireworksError: one of its subclasses, for everything else that keeps it from being created.
        """
        url = self._evaluator_url(evaluator_id)
        if force and await self._exists(url):
            await self._send("DELETE", url, None)
        body = {"evaluator": evaluator_body(evaluator), "evaluatorId": evaluator_id}
        call, response = await self._send(
            "POST", self.account.evaluators_url, body, extensions={ANSWERS: frozenset({409})}
        )
        return Body.of(call, response).fields

    async def update_evaluator(self, evaluator: Evaluator, evaluator_id: str) -> Mapping[str, Any]:
        """Replace an evaluator that exists, in one call.

        Raises:
            NotFoundError: where there is none of that name.
            FireworksError: one of its subclasses, for everything else that keeps it from being replaced.
        """
        call, response = await self._send("PATCH", self._evaluator_url(evaluator_id), evaluator_body(evaluator))
        return Body.of(call, response).fields

    def _evaluator_url(self, evaluator_id: str) -> str:
        if not NAME.fullmatch(evaluator_id):
            raise RequestError(f"the evaluator id {evaluator_id!r} is none: letters, digits, - and _ only. Correct it")
        return f"{self.account.evaluators_url}/{evaluator_id}"

    async def _exists(self, url: str) -> bool:
        _, response = await self._send("GET", url, None, accepted=frozenset({404}))
        return response.status_code != 404

    async def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        tag: Tag | None = None,
        extensions: Mapping[str, Any] | None = None,
        model: str | None = None,
        accepted: frozenset[int] = frozenset(),
    ) -> tuple[Call, httpx.Response]:
        """The answer to a call: a 2xx, or one of the `accepted` statuses."""
        content = None if body is None else _json(body, "the request").encode()
        request = self._http.build_request(
            method,
            url,
            content=content,
            headers={"content-type": "application/json"} if content else {},
            extensions={Tag.KEY: tag, **(extensions or {})} if tag else extensions and dict(extensions),
        )
        async with self._slots:
            self._tally.start()
            outcome = await self._outcome(request)
        if not isinstance(outcome, httpx.Response):
            raise outcome
        call = call_of(request, self.account.key, outcome)
        if outcome.is_success or outcome.status_code in accepted:
            return call, outcome
        raise status_error(call, server_message(outcome, self.account.key), model)

    async def _outcome(self, request: httpx.Request) -> httpx.Response | FireworksError:
        """An answer, or the error for its absence; made without the original, whose frames hold headers."""
        try:
            return await self._http.send(request)
        except httpx.RequestError as error:
            return self._broken(request, error)

    def _broken(self, request: httpx.Request, error: httpx.RequestError) -> FireworksError:
        call, said = call_of(request, self.account.key), quotable(str(error), self.account.key) or type(error).__name__
        host = request.url.netloc.decode("ascii")
        if isinstance(error, httpx.TimeoutException):
            remedy = "Allow more time, ask for fewer tokens, or lower concurrency"
            return call.error(RequestTimeoutError, f"timed out: {said}", remedy)
        if isinstance(error, httpx.DecodingError):
            return call.error(ResponseError, f"the body cannot be decompressed: {said}", "Try again")
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
            return call.error(RequestError, f"the request cannot be sent: {said}", "Correct what is named")
        if isinstance(error, httpx.ConnectError):
            remedy = (
                f"Check that {host} can be reached and that FIREWORKS_API_BASE is right; start a local server first"
            )
            return call.error(ConnectionFailedError, f"no connection: {said}", remedy)
        return call.error(ConnectionFailedError, f"the connection broke: {said}", f"Check {host} and try again")


def evaluator_body(evaluator: Evaluator, display_name: str | None = None) -> dict[str, Any]:
    """An evaluator in the API's form: one criterion that holds the files, all metrics reported.

    Args:
        evaluator: the packaged reward.
        display_name: what the API shows instead of the evaluator's name.
    """
    description = evaluator.description or evaluator.name
    criterion = {
        "type": "CODE_SNIPPETS",
        "name": evaluator.name,
        "description": description,
        "codeSnippets": {"language": "python", "fileContents": dict(evaluator.files)},
    }
    return {
        "displayName": display_name or evaluator.name,
        "description": display_name or description,
        "multiMetrics": True,
        "criteria": [criterion],
        "requirements": "\n".join(evaluator.requirements),
        "rollupSettings": {"skipRollup": True},
    }


def _most_tokens(body: Mapping[str, Any]) -> int:
    """How many tokens an answer may have at most."""
    limits = [body[name] for name in ("max_tokens", "max_completion_tokens") if type(body.get(name)) is int]
    return max(limits, default=0)


def _json(value: object, what: str) -> str:
    try:
        text = compact_json(value)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"{what} cannot be written as JSON: {error}. Correct the value") from error
    return text
