"""The cassette file: JSON lines that can be reviewed, in an order that does not depend on who answered first.

    {"rewardkit_cassette": 1, "suite": "math", "step": "regenerate"}
    {"part": "<sha256 of text>", "text": "..."}
    {"row_ids": [...], "attempt": 0, "request": {...}, "response": {...}, "recorded": {...}, "sha256": "..."}

A large text that several requests share stands once, as a part; requests name it as {"$part": "<sha256>"}. The last
key of an interaction is the digest of all that stands before it in the line, so that no edited line is replayed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reward_kit.cassettes.errors import CassetteError, CassetteFileError
from reward_kit.cassettes.interaction import (
    BASE64_BODY,
    JSON_BODY,
    TEXT_BODY,
    Interaction,
    Provenance,
    RecordedRequest,
    RecordedResponse,
    canonical,
    compact,
    stored_body,
)
from reward_kit.errors import Defect
from reward_kit.fireworks.shapes import Source
from reward_kit.jsonl import MAX_LINE_BYTES, dump_line, loads

VERSION = 1
HEADER = "rewardkit_cassette"
PART = "$part"
#: Characters. A shorter text costs less where it stands than a reader's way to its part.
PART_LENGTH = 2048
_DIGEST = re.compile(rb', "sha256": "([0-9a-f]{64})"\}\Z')
_RECORD_ANEW = "Record it anew: reward-kit record SUITE --step STEP"


@dataclass(frozen=True, slots=True)
class CassetteFile:
    """What a cassette file says; `lines` are the line numbers of the interactions (1-based)."""

    suite: str
    step: str
    interactions: tuple[Interaction, ...]
    lines: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()


def cassette_lines(suite: str, step: str, interactions: Iterable[Interaction]) -> list[str]:
    """The file's lines without newlines: the same interactions give the same bytes."""
    ordered = sorted(interactions, key=lambda interaction: interaction.order)
    parts = _shared_texts(ordered)
    lines = [dump_line({HEADER: VERSION, "suite": suite, "step": step})]
    lines += [dump_line({"part": digest, "text": text}) for text, digest in sorted(parts.items(), key=_digest)]
    for interaction in ordered:
        lines.append(interaction_line(interaction, parts))
    return lines


def refuse_oversized(interaction: Interaction) -> None:
    """Refuse what could be written and not be read again.

    Raises:
        CassetteError: where the interaction's line would be longer than a line may be.
    """
    line = interaction_line(interaction, {})
    if len(line) * 4 > MAX_LINE_BYTES and len(line.encode()) > MAX_LINE_BYTES:
        size = f"longer than the {MAX_LINE_BYTES >> 20} MB that a line may have"
        raise CassetteError(f"the exchange is {size}. Send fewer rows at once")


def interaction_line(interaction: Interaction, parts: Mapping[str, str]) -> str:
    """One interaction as its line; `parts` are the texts that stand by themselves, with their digests."""
    request, response, came = interaction.request, interaction.response, interaction.provenance
    asked: dict[str, Any] = {"method": request.method, "path": request.path}
    if request.query:
        asked["query"] = [list(pair) for pair in request.query]
    body = stored_body(request.body)
    if parts and JSON_BODY in body:
        body = {JSON_BODY: _with_parts(body[JSON_BODY], parts)}
    recorded: dict[str, Any] = {"source": came.source, "host": came.host, "at": came.recorded_at}
    recorded |= {"recorder": came.recorder, "retries": came.retries}
    recorded |= {"scrubbed": came.scrubbed} if came.scrubbed else {}
    recorded |= {"note": came.note} if came.note else {}
    line = dump_line(
        {
            "row_ids": list(came.row_ids),
            "attempt": came.attempt,
            "request": asked | body,
            "response": {"status": response.status, "headers": dict(response.headers)} | stored_body(response.body),
            "recorded": recorded,
        }
    )[:-1]
    return f'{line}, "sha256": "{hashlib.sha256(line.encode()).hexdigest()}"}}'


