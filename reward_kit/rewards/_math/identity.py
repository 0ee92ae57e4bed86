"""Decides identities of rational functions in this process: exact values at a few large points.

Schwartz (JACM 27, 1980) and Zippel: two different rational functions of degree d agree at a random point of a set of n
with probability at most d/n; three points from 2^40 leave nothing for the degrees that answers have. Pi counts as a
variable: it is transcendental, so that a rational function of it vanishes only where it vanishes identically.
"""

from __future__ import annotations

import zlib
from fractions import Fraction

from reward_kit.rewards._math.exact import rational
from reward_kit.rewards._math.expression import Expr, num, render

_POINTS = 3
_HIGHEST_POWER = 60
_MOST_NODES = 200
_FORMS = frozenset(("num", "sym", "const", "add", "mul", "div", "pow"))


def same_rational_function(left: Expr, right: Expr) -> bool | None:
    """True where the two are one rational function, False where proven different, None where either is none."""
    if not (_is_rational_function(left) and _is_rational_function(right)) or _nodes(left) + _nodes(right) > _MOST_NODES:
        return None
    salt = zlib.crc32((render(left) + "=" + render(right)).encode())
    compared = 0
    for point in range(_POINTS + 2):
        a, b = rational(_at(left, salt, point)), rational(_at(right, salt, point))
        if a is None or b is None:
            continue
        if a != b:
            return False
        compared += 1
    return True if compared >= _POINTS else None


def _is_rational_function(expr: Expr) -> bool:
    if expr.op not in _FORMS or (expr.op == "const" and expr.name != "pi"):
        return False
    if expr.op == "pow":
        exponent = rational(expr.args[1])
        whole = exponent is not None and exponent.denominator == 1 and abs(exponent) <= _HIGHEST_POWER
        return whole and _is_rational_function(expr.args[0])
    return all(_is_rational_function(operand) for operand in expr.args)


def _nodes(expr: Expr) -> int:
    return 1 + sum(_nodes(operand) for operand in expr.args)


def _at(expr: Expr, salt: int, point: int) -> Expr:
    if expr.op in ("sym", "const"):
        return num(_value(expr.name, salt, point))
    if not expr.args:
        return expr
    return Expr(expr.op, tuple(_at(operand, salt, point) for operand in expr.args), expr.number, expr.name)


def _value(name: str, salt: int, point: int) -> Fraction:
    """A number of about forty bits that depends on the variable, the expressions and the point only."""
    seed = f"{name}/{point}/{salt}".encode()
    return Fraction((zlib.crc32(seed) << 8 | zlib.adler32(seed) & 255) + 2**40 + point)
