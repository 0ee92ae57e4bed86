"""The gsm8k layout: gold and reference come from different places, nothing is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_kit.models import Row
from reward_kit.prepare.base import Prepared, Reason, RejectedError
from reward_kit.prepare.layouts import LAYOUTS

QUESTION = "A jar holds 48 sweets. Half are red. How many are red?"


def source(answer: str, question: str = QUESTION) -> dict[str, Any]:
    return {"question": question, "answer": answer}


def prepare(record: dict[str, Any], row_id: str = "a", line: int = 1) -> Prepared:
    return LAYOUTS["gsm8k"]({}).prepare(record, row_id, line)


def reference_of(answer: str) -> str:
    return str(prepare(source(answer)).row.messages[1]["content"])


def test_the_gold_is_the_last_line_and_the_reference_the_worked_solution() -> None:
    prepared = prepare(source("Half of 48 is 48/2=<<48/2=24>>24 sweets.\n#### 24"), "gsm8k-00000", 7)

    assert prepared.raw_gold == "24"
    assert prepared.row == Row(
        "gsm8k-00000",
        (
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": "Half of 48 is 48/2=24 sweets.\n\nThe final answer is $\\boxed{24}$."},
        ),
        "24",
        {},
        7,
    )


@pytest.mark.parametrize(
    "gold", ["448000", "1080", "-5", "0.75", ".35625", "3/4", "$5", "50%", "1 200", "24 sweets", "\u221224"]
)
def test_the_gold_stays_as_the_source_writes_it(gold: str) -> None:
    for line in (f"#### {gold}", f"####   {gold}  \n"):
        prepared = prepare(source(f"<<1+1=2>>2\n{line}"))
        assert (prepared.row.ground_truth, prepared.raw_gold) == (gold, gold)


def test_thousands_separators_go_from_the_gold_and_stay_in_the_raw_one() -> None:
    prepared = prepare(source("<<1+1=2>>2\n#### 1,234,567"))

    assert (prepared.row.ground_truth, prepared.raw_gold) == ("1234567", "1,234,567")


def test_a_wrong_gold_disagrees_with_the_reference() -> None:
    """Cut from one text, the two would agree by construction and step local would prove nothing."""
    row = prepare(source("<<1000+200=1200>>1200\n#### 120")).row

    assert row.ground_truth == "120"
    assert "\\boxed{1200}" in row.messages[1]["content"]


@pytest.mark.parametrize(
    ("answer", "result", "steps"),
    [
        ("<<1+1=2>>2 and <<2*3=6>>6.\n#### 6", "6", "2 and 6."),
        ("<<2==2.0>>2\n#### 2", "2.0", "2"),
        ("<<10/4= 2.5 >>2.5\n#### 2.5", "2.5", "2.5"),
        ("No #### here: <<3*3=9>>9\n\nDone.\r\n#### 9", "9", "No #### here: 9\n\nDone."),
    ],
)
def test_marks_are_taken_out_and_the_last_result_is_boxed(answer: str, result: str, steps: str) -> None:
    assert reference_of(answer) == f"{steps}\n\nThe final answer is $\\boxed{{{result}}}$."


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "no text in column 'question'"),
        ({"question": QUESTION}, "no text in column 'answer'"),
        (source("  "), "no text in column 'answer'"),
        (source("24", question=" \n"), "no text in column 'question'"),
        ({"question": 3, "answer": "<<1+1=2>>2\n#### 2"}, "no text in column 'question'"),
        ({"question": QUESTION, "answer": ["#### 2"]}, "no text in column 'answer'"),
        (source("<<1+1=2>>2"), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2\n####2"), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2\n####"), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2\n#### "), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2\n#### 2\nThat is it."), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2 #### 2"), "last line is not '#### <gold>'"),
        (source("#### 2"), "no working"),
        (source("\n \n#### 2"), "no working"),
        (source("<<1+1>>2\n#### 2"), "calculator mark that is not <<calculation=result>>: <<1+1"),
        (source("<<1+1=2\n#### 2"), "calculator mark that is not <<calculation=result>>: <<1+1=2"),
    ],
)
def test_a_row_that_would_lose_something_is_refused(row: dict[str, Any], problem: str) -> None:
    with pytest.raises(RejectedError, match=re.escape(problem)) as caught:
        prepare(row)
    assert not caught.value.finding.reason.stops


words = st.text(st.characters(codec="utf-8", categories=["Lu", "Ll"]), min_size=1)


@given(question=words, steps=st.lists(words, min_size=1, max_size=4), gold=words, result=st.integers())
def test_text_without_marks_comes_through_unchanged(question: str, steps: list[str], gold: str, result: int) -> None:
    working = "\n".join(steps) + f" <<1={result}>>"
    row = prepare(source(f"{working}\n#### {gold}", question)).row

    assert row.messages[0]["content"] == question
    assert row.ground_truth == gold
    assert reference_of(f"{working}\n#### {gold}").endswith(f"$\\boxed{{{result}}}$.")
    assert str(row.messages[1]["content"]).startswith("\n".join(steps))


# -- what a working comes to: the reference's final answer, which never comes from the gold -------------------------

BEYOND_THE_GOLD = "#### 999"


@pytest.mark.parametrize(
    ("working", "result"),
    [
        # The last computed number, marked or not.
        ("48/2=<<48/2=24>>24 red.\nThen 24/4 = 6 sweets.", "6"),
        ("She has 75-55 = $<<75-55=20>>20 left.\nEach top was 20/4 = $5", "5"),
        ("2 + 1 1/2 + 3 1/2 = 7 square feet", "7"),
        ("So there are 30+6 = <<30+6=36>>36 pages in 240 minutes.", "36"),
        ("Half of 2 is 1, because 2 / 2 equals 1.", "1"),
        ("Each gets 650 000 / 2 = 325 000 cars", "325000"),
        ("The total is 1,000 + 234 = 1,234.", "1,234"),
        # Its own sentence says it anew.
        ("768/50 = <<768/50=15.36>>15.36 minutes, which rounds down to 15 minutes", "15"),
        ("6/3 = .5 hour which is 30 minutes.", "30"),
        # A sentence behind it says what it means.
        ("5+6 = <<5+6=11>>11.\nThus the code ends in 11026.", "11026"),
        ("40/20 = 2 slices a child. Therefore she cuts each pizza into 8 slices.", "8"),
    ],
)
def test_the_reference_ends_in_what_the_working_comes_to(working: str, result: str) -> None:
    assert reference_of(f"{working}\n{BEYOND_THE_GOLD}").endswith(f"\n\nThe final answer is $\\boxed{{{result}}}$.")


@pytest.mark.parametrize(
    "working",
    [
        "She is well rested.",
        "3*8 = <<3*8=24>>24 and 5*5 = <<5*5=25>>25.\nThe 24 are fewer than the 25.",
        "16*2 = <<16*2=32>>32 feet. It took three days to pass the window.",
        "180*120 = <<180*120=21600>>21600. Since each tile is 1 square inch, so many are needed.",
    ],
)
def test_a_working_that_does_not_say_what_it_comes_to_keeps_the_sources_own_last_line(working: str) -> None:
    row = prepare(source(f"{working}\n{BEYOND_THE_GOLD}")).row

    assert row.columns == {"reference_final": "gold"}
    assert str(row.messages[1]["content"]).endswith(BEYOND_THE_GOLD)


def test_a_picture_beside_the_text_is_not_dropped_in_silence() -> None:
    with pytest.raises(RejectedError) as caught:
        prepare({**source("<<1+1=2>>2\n#### 2"), "image": {"bytes": "..."}})
    assert caught.value.finding.reason is Reason.IMAGE_NEEDED
