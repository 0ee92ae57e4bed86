"""The coding layout: problems with tests, in the formats that the common sets have.

The columns say which format a record is in; each has a module of this package:

* `question`, `solution`, `tests`: this project's own (`own`);
* `question`, `input_output`: APPS and TACO (`apps`);
* `content`, `test`: CodeContests as SandboxFusion has it (`stdio`);
* `prompt`, `test`, `entry_point`: HumanEval, and MBPP as MultiPL-E has it (`programs`);
* `text` or `prompt`, `code`, `test_list`: MBPP (`mbpp`).

Nothing is run here. Tests that no program in Python can be graded by alone are refused, one record at a time: none at
all, a checker beside them, another language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from reward_kit.jsonl import MAX_LINE_BYTES, canonical_json
from reward_kit.models import Row
from reward_kit.prepare.base import Layout, Prepared, Reason, Record, RejectedError
from reward_kit.prepare.layouts.coding import apps, mbpp, own, programs, stdio
from reward_kit.prepare.layouts.coding.task import Task, filled, reference_turn, unsupported
from reward_kit.prepare.layouts.fields import no_columns, no_images

#: The columns that a record of each format has, the most telling first, and what reads it.
_FORMATS: tuple[tuple[frozenset[str], Callable[[Record], Task]], ...] = (
    (frozenset({"question", "tests"}), own.read),
    (frozenset({"question", "input_output"}), apps.read),
    (frozenset({"content", "test"}), stdio.read),
    (frozenset({"prompt", "test", "entry_point"}), programs.read),
    (frozenset({"code", "test_list"}), mbpp.read),
)
_TESTS = ("tests", "input_output", "test", "test_list")
_LANGUAGES = ("language", "lang", "programming_language")
_PYTHON = frozenset({"py", "python", "python3"})
#: Columns of a problem whose answers a program judges: comparing outputs would call right ones wrong.
_JUDGED = ("checker", "generated_checker", "special_judge", "is_interactive", "interaction_format", "interactor")
#: The row's own keys, and the columns that preparing writes.
_RESERVED = frozenset({"id", "messages", "ground_truth", "gold_raw", "gold_sha256", "tools", "components"})


class Coding(Layout):
    """The problem as prompt, its solution in one fence as reference, the tests as ground truth.

    A row has a column `entry_point` where its tests call a function. Where a set has no solution, the row has no
    reference turn.
    """

    name: ClassVar[str] = "coding"
    domain: ClassVar[str] = "code"

    def __init__(self, columns: Mapping[str, str]) -> None:
        no_columns(self.name, columns)

    def prepare(self, record: Record, row_id: str, line: int) -> Prepared:
        no_images(record)
        _refuse(record)
        task = _reader_of(record)(record)
        if not task.tests:
            raise unsupported("has an empty list of tests")
        if clash := sorted(_RESERVED & task.columns.keys()):
            raise RejectedError(Reason.SCHEMA_VIOLATION, f"has a column {clash[0]!r}, which preparing writes itself")
        _refuse_size(task)
        prompt = {"role": "user", "content": task.prompt}
        messages = (prompt,) if task.program is None else (prompt, reference_turn(task.program))
        return Prepared(Row(row_id, messages, task.tests, task.columns, line), task.raw)


def _refuse(record: Record) -> None:
    """Refuse what no format of these can hold."""
    if not any(filled(record, name) for name in _TESTS):
        raise unsupported(f"has no tests; its columns are {', '.join(map(str, record))[:120]}")
    for name in _LANGUAGES:
        if filled(record, name) and str(record[name]).strip().lower() not in _PYTHON:
            raise unsupported(f"is in {str(record[name])[:20]!r} (column {name!r}), not in Python")
    for name in _JUDGED:
        if filled(record, name):
            raise unsupported(f"is judged by a program (column {name!r}), not by comparing outputs")


def _reader_of(record: Record) -> Callable[[Record], Task]:
    for needed, read in _FORMATS:
        if needed <= record.keys():
            return read
    known = "; ".join(", ".join(sorted(needed)) for needed, _ in _FORMATS)
    raise RejectedError(
        Reason.SCHEMA_VIOLATION, f"has the columns {', '.join(record)[:120]}; the formats known here have {known}"
    )


def _refuse_size(task: Task) -> None:
    """Refuse tests that no line of a dataset could hold beside their raw form; a quarter is left for the rest."""
    held: tuple[Any, Any] = (task.tests, task.raw)
    size = sum(len(canonical_json(value).encode()) for value in held)
    if size > MAX_LINE_BYTES * 3 // 4:
        raise unsupported(f"has tests of {size >> 20} MB with their raw form, over what a line of a dataset holds")
