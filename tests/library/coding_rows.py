"""Small rows of every form of tests, and programs executed on them."""

from __future__ import annotations

from typing import Any

from reward_kit.models import Row
from reward_kit.sandbox.shapes import Arguments, End, Job, Mode
from reward_kit.sandbox.shared import shared_sandbox

SUM = """\
import sys

# every number of the input
numbers = [int(word) for word in sys.stdin.read().split()]
total = 0
for number in numbers[1:]:
    if number > 0:
        total += number
print(total)"""
SUM_TESTS = [
    {"input": "3\n1 2 3\n", "expected_output": "6\n"},
    {"input": "2\n-4 5\n", "expected_output": "5\n"},
    {"input": "1\n-1\n", "expected_output": "0\n"},
    {"input": "2\n0 70\n", "expected_output": "70\n"},
]
COUNT = """\
def count_down(start, least=0):
    \"\"\"All numbers from start down to least.\"\"\"
    found = []
    for number in range(start, least - 1, -1):
        found.append(number)
    return found"""
COUNT_TESTS = [
    {"args": [3], "kwargs": {}, "expected": [3, 2, 1, 0]},
    {"args": [5], "kwargs": {"least": 4}, "expected": [5, 4]},
    {"args": [0, 2], "kwargs": {}, "expected": []},
]
LONGEST = """\
class Solution:
    def longest(self, words):
        best = ""
        for word in words:
            if len(word) > len(best):
                best = word
        return best"""
LONGEST_TESTS = [
    {"args": [["a", "bcd", "ef"]], "kwargs": {}, "expected": "bcd"},
    {"args": [["same", "size"]], "kwargs": {}, "expected": "same"},
    {"args": [[]], "kwargs": {}, "expected": ""},
]
EVENS = """\
def evens(numbers):
    kept = [number for number in numbers if number % 2 == 0]
    return kept"""
EVENS_TESTS = [
    {"assertion": "assert evens([1, 2, 3, 4]) == [2, 4]"},
    {"assertion": "assert evens([]) == []"},
    {"assertion": "given = [7]\nassert evens(given) == []\nassert given == [7]"},
]


def answer(program: str, tag: str = "python") -> str:
    return f"Read it once.\n\n```{tag}\n{program}\n```\n\nThat is all."


def a_row(program: str, tests: Any, entry_point: str = "", line: int = 1, reference: str | None = None) -> Row:
    turns = (
        {"role": "user", "content": f"Task {line}: write it."},
        {"role": "assistant", "content": answer(program) if reference is None else reference},
    )
    return Row(f"row-{line}", turns, tests, {"entry_point": entry_point} if entry_point else {}, line)


def rows_of_every_form(line: int = 1) -> dict[str, Row]:
    return {
        "stdin": a_row(SUM, SUM_TESTS, line=line),
        "calls": a_row(COUNT, COUNT_TESTS, "count_down", line),
        "method": a_row(LONGEST, LONGEST_TESTS, "longest", line),
        "assertions": a_row(EVENS, EVENS_TESTS, "evens", line),
    }


def printed(program: str, tests: list[dict[str, Any]]) -> list[End]:
    """How a program ends on the inputs of tests; in the sandbox, as everything here."""
    return shared_sandbox().run([Job(Mode.PROGRAM, program, stdin=test["input"].encode()) for test in tests])


def called(program: str, tests: list[dict[str, Any]], entry_point: str) -> End:
    calls = tuple(Arguments(tuple(test["args"]), test["kwargs"]) for test in tests)
    return shared_sandbox().run([Job(Mode.CALLS, program, entry_point=entry_point, calls=calls)])[0]
