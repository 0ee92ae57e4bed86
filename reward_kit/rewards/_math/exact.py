"""The exact layer: expressions that are rational numbers, as Fractions, within a budget of bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from reward_kit.rewards._math.expression import Expr

# Beyond this size an operation is no longer a matter of microseconds; the worker takes over.
_MOST_BITS = 20_000
_LARGEST_FACTORIAL = 500


def rational(expr: Expr) -> Fraction | None:
    """The value where the expression is built from rational numbers alone and stays small, else None.

    A division by zero gives None: an expression without value equals nothing.
    """
    if expr.op == "num":
        return expr.number
    if expr.op not in _OPERATIONS:
        return None
    values = []
    for operand in expr.args:
        value = rational(operand)
        if value is None or value.numerator.bit_length() + value.denominator.bit_length() > _MOST_BITS:
            return None
        values.append(value)
    return _OPERATIONS[expr.op](values)


def divides_by_zero(expr: Expr) -> bool:
    """True where a denominator is exactly zero, so that the expression has no value."""
    if expr.op == "div" and rational(expr.args[1]) == 0:
        return True
    return any(divides_by_zero(operand) for operand in expr.args)


def _sum(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0))


def _product(values: list[Fraction]) -> Fraction:
    return math.prod(values, start=Fraction(1))


def _quotient(values: list[Fraction]) -> Fraction | None:
    return values[0] / values[1] if values[1] else None


def _power(values: list[Fraction]) -> Fraction | None:
    base, exponent = values
    if exponent.denominator != 1:
        return None
    if base == 0:
        return Fraction(0) if exponent > 0 else None
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and abs(exponent) * size > _MOST_BITS:
        return None
    return base ** int(exponent % 2 if abs(base) == 1 else exponent)


def _root(values: list[Fraction]) -> Fraction | None:
    radicand, degree = values
    if degree.denominator != 1 or not 2 <= degree <= 50:
        return None
    if radicand < 0:
        return None if degree % 2 == 0 else _negative(_root([-radicand, degree]))
    above, below = (
        _integer_root(radicand.numerator, int(degree)),
        _integer_root(radicand.denominator, int(degree)),
    )
    return None if above is None or below is None else Fraction(above, below)


def _negative(value: Fraction | None) -> Fraction | None:
    return None if value is None else -value


def _integer_root(value: int, degree: int) -> int | None:
    if degree == 2:
        root = math.isqrt(value)
    else:
        root = 1 << -(-value.bit_length() // degree)
        while True:  # Newton's method from above
            step = ((degree - 1) * root + value // root ** (degree - 1)) // degree
            if step >= root:
                break
            root = step
    return root if root**degree == value else None


def _factorial(values: list[Fraction]) -> Fraction | None:
    value = values[0]
    if value.denominator != 1 or not 0 <= value <= _LARGEST_FACTORIAL:
        return None
    return Fraction(math.factorial(int(value)))


def _double_factorial(values: list[Fraction]) -> Fraction | None:
    value = values[0]
    if value.denominator != 1 or not 0 <= value <= _LARGEST_FACTORIAL:
        return None
    return Fraction(math.prod(range(int(value), 0, -2)))


def _binomial(values: list[Fraction]) -> Fraction | None:
    above, below = values
    if above.denominator != 1 or below.denominator != 1 or not (0 <= above <= 2_000 and below >= 0):
        return None
    return Fraction(math.comb(int(above), int(below)))


def _modulo(values: list[Fraction]) -> Fraction | None:
    return values[0] % values[1] if values[1] else None


_OPERATIONS: dict[str, Callable[[list[Fraction]], Fraction | None]] = {
    "add": _sum,
    "mul": _product,
    "div": _quotient,
    "pow": _power,
    "root": _root,
    "fact": _factorial,
    "dfact": _double_factorial,
    "binom": _binomial,
    "abs": lambda values: abs(values[0]),
    "floor": lambda values: Fraction(math.floor(values[0])),
    "ceil": lambda values: Fraction(math.ceil(values[0])),
    "max": max,
    "min": min,
    "mod": _modulo,
    "gcd": lambda values: _whole(math.gcd, values),
    "lcm": lambda values: _whole(math.lcm, values),
}


def _whole(function: Callable[..., int], values: list[Fraction]) -> Fraction | None:
    if any(value.denominator != 1 for value in values):
        return None
    return Fraction(function(*(int(value) for value in values)))
