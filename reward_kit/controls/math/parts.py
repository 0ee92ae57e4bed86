"""Wrong answers that leave every number as it is: an item fewer, two exchanged, a bracket turned, another unit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from reward_kit.controls.math.latex import enclosed, spelt, split, tokens
from reward_kit.controls.math.numbers import read_number
from reward_kit.controls.math.units import other_unit

_COMMA = frozenset([","])
#: What follows a comma within one number, 10,\!080, which is no list.
_GROUP = re.compile(r"(?:\\!)?\s*\d{3}")
_TURNED = {"(": "[", "[": "(", ")": "]", "]": ")"}


def rearranged(gold: str) -> Iterator[tuple[str, str]]:
    """(operator, text) of wrong answers: proposals, which count only once they are proved different."""
    number = read_number(gold)
    if number is None:
        yield from _of_items(gold)
        yield from _with_a_bracket_turned(gold)
    elif number.after and (unit := other_unit(number.after)) is not None:
        before, _, after = gold.rpartition(number.after)
        yield "other_unit", f"{before}{unit}{after}"


def _of_items(gold: str) -> Iterator[tuple[str, str]]:
    """A list or a set without one of its items, the last one first; a tuple with two of its items exchanged."""
    brackets = enclosed(tokens(gold))
    opening, inner, closing = _opened(gold) if brackets else ("", gold, "")
    items = ["".join(piece.parts).strip() for piece in split(spelt(inner), _COMMA)]
    if len(items) == 1 or (brackets is None and all(map(_GROUP.fullmatch, items[1:]))):
        return
    if brackets in (None, ("\\{", "\\}")):
        for place in reversed(range(len(items))):
            yield "dropped_item", f"{opening}{', '.join(items[:place] + items[place + 1 :])}{closing}"
    elif brackets == ("(", ")") and "\\infty" not in gold:
        for one, other in combinations(range(len(items)), 2):
            swapped = list(items)
            swapped[one], swapped[other] = items[other], items[one]
            yield "swapped_items", f"{opening}{', '.join(swapped)}{closing}"


def _opened(text: str) -> tuple[str, str, str]:
    r"""A text in brackets as its opening bracket, `\left` with it, what stands inside, and the closing one."""
    parts = spelt(text.strip())
    first = 2 if parts[0] == "\\left" else 1
    last = -2 if parts[-2] == "\\right" else -1
    return "".join(parts[:first]), "".join(parts[first:last]), "".join(parts[last:])


def _with_a_bracket_turned(gold: str) -> Iterator[tuple[str, str]]:
    """An interval with one end open that was closed, or closed that was open, each end in its turn."""
    parts, depth = spelt(gold), 0
    for place, part in enumerate(parts):
        depth -= part in (")", "]", "}", "\\}")
        if depth == 0 and part in _TURNED:
            yield "flipped_bracket", "".join([*parts[:place], _TURNED[part], *parts[place + 1 :]])
        depth += part in ("(", "[", "{", "\\{")