def read_cassette(path: Path) -> CassetteFile:
    """Read a whole cassette.

    Raises:
        CassetteFileError: naming every defect with its line; there is no partial result.
    """
    return _Reader(path).read()


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.defects: list[Defect] = []
        self.parts: dict[str, str] = {}
        self.places: dict[tuple[object, ...], int] = {}

    def read(self) -> CassetteFile:
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise CassetteFileError(
                [Defect(self.path, 0, f"cannot be read ({error.strerror})", _RECORD_ANEW)]
            ) from None
        texts = content.split(b"\n")
        if texts[-1] == b"":
            texts.pop()
        else:
            self.blame(len(texts), "has no end: the file was cut off", _RECORD_ANEW)
        suite, step = self.header(texts[0] if texts else b"")
        found = list(self.interactions(texts))
        if self.defects:
            raise CassetteFileError(sorted(self.defects, key=lambda defect: defect.line))
        lines, interactions = tuple(number for number, _ in found), tuple(interaction for _, interaction in found)
        return CassetteFile(suite, step, interactions, lines, tuple(self.parts))

    def blame(self, line: int, problem: str, remedy: str) -> None:
        self.defects.append(Defect(self.path, line, problem, remedy))

    def header(self, text: bytes) -> tuple[str, str]:
        """Suite and step. Of another version nothing else can be said, so that this one ends the reading."""
        value = self.parsed(1, text)
        version = value.get(HEADER) if value is not None else None
        if value is not None and version == VERSION and set(value) == {HEADER, "suite", "step"}:
            return str(value["suite"]), str(value["step"])
        if not self.defects or value is not None:
            problem = "is not the first line of a cassette"
            if type(version) is int and version != VERSION:
                problem = f"is a cassette of version {version}, and this program reads version {VERSION}"
            newer = type(version) is int and version > VERSION
            self.blame(1, problem, "Update pytest-rewardkit" if newer else _RECORD_ANEW)
        raise CassetteFileError(self.defects)

    def interactions(self, texts: Sequence[bytes]) -> Iterator[tuple[int, Interaction]]:
        for number, text in enumerate(texts[1:], start=2):
            if text.startswith(b'{"part": '):
                self.part(number, text)
            elif (value := self.signed(number, text)) is not None:
                try:
                    interaction = self.interaction(value)
                except _MissingPart as error:
                    problem = f"names the part {error}, which is not in the file"
                    self.blame(number, problem, "Restore the line of the part, or record the step anew")
                except (KeyError, TypeError, ValueError, AttributeError):
                    self.blame(number, "is not an interaction of this version", _RECORD_ANEW)
                else:
                    first = self.places.setdefault(interaction.order, number)
                    if first != number:
                        self.blame(number, f"is line {first} again", "Delete one of the two lines")
                    yield number, interaction

    def part(self, number: int, text: bytes) -> None:
        value = self.parsed(number, text)
        if value is None:
            return
        if set(value) != {"part", "text"} or not isinstance(value["text"], str):
            self.blame(number, "is not a part", _RECORD_ANEW)
        elif _sha256(value["text"]) != value["part"]:
            self.blame(number, "is a part whose text was changed: its digest does not fit", _RECORD_ANEW)
        else:
            self.parts[value["part"]] = value["text"]

    def signed(self, number: int, text: bytes) -> dict[str, Any] | None:
        """The object of an interaction's line, where the line is as it was written."""
        found = _DIGEST.search(text[-80:])
        if found and hashlib.sha256(text[: -len(found[0])]).hexdigest().encode() == found[1]:
            return self.parsed(number, text, json.loads)  # what was signed was strict JSON when it was written
        if self.parsed(number, text) is not None:
            remedy = "Undo the edit, or record the row anew: reward-kit record SUITE --step STEP --rk-ids ROW"
            self.blame(number, "was changed after it was recorded: its digest does not fit", remedy)
        return None

    def parsed(self, number: int, text: bytes, loads: Callable[[str], Any] = loads) -> dict[str, Any] | None:
        try:
            value = loads(text.rstrip(b"\r").decode("utf-8"))
        except ValueError as error:
            said = error.msg if isinstance(error, json.JSONDecodeError) else "not UTF-8"
            said = said if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
            self.blame(number, f"is not JSON ({said})" if text.strip() else "is blank", _RECORD_ANEW)
            return None
        if not isinstance(value, dict):
            self.blame(number, "is not a JSON object", _RECORD_ANEW)
            return None
        return value

    def interaction(self, value: Mapping[str, Any]) -> Interaction:
        asked, answered, recorded = value["request"], value["response"], value["recorded"]
        query = tuple((str(name), str(text)) for name, text in asked.get("query", ()))
        request = RecordedRequest(asked["method"], asked["path"], query, self.request_body(asked))
        headers = {str(name): str(text) for name, text in answered["headers"].items()}
        if type(answered["status"]) is not int or type(value["attempt"]) is not int:
            raise TypeError("a status and an attempt are whole numbers")
        provenance = Provenance(
            row_ids=tuple(map(str, value["row_ids"])),
            attempt=value["attempt"],
            source=Source(recorded["source"]),
            host=recorded["host"],
            recorded_at=recorded["at"],
            recorder=recorded["recorder"],
            retries=int(recorded["retries"]),
            scrubbed=int(recorded.get("scrubbed", 0)),
            note=str(recorded.get("note", "")),
        )
        body = compact(answered[JSON_BODY]) if JSON_BODY in answered else _other_body(answered)
        return Interaction(request, RecordedResponse(answered["status"], headers, body), provenance)

    def request_body(self, asked: Mapping[str, Any]) -> bytes:
        return canonical(self.whole(asked[JSON_BODY])) if JSON_BODY in asked else _other_body(asked)

    def whole(self, value: Any) -> Any:
        """A JSON value with its parts in their places."""
        if isinstance(value, dict):
            if value.keys() == {PART}:
                if value[PART] not in self.parts:
                    raise _MissingPart(str(value[PART])[:12])
                return self.parts[value[PART]]
            return {name: self.whole(part) for name, part in value.items()}
        return [self.whole(part) for part in value] if isinstance(value, list) else value


