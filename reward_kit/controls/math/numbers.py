r"""Plain numbers as exact fractions: integers, decimals, `a/b`, `\frac{a}{b}`, mixed ones, with a unit or a currency.

Written apart from the graders on purpose: a control's proof must not share a mistake with the reward it checks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

Style = Literal["integer", "decimal", "slash", "frac", "mixed"]

_UNSIGNED = r"(?P<digits>\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?!\d)|\d+)(?P<places>\.\d+)?"
_FRAC = r"\\[dt]?frac\s*\{\s*(?P<over>-?\d+)\s*\}\s*\{\s*(?P<under>-?\d+)\s*\}"
_CURRENCY = r"(?P<before>\\?\$|€|£)?"
#: A unit behind the number: set as text, a degree or percent sign, or one plain word. Equal units, different numbers:
#: different quantities. Words that compute ("5 squared") are no units.
_UNIT = (
    r"(?P<after>(?:\s|\\[,;! ]|~)*(?:\\(?:text|mathrm|textrm|mbox)\s*\{[^{}\d]*\}(?:\s*\^\s*\{?[23]\}?)?"
    r"|\^\s*\{?\s*\\circ\s*\}?|°|\\?%)|[ ](?!squared|cubed|factorial|choose|mod|pi|and|or|to)[a-z]{2,14})?"
)
_PLAIN = re.compile(rf"{_CURRENCY}(?P<sign>[-+\u2212]?)\s*(?:{_UNSIGNED}(?:\s*/\s*(?P<slash>\d+))?){_UNIT}", re.ASCII)
_FRACTION = re.compile(rf"{_CURRENCY}(?P<sign>[-+\u2212]?)\s*(?P<whole>\d+)?\s*{_FRAC}{_UNIT}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number as it is written: its value, its style, and what stands around it."""

    value: Fraction
    style: Style
    grouped: bool = False
    before: str = ""
    after: str = ""


def read_number(text: str) -> Number | None:
    """The number a text writes, or None where it is not a plain number."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "$":
        text = text[1:-1].strip()
    if len(text) > 400:  # int() of a long text takes quadratic time and is refused by Python from 4,300 digits on
        return None
    if match := _PLAIN.fullmatch(text):
        return _from_plain(match)
    if match := _FRACTION.fullmatch(text):
        return _from_fraction(match)
    return None


def _from_plain(match: re.Match[str]) -> Number | None:
    digits = re.sub(r"\D", "", match["digits"])
    value = Fraction(digits + (match["places"] or ""))
    style: Style = "decimal" if match["places"] else "integer"
    if match["slash"]:
        if not int(match["slash"]) or match["places"]:
            return None
        value, style = value / int(match["slash"]), "slash"
    return _signed(match, Number(value, style, len(digits) != len(match["digits"])))


def _from_fraction(match: re.Match[str]) -> Number | None:
    over, under = int(match["over"]), int(match["under"])
    if not under or (match["whole"] and (over < 0 or under < 0)):
        return None
    value = Fraction(over, under)
    if match["whole"]:
        return _signed(match, Number(int(match["whole"]) + value, "mixed"))
    return _signed(match, Number(value, "frac"))


def _signed(match: re.Match[str], number: Number) -> Number:
    value = -number.value if match["sign"] in ("-", "\u2212") else number.value
    return replace(number, value=value, before=match["before"] or "", after=match["after"] or "")


def write_number(value: Fraction, like: Number) -> str:
    """The text of a value, in the style of a number that is already written."""
    return f"{like.before}{_core(value, like)}{like.after}"


def _core(value: Fraction, like: Number) -> str:
    if value.denominator == 1:
        return f"{value.numerator:,}" if like.grouped else str(value.numerator)
    if like.style == "decimal" and (decimal := as_decimal(value)) is not None:
        return decimal
    return as_slash(value) if like.style == "slash" else as_frac(value)


def as_decimal(value: Fraction) -> str | None:
    """The decimal of a value where it ends within 20 places, else None."""
    for places in range(21):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
            cut = len(digits) - places
            sign = "-" if value < 0 else ""
            return f"{sign}{digits[:cut]}.{digits[cut:]}" if places else f"{sign}{digits}"
    return None


def as_frac(value: Fraction, times: int = 1) -> str:
    r"""`\frac{a}{b}` with the sign in front, expanded by `times`."""
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator) * times}}}{{{value.denominator * times}}}"


def as_slash(value: Fraction, times: int = 1) -> str:
    """`a/b`, expanded by `times`."""
    return f"{value.numerator * times}/{value.denominator * times}"
