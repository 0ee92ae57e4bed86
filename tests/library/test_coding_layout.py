"""The layout coding: five formats in, their tests out without a changed byte, and what the audit `code` finds."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reward_kit.errors import PrepareError
from reward_kit.models import Row
from reward_kit.prepare.audits import AUDITS, answer_class
from reward_kit.prepare.base import Prepared, Reason, RejectedError
from reward_kit.prepare.check import SeenInMemory
from reward_kit.prepare.declared import pipeline_of
from reward_kit.prepare.golds import check_normalised
from reward_kit.prepare.layouts import LAYOUTS
from reward_kit.prepare.pipeline import Kept
from reward_kit.prepare.settings import SourceSettings

DOUBLED = "def doubled(n):\n    return 2 * n\n"
OWN: dict[str, Any] = {
    "question": "Write a function doubled(n) that returns twice a number.",
    "solution": DOUBLED,
    "tests": [{"args": [3], "expected": 6}, {"args": [10**30], "kwargs": {}, "expected": 2 * 10**30}],
    "entry_point": "doubled",
    "topic": "arithmetic",
    "id": "own-7",
}
STDIO: dict[str, Any] = {
    "content": "Read a number and print its double.",
    "id": 4,
    "labels": '{"source": "mine"}',
    "test": json.dumps(
        [
            {"input": {"stdin": "3 \n\n"}, "output": {"stdout": "6\n"}},
            {"input": {"stdin": "\u00e9\x00\t4"}, "output": {"stdout": "8  \r\n"}},
        ]
    ),
}
APPS: dict[str, Any] = {
    "id": 9,
    "question": "Read a number and print its double.",
    "solutions": json.dumps(["print 2 * int(raw_input())", "print(2 * int(input()))"]),
    "input_output": json.dumps({"inputs": ["3\n", ["5", ""]], "outputs": ["6\n", "10"]}),
    "difficulty": "introductory",
    "url": "https://problems.example/9",
    "starter_code": "",
}
APPS_CALL: dict[str, Any] = {
    **APPS,
    "solutions": json.dumps([DOUBLED]),
    "input_output": json.dumps({"fn_name": "doubled", "inputs": [[3], [0.1]], "outputs": [[6], [0.2]]}),
    "starter_code": "def doubled(n):\n\t",
}
HUMANEVAL: dict[str, Any] = {
    "task_id": "Mine/0",
    "prompt": 'def doubled(n):\n    """Twice a number."""\n',
    "entry_point": "doubled",
    "canonical_solution": "    return 2 * n\n",
    "test": "\n\ndef check(candidate):\n    assert candidate(3) == 6\n    assert True\n\n",
}
MULTIPLE: dict[str, Any] = {
    "name": "mine_0_doubled",
    "language": "py",
    "prompt": 'def doubled(n: int) -> int:\n    """Twice a number."""\n',
    "entry_point": "doubled",
    "test": "def check(candidate):\n    assert candidate(3) == 6\n\n"
    "def test_check():\n    check(doubled)\n\ntest_check()\n",
}
MBPP: dict[str, Any] = {
    "task_id": 2,
    "text": "Write a function to double a number.",
    "code": DOUBLED.replace("\n", "\r\n"),
    "test_list": ["assert doubled(3) == 6", "assert doubled(math.inf) == math.inf"],
    "test_setup_code": "import math",
    "challenge_test_list": [],
}
ALL: dict[str, dict[str, Any]] = {
    "own": OWN,
    "stdio": STDIO,
    "apps": APPS,
    "apps call": APPS_CALL,
    "humaneval": HUMANEVAL,
    "multiple": MULTIPLE,
    "mbpp": MBPP,
}


def prepared(record: dict[str, Any], **changes: Any) -> Prepared:
    return LAYOUTS["coding"]({}).prepare({**record, **changes}, "coding-00000", 1)


def rejected(record: dict[str, Any], **changes: Any) -> tuple[Reason, str]:
    with pytest.raises(RejectedError) as caught:
        prepared(record, **changes)
    return caught.value.finding.reason, caught.value.finding.message


def reasons(record: dict[str, Any], **changes: Any) -> list[Reason]:
    made = prepared(record, **changes)
    return [finding.reason for finding in AUDITS["code"](made.row, made.raw_gold)]


def stdio(*tests: tuple[str, str]) -> str:
    return json.dumps([{"input": {"stdin": given}, "output": {"stdout": wanted}} for given, wanted in tests])


def code_row(question: str, reference: str | None, tests: Any, **columns: Any) -> Row:
    turns = [{"role": "user", "content": question}]
    if reference is not None:
        turns.append({"role": "assistant", "content": reference})
    return Row("row-1", tuple(turns), tests, columns, 1)


def found(row: Row) -> list[Reason]:
    return [finding.reason for finding in AUDITS["code"](row, row.ground_truth)]


# -- the formats ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_good_record_of_each_format_has_no_findings(name: str) -> None:
    assert reasons(ALL[name]) == []


def test_our_own_records_are_kept_as_they_are() -> None:
    row = prepared(OWN).row

    assert row.ground_truth == OWN["tests"]
    assert row.columns == {"entry_point": "doubled", "topic": "arithmetic", "source_id": "own-7"}
    assert row.messages[-1]["content"].endswith(f"\n\n```python\n{DOUBLED}```")
    assert answer_class("code", row) == "call"


def test_inputs_and_outputs_keep_every_blank_and_byte() -> None:
    row = prepared(STDIO).row

    assert row.ground_truth == [
        {"input": "3 \n\n", "expected_output": "6\n"},
        {"input": "\u00e9\x00\t4", "expected_output": "8  \r\n"},
    ]
    assert (row.reference, row.columns) == (None, {"source_id": 4, "labels": '{"source": "mine"}'})


def test_apps_takes_the_first_solution_that_is_python_3_and_joins_lines() -> None:
    row = prepared(APPS).row

    assert row.ground_truth[1] == {"input": "5\n", "expected_output": "10"}
    assert "print(2 * int(input()))" in row.messages[-1]["content"]
    assert row.columns["source"] == "https://problems.example/9"


def test_apps_with_a_function_becomes_calls_and_shows_the_starter_code() -> None:
    row = prepared(APPS_CALL).row

    assert row.ground_truth == [{"args": [3], "expected": 6}, {"args": [0.1], "expected": 0.2}]
    assert row.columns["entry_point"] == "doubled"
    assert "def doubled(n):" in row.messages[0]["content"]


def test_a_value_that_is_not_wrapped_is_taken_as_it_is_and_a_doubtful_one_refused() -> None:
    """LeetCode's records hold the value, the others a list around it; a list of one item can be either."""
    bare = json.dumps({"fn_name": "doubled", "inputs": [[3], [[1]]], "outputs": [6, [1, 1]]})
    doubtful = json.dumps({"fn_name": "f", "inputs": [[3]], "outputs": [[6]]})

    assert [test["expected"] for test in prepared(APPS_CALL, input_output=bare).row.ground_truth] == [6, [1, 1]]
    assert rejected(APPS, input_output=doubtful, starter_code="class Solution:\n")[0] is Reason.UNSUPPORTED_TESTS


