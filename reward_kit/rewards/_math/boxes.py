r"""Finds `\boxed{...}` and `\fbox{...}`, with balanced braces, in one linear pass."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKER = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s{0,20}")
# Most boxes hold a number; only the others need the braces of the whole text paired.
_PLAIN = re.compile(r"\{([^{}\\]{0,80})\}")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# `\boxed 42`: TeX would take one token, people mean the number or word that follows.
_BARE = re.compile(r"[^\s${}\\.,;]{1,80}")

# Nobody boxes a box more than twice; the bound keeps `unwrap` linear.
_DEEPEST_NEST = 10


@dataclass(frozen=True, slots=True)
class Box:
    """One box: `content` is None where its brace is never closed; `end` is the index behind the box."""

    start: int
    end: int
    content: str | None


def find_boxes(text: str) -> list[Box]:
    """Every outermost box in order; boxes nested in another are part of the outer one's content."""
    place = text.find("\\boxed")
    if "\\fbox" in text:
        place = text.find("\\fbox") if place < 0 else min(place, text.find("\\fbox"))
    if place < 0:
        return []
    markers = list(_MARKER.finditer(text, place))
    if not markers:
        return []
    closing: dict[int, int] | None = None
    boxes: list[Box] = []
    for marker in markers:
        if boxes and marker.start() < boxes[-1].end:
            continue
        plain = _PLAIN.match(text, marker.end())
        if plain is not None:
            boxes.append(Box(marker.start(), plain.end(), plain.group(1)))
            continue
        if closing is None:
            closing = _closing_braces(text, marker.end())
        box = _box_at(text, marker, closing)
        if box is not None:
            boxes.append(box)
    return boxes


def _box_at(text: str, marker: re.Match[str], closing: dict[int, int]) -> Box | None:
    opening = marker.end()
    if text.startswith("{", opening):
        close = closing.get(opening)
        if close is None:
            return Box(marker.start(), opening, None)
        return Box(marker.start(), close + 1, text[opening + 1 : close])
    bare = _BARE.match(text, opening)
    return Box(marker.start(), bare.end(), bare.group()) if bare else None


def _closing_braces(text: str, start: int) -> dict[int, int]:
    """The index of the closing brace for every closed opening brace from `start` on."""
    open_at: list[int] = []
    closing: dict[int, int] = {}
    for match in _BRACE.finditer(text, start):
        brace = match.group()
        if brace == "{":
            open_at.append(match.start())
        elif brace == "}" and open_at:
            closing[open_at.pop()] = match.start()
    return closing


def unwrap(content: str) -> str:
    r"""The innermost content where a box holds nothing but a box: `\boxed{\boxed{42}}` says 42."""
    for _ in range(_DEEPEST_NEST):
        if "\\boxed" not in content and "\\fbox" not in content:
            break
        inner = find_boxes(content)
        if len(inner) != 1 or inner[0].content is None or len(content.strip()) != inner[0].end - inner[0].start:
            break
        content = inner[0].content
    return content
