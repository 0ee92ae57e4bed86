"""Controls for code: what is executed before it counts, and which weak graders they find out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from coding_rows import COUNT, COUNT_TESTS, EVENS, SUM, SUM_TESTS, a_row, answer, called, printed, rows_of_every_form

from reward_kit.controls import DOMAINS, NO_OTHER_ANSWER, Control
from reward_kit.controls.code.comparison import same, texts_differ, values_differ
from reward_kit.controls.code.frames import framed_program
from reward_kit.controls.code.mutants import mutants
from reward_kit.controls.code.rewrites import rewrites, shortest
from reward_kit.models import Polarity, Row

CASES = Path(__file__).parents[2] / "cases"
FORMS = ["stdin", "calls", "method", "assertions"]
CODE = DOMAINS["code"]
#: Which programs a weak grader passes.
Passes = Callable[[str], bool]


def controls_of(row: Row) -> dict[str, Control]:
    controls = list(CODE(row))
    assert len({control.operator for control in controls}) == len(controls)
    return {control.operator: control for control in controls}


def operators(row: Row, polarity: Polarity) -> list[str]:
    return [control.operator for control in CODE(row) if control.polarity is polarity]


def program_in(text: str) -> str | None:
    match = re.search(r"```(?:python3?|py)?\n(.*?)```", text, re.DOTALL)
    return match[1] if match else None


def survivors(row: Row, passes: Passes) -> set[str]:
    """Operators whose control a grader of programs does not hold."""
    found = set()
    for control in CODE(row):
        program = program_in(control.response["content"])
        passed = program is not None and passes(program)
        if passed is not (control.polarity is Polarity.PRESERVING):
            found.add(control.operator)
    return found


# -- which controls a row has --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_row_of_every_form_has_right_and_wrong_programs(form):
    row = rows_of_every_form()[form]
    right, wrong = operators(row, Polarity.PRESERVING), operators(row, Polarity.FLIPPING)
    deeper = "main_function" if form == "stdin" else "helper_function"
    assert right == ["other_prose", "tag_python3", "reformatted", "commented", "renamed_locals", deeper]
    assert 8 <= len(wrong) <= 10
    assert wrong[-3:] == ["sys_exit", "empty_program", "truncated"]
    assert "hard_coded" in wrong
    assert [name for name in wrong if name not in NO_OTHER_ANSWER]


def test_the_next_row_has_the_other_half_of_those_that_answer_nothing():
    row = rows_of_every_form(line=2)["calls"]
    assert operators(row, Polarity.FLIPPING)[-3:] == ["os_exit", "raises", "prose_only"]
    assert "no_tag" in operators(row, Polarity.PRESERVING)


def test_controls_are_the_same_each_time():
    row = rows_of_every_form()["stdin"]
    assert list(CODE(row)) == list(CODE(row))


def test_a_proof_names_the_test_and_what_came_of_it():
    found = controls_of(rows_of_every_form()["calls"])
    assert found["renamed_locals"].proof == "executed: the outputs of the reference on all 3 tests"
    assert found["hard_coded"].proof == "executed: test 3 of 3 gives [3, 2, 1, 0], expected []"
    assert found["pass_body"].proof == "executed: test 3 of 3 gives None, expected []"
    assert "exit code 0" in found["sys_exit"].proof or "before" in found["sys_exit"].proof


def test_responses_keep_the_prose_and_the_keys_of_the_reference():
    row = rows_of_every_form()["calls"]
    turn = {"role": "assistant", "content": "<think>\nHm.\n</think>\n" + answer(COUNT), "name": "solver"}
    row = Row(row.id, (row.messages[0], turn), row.ground_truth, row.columns, row.line)
    found = controls_of(row)
    for name, control in found.items():
        text = control.response["content"]
        assert text.startswith("<think>\nHm.\n</think>\n")
        assert control.response["name"] == "solver"
        assert name == "other_prose" or text.startswith("<think>\nHm.\n</think>\nRead it once.")


# -- where nothing is proved ---------------------------------------------------------------------------------------


def test_a_reference_that_fails_its_own_tests_has_no_controls():
    assert list(CODE(a_row(SUM.replace("> 0", "> 1"), SUM_TESTS))) == []


@pytest.mark.parametrize(
    "tests", [None, [], "6", [{"input": "1"}], [{"args": [1]}], [{"input": 1, "expected_output": 2}]]
)
def test_a_row_without_tests_of_a_known_form_has_no_controls(tests):
    assert list(CODE(a_row(SUM, tests))) == []


@pytest.mark.parametrize(
    "reference", ["Read all numbers and add them up.", "```cpp\nint main() {}\n```", "```python\n1 +"]
)
def test_a_reference_without_a_program_has_no_controls(reference):
    assert list(CODE(a_row(SUM, SUM_TESTS, reference=reference))) == []


def test_a_program_that_is_no_python_has_no_controls():
    assert list(CODE(a_row("print(", SUM_TESTS))) == []


def test_a_hard_coded_output_that_is_right_everywhere_is_no_control():
    program = "def one(x):\n    return 1 + 0 * x"
    tests = [{"args": [number], "kwargs": {}, "expected": 1} for number in range(4)]
    found = controls_of(a_row(program, tests, "one"))
    assert "hard_coded" not in found
    assert "pass_body" in found


def test_a_mutant_that_never_ends_proves_nothing():
    program = "n = int(input())\nwhile n > 0:\n    n -= 1\nprint(n)"
    tests = [{"input": "3\n", "expected_output": "0\n"}, {"input": "0\n", "expected_output": "0\n"}]
    for control in CODE(a_row(program, tests)):
        assert "n += 1" not in control.response["content"]
        assert "limit" not in control.proof


# -- weak graders --------------------------------------------------------------------------------------------------


def passes_stdin(program: str) -> bool:
    pairs = zip(printed(program, SUM_TESTS), SUM_TESTS, strict=True)
    return all(end.clean and end.stdout.decode().split() == test["expected_output"].split() for end, test in pairs)


def passes_calls(program: str) -> bool:
    end = called(program, COUNT_TESTS, "count_down")
    values = [returned.value for returned in end.returned if returned.ok]
    return end.clean and values == [test["expected"] for test in COUNT_TESTS]


STDIN, CALLS = rows_of_every_form()["stdin"], rows_of_every_form()["calls"]


def test_a_right_grader_holds_every_control():
    assert survivors(STDIN, passes_stdin) == set()
    assert survivors(CALLS, passes_calls) == set()


def test_a_grader_that_looks_at_the_first_test_only_is_found_out():
    def passes(program: str) -> bool:
        return printed(program, SUM_TESTS[:1])[0].stdout.decode().strip() == "6"

    assert {"hard_coded", "all_but_one_known"} <= survivors(STDIN, passes)


def test_a_grader_that_skips_the_last_test_is_found_out():
    def passes(program: str) -> bool:
        pairs = zip(printed(program, SUM_TESTS[:-1]), SUM_TESTS, strict=False)
        return all(end.clean and end.stdout.decode().strip() == test["expected_output"].strip() for end, test in pairs)

    assert "all_but_one_known" in survivors(STDIN, passes)


def test_a_grader_that_does_not_ask_how_the_program_ended_is_found_out():
    def passes(program: str) -> bool:
        pairs = zip(printed(program, SUM_TESTS), SUM_TESTS, strict=True)
        return all(end.stdout.decode().strip() == test["expected_output"].strip() for end, test in pairs)

    assert survivors(STDIN, passes) == {"fails_at_end"}


def test_a_grader_that_asks_for_the_exit_code_only_is_found_out():
    caught = survivors(STDIN, lambda program: all(end.clean for end in printed(program, SUM_TESTS)))
    assert {"hard_coded", "all_but_one_known", "sys_exit", "empty_program", "off_by_one"} <= caught


def test_a_grader_that_asks_the_answer_whether_it_is_equal_is_found_out():
    def passes(program: str) -> bool:  # an object that is no plain data answers its own comparison
        returned = called(program, COUNT_TESTS, "count_down").returned
        pairs = list(zip(returned, COUNT_TESTS, strict=False))
        return bool(pairs) and all(one.opaque or (one.ok and one.value == test["expected"]) for one, test in pairs)

    assert survivors(CALLS, passes) == {"equal_to_all"}


def test_a_grader_that_counts_no_answer_as_no_failure_is_found_out():
    def passes(program: str) -> bool:
        returned = called(program, COUNT_TESTS, "count_down").returned
        return all(one.ok and one.value == test["expected"] for one, test in zip(returned, COUNT_TESTS, strict=False))

    assert {"sys_exit", "empty_program"} & survivors(CALLS, passes)


def test_a_grader_that_compares_texts_refuses_right_programs():
    caught = survivors(CALLS, lambda program: program.strip() == COUNT)
    assert caught == {"reformatted", "commented", "renamed_locals", "helper_function"}


# -- the changes themselves ----------------------------------------------------------------------------------------


def test_rewrites_are_other_texts_and_keep_what_tests_can_see():
    for program, entry_point in ((SUM, ""), (COUNT, "count_down"), (EVENS, "evens")):
        found = dict(rewrites(program, entry_point))
        assert len(set(found.values()) | {program}) == len(found) + 1
        for text in found.values():
            compile(text, "program", "exec")
    assert "def count_down(start, least=0):" in dict(rewrites(COUNT, "count_down"))["renamed_locals"]


def test_names_that_are_read_as_text_are_not_renamed():
    program = "def f(x):\n    y = x\n    return '{y}'.format(**locals())"
    assert "renamed_locals" not in dict(rewrites(program, "f"))


def test_a_method_called_compile_reads_no_names():
    assert "renamed_locals" in dict(rewrites("import re\ndef f(x):\n    y = re.compile(x)\n    return y", "f"))


def test_a_comment_is_never_put_into_a_text():
    program = 'def f():\n    return """\nif x:\n    y = 1\n"""\n'
    scope: dict[str, Callable[[], str]] = {}
    exec(dict(rewrites(program, "f"))["commented"], scope)
    assert scope["f"]() == "\nif x:\n    y = 1\n"


def test_the_shortest_form_has_no_docstring_no_comment_and_no_blank_line():
    assert shortest(COUNT).splitlines()[1] == "    found = []"
    assert "#" not in shortest(SUM)
    assert "" not in shortest(SUM).splitlines()
    assert shortest('def f():\n    """Only this."""') == 'def f():\n    """Only this."""'


def test_a_mutant_changes_one_place():
    program = "é = 'ü'\nprint(é, [1, 2][0] <= 3, f'{len(é) + 1}', range(len(é)))"
    found = [(mutant.operator, mutant.program.splitlines()) for mutant in mutants(program)]
    lines = program.splitlines()
    assert all(sum(one != other for one, other in zip(changed, lines, strict=True)) == 1 for _, changed in found)
    assert ("off_by_one", [lines[0], lines[1].replace("[0]", "[1]")]) in found
    assert ("off_by_one", [lines[0], lines[1].replace("range(len(é)", "range(len(é) - 1")]) in found
    assert ("comparison", [lines[0], lines[1].replace("<=", "<")]) in found
    assert not [changed for _, changed in found if "f'{len(é) + 1}'" not in changed[1]]


@pytest.mark.parametrize("line", (CASES / "coding" / "dataset.jsonl").read_text(encoding="utf-8").splitlines())
def test_every_change_of_the_suite_s_own_programs_is_python(line):
    row = json.loads(line)
    framed = framed_program(row["messages"][-1])
    assert framed is not None
    found = [mutant.program for mutant in mutants(framed[1])]
    found += [text for _, text in rewrites(framed[1], row.get("entry_point") or "")]
    for text in [*found, shortest(framed[1])]:
        compile(text, "program", "exec")
    assert len(found) >= 4


def test_signs_and_functions_are_changed_where_nothing_else_can_be():
    program = "def ends(words, k):\n    return [max(word[-k:].lower()) for word in words if not word == '']"
    found = {mutant.operator: mutant.program.splitlines()[1] for mutant in mutants(program)}
    assert "word[k:]" in found["operator"]
    assert "if word == ''" in found["negated_condition"]
    assert "min(word" in found["other_function"] or ".upper()" in found["other_function"]


def test_a_guard_of_main_and_annotations_are_left_alone():
    program = "def f(x: 'a1' = 2) -> 'b1':\n    'doc'\n    return x\nif __name__ == '__main__':\n    f()"
    assert [mutant.program.splitlines()[0] for mutant in mutants(program)] == ["def f(x: 'a1' = 3) -> 'b1':"]


def test_the_last_python_block_is_the_program():
    text = "Try:\n```python\nwrong()\n```\nBetter:\n```py\nright()\n```\nIt prints:\n```text\n1\n```"
    found = framed_program({"content": text})
    assert found is not None
    assert found[1] == "right()"
    assert found[0].text_with("x").count("```") == 2


# -- what counts as the same, and as different ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.0000001, 2),
        ((1, 2), [1, 2]),
        ({2, 1}, [1, 2]),
        (True, 1),
        ({1: "a"}, {"1": "a"}),
        ("Yes\n", "yes"),
        (0.1 + 0.2, 0.3),
    ],
)
def test_what_a_lenient_judge_may_take_for_the_same_is_not_proved_different(value, expected):
    assert not values_differ(value, expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10**17 + 1, 10**17),
        (None, 0),
        (None, []),
        ([1], [1, 2]),
        ("1", 2),
        ({"a": 1}, {"a": 2}),
        (float("nan"), 1.0),
        (2.1, 2),
    ],
)
def test_what_no_judge_takes_for_the_same_is_different(value, expected):
    assert values_differ(value, expected)


def test_printed_texts_are_compared_word_by_word():
    assert not texts_differ("1 2\n", "1\n2")
    assert not texts_differ("0.3333333333", "0.333333")
    assert texts_differ("50000000000000001", "50000000000000000")
    assert texts_differ("1 2", "1 2 3")
    assert texts_differ("", "0")


def test_the_same_output_is_of_the_same_types():
    assert same([1, float("nan")], [1, float("nan")])
    assert not same([1], [True])
    assert not same((1,), [1])
    assert not same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert not same(0.0, -0.0)
