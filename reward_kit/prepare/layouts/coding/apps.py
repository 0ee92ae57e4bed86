"""APPS and TACO: `question`, `input_output` (JSON with `inputs`, `outputs` and maybe `fn_name`), `solutions`.

Formats: https://github.com/hendrycks/apps, https://github.com/FlagOpen/TACO.
"""

from __future__ import annotations

import ast
import warnings
from typing import Any

from reward_kit.prepare.base import Record
from reward_kit.prepare.layouts.coding.task import Task, filled, json_column, kept, unsupported
from reward_kit.prepare.layouts.fields import text_column

_KEPT = {"id": "source_id", "difficulty": "difficulty", "url": "source", "source": "source"}
_READ = frozenset({"inputs", "outputs", "fn_name"})


def read(record: Record) -> Task:
    """One record. With `fn_name` the tests call that function, otherwise they are standard inputs and outputs."""
    given = json_column(record, "input_output")
    if not isinstance(given, dict) or not isinstance(given.get("inputs"), list):
        raise unsupported("has an input_output without a list of inputs")
    if unread := sorted(given.keys() - _READ):
        raise unsupported(f"has {unread[0]!r} in input_output, beside inputs, outputs and fn_name")
    inputs, outputs = given["inputs"], given.get("outputs")
    if not isinstance(outputs, list) or len(inputs) != len(outputs):
        count = len(outputs) if isinstance(outputs, list) else "no"
        raise unsupported(f"has {len(inputs)} inputs and {count} outputs")
    columns, name = kept(record, _KEPT), given.get("fn_name")
    if name is None:
        tests = [_stdio(one, other, n) for n, (one, other) in enumerate(zip(inputs, outputs, strict=True), 1)]
    else:
        tests = _calls(inputs, outputs, str(record.get("starter_code") or ""))
        columns["entry_point"] = name
    return Task(_prompt(record), tests, {"input_output": record["input_output"]}, _solution(record), columns)


def _prompt(record: Record) -> str:
    """The question, and the header that a solution starts from: without it the function's name is not known."""
    question = text_column(record, "question")
    if not filled(record, "starter_code"):
        return question
    return f"{question}\n\nStart from this code:\n\n```python\n{text_column(record, 'starter_code')}\n```"


def _stdio(given: Any, wanted: Any, number: int) -> dict[str, Any]:
    return {"input": _text(given, number), "expected_output": _text(wanted, number)}


def _text(value: Any, number: int) -> str:
    """A text, or the lines that some records hold instead."""
    if isinstance(value, list) and value and all(isinstance(line, str) and "\n" not in line for line in value):
        return "\n".join(value)
    if not isinstance(value, str):
        raise unsupported(f"has {type(value).__name__} as input or output of test {number}, not a text")
    return value


def _calls(inputs: list[Any], outputs: list[Any], starter: str) -> list[dict[str, Any]]:
    """Arguments and values. Most records wrap each value in a list, those of LeetCode (class Solution) do not."""
    if any(not isinstance(args, list) for args in inputs):
        raise unsupported("has inputs that are not lists of arguments")
    wrapped = all(isinstance(value, list) and len(value) == 1 for value in outputs)
    if wrapped and "class Solution" in starter:
        raise unsupported("has lists of one item as outputs: the value of the function, or a list around it")
    values = [value[0] for value in outputs] if wrapped else outputs
    return [{"args": args, "expected": value} for args, value in zip(inputs, values, strict=True)]


def _solution(record: Record) -> str | None:
    """The first solution that Python 3 can parse, since some are in Python 2; where there is none, the first."""
    if not filled(record, "solutions"):
        return None
    solutions = json_column(record, "solutions")
    texts = [text for text in solutions if isinstance(text, str)] if isinstance(solutions, list) else []
    return next((text for text in texts if _parses(text)), texts[0] if texts else None)


def _parses(program: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
