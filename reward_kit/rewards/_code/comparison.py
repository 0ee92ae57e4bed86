"""Equality of what a program gave and what was expected: exact, with a tolerance only where a float was expected.

Nothing here calls a method of a value that is not exactly a builtin type, so that no object decides its own equality.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

#: Relative and absolute tolerance, where the expected number is a float: six digits, as judges of contests ask for.
RELATIVE, ABSOLUTE = 1e-6, 1e-9
#: How deep a value may be nested; deeper ones are equal to nothing.
DEEPEST = 100

_FLOAT = re.compile(r"[+-]?(?:(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|nan|inf(?:inity)?)", re.ASCII | re.I)
_DECIMAL = re.compile(rf"{_FLOAT.pattern}|[+-]?\d+", re.ASCII | re.IGNORECASE)
# Python reads a decimal in more than linear time; no float needs this many digits.
_LONGEST_NUMBER = 400
_BLANKS = re.compile(r"([ \t\f\v]+)")
_SHOWN = 60


def output_difference(expected: str, given: str) -> str:
    """Where a program's output differs from the expected one, in a line; empty where it does not.

    Lines count. Blanks at their ends, empty lines at the end of the output and CRLF for LF do not.
    """
    wanted, got = _lines(expected), _lines(given)
    for number, (left, right) in enumerate(zip(wanted, got, strict=False), start=1):
        if left != right and not _same_tokens(left, right):
            return f"line {number}: expected {_shown(left)}, got {_shown(right)}"
    if len(wanted) == len(got):
        return ""
    if not got:
        return f"expected {_shown(wanted[0])}, got no output"
    return f"expected {len(wanted)} lines, got {len(got)}"


def _lines(text: str) -> list[str]:
    lines = [line.rstrip(" \t\r\f\v") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _same_tokens(expected: str, given: str) -> bool:
    """True where two lines have the same blanks, and between them the same tokens or numbers near enough."""
    wanted, got = _BLANKS.split(expected), _BLANKS.split(given)
    return len(wanted) == len(got) and all(
        left == right or _near_texts(left, right) for left, right in zip(wanted, got, strict=True)
    )


def _near_texts(expected: str, given: str) -> bool:
    if max(len(expected), len(given)) > _LONGEST_NUMBER:
        return False
    if not _FLOAT.fullmatch(expected) or not _DECIMAL.fullmatch(given):
        return False
    if any(not math.isfinite(float(text)) and text[-1].isdigit() for text in (expected, given)):
        return False  # 1e400 is no infinity: such numbers are compared as texts
    return _near(float(expected), float(given))


def _near(expected: float, given: float) -> bool:
    if math.isnan(expected):
        return math.isnan(given)
    return expected == given or math.isclose(expected, given, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


_ATOMS = frozenset((bool, int, str, bytes, bytearray, range, Decimal, Fraction, date, time, datetime, timedelta))
_SETS = (set, frozenset)
_SEQUENCES = (list, tuple)


def is_plain(value: Any, depth: int = 0) -> bool:
    """True where a value is made of exact builtin types all through, and is not nested too deeply."""
    kind = type(value)
    if depth > DEEPEST:
        return False
    if kind in (list, tuple, set, frozenset):
        return all(is_plain(each, depth + 1) for each in value)
    if kind is dict:
        return all(is_plain(key, depth + 1) and is_plain(each, depth + 1) for key, each in value.items())
    if kind in (datetime, time):
        return value.tzinfo is None or type(value.tzinfo) is timezone
    return value is None or kind in _ATOMS or kind in (float, complex)


def values_equal(expected: Any, given: Any) -> bool:
    """True where two plain values are the same value.

    A bool is no number, an int is no float, except that a float may be given by an int. A tuple is a list; the kind of
    set and the order of a dict do not matter, the types of its keys do. nan is nan.
    """
    return is_plain(expected) and is_plain(given) and _equal(expected, given)


def _equal(expected: Any, given: Any) -> bool:
    kind, other = type(expected), type(given)
    if kind is float:
        return other in (int, float) and _near_numbers(expected, given)
    if kind is complex:
        return other is complex and _near(expected.real, given.real) and _near(expected.imag, given.imag)
    if kind in _SEQUENCES:
        if other not in _SEQUENCES or len(expected) != len(given):
            return False
        return all(_equal(left, right) for left, right in zip(expected, given, strict=True))
    if kind in _SETS:
        return other in _SETS and len(expected) == len(given) and _same_members(expected, given)
    if kind is dict:
        return other is dict and len(expected) == len(given) and _same_items(expected, given)
    return kind is other and _identity(expected) == _identity(given)


def _near_numbers(expected: float, given: float | int) -> bool:
    try:
        return _near(expected, float(given))
    except OverflowError:  # an int beyond all floats
        return False


def _same_items(expected: Mapping[Any, Any], given: Mapping[Any, Any]) -> bool:
    keyed = {_identity(key): each for key, each in given.items()}
    if len(keyed) != len(given):
        return False
    return all((name := _identity(key)) in keyed and _equal(each, keyed[name]) for key, each in expected.items())


def _same_members(expected: Iterable[Any], given: Iterable[Any]) -> bool:
    wanted, got = list(expected), list(given)
    if {_identity(each) for each in wanted} == {_identity(each) for each in got}:
        return True
    if all(type(each) in (int, float) and each == each for each in (*wanted, *got)):  # nan has no order
        return all(_equal(left, right) for left, right in zip(sorted(wanted), sorted(got), strict=True))
    return False


def _identity(value: Any) -> Any:
    """A hashable stand-in that is equal for equal values only: 1, True and 1.0 differ, a tuple and a list do not."""
    kind = type(value)
    if kind in _SEQUENCES:
        return ("sequence", tuple(_identity(each) for each in value))
    if kind in _SETS:
        return ("set", frozenset(_identity(each) for each in value))
    if kind is dict:
        return ("dict", frozenset((_identity(key), _identity(each)) for key, each in value.items()))
    if kind is float and math.isnan(value):
        return ("float", "nan")
    if kind is complex:
        return ("complex", _identity(value.real), _identity(value.imag))
    if kind is bytearray:
        return ("bytearray", bytes(value))
    if kind is Decimal and value.is_nan():
        return ("Decimal", "nan")
    return (kind.__name__, value)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
