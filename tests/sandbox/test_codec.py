"""Plain data crosses exactly; nothing else does, and nothing brings behaviour along."""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_kit.sandbox import codec

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**400), max_value=10**400),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(categories=None, exclude_categories=())),
    st.binary(),
    st.builds(bytearray, st.binary()),
    st.decimals(min_value=-(10**30), max_value=10**30),
    st.sampled_from([Decimal("NaN"), Decimal("-Infinity"), Decimal("-0"), Decimal("1.50")]),
    st.fractions(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(timezone(timedelta(hours=5, minutes=30)))),
    st.times(),
    st.timedeltas(),
    st.builds(range, st.integers(-99, 99), st.integers(-99, 99), st.integers(1, 9)),
)
KEYS = st.one_of(st.integers(), st.text(), st.tuples(st.integers(), st.text()), st.frozensets(st.integers()))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(KEYS, inner), st.lists(inner).map(deque)
    ),
)


def alike(one: Any, other: Any) -> bool:
    """Equal in value and in type, all the way down; nan is nan, and -0.0 is not 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one.hex() == other.hex()
    if isinstance(one, complex):
        return alike(one.real, other.real) and alike(one.imag, other.imag)
    if isinstance(one, Decimal):
        return str(one) == str(other)
    if isinstance(one, list | tuple | deque):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return alike(list(one), list(other)) and all(alike(one[key], other[key]) for key in one)
    return bool(one == other)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_plain_data_crosses_exactly(value: Any) -> None:
    assert alike(codec.loads(codec.dumps(value)), value)


@given(st.sets(KEYS), st.frozensets(KEYS))
@settings(max_examples=50, deadline=None)
def test_sets_cross_as_sets(some: set[Any], frozen: frozenset[Any]) -> None:
    got = codec.loads(codec.dumps((some, frozen)))
    assert got == (some, frozen)
    assert [type(one) for one in got] == [set, frozenset]


@pytest.mark.parametrize(
    "value", ["\ud83d\ude00", "\udcff", "a\x00b", "\u2028", 10**4000, -(2**62), 2**62, -0.0, math.inf]
)
def test_what_other_codecs_lose_survives(value: Any) -> None:
    assert alike(codec.loads(codec.dumps(value)), value)


class Colour(IntEnum):
    RED = 1


class Sly(str):
    """Equal to everything."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Colour.RED, 1),
        (Sly("x"), "x"),
        (Point(1, 2), (1, 2)),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, {1: [2]}), {1: [2]}),
        ([Sly("x")], ["x"]),
    ],
)
def test_a_subclass_crosses_as_the_type_it_extends(value: Any, plain: Any) -> None:
    assert alike(codec.loads(codec.dumps(value)), plain)


@pytest.mark.parametrize("value", [object(), len, int, (x for x in []), {1: object()}, iter([])])
def test_what_is_not_plain_data_does_not_cross(value: Any) -> None:
    with pytest.raises(codec.NotPlainError):
        codec.dumps(value)


def test_a_list_that_holds_itself_does_not_cross() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(codec.NotPlainError, match="holds itself"):
        codec.dumps(endless)


def test_a_small_object_that_unfolds_to_a_huge_one_does_not_cross() -> None:
    value: list[Any] = []
    for _ in range(60):
        value = [value, value]
    with pytest.raises(codec.NotPlainError, match="values"):
        codec.dumps(value)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        b"{",
        b"[" * 100_000,
        b'{"zz": 1}',
        b'{"i": 5}',
        b'{"i": "0x1", "t": []}',
        b'{"d": [[[], 1]]}',
        b'{"d": [1]}',
        b'{"s": "abc"}',
        b'{"n": "1e999999999"}',
        b'{"f": [1, 0]}',
        b'{"c": [1]}',
        b'{"r": [1, 2, 0]}',
        b'{"m": "yesterday"}',
        b'{"l": [1e300, 0, 0]}',
        b'{"q": [[], -1]}',
        b"9" * 5000,
    ],
)
def test_a_forged_message_is_a_value_error_and_nothing_else(message: bytes) -> None:
    with pytest.raises(ValueError):
        codec.loads(message)


def test_keys_made_to_collide_are_refused_before_a_table_is_built() -> None:
    modulus = 2**61 - 1
    forged = {"s": [{"i": hex(modulus * n)} for n in range(1, 50_000)]}
    with pytest.raises(ValueError, match="collide"):
        codec.loads(json.dumps(forged).encode())


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from([*"icbBtszdqrnfmDhl", "zz"]), inner, max_size=2)
        ),
    )
)
@settings(max_examples=300, deadline=None)
def test_no_message_decodes_to_anything_but_builtin_types(message: Any) -> None:
    try:
        value = codec.loads(json.dumps(message).encode())
    except ValueError:
        return
    assert codec.dumps(value)
    assert type(value).__module__ in ("builtins", "collections", "decimal", "fractions", "datetime")
