"""The audit of a finished dataset: what `prepare` would say of its rows today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from reward_kit.dataset import read_dataset
from reward_kit.models import Row
from reward_kit.prepare.audits import AUDITS, answer_class
from reward_kit.prepare.base import Finding, Reason
from reward_kit.prepare.duplicates import dedupe_key, gold_key
from reward_kit.prepare.golds import gold_digest
from reward_kit.prepare.pipeline import GOLD_RAW, GOLD_SHA256, Dropped, Kept, duplicate
from reward_kit.prepare.report import FilterReport


class SeenInMemory:
    """The prompts of the rows so far; see `reward_kit.prepare.pipeline.Seen`."""

    def __init__(self) -> None:
        self._first: dict[bytes, tuple[str, bytes]] = {}

    def first(self, key: bytes, gold: bytes, row_id: str) -> tuple[str, bytes] | None:
        known = self._first.setdefault(key, (row_id, gold))
        return None if known[0] == row_id else known


def findings_of(rows: Sequence[Row], domain: str) -> Iterator[tuple[Row, tuple[Finding, ...]]]:
    """Every row with what is found about it, the gravest first; empty where there is nothing."""
    seen = SeenInMemory()
    for row in rows:
        found = [*_gold_findings(row), *AUDITS[domain](row, row.columns.get(GOLD_RAW, row.ground_truth))]
        if (earlier := seen.first(dedupe_key(row), gold_key(row), row.id)) is not None:
            found.append(duplicate(earlier, row))
        yield row, tuple(found)


def check_dataset(path: Path, domain: str, allowed: Set[Reason]) -> FilterReport:
    """Audit a dataset.jsonl; a row counts as dropped where a reason that is not allowed holds for it.

    Raises:
        DatasetError: naming every defect of the file.
    """
    report = FilterReport(path.name, f"dataset, audit {domain}", words=("good", "not to be trained on"))
    for row, findings in findings_of(read_dataset(path), domain):
        kind = answer_class(domain, row)
        bad = next((finding for finding in findings if finding.reason not in allowed), None)
        report.count(Kept(row, kind, findings) if bad is None else Dropped(row.id, row.line, kind, bad))
    return report


def _gold_findings(row: Row) -> Iterator[Finding]:
    """What the raw gold that was kept says of the gold beside it."""
    if GOLD_RAW not in row.columns:
        if GOLD_SHA256 in row.columns:
            yield Finding(Reason.GOLD_CHANGED_BY_NORMALISER, f"has {GOLD_SHA256} and no {GOLD_RAW}")
        return
    raw = row.columns[GOLD_RAW]
    if row.columns.get(GOLD_SHA256) != gold_digest(raw):
        yield Finding(Reason.GOLD_CHANGED_BY_NORMALISER, f"{GOLD_RAW} {raw!r} is not what {GOLD_SHA256} was made from")