def test_humaneval_becomes_one_assertion_that_calls_check() -> None:
    row = prepared(HUMANEVAL).row

    assert row.ground_truth == [{"assertion": f"{HUMANEVAL['test']}\n\ncheck(doubled)\n"}]
    assert HUMANEVAL["prompt"] + HUMANEVAL["canonical_solution"] in row.messages[-1]["content"]
    assert row.messages[0]["content"] == HUMANEVAL["prompt"]


def test_a_test_program_that_calls_check_itself_is_left_as_it_is() -> None:
    row = prepared(MULTIPLE).row

    assert (row.ground_truth, row.reference) == ([{"assertion": MULTIPLE["test"]}], None)


def test_mbpp_has_a_test_for_each_assertion_behind_its_setup() -> None:
    row = prepared(MBPP).row

    assert [test["assertion"] for test in row.ground_truth] == [f"import math\n{one}" for one in MBPP["test_list"]]
    assert row.columns["entry_point"] == "doubled"
    assert "assert doubled(3) == 6" in row.messages[0]["content"]
    sanitized = {**MBPP, "prompt": MBPP["text"], "test_imports": ["import math"]}
    del sanitized["text"], sanitized["test_setup_code"]
    assert prepared(sanitized).row.ground_truth == row.ground_truth


def test_a_fence_inside_a_program_cannot_close_the_reference() -> None:
    program = f'"""Usage:\n\n```\ndoubled(3)\n```\n"""\n{DOUBLED}'

    assert program in prepared(OWN, solution=program).row.messages[-1]["content"]
    assert reasons(OWN, solution=program) == []


