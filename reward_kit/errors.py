"""The errors a user can catch. Each message says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class RewardKitError(Exception):
    """Everything this library raises on purpose."""


class RewardShapeError(RewardKitError):
    """A reward whose call shape is unknown, ambiguous or cannot be loaded."""


class DeadlineError(RewardKitError):
    """An async call of a reward that did not come back in time."""


class PrepareError(RewardKitError):
    """A source that cannot be turned into rows without loss."""


class PackagingError(RewardKitError):
    """A reward that cannot be packaged for evaluation elsewhere."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing wrong with a file: `line` is 1-based, 0 where the file as a whole is meant."""

    path: Path
    line: int
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{where}: {self.problem}. {self.remedy}"


class FileDefectsError(RewardKitError):
    """A file with defects; all of them are reported at once, in `defects`."""

    #: How many defects the message spells out; the rest is counted.
    SHOWN = 20

    def __init__(self, defects: Sequence[Defect]) -> None:
        self.defects = tuple(defects)
        lines = [str(defect) for defect in self.defects[: self.SHOWN]]
        if len(self.defects) > self.SHOWN:
            lines.append(f"... and {len(self.defects) - self.SHOWN} more defects")
        super().__init__("\n".join(lines))


class DatasetError(FileDefectsError):
    """A dataset.jsonl (or another file of JSON lines) that cannot be used."""


class SuiteError(FileDefectsError):
    """A suite.toml that cannot be used."""
