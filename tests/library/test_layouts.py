"""The layouts openr1 and columns: what becomes the prompt, the reference and the gold, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from reward_kit.errors import PrepareError
from reward_kit.models import Row
from reward_kit.prepare.base import Prepared, Reason, RejectedError
from reward_kit.prepare.layouts import LAYOUTS

OPENR1 = {"problem": "How many primes are even?", "solution": "Only 2, so \\boxed{1}.", "answer": "1"}
MAPPING = {"query": "task", "solution": "worked", "ground_truth": "key"}


def openr1(**changes: Any) -> Prepared:
    return LAYOUTS["openr1"]({}).prepare({**OPENR1, **changes}, "openr1-00000", 3)


def columns(record: dict[str, Any], mapping: dict[str, str] | None = None) -> Prepared:
    return LAYOUTS["columns"](mapping or MAPPING).prepare(record, "columns-00000", 1)


def reason_of(call: Any, *args: Any, **changes: Any) -> Reason:
    with pytest.raises(RejectedError) as caught:
        call(*args, **changes)
    return caught.value.finding.reason


def test_a_layout_with_its_own_columns_takes_no_mapping() -> None:
    for name in ("gsm8k", "openr1"):
        with pytest.raises(PrepareError, match="has its own columns"):
            LAYOUTS[name]({"query": "question"})


# -- openr1 --------------------------------------------------------------------------------------------------------


def test_an_openr1_solution_is_left_as_it_is() -> None:
    """Nothing is appended to it to make it agree."""
    prepared = openr1(uuid="u-1", generations=["..."], messages=[{"role": "user", "content": "?"}])

    assert prepared == Prepared(
        Row(
            "openr1-00000",
            (
                {"role": "user", "content": OPENR1["problem"]},
                {"role": "assistant", "content": OPENR1["solution"]},
            ),
            "1",
            {"uuid": "u-1"},
            3,
        ),
        "1",
    )


def test_an_openr1_gold_loses_its_typesetting_only() -> None:
    prepared = openr1(answer=" $\\frac{1}{2}$. ")

    assert (prepared.row.ground_truth, prepared.raw_gold) == ("\\frac{1}{2}", " $\\frac{1}{2}$. ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": " "}, Reason.SCHEMA_VIOLATION),
        ({"answer": None}, Reason.SCHEMA_VIOLATION),
        ({"answer": "$ $"}, Reason.PROOF_OR_NO_ANSWER),
        ({"answer": "\\boxed{}"}, Reason.PROOF_OR_NO_ANSWER),
        ({"problem": ["a", "b"]}, Reason.SCHEMA_VIOLATION),
        ({"solution": ""}, Reason.SCHEMA_VIOLATION),
        ({"images": ["..."]}, Reason.IMAGE_NEEDED),
        ({"decoded_image": {"bytes": "..."}}, Reason.IMAGE_NEEDED),
    ],
)
def test_an_openr1_record_that_makes_no_row(changes: dict[str, Any], reason: Reason) -> None:
    assert reason_of(openr1, **changes) is reason


def test_an_empty_column_for_images_is_no_image() -> None:
    assert openr1(images=[], image=None).row.ground_truth == "1"


# -- columns -------------------------------------------------------------------------------------------------------


def test_named_columns_become_prompt_reference_and_gold() -> None:
    row = columns({"task": " 1+1? ", "worked": "It is \\boxed{2}.", "key": " 2 ", "level": 3}).row

    assert [message["content"] for message in row.messages] == ["1+1?", "It is \\boxed{2}."]
    assert (row.ground_truth, row.columns) == ("2", {})


def test_a_solution_is_optional() -> None:
    row = columns({"task": "1+1?", "key": "2"}, {"query": "task", "ground_truth": "key"}).row

    assert [message["role"] for message in row.messages] == ["user"]


@pytest.mark.parametrize(
    ("raw", "gold"),
    [("1,234", "1,234"), ("$5$", "$5$"), (42, "42"), (0.1, "0.1"), (["\\pi"], "\\pi"), (8.854e-12, "8.854e-12")],
)
def test_a_gold_is_taken_as_it_is(raw: Any, gold: str) -> None:
    prepared = columns({"task": "?", "worked": "!", "key": raw})

    assert (prepared.row.ground_truth, prepared.raw_gold) == (gold, raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, Reason.PROOF_OR_NO_ANSWER),
        ("  ", Reason.PROOF_OR_NO_ANSWER),
        ([], Reason.PROOF_OR_NO_ANSWER),
        (math.nan, Reason.PROOF_OR_NO_ANSWER),
        (["1", "2"], Reason.MULTI_PART_GOLD),
        (True, Reason.SCHEMA_VIOLATION),
        ({"value": 1}, Reason.SCHEMA_VIOLATION),
    ],
)
def test_a_gold_that_is_no_single_answer_is_refused(raw: Any, reason: Reason) -> None:
    assert reason_of(columns, {"task": "?", "worked": "!", "key": raw}) is reason


def test_of_two_solutions_none_is_chosen() -> None:
    assert columns({"task": "?", "worked": ["\\boxed{1}"], "key": "1"}).row.messages[1]["content"] == "\\boxed{1}"
    assert reason_of(columns, {"task": "?", "worked": ["a", "b"], "key": "1"}) is Reason.SCHEMA_VIOLATION


def test_a_query_can_be_messages_or_content_parts() -> None:
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"}]
    parts = [{"type": "text", "text": "1+1?"}]

    assert list(columns({"task": chat, "worked": "2", "key": "2"}).row.messages[:2]) == chat
    assert columns({"task": parts, "worked": "2", "key": "2"}).row.messages[0] == {"role": "user", "content": parts}
    for broken in ([], ["1+1?"], [{"text": "1+1?"}], [*chat, {"role": "assistant", "content": "2"}]):
        assert reason_of(columns, {"task": broken, "worked": "2", "key": "2"}) is Reason.SCHEMA_VIOLATION


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({}, "needs query"),
        ({"query": "q"}, "needs ground_truth"),
        ({"query": "q", "ground_truth": "a", "answer": "a"}, "does not know 'answer'"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_what_is_missing(mapping: dict[str, str], problem: str) -> None:
    with pytest.raises(PrepareError, match=problem):
        LAYOUTS["columns"](mapping)


def test_another_mapping_is_another_layout_to_an_interrupted_run() -> None:
    one, other = ({**MAPPING, "query": name} for name in ("task", "problem"))

    assert LAYOUTS["columns"](one).fingerprint() != LAYOUTS["columns"](other).fingerprint()
