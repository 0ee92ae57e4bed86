"""What a source may hold: JSON values only, because everything else would be changed on its way into a dataset."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from reward_kit.errors import PrepareError
from reward_kit.jsonl import MAX_DEPTH

#: How to turn what parquet files hold, and JSON does not, into JSON without loss; by the name of the Python type.
_REMEDIES = {
    "bytes": "Write the column as text, or leave it out of the source (images and audio cannot be graded here)",
    "Decimal": "Write it as a string, which keeps every digit",
    "tuple": "Write it as a list",
}
_DATES = frozenset({"datetime", "date", "time", "timedelta", "Timestamp", "Timedelta"})


def require_json(record: Any, where: str) -> None:
    """Check that a record is an object made of JSON values; nothing is converted.

    Args:
        record: what a reader gave.
        where: the source and the row, for the message.

    Raises:
        PrepareError: naming row, column and remedy of the first value that is not JSON.
    """
    if type(record) is not dict:
        raise PrepareError(f"{where} is {type(record).__name__}, not a dict. Give one dict for each row")
    for path, problem, remedy in _problems(record, "", 0):
        raise PrepareError(f"{where}, column {path}: {problem}. {remedy}")


def _problems(value: Any, path: str, depth: int) -> Iterator[tuple[str, str, str]]:
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return
    if kind is str:
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            yield path, "holds half a surrogate pair, which cannot be UTF-8", "Correct the text"
    elif kind is float:
        if not math.isfinite(value):
            yield path, f"holds {value}, which is not JSON", "Write null for what is missing, or a string"
    elif depth > MAX_DEPTH:
        yield path, f"is nested more than {MAX_DEPTH} levels deep", "Flatten the value"
    elif kind is dict or kind is list:
        for name, part in _parts(value):
            if kind is dict and type(name) is not str:
                yield path, f"has the key {name!r}, which is not a string", "Use strings as keys"
            step = f"{path}[{name}]" if kind is list else f"{path}.{name}" if path else str(name)
            yield from _problems(part, step, depth + 1)
    else:
        yield path, f"holds a value of type {kind.__name__}, which is not JSON", _remedy(kind.__name__)


def _parts(value: dict[Any, Any] | list[Any]) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value)


def _remedy(kind: str) -> str:
    if kind in _DATES:
        return "Write it as a string in the form you want graded, e.g. by CAST(... AS VARCHAR)"
    return _REMEDIES.get(kind, "Convert it to a string, a number, a list or a dict before it gets here")
