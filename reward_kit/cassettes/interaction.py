"""One recorded exchange as a value: what was asked, what came back, and where that is from."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from reward_kit.fireworks.shapes import Source
from reward_kit.jsonl import MAX_DEPTH, canonical_json, compact_json, loads

#: What a body is called in a file: JSON wherever it is JSON, so that a diff can be read.
JSON_BODY, TEXT_BODY, BASE64_BODY = "body", "text", "base64"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an interaction comes from.

    Attributes:
        row_ids: the rows that the request was for, in their order.
        attempt: which request of the same kind for these rows it was, from 0.
        source: who answered.
        host: host and port of the server; None where that is not known.
        recorded_at: UTC, ISO 8601; None where that is not known.
        recorder: the program that wrote it, with its version.
        retries: how many responses came before the one that was kept.
        scrubbed: how many secrets were taken out of the response.
        note: what else a reader must know.
    """

    row_ids: tuple[str, ...]
    attempt: int
    source: Source
    host: str | None
    recorded_at: str | None
    recorder: str
    retries: int = 0
    scrubbed: int = 0
    note: str = ""


@dataclass(frozen=True)
class RecordedRequest:
    """A request without its secrets. `path` has no account in it and `body` is canonical JSON where it is JSON."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @cached_property
    def key(self) -> str:
        """What a request is matched by: method, path, sorted query and canonical body."""
        head = canonical([self.method, self.path, sorted(map(list, self.query))])
        return hashlib.sha256(head + b"\n" + self.body).hexdigest()

    @property
    def target(self) -> str:
        """Path and query, as a URL has them after its host."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """A response without its secrets and with the allowed headers only."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request, its response, and where they come from."""

    request: RecordedRequest
    response: RecordedResponse
    provenance: Provenance

    @property
    def slot(self) -> tuple[tuple[str, ...], int, str, str]:
        """What a new recording takes the place of: the same rows asked for the same thing."""
        return (self.provenance.row_ids, self.provenance.attempt, self.request.method, self.request.path)

    @property
    def order(self) -> tuple[tuple[str, ...], int, str, str, str]:
        """Its place in the file, whatever order the answers came in."""
        return (*self.slot, self.request.key)


def canonical(value: Any) -> bytes:
    """The body that a request is matched by, whatever the order of its keys."""
    return canonical_json(value).encode()


def compact(value: Any) -> bytes:
    """The body of a response, keys in their own order."""
    return compact_json(value).encode()


def strict_json(body: bytes) -> Any:
    """A body as a JSON value that can be written again without a change.

    Raises:
        ValueError: where it is not UTF-8, not JSON, or says something that JSON's readers disagree on (a key twice,
            NaN, half a surrogate pair).
    """
    return loads(body.decode("utf-8"))


def stored_body(body: bytes, depth: int = MAX_DEPTH - 10) -> dict[str, Any]:
    """A body as it stands in a file: under `body` as JSON, else under `text` or `base64`; nothing where it is empty."""
    if not body:
        return {}
    try:
        value = strict_json(body)
    except ValueError:
        value = None
    else:
        # A body that is too deep for a line, or uses the file's own word for a part, stays the text it was.
        if not (body.count(b"[") + body.count(b"{") > depth and _deep(value, depth)) and b'"$part"' not in body:
            return {JSON_BODY: value}
    try:
        return {TEXT_BODY: body.decode("utf-8")}
    except UnicodeDecodeError:
        return {BASE64_BODY: base64.b64encode(body).decode()}


def _deep(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [part for whole in layer for part in (whole.values() if isinstance(whole, dict) else whole)]
        layer = [part for part in layer if isinstance(part, dict | list)]
    return bool(layer)
