"""What can be wrong with a row of any domain: its gold was changed, or it does not survive its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reward_kit.dataset import row_line, to_row
from reward_kit.jsonl import loads
from reward_kit.models import Row
from reward_kit.prepare.base import Finding, Reason
from reward_kit.prepare.golds import check_normalised

_KINDS = {str: "text", bool: "boolean", int: "integer", float: "decimal", list: "list", dict: "object"}


def audit(row: Row, raw_gold: Any) -> Iterator[Finding]:
    """Findings that stop a run: a value is not the one that the source holds.

    Args:
        row: the row as it would be written.
        raw_gold: the gold as the source holds it.
    """
    changed = check_normalised(raw_gold, row.ground_truth)
    if changed is not None:
        yield changed
    problem = _lost_on_the_way(row)
    if problem:
        yield Finding(Reason.ROUNDTRIP_CHANGED, problem)


def answer_class(row: Row) -> str:
    """The JSON type of the gold."""
    return _KINDS.get(type(row.ground_truth), "none")


def _lost_on_the_way(row: Row) -> str:
    """What a row loses when it is written as JSON and read strictly; empty where nothing."""
    try:
        again = to_row(loads(row_line(row).encode("utf-8").decode("utf-8")), row.line)
    except (TypeError, ValueError) as error:
        return f"cannot be written as JSON and read again: {error}"
    for name, written, read in (
        ("messages", list(row.messages), list(again.messages)),
        ("ground_truth", row.ground_truth, again.ground_truth),
        ("columns", dict(row.columns), dict(again.columns)),
    ):
        if not _same(written, read):
            return f"{name} come back changed from JSON: {repr(written)[:60]} as {repr(read)[:60]}"
    return "" if again.id == row.id else f"the id comes back as {again.id!r}"


def _same(written: Any, read: Any) -> bool:
    """Equality that tells 1 from 1.0 and True, and a tuple from a list."""
    if isinstance(written, Mapping):
        return (
            isinstance(read, dict)
            and list(written) == list(read)
            and all(_same(value, read[key]) for key, value in written.items())
        )
    if type(written) is not type(read):
        return False
    if isinstance(written, list):
        return len(written) == len(read) and all(map(_same, written, read))
    return bool(written == read)
