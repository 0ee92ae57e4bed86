"""Step `data`: the dataset is rebuilt from its source, and every row must come out the same, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from reward_kit.dataset import DATASET_FILE, row_line
from reward_kit.errors import DatasetError, Defect
from reward_kit.gates import Decision, Gate, rate_gate
from reward_kit.models import Outcome, Row
from reward_kit.prepare import LAYOUTS, rows_from_jsonl
from reward_kit.settings import Settings
from reward_kit.steps.base import GATE, Grade, RateSettings, Step
from reward_kit.verdict import Verdict


class SourceSettings(Settings):
    """Where the rows come from, and in which columns."""

    kind: Literal["jsonl"]
    path: str
    layout: str

    @field_validator("layout")
    @classmethod
    def _known(cls, layout: str) -> str:
        if layout not in LAYOUTS:
            raise ValueError(f"unknown layout {layout!r}; known layouts: {', '.join(sorted(LAYOUTS))}")
        return layout


class DataSettings(Settings):
    """The table [data]."""

    source: SourceSettings
    min_rows: Annotated[int, Field(ge=1)] = 1


class DataStep(Step[DataSettings]):
    """The dataset is what its source says."""

    name: ClassVar[str] = "data"
    settings_type: ClassVar[type[Settings]] = DataSettings

    @property
    def source(self) -> Path:
        """The source file."""
        return self.folder / self.settings.source.path

    @cached_property
    def rebuilt(self) -> Mapping[str, Row]:
        """The rows built anew from the source, by id."""
        return {row.id: row for row in rows_from_jsonl(self.source, self.settings.source.layout)}

    @cached_property
    def _lines(self) -> list[bytes]:
        """The dataset as it stands in the file, without line ends."""
        return (self.folder / DATASET_FILE).read_bytes().split(b"\n")

    def defects(self) -> list[Defect]:
        try:
            self.rebuilt  # noqa: B018  # built here so that its defects are found now
        except DatasetError as error:
            return list(error.defects)
        return []

    def evaluate(self, rows: Sequence[Row], grade: Grade) -> Iterator[Verdict]:
        for row in rows:
            yield self._compare(row, self.rebuilt.get(row.id))

    def _compare(self, row: Row, fresh: Row | None) -> Verdict:
        prepare = "run 'reward-kit prepare' and review the diff"
        if fresh is None:
            return Verdict(
                row.id, Outcome.GOLD_DEFECT, reason=f"the source {self.source.name} has no such row; {prepare}"
            )
        gold = str(fresh.ground_truth)
        where = f"{self.source.name}:{fresh.line}"
        if type(row.ground_truth) is not type(fresh.ground_truth) or row.ground_truth != fresh.ground_truth:
            reason = f"ground_truth is {row.ground_truth!r}, {where} says {fresh.ground_truth!r}; {prepare}"
            return Verdict(row.id, Outcome.GOLD_DEFECT, 0.0, reason, str(row.ground_truth), gold)
        if self._lines[row.line - 1] != row_line(fresh).encode():
            reason = f"the row differs from what {where} is prepared to; {prepare}"
            return Verdict(row.id, Outcome.BAD_FORMAT, 0.0, reason, str(row.ground_truth), gold)
        return Verdict(row.id, Outcome.PASSED, 1.0, "as its source says", str(row.ground_truth), gold)

    def gates(self, verdicts: Sequence[Verdict]) -> Mapping[str, Gate]:
        return {GATE: self._gate(verdicts)}

    def _gate(self, verdicts: Sequence[Verdict]) -> Gate:
        missing = self.rebuilt.keys() - {row.id for row in self.rows}
        if missing:
            named = ", ".join(sorted(missing)[:10])
            return Gate(Decision.FAILED, f"source rows missing from the dataset: {len(missing)} ({named})")
        if len(self.rows) < self.settings.min_rows:
            return Gate(Decision.FAILED, f"{len(self.rows)} rows, min_rows is {self.settings.min_rows}")
        return rate_gate(verdicts, RateSettings())
