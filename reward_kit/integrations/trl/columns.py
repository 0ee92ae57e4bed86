"""Dataset columns that Arrow would change on the way, kept as JSON text.

Arrow gives every dict of a column the keys of all the others, filled with None, makes 1 a 1.0 where another row has a
fraction, and refuses columns of mixed types. A column that it would not give back as it was is stored as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from reward_kit.integrations.trl.errors import RewardCallError

#: What a stored text begins with. The control character keeps it apart from what people write.
MARKER = "\x1ereward-kit:json:"


class _Absent:
    """The one value of a column in a row that does not have the column."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()
_INT64 = range(-(2**63), 2**63)
_AS_THEY_ARE = {"str", "bool", "int", "float", "list"}


def encode_column(values: Sequence[Any]) -> list[Any]:
    """The values of one column, as they are where Arrow keeps them, else all as text.

    Raises:
        ValueError: where a value is neither: JSON would change it too.
    """
    return list(values) if _survives_arrow(values) else [_encode(value) for value in values]


def decode_value(value: Any) -> Any:
    """What `encode_column` was given; any other value as it is.

    Raises:
        RewardCallError: where the text was changed since.
    """
    if not isinstance(value, str) or not value.startswith(MARKER):
        return value
    text = value.removeprefix(MARKER)
    if not text:
        return ABSENT
    try:
        return json.loads(text)
    except ValueError as error:
        raise RewardCallError(
            f"a dataset value stored as JSON text cannot be read: {error}. Something changed it after to_trl_rows; "
            "leave these columns as they are"
        ) from None


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from 1.0 and True, as a reward that looks at types or at str() does."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _encode(value: Any) -> str:
    if value is ABSENT:
        return MARKER
    try:
        text = json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{error}. Columns hold what JSON can hold") from None
    if not same(json.loads(text), value):
        raise ValueError(f"JSON would change {value!r}. Columns hold what JSON can hold")
    return MARKER + text


def _survives_arrow(values: Sequence[Any]) -> bool:
    """True where there is one kind of value at each depth of lists, and none that Arrow changes."""
    kinds: dict[int, set[str]] = {}
    for value in values:
        for depth, kind in _kinds(value, 0):
            kinds.setdefault(depth, set()).add(kind)
    return all(len(found) == 1 and found <= _AS_THEY_ARE for found in kinds.values())


def _kinds(value: Any, depth: int) -> Iterator[tuple[int, str]]:
    if value is None:  # a null of any type
        return
    kind = type(value).__name__
    if (isinstance(value, str) and not _plain_text(value)) or (isinstance(value, int) and value not in _INT64):
        kind = "not for Arrow"
    yield depth, kind
    if isinstance(value, list):
        for part in value:
            yield from _kinds(part, depth + 1)


def _plain_text(text: str) -> bool:
    """False for what would be taken for a stored text, and for halves of surrogate pairs, which UTF-8 cannot hold."""
    return not text.startswith(MARKER) and not any("\ud800" <= sign <= "\udfff" for sign in text)
