"""The filter report: what a preparation read, kept and left out, and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from reward_kit.files import replace_file
from reward_kit.prepare.base import Finding, Reason
from reward_kit.prepare.pipeline import Dropped, Kept

#: Version of the JSON document; keys are added without changing it, never changed.
SCHEMA = 1
#: How many dropped rows of a reason are shown.
_EXAMPLES = 3


def report_path(dataset: Path) -> Path:
    """Where the report of a dataset lies: `dataset.jsonl` has `dataset.report.json`."""
    return dataset.with_name(f"{dataset.stem}.report.json")


@dataclass
class FilterReport:
    """Counts over the records of one source; dropped rows are kept for each reason as examples.

    Attributes:
        source: the source in one line.
        layout: the name of its layout.
        classes: for each answer class, how many rows were kept and how many were read.
        dropped: how many rows each reason dropped.
        allowed: how many rows were kept although a reason that was allowed held for them.
        masked: how many secrets and addresses of each kind were masked.
        examples: the first dropped rows of each reason: place and message.
    """

    source: str
    layout: str
    kept: int = 0
    classes: dict[str, list[int]] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    allowed: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """How many records were read."""
        return self.kept + self.dropped.total()

    def count(self, made: Kept | Dropped) -> None:
        """Take one row into account."""
        of_class = self.classes.setdefault(made.answer_class, [0, 0])
        of_class[1] += 1
        if isinstance(made, Kept):
            self.kept += 1
            of_class[0] += 1
            self.allowed.update({found.reason.value for found in made.findings})
            self.masked.update(made.masked)
            return
        reason = made.finding.reason.value
        self.dropped[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < _EXAMPLES:
            shown.append(f"line {made.line} ({made.row_id}): {made.finding.message}")

    @classmethod
    def restored(cls, source: str, layout: str, counts: Mapping[str, Any]) -> Self:
        """The report as `counts` had it; a new one where there are none."""
        report = cls(source, layout)
        if counts:
            report.kept = counts["kept"]
            report.classes = {name: list(pair) for name, pair in counts["classes"].items()}
            for name in ("dropped", "allowed", "masked"):
                getattr(report, name).update(counts[name])
            report.examples = dict(counts["examples"])
        return report

    @property
    def counts(self) -> dict[str, Any]:
        """Everything counted so far, as JSON values."""
        return {
            "kept": self.kept,
            "classes": self.classes,
            "dropped": dict(self.dropped),
            "allowed": dict(self.allowed),
            "masked": dict(self.masked),
            "examples": self.examples,
        }

    def lines(self) -> Iterator[str]:
        """The report for a person, line by line."""
        where = f"{self.source}, layout {self.layout}"
        yield f"{self.read} read, {self.kept} kept, {self.dropped.total()} dropped ({where})"
        for reason, number in sorted(self.dropped.items(), key=lambda pair: (-pair[1], pair[0])):
            yield f"  {reason:<30} {number:>8}"
            yield from (f"    {example}" for example in self.examples[reason])
        if self.allowed:
            yield "  kept, because the reason is allowed: " + _counted(self.allowed)
        if self.masked:
            yield "  masked: " + _counted(self.masked)
        if len(self.classes) > 1 or self.dropped:
            yield "  kept by class of answer:"
            for name, (kept, read) in sorted(self.classes.items(), key=lambda pair: (-pair[1][1], pair[0])):
                yield f"    {name or '(no row)':<22} {kept:>8}/{read:<8} {kept / read:.1%}"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))


def written_digest(path: Path) -> str | None:
    """The digest of the dataset that a report was written with; None where there is no such report."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(document.get("sha256")) if isinstance(document, dict) else None


def write_report(
    path: Path, report: FilterReport, dropped: Iterable[str], sha256: str, stopped: Finding | None
) -> None:
    """Write the report as JSON, atomically and the same for the same rows.

    The document is `{"schema", "source", "layout", "read", "kept", "sha256", "stopped_by", "reasons", "allowed",
    "masked", "classes": {NAME: [kept, read]}, "dropped": [{"id", "line", "reason", "message"}]}`.

    Args:
        path: where to.
        report: the counts.
        dropped: every dropped row as JSON; it may be long and is never held whole.
        sha256: of the bytes of the dataset that was made.
        stopped: what ended the run, where something did.

    Raises:
        OSError: where it cannot be written.
    """
    head = {
        "schema": SCHEMA,
        "source": report.source,
        "layout": report.layout,
        "read": report.read,
        "kept": report.kept,
        "sha256": sha256,
        "stopped_by": None if stopped is None else {"reason": stopped.reason.value, "message": stopped.message},
        "reasons": {reason.value: report.dropped[reason] for reason in Reason if report.dropped[reason]},
        "allowed": dict(sorted(report.allowed.items())),
        "masked": dict(sorted(report.masked.items())),
        "classes": dict(sorted(report.classes.items())),
    }
    text = json.dumps(head, ensure_ascii=False, indent=1)
    replace_file(path, _document(text.removesuffix("\n}"), dropped))


def _document(head: str, dropped: Iterable[str]) -> Iterator[str]:
    yield f'{head},\n "dropped": ['
    comma = ""
    for said in dropped:
        yield f"{comma}\n  {said}"
        comma = ","
    yield f"{chr(10) + ' ' if comma else ''}]\n}}\n"
