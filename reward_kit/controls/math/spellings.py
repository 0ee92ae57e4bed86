"""Other spellings of an answer: proposals, which count only once they are proved equal."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reward_kit.controls.math.latex import choice_of
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
    elif choice := choice_of(gold):
        bare = gold == choice
        yield "choice", (f"\\text{{{choice}}}" if latex else f"({choice})") if bare else choice
    else:
        yield from _set_otherwise(gold, latex or "\\" in gold)


def _set_otherwise(gold: str, latex: bool) -> Iterator[tuple[str, str]]:
    """The same answer as LaTeX sets it otherwise: other fractions, brackets and blanks, elements in another order."""
    found = list(_changes(gold))
    yield from (change for change in found if latex or change[0] in ("blanks", "reordered"))
    if latex and not found:
        yield "style", f"\\displaystyle {gold}"


def _changes(gold: str) -> Iterator[tuple[str, str]]:
    match = re.fullmatch(r"\\\{(?P<first>[^,{}()\[\]]+),(?P<rest>[^{}()\[\]]+)\\\}", gold)
    if match and not re.search(r"dots|mid|[:|]", gold):
        yield "reordered", f"\\{{{match['rest'].strip()}, {match['first'].strip()}\\}}"
    if "\\frac" in gold:
        yield "fraction_size", gold.replace("\\frac", "\\dfrac")
    if "\\text" not in gold and _OPENING.search(gold) and _is_balanced(gold):
        yield "bracket_size", _OPENING.sub(r"\\left\1", _CLOSING.sub(r"\\right\1", gold))
    if "\\text" not in gold and (without := re.sub(r"\s*([,+=\-])\s*", r"\1", gold)) != gold:
        yield "blanks", without


_OPENING = re.compile(r"(?<!\\)([(\[]|\\\{)")
_CLOSING = re.compile(r"(?<!\\)([)\]]|\\\})")


def _is_balanced(text: str) -> bool:
    r"""True where brackets close what is open and none has its size already: `]1, 2[` and `\left(` are left alone."""
    depth = 0
    for place in range(len(text)):
        depth += bool(_OPENING.match(text, place)) - bool(_CLOSING.match(text, place))
        if depth < 0:
            return False
    return depth == 0 and not re.search(r"\\(?:left|right|[bB]ig|sqrt\[)", text)


def _of_number(number: Number, latex: bool) -> Iterator[tuple[str, str]]:
    cores = [("thousands", _regrouped(number)), ("fraction", _as_other_fraction(number, latex))]
    cores[1:1] = [("decimal", decimal) for decimal in _decimals(number)]
    for operator, core in cores:
        if core is not None:
            yield operator, f"{number.before}{core}{number.after}"


def _regrouped(number: Number) -> str | None:
    if number.style != "integer" or abs(number.value) < 1000:
        return None
    whole = number.value.numerator
    return str(whole) if number.grouped else f"{whole:,}"


def _decimals(number: Number) -> list[str]:
    decimal = as_decimal(number.value)
    if decimal is None or len(decimal.partition(".")[2]) > _MOST_PLACES:
        return []
    if "." not in decimal:
        return [f"{decimal}.0", f"{decimal}.00"]
    return [decimal, f"{decimal}0"]


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
