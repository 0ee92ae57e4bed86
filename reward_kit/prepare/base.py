"""What preparing works with: records of a source, layouts that turn them into rows, findings about rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from reward_kit.models import Row

#: One row of a source, as it was read: JSON values only.
Record = Mapping[str, Any]


class Reason(StrEnum):
    """Why a row is left out of a dataset, or should be looked at."""

    # The gold
    GOLD_UNPARSABLE = "gold_unparsable"
    GOLD_CHANGED_BY_NORMALISER = "gold_changed_by_normaliser"
    MULTI_PART_GOLD = "multi_part_gold"
    PROOF_OR_NO_ANSWER = "proof_or_no_answer"
    CHOICE_LETTER_VS_VALUE = "choice_letter_vs_value"
    # The solution
    SOLUTION_HAS_NO_FINAL = "solution_has_no_final"
    SOLUTION_DISAGREES = "solution_disagrees"
    # The prompt
    IMAGE_NEEDED = "image_needed"
    FOREIGN_INSTRUCTION_IN_PROMPT = "foreign_instruction_in_prompt"
    GOLD_IN_PROMPT = "gold_in_prompt"
    # The tests of a program
    UNSUPPORTED_TESTS = "unsupported_tests"
    DUPLICATE_TESTS = "duplicate_tests"
    SEVERAL_RIGHT_OUTPUTS = "several_right_outputs"
    UNNAMED_ENTRY_POINT = "unnamed_entry_point"
    # The record and its way through
    DUPLICATE = "duplicate"
    ROUNDTRIP_CHANGED = "roundtrip_changed"
    SCHEMA_VIOLATION = "schema_violation"

    @property
    def stops(self) -> bool:
        """True where a value was changed on the way: a defect of the preparation, not of the row."""
        return self in (Reason.GOLD_CHANGED_BY_NORMALISER, Reason.ROUNDTRIP_CHANGED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a row: why it is left out, in a line that names the value."""

    reason: Reason
    message: str


class RejectedError(Exception):
    """A record that no row can be made of; carries its finding."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.finding = Finding(reason, message)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row with its normalised gold, and the gold as the source holds it."""

    row: Row
    raw_gold: Any


class Source(ABC):
    """Where records come from."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What this is, in one line without absolute paths: `openai/gsm8k (main), split train, revision ...`."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A text that differs where the records may differ; an interrupted run resumes only where it is the same."""

    @abstractmethod
    def records(self, start: int = 0) -> Iterator[tuple[int, Record]]:
        """Yield (line, record) from the record at position `start` (0-based) on; `line` is its 1-based place.

        Raises:
            PrepareError: where the source cannot be read without loss; says where and what to do.
        """

    def __len__(self) -> int:
        """How many records there are, or 0 where only reading all of them would tell."""
        return 0


class Layout(ABC):
    """How the columns of a source become a row."""

    name: ClassVar[str]
    #: The audit that the rows go through: a key of `reward_kit.prepare.audits.AUDITS`.
    domain: ClassVar[str]
    #: Whether rows come from people's traffic, so that secrets and addresses are masked in them.
    masks: ClassVar[bool] = False

    #: Reasons that do not drop a row of this layout: what they rest on is read out of prose and proves nothing. Such
    #: rows are reported, and fail the step `data` unless suite.toml allows the reason.
    keeps: ClassVar[frozenset[Reason]] = frozenset()

    def fingerprint(self) -> str:
        """A text that differs where the same record would give another row."""
        return self.name

    @abstractmethod
    def prepare(self, record: Record, row_id: str, line: int) -> Prepared:
        """One record as a row.

        Raises:
            RejectedError: where no row can be made of it.
        """
