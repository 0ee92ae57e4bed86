"""The authored answers of the suites: each has the outcome it was written for, in the shares a model would have."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from reward_kit.dataset import read_dataset
from reward_kit.models import Outcome
from reward_kit.rewards.math import math_reward

CASES = Path(__file__).parents[2] / "cases"

# The rows whose answer was written not to pass; every other answer was written to pass.
NOT_PASSING: dict[str, dict[Outcome, str]] = {
    "math": {
        Outcome.TRUNCATED: "31 49 76 83 92",
        Outcome.AMBIGUOUS: "42 88",
        # 27 calls a tool instead of answering, 63 has its number in bold type but no box.
        Outcome.NO_ANSWER: "27 63",
        # 51 and 85 have a slip in one multiplication, 71 takes the mean of two means.
        Outcome.WRONG_ANSWER: "51 71 85",
    },
    "math_openr1": {
        Outcome.TRUNCATED: "1 8 17 27 36 46 53 66 70 83",
        Outcome.AMBIGUOUS: "13 50",
        Outcome.NO_ANSWER: "4 59",
        # 3, 15, 24 and 56 have a slip; 22 is rounded, 73 writes the expression in place of its letter.
        Outcome.WRONG_ANSWER: "3 15 22 24 56 73",
    },
}
SUITES = sorted(NOT_PASSING)
ID = {"math": "gsm8k-{:05d}", "math_openr1": "openr1-{:05d}"}
SHARES = {
    "math": {"passed": 88, "truncated": 5, "ambiguous": 2, "no_answer": 2, "wrong_answer": 3},
    "math_openr1": {"passed": 68, "truncated": 10, "ambiguous": 2, "no_answer": 2, "wrong_answer": 6},
}
APART = {"math": 9, "math_openr1": 5}


def rows_of(suite: str) -> list[Any]:
    return read_dataset(CASES / suite / "dataset.jsonl")


def answers_of(suite: str) -> dict[str, dict[str, Any]]:
    """Each row's only answer."""
    lines = [json.loads(line) for line in (CASES / suite / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [row.id for row in rows_of(suite)]
    assert {len(line["answers"]) for line in lines} == {1}
    return {line["id"]: line["answers"][0] for line in lines}


def intended(suite: str) -> dict[str, Outcome]:
    outcomes = dict.fromkeys((row.id for row in rows_of(suite)), Outcome.PASSED)
    for outcome, numbers in NOT_PASSING[suite].items():
        outcomes |= {ID[suite].format(int(number)): outcome for number in numbers.split()}
    return outcomes


def told(answer: dict[str, Any]) -> str:
    return f"{answer.get('reasoning_content') or ''}\n{answer['content'] or ''}"


def visible(answer: dict[str, Any]) -> str:
    return (answer["content"] or "").rpartition("</think>")[2].strip()


def graded(suite: str) -> dict[str, Outcome | None]:
    answers = answers_of(suite)
    return {
        row.id: math_reward(
            [*row.prompt, {"role": "assistant", **answers[row.id]}], ground_truth=row.ground_truth, **row.columns
        ).outcome
        for row in rows_of(suite)
    }


@pytest.mark.parametrize("suite", SUITES)
def test_every_answer_is_graded_as_it_was_meant(suite):
    assert graded(suite) == intended(suite)


@pytest.mark.parametrize("suite", SUITES)
def test_the_shares_are_those_the_thresholds_were_chosen_for(suite):
    outcomes = Counter(str(outcome) for outcome in graded(suite).values())
    assert outcomes == SHARES[suite]
    limits = tomllib.loads((CASES / suite / "suite.toml").read_text(encoding="utf-8"))["regenerate"]
    rows = outcomes.total()
    # Not so low that many more answers could go wrong unnoticed.
    assert 0 <= outcomes["passed"] / rows - limits["pass_rate"] < 0.05
    assert 0 <= limits["max_truncated"] - outcomes["truncated"] / rows < 0.02


@pytest.mark.parametrize("suite", SUITES)
def test_an_answer_is_cut_off_exactly_where_the_server_says_so(suite):
    meant = intended(suite)
    for row_id, answer in answers_of(suite).items():
        cut = meant[row_id] is Outcome.TRUNCATED
        assert (answer["finish_reason"] == "length") == cut, row_id
        # A text that the token limit ended used all of them, and stops within a sentence.
        assert (answer.get("usage") == {"completion_tokens": 4000}) == cut, row_id
        if cut:
            assert re.search(r"[\w,:=]$", told(answer).rstrip()), row_id


@pytest.mark.parametrize("suite", SUITES)
def test_reasoning_stands_in_one_block_or_apart(suite):
    answers = answers_of(suite)
    apart = {row_id for row_id, answer in answers.items() if "reasoning_content" in answer}
    assert len(apart) == APART[suite]
    for row_id, answer in answers.items():
        content = answer["content"] or ""
        closed = answer["finish_reason"] == "stop" or "</think>" in content
        opened, ended = (0, 0) if row_id in apart else (1, int(closed))
        assert (content.count("<think>"), content.count("</think>")) == (opened, ended), row_id
        assert row_id in apart or content.startswith("<think>\n"), row_id
        assert not ended or re.search(r"\S\n</think>\n\n\S", content), row_id


@pytest.mark.parametrize(
    ("row_id", "box"),
    [("gsm8k-00023", "312"), ("gsm8k-00090", "18937.15"), ("gsm8k-00076", "205"), ("gsm8k-00092", "6.2")],
)
def test_a_box_inside_the_thinking_block_is_there_to_be_overlooked(row_id, box):
    """The first two box another value than they answer in the end, the others box the gold before they are cut off."""
    answer = answers_of("math")[row_id]
    assert f"\\boxed{{{box}}}" in answer["content"].partition("</think>")[0]
    assert f"\\boxed{{{box}}}" not in answer["content"].partition("</think>")[2]


def test_a_tool_call_has_no_content():
    calls = {row_id: answer for row_id, answer in answers_of("math").items() if "tool_calls" in answer}
    assert list(calls) == ["gsm8k-00027"]
    (answer,) = calls.values()
    assert (answer["content"], answer["finish_reason"]) == (None, "tool_calls")
    assert json.loads(answer["tool_calls"][0]["function"]["arguments"]) == {"expression": "2 * (8*60 - 40) * 1800"}


@pytest.mark.parametrize("suite", SUITES)
def test_answers_are_short_and_each_is_written_for_its_row(suite):
    answers = answers_of(suite)
    lengths = {row_id: len(told(answer)) for row_id, answer in answers.items()}
    assert {row_id: length for row_id, length in lengths.items() if not 200 <= length <= 900} == {}
    openings = Counter(visible(answer)[:25] for answer in answers.values() if visible(answer))
    assert {opening for opening, times in openings.items() if times > 1} == set()
    references = {row.reference["content"] for row in rows_of(suite)}
    assert not references & {visible(answer) for answer in answers.values()}


def value_in(box: str) -> Fraction:
    """The number in a box of the math suite, read without the reward."""
    plain = re.sub(r"\\[dt]?frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))", lambda m: "/".join(filter(None, m.groups())), box)
    plain = re.sub(r"\\text\{[^}]*\}|\^\d|\{,\}|(?<=\d),(?=\d{3})|\\,(?=\d)|\\\$", "", plain)
    (found,) = re.findall(r"-?\d+(?:\.\d+|/\d+)?", plain)
    return Fraction(found)


def test_the_number_in_the_box_is_right_exactly_where_the_answer_was_meant_to_pass():
    answers, meant = answers_of("math"), intended("math")
    compared = 0
    for row in rows_of("math"):
        boxes = re.findall(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}", visible(answers[row.id]))
        if meant[row.id] in (Outcome.PASSED, Outcome.WRONG_ANSWER):
            (box,) = boxes  # one answer, once
            assert (value_in(box) == Fraction(row.ground_truth)) == (meant[row.id] is Outcome.PASSED), row.id
            compared += 1
    assert compared == 91
