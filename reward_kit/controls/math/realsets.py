r"""Sets of real numbers, as intervals and `\{...\}` joined by `\cup`, told apart by a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reward_kit.controls.math.latex import enclosed, split, written
from reward_kit.controls.math.symbolic import less, points_between, value_of

_UNION, _COMMA = frozenset(["\\cup"]), frozenset([","])


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers between two ends, and those ends that are closed. Expressions that are one are surely equal."""

    low: Any
    high: Any
    low_closed: bool = True
    high_closed: bool = True

    def surely_has(self, point: Any) -> bool:
        above = less(self.low, point) or (self.low_closed and point == self.low)
        return above and (less(point, self.high) or (self.high_closed and point == self.high))

    def surely_lacks(self, point: Any) -> bool:
        below = less(point, self.low) or (not self.low_closed and point == self.low)
        return below or less(self.high, point) or (not self.high_closed and point == self.high)


RealSet = Sequence[Interval]


def read(parts: Sequence[str]) -> RealSet | None:
    """The set that tokens write, or None: `(a, b)` alone may be a point and is none; single numbers in it are ends."""
    pieces = split(parts, _UNION)
    found: list[Interval] = []
    for piece in pieces:
        brackets = enclosed(piece.parts)
        inner = [written(item.parts) for item in split(piece.parts[1:-1], _COMMA)] if brackets else []
        if brackets == ("\\{", "\\}") and len(pieces) > 1:
            found += [Interval(value_of(item), value_of(item)) for item in inner]
        elif brackets and brackets[0] in "([" and brackets[1] in ")]" and len(inner) == 2:
            if len(pieces) == 1 and brackets == ("(", ")") and "\\infty" not in piece.parts:
                return None
            found.append(Interval(value_of(inner[0]), value_of(inner[1]), brackets[0] == "[", brackets[1] == "]"))
        else:
            return None
    return found


def point_in_one_only(first: RealSet, second: RealSet) -> Any | None:
    """A number that surely belongs to one set and surely not to the other; None where none is found."""
    ends = [end for part in (*first, *second) for end in (part.low, part.high)]
    for point in (*points_between(ends), *(end for end in ends if end.is_real and end.is_finite)):
        for one, other in ((first, second), (second, first)):
            if any(part.surely_has(point) for part in one) and all(part.surely_lacks(point) for part in other):
                return point
    return None
