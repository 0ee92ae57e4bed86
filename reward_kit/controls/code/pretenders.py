"""Programs that solve nothing and look to a weak grader as if they did. They are only ever executed in the sandbox."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from reward_kit.controls.code.syntax import parsed
from reward_kit.controls.code.trials import AssertTests, CallTests, StdinTests, Tests

#: Characters of a program that holds outputs of tests: beyond it, no response looks so.
_LONGEST = 8000
_EQUAL_TO_ALL = """\
class Anything:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 0
"""
_SEARCH = """\
for called, named, value in known:
    if (list(args), kwargs) == (called, named):
        return value"""


def pretenders(program: str, tests: Tests) -> Iterator[tuple[str, str]]:
    """(operator, program) of answers that are wrong by what they do: tests known by heart, equal to all, no value.

    Args:
        program: the reference's program; what must be defined (a class Solution) is defined as there.
        tests: the row's tests, whose outputs are learnt by heart.
    """
    found = _printing(program, tests) if isinstance(tests, StdinTests) else _returning(program, tests)
    for operator, text in found:
        if text is not None and len(text) <= _LONGEST + len(program):
            yield operator, text


def silent(program: str, tests: Tests) -> Iterator[tuple[str, str]]:
    """(operator, program) of programs that end without an answer: clean exits, an exception, nothing at all."""
    rest = "" if "__future__" in program else f"\n{program}"
    raises = 'raise RuntimeError("not solved")'
    yield "sys_exit", f"import sys\n\nsys.exit(0)\n{rest}"
    yield "os_exit", f"import os\n\nos._exit(0)\n{rest}"
    yield "empty_program", ""
    name = called_function(program, tests)
    yield "raises", _function(program, name, raises) if name else raises


def cut_program(program: str) -> str:
    """The program cut off in the middle, where the tokens ran out."""
    return program[: len(program) // 2]


def _printing(program: str, tests: StdinTests) -> Iterator[tuple[str, str | None]]:
    yield "hard_coded", f"print({tests.expected[0].rstrip()!r})"
    known = dict(zip(tests.inputs[:-1], tests.expected[:-1], strict=True))
    if known:
        text = f"import sys\n\nknown = {known!r}\nprint(known.get(sys.stdin.read(), ''), end='')"
        yield "all_but_one_known", text
    yield "fails_at_end", f'{program}\n\nraise RuntimeError("after the output")'


def _returning(program: str, tests: Tests) -> Iterator[tuple[str, str | None]]:
    name = called_function(program, tests)
    if not name:
        return
    first, wanted = _first_expected(tests)
    if wanted:
        yield "hard_coded", _if_written(first, lambda text: _function(program, name, f"return {text}"))
    if isinstance(tests, CallTests) and len(tests.calls) > 1:
        known = [
            (list(call.args), dict(call.kwargs), value)
            for call, value in zip(tests.calls[:-1], tests.expected[:-1], strict=True)
        ]
        yield (
            "all_but_one_known",
            _if_written(known, lambda text: _function(program, name, f"known = {text}\n{_SEARCH}")),
        )
    yield "equal_to_all", f"{_EQUAL_TO_ALL}\n\n{_function(program, name, 'return Anything()')}"
    yield "pass_body", _function(program, name, "pass")


def called_function(program: str, tests: Tests) -> str:
    """The function that tests call; empty where they give stdin."""
    if isinstance(tests, StdinTests):
        return ""
    return tests.entry_point.rpartition(".")[2] or next(reversed(_defined(program, ast.FunctionDef)), "")


def _function(program: str, name: str, body: str) -> str:
    """A function of any arguments in place of the program's own, in a class Solution where that has one."""
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    if not _is_method(program, name):
        return f"def {name}(*args, **kwargs):\n{indented}"
    method = f"def {name}(self, *args, **kwargs):\n{indented}"
    return "class Solution:\n" + "\n".join(f"    {line}" for line in method.splitlines())


def _is_method(program: str, name: str) -> bool:
    functions, classes = _defined(program, ast.FunctionDef), _defined(program, ast.ClassDef)
    return name not in functions and "Solution" in classes


def _defined(program: str, kind: type[ast.FunctionDef] | type[ast.ClassDef]) -> list[str]:
    tree = parsed(program)
    return [node.name for node in tree.body if isinstance(node, kind)] if tree else []


def _first_expected(tests: Tests) -> tuple[Any, bool]:
    """What the first test wants, and whether that is known."""
    if isinstance(tests, CallTests):
        return tests.expected[0], True
    for test in tests.tests if isinstance(tests, AssertTests) else ():
        for node in _compares(test):
            if isinstance(node.left, ast.Call) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
                try:
                    return ast.literal_eval(node.comparators[0]), True
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    continue
    return None, False


def _compares(test: str) -> Iterator[ast.Compare]:
    tree = parsed(test)
    if tree is not None:
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Compare))


def _if_written(value: Any, written: Callable[[str], str]) -> str | None:
    """A program that holds a value as a literal; None for values that no literal writes (nan, inf)."""
    text = repr(value)
    try:
        return written(text) if ast.literal_eval(text) == value else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
