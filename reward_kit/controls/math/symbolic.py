"""Expressions that are proved different by their values: exact ones, or at 50 digits in rational points.

Imports sympy, and is imported itself only when an answer is more than a plain number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

# Neither library ships its types.
import sympy  # type: ignore[import-untyped]
from latex2sympy2_extended import latex2sympy  # type: ignore[import-untyped]
from latex2sympy2_extended.latex2sympy2 import ConversionConfig  # type: ignore[import-untyped]

#: Digits of a value, and how far two must be apart to count as different: sympy's evalf keeps the digits it claims.
_DIGITS, _APART = 50, sympy.Rational(1, 10**30)
#: Points without a relation to one another, so that no difference vanishes in all of them by accident.
_POINTS = [
    [sympy.Rational(p, q) for p, q in ((7, 3), (11, 5), (13, 7), (17, 11), (19, 13), (23, 17))],
    [sympy.Rational(p, q) for p, q in ((29, 19), (5, 31), (37, 29), (41, 37), (3, 43), (47, 41))],
]
_COMMANDS = frozenset(
    f"\\{name}" for name in ("frac", "sqrt", "pi", "cdot", "times", "sin", "cos", "tan", "ln", "log", "binom", "infty")
)
_LONGEST = 200
#: Too large to evaluate, digits parted by a blank, or words: nothing is proved of these.
_UNREADABLE = re.compile(r"\^\{?-?\d{4}|\^\{[^{}]*\^|\d{40}|\d\s+\d|(?<![\\a-zA-Z])[A-Za-z]{3}")
_NO_VALUES = (sympy.Float, sympy.core.function.AppliedUndef, sympy.zoo, sympy.nan)
_CONVERSION = ConversionConfig(lowercase_symbols=False)


class NotReadError(Exception):
    """An expression of a kind in which nothing is proved."""


@lru_cache(maxsize=4096)
def value_of(text: str) -> Any:
    r"""The expression that a text in normal form (see `latex.tokens`) writes.

    Raises:
        NotReadError: for commands it does not know, towers of powers, and what is no expression.
    """
    commands = re.findall(r"\\[a-zA-Z]+|\\.", text)
    if len(text) > _LONGEST or not set(commands) <= _COMMANDS or re.search(r"[^\\\w\s+\-*/^(){}.!|\[\]]|!", text):
        raise NotReadError(text)
    if _UNREADABLE.search(text):
        raise NotReadError(text)
    try:
        value = latex2sympy(re.sub(r"(\d+)\.(\d+)", _as_fraction, text), conversion_config=_CONVERSION)
    except Exception as error:  # the parser raises nothing narrower; what it cannot read is not proved
        raise NotReadError(text) from error
    if not isinstance(value, sympy.Expr) or value.has(*_NO_VALUES):
        raise NotReadError(text)
    if any(_is_free(symbol.name, value) for symbol in value.free_symbols):
        raise NotReadError(text)
    return value


def _is_free(name: str, value: Any) -> bool:
    """True for a letter that stands for any constant (x^2 + C) or any integer (pi k): other texts say the same."""
    return bool(re.fullmatch(r"C|[Cc]_.*", name)) or (name in ("k", "m", "n") and value.has(sympy.pi))


def _as_fraction(decimal: re.Match[str]) -> str:
    return f"(\\frac{{{decimal[1]}{decimal[2]}}}{{1{'0' * len(decimal[2])}}})"


def _readings(value: Any) -> Iterator[Any]:
    """The letters i and e may be names or constants: what is proved must hold either way."""
    names = {symbol.name: symbol for symbol in value.free_symbols}
    yield value
    for name, constant in (("i", sympy.I), ("e", sympy.E)):
        if name in names:
            yield value.subs(names[name], constant)


def apart(first: Any, second: Any) -> bool:
    """True where the two are proved to be different, in every reading of their letters."""
    first, second = first.doit(), second.doit()  # infinity + 1 is infinity
    if sympy.oo in (abs(first), abs(second)):
        return bool(first != second and (first.is_number and second.is_number))
    return all(_nonzero(reading) for reading in _readings(first - second))


def families_apart(first: Any, second: Any) -> bool:
    """True where f(x) + C and g(x) + C are proved to be different families: f - g varies with x."""
    difference = first - second
    symbols = difference.free_symbols
    return len(symbols) == 1 and all(_nonzero(reading) for reading in _readings(difference.diff(*symbols)))


def _nonzero(difference: Any) -> bool:
    symbols = sorted(difference.free_symbols, key=str)
    if len(symbols) > len(_POINTS[0]):
        return False
    return any(_is_far(difference.subs(dict(zip(symbols, point, strict=False)))) for point in _POINTS)


def _is_far(value: Any) -> bool:
    number = value.evalf(_DIGITS)
    if not number.is_number or number.has(sympy.nan, sympy.zoo, sympy.oo):
        return False
    return bool(abs(number) > _APART)


def less(first: Any, second: Any) -> bool:
    """True where the first is proved to be the smaller of two real numbers, either of which may be infinite."""
    if first in (sympy.oo, -sympy.oo) or second in (sympy.oo, -sympy.oo):
        return bool(first != second and (first == -sympy.oo or second == sympy.oo))
    difference = (second - first).evalf(_DIGITS)
    return bool(difference.is_real and difference > _APART)


def points_between(ends: Sequence[Any]) -> Iterator[Any]:
    """A rational number in every gap between real numbers, and one beyond either side."""
    places = sorted({sympy.Rational(str(end.evalf(15))) for end in ends if end.is_real and end.is_finite})
    if places:
        yield from (places[0] - 1, places[-1] + 1)
        yield from ((low + high) / 2 for low, high in pairwise(places))


def curve_leaves(first: Any, second: Any) -> bool:
    """True where a real point with first = 0 is found in which second is not 0: the equations differ."""
    symbols = sorted(first.free_symbols, key=str)
    if not 1 <= len(symbols) <= 3 or second.free_symbols - first.free_symbols:
        return False
    solved = symbols[-1]
    for numerator in (0, 1, 2, 3, 5):
        point = {symbol: sympy.Rational(numerator + place) for place, symbol in enumerate(symbols[:-1])}
        if any(_is_far(second.subs({**point, solved: root})) for root in _real_roots(first.subs(point), solved)):
            return True
    return False


def _real_roots(polynomial: Any, symbol: Any) -> list[Any]:
    """The real roots of a polynomial of degree one or two; of any other expression none."""
    try:
        degree = sympy.Poly(polynomial, symbol).degree()
    except sympy.PolynomialError:
        return []
    if degree not in (1, 2):
        return []
    return [root for root in sympy.roots(sympy.Poly(polynomial, symbol)) if root.is_real]
