"""The symbolic layer: identity of expressions, decided with exact rationals and ball arithmetic (python-flint, Arb).

Runs in the worker process only. Two expressions are *equal* where their values agree to far more digits than their size
could hide at every one of several points, *different* where two balls at one point are disjoint, which is a proof.
Where neither can be shown the verdict is None, and the caller counts it as not equal.

Sources: F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic", IEEE Trans. Comput. 66
(2017); J. T. Schwartz, "Fast probabilistic algorithms for verification of polynomial identities", JACM 27 (1980).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb, ctx

from reward_kit.rewards._math.balls import evaluate
from reward_kit.rewards._math.expression import Expr, contains, symbols
from reward_kit.rewards._math.points import real_points, step_points, whole_points
from reward_kit.rewards._math.rationals import TooLarge, Undefined, exact_value

_POINTS = 6
_POINTS_IN_PIECES = 12
_MOST_SYMBOLS = 12
_MOST_PRECISION = 60_000
_INTEGER_LETTERS = frozenset("nmkjlNMKL")
_PIECEWISE = frozenset(
    (
        "abs",
        "max",
        "min",
        "floor",
        "ceil",
        "sgn",
        "mod",
        "root",
        "arcsin",
        "arccos",
        "arctan",
        "arccot",
        "arcosh",
    )
)
_SATURATING = {"sinh": 1, "cosh": 1, "tanh": 1, "coth": 1, "sech": 1, "csch": 1, "erf": 2}
_WHOLE_NUMBER_FORMS = ("fact", "dfact", "binom", "sum", "prod", "floor", "ceil", "mod", "cos", "sin")


def identical(left: Expr, right: Expr) -> bool | None:
    """True where the two agree as numbers or as functions of their variables, False where proven different."""
    names = sorted(symbols(left) | symbols(right))
    if len(names) > _MOST_SYMBOLS:
        return None
    if not names:
        return _same_number(left, right)
    verdict = _sampled(left, right, names, integers=False)
    if verdict is True and any(contains(expr, "floor", "ceil", "mod") for expr in (left, right)):
        # floor(x) + 1 and ceil(x) differ at whole numbers only, which no random point hits.
        verdict = not any(_same_at(left, right, point) is False for point in step_points(left, right, names))
    if verdict is not True and _wants_integers(left, right, names):
        # (-1)^n = cos(n pi) holds for whole n only: where the form says so, n is a whole number.
        return _sampled(left, right, names, integers=True)
    return verdict


def proportional(left: Expr, right: Expr) -> int:
    """+1 or -1 where left = c * right for a constant c of that sign, else 0 (for equations and inequalities)."""
    names = sorted(symbols(left) | symbols(right))
    if not names or symbols(left) != symbols(right):
        return 0
    ratios = []
    for point in real_points(left, right, names):
        try:
            above, below = exact_value(left, point), exact_value(right, point)
        except (TooLarge, Undefined):
            return _proportional_balls(left, right, names)
        if above == 0 or below == 0:
            if above != below:
                return 0
            continue
        ratios.append(above / below)
    if len(ratios) < 3 or any(ratio != ratios[0] for ratio in ratios):
        return 0
    return 1 if ratios[0] > 0 else -1


def _proportional_balls(left: Expr, right: Expr, names: list[str]) -> int:
    ctx.prec = 400
    ratios = []
    for point in real_points(left, right, names):
        try:
            above, below = evaluate(left, point), evaluate(right, point)
        except Undefined:
            continue
        if below.contains(0) or above.contains(0):
            continue
        ratios.append(above / below)
    if len(ratios) < 3:
        return 0
    if not all(_agree(ratio, ratios[0], 150) for ratio in ratios) or not ratios[0].imag.contains(0):
        return 0
    return 1 if ratios[0].real > 0 else -1


def within(left: Expr, right: Expr, relative: float, absolute: float) -> bool:
    """True where |left - right| <= max(relative * |left|, absolute) for two numbers without variables."""
    ctx.prec = 200
    try:
        expected, given = evaluate(left, {}), evaluate(right, {})
    except Undefined:
        return False
    allowed = max(relative * float(abs(expected).mid()), absolute)
    return bool(abs(expected - given) <= allowed)


def _same_number(left: Expr, right: Expr) -> bool | None:
    """Compare two numbers: exactly where both are rational, else at a precision that their size sets."""
    try:
        return bool(exact_value(left, {}) == exact_value(right, {}))
    except (TooLarge, Undefined):
        pass
    # Two different algebraic numbers of this size cannot agree to this many bits (root separation, with margin).
    needed = 400 + 12 * (_size(left) + _size(right))
    precision = 200
    while True:
        ctx.prec = min(precision, _MOST_PRECISION)
        try:
            a, b = evaluate(left, {}), evaluate(right, {})
        except Undefined:
            return None
        if not a.overlaps(b):
            return False
        if precision > needed:
            return _agree(a, b, needed // 2) or None
        if precision >= _MOST_PRECISION:
            return None
        precision *= 4


def _size(expr: Expr) -> int:
    """About how many bits of agreement the form of an expression could fake.

    Its numerals with powers multiplied out; for functions that saturate (tanh, erf) the bits by which they may come
    close to their limits.
    """
    if expr.op == "num":
        return expr.number.numerator.bit_length() + expr.number.denominator.bit_length()
    inner = sum(_size(operand) for operand in expr.args)
    if expr.op == "pow":
        return _size(expr.args[0]) * (_magnitude(expr.args[1]) + 1) + inner
    if expr.op in _SATURATING:
        return inner + 4 * int(_magnitude(expr.args[0]) ** _SATURATING[expr.op])
    if expr.op == "fact":
        return inner + 16 * _magnitude(expr.args[0])
    return inner + 2


def _magnitude(expr: Expr) -> int:
    """The size of a number, rounded up and at most a million."""
    ctx.prec = 64
    try:
        return int(min(1e6, float(abs(evaluate(expr, {})).upper()) + 1))
    except (Undefined, OverflowError, ValueError, KeyError):
        return 10**6  # a bound variable has no value of its own


def _sampled(left: Expr, right: Expr, names: list[str], *, integers: bool) -> bool | None:
    """True after enough agreeing points, False at the first point where the two differ."""
    in_pieces = integers or _in_pieces(left) or _in_pieces(right)
    wanted = _POINTS_IN_PIECES if in_pieces else _POINTS
    choose = whole_points(left, right, names, _INTEGER_LETTERS) if integers else real_points(left, right, names)
    agreed = 0
    ctx.prec = 400
    for point in choose:
        verdict = _same_at(left, right, point)
        if verdict is False:
            return False
        agreed += verdict is True
        if agreed == wanted and not in_pieces:
            return True
    return True if agreed >= wanted else None


def _in_pieces(expr: Expr) -> bool:
    """True for a function that may follow different rules in different places."""
    if expr.op in _PIECEWISE or (expr.op == "pow" and expr.args[1].op != "num"):
        return bool(symbols(expr))
    return any(_in_pieces(operand) for operand in expr.args)


def _same_at(left: Expr, right: Expr, point: dict[str, Fraction]) -> bool | None:
    try:
        return bool(exact_value(left, point) == exact_value(right, point))
    except TooLarge:
        pass
    except Undefined:
        return None
    try:
        a, b = evaluate(left, point), evaluate(right, point)
    except Undefined:
        return None
    if not a.overlaps(b):
        return False
    return _agree(a, b, 150) or None


def _agree(a: Any, b: Any, bits: int) -> bool:
    """True where the two balls lie within a relative 2^-bits of each other (or both are that close to zero)."""
    scale = max(abs(a).upper(), abs(b).upper())
    limit = arb(2) ** (-bits)
    return bool(abs(a - b) <= scale * limit or scale <= limit)


def _wants_integers(left: Expr, right: Expr, names: list[str]) -> bool:
    return bool(set(names) & _INTEGER_LETTERS) and any(
        _alternates(expr) or contains(expr, *_WHOLE_NUMBER_FORMS) for expr in (left, right)
    )


def _alternates(expr: Expr) -> bool:
    """True where a negative number or i stands to a variable power."""
    if expr.op == "pow" and symbols(expr.args[1]):
        base = expr.args[0]
        if (base.op == "num" and base.number < 0) or base == Expr("const", name="i"):
            return True
    return any(_alternates(operand) for operand in expr.args)
