"""This project's own format: `question`, `solution`, `tests` in the row's form, and any further columns."""

from __future__ import annotations

from reward_kit.prepare.base import Record
from reward_kit.prepare.layouts.coding.task import Task, exact_text, filled, json_column, unsupported
from reward_kit.prepare.layouts.fields import text_column

_READ = frozenset({"question", "solution", "tests", "id"})


def read(record: Record) -> Task:
    """One record; the tests are taken as they are, and further columns are kept (`id` as `source_id`)."""
    tests = json_column(record, "tests")
    if not isinstance(tests, list):
        raise unsupported(f"has tests that are {type(tests).__name__}, not a list")
    columns = {name: value for name, value in record.items() if name not in _READ and value is not None}
    if record.get("id") is not None:
        columns["source_id"] = record["id"]
    program = exact_text(record, "solution") if filled(record, "solution") else None
    return Task(text_column(record, "question"), tests, {"tests": record["tests"]}, program, columns)