# -- what no row is made of ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "changes", "said"),
    [
        ({"messages": [{"role": "user", "content": "?"}]}, {}, "has no tests; its columns are messages"),
        (OWN, {"tests": []}, "has no tests"),
        (OWN, {"tests": "[]"}, "empty list"),
        (OWN, {"tests": {"input": ""}}, "not a list"),
        (OWN, {"tests": '[{"args": [NaN], "expected": 1}]'}, "not strict JSON"),
        (OWN, {"language": "cpp"}, "is in 'cpp'"),
        (MULTIPLE, {"language": "lua"}, "is in 'lua'"),
        (STDIO, {"checker": "int main() {}"}, "judged by a program"),
        (STDIO, {"is_interactive": True}, "judged by a program"),
        (STDIO, {"test": "[]"}, "empty list"),
        (STDIO, {"test": "[{"}, "not strict JSON"),
        (STDIO, {"test": '[{"input": {"stdin": "1"}, "output": {"stdout": 1}}]'}, "test 1"),
        (STDIO, {"test": '[{"input": {"stdin": "1", "files": {}}, "output": {"stdout": "1"}}]'}, "'files'"),
        (APPS, {"input_output": '{"inputs": ["1", "2"], "outputs": ["1"]}'}, "2 inputs and 1 outputs"),
        (APPS, {"input_output": '{"inputs": ["1"]}'}, "1 inputs and no outputs"),
        (APPS, {"input_output": '{"inputs": [], "outputs": []}'}, "empty list"),
        (APPS, {"input_output": '{"inputs": [1], "outputs": ["1"]}'}, "int as input"),
        (APPS, {"input_output": '{"inputs": ["1"], "outputs": ["1"], "judge": "x"}'}, "'judge'"),
        (APPS, {"input_output": '{"fn_name": "f", "inputs": [3], "outputs": [3]}'}, "lists of arguments"),
        (
            APPS,
            {"input_output": '{"fn_name": "f", "inputs": [[0.12345678901234567890123]], "outputs": [1]}'},
            "more digits",
        ),
        (HUMANEVAL, {"test": "assert doubled(3) == 6\n"}, "check(candidate)"),
        (MBPP, {"test_list": ["assert True", 3]}, "list of assertions"),
        (MBPP, {"test_imports": "import math"}, "not text"),
        (MBPP, {"test_setup_code": 3}, "not text"),
    ],
)
def test_tests_that_cannot_be_graded_by_are_refused_by_name(
    record: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    reason, message = rejected(record, **changes)

    assert reason is Reason.UNSUPPORTED_TESTS
    assert said in message


def test_tests_that_fit_no_line_are_refused() -> None:
    """A dataset whose lines its own reader refuses would be of no use."""
    assert "MB" in rejected(STDIO, test=stdio(("1", "x" * (4 << 20))))[1]


@pytest.mark.parametrize("changes", [{"question": " "}, {"question": None}, {"gold_raw": "x"}, {"messages": [1]}])
def test_a_record_with_a_wrong_column_is_refused(changes: dict[str, Any]) -> None:
    assert rejected(OWN, **changes)[0] is Reason.SCHEMA_VIOLATION


def test_columns_of_no_format_are_refused() -> None:
    assert rejected({"problem": "?", "tests": [1]})[0] is Reason.SCHEMA_VIOLATION
    assert rejected(OWN, image="...")[0] is Reason.IMAGE_NEEDED
    with pytest.raises(PrepareError, match="its own columns"):
        LAYOUTS["coding"]({"question": "task"})


# -- nothing is lost -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_changed_test_shows_whatever_was_changed(name: str) -> None:
    """The second reading knows the source's form, not the layout: each planted change must be found."""
    made = prepared(ALL[name])
    tests = made.row.ground_truth

    assert check_normalised(made.raw_gold, tests) is None
    changed = [tests[1:], [*tests, tests[0]], [{**tests[0], "weight": 1}, *tests[1:]]]
    changed += [[{**tests[0], key: _other(value)}, *tests[1:]] for key, value in tests[0].items()]
    if len(tests) > 1:
        changed.append(tests[::-1])
    for wrong in changed:
        finding = check_normalised(made.raw_gold, wrong)
        assert finding is not None, wrong
        assert finding.reason is Reason.GOLD_CHANGED_BY_NORMALISER


def _other(value: Any) -> Any:
    """Nearly the same value: a blank more at the end, 1.0 for 1."""
    return value + " " if isinstance(value, str) else [float(part) for part in value] if value == [3] else float(value)


def test_a_raw_gold_that_is_broken_stops_the_run_and_breaks_nothing() -> None:
    made = prepared(APPS)

    for raw in ({"input_output": "{"}, {"input_output": 3}, {"something": "else"}, {}):
        assert next(AUDITS["code"](made.row, raw)).reason is Reason.GOLD_CHANGED_BY_NORMALISER


def test_a_row_that_calls_another_function_than_its_source_stops_the_run() -> None:
    for record in (APPS_CALL, HUMANEVAL):
        made = prepared(record)
        row = Row(made.row.id, made.row.messages, made.row.ground_truth, {"entry_point": "halved"}, 1)

        assert Reason.GOLD_CHANGED_BY_NORMALISER in [finding.reason for finding in AUDITS["code"](row, made.raw_gold)]


def test_a_file_of_three_formats_is_prepared(tmp_path: Path) -> None:
    (tmp_path / "source.jsonl").write_text("".join(json.dumps(record) + "\n" for record in (OWN, STDIO, HUMANEVAL)))
    settings = SourceSettings(kind="jsonl", path="source.jsonl", layout="coding")
    made = list(pipeline_of(settings, tmp_path).rows(SeenInMemory()))

    assert [type(one) for one in made] == [Kept, Kept, Kept]
    first = made[0]
    assert isinstance(first, Kept)
    assert first.row.columns["gold_raw"] == {"tests": OWN["tests"]}


# -- the audit: tests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tests",
    [
        None,
        "6",
        [],
        [6],
        [{}],
        [{"input": "3"}],
        [{"input": "3", "expected_output": 6}],
        [{"input": "3", "expected_output": "6", "weight": 2}],
        [{"input": "3", "expected_output": "6"}, {"args": [3], "expected": 6}],
        [{"args": 3, "expected": 6}],
        [{"expected": 6}],
        [{"args": [3], "kwargs": [], "expected": 6}],
        [{"args": [3], "kwargs": {"a b": 1}, "expected": 6}],
        [{"assertion": "assert doubled(3) =="}],
        [{"assertion": "doubled(3) == 6"}],
        [{"assertion": "assert (doubled(3) == 6, 'twice')"}],
        [{"assertion": "assert True"}],
        [{"assertion": "def check(candidate):\n    assert candidate(3) == 6"}],
        [{"input": "3", "expected_output": ""}],
        [{"input": "3", "expected_output": "6"}, {"input": "3", "expected_output": "7"}],
        [{"args": [3], "expected": 6}, {"args": [3], "kwargs": {}, "expected": 6.0}],
    ],
)
def test_tests_that_no_right_solution_could_be_graded_by(tests: Any) -> None:
    row = code_row("Write doubled(n).", f"It is:\n\n```python\n{DOUBLED}```", tests, entry_point="doubled")

    assert found(row)[0] is Reason.UNSUPPORTED_TESTS


