"""The fast path of extraction: the shapes that most responses have, with nothing around them to weigh.

Every other response takes the full way in finals.py, which gives the same answer for these.
"""

from __future__ import annotations

import re

from reward_kit.rewards._math.boxes import find_boxes
from reward_kit.rewards._math.hedges import alternative_before, given_together, is_negated, may_lead_from_hedge
from reward_kit.rewards._math.surroundings import BEFORE, is_example, may_be_example
from reward_kit.rewards._math.visible import may_think

# Braces in a box, at most two deep. A brace ends each run of other signs, so that a failed match takes linear time too.
_BALANCED = re.compile(r"[^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*")
# `\boxed 42` stands for a box too; this far before another one it cannot belong to it.
_BARE_BOX = 200
# What may follow a box and says nothing.
_NOTHING = " \n\t$.*)]\\"
# Units in words behind a box: they make no number another one, and are read where the gold is more than a number.
_LENGTHS = ("feet", "meters", "inches", "yards", "miles", "units", "centimeters", "kilometers")
UNIT_WORDS = frozenset(
    (
        *_LENGTHS,
        *(f"{power} {length}" for power in ("square", "cubic") for length in _LENGTHS),
        *("gallons", "liters", "dollars", "cents", "degrees", "seconds", "minutes", "hours", "days", "weeks", "years"),
        *("pounds", "ounces", "grams", "kilograms", "miles per hour", "points", "people", "students"),
    )
)


def quick_answer(text: str, lenient: bool) -> str | None:
    """The answer of a response of a usual shape, else None.

    That is the content of the last box where it stands at the end of the response with nothing to weigh: no other box
    beside it, no words behind, no negation and no "or" before, no thinking tags.
    """
    start = text.rfind("\\boxed{")
    if start < 0:
        return _plain_line(text) if lenient and "box" not in text else None
    close = text.rfind("}")
    content, behind = text[start + 7 : close].strip(), text[close + 1 :].strip(_NOTHING)
    if not content or "?" in content or (behind and behind not in UNIT_WORDS) or may_think(text):
        return None
    if ("{" in content or "}" in content) and not _is_plain_group(content):
        return None
    before = text[start - BEFORE if start > BEFORE else 0 : start].lower()
    word = _word_before(before)
    if word is None or _joins_another(text, start, before):
        return None
    # What makes an example stands on the last line; a line's end may close that.
    if may_be_example(before[before.rfind("\n", 0, -1) + 1 :]) and is_example(text[max(0, start - BEFORE) : start]):
        return None
    hedged = may_lead_from_hedge(word, before) and (
        is_negated(text, start, close + 1) or alternative_before(text, start) is not None
    )
    return None if hedged else content


def stands_alone(text: str) -> bool:
    """False where the words behind the last box of a quick answer may be its unit."""
    return "\\boxed" not in text or text.rstrip(_NOTHING).endswith("}")


def _plain_line(text: str) -> str | None:
    """The number on a last line `A: 42`, where no declared format occurs."""
    place = text.rfind("\nA: ")
    answer = text[place + 4 :].strip()
    if place < 0 or not answer.isdigit() or "nswer" in text or "####" in text or may_think(text) or not text.isascii():
        return None
    return None if "NSWER" in text else answer


def _is_plain_group(content: str) -> bool:
    return "\\{" not in content and "\\}" not in content and _BALANCED.fullmatch(content) is not None


def _joins_another(text: str, start: int, before: str) -> bool:
    """True where an earlier box and the one at `start` are given as one answer."""
    # Where no brace ends in the text before, no box with braces does.
    reach = 0 if "}" in before else max(0, start - _BARE_BOX)
    if text.rfind("box", reach, start) < 0:
        return False
    earlier = find_boxes(text[:start])
    return bool(earlier) and given_together(text, earlier[-1], start)


def _word_before(before: str) -> str | None:
    """The last word before the box; None where the box may be a part of something larger."""
    near = before.rstrip(" $\n\t")
    if near.endswith(("\\(", "\\[")):
        near = near[:-2].rstrip()
    word = near.rpartition(" ")[2]
    if word.isalpha():
        return word
    last = near[-1:]
    worded = last.isalpha() or last in "=:.*"
    return None if not worded or (last == "." and near == before) or "\\" in word else word
