"""Step `data`: every row is what its source is prepared to, byte for byte, and stands up to the audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from reward_kit.dataset import DATASET_FILE, row_line
from reward_kit.errors import DatasetError, Defect, PrepareError
from reward_kit.files import file_digest
from reward_kit.gates import Decision, Gate, list_of, meets, percent, rate_gate
from reward_kit.models import Outcome, Row
from reward_kit.prepare.audits import AUDITS
from reward_kit.prepare.base import Finding, Reason
from reward_kit.prepare.check import SeenInMemory, findings_of
from reward_kit.prepare.declared import pipeline_of
from reward_kit.prepare.hub import describes
from reward_kit.prepare.layouts import LAYOUTS
from reward_kit.prepare.pipeline import Dropped, Kept
from reward_kit.prepare.report import read_report, report_path
from reward_kit.prepare.settings import SourceSettings
from reward_kit.settings import Settings
from reward_kit.steps.base import GATE, Context, RateSettings, Step
from reward_kit.verdict import Verdict

_PREPARE = "run 'reward-kit prepare' and review the diff"


@dataclass(frozen=True, slots=True)
class Audited:
    """The detail of a row that the audit found fault with: the code of the reason that is told first."""

    finding: str

    def as_json(self) -> Mapping[str, Any]:
        return {"finding": self.finding}


class DataSettings(Settings):
    """The table [data]."""

    #: Where the rows come from; without it the rows are audited and not rebuilt.
    source: SourceSettings | None = None
    min_rows: Annotated[int, Field(ge=1)] = 1
    #: Share of the source's records that `prepare` may have left out, whatever their reasons.
    max_dropped: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    #: Which audit: a key of AUDITS. By default that of the source's layout.
    domain: str | None = None
    #: Reasons for which `prepare` drops no row, and for each the share of rows it may hold for.
    allowed: dict[str, Annotated[float, Field(gt=0.0, le=1.0)]] = Field(default_factory=dict)

    @field_validator("allowed")
    @classmethod
    def _known(cls, allowed: dict[str, float]) -> dict[str, float]:
        known = [reason.value for reason in Reason if not reason.stops]
        if wrong := [name for name in allowed if name not in known]:
            raise ValueError(f"unknown reason {wrong[0]!r}; reasons that can be allowed: {', '.join(known)}")
        return allowed

    @field_validator("domain")
    @classmethod
    def _audited(cls, domain: str | None) -> str | None:
        if domain is not None and domain not in AUDITS:
            raise ValueError(f"unknown domain; known domains: {', '.join(sorted(AUDITS))}")
        return domain

    @property
    def reasons(self) -> frozenset[Reason]:
        """The reasons that are allowed."""
        return frozenset(map(Reason, self.allowed))


class DataStep(Step[DataSettings]):
    """The dataset is what its source says, and no row of it should have been left out.

    A source on the hub is not asked again: what it was prepared to is known by the digest in the filter report.
    """

    name: ClassVar[str] = "data"
    settings_type: ClassVar[type[Settings]] = DataSettings

    @cached_property
    def _made(self) -> Sequence[Kept | Dropped] | None:
        """What the source is prepared to today; None where there is no source, or none that is read again."""
        source = self.settings.source
        if source is None or source.kind == "hub":
            return None
        return list(pipeline_of(source, self.folder, self.settings.reasons).rows(SeenInMemory()))

    @cached_property
    def rebuilt(self) -> Mapping[str, Row] | None:
        """The rows built anew from the source, by id; None where they cannot be."""
        return None if self._made is None else {made.row.id: made.row for made in self._made if isinstance(made, Kept)}

    def _dropped(self) -> tuple[Counter[str], int]:
        """How many records each reason left out, and how many there are in all."""
        if self._made is not None:
            reasons = [made.finding.reason.value for made in self._made if isinstance(made, Dropped)]
            return Counter(reasons), len(self._made)
        if self.settings.source is None:
            return Counter(), len(self.rows)
        report = self._report or {"reasons": {}, "read": len(self.rows)}
        return Counter(report["reasons"]), report["read"]

    @cached_property
    def _report(self) -> Mapping[str, Any] | None:
        """What `prepare` wrote beside the dataset."""
        return read_report(report_path(self.folder / DATASET_FILE))

    @cached_property
    def _findings(self) -> Mapping[str, tuple[Finding, ...]]:
        """What the audit says of each row; of all rows at once, for duplicates."""
        return {row.id: findings for row, findings in findings_of(self.rows, self._domain)}

    @property
    def _domain(self) -> str:
        """The audit: the declared one, or that of the source's layout."""
        source = self.settings.source
        if self.settings.domain is not None or source is None:
            return self.settings.domain or "general"
        return LAYOUTS[source.layout](source.columns).domain

    @cached_property
    def _lines(self) -> list[bytes]:
        """The dataset as it stands in the file, without line ends."""
        return (self.folder / DATASET_FILE).read_bytes().split(b"\n")

    def defects(self) -> list[Defect]:
        try:
            self.rebuilt  # noqa: B018  # built here so that its defects are found now
        except DatasetError as error:
            return list(error.defects)
        except PrepareError as error:
            return [Defect(self.folder / "suite.toml", 0, f"data.source cannot be prepared: {error}", "Correct it")]
        return []

    def tolerates(self, verdict: Verdict) -> bool:
        return isinstance(verdict.detail, Audited) and verdict.detail.finding in self.settings.allowed

    def evaluate(self, rows: Sequence[Row], context: Context) -> Iterator[Verdict]:
        for row in rows:
            yield self._compared(row) or self._audited(row)

    def _compared(self, row: Row) -> Verdict | None:
        """What is wrong with a row beside what its source is prepared to; None where it is the same."""
        if self.rebuilt is None:
            return None
        source = self.settings.source
        path = "" if source is None else source.path
        fresh = self.rebuilt.get(row.id)
        if fresh is None:
            return Verdict(row.id, Outcome.GOLD_DEFECT, reason=f"{path} is prepared to no such row; {_PREPARE}")
        gold, where = str(fresh.ground_truth), f"{path}:{fresh.line}"
        if type(row.ground_truth) is not type(fresh.ground_truth) or row.ground_truth != fresh.ground_truth:
            reason = f"ground_truth is {row.ground_truth!r}, {where} says {fresh.ground_truth!r}; {_PREPARE}"
            return Verdict(row.id, Outcome.GOLD_DEFECT, 0.0, reason, str(row.ground_truth), gold)
        if self._lines[row.line - 1] != row_line(fresh).encode():
            reason = f"the row differs from what {where} is prepared to; {_PREPARE}"
            return Verdict(row.id, Outcome.BAD_FORMAT, 0.0, reason, str(row.ground_truth), gold)
        return None

    def _audited(self, row: Row) -> Verdict:
        """What the audit says of a row."""
        gold = str(row.ground_truth)
        findings = sorted(self._findings[row.id], key=lambda finding: finding.reason in self.settings.reasons)
        if findings:
            reason, detail = f"{findings[0].reason}: {findings[0].message}", Audited(findings[0].reason.value)
            return Verdict(row.id, Outcome.GOLD_DEFECT, 0.0, reason, gold, gold, detail=detail)
        said = f"stands up to the audit {self._domain}" if self.rebuilt is None else "as its source says"
        return Verdict(row.id, Outcome.PASSED, 1.0, said, gold, gold)

    def gates(self, verdicts: Sequence[Verdict]) -> Mapping[str, Gate]:
        return {GATE: self._gate(verdicts)}

    def _gate(self, verdicts: Sequence[Verdict]) -> Gate:
        missing = sorted((self.rebuilt or {}).keys() - {row.id for row in self.rows})
        if missing:
            return Gate(Decision.FAILED, f"source rows missing from the dataset: {len(missing)} ({list_of(missing)})")
        if (unproved := self._unproved()) is not None:
            return unproved
        if len(self.rows) < self.settings.min_rows:
            return Gate(Decision.FAILED, f"{len(self.rows)} rows, min_rows is {self.settings.min_rows}")
        dropped, records = self._dropped()
        if not meets(records - dropped.total(), records, 1.0 - self.settings.max_dropped):
            reasons = ", ".join(f"{reason} {number}" for reason, number in sorted(dropped.items()))
            left_out = f"{dropped.total()} of {records} records are left out ({reasons})"
            return Gate(Decision.FAILED, f"{left_out}, max_dropped is {percent(self.settings.max_dropped)}")
        found = self._allowed_findings(verdicts)
        notes = []
        for reason, number in sorted(found.items()):
            share = self.settings.allowed[reason]
            notes.append(f"{reason} holds for {number}/{len(verdicts)} rows, {percent(share)} is allowed")
            if not meets(len(verdicts) - number, len(verdicts), 1.0 - share):
                return Gate(Decision.FAILED, notes[-1])
        gate = rate_gate([self._counted(verdict) for verdict in verdicts], RateSettings())
        return Gate(gate.decision, "; ".join([gate.reason, *notes]))

    def _allowed_findings(self, verdicts: Sequence[Verdict]) -> Counter[str]:
        """For how many rows each allowed reason holds. A verdict names one finding only, its row may have more."""
        tolerated = [self._findings[verdict.row_id] for verdict in verdicts if self.tolerates(verdict)]
        return Counter(reason for findings in tolerated for reason in {finding.reason.value for finding in findings})

    def _counted(self, verdict: Verdict) -> Verdict:
        """A row with an allowed finding counts as passed: how many there may be is decided apart."""
        return replace(verdict, outcome=Outcome.PASSED) if self.tolerates(verdict) else verdict

    def _unproved(self) -> Gate | None:
        """For a source that is not read again: whether the dataset is the file that `prepare` wrote."""
        if self.settings.source is None or self.rebuilt is not None:
            return None
        dataset = self.folder / DATASET_FILE
        if self._report is None:
            return Gate(Decision.UNDECIDED, f"{report_path(dataset).name} is not there: run 'reward-kit prepare'")
        if self._report["sha256"] != file_digest(dataset):
            return Gate(Decision.FAILED, f"{dataset.name} is not what 'reward-kit prepare' wrote; {_PREPARE}")
        made_from, layout = self._report["source"], self._report["layout"]
        if layout != self.settings.source.layout or not describes(made_from, self.settings.source):
            said = f"{dataset.name} was prepared from {made_from}, layout {layout}, and data.source says another"
            return Gate(Decision.FAILED, f"{said}; {_PREPARE}")
        return None
