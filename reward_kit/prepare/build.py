"""Making a dataset.jsonl from a source: interruptible, resumable, and byte for byte the same every time."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reward_kit.dataset import row_line
from reward_kit.errors import Defect, PrepareError
from reward_kit.files import file_digest
from reward_kit.jsonl import read_jsonl
from reward_kit.prepare.journal import Journal
from reward_kit.prepare.pipeline import Dropped, Kept, Pipeline
from reward_kit.prepare.report import FilterReport, report_path, write_report
from reward_kit.prepare.sources import JsonlSource, ParquetSource

#: After how many seconds the progress is told, and what is done is made safe.
_TELL, _CHECKPOINT = 0.1, 2.0
#: Part of what a journal is made from: changed when the same source would give other rows.
_FORMAT = 2


class StoppedError(PrepareError):
    """A value was changed on the way; no dataset was written. The report says where."""


def build(pipeline: Pipeline, out: Path, progress: Callable[[int], None], *, force: bool = False) -> FilterReport:
    """Make the dataset `out` and its report; go on where an earlier run of the same was interrupted.

    Args:
        pipeline: source, layout and what is allowed.
        out: the dataset to write; it is replaced once the new one is whole.
        progress: called with how many records are done.
        force: replace a dataset that has rows which the new one does not have.

    Raises:
        StoppedError: where a gold or a row would not have come through unchanged.
        PrepareError: where the source cannot be read without loss, no row was kept, rows of the dataset that is there
            would go, or files cannot be written.
    """
    _check_target(pipeline, out)
    try:
        with Journal(out, _fingerprint(pipeline)) as journal:
            report = FilterReport.restored(pipeline.description, pipeline.layout.name, journal.counts)
            _run(pipeline, journal, report, progress)
            _finish(journal, report, force)
            return report
    except OSError as error:
        where = error.filename2 or error.filename or out  # of a renaming, the file that was to be replaced
        raise PrepareError(f"{where} cannot be written or read ({error.strerror})") from error
    except sqlite3.Error as error:
        raise PrepareError(
            f"the journal of {out} cannot be written or read ({error}). See that the disk is not full, and run the "
            "same command again"
        ) from error


def _check_target(pipeline: Pipeline, out: Path) -> None:
    if out.is_dir():
        raise PrepareError(f"{out} is a folder. Name a file")
    if not out.parent.is_dir():
        raise PrepareError(f"the folder {out.parent} is not there. Make it, or correct the path")
    source = pipeline.source
    if isinstance(source, (JsonlSource, ParquetSource)) and source.path.exists():
        for made in (out, report_path(out)):
            if made.exists() and made.samefile(source.path):
                raise PrepareError(f"{made} is the source itself, which would be overwritten. Name another file")


def _run(pipeline: Pipeline, journal: Journal, report: FilterReport, progress: Callable[[int], None]) -> None:
    position = journal.position
    progress(position)
    told = safe = time.monotonic()
    for made in pipeline.rows(journal, position):
        if isinstance(made, Dropped) and made.finding.reason.stops:
            _stop(journal, report, made)
        report.count(made)
        if isinstance(made, Kept):
            journal.file.write(row_line(made.row) + "\n")
        else:
            journal.drop(position, made)
        position += 1
        now = time.monotonic()
        if now - safe >= _CHECKPOINT:
            journal.checkpoint(position, report.counts)
            safe = now
        if now - told >= _TELL:
            progress(position)
            told = now
    progress(position)


def _finish(journal: Journal, report: FilterReport, force: bool) -> None:
    if not report.read:
        journal.discard()
        raise PrepareError(f"{report.source} has no record. Nothing was written")
    if not report.kept:
        said = "\n".join(report.lines())
        write_report(report_path(journal.out), report, journal.dropped(), "", None)
        journal.discard()
        raise PrepareError(f"no row of {report.source} could be kept. {journal.out} was not written\n{said}")
    journal.checkpoint(report.read, report.counts)
    digest = file_digest(journal.partial)
    if not force and journal.out.exists() and file_digest(journal.out) != digest:
        _refuse_to_lose(journal.out, journal.partial)
    write_report(report_path(journal.out), report, journal.dropped(), digest, None)
    journal.finish()


def _refuse_to_lose(old: Path, new: Path) -> None:
    """Stop where rows or labels that somebody may have written by hand would go."""
    remedy = "--force replaces it"
    labelled = dict(_labels(new, []))
    defects: list[Defect] = []
    before = list(_labels(old, defects))
    if defects:
        raise PrepareError(f"{old} is there and cannot be read as a dataset. {remedy}")
    for what, lost in (
        ("rows", [row_id for row_id, _ in before if row_id not in labelled]),
        ("labels", [row_id for row_id, label in before if label and not labelled.get(row_id)]),
    ):
        if lost:
            shown = ", ".join(map(str, lost[:5])) + (" ..." if len(lost) > 5 else "")
            raise PrepareError(f"{old} has {what} that the new one would not have: {shown}. {remedy}")


def _labels(path: Path, defects: list[Defect]) -> Iterator[tuple[Any, bool]]:
    """The id of each row, and whether it has a gold."""
    return ((value.get("id"), value.get("ground_truth") is not None) for _, value in read_jsonl(path, defects))


def _stop(journal: Journal, report: FilterReport, made: Dropped) -> None:
    where, finding = f"line {made.line} ({made.row_id})", made.finding
    write_report(report_path(journal.out), report, journal.dropped(), "", finding)
    journal.discard()
    raise StoppedError(
        f"{report.source}, {where}: {finding.reason}: {finding.message}. A value would have been changed on the way, "
        f"so nothing was written. Correct the record, or report the layout {report.layout} as defective"
    )


def _fingerprint(pipeline: Pipeline) -> str:
    said = {
        "format": _FORMAT,
        "source": pipeline.source.fingerprint(),
        "layout": pipeline.layout.fingerprint(),
        "allowed": sorted(reason.value for reason in pipeline.allowed),
        "limit": pipeline.limit,
    }
    return json.dumps(said, sort_keys=True)
