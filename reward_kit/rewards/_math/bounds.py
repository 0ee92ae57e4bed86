"""Bounds of a number from float interval arithmetic: most wrong answers are told apart without the worker.

Every operation widens its result by a few units in the last place, so that the true value lies between the bounds (IEEE
754 doubles; the C library's functions err by less than that). It can only prove that numbers differ.
"""

from __future__ import annotations

import math

from reward_kit.rewards._math.expression import Expr

# Four units in the last place; glibc's exp, log, pow, sin and cos stay below one.
_WIDEN = 4 * 2.0**-52
_TINY = 1e-300
_Range = tuple[float, float]
_CONSTANTS = {"pi": math.pi, "e": math.e, "degree": math.pi / 180}


def proven_different(left: Expr, right: Expr) -> bool:
    """True where the bounds of the two numbers do not overlap."""
    a, b = bounds(left), bounds(right)
    return a is not None and b is not None and (a[1] < b[0] or b[1] < a[0])


def bounds(expr: Expr) -> _Range | None:
    """Lower and upper bound; None where the expression has variables, leaves the reals or the range of floats."""
    try:
        result = _bounds(expr)
    except (OverflowError, ValueError, ZeroDivisionError):
        return None
    return result if result is not None and math.isfinite(result[0]) and math.isfinite(result[1]) else None


def _bounds(expr: Expr) -> _Range | None:
    if expr.op == "num":
        return _around(float(expr.number))
    if expr.op == "const":
        value = _CONSTANTS.get(expr.name)
        return None if value is None else _around(value)
    operation = _OPERATIONS.get(expr.op)
    if operation is None:
        return None
    ranges = [_bounds(operand) for operand in expr.args]
    known = [each for each in ranges if each is not None]
    return operation(known) if len(known) == len(ranges) else None


def _around(low: float, high: float | None = None) -> _Range:
    high = low if high is None else high
    return low - abs(low) * _WIDEN - _TINY, high + abs(high) * _WIDEN + _TINY


def _add(ranges: list[_Range]) -> _Range:
    total = (0.0, 0.0)
    for low, high in ranges:
        total = _around(total[0] + low, total[1] + high)
    return total


def _multiply(ranges: list[_Range]) -> _Range:
    product = ranges[0]
    for other in ranges[1:]:
        corners = [a * b for a in product for b in other]
        product = _around(min(corners), max(corners))
    return product


def _divide(ranges: list[_Range]) -> _Range | None:
    low, high = ranges[1]
    if low <= 0 <= high:
        return None
    return _multiply([ranges[0], _around(1 / high, 1 / low)])


def _power(ranges: list[_Range]) -> _Range | None:
    (low, high), exponent = ranges
    if low <= 0:
        return None
    corners = [base**power for base in (low, high) for power in exponent]
    return _around(min(corners), max(corners))


def _root(ranges: list[_Range]) -> _Range | None:
    inverse = _divide([(1.0, 1.0), ranges[1]])
    return None if inverse is None else _power([ranges[0], inverse])


def _logarithm(ranges: list[_Range]) -> _Range | None:
    low, high = ranges[0]
    return _around(math.log(low), math.log(high)) if low > 0 else None


def _based_logarithm(ranges: list[_Range]) -> _Range | None:
    above, below = _logarithm(ranges[:1]), _logarithm(ranges[1:])
    return None if above is None or below is None else _divide([above, below])


_OPERATIONS = {
    "add": _add,
    "mul": _multiply,
    "div": _divide,
    "pow": _power,
    "root": _root,
    "ln": _logarithm,
    "log": _based_logarithm,
}
