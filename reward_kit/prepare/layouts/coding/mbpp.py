"""MBPP: `text` (`prompt` in its sanitized half), `code`, and `test_list`, one assertion a test.

Format: https://github.com/google-research/google-research/tree/master/mbpp.
"""

from __future__ import annotations

import ast
from typing import Any

from reward_kit.prepare.base import Record
from reward_kit.prepare.layouts.coding.task import Task, exact_text, kept, unsupported
from reward_kit.prepare.layouts.fields import text_column

_KEPT = {"task_id": "source_id"}
#: Columns with code that every assertion needs before it.
_SETUP = ("test_setup_code", "test_imports")


def read(record: Record) -> Task:
    """One record. The prompt shows the first assertion, as MBPP is asked: the problem does not name its function."""
    tests = record["test_list"]
    if not isinstance(tests, list) or not all(isinstance(test, str) and test.strip() for test in tests):
        raise unsupported("has a test_list that is not a list of assertions")
    question = text_column(record, "text" if "text" in record else "prompt")
    setup = _setup(record)
    assertions = [{"assertion": f"{setup}\n{test}" if setup else test} for test in tests]
    shown = (
        f"{question}\n\nThe program is tested, among others, by:\n\n```python\n{tests[0]}\n```" if tests else question
    )
    raw = {name: record[name] for name in ("test_list", *_SETUP) if record.get(name) is not None}
    program, columns = exact_text(record, "code"), kept(record, _KEPT)
    if name := _tested(tests, program):
        columns["entry_point"] = name
    return Task(shown, assertions, raw, program, columns)


def _setup(record: Record) -> str:
    imports = record.get("test_imports") or []
    parts: list[Any] = [record.get("test_setup_code"), *(imports if isinstance(imports, list) else ())]
    if not isinstance(imports, list) or not all(part is None or isinstance(part, str) for part in parts):
        raise unsupported("has test_setup_code or test_imports that are not text")
    return "\n".join(part for part in parts if part)


def _tested(tests: list[str], program: str) -> str | None:
    """The one function of the program that every assertion calls; None where that is none or several."""
    try:
        names = {node.name for node in ast.parse(program).body if isinstance(node, ast.FunctionDef)}
        for test in tests:
            names &= {node.id for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Name)}
    except (SyntaxError, ValueError, RecursionError):
        return None  # the audit says so
    return names.pop() if len(names) == 1 else None
