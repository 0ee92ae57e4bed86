"""Outputs compared for proofs: `same` is strict, `differs` is sure. Between the two nothing is proved.

Written for the controls alone: a proof that asked what a reward is made of would agree with it by construction.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import zip_longest
from typing import Any

#: How far two floats must be apart, relative to the larger and at least absolutely, to be different for every reward.
_APART = 1e-3


def same(first: Any, second: Any) -> bool:
    """True where two values are of the same types throughout and equal; NaN is the same as NaN."""
    if type(first) is not type(second):
        return False
    if isinstance(first, (list, tuple, deque)):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict):
        return list(first) == list(second) and all(map(same, first.values(), second.values()))
    if isinstance(first, (float, complex)):
        return repr(first) == repr(second)
    return bool(first == second)


def texts_differ(printed: str, expected: str) -> bool:
    """True where a judge that reads words in order, whatever blanks part them, sees another text."""
    pairs = zip_longest(printed.split(), expected.split())
    return any(one is None or other is None or _words_differ(one, other) for one, other in pairs)


def _words_differ(printed: str, expected: str) -> bool:
    if printed.casefold() == expected.casefold():
        return False
    numbers = [_number_in(word) for word in (printed, expected)]
    if None in numbers:
        return True
    return _numbers_differ(*numbers)


def _number_in(word: str) -> int | float | None:
    for read in (int, float):
        try:
            return read(word)
        except ValueError:
            continue
    return None


def values_differ(value: Any, expected: Any) -> bool:
    """True where a value is another than the expected one, however lenient the types are compared.

    A tuple is a list, a set a list in any order, a key of a dict its text, and a number its value.
    """
    if _is_number(value) and _is_number(expected):
        return _numbers_differ(value, expected)
    if isinstance(value, Mapping) and isinstance(expected, Mapping):
        own, other = ({str(key): item for key, item in one.items()} for one in (value, expected))
        return own.keys() != other.keys() or any(values_differ(own[key], other[key]) for key in own)
    if _is_series(value) and _is_series(expected):
        pair = [list(value), list(expected)]
        if isinstance(value, (set, frozenset)) or isinstance(expected, (set, frozenset)):
            pair = [sorted(items, key=repr) for items in pair]
        return len(pair[0]) != len(pair[1]) or any(map(values_differ, *pair))
    if isinstance(value, str) and isinstance(expected, str):
        return texts_differ(value, expected)
    return bool(value != expected) and str(value) != str(expected)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal, Fraction))


def _is_series(value: Any) -> bool:
    return isinstance(value, (list, tuple, deque, set, frozenset, range))


def _numbers_differ(value: Any, expected: Any) -> bool:
    if value == expected:
        return False
    if isinstance(value, int) and isinstance(expected, int):
        return True
    try:
        pair = float(value), float(expected)
    except OverflowError:
        return True
    if not all(map(math.isfinite, pair)):
        return repr(pair[0]) != repr(pair[1])
    return abs(pair[0] - pair[1]) > _APART * max(1.0, *map(abs, pair))
