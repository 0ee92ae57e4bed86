"""Values of expressions as complex balls (Arb); part of the worker.

With variables the real functions are meant: where a root or a logarithm leaves the reals the expression has no value at
that point. Without variables the principal value is taken, and the real one for odd roots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from flint import acb, arb, fmpq

from reward_kit.rewards._math.expression import Expr, symbols
from reward_kit.rewards._math.rationals import MOST_TERMS, TooLarge, Undefined, exact_value

Point = Mapping[str, Fraction | fmpq]


def evaluate(expr: Expr, point: Point) -> Any:
    """The value at a point as a ball (`acb`) of the current precision.

    Raises:
        Undefined: where the expression has no (real) value there or the ball is not finite.
    """
    value = _value(expr, point)
    if not value.is_finite():
        raise Undefined
    return value


def _value(expr: Expr, point: Point) -> Any:
    if expr.op == "num":
        return acb(arb(fmpq(expr.number.numerator, expr.number.denominator)))
    if expr.op == "sym":
        value = point[expr.name]
        return acb(arb(fmpq(value.numerator, value.denominator) if isinstance(value, Fraction) else value))
    if expr.op == "const":
        return _constant(expr.name)
    if expr.op in ("sum", "prod"):
        return _series(expr, point)
    if expr.op in ("pow", "root"):
        return _power(expr, point)
    operation = _OPERATIONS.get(expr.op)
    if operation is None:
        raise Undefined
    return operation([_value(operand, point) for operand in expr.args], bool(point))


def _constant(name: str) -> Any:
    if name == "pi":
        return acb(arb.pi())
    if name == "e":
        return acb(arb.const_e())
    if name == "i":
        return acb(0, 1)
    if name == "degree":
        return acb(arb.pi() / 180)
    raise Undefined


def _power(expr: Expr, point: Point) -> Any:
    base = _value(expr.args[0], point)
    if expr.op == "root":
        degree = _exact(expr.args[1], point)
        exponent = None if degree is None or degree == 0 else 1 / degree
    else:
        exponent = _exact(expr.args[1], point)
    if exponent is None or (exponent.q != 1 and base.imag.is_zero() and not base.real > 0 and symbols(expr.args[1])):
        if exponent is not None:
            raise Undefined  # (-1)^n between whole n
        return _general_power(base, _value(expr.args[1], point), expr.op == "root", bool(point))
    if exponent.q == 1:
        if base.contains(0) and exponent < 0:
            raise Undefined
        return base ** int(exponent.p) if abs(exponent.p) < 10**9 else base ** acb(arb(exponent))
    return _rational_power(base, exponent, bool(point))


def _rational_power(base: Any, exponent: fmpq, variables: bool) -> Any:
    if base.imag.is_zero() and base.real < 0:
        if exponent.q % 2:
            root = (-base.real) ** arb(exponent)
            return acb(-root if exponent.p % 2 else root)
        if variables:
            raise Undefined
    if base.is_zero():
        if exponent < 0:
            raise Undefined
        return acb(0)
    return base ** acb(arb(exponent)) if exponent != fmpq(1, 2) else base.sqrt()


def _general_power(base: Any, exponent: Any, is_root: bool, variables: bool) -> Any:
    if is_root:
        exponent = 1 / exponent
    if base.imag.is_zero() and not base.real > 0:
        whole = exponent.real.unique_fmpz() if exponent.imag.is_zero() else None
        if whole is not None and exponent.real.is_exact() and not base.contains(0):
            return base ** int(whole) if abs(whole) < 10**9 else base**exponent
        if variables or base.contains(0):
            raise Undefined
    return base**exponent


def _exact(expr: Expr, point: Point) -> fmpq | None:
    try:
        return exact_value(expr, point)
    except TooLarge:
        return None


def _real(value: Any) -> Any:
    if not value.imag.contains(0):
        raise Undefined
    return value.real


def _logarithm(values: list[Any], variables: bool) -> Any:
    value = values[0]
    if value.contains(0) or (variables and not _real(value) > 0):
        raise Undefined
    return value.log()


def _based_logarithm(values: list[Any], variables: bool) -> Any:
    return _logarithm(values[:1], variables) / _logarithm(values[1:], variables)


def _product(values: list[Any], _: bool) -> Any:
    result = acb(1)
    for value in values:
        result = result * value
    return result


def _sum(values: list[Any], _: bool) -> Any:
    result = acb(0)
    for value in values:
        result = result + value
    return result


def _quotient(values: list[Any], _: bool) -> Any:
    if values[1].contains(0):
        raise Undefined
    return values[0] / values[1]


def _floor(values: list[Any], _: bool) -> Any:
    whole = _real(values[0]).floor().unique_fmpz()
    if whole is None:
        raise Undefined
    return acb(whole)


def _ceiling(values: list[Any], variables: bool) -> Any:
    return -_floor([-values[0]], variables)


def _binomial(values: list[Any], _: bool) -> Any:
    above, below = values
    return (above + 1).gamma() * (below + 1).rgamma() * (above - below + 1).rgamma()


def _inverse(name: str, low: int = -1) -> Callable[[list[Any], bool], Any]:
    """An inverse function that is real on [-1, 1] (or from `low` on) only."""

    def apply(values: list[Any], variables: bool) -> Any:
        value = values[0]
        if variables and not (_real(value) >= low and (low == 1 or _real(value) <= 1)):
            raise Undefined
        return getattr(value, name)()

    return apply


def _method(name: str) -> Callable[[list[Any], bool], Any]:
    return lambda values, _: getattr(values[0], name)()


def _extreme(name: str) -> Callable[[list[Any], bool], Any]:
    def apply(values: list[Any], _: bool) -> Any:
        result = _real(values[0])
        for value in values[1:]:
            result = getattr(result, name)(_real(value))
        return acb(result)

    return apply


def _series(expr: Expr, point: Point) -> Any:
    body, variable, first, last = expr.args
    start, stop = _exact(first, point), _exact(last, point)
    if start is None or stop is None or start.q != 1 or stop.q != 1:
        raise Undefined
    if stop - start > MOST_TERMS or variable.op != "sym":
        raise Undefined
    terms = [_value(body, {**point, variable.name: fmpq(k)}) for k in range(int(start.p), int(stop.p) + 1)]
    return _sum(terms, True) if expr.op == "sum" else _product(terms, True)


_OPERATIONS: dict[str, Callable[[list[Any], bool], Any]] = {
    "add": _sum,
    "mul": _product,
    "div": _quotient,
    "ln": _logarithm,
    "log": _based_logarithm,
    "abs": lambda values, _: acb(abs(values[0])),
    "floor": _floor,
    "ceil": _ceiling,
    "fact": lambda values, _: (values[0] + 1).gamma(),
    "Gamma": _method("gamma"),
    "binom": _binomial,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "arccot": lambda values, _: acb(arb.pi() / 2) - values[0].atan(),
    "arcsec": lambda values, _: (1 / values[0]).acos(),
    "arccsc": lambda values, _: (1 / values[0]).asin(),
    "arcsin": _inverse("asin"),
    "arccos": _inverse("acos"),
    "arctan": _method("atan"),
    "arsinh": _method("asinh"),
    "arcosh": _inverse("acosh", 1),
    "artanh": _inverse("atanh"),
} | {name: _method(name) for name in "sin cos tan cot sec csc sinh cosh tanh coth sech csch erf".split()}
