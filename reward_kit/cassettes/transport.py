"""The cassette as an httpx transport: replay in front of the real one, which it alone decides to use.

Nothing is patched. In replay there is no transport behind it at all: what has no connection needs no block.
"""

from __future__ import annotations

import httpx

from reward_kit.cassettes.cassette import Cassette, Mode, now, recorder
from reward_kit.cassettes.interaction import (
    Interaction,
    Provenance,
    RecordedRequest,
    RecordedResponse,
    strict_json,
)
from reward_kit.errors import RewardKitError
from reward_kit.fireworks.shapes import READ, RETRIES, SOURCE, STAND_IN_HEADER, Source, Tag

#: Whether a response was given just now (False) or comes from the cassette (True).
REPLAYED = "rewardkit.replayed"
#: What a server wants noted beside its answer.
NOTE_HEADER = "x-rewardkit-note"


class CassetteTransport(httpx.AsyncBaseTransport):
    """Answers from a cassette, and records into it where its mode says so.

    Requests carry a `Tag` in `extensions[Tag.KEY]`. While recording, the answer that is returned is the one that was
    stored, so that the run that records and those that replay see the same bytes.

    Args:
        cassette: an open cassette; its mode decides.
        inner: the transport that sends; not needed for mode `none`, where it is never used.
    """

    def __init__(self, cassette: Cassette, inner: httpx.AsyncBaseTransport | None = None) -> None:
        if inner is None and cassette.mode is not Mode.NONE:
            raise ValueError(f"mode {cassette.mode} records, and needs a transport that sends")
        self._cassette = cassette
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Replay, or send and record.

        Raises:
            CassetteMissError: where there is no answer and none may be recorded.
            Exception: whatever the transport behind raises; nothing is then recorded.
        """
        tag = request.extensions.get(Tag.KEY) or Tag(())
        asked = self._asked(request, await request.aread())
        played = self._cassette.play(asked, tag)
        if played is not None:
            return _response(played, replayed=True)
        if self._inner is None or not self._cassette.records(tag):
            raise self._cassette.miss(asked, tag)
        try:
            with self._cassette.recording(asked, tag) as filed:
                response = await _whole(await self._inner.handle_async_request(request))
                return self._recorded(request, response, asked, filed)
        except _NotKept as passed_on:
            return passed_on.response

    async def aclose(self) -> None:
        """Close the transport behind; the cassette is its opener's to close."""
        if self._inner is not None:
            await self._inner.aclose()

    def _asked(self, request: httpx.Request, body: bytes) -> RecordedRequest:
        query = request.url.params.multi_items()
        self._cassette.scrubber.learn_from(request.headers, query)
        return self._cassette.scrubber.request(request.method, request.url.path, query, body)

    def _recorded(
        self, request: httpx.Request, response: httpx.Response, asked: RecordedRequest, tag: Tag
    ) -> httpx.Response:
        scrubber = self._cassette.scrubber
        scrubbed, count = scrubber.response(response.status_code, response.headers, response.content)
        if problem := _not_worth_keeping(request, response):
            raise _NotKept(problem, _failed(response, scrubbed))
        provenance = Provenance(
            row_ids=tag.row_ids,
            attempt=tag.attempt,
            source=Source.of_header(response.headers.get(STAND_IN_HEADER)),
            host=scrubber.text(request.url.netloc.decode("ascii")),
            recorded_at=now(),
            recorder=recorder(),
            retries=int(response.extensions.get(RETRIES, 0)),
            scrubbed=count,
            note=scrubber.text(response.headers.get(NOTE_HEADER, "")),
        )
        return _response(self._cassette.record(asked, scrubbed, provenance), replayed=False)


class _NotKept(Exception):  # noqa: N818  # it never leaves this module
    """A response that is passed on and not stored."""

    def __init__(self, problem: str, response: httpx.Response) -> None:
        self.response = response
        super().__init__(problem)


async def _whole(response: httpx.Response) -> httpx.Response:
    """The response with its body read and decoded."""
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


def _not_worth_keeping(request: httpx.Request, response: httpx.Response) -> str:
    """Why a response is not stored: a recorded failure could only be replayed as one, and is no answer."""
    if not response.is_success:
        return f"HTTP {response.status_code}"
    if "json" in response.headers.get("content-type", ""):
        try:
            strict_json(response.content)
        except ValueError:
            return f"HTTP {response.status_code} with a body that is not JSON"
    try:
        if read := request.extensions.get(READ):
            read(response)
    except RewardKitError as error:
        return str(error)
    return ""


def _failed(response: httpx.Response, scrubbed: RecordedResponse) -> httpx.Response:
    """A response that is passed on and not stored: with all its headers, and its body without secrets."""
    gone = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in gone]
    return httpx.Response(
        response.status_code, headers=headers, content=scrubbed.body, extensions=dict(response.extensions)
    )


def _response(interaction: Interaction, replayed: bool) -> httpx.Response:
    answered, came = interaction.response, interaction.provenance
    extensions = {RETRIES: came.retries, SOURCE: came.source, REPLAYED: replayed}
    return httpx.Response(answered.status, headers=dict(answered.headers), content=answered.body, extensions=extensions)
