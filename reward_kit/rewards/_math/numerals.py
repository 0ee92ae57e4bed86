"""Numbers as people write them in one piece: 42, -3.50, 1,234,567, \\frac{1}{2}, 3/4.

The fast path of the exact layer.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

# Longer numerals go to the symbolic layer: int() of a long string takes quadratic time (CVE-2020-10735).
_LONGEST = 1_000
_THOUSANDS = r"\d{1,3}(?:(?:,|\{,\}|\\,|,\\!|\{,\}\\!|,\\! )\d{3})+"
_DECIMAL = re.compile(rf"([-+−]?)\s?({_THOUSANDS}|\d+)?(?:\.(\d*))?")
_FRACTION = re.compile(r"([-+−]?)\s?(?:\\[dt]?frac\s?\{\s?(-?\d+)\s?\}\s?\{\s?(-?\d+)\s?\}|(\d+)\s?/\s?(\d+))")
_MIXED = re.compile(r"([-+−]?)\s?(\d+)\s?\\[dt]?frac\s?\{\s?(\d+)\s?\}\s?\{\s?(\d+)\s?\}")
_NOT_DIGIT = re.compile(r"\D")


@lru_cache(maxsize=1024)  # golds repeat: a GRPO group grades many responses against one
def plain_number(text: str) -> Fraction | None:
    """The exact value of a single numeral or simple fraction; None where the text is anything else.

    A comma counts as thousands separator only where every group behind it has three digits.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    if text.isascii() and text.isdigit():
        return Fraction(int(text))
    if "frac" not in text and "/" not in text:
        return _decimal(text)
    match = _FRACTION.fullmatch(text)
    return _mixed(text) if match is None else _fraction(match)


def _decimal(text: str) -> Fraction | None:
    match = _DECIMAL.fullmatch(text)
    if match is None or (not text.isascii() and not text.replace("−", "-").isascii()):
        return None
    sign, whole, places = match.groups()
    if not whole and not places:
        return None
    digits = _NOT_DIGIT.sub("", whole or "0")
    value = Fraction(int(digits + (places or "")), 10 ** len(places or ""))
    return -value if sign in ("-", "−") else value


def _fraction(match: re.Match[str]) -> Fraction | None:
    sign, upper, lower, above, below = match.groups()
    denominator = int(lower or below)
    if denominator == 0:
        return None
    value = Fraction(int(upper or above), denominator)
    return -value if sign in ("-", "−") else value


def _mixed(text: str) -> Fraction | None:
    r"""A mixed number such as 1\frac{1}{10}: a whole number and a proper fraction."""
    match = _MIXED.fullmatch(text)
    if match is None or int(match.group(3)) >= int(match.group(4)):
        return None
    value = int(match.group(2)) + Fraction(int(match.group(3)), int(match.group(4)))
    return -value if match.group(1) in ("-", "−") else value