def test_calls_need_the_name_of_their_function() -> None:
    tests = [{"args": [3], "expected": 6}]

    for name in (None, "", 3, "doubled(", "Solution.doubled", "def"):
        assert Reason.UNSUPPORTED_TESTS in found(code_row("Write doubled(n).", None, tests, entry_point=name))
    assert (
        found(code_row("Write doubled(n=0).", None, [{"kwargs": {"n": 3}, "expected": 6}], entry_point="doubled")) == []
    )


def test_inputs_and_outputs_call_no_function() -> None:
    tests = [{"input": "3", "expected_output": "6"}]

    assert found(code_row("Write doubled(n).", None, tests, entry_point="doubled")) == [Reason.UNSUPPORTED_TESTS]


def test_assertions_must_test_the_solution_and_nothing_that_it_lacks() -> None:
    """MBPP has a problem whose function is called `sum`: its tests pass by Python's own."""

    def reasons_of(assertion: str) -> list[Reason]:
        return found(code_row("Write doubled(n).", f"```python\n{DOUBLED}```", [{"assertion": assertion}]))

    assert reasons_of("assert sum([1, 2]) == 3") == [Reason.UNSUPPORTED_TESTS]
    assert reasons_of("import math\nfor n in range(3):\n    assert doubled(n) == math.prod([2, n])") == []
    assert reasons_of("assert doubled(3) == math.prod([2, 3])") == [Reason.SOLUTION_DISAGREES]
    assert reasons_of("def check(f):\n    assert f(halved(4)) == 4\ncheck(doubled)") == [Reason.SOLUTION_DISAGREES]


