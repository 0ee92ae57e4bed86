"""The fast path of extraction: the shapes that most responses have, with nothing around them to weigh.

Every other response takes the full way in finals.py, which gives the same answer for these.
"""

# Tables and expressions read better in one line.

from __future__ import annotations

import re

from reward_kit.rewards._math.boxes import find_boxes
from reward_kit.rewards._math.hedges import alternative_before, is_joint, is_negated, may_be_hedge
from reward_kit.rewards._math.surroundings import BEFORE, is_example, may_be_example
from reward_kit.rewards._math.visible import may_think

# A box with braces at most two deep, near the end. A brace ends each run of other signs, so that a failed match
# takes linear time too.
_LAST_BOX = re.compile(r"\\boxed\{([^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*)\}([^{}]{0,39})\Z")
# What may follow a box and says nothing.
_NOTHING = " \n\t$.*)]\\"
# Units in words behind a box: no other reader takes them for a part of the answer either.
_LENGTHS = ("feet", "meters", "inches", "yards", "miles", "units", "centimeters", "kilometers")
_UNIT_WORDS = frozenset(
    (
        *_LENGTHS,
        *(f"{power} {length}" for power in ("square", "cubic") for length in _LENGTHS),
        *("gallons", "liters", "dollars", "cents", "degrees", "seconds", "minutes", "hours", "days", "weeks", "years"),
        *("pounds", "ounces", "grams", "kilograms", "miles per hour", "points", "people", "students"),
    )
)


def quick_answer(text: str, lenient: bool) -> str | None:
    """The answer of a response of a usual shape, else None."""
    last = text.rfind("box")
    if last >= 0:
        return _plain_box(text, last - 1)
    return _plain_line(text) if lenient else None


def _plain_line(text: str) -> str | None:
    """The number on a last line `A: 42`, where no declared format occurs."""
    place = text.rfind("\nA: ")
    answer = text[place + 4 :].strip()
    if place < 0 or not answer.isdigit() or "nswer" in text or "####" in text or may_think(text) or not text.isascii():
        return None
    return None if "NSWER" in text else answer


def _plain_box(text: str, start: int) -> str | None:
    """The content of the last box where that is plain text at the end of the response, with nothing to weigh.

    The fast path of most responses. Every other one (boxes side by side, words behind, a negation or an "or"
    before, thinking tags) takes the full way, which gives the same answer for these.
    """
    box = _LAST_BOX.match(text, start) if start >= 0 else None
    if box is None or may_think(text) or _joins_another(text, start):
        return None
    content, behind = box.groups()
    content, behind = content.strip(), behind.strip(_NOTHING)
    if not content or "\\{" in content or "\\}" in content or (behind and behind not in _UNIT_WORDS):
        return None
    before = text[max(0, start - BEFORE) : start]
    if _may_be_part(before):
        return None
    lowered = before.lower()
    if may_be_example(lowered) and is_example(before):
        return None
    hedged = may_be_hedge(lowered) and (
        is_negated(text, start, box.end(1) + 1) or alternative_before(text, start) is not None
    )
    return None if hedged else content


def _joins_another(text: str, start: int) -> bool:
    """True where an earlier box and the one at `start` are given as one answer."""
    if text.find("box", 0, start) < 0:
        return False
    earlier = find_boxes(text[:start])
    return bool(earlier) and is_joint(text[earlier[-1].end : start])


def _may_be_part(before: str) -> bool:
    """True where what stands right before the box may make it a part of something larger."""
    near = before.rstrip(" $\n\t")
    if near.endswith(("\\(", "\\[")):
        near = near[:-2].rstrip()
    last = near[-1:]
    worded = last.isalpha() or last in "=:.*"
    return not worded or (last == "." and near == before) or "\\" in near[near.rfind(" ") + 1 :]
