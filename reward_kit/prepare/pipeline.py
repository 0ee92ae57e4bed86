"""Records in, kept and dropped rows out: the one way that every dataset is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

from reward_kit.models import Row
from reward_kit.prepare.audits import AUDITS, answer_class
from reward_kit.prepare.base import Finding, Layout, Prepared, Reason, Record, RejectedError, Source
from reward_kit.prepare.duplicates import dedupe_key, gold_key
from reward_kit.prepare.golds import gold_digest
from reward_kit.prepare.masking import mask

#: The columns that say what a gold was before it was normalised.
GOLD_RAW, GOLD_SHA256 = "gold_raw", "gold_sha256"
#: The column that says "gold" where the reference's final answer is the gold itself: there, agreement proves nothing.
REFERENCE_FINAL = "reference_final"


class Seen(Protocol):
    """Remembers the prompts of the rows that were kept."""

    def first(self, key: bytes, gold: bytes, row_id: str) -> tuple[str, bytes] | None:
        """The id and gold of the earlier row with this key; None where this is the first, which is then remembered."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row for the dataset, what was found and allowed, and how many secrets of which kind were masked in it."""

    row: Row
    answer_class: str
    findings: tuple[Finding, ...] = ()
    masked: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A record that is left out, and its one reason."""

    row_id: str
    line: int
    answer_class: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How one source becomes one dataset.

    Args:
        source: where records come from.
        layout: how a record becomes a row.
        allowed: reasons that do not drop a row.
        limit: how many records are taken, None for all.
    """

    source: Source
    layout: Layout
    allowed: Set[Reason] = frozenset()
    limit: int | None = None

    @property
    def description(self) -> str:
        """The source in one line, and how much of it is taken."""
        taken = "" if self.limit is None else f", first {self.limit}"
        return f"{self.source.description}{taken}"

    @property
    def total(self) -> int:
        """How many records there are to come, 0 where that is not known."""
        known = len(self.source)
        return min(known or self.limit, self.limit) if self.limit is not None else known

    def rows(self, seen: Seen, start: int = 0) -> Iterator[Kept | Dropped]:
        """One answer for each record from position `start` on, in their order.

        Raises:
            PrepareError: where the source cannot be read without loss.
        """
        left = None if self.limit is None else max(self.limit - start, 0)  # the source is not asked for one more
        for position, (line, record) in enumerate(islice(self.source.records(start), left), start):
            yield self._row(record, f"{self.layout.name}-{position:05d}", line, seen)

    def _row(self, record: Record, row_id: str, line: int, seen: Seen) -> Kept | Dropped:
        try:
            prepared = self.layout.prepare(record, row_id, line)
        except RejectedError as error:
            return Dropped(row_id, line, "", error.finding)
        row, masked = mask(prepared.row) if self.layout.masks else (prepared.row, Counter[str]())
        kind = answer_class(self.layout.domain, row)
        findings = tuple(AUDITS[self.layout.domain](row, prepared.raw_gold))
        harmless = self.allowed | self.layout.keeps
        if (bad := next((found for found in findings if found.reason not in harmless), None)) is not None:
            return Dropped(row_id, line, kind, bad)
        if (earlier := seen.first(dedupe_key(row), gold_key(row), row_id)) is not None:
            twice = duplicate(earlier, row)
            if Reason.DUPLICATE not in harmless:
                return Dropped(row_id, line, kind, twice)
            findings = (*findings, twice)
        return Kept(_with_gold(row, prepared), kind, findings, masked)


def duplicate(earlier: tuple[str, bytes], row: Row) -> Finding:
    """The finding about a row whose prompt an earlier row, given by id and gold, has too."""
    first_id, first_gold = earlier
    if row.ground_truth is None:
        return Finding(Reason.DUPLICATE, f"has the prompt of {first_id}")
    which = "the same gold" if first_gold == gold_key(row) else "another gold: one of the two is wrong"
    return Finding(Reason.DUPLICATE, f"has the prompt of {first_id} and {which}")


def _with_gold(row: Row, prepared: Prepared) -> Row:
    """The row with its raw gold beside the normalised one; a row to be labelled has none."""
    if prepared.raw_gold is None:
        return row
    gold = {GOLD_RAW: prepared.raw_gold, GOLD_SHA256: gold_digest(prepared.raw_gold)}
    return replace(row, columns={**row.columns, **gold})
