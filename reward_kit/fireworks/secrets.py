"""Keys that do not show: in no repr, no message, no log record."""

from __future__ import annotations

import logging
import re

MASK = "***"
#: Loggers of the HTTP stack. At DEBUG httpcore writes out the headers of responses, and a server may echo a key in one.
_LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
#: What looks like a key even where the key is not known: bearer tokens, and keys by their vendors' prefixes.
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{6,}")
_PREFIXED = re.compile(r"\b(?:fw|sk|hf|pk)[_-][\w-]{8,}")
#: What a header can carry and a key is made of: visible ASCII. https://www.rfc-editor.org/rfc/rfc9110#section-5.5
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class Key:
    """An API key. Only `reveal` gives it back, for the one header it is sent in; it is neither shown nor pickled.

    Raises:
        ValueError: where the text holds what no header can carry; the message does not show the text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not _VISIBLE.fullmatch(text := text.strip()):
            raise ValueError("an API key is one word of visible ASCII characters")
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Key({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __reduce__(self) -> str:
        raise TypeError("an API key is not pickled: resolve the account in the process that needs it")

    def __copy__(self) -> Key:
        return self

    def __deepcopy__(self, memo: object) -> Key:
        return self


def scrub(text: str, key: Key | None = None) -> str:
    """`text` without the key, and without anything that looks like one."""
    if key is not None:
        text = text.replace(key.reveal(), MASK)
    return _PREFIXED.sub(MASK, _BEARER.sub(rf"\1\2{MASK}", text))


class LogScrubber(logging.Filter):
    """Takes a key out of what the HTTP libraries log, from `install` to `remove`."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (scrubbed := scrub(message, self._key)) != message:
            record.msg, record.args = scrubbed, None
        return True

    def install(self) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def remove(self) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self)