def _other_body(stored: Mapping[str, Any]) -> bytes:
    if TEXT_BODY in stored:
        return str(stored[TEXT_BODY]).encode()
    return base64.b64decode(stored.get(BASE64_BODY, ""), validate=True)


class _MissingPart(Exception):  # noqa: N818  # it never leaves this module
    pass


def _shared_texts(interactions: Iterable[Interaction]) -> dict[str, str]:
    """Large texts of requests that stand once in the file, with their digests.

    Responses have no parts: whether one answer is like another must not change the lines of both.
    """
    seen: Counter[str] = Counter()
    files: set[str] = set()
    for interaction in interactions:
        if len(interaction.request.body) >= PART_LENGTH and JSON_BODY in (
            body := stored_body(interaction.request.body)
        ):
            texts = set(_large_texts(body[JSON_BODY]))
            seen.update(text for text, _ in texts)
            files.update(text for text, is_file in texts if is_file)
    return {text: _sha256(text) for text, count in seen.items() if count > 1 or text in files}


def _large_texts(value: Any, is_file: bool = False) -> Iterator[tuple[str, bool]]:
    """Each large text in a JSON value, and whether it is a file of an evaluator."""
    if isinstance(value, str):
        if len(value) >= PART_LENGTH:
            yield value, is_file
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _large_texts(part, is_file or name == "fileContents")
    elif isinstance(value, list):
        for part in value:
            yield from _large_texts(part, is_file)


def _with_parts(value: Any, parts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return {PART: parts[value]} if value in parts else value
    if isinstance(value, dict):
        return {name: _with_parts(part, parts) for name, part in value.items()}
    return [_with_parts(part, parts) for part in value] if isinstance(value, list) else value


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(item: tuple[str, str]) -> str:
    return item[1]
