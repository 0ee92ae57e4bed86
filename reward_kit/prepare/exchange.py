"""Rows to and from `datasets.Dataset` without a changed value.

Arrow wants one type for each column, and where values differ in shape `datasets` fills missing keys with null, widens
integers to floats or falls back on ujson, which turns 8.854e-12 into 0.0. So only columns that Arrow can hold as they
are stay native; every other column becomes JSON text, in the order of its own keys:

- `id` and `messages` are always there. `messages` stay native, a list of {role, content} as trainers read them, where
  every message of every row has exactly these two keys, both text; one tool call anywhere, and they are JSON text.
- `ground_truth` and further columns stay native where all their values are text, or all are booleans, integers of at
  most 64 bits, or floats; `tools`, `tests`, `components` and nested golds are JSON text.
- `rewardkit`, JSON text too, says for each row which columns it has, in order, which of them are JSON text, and its
  line: shuffling, selecting, concatenating and saving keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reward_kit.errors import PrepareError
from reward_kit.jsonl import compact_json, loads
from reward_kit.models import Row
from reward_kit.prepare.base import Reason
from reward_kit.prepare.switches import need, quietly
from reward_kit.prepare.values import require_json

if TYPE_CHECKING:
    from datasets import Dataset  # type: ignore[import-untyped]

#: The column that says how a row was written.
KEY = "rewardkit"
_INT64 = range(-(2**63), 2**63)


def to_dataset(rows: Sequence[Row]) -> Dataset:
    """The rows as a Dataset from which `from_dataset` makes the same rows; that is checked here, row by row.

    Args:
        rows: in the order that the Dataset gets.

    Raises:
        PrepareError: where a row holds what is not JSON, a column has a name that is taken, or any value would come
            back changed (roundtrip_changed).
    """
    objects = [_object(row) for row in rows]
    names = list(dict.fromkeys(name for value in objects for name in value))
    as_json = {name for name in names if not _is_native(name, [value[name] for value in objects if name in value])}
    columns = {
        name: [_cell(value[name], name in as_json) if name in value else None for value in objects] for name in names
    }
    columns[KEY] = [_key(row, value, as_json) for row, value in zip(rows, objects, strict=True)]
    with quietly(offline=True):
        try:
            dataset: Dataset = need("datasets").Dataset.from_dict(columns)
        except (ValueError, TypeError, OverflowError, need("pyarrow").ArrowException) as error:
            what = " ".join(str(error).split())[:200]
            raise PrepareError(f"`datasets` cannot hold these rows ({what}). Check the names of the columns") from error
    _require_same(rows, from_dataset(dataset))
    return dataset


def from_dataset(dataset: Dataset) -> list[Row]:
    """The rows of a Dataset that `to_dataset` made, whatever was selected from it.

    Raises:
        PrepareError: where it was made otherwise, or its cells cannot be read.
    """
    if KEY not in dataset.column_names:
        raise PrepareError(f"the dataset has no column {KEY!r}. Make it by to_dataset, or prepare it from its source")
    rows = []
    for position, cells in enumerate(dataset):
        try:
            rows.append(_row(cells))
        except (KeyError, TypeError, ValueError) as error:
            raise PrepareError(f"row {position} is not one that to_dataset wrote ({error!r}). Make it again") from error
    return rows


def _object(row: Row) -> dict[str, Any]:
    value = {"id": row.id, "messages": [dict(message) for message in row.messages], "ground_truth": row.ground_truth}
    if taken := [name for name in row.columns if name in value or name == KEY]:
        raise PrepareError(f"row {row.id!r} has a further column {taken[0]!r}, a name that is taken. Rename it")
    value |= row.columns
    require_json(value, f"row {row.id!r}")
    return value


def _is_native(name: str, values: Sequence[Any]) -> bool:
    if name == "messages":
        return all(_is_plain(message) for messages in values for message in messages)
    kinds = set(map(type, values))
    if kinds == {int}:
        return all(value in _INT64 for value in values)
    return kinds in ({str}, {bool}, {float})


def _is_plain(message: Mapping[str, Any]) -> bool:
    return list(message) == ["role", "content"] and all(type(text) is str for text in message.values())


def _cell(value: Any, as_json: bool) -> Any:
    return compact_json(value) if as_json else value


def _key(row: Row, value: Mapping[str, Any], as_json: set[str]) -> str:
    return compact_json({"columns": list(value), "json": [name for name in value if name in as_json], "line": row.line})


def _row(cells: Mapping[str, Any]) -> Row:
    key = loads(cells[KEY])
    value = {name: loads(cells[name]) if name in key["json"] else cells[name] for name in key["columns"]}
    messages = tuple(value.pop("messages"))
    return Row(value.pop("id"), messages, value.pop("ground_truth"), value, key["line"])


def _require_same(before: Sequence[Row], after: Sequence[Row]) -> None:
    if len(before) != len(after):
        raise PrepareError(f"{Reason.ROUNDTRIP_CHANGED}: {len(before)} rows went in, {len(after)} came back")
    for row, back in zip(before, after, strict=True):
        if changed := list(_changed(row, back)):
            raise PrepareError(
                f"{Reason.ROUNDTRIP_CHANGED}: row {row.id!r}, {changed[0]} came back changed from `datasets`. "
                "Keep the dataset as JSON lines, and report this with the row"
            )


def _changed(row: Row, back: Row) -> Iterator[str]:
    """What differs between two rows."""
    if row.line != back.line or list(row.columns) != list(back.columns):
        yield "its line or its columns"
    first, second = _object(row), _object(back)
    yield from (name for name in first if name not in second or not _identical(first[name], second[name]))


def _identical(before: Any, after: Any) -> bool:
    """Whether two JSON values are the same to the byte: order of keys, 1 and 1.0, 0.0 and -0.0 are told apart.

    Not by comparing the JSON text that the columns hold: what its writer lost would be lost on both sides.
    """
    if type(before) is not type(after):
        return False
    if isinstance(before, dict):
        return list(before) == list(after) and all(_identical(before[key], after[key]) for key in before)
    if isinstance(before, list):
        return len(before) == len(after) and all(map(_identical, before, after))
    return repr(before) == repr(after)
