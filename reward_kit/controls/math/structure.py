"""Answers with parts, proved different part by part: tuples, sets, intervals, matrices, equations, choices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reward_kit.controls.math import realsets
from reward_kit.controls.math.latex import choice_of, enclosed, matrix_of, split, tokens, written
from reward_kit.controls.math.numbers import read_number
from reward_kit.controls.math.symbolic import NotReadError, apart, curve_leaves, families_apart, less, value_of

Parts = Sequence[str]

_COMMA = frozenset([",", ";"])
_RELATIONS = frozenset(["=", "<", ">", "\\le", "\\leq", "\\ge", "\\geq", "\\ne", "\\neq", "\\in"])
_BELOW = frozenset(["<", "\\le", "\\leq"])
#: What an equation may have on its left as a mere name of its right: x, x_1, M', f(x).
_LABEL = re.compile(r"[A-Za-z](?:_\{?\w{1,3}\}?|')?(?:\([a-z]\))?")
_UNIT = re.compile(r"(?P<core>.*?)(?P<unit>\\(?:text|mathrm|textrm|mbox)\{[^{}]*\}(?:\^\{?\d\}?)?|\\%|\^\{?\\circ\}?)")


def differs(gold: str, other: str) -> str | None:
    """Why the two are different answers, in words; None where that is not proved."""
    first, second = choice_of(gold), choice_of(other)
    if first and second:
        return f"choice {second} is not choice {first}" if first != second else None
    try:
        return _differs(tokens(_undelimited(gold)), tokens(_undelimited(other)))
    except NotReadError:
        return None


def _undelimited(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "$" and text.count("$") == 2 else text


def _differs(gold: Parts, other: Parts) -> str | None:
    """Both texts must have one shape: the first that the gold has decides."""
    for shape in (_real_sets, _matrices, _lists, _bracketed, _relations, _families, _quantities):
        applies, proof = shape(gold, other)
        if applies:
            return proof
    return None


_Shape = tuple[bool, str | None]
_NOT_THIS: _Shape = (False, None)


def _real_sets(gold: Parts, other: Parts) -> _Shape:
    """Unions and half-open intervals; an open (a, b) may be a point and is compared like one."""
    first, second = realsets.read(gold), realsets.read(other)
    if first is None or second is None:
        return _NOT_THIS
    witness = realsets.point_in_one_only(first, second)
    return True, f"{float(witness):.6g} lies in one of the sets only" if witness is not None else None


def _matrices(gold: Parts, other: Parts) -> _Shape:
    first, second = matrix_of(gold), matrix_of(other)
    if first is None or second is None:
        return _NOT_THIS
    if first[0] != second[0] or [len(row) for row in first[1]] != [len(row) for row in second[1]]:
        return True, None
    return True, _some_pair([entry for row in first[1] for entry in row], [entry for row in second[1] for entry in row])


def _lists(gold: Parts, other: Parts) -> _Shape:
    """Several answers side by side, in any order: one of the new ones must differ from every one of the gold."""
    first, second = split(gold, _COMMA), split(other, _COMMA)
    if len(first) == 1:
        return _NOT_THIS
    return True, _unlike([piece.parts for piece in first], [piece.parts for piece in second])


def _bracketed(gold: Parts, other: Parts) -> _Shape:
    brackets = enclosed(gold)
    if brackets is None:
        return _NOT_THIS
    first, second = (split(parts[1:-1], _COMMA) for parts in (gold, other))
    if enclosed(other) != brackets or (brackets[0] != "\\{" and len(first) != len(second)):
        return True, None
    if len(first) == 1 and brackets == ("(", ")"):
        return _NOT_THIS  # a mere expression in parentheses
    pairs = [piece.parts for piece in first], [piece.parts for piece in second]
    return True, _unlike(*pairs) if brackets[0] == "\\{" else _some_pair(*pairs)


def _relations(gold: Parts, other: Parts) -> _Shape:
    """`name = value` by the value; an equation between names by a point that solves one and not the other."""
    first, second = split(gold, _RELATIONS), split(other, _RELATIONS)
    if len(first) == 1:
        return _NOT_THIS
    if [piece.separator for piece in first] != [piece.separator for piece in second]:
        return True, None
    if len(first) == 3:
        return True, _chains([piece.parts for piece in first], [piece.parts for piece in second], first[1].separator)
    if len(first) > 3:
        return True, None
    (left, right), (other_left, other_right) = ((piece.parts for piece in side) for side in (first, second))
    if _LABEL.fullmatch("".join(left)):
        return True, _differs(right, other_right) if left == other_left else None
    if first[1].separator != "=":
        return True, None
    if curve_leaves(_value(left) - _value(right), _value(other_left) - _value(other_right)):
        return True, "a real point solves one equation and not the other"
    return True, None


def _chains(gold: Sequence[Parts], other: Sequence[Parts], relation: str) -> str | None:
    """`1 < x \\le 5` by its ends, where numbers lie between those of the gold: else both say nothing."""
    low, high = (gold[0], gold[2]) if relation in _BELOW else (gold[2], gold[0])
    named = gold[1] == other[1] and _LABEL.fullmatch("".join(gold[1]))
    return _some_pair(gold[::2], other[::2]) if named and less(_value(low), _value(high)) else None


def _families(gold: Parts, other: Parts) -> _Shape:
    """Antiderivatives f(x) + C, by what stands before the constant of integration."""
    ends = ["+", "C"]
    if list(gold[-2:]) != ends or "C" in gold[:-2]:
        return _NOT_THIS
    if list(other[-2:]) != ends or "C" in other[:-2]:
        return True, None
    varies = families_apart(_value(gold[:-2]), _value(other[:-2]))
    return True, "they differ by more than a constant" if varies else None


def _quantities(gold: Parts, other: Parts) -> _Shape:
    """Expressions by their values; behind both the same unit may stand."""
    core, unit = _without_unit(gold)
    other_core, other_unit = _without_unit(other)
    if unit != other_unit:
        return True, None
    shown = f"{other_core} is not {core}"
    first, second = read_number(core), read_number(other_core)
    if first is not None and second is not None:
        return True, shown if first.value != second.value and first.after == second.after else None
    return True, f"{shown}: their values differ" if apart(value_of(core), value_of(other_core)) else None


def _value(parts: Parts) -> Any:
    return value_of(written(parts))


def _without_unit(parts: Parts) -> tuple[str, str]:
    text = written(parts)
    match = _UNIT.fullmatch(text)
    return (match["core"], match["unit"]) if match else (text, "")


def _some_pair(first: Sequence[Parts], second: Sequence[Parts]) -> str | None:
    """In order: one pair that is proved different makes the whole different."""
    return next((proof for pair in zip(first, second, strict=True) if (proof := _proved(*pair))), None)


def _unlike(first: Sequence[Parts], second: Sequence[Parts]) -> str | None:
    """In any order: an item too many of either side makes the whole different."""
    if len(second) < len(first):
        return _missing(first, second)
    return _foreign(first, second) if len(first) == len(second) else None


def _missing(first: Sequence[Parts], second: Sequence[Parts]) -> str | None:
    """An item of the gold that is proved different from every item of the other text.

    Only of constants: the equation y = 2x may follow from the others, and with k all multiples of 2k are there.
    """
    if not all(map(_is_constant, first)):
        return None
    for item in first:
        if all(_proved(own, item) or _of_another_name(own, item) for own in second):
            return f"{written(item)} of the gold's {len(first)} items is missing"
    return None


def _is_constant(parts: Parts) -> bool:
    """A number, a tuple of them, or a name for either (x = 3)."""
    sides = split(parts, frozenset(["="]))
    if len(sides) == 2 and _LABEL.fullmatch("".join(sides[0].parts)):
        parts = sides[1].parts
    if enclosed(parts) == ("(", ")"):
        return all(_is_constant(piece.parts) for piece in split(parts[1:-1], _COMMA))
    return {symbol.name for symbol in _value(parts).free_symbols} <= {"i", "e"}


def _foreign(first: Sequence[Parts], second: Sequence[Parts]) -> str | None:
    """In any order: an item that is proved different from every item of the gold makes the whole different."""
    for item in second:
        if list(item) in [list(own) for own in first]:
            continue
        if all(_proved(own, item) or _of_another_name(own, item) for own in first):
            return f"{written(item)} is none of the gold's {len(first)} items"
    return None


def _of_another_name(first: Parts, second: Parts) -> bool:
    """`a = -2` and `b = -2` say something of different things."""
    names = [split(parts, frozenset(["="])) for parts in (first, second)]
    if any(len(sides) != 2 or not _LABEL.fullmatch("".join(sides[0].parts)) for sides in names):
        return False
    return tuple(names[0][0].parts) != tuple(names[1][0].parts)


def _proved(first: Parts, second: Parts) -> str | None:
    try:
        return _differs(first, second)
    except NotReadError:
        return None
