"""Points at which two functions are compared: many sizes, both signs, beyond every number that occurs in them."""

from __future__ import annotations

import hashlib
import random
from fractions import Fraction

from reward_kit.rewards._math.expression import Expr, contains

# A function in pieces differs only beyond its breakpoints: |x - 10| is 10 - x for small x.
_SCALES = (1, 3, 0.3, 12, 0.05, 60, 2, 700, 0.6, 20_000)
_WHOLE = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 17, 30, 31, 64, 101, 200, 1_001)
_LARGE_COUNTS = frozenset((9_973, 99_991, 1_000_003, 123_456_789))
_STEP_COUNTS = (-7, -3, -2, -1, 0, 1, 2, 3, 5, 12)
_STEPPED = ("floor", "ceil", "mod")
_MOST_STEPS = 10**12
_ATTEMPTS = 40
_MOST_NUMERALS = 8


def real_points(left: Expr, right: Expr, names: list[str]) -> list[dict[str, Fraction]]:
    """Rational points; the seed comes from the two expressions, so that a verdict never varies."""
    source = _source(left, right)
    points = []
    for attempt in range(_ATTEMPTS):
        point = {}
        for place, name in enumerate(names):
            scale = _SCALES[(attempt + 3 * place) % len(_SCALES)]
            value = Fraction(source.randint(10**6, 3 * 10**6), 10**6 + source.randint(0, 999))
            value *= Fraction(scale).limit_denominator(100)
            negative = (attempt // len(_SCALES) + (attempt >> place)) % 2 and attempt
            point[name] = -value if negative else value
        points.append(point)
    for size in sorted(_numerals(left) | _numerals(right))[-_MOST_NUMERALS:]:
        points.extend(
            {name: size * Fraction(factor, 100) + place for place, name in enumerate(names)}
            for factor in (137, -137, 73, -73)
        )
    # Inverse functions live between -1 and 1.
    points.extend(
        {name: Fraction(2 * k + 1, 49 + 2 * place) * (-1 if k % 5 == 4 else 1) for place, name in enumerate(names)}
        for k in range(24)
    )
    return points


def whole_points(left: Expr, right: Expr, names: list[str], whole: frozenset[str]) -> list[dict[str, Fraction]]:
    """The same with whole numbers, in every parity, for the variables that stand for them."""
    reals = real_points(left, right, names)
    points = _steps(left, right, names, whole, reals[0]) if contains(Expr("add", (left, right)), *_STEPPED) else []
    for attempt, point in enumerate(reals[: len(_WHOLE)]):
        counts = {
            name: Fraction(_WHOLE[(attempt + 5 * place) % len(_WHOLE)])
            for place, name in enumerate(names)
            if name[0] in whole
        }
        points.append({**point, **counts})
    return points


def step_points(left: Expr, right: Expr, names: list[str]) -> list[dict[str, Fraction]]:
    """Points where a rounded linear form jumps: multiples of the numbers that occur, and of their inverses."""
    sizes = sorted(_constants(left) | _constants(right))[:_MOST_NUMERALS]
    widths = {Fraction(1), *sizes, *(1 / size for size in sizes), *(1 / (a * b) for a in sizes for b in sizes)}
    values = sorted({count * width for width in widths for count in _STEP_COUNTS})
    return [{name: value + place for place, name in enumerate(names)} for value in values]


def _constants(expr: Expr) -> set[Fraction]:
    if expr.op == "num":
        return {abs(expr.number)} if 0 < abs(expr.number) < _MOST_STEPS else set()
    found: set[Fraction] = set()
    for operand in expr.args:
        found |= _constants(operand)
    return found


def _steps(
    left: Expr, right: Expr, names: list[str], whole: frozenset[str], point: dict[str, Fraction]
) -> list[dict[str, Fraction]]:
    """Whole numbers at and beside the multiples of every number that occurs.

    n/49 and n/50 rounded down differ in few small places.
    """
    sizes = sorted(_numerals(left) | _numerals(right))[-_MOST_NUMERALS:]
    counts = {factor * int(size) + shift for size in sizes for factor in (1, 2, 7) for shift in (-1, 0, 1)}
    return [
        {**point, **{name: Fraction(count + 5 * place) for place, name in enumerate(names) if name[0] in whole}}
        for count in sorted({count for count in counts if count < _MOST_STEPS} | _LARGE_COUNTS)
    ]


def _source(left: Expr, right: Expr) -> random.Random:
    return random.Random(hashlib.sha256("\n".join(sorted((repr(left), repr(right)))).encode()).digest())


def _numerals(expr: Expr) -> set[Fraction]:
    """The sizes of the numbers in an expression that lie beyond the usual scales."""
    if expr.op == "num":
        return {abs(expr.number)} if 3 < abs(expr.number) < 10**40 else set()
    found: set[Fraction] = set()
    for operand in expr.args:
        found |= _numerals(operand)
    return found
