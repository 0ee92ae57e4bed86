"""CodeContests as SandboxFusion has it: `content`, and `test`, a list of inputs and outputs.

Format: https://github.com/bytedance/SandboxFusion (samples of code_eval_code_contests).
"""

from __future__ import annotations

from typing import Any

from reward_kit.prepare.base import Record
from reward_kit.prepare.layouts.coding.task import Task, exact_text, filled, json_column, kept, unsupported
from reward_kit.prepare.layouts.fields import text_column

_KEPT = {"id": "source_id", "labels": "labels"}
_SOLUTIONS = ("solution", "canonical_solution")


def read(record: Record) -> Task:
    """One record. Tests with anything but a standard input and output, such as files, are refused."""
    tests = json_column(record, "test")
    if not isinstance(tests, list):
        raise unsupported(f"has tests that are {type(tests).__name__}, not a list")
    read_tests = [_test(test, number) for number, test in enumerate(tests, 1)]
    solution = next((name for name in _SOLUTIONS if filled(record, name)), None)
    program = None if solution is None else exact_text(record, solution)
    return Task(text_column(record, "content"), read_tests, {"test": record["test"]}, program, kept(record, _KEPT))


def _test(test: Any, number: int) -> dict[str, str]:
    match test:
        case {"input": {"stdin": str(given), **more}, "output": {"stdout": str(wanted), **extra}, **beside}:
            if unread := sorted(map(str, {*more, *extra, *beside})):
                raise unsupported(f"has {unread[0]!r} in test {number}, beside input and output")
            return {"input": given, "expected_output": wanted}
    raise unsupported(f"has no texts for standard input and output in test {number}")
