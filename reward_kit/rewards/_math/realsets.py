"""Sets of real numbers as unions of intervals: conversion, intersection, union in a canonical form."""

from __future__ import annotations

from fractions import Fraction

from reward_kit.rewards._math.answers import Answer, Bracketed, Interval, Quantity, RealSet
from reward_kit.rewards._math.exact import rational
from reward_kit.rewards._math.expression import INFINITY, Expr, is_infinite, neg

_FAR = Fraction(10) ** 5_000


def as_real_set(answer: Answer) -> RealSet | None:
    """The answer as a set of reals, where it is one or can be read as one: (1, 2) is an interval too."""
    if isinstance(answer, RealSet):
        return answer
    if not isinstance(answer, Bracketed) or len(answer.items) != 2:
        return None
    low, high = answer.items
    if not isinstance(low, Quantity) or not isinstance(high, Quantity) or answer.opening not in ("(", "["):
        return None
    low_open, high_open = answer.opening == "(", answer.closing == ")"
    bottom, top = _value(low.expr), _value(high.expr)
    if bottom is not None and top is not None and (bottom > top or (bottom == top and (low_open or high_open))):
        return None  # (3, -4) is a point, not an empty interval
    return RealSet((Interval(low.expr, high.expr, low_open, high_open),))


def is_possible(interval: Interval) -> bool:
    """False for an interval whose infinite end is closed, which no set of reals has."""
    low, high = is_infinite(interval.low), is_infinite(interval.high)
    return not ((low and not interval.low_open) or (high and not interval.high_open) or low > 0 or high < 0)


def intersection(left: RealSet, right: RealSet) -> RealSet | None:
    """The intersection, where all ends compare exactly; None where they do not."""
    parts = []
    for a in left.parts:
        for b in right.parts:
            low = _chosen(a.low, a.low_open, b.low, b.low_open, upper=False)
            high = _chosen(a.high, a.high_open, b.high, b.high_open, upper=True)
            if low is None or high is None:
                return None
            piece = Interval(low[0], high[0], low[1], high[1])
            empty = _is_empty(piece)
            if empty is None:
                return None
            if not empty:
                parts.append(piece)
    return RealSet(tuple(parts), left.variable or right.variable)


def complement(interval: Interval) -> RealSet:
    """The real numbers outside of an interval."""
    below = Interval(neg(INFINITY), interval.low, True, not interval.low_open)
    above = Interval(interval.high, INFINITY, not interval.high_open, True)
    return RealSet((() if is_infinite(interval.low) else (below,)) + (() if is_infinite(interval.high) else (above,)))


def _chosen(a: Expr, a_open: bool, b: Expr, b_open: bool, *, upper: bool) -> tuple[Expr, bool] | None:
    """The tighter of two ends."""
    infinite = 1 if upper else -1
    if is_infinite(a) == infinite:
        return b, b_open
    if is_infinite(b) == infinite:
        return a, a_open
    x, y = rational(a), rational(b)
    if x is None or y is None:
        return (a, a_open or b_open) if a == b else None
    if x == y:
        return a, a_open or b_open
    return (a, a_open) if (x < y) == upper else (b, b_open)


def _is_empty(interval: Interval) -> bool | None:
    low, high = _value(interval.low), _value(interval.high)
    if low is None or high is None:
        return None if not (is_infinite(interval.low) or is_infinite(interval.high)) else False
    return low > high or (low == high and (interval.low_open or interval.high_open))


def _value(expr: Expr) -> Fraction | None:
    return _FAR * is_infinite(expr) if is_infinite(expr) else rational(expr)


def canonical(real_set: RealSet) -> RealSet:
    """Parts in order, overlapping and touching ones merged, where all ends are rational; else unchanged."""
    keyed = []
    for part in real_set.parts:
        low, high = _value(part.low), _value(part.high)
        if low is None or high is None:
            return real_set
        if low < high or (low == high and not part.low_open and not part.high_open):
            keyed.append(((low, part.low_open), (high, not part.high_open), part))
    keyed.sort(key=lambda entry: (entry[0], entry[1]))
    merged: list[Interval] = []
    end: tuple[Fraction, bool] | None = None
    for low_key, high_key, part in keyed:
        touches = end is not None and (low_key[0] < end[0] or (low_key[0] == end[0] and (end[1] or not low_key[1])))
        if touches and end is not None:
            if high_key > end:
                merged[-1] = Interval(merged[-1].low, part.high, merged[-1].low_open, part.high_open)
                end = high_key
        else:
            merged.append(part)
            end = high_key
    return RealSet(tuple(merged), real_set.variable)
