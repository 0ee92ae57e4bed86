"""Golds come through preparing with their value: what a normaliser does is proved by a reader that is not its own."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_kit.prepare.base import Reason
from reward_kit.prepare.golds import check_normalised, gold_digest, latex_gold, number_gold


@pytest.mark.parametrize(
    ("raw", "gold"),
    [
        ("448000", "448000"),
        ("  1,234,567 ", "1234567"),
        ("-1,200.50", "-1200.50"),
        ("$1,200", "$1200"),
        ("50%", "50%"),
        ("$5", "$5"),
        ("24 sweets", "24 sweets"),
        ("12,34", "12,34"),
        ("0,123", "0,123"),
        ("1,2000", "1,2000"),
        ("1 200", "1 200"),
        (".35625", ".35625"),
        ("\u22123", "\u22123"),
    ],
)
def test_of_a_number_only_blanks_and_thousands_separators_go(raw: str, gold: str) -> None:
    assert number_gold(raw) == gold
    assert check_normalised(raw, gold) is None


@pytest.mark.parametrize(
    ("raw", "gold"),
    [
        (r"\frac 59", r"\frac 59"),
        ("5r^5", "5r^5"),
        (r"\sqrt{51}", r"\sqrt{51}"),
        (r"-\ln 2", r"-\ln 2"),
        ("1,3,5", "1,3,5"),
        ("1,234", "1,234"),
        (r"$\frac{1}{2}$", r"\frac{1}{2}"),
        ("$$5$$", "5"),
        (r"\(x=1\)", "x=1"),
        (r"\[ (1,2] \]", "(1,2]"),
        (r"\boxed{\boxed{3}}.", "3"),
        (r" $\boxed{x^{2}}$. ", "x^{2}"),
        ("5.", "5"),
        (r"2\ ", "2"),
        ("x  =  1", "x = 1"),
        ("$t(0,4]$.", "t(0,4]"),
        # Not outer: each of these would become something else.
        ("$1$, $2$", "$1$, $2$"),
        (r"\boxed{1},\boxed{2}", r"\boxed{1},\boxed{2}"),
        (r"\$5", r"\$5"),
        ("5 p.m.", "5 p.m."),
        (r"\left(1,2\right.", r"\left(1,2\right."),
        (r"\text{a  b}", r"\text{a  b}"),
        # Broken stays broken: a repair would be a guess.
        (r"v_{R}=4\mathrm{~}/\mathrm{}", r"v_{R}=4\mathrm{~}/\mathrm{}"),
    ],
)
def test_of_latex_only_what_typesets_the_whole_gold_goes(raw: str, gold: str) -> None:
    assert latex_gold(raw) == gold
    assert check_normalised(raw, gold) is None


@pytest.mark.parametrize(
    ("raw", "cut"),
    [
        ("448000", "448"),
        ("1,234,567", "1"),
        ("1,234", "1.234"),
        (".35625", "35625"),
        (".0000672", "672"),
        ("-3", "3"),
        (r"\frac 59", "59"),
        ("5r^5", "5"),
        (r"\sqrt{51}", "51"),
        (r"-\ln 2", "2"),
        ("f(n)=n+2", "2"),
        ("50%", "50"),
        ("$5", "5"),
        ("5 cm", "5"),
        ("(1,2]", "(1,2)"),
        ("t(0,4]", "0,4"),
        ("9,99", "999"),
        ("1" + "0" * 5000, "1" + "0" * 4999),
        (42, "42.0"),
        (8.854e-12, "0.0"),
        (["3", "4"], "3"),
        ({"value": 1}, {"value": 1.0}),
        (True, "1"),
    ],
)
def test_a_changed_gold_is_found_and_stops_the_run(raw: Any, cut: Any) -> None:
    found = check_normalised(raw, cut)

    assert found is not None
    assert found.reason is Reason.GOLD_CHANGED_BY_NORMALISER
    assert found.reason.stops


@pytest.mark.parametrize("raw", [42, 0.1, 8.854e-12, -3, ["3"], {"a": [1, {"b": None}]}])
def test_golds_that_are_no_text_keep_their_json_value(raw: Any) -> None:
    text = raw[0] if isinstance(raw, list) else raw if isinstance(raw, dict) else repr(raw)

    assert check_normalised(raw, text) is None
    assert check_normalised(raw, raw) is None


def test_a_row_that_is_still_to_be_labelled_has_nothing_to_lose() -> None:
    assert check_normalised(None, None) is None


@given(st.integers(), st.integers(min_value=0, max_value=40))
def test_a_number_of_any_length_survives_however_it_is_grouped(value: int, places: int) -> None:
    for raw in (str(value), f"{value:,}", f" {value:,}.{'7' * places or '0'} "):
        gold = number_gold(raw)
        assert Fraction(gold) == Fraction(raw.replace(",", "").strip())
        assert check_normalised(raw, gold) is None


@given(st.integers(min_value=10), st.data())
def test_no_digit_can_be_lost(value: int, data: st.DataObject) -> None:
    digits = str(value)
    place = data.draw(st.integers(min_value=0, max_value=len(digits) - 1))

    assert check_normalised(f"{value:,}", digits[:place] + digits[place + 1 :]) is not None


@given(st.text(max_size=30))
def test_whatever_the_text_normalising_is_either_proved_or_found(raw: str) -> None:
    for normalise in (number_gold, latex_gold):
        gold = normalise(raw)
        assert normalise(gold) == gold
        if check_normalised(raw, gold) is None:
            assert [sign for sign in raw if sign.isdigit()] == [sign for sign in gold if sign.isdigit()]


def test_the_digest_is_of_canonical_json() -> None:
    assert gold_digest("1") == hashlib.sha256(b'"1"').hexdigest()
    assert gold_digest({"a": 1, "b": [2]}) == gold_digest({"b": [2], "a": 1})
    assert len({gold_digest(value) for value in ("1", 1, 1.0, True, ["1"], "\uff11")}) == 6
