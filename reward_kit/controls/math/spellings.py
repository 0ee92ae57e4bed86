"""Other spellings of an answer: proposals, which count only once they are proved equal."""

from __future__ import annotations

from collections.abc import Iterator

from reward_kit.controls.math.numbers import Number, as_decimal, as_frac, as_slash, read_number

#: A decimal longer than this is no spelling that a person would choose.
_MOST_PLACES = 6


def spellings(gold: str, latex: bool) -> Iterator[tuple[str, str]]:
    r"""(operator, text) of other spellings.

    Args:
        gold: the answer as it is written.
        latex: the response's format is LaTeX; where it is not, and the gold holds none, `a/b` stands for `\\frac`.
    """
    number = read_number(gold)
    if number is not None:
        yield from _of_number(number, latex or "\\" in gold)


def _of_number(number: Number, latex: bool) -> Iterator[tuple[str, str]]:
    fraction = as_frac if latex else as_slash
    for operator, core in (
        ("thousands", _regrouped(number)),
        ("decimal", _as_other_decimal(number)),
        ("fraction", _as_other_fraction(number, fraction is as_frac)),
    ):
        if core is not None:
            yield operator, f"{number.before}{core}{number.after}"


def _regrouped(number: Number) -> str | None:
    if number.style != "integer" or abs(number.value) < 1000:
        return None
    whole = number.value.numerator
    return str(whole) if number.grouped else f"{whole:,}"


def _as_other_decimal(number: Number) -> str | None:
    decimal = as_decimal(number.value)
    if decimal is None or len(decimal.partition(".")[2]) > _MOST_PLACES:
        return None
    if "." not in decimal:
        return f"{decimal}.0" if number.style != "decimal" else f"{decimal}.00"
    return decimal if number.style != "decimal" else f"{decimal}00"


def _as_other_fraction(number: Number, latex: bool) -> str | None:
    if number.before or number.after:
        return None  # nobody writes \frac{162}{2}^\circ
    if number.value.denominator == 1:
        return as_frac(number.value, 2) if latex else as_slash(number.value, 2)
    if number.style == "slash":
        return as_frac(number.value) if latex else as_slash(number.value, 2)
    if number.style == "frac":
        return as_slash(number.value)
    return as_frac(number.value) if latex else as_slash(number.value)
