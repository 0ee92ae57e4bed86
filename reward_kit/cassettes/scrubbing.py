"""Secrets leave an exchange before anything of it is stored, compared or shown.

Three kinds: the secrets in use, wherever they stand; what looks like a key; the values of fields and query parameters
whose names say so. What a model wrote is read with care: an answer that says `password = "hunter22"` is an answer,
and changing it would change its grade, so that of responses' texts only what has the form of a provider's key or of
an authorization goes. The caller gets the scrubbed response while recording too: a recorded verdict and a replayed
one cannot differ.

The placeholder is not the one that `reward_kit.prepare.masking` puts into datasets: a scrubbed answer must never
equal a masked gold.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from reward_kit.cassettes.interaction import RecordedRequest, RecordedResponse, canonical, compact, strict_json
from reward_kit.detectors import DETECTORS, is_secret_named

PLACEHOLDER = "[scrubbed]"
#: Everything else that a server sends stays out of the file.
ALLOWED_HEADERS = re.compile(
    r"content-type|x-request-id|fireworks-(?!.*key)[a-z-]+|x-ratelimit-limit-[a-z-]+|x-rewardkit-[a-z-]+"
)
#: A shorter key is a word of a test ("none", "EMPTY"): replaced everywhere, it would tear texts apart.
_SHORTEST_SECRET = 8
#: Whose values are secrets whatever they look like, in a query and in a JSON body.
_SECRET_FIELD = re.compile(
    r"(?:x[-_])?(?:api|access|auth|account|secret)[-_]?(?:key|token)|(?:client[-_]?)?secret|authorization|bearer"
    r"|(?:refresh|id|session)[-_]token|token|key|sig(?:nature)?|passw(?:or)?d|credentials?",
    re.IGNORECASE,
)
#: Fields of a body are called `key` and `token` for other reasons too; there the value must look like a secret.
_AMBIGUOUS_FIELD = re.compile(r"token|key|sig(?:nature)?|secret|credentials?|bearer", re.IGNORECASE)
_IN_REQUESTS = tuple(detector for detector in DETECTORS if detector.kind != "email")
_IN_RESPONSES = tuple(detector for detector in _IN_REQUESTS if detector.kind != "assigned")
_ACCOUNT = re.compile(r"(?<=/accounts/)[^/:]+")


class Scrubber:
    """Takes secrets out of requests and responses; it learns the key in use from each request's headers.

    Args:
        secrets: further values that must not be stored; FIREWORKS_API_KEY's is one of them by itself.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._spellings: dict[str, None] = {}
        for secret in (*secrets, os.environ.get("FIREWORKS_API_KEY", "")):
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """From now on this value is a secret, in each spelling that a JSON text or a URL has for it."""
        if len(secret := secret.strip()) >= _SHORTEST_SECRET:
            for spelling in (
                secret,
                json.dumps(secret)[1:-1],
                secret.replace("/", "\\/"),
                quote(secret, safe=""),
                quote_plus(secret),
            ):
                self._spellings[spelling] = None

    def learn_from(self, headers: Mapping[str, str], query: Iterable[tuple[str, str]] = ()) -> None:
        """Learn the credentials that a request is sent with."""
        for name, value in query:
            if _SECRET_FIELD.fullmatch(name):
                self.learn(value)
        for name, value in headers.items():
            if name.lower().endswith("authorization"):
                self.learn(value)
                self.learn(value.partition(" ")[2])
            elif _SECRET_FIELD.fullmatch(name) or name.lower() == "cookie":
                self.learn(value)

    def request(self, method: str, path: str, query: Iterable[tuple[str, str]], body: bytes) -> RecordedRequest:
        """A request as it is stored and matched: no secrets, no account, canonical."""
        pairs = tuple((self._text(name, _IN_REQUESTS), self._parameter(name, value)) for name, value in query)
        path = _ACCOUNT.sub("-", self._text(path, _IN_RESPONSES))
        return RecordedRequest(method, path, pairs, self._body(body, _IN_REQUESTS, canonical)[0])

    def response(self, status: int, headers: Mapping[str, str], body: bytes) -> tuple[RecordedResponse, int]:
        """A response as it is stored and replayed, and how many secrets were taken out of its body."""
        kept = {name.lower(): value for name, value in headers.items() if ALLOWED_HEADERS.fullmatch(name.lower())}
        kept = {name: self._text(kept[name], _IN_RESPONSES) for name in sorted(kept)}
        content, count = self._body(body, _IN_RESPONSES, compact)
        return RecordedResponse(status, kept, content), count

    def text(self, text: str) -> str:
        """Any text for people, without what must not be shown."""
        return self._text(text, _IN_REQUESTS)

    def leaks(self, text: str) -> bool:
        """Whether a secret in use stands in a text."""
        return any(spelling in text for spelling in self._spellings)

    def findings(self, body: bytes) -> int:
        """How many secrets a stored body still seems to hold."""
        return self._body(body, _IN_RESPONSES, compact)[1]

    def _parameter(self, name: str, value: str) -> str:
        return PLACEHOLDER if _SECRET_FIELD.fullmatch(name) else self._text(value, _IN_REQUESTS)

    def _body(self, body: bytes, detectors: Any, dumped: Any) -> tuple[bytes, int]:
        try:
            value = strict_json(body)
        except ValueError:
            counted = _Counted(self, detectors)
            # Byte for byte: a body that is no text comes out as it went in, but for the secrets in it.
            text = counted.text(body.decode("utf-8", "surrogateescape"))
            return text.encode("utf-8", "surrogateescape"), counted.count
        counted = _Counted(self, detectors)
        return dumped(counted.value(value)), counted.count

    def _text(self, text: str, detectors: Any) -> str:
        return _Counted(self, detectors).text(text)


class _Counted:
    """One value's scrubbing, with a count."""

    def __init__(self, scrubber: Scrubber, detectors: Any) -> None:
        self.spellings, self.detectors, self.count = tuple(scrubber._spellings), detectors, 0

    def text(self, text: str) -> str:
        for spelling in self.spellings:
            if spelling in text:
                self.count += text.count(spelling)
                text = text.replace(spelling, PLACEHOLDER)
        lowered = text.lower()
        for detector in self.detectors:
            if any(hint in lowered for hint in detector.hints):
                text, count = detector.replace(text, PLACEHOLDER)
                self.count += count
        return text

    def value(self, value: Any, name: str = "") -> Any:
        if isinstance(value, str):
            if value != PLACEHOLDER and name and _is_secret(name, value):
                self.count += 1
                return PLACEHOLDER
            return self.text(value)
        if isinstance(value, dict):
            return self.fields(value)
        return [self.value(part, name) for part in value] if isinstance(value, list) else value

    def fields(self, value: dict[str, Any]) -> dict[str, Any]:
        """An object scrubbed; two secrets that name fields of it stay two fields."""
        scrubbed: dict[str, Any] = {}
        for name, part in value.items():
            unique = self.text(name)
            while unique in scrubbed:
                unique += "'"
            scrubbed[unique] = self.value(part, name)
        return scrubbed


def _is_secret(name: str, value: str) -> bool:
    if is_secret_named(name, value):
        return True
    named = _SECRET_FIELD.fullmatch(name) is not None and not _AMBIGUOUS_FIELD.fullmatch(name)
    return (
        named and len(value) >= _SHORTEST_SECRET and not any(sign.isspace() for sign in value.removeprefix("Bearer "))
    )
