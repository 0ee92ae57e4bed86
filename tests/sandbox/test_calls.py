"""Calls: one program, one answer for each call, and nothing that a program writes is more than an answer."""

from __future__ import annotations

import pytest
from sandbox_jobs import calls

from reward_kit.sandbox.client import Sandbox
from reward_kit.sandbox.shapes import Arguments, End, Job, Mode, Returned


def run(sandbox: Sandbox, job: Job) -> End:
    (end,) = sandbox.run([job])
    return end


def test_each_call_has_its_answer(sandbox: Sandbox) -> None:
    end = run(sandbox, calls("def f(a, b=1): return a + b", (1,), (1, 2), ("a", "b"), ([1], [2])))
    assert end.clean
    assert [one.value for one in end.returned] == [2, 3, "ab", [1, 2]]


def test_keyword_arguments(strong: Sandbox) -> None:
    job = Job(Mode.CALLS, "def f(a, *, b): return a - b", entry_point="f", calls=(Arguments((5,), {"b": 3}),))
    assert run(strong, job).returned == (Returned(ok=True, value=2),)


def test_a_method_of_solution(strong: Sandbox) -> None:
    code = (
        "class Solution:\n  def __init__(self): self.seen = []\n  def f(self, x): self.seen.append(x); return self.seen"
    )
    assert [one.value for one in run(strong, calls(code, (1,), (2,))).returned] == [[1], [2]]


def test_a_module_is_not_main_when_it_is_called(strong: Sandbox) -> None:
    end = run(strong, calls("def f(): return 1\nif __name__ == '__main__': raise SystemExit(3)", ()))
    assert end.clean
    assert end.returned[0].value == 1


def test_an_exception_is_an_answer_and_the_next_call_is_made(strong: Sandbox) -> None:
    end = run(strong, calls("def f(x): return 1 / x", (0,), (2,)))
    assert end.returned == (
        Returned(ok=False, error="ZeroDivisionError: division by zero"),
        Returned(ok=True, value=0.5),
    )


def test_a_missing_function_is_a_name_error(strong: Sandbox) -> None:
    assert run(strong, calls("def g(): pass", ())).returned[0].error == "NameError: name 'f' is not defined"


@pytest.mark.parametrize("value", ["object()", "lambda: 1", "(x for x in [])", "f", "int"])
def test_what_is_no_plain_data_is_opaque(strong: Sandbox, value: str) -> None:
    (answer,) = run(strong, calls(f"def f(): return {value}", ())).returned
    assert (answer.ok, answer.opaque, answer.value) == (False, True, None)


def test_printing_does_not_disturb_the_answers(strong: Sandbox) -> None:
    end = run(strong, calls("def f(x):\n  print('noise', x)\n  return x", (1,), (2,)))
    assert end.stdout == b"noise 1\nnoise 2\n"
    assert [one.value for one in end.returned] == [1, 2]


@pytest.mark.parametrize("leave", ["import os; os._exit(0)", "raise SystemExit(0)", "exit()"])
def test_who_leaves_early_has_answered_less(walled: Sandbox, leave: str) -> None:
    end = run(walled, calls(f"def f(x):\n  if x: {leave}\n  return x", (0,), (1,), (0,)))
    assert [one.value for one in end.returned] == [0]


def test_an_object_that_equals_everything_does_not_cross(walled: Sandbox) -> None:
    code = "class E(int):\n  def __eq__(self, other): return True\n  __hash__ = None\ndef f(): return E(5)"
    (answer,) = run(walled, calls(code, ())).returned
    assert type(answer.value) is int
    assert answer.value == 5


def test_forged_messages_are_only_answers(walled: Sandbox) -> None:
    code = (
        "import os, struct\n"
        "def say(b): os.write(63, struct.pack('!I', len(b)) + b)\n"
        'for _ in range(9): say(b\'{"d": [["value", 1]]}\')\n'
        "say(b'passed'); say(b'[' * 9999); os.write(63, b'\\xff' * 8)\n"
        "def f(): return 2\n"
    )
    end = run(walled, calls(code, (), ()))
    assert end.returned == (Returned(ok=True, value=1), Returned(ok=True, value=1))


def test_a_message_that_is_none_is_a_failed_answer(walled: Sandbox) -> None:
    code = "import os, struct\nos.write(63, struct.pack('!I', 3) + b'abc')\ndef f(): return 2"
    assert not run(walled, calls(code, ())).returned[0].ok


def test_inputs_are_the_same_for_every_call(strong: Sandbox) -> None:
    shared = [3, 1]
    end = run(strong, calls("def f(a):\n  a.sort()\n  return a", (shared,), (shared,)))
    assert [one.value for one in end.returned] == [[1, 3], [1, 3]]
    assert shared == [3, 1]
