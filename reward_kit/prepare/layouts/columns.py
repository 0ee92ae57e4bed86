"""The layout `columns`: any source whose columns suite.toml or the command line names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from reward_kit.errors import PrepareError
from reward_kit.models import Row
from reward_kit.prepare.base import Layout, Prepared, Reason, Record, RejectedError
from reward_kit.prepare.layouts.fields import no_images, text_column

_NEEDED, _OPTIONAL = ("query", "ground_truth"), ("solution",)


class Columns(Layout):
    """`query` becomes the prompt, `solution` (where named) the reference turn, `ground_truth` the gold.

    A query is a text, a list of chat messages or a list of content parts. A gold is a text or a number, alone or as
    the only item of a list; it is stripped and otherwise untouched.
    """

    name: ClassVar[str] = "columns"
    domain: ClassVar[str] = "math"

    def __init__(self, columns: Mapping[str, str]) -> None:
        if missing := [name for name in _NEEDED if not columns.get(name)]:
            raise PrepareError(f'the layout columns needs {missing[0]}. Name the column: columns.{missing[0]} = "..."')
        if unknown := sorted(columns.keys() - {*_NEEDED, *_OPTIONAL}):
            known = ", ".join((*_NEEDED, *_OPTIONAL))
            raise PrepareError(f"the layout columns does not know {unknown[0]!r}. Name columns for {known}")
        self._columns = dict(columns)

    def fingerprint(self) -> str:
        return json.dumps([self.name, self._columns], sort_keys=True)

    def prepare(self, record: Record, row_id: str, line: int) -> Prepared:
        no_images(record)
        messages = _prompt(record, self._columns["query"])
        if solution := self._columns.get("solution"):
            messages = (*messages, {"role": "assistant", "content": _only_text(record, solution)})
        raw = record.get(self._columns["ground_truth"])
        gold = _gold(raw, self._columns["ground_truth"])
        return Prepared(Row(row_id, messages, gold, {}, line), raw)


def _prompt(record: Record, name: str) -> tuple[Mapping[str, Any], ...]:
    value = record.get(name)
    if not isinstance(value, list):
        return ({"role": "user", "content": text_column(record, name)},)
    parts = [part for part in value if isinstance(part, Mapping)]
    if not parts or len(parts) != len(value):
        raise RejectedError(Reason.SCHEMA_VIOLATION, f"has a list without messages or content parts in column {name!r}")
    if all("role" in part for part in parts):
        if parts[-1]["role"] == "assistant":
            raise RejectedError(Reason.SCHEMA_VIOLATION, f"column {name!r} ends in an assistant message")
        return tuple(parts)
    if all("type" in part for part in parts):
        return ({"role": "user", "content": parts},)
    raise RejectedError(Reason.SCHEMA_VIOLATION, f"has neither messages nor content parts in column {name!r}")


def _only_text(record: Record, name: str) -> str:
    """The text of a column that holds it bare or as the only item of a list; of two solutions none is chosen."""
    value = record.get(name)
    return text_column({name: value[0]} if isinstance(value, list) and len(value) == 1 else record, name)


def _gold(raw: Any, name: str) -> str:
    values: Sequence[Any] = raw if isinstance(raw, list) else [raw]
    if len(values) > 1:
        raise RejectedError(Reason.MULTI_PART_GOLD, f"has {len(values)} golds in column {name!r}")
    value = values[0] if values else None
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return json.dumps(value)
    if value is None or isinstance(value, str | float):  # NaN is how tables write that there is nothing
        raise RejectedError(Reason.PROOF_OR_NO_ANSWER, f"has no gold in column {name!r}")
    raise RejectedError(Reason.SCHEMA_VIOLATION, f"has {type(value).__name__} in column {name!r}, not a text or number")
