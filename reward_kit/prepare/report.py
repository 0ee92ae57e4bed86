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
from reward_kit.prepare.pipeline import REFERENCE_FINAL, Dropped, Kept

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
        flagged: how many rows were kept although a reason held for them: one that is allowed, or drops no such row.
        unproved: how many references repeat their gold, so that their agreeing with it proves nothing.
        masked: how many secrets and addresses of each kind were masked.
        examples: the first dropped or flagged rows of each reason: place and message.
    """

    source: str
    layout: str
    kept: int = 0
    classes: dict[str, list[int]] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    unproved: int = 0
    masked: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    #: What rows without and with a reason against them are called.
    words: tuple[str, str] = ("kept", "dropped")

    @property
    def read(self) -> int:
        """How many records were read."""
        return self.kept + self.dropped.total()

    def count(self, made: Kept | Dropped) -> None:
        """Take one row into account."""
        of_class = self.classes.setdefault(made.answer_class, [0, 0])
        of_class[1] += 1
        if isinstance(made, Dropped):
            self.dropped[made.finding.reason.value] += 1
            self._show(made.finding, made.line, made.row_id)
            return
        self.kept += 1
        of_class[0] += 1
        self.flagged.update({found.reason.value for found in made.findings})
        self.masked.update(made.masked)
        self.unproved += made.row.columns.get(REFERENCE_FINAL) == "gold"
        for finding in made.findings:
            self._show(finding, made.row.line, made.row.id)

    def _show(self, finding: Finding, line: int, row_id: str) -> None:
        shown = self.examples.setdefault(finding.reason.value, [])
        if len(shown) < _EXAMPLES:
            shown.append(f"line {line} ({row_id}): {finding.message}")

    @classmethod
    def restored(cls, source: str, layout: str, counts: Mapping[str, Any]) -> Self:
        """The report as `counts` had it; a new one where there are none."""
        report = cls(source, layout)
        if counts:
            report.kept, report.unproved = counts["kept"], counts["unproved"]
            report.classes = {name: list(pair) for name, pair in counts["classes"].items()}
            for name in ("dropped", "flagged", "masked"):
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
            "flagged": dict(self.flagged),
            "unproved": self.unproved,
            "masked": dict(self.masked),
            "examples": self.examples,
        }

    def lines(self) -> Iterator[str]:
        """The report for a person, line by line."""
        kept, dropped = self.words
        where = f"{self.source}, layout {self.layout}"
        yield f"{self.read} read, {self.kept} {kept}, {self.dropped.total()} {dropped} ({where})"
        yield from self._reasons(dropped, self.dropped)
        yield from self._reasons("kept, to be looked at", self.flagged)
        if self.unproved:
            yield f"  references that repeat their gold, so that agreeing with it proves nothing: {self.unproved}"
        if self.masked:
            yield "  masked: " + _counted(self.masked)
        if len(self.classes) > 1 or self.dropped:
            yield f"  {kept} by class of answer:"
            for name, (good, read) in sorted(self.classes.items(), key=lambda pair: (-pair[1][1], pair[0])):
                yield f"    {name or '(no row)':<22} {good:>8}/{read:<8} {good / read:.1%}"

    def _reasons(self, what: str, counts: Counter[str]) -> Iterator[str]:
        if counts:
            yield f"  {what}:"
        for reason, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
            yield f"    {reason:<30} {number:>8}"
            yield from (f"      {example}" for example in self.examples[reason])


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))


def read_report(path: Path) -> Mapping[str, Any] | None:
    """The document that `write_report` wrote; None where there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    complete = isinstance(document, dict) and {"sha256", "read", "reasons", "source", "layout"} <= document.keys()
    return document if complete else None


def write_report(
    path: Path, report: FilterReport, dropped: Iterable[str], sha256: str, stopped: Finding | None
) -> None:
    """Write the report as JSON, atomically and the same for the same rows.

    The document is `{"schema", "source", "layout", "read", "kept", "sha256", "stopped_by", "reasons", "flagged",
    "unproved", "masked", "classes": {NAME: [kept, read]}, "dropped": [{"id", "line", "reason", "message"}]}`.

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
        "flagged": dict(sorted(report.flagged.items())),
        "unproved": report.unproved,
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
