"""The problems of the suite coding: each reference solves its problem, each plausible wrong solution does not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reward_kit.rewards.code_execution import fractional_code_reward

FOLDER = Path(__file__).parents[2] / "cases" / "coding"


def lines_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


SOURCE = lines_of("source.jsonl")
ROWS = {row["id"]: row for row in lines_of("dataset.jsonl")}
WRONG = {row["id"]: row["wrong"] for row in lines_of("wrong_solutions.jsonl")}


def score(row: dict[str, Any], program: str) -> float:
    message = {"role": "assistant", "content": f"```python\n{program}\n```"}
    messages = [*row["messages"][:-1], message]
    graded = fractional_code_reward(messages, row["ground_truth"], entry_point=row.get("entry_point"))
    assert graded.outcome in ("passed", "wrong_answer"), graded.reason
    return graded.score


def test_there_are_problems_of_every_form_and_topic_each_with_enough_tests():
    assert len(SOURCE) == len(ROWS) >= 60
    forms, topics = Counter(row["form"] for row in SOURCE), Counter(row["topic"] for row in SOURCE)
    assert set(forms) == {"stdin", "call", "assert"}
    assert min(forms.values()) >= 12
    wanted = ["strings", "numbers", "recursion", "parsing", "data structures", "dates", "floats", "big integers"]
    assert not [topic for topic in wanted if topics[topic] < 3]
    assert min(len(row["tests"]) for row in SOURCE) >= 5
    assert len({row["question"] for row in SOURCE}) == len(SOURCE)


@pytest.mark.parametrize("row_id", ROWS)
def test_the_reference_passes_and_two_plausible_wrong_solutions_do_not(row_id):
    row, source = ROWS[row_id], SOURCE[list(ROWS).index(row_id)]
    assert score(row, source["solution"]) == 1.0
    wrong = [score(row, program) for program in WRONG[row_id]]
    assert len(wrong) == 2
    assert len(set(WRONG[row_id])) == 2
    # Plausible: what fails every test would be refused by any reward.
    assert all(0.0 < one < 1.0 for one in wrong), wrong
