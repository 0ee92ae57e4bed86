# ruff: noqa: E501 - a program is read in one line
"""Test code and candidate in two processes: plain data crosses, and a test passes only by what came back."""

from __future__ import annotations

import pytest

from reward_kit.sandbox.client import Sandbox
from reward_kit.sandbox.shapes import End, Job, Limits, Mode


def pair(sandbox: Sandbox, code: str, *tests: str, entry_point: str = "f", wall: float = 20.0) -> tuple[End, End]:
    limits = Limits(wall=wall)
    served = Job(Mode.SERVE, code, entry_point=entry_point, limits=limits)
    return sandbox.run_pair(served, Job(Mode.TEST, "", tests=tests, entry_point=entry_point, limits=limits))


def verdicts(sandbox: Sandbox, code: str, *tests: str, entry_point: str = "f") -> list[bool]:
    served, tested = pair(sandbox, code, *tests, entry_point=entry_point)
    assert served.clean
    assert tested.clean
    return [one.ok for one in tested.returned]


def test_assertions_hold_or_fail(sandbox: Sandbox) -> None:
    assert verdicts(sandbox, "def f(x): return x + 1", "assert f(1) == 2", "assert f(1) == 3") == [True, False]


def test_a_check_function_in_the_manner_of_humaneval(strong: Sandbox) -> None:
    test = "import math\ndef check(candidate):\n    assert math.isclose(candidate(2), 1.414, rel_tol=1e-3)\n\ncheck({})"
    assert verdicts(strong, "def root(x): return x ** .5", test.format("root"), entry_point="root") == [True]
    assert verdicts(strong, "def root(x): return x ** .5", test.format("candidate"), entry_point="root") == [True]


def test_helpers_of_the_candidate_can_be_called_too(strong: Sandbox) -> None:
    code = "def poly(xs, x): return sum(c * x ** i for i, c in enumerate(xs))\ndef f(xs): return -xs[0] / xs[1]\nEPS = 1e-9"
    assert verdicts(strong, code, "assert abs(poly([1, 2], f([1, 2]))) < EPS") == [True]


def test_arguments_changed_in_place_are_changed_in_the_test(strong: Sandbox) -> None:
    code = (
        "def f(a): a.sort()\n"
        "def g(d): d['new'] = d.pop('old'); d['new'].append(1)\n"
        "def h(s): s.add(9)\n"
        "def q(d): d.appendleft(0)\n"
        "def t(pair): pair[0].append(5)\n"
        "def boom(a): a.append(1); raise KeyError('k')\n"
    )
    tests = (
        "a = [3, 1]; alias = a; f(a); assert alias == [1, 3]",
        "inner = []; d = {'old': inner}; g(d); assert d == {'new': [1]}",
        "s = {1}; h(s); assert s == {1, 9}",
        "from collections import deque\nd = deque([1]); q(d); assert d == deque([0, 1])",
        "inner = []; t((inner, 1)); assert inner == [5]",
        "a = []\ntry: boom(a)\nexcept KeyError as e: assert e.args == ('k',)\nassert a == [1]",
    )
    assert verdicts(strong, code, *tests) == [True] * len(tests)


def test_exceptions_cross_as_builtin_ones(strong: Sandbox) -> None:
    code = "class Odd(ValueError): pass\ndef f(x): raise Odd('odd ' + x)\ndef g(): raise SystemExit(0)"
    tests = (
        "try: f('a')\nexcept ValueError as e: assert str(e) == 'odd a' and type(e) is ValueError\nelse: assert False",
        "try: f('a')\nexcept KeyError: pass",
    )
    assert verdicts(strong, code, *tests) == [True, False]


def test_a_test_of_a_builtins_name_calls_the_candidates_function(strong: Sandbox) -> None:
    code = "def sorted(xs): return 'mine'\ndef len(xs): return 99"
    tests = ("assert sorted([1]) == 'mine'", "assert len([1]) == 1")
    assert verdicts(strong, code, *tests, entry_point="sorted") == [True, True]


@pytest.mark.parametrize(
    "code",
    [
        "class E:\n  def __eq__(self, other): return True\ndef f(): return E()",
        "def f(): return lambda: 1",
        "class f: pass",
        "def f():\n  yield 1",
    ],
)
def test_what_is_no_plain_data_fails_the_test_and_is_named_opaque(walled: Sandbox, code: str) -> None:
    _, tested = pair(walled, code, "try: ok = f() == 1\nexcept Exception: ok = True\nassert ok")
    assert [(one.ok, one.opaque) for one in tested.returned] == [(False, True)]


@pytest.mark.parametrize(
    "leave",
    ["import os; os._exit(0)", "raise SystemExit(0)", "import os; os.close(61)", "import os; os.write(61, b'x' * 9)"],
)
def test_a_candidate_that_leaves_fails_the_test_that_waits(walled: Sandbox, leave: str) -> None:
    _, tested = pair(walled, f"def f(): {leave}", "try: f()\nexcept Exception: pass", "assert f() == 1", wall=2.0)
    assert not any(one.ok for one in tested.returned)


def test_a_candidate_that_never_answers_is_stopped(walled: Sandbox) -> None:
    served, tested = pair(walled, "def f():\n  while True: pass", "f()", wall=0.5)
    assert served.limit == "wall"
    assert not any(one.ok for one in tested.returned)


def test_the_candidate_does_not_see_the_test(walled: Sandbox) -> None:
    code = "import sys, gc\ndef f(): return 'needle' + '42' in repr([o for o in gc.get_objects() if type(o) in (dict, list)][:9999])"
    assert verdicts(walled, code, "x = 'needle42'\nassert f() is False") == [True]


def test_how_often_the_candidate_was_called_is_told(strong: Sandbox) -> None:
    _, tested = pair(strong, "def f(): return 1", "assert f() == f()", "assert 1 == 1")
    assert [one.value for one in tested.returned] == [2, 0]


def test_test_and_code_in_one_process_where_it_is_asked_for(strong: Sandbox) -> None:
    job = Job(Mode.TEST, "class A:\n  x = 1\n", tests=("assert A().x == 1", "assert A().x == 2"))
    (end,) = strong.run([job])
    assert [one.ok for one in end.returned] == [True, False]
