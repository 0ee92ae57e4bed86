r"""Finds `\boxed{...}` and `\fbox{...}`, with balanced braces, in one linear pass."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reward_kit.rewards._math.hedges import may_be_hedge
from reward_kit.rewards._math.surroundings import may_be_example
from reward_kit.rewards._math.visible import may_think

_MARKER = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s{0,20}")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# `\boxed 42`: TeX would take one token, people mean the number or word that follows.
_BARE = re.compile(r"[^\s${}\\.,;]{1,80}")

# What may follow a box and says nothing.
_NOTHING = " \n\t$.*)]\\"
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
    closing = _closing_braces(text, markers[0].end())
    boxes: list[Box] = []
    for marker in markers:
        if boxes and marker.start() < boxes[-1].end:
            continue
        box = _box_at(text, marker, closing)
        if box is not None:
            boxes.append(box)
    return boxes


def plain_box(text: str) -> str | None:
    """The content of the only box where that is plain text at the end of the response, with nothing to weigh.

    The fast path of most responses. Every other one (several boxes, braces inside, words behind, a negation
    or an "or" before, thinking tags) takes the full way, which gives the same answer for these.
    """
    start = text.rfind("\\boxed{")
    if start < 0 or may_think(text) or text.rfind("box", 0, start) >= 0:
        return None
    close = _first_balanced(text, start + 6)
    if close < 0 or close + 16 < len(text) or text[close + 1 :].strip(_NOTHING):
        return None
    content = text[start + 7 : close].strip()
    if "\\{" in content or "\\}" in content:
        return None
    before = text[max(0, start - 64) : start]
    return content if content and before[-1:] != "-" and not _may_weigh(before.lower()) else None


def _first_balanced(text: str, opening: int) -> int:
    """The brace that closes the one at `opening`, for the few braces of a usual answer; else -1."""
    close = text.find("}", opening)
    for _ in range(12):
        if close < 0 or text.count("{", opening, close) == text.count("}", opening, close) + 1:
            return close
        close = text.find("}", close + 1)
    return -1


def _may_weigh(before: str) -> bool:
    """True where what stands before the box (in lower case) may negate it, offer a choice or make it a part."""
    near = before.rstrip(" $\n\t")
    if near.endswith(("\\(", "\\[")):
        near = near[:-2].rstrip()
    last = near[-1:]
    if not (last.isalpha() or last in "=:.*") or (last == "." and near == before) or "\\" in near[near.rfind(" ") + 1 :]:
        return True
    return may_be_example(before) or may_be_hedge(before)


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
        if (
            len(inner) != 1
            or inner[0].content is None
            or len(content.strip()) != inner[0].end - inner[0].start
        ):
            break
        content = inner[0].content
    return content
