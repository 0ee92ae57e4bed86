"""dataset.jsonl: read it whole with every defect named, write it atomically."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reward_kit.errors import DatasetError, Defect
from reward_kit.jsonl import dump_line, read_jsonl, write_jsonl
from reward_kit.models import Row

DATASET_FILE = "dataset.jsonl"
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
#: The columns that are lists; every further column is the suite's own.
_LIST_COLUMNS = ("tools", "tests", "components")
_OWN_KEYS = ("id", "messages", "ground_truth")


def read_dataset(path: Path) -> list[Row]:
    """Read every row of a dataset.jsonl.

    Raises:
        DatasetError: naming every defect of the file at once; there is no partial result.
    """
    defects: list[Defect] = []
    rows: list[Row] = []
    first_line: dict[str, int] = {}
    for number, value in read_jsonl(path, defects):
        found = list(_row_problems(value, first_line))
        defects += [Defect(path, number, problem, remedy) for problem, remedy in found]
        if isinstance(row_id := value.get("id"), str):
            first_line.setdefault(row_id, number)
        if not found:
            rows.append(to_row(value, number))
    if defects:
        raise DatasetError(sorted(defects, key=lambda defect: defect.line))
    return rows


def write_dataset(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as dataset.jsonl, atomically and byte for byte the same for the same rows."""
    write_jsonl(path, map(row_line, rows))


def to_row(value: Mapping[str, Any], line: int) -> Row:
    """A checked JSON object as a row; `line` is where it stands (1-based)."""
    columns = {key: column for key, column in value.items() if key not in _OWN_KEYS}
    return Row(value["id"], tuple(value["messages"]), value["ground_truth"], columns, line)


def row_line(row: Row) -> str:
    """The one line of JSON that stands for `row`, without its newline."""
    head = {"id": row.id, "messages": list(row.messages), "ground_truth": row.ground_truth}
    return dump_line(head | dict(row.columns))


def _row_problems(value: Mapping[str, Any], first_line: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    yield from _id_problems(value, first_line)
    yield from message_problems(value)
    yield from _gold_problems(value)
    for name in _LIST_COLUMNS:
        if name in value and not isinstance(value[name], list):
            yield f"{name!r} is not a list", "Write a list, or leave the column out"


def _id_problems(value: Mapping[str, Any], first_line: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    if "id" not in value:
        yield "has no id", _near_miss("id", value) or 'Give the row a unique "id"'
        return
    row_id = value["id"]
    if not isinstance(row_id, str):
        yield f"the id {row_id!r} is not a string", 'Write it in quotes: "id": "row-1"'
    elif not row_id.strip():
        yield "the id is empty", 'Give the row a unique "id"'
    elif row_id != row_id.strip() or "," in row_id or not row_id.isprintable() or len(row_id) > 200:
        yield (
            f"the id {row_id[:60]!r} cannot be typed in --rk-ids",
            "Use at most 200 printable characters without commas or blanks at the ends",
        )
    elif row_id in first_line:
        yield f"the id {row_id!r} is the id of line {first_line[row_id]} too", "Make ids unique"


def message_problems(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the messages of a row, each with its remedy."""
    if "messages" not in value:
        yield "has no messages", _near_miss("messages", value) or 'Write "messages": [{"role": "user", ...}]'
        return
    messages = value["messages"]
    if not isinstance(messages, list) or not messages:
        yield "'messages' is not a list with at least one message", 'Write [{"role": "user", "content": "..."}]'
        return
    for position, message in enumerate(messages):
        where = f"messages[{position}]"
        if not isinstance(message, dict):
            yield f"{where} is not an object", 'Write {"role": ..., "content": ...}'
        elif not isinstance(message.get("role"), str) or message["role"] not in ROLES:
            yield f"{where} has the role {message.get('role')!r}", f"Known roles: {', '.join(sorted(ROLES))}"
        elif not isinstance(message.get("content", ""), (str, list, type(None))):
            yield f"the content of {where} is not text", "Write a string, a list of parts, or null"
        elif not message.keys() & {"content", "tool_calls", "function_call"}:
            yield f"{where} has no content", _near_miss("content", message) or 'Add "content": "..."'


def _gold_problems(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    gold = value.get("ground_truth")
    if "ground_truth" not in value:
        yield "has no ground_truth", _near_miss("ground_truth", value) or 'Add the reference answer as "ground_truth"'
    elif gold is None:
        yield (
            "the ground_truth is empty (null): the row has not been labelled",
            "Fill it in, or remove the row: it cannot be graded. The right answer is for a person to say",
        )
    elif (isinstance(gold, str) and not gold.strip()) or gold in ([], {}):
        yield "the ground_truth is empty", "Fill it in, or remove the row: it cannot be graded"


def _near_miss(wanted: str, value: Mapping[str, Any]) -> str | None:
    near = difflib.get_close_matches(wanted, value, n=1, cutoff=0.75)
    return f"Did you mean {wanted!r} instead of {near[0]!r}?" if near else None
