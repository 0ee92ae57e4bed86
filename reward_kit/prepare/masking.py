"""Masking: likely secrets and e-mail addresses leave a row before anyone reads it, and are counted.

A placeholder says what kind of secret stood there and nothing else: it has no number and no memory, so that the same
row gives the same bytes whichever rows came before it, and a run that was killed can go on in the middle. What a
placeholder replaces cannot be had back from it.

This finds what looks like a secret. It is no proof that there is none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reward_kit.detectors import DETECTORS, is_secret_named
from reward_kit.models import Row

#: Each hint with the place of its detector: looking for all of them costs less than one expression.
_HINTS = tuple((hint, place) for place, detector in enumerate(DETECTORS) for hint in detector.hints)
#: A key is longer; what is shorter needs a sign beside it (@, =, :) to be a secret, and is then no identifier.
_LONGEST_NAME = 19
_LITERAL = re.compile(r'"((?:[^"\\]++|\\.)*+)"(?=(?P<colon>\s*+:)?)', re.DOTALL)


def mask(row: Row) -> tuple[Row, Counter[str]]:
    """The row with likely secrets and e-mail addresses masked, and how many of which kind there were.

    Every string of the messages and of the columns is read: contents and their parts, arguments of tool calls, tool
    definitions, feedback; keys of objects too. A string that holds JSON still holds JSON, with nothing changed but
    the strings that held a secret. The ground truth is left as it is: a value that grades must never be changed.

    Returns:
        the row, and counts by kind: `email`, `aws-key`, `jwt`, ...; see `reward_kit.detectors.DETECTORS`.
    """
    counts: Counter[str] = Counter()
    messages = tuple(_object(message, counts) for message in row.messages)
    return replace(row, messages=messages, columns=_object(row.columns, counts)), counts


def mask_text(text: str, counts: Counter[str], name: str = "") -> str:
    """One text without its secrets.

    Args:
        text: any text, or JSON, which stays JSON.
        counts: is raised by what was masked.
        name: the field that the text is the value of: what is called a password is one, whatever it looks like.
    """
    if name and is_secret_named(name, text):
        counts["assigned"] += 1
        return _placeholder("assigned")
    if len(text) <= _LONGEST_NAME and text.isidentifier():
        return text
    lowered = text.lower()
    places = [place for hint, place in _HINTS if hint in lowered]
    if not places and "\\" not in text:
        return text  # JSON can hide a hint behind an escape, nothing else can
    if _is_json(text):
        return _json_text(text, counts)
    for detector in (DETECTORS[place] for place in sorted(set(places))):
        text, count = detector.replace(text, _placeholder(detector.kind))
        if count:
            counts[detector.kind] += count
    return text


def _placeholder(kind: str) -> str:
    return "<email>" if kind == "email" else f"<secret:{kind}>"


def _value(value: Any, counts: Counter[str], name: str) -> Any:
    if isinstance(value, str):
        return mask_text(value, counts, name)
    if isinstance(value, Mapping):
        return _object(value, counts)
    if isinstance(value, list):
        return [_value(part, counts, name) for part in value]
    return value


def _object(value: Mapping[str, Any], counts: Counter[str]) -> dict[str, Any]:
    masked: dict[str, Any] = {}
    taken: dict[str, int] = {}
    for name, part in value.items():
        masked[_unique(mask_text(name, counts), taken)] = _value(part, counts, name)
    return masked


def _unique(name: str, taken: dict[str, int]) -> str:
    """The name, numbered where it is taken: two addresses that name fields of one object stay two fields."""
    number, unique = taken.get(name, 0), name
    while unique in taken:
        number += 1
        unique = f"{name}-{number + 1}"
    taken[name] = number
    taken.setdefault(unique, 0)
    return unique


def _is_json(text: str) -> bool:
    """Whether a text is a JSON object or array, as the arguments of a tool call and most tools' outputs are."""
    inner = text.strip()
    if not inner or inner[0] + inner[-1] not in ("{}", "[]"):
        return False
    try:
        json.loads(inner)
    except (ValueError, RecursionError):
        return False
    return True


def _json_text(text: str, counts: Counter[str]) -> str:
    """JSON text with its string literals masked; every other character stays, numbers and blanks included."""
    parts: list[str] = []
    end, name = 0, ""
    taken = {literal[1]: 0 for literal in _LITERAL.finditer(text) if literal[1].startswith("<")}
    for literal in _LITERAL.finditer(text):
        held, is_name = json.loads(literal[0]), literal["colon"] is not None
        masked = mask_text(held, counts, "" if is_name else name)
        if is_name and masked != held:
            masked = _unique(masked, taken)
        written = literal[0] if masked == held else json.dumps(masked, ensure_ascii=literal[0].isascii())
        parts += [text[end : literal.start()], written]
        end, name = literal.end(), held if is_name else name  # what stands in a list has the name of the list
    return "".join(parts) + text[end:]
