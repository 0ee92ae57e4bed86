"""The fast path of extraction: the shapes that most responses have, with nothing around them to weigh.

Every other response takes the full way in finals.py, which gives the same answer for these.
"""

# Tables and expressions read better in one line.

from __future__ import annotations

from reward_kit.rewards._math.hedges import alternative_before, is_negated, may_be_hedge
from reward_kit.rewards._math.surroundings import BEFORE, is_example, may_be_example
from reward_kit.rewards._math.visible import may_think

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
    first = text.find("box")
    if first >= 0:
        return _plain_box(text, first - 1)
    return _plain_line(text) if lenient else None


def _plain_line(text: str) -> str | None:
    """The number on a last line `A: 42`, where no declared format occurs."""
    place = text.rfind("\nA: ")
    answer = text[place + 4 :].strip()
    if place < 0 or not answer.isdigit() or "nswer" in text or "####" in text or may_think(text) or not text.isascii():
        return None
    return None if "NSWER" in text else answer


def _plain_box(text: str, start: int) -> str | None:
    """The content of the only box where that is plain text at the end of the response, with nothing to weigh.

    The fast path of most responses. Every other one (several boxes, braces inside, words behind, a negation
    or an "or" before, thinking tags) takes the full way, which gives the same answer for these.
    """
    if not text.startswith("\\boxed{", start) or text.find("box", start + 7) >= 0 or may_think(text):
        return None
    close = _first_balanced(text, start + 6)
    if close < 0 or close + 40 < len(text):
        return None
    behind = text[close + 1 :].strip(_NOTHING)
    if behind and behind not in _UNIT_WORDS:
        return None
    content = text[start + 7 : close].strip()
    if "\\{" in content or "\\}" in content:
        return None
    before = text[max(0, start - BEFORE) : start]
    lowered = before.lower()
    if not content or before[-1:] == "-" or _may_be_part(before):
        return None
    if may_be_example(lowered) and is_example(before):
        return None
    hedged = may_be_hedge(lowered) and (
        is_negated(text, start, close + 1) or alternative_before(text, start) is not None
    )
    return None if hedged else content


def _first_balanced(text: str, opening: int) -> int:
    """The brace that closes the one at `opening`, for the few braces of a usual answer; else -1."""
    close = text.find("}", opening)
    for _ in range(12):
        if close < 0 or text.count("{", opening, close) == text.count("}", opening, close) + 1:
            return close
        close = text.find("}", close + 1)
    return -1


def _may_be_part(before: str) -> bool:
    """True where what stands right before the box may make it a part of something larger."""
    near = before.rstrip(" $\n\t")
    if near.endswith(("\\(", "\\[")):
        near = near[:-2].rstrip()
    last = near[-1:]
    worded = last.isalpha() or last in "=:.*"
    return not worded or (last == "." and near == before) or "\\" in near[near.rfind(" ") + 1 :]
