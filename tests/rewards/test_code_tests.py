"""A row's tests are read strictly: what is no clear test is a defect of the row, with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reward_kit.rewards._code.tests import AssertTests, CallTests, Defect, ProgramTests, read_tests


def defect(ground_truth: Any, **names: Any) -> str:
    read = read_tests(ground_truth, **names)
    assert isinstance(read, Defect), read
    return read.reason


def test_tests_of_input_and_output() -> None:
    rows = [{"input": "1\n", "expected_output": "2"}, {"input": "", "output": ""}]
    read = read_tests(rows)
    assert isinstance(read, ProgramTests)
    assert [(each.input, each.expected) for each in read.tests] == [("1\n", "2"), ("", "")]
    assert read_tests(json.dumps(rows)) == read
    assert read_tests(tuple(rows)) == read


def test_tests_that_call_a_function() -> None:
    rows = [
        {"args": [1, "a"], "expected": None},
        {"kwargs": {"n": 2}, "expected": [1.5]},
        {"args": [], "expected": 10**50},
    ]
    read = read_tests(rows, entry_point="f")
    assert isinstance(read, CallTests)
    assert read.entry_point == "f"
    assert [(each.arguments.args, dict(each.arguments.kwargs), each.expected) for each in read.tests] == [
        ((1, "a"), {}, None),
        ((), {"n": 2}, [1.5]),
        ((), {}, 10**50),
    ]
    assert read_tests(rows, function_to_call="f") == read


def test_tests_that_are_code() -> None:
    rows = [{"assertion": "assert f(1) == 2"}, {"assertion": "x = [3, 1]\nf(x)\nassert x == [1, 3]"}]
    read = read_tests(rows)
    assert isinstance(read, AssertTests)
    assert [each.code for each in read.tests] == [row["assertion"] for row in rows]


def test_candidate_in_an_assertion_is_the_entry_point() -> None:
    read = read_tests([{"assertion": "def check(c):\n    assert c(1)\ncheck(candidate)"}], entry_point="f")
    assert isinstance(read, AssertTests)
    assert read.tests[0].code.startswith("candidate = f\n")


def test_a_test_of_a_builtins_name_is_the_programs_where_it_is_the_entry_point() -> None:
    rows = [{"assertion": "assert sum(1, 2) == 3"}]
    assert isinstance(read_tests(rows, entry_point="sum"), AssertTests)
    assert "calls nothing of the program" in defect(rows)


def test_another_text_is_all_that_a_program_prints() -> None:
    for text in ("42\n", "[1, 2, 3]", '{"a": 1}', "[not json", '"quoted"'):
        read = read_tests(text)
        assert isinstance(read, ProgramTests)
        assert [(each.input, each.expected) for each in read.tests] == [("", text)]


def test_inputs_of_reward_kits_rows_become_arguments() -> None:
    rows = [
        {"input": "5", "expected_output": "6"},
        {"input": "1 two 'three four'", "expected_output": "x"},
        {"input": "[1, 2]", "expected_output": "(1, 2)"},
        {"input": "", "expected_output": "'a'"},
        {"input": "it's", "expected_output": "True"},
    ]
    read = read_tests(rows, function_to_call="f")
    assert isinstance(read, CallTests)
    assert [(each.arguments.args, each.expected) for each in read.tests] == [
        ((5,), 6),
        ((1, "two", "three four"), "x"),
        (([1, 2],), (1, 2)),
        ((), "a"),
        (("it's",), True),
    ]


@pytest.mark.parametrize(
    ("ground_truth", "says"),
    [
        (None, "ground_truth is None"),
        ([], "the list is empty"),
        ("[]", "the list is empty"),
        ("", "an empty text"),
        (" \n", "an empty text"),
        (42, "ground_truth is 42: it must be a list"),
        ({"input": "1", "output": "2"}, "it must be a list"),
        ('{"input": "1", "output": "2"}', "one object"),
        ('[{"input": "1", "expected', "looks like a list of tests but is no JSON"),
        ("[{'input': '1', 'output': '2'}]", "looks like a list of tests but is no JSON"),
        ([None], "test 1: None is no object"),
        (["assert f(1)"], "test 1: 'assert f(1)' is no object"),
        ([{}], "test 1: an empty object"),
        ([{"input": "1", "expected_output": "2"}, {}], "test 2: an empty object"),
        ([{"input": "1", "expected_output": "2", "weight": 3}], "test 1: unknown key 'weight'"),
        ([{"input": "1", "expected": "2"}], "test 1: keys of several forms: expected, input"),
        ([{"input": "1"}], "test 1: expected_output is missing"),
        ([{"expected_output": "1"}], "test 1: input is missing"),
        ([{"input": "1", "expected_output": None}], "test 1: expected_output is missing"),
        ([{"input": "1", "expected_output": 2}], "test 1: expected_output is 2, not text"),
        ([{"input": ["1"], "expected_output": "2"}], "test 1: input is ['1'], not text"),
        ([{"input": "1", "expected_output": "2", "output": "2"}], "test 1: expected_output and output are both given"),
        ([{"input": "1", "output": "2"}, {"assertion": "assert f(1)"}], "test 2 has the form assertion"),
        ([{"args": [1], "expected": 2}], "test 1: the test calls a function, but no entry_point names it"),
        ([{"assertion": None}], "test 1: assertion is None, not text"),
        ([{"assertion": "assert f(1) =="}], "test 1: the assertion is no Python, line 1"),
        (
            [{"assertion": "assert f(1)"}, {"assertion": "x = 1\n  assert f(x)"}],
            "test 2: the assertion is no Python, line 2",
        ),
        ([{"assertion": "return f(1)"}], "test 1: the assertion is no Python"),
        ([{"assertion": "assert f('\0')"}], "test 1: the assertion is no Python"),
        ([{"assertion": ""}], "test 1: the assertion asserts nothing"),
        ([{"assertion": "f(1) == 2"}], "test 1: the assertion asserts nothing"),
        ([{"assertion": "assert 1 + 1 == 2"}], "test 1: the assertion calls nothing of the program"),
        ([{"assertion": "def f(x): return x\nassert f(len('a')) == 1"}], "calls nothing of the program"),
        ([{"assertion": "assert " + "(" * 5000 + "f(1)" + ")" * 5000}], "test 1: the assertion is no Python"),
    ],
)
def test_what_is_no_clear_test_is_a_defect_with_its_place(ground_truth: Any, says: str) -> None:
    assert says in defect(ground_truth)


class Plain(int):
    """An int in name."""


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ({"args": 1, "expected": 2}, "args is 1, not a list"),
        ({"args": [1]}, "expected is missing"),
        ({"expected": 2}, "args is missing"),
        ({"args": [1], "kwargs": [2], "expected": 2}, "kwargs is [2], not an object with names"),
        ({"args": [1], "kwargs": {1: 2}, "expected": 2}, "not an object with names"),
        ({"args": [object()], "expected": 2}, "args holds what is no plain data"),
        ({"args": [1], "expected": Plain(2)}, "expected holds what is no plain data"),
        ({"input": "1", "expected_output": "2"}, "entry_point names 'f'"),
    ],
)
def test_calls_that_are_not_clear_are_a_defect(test: dict[str, Any], says: str) -> None:
    assert says in defect([test], entry_point="f")


def test_names_of_functions_are_names() -> None:
    rows = [{"args": [1], "expected": 2}]
    assert "is no name of a function" in defect(rows, entry_point="f(); g")
    assert "is no name of a function" in defect(rows, entry_point=7)
    assert "differ" in defect(rows, entry_point="f", function_to_call="g")
