"""When a program's output, and a function's value, equal what was expected."""

from __future__ import annotations

import copy
import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_kit.rewards._code.comparison import is_plain, output_difference, values_equal


@pytest.mark.parametrize(
    ("expected", "given_output"),
    [
        ("3", "3\n"),
        ("3\n\n", "3"),
        ("a b\nc", "a b  \t\nc\n\n\n"),
        ("a\nb", "a\r\nb\r\n"),
        ("", "\n\n"),
        ("0.5", "0.5000000001"),
        ("1e-12", "0"),
        ("2.0", "2"),
        ("1.5e3 x", "1500 x"),
        ("nan inf", "NaN Infinity"),
        ("1e400", "1e400"),
        ("100000000000000000000000001", "100000000000000000000000001"),
    ],
)
def test_outputs_that_are_the_same(expected: str, given_output: str) -> None:
    assert output_difference(expected, given_output) == ""


@pytest.mark.parametrize(
    ("expected", "given_output"),
    [
        ("1\n2", "1 2"),
        ("1 2", "1  2"),
        ("1 2", " 1 2"),
        ("a\n\nb", "a\nb"),
        ("1\n2\n3", "1\n2"),
        ("1", "1\n2"),
        ("Yes", "yes"),
        ("6", "6.0"),
        ("100000000000000000000000001", "100000000000000000000000000"),
        ("1000000", "1000000.0000001"),
        ("0.5", "0.501"),
        ("0.5", "1/2"),
        ("0.5", "0_0.5"),
        ("0.5", "٠.٥"),
        ("inf", "-inf"),
        ("nan", "0"),
        ("1e400", "1e401"),
        ("1e400", "inf"),
        ("-1e-3", "1e-3"),
        ("x1.5", "x1.50"),
        ("", "0"),
        ("0", ""),
        ("\u00e9", "e\u0301"),
    ],
)
def test_outputs_that_differ(expected: str, given_output: str) -> None:
    assert output_difference(expected, given_output) != ""


def test_a_difference_says_where() -> None:
    assert output_difference("1\n2", "1\n3") == "line 2: expected '2', got '3'"
    assert output_difference("1\n2", "1") == "expected 2 lines, got 1"
    assert output_difference("1", "") == "expected '1', got no output"


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ([1, [2, 3]], (1, (2, 3))),
        ((1, 2), [1, 2]),
        (3.0, 3),
        (0.3, 0.1 + 0.2),
        (math.nan, math.nan),
        ([math.nan, {"a": math.nan}], [math.nan, {"a": math.nan}]),
        (math.inf, math.inf),
        ({1, 2}, frozenset((2, 1))),
        ({0.1 + 0.2}, {0.3}),
        ({"a": 1, "b": [2]}, {"b": (2,), "a": 1}),
        (10**400, 10**400),
        (-0.0, 0.0),
        (1 + 2j, 1 + 2.0000000001j),
        (bytearray(b"x"), bytearray(b"x")),
        (Decimal("1.50"), Decimal("1.5")),
        ("\ud800", "\ud800"),
        (range(3), range(3)),
    ],
)
def test_values_that_are_the_same(expected: Any, value: Any) -> None:
    assert values_equal(expected, value)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (1, True),
        (True, 1),
        (0, False),
        (3, 3.0),
        (3, "3"),
        ("3", 3),
        (None, False),
        (None, 0),
        ([1, 2], [1, 2, 3]),
        ([1, 2], [2, 1]),
        ([], {}),
        ([1, 2], {1, 2}),
        ([0, 1], range(2)),
        ({1: "a"}, {True: "a"}),
        ({1: "a"}, {1.0: "a"}),
        ({"1": "a"}, {1: "a"}),
        ({(1, 2): 0}, {(1, True): 0}),
        ({1, 2}, {True, 2}),
        ({1.0}, {1.1}),
        (1.0, 1 + 0j),
        (1.0, True),
        (1.5, 10**400),
        (10**400, 10**400 + 1),
        (10**20 + 1, 1e20),
        (math.nan, 0.0),
        (math.inf, 1e308),
        ("a", b"a"),
        (b"a", bytearray(b"a")),
        (Decimal(1), 1),
        (date(2024, 2, 29), datetime(2024, 2, 29)),
    ],
)
def test_values_that_differ(expected: Any, value: Any) -> None:
    assert not values_equal(expected, value)


class Agreeable:
    """Says yes to every comparison."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    def __len__(self) -> int:
        raise AssertionError("nobody asks it")


class AgreeableInt(int):
    __eq__ = Agreeable.__eq__
    __hash__ = Agreeable.__hash__


class AgreeableList(list[int]):
    __eq__ = Agreeable.__eq__  # type: ignore[assignment]
    __len__ = Agreeable.__len__


@pytest.mark.parametrize(
    "value", [Agreeable(), AgreeableInt(1), AgreeableList([1]), [Agreeable()], {"a": AgreeableInt()}]
)
def test_no_object_decides_its_own_equality(value: Any) -> None:
    for expected in (1, [1], {"a": 1}, value):
        assert not values_equal(expected, value)
        assert not values_equal(value, expected)


def test_values_that_are_nested_without_end_are_equal_to_nothing() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert not values_equal(deep, deep)
    circular: list[Any] = []
    circular.append(circular)
    assert not is_plain(circular)


ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
    | st.fractions().map(Fraction)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.timedeltas().map(lambda each: timedelta(seconds=each.total_seconds()))
)
KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.booleans())
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.frozensets(KEYS, max_size=4)
        | st.sets(KEYS, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_every_plain_value_equals_its_copy(value: Any) -> None:
    assert is_plain(value)
    assert values_equal(value, copy.deepcopy(value))


def with_first_integer_changed(value: Any, by: int) -> tuple[Any, bool]:
    """The value with the first integer in its lists, tuples and dicts changed, and whether there was one."""
    if type(value) is int:
        return value + by, True
    if type(value) in (list, tuple):
        items = list(value)
        for place, each in enumerate(items):
            items[place], changed = with_first_integer_changed(each, by)
            if changed:
                return type(value)(items), True
    if type(value) is dict:
        for key, each in value.items():
            new, changed = with_first_integer_changed(each, by)
            if changed:
                return {**value, key: new}, True
    return value, False


@given(VALUES, st.integers().filter(bool))
def test_a_changed_integer_is_never_equal(value: Any, by: int) -> None:
    other, changed = with_first_integer_changed(value, by)
    if changed:
        assert not values_equal(value, other)
        assert not values_equal(other, value)


@given(VALUES, VALUES)
def test_equal_values_have_equal_forms_and_no_pair_breaks_the_comparison(left: Any, right: Any) -> None:
    assert isinstance(values_equal(left, right), bool)


LINES = st.lists(st.text(alphabet="ab01.-e \t", max_size=12), max_size=6).map("\n".join)


@given(LINES)
def test_every_output_equals_itself_with_blanks_at_the_ends(text: str) -> None:
    assert output_difference(text, text) == ""
    assert output_difference(text, text.replace("\n", " \r\n") + "\n\n") == ""


@given(st.integers(), st.integers().filter(bool), LINES)
def test_a_changed_integer_in_an_output_is_seen(number: int, by: int, around: str) -> None:
    assert output_difference(f"{around}\n{number}", f"{around}\n{number + by}") != ""


@given(LINES, LINES)
def test_outputs_of_other_line_counts_differ(left: str, right: str) -> None:
    def count(text: str) -> int:
        lines = text.split("\n")
        while lines and not lines[-1].strip():
            lines.pop()
        return len(lines)

    if count(left) != count(right):
        assert output_difference(left, right) != ""
