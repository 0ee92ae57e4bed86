"""Exact values of expressions at rational points with FLINT's rationals; part of the worker."""

# TooLarge and Undefined are signals between layers, no errors a user sees.
# ruff: noqa: N818

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from flint import fmpq, fmpz

from reward_kit.rewards._math.expression import Expr

# 4 million bits are half a megabyte a number: a few milliseconds an operation.
_MOST_BITS = 4_000_000
MOST_TERMS = 3_000


class TooLarge(Exception):
    """The expression is not rational by its form, or its exact value would be too large."""


class Undefined(Exception):
    """The expression has no value there."""


def exact_value(expr: Expr, point: Mapping[str, Fraction | fmpq]) -> fmpq:
    """The exact value at a point.

    Raises:
        TooLarge: where the expression is not rational by its form or too large.
        Undefined: where it has no value (division by zero).
    """
    if expr.op == "num":
        return fmpq(expr.number.numerator, expr.number.denominator)
    if expr.op == "sym":
        value = point[expr.name]
        return fmpq(value.numerator, value.denominator) if isinstance(value, Fraction) else value
    if expr.op in ("sum", "prod"):
        return _series(expr, point)
    if expr.op == "pow":
        return _power(exact_value(expr.args[0], point), exact_value(expr.args[1], point))
    operation = _OPERATIONS.get(expr.op)
    if operation is None:
        raise TooLarge
    return operation([exact_value(operand, point) for operand in expr.args])


def bits(value: fmpq) -> int:
    """The size of a rational."""
    return int(value.p.bit_length() + value.q.bit_length())


def _checked(value: fmpq) -> fmpq:
    if bits(value) > _MOST_BITS:
        raise TooLarge
    return value


def _add(values: list[fmpq]) -> fmpq:
    total = fmpq(0)
    for value in values:
        total += value
    return _checked(total)


def _multiply(values: list[fmpq]) -> fmpq:
    product = fmpq(1)
    for value in values:
        product = _checked(product * value)
    return product


def _divide(values: list[fmpq]) -> fmpq:
    if values[1] == 0:
        raise Undefined
    return _checked(values[0] / values[1])


def _power(base: fmpq, exponent: fmpq) -> fmpq:
    if exponent.q != 1:
        raise TooLarge
    if base == 0:
        if exponent <= 0:
            raise Undefined
        return fmpq(0)
    if base in (1, -1):
        return base if int(exponent.p) % 2 else fmpq(1)
    if abs(exponent.p) * bits(base) > _MOST_BITS:
        raise TooLarge
    return base ** int(exponent.p)


def _factorial(values: list[fmpq]) -> fmpq:
    value = values[0]
    if value.q != 1 or value > 20_000:
        raise TooLarge
    if value < 0:
        raise Undefined
    return fmpq(fmpz.fac_ui(value.p))


def _binomial(values: list[fmpq]) -> fmpq:
    above, below = values
    if below.q != 1 or not 0 <= below <= 2_000:
        raise TooLarge
    result = fmpq(1)
    for k in range(int(below.p)):
        result = _checked(result * (above - k) / (k + 1))
    return result


def _modulo(values: list[fmpq]) -> fmpq:
    if values[1] == 0:
        raise Undefined
    return values[0] - values[1] * (values[0] / values[1]).floor()


def _series(expr: Expr, point: Mapping[str, Fraction | fmpq]) -> fmpq:
    body, variable, first, last = expr.args
    start, stop = exact_value(first, point), exact_value(last, point)
    if start.q != 1 or stop.q != 1 or stop - start > MOST_TERMS or variable.op != "sym":
        raise TooLarge
    result = fmpq(0 if expr.op == "sum" else 1)
    for k in range(int(start.p), int(stop.p) + 1):
        term = exact_value(body, {**point, variable.name: fmpq(k)})
        result = _checked(result + term if expr.op == "sum" else result * term)
    return result


_OPERATIONS: dict[str, Callable[[list[fmpq]], fmpq]] = {
    "add": _add,
    "mul": _multiply,
    "div": _divide,
    "fact": _factorial,
    "binom": _binomial,
    "mod": _modulo,
    "abs": lambda values: abs(values[0]),
    "floor": lambda values: fmpq(values[0].floor()),
    "ceil": lambda values: fmpq(values[0].ceil()),
    "max": max,
    "min": min,
    "sgn": lambda values: fmpq((values[0] > 0) - (values[0] < 0)),
    "sign": lambda values: fmpq((values[0] > 0) - (values[0] < 0)),
}
