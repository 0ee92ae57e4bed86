"""A cassette as a table for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from reward_kit.cassettes.format import CassetteFile
from reward_kit.cassettes.interaction import Interaction
from reward_kit.cassettes.misses import short_names

_HEADS = ("rows", "status", "finish", "tokens", "source", "host", "recorded")
#: Columns of a terminal; the first column gives way.
_WIDTH = 80


def show_lines(content: CassetteFile) -> Iterator[str]:
    """One line an interaction, and a summary with every note."""
    table = [_HEADS, *map(_cells, content.interactions)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(_HEADS))]
    widths[0] = min(widths[0], max(12, _WIDTH - sum(widths[1:]) - 2 * len(widths) + 2))
    for cells in table:
        first = cells[0] if len(cells[0]) <= widths[0] else cells[0][: widths[0] - 3] + "..."
        yield "  ".join(text.ljust(width) for text, width in zip((first, *cells[1:]), widths, strict=True)).rstrip()
    count = len(content.interactions)
    yield f"{content.suite}, step {content.step}: {count} {'interaction' if count == 1 else 'interactions'}"
    notes = Counter(one.provenance.note for one in content.interactions if one.provenance.note)
    for note, times in notes.most_common():
        yield from wrap(f"{times} x {note}", _WIDTH, subsequent_indent="    ")


def _cells(interaction: Interaction) -> tuple[str, ...]:
    came = interaction.provenance
    rows = short_names(came.row_ids) + (f" #{came.attempt}" if came.attempt else "")
    status = str(interaction.response.status) + (f" (+{came.retries})" if came.retries else "")
    finish, tokens = _of_body(interaction.response.body)
    return (rows or "-", status, finish, tokens, came.source, came.host or "-", (came.recorded_at or "-")[:10])


def _of_body(body: bytes) -> tuple[str, str]:
    """Finish reason and completion tokens of a chat completion; what there is of results in a preview."""
    try:
        value: Any = json.loads(body)
        if isinstance(results := value.get("results"), list):
            return f"{len(results)} results", "-"
        reasons = [str(choice.get("finish_reason")) for choice in value.get("choices", ())]
        used = (value.get("usage") or {}).get("completion_tokens")
    except (ValueError, AttributeError):
        return "-", "-"
    return ",".join(reasons) or "-", "-" if used is None else f"{used:,}"