def test_a_repeated_test_is_found_and_blanks_at_line_ends_are_no_other_answer() -> None:
    assert reasons(STDIO, test=stdio(("3", "6\n"), ("4", "8"), ("3", "6 \n\n"))) == [Reason.DUPLICATE_TESTS]
    assert reasons(STDIO, test=stdio(("3", "6"), ("3\n", "6"))) == []


def test_assertions_can_raise_or_use_helpers_that_do() -> None:
    for program in ("if doubled(3) != 6:\n    raise ValueError", "import t\nt.assertEqual(doubled(3), 6)"):
        assert found(code_row("Write doubled(n).", None, [{"assertion": program}])) == []


# -- the audit: reference and prompt -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("It is 2 * n.", Reason.SOLUTION_HAS_NO_FINAL),
        (f"```python\n{DOUBLED}```\nor\n```python\n{DOUBLED}```", Reason.SOLUTION_HAS_NO_FINAL),
        (f"```python\n{DOUBLED}", Reason.SOLUTION_HAS_NO_FINAL),
        (f"```cpp\n{DOUBLED}```", Reason.SOLUTION_HAS_NO_FINAL),
        (f"```\n{DOUBLED}```", Reason.SOLUTION_HAS_NO_FINAL),
        ("```python\ndef doubled(n): return 2 *\n```", Reason.SOLUTION_HAS_NO_FINAL),
        ("```python\nreturn 3\n```", Reason.SOLUTION_HAS_NO_FINAL),
        ("```python\ndef double(n):\n    doubled = 2\n    return doubled\n```", Reason.SOLUTION_DISAGREES),
        ("```python\nclass Other:\n    def doubled(self, n): ...\n```", Reason.SOLUTION_DISAGREES),
    ],
)
def test_a_reference_without_one_program_that_has_the_function(reference: str, reason: Reason) -> None:
    assert found(code_row("Write doubled(n).", reference, [{"args": [3], "expected": 6}], entry_point="doubled")) == [
        reason
    ]


@pytest.mark.parametrize(
    "program",
    [
        "class Solution:\n    def doubled(self, n):\n        return 2 * n",
        "doubled = lambda n: 2 * n",
        "from operator import neg as doubled",
        "try:\n    import x\nexcept ImportError:\n    def doubled(n):\n        return 2 * n",
        "async def doubled(n):\n    return 2 * n",
    ],
)
def test_ways_to_have_the_function(program: str) -> None:
    reference = f"```python\n{program}\n```"
    assert found(code_row("Write doubled(n).", reference, [{"args": [3], "expected": 6}], entry_point="doubled")) == []


def test_a_reference_is_never_run(tmp_path: Path) -> None:
    program = f"open({str(tmp_path / 'ran')!r}, 'w')\n{DOUBLED}"

    assert reasons(OWN, solution=program) == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "words",
    [
        "If there are several answers, print any.",
        "If there are multiple possible answers, output any; if there is none, print -1.",
        "You may print any of them.",
        "Any valid answer is accepted.",
        "Return the divisors in any order.",
        "The answer may be given in any order.",
        "The absolute or relative error may be at most 10^{-4}.",
        "An error of 0.01 is accepted.",
    ],
)
def test_a_problem_with_several_right_outputs(words: str) -> None:
    assert reasons(STDIO, content=f"Read a number. {words}") == [Reason.SEVERAL_RIGHT_OUTPUTS]


@pytest.mark.parametrize(
    "words",
    [
        "If any of them is odd, print -1.",
        "The numbers are given in any order.",
        "If there are several, print the smallest.",
        "Do not print anything else.",
        "The absolute or relative error may be at most 10^{-6}.",
        "The error must be below 1e-9.",
    ],
)
def test_words_that_leave_one_right_output(words: str) -> None:
    assert reasons(STDIO, content=f"Read a number and double it. {words}") == []


def test_an_interactive_problem_and_one_whose_picture_is_gone() -> None:
    assert reasons(STDIO, content="This is an interactive problem.") == [Reason.UNSUPPORTED_TESTS]
    assert reasons(STDIO, content="Compute <image> for n.") == [Reason.IMAGE_NEEDED]


def test_a_prompt_that_does_not_name_the_function() -> None:
    assert reasons(OWN, question="Double a number.") == [Reason.UNNAMED_ENTRY_POINT]
    assert reasons(OWN, question="Write redoubled(n).") == [Reason.UNNAMED_ENTRY_POINT]


def test_a_prompt_that_shows_every_test_can_be_learnt_by_heart() -> None:
    """One test that the prompt does not show is enough to tell a solution from a table."""
    shown = "Read a number and print its double.\n\nInput\n3\n\nOutput\n6"
    assert reasons(STDIO, content=shown, test=stdio(("3\n", "6\n"))) == [Reason.GOLD_IN_PROMPT]
    assert reasons(STDIO, content=shown, test=stdio(("3\n", "6\n"), ("4\n", "8\n"))) == []
    assert reasons(STDIO, content=shown, test=stdio(("33\n", "6\n"))) == []

    asked = "Write doubled(n): doubled([1, 2]) is [1, 2, 1, 2]."
    assert reasons(OWN, question=asked, tests=[{"args": [[1, 2]], "expected": [1, 2, 1, 2]}]) == [Reason.GOLD_IN_PROMPT]
    assert reasons(MBPP, test_list=MBPP["test_list"][:1], test_setup_code="") == [Reason.GOLD_IN_PROMPT]


# -- the published files -------------------------------------------------------------------------------------------


@pytest.mark.skipif("REWARDKIT_DATA" not in os.environ, reason="set REWARDKIT_DATA to a folder with code/*.jsonl")
@pytest.mark.parametrize(
    ("file", "kept", "dropped"),
    [
        ("humaneval_164.jsonl", {"assert": 164}, {}),
        ("mbpp_py_397.jsonl", {"assert": 396}, {Reason.UNSUPPORTED_TESTS: 1}),
        (
            "code_contests_stdio_20.jsonl",
            {"stdin": 10},
            {Reason.SEVERAL_RIGHT_OUTPUTS: 4, Reason.UNSUPPORTED_TESTS: 1, Reason.IMAGE_NEEDED: 5},
        ),
        ("apps_stdio_3.jsonl", {}, {Reason.SEVERAL_RIGHT_OUTPUTS: 2, Reason.GOLD_IN_PROMPT: 1}),
        ("rewardkit_CODING_DATASET_201.jsonl", {}, {Reason.UNSUPPORTED_TESTS: 201}),
        ("taco_generation_1000.parquet", {}, {Reason.UNSUPPORTED_TESTS: 1000}),
    ],
)
def test_the_published_files(file: str, kept: dict[str, int], dropped: dict[Reason, int]) -> None:
    settings = SourceSettings(
        kind="parquet" if file.endswith(".parquet") else "jsonl",
        path=file,
        layout="coding",
    )
    made = list(pipeline_of(settings, Path(os.environ["REWARDKIT_DATA"], "code")).rows(SeenInMemory()))

    assert Counter(one.answer_class for one in made if isinstance(one, Kept)) == kept
    assert Counter(one.finding.reason for one in made if not isinstance(one, Kept)) == dropped
