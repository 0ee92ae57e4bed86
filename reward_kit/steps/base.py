"""What a readiness step is: settings in suite.toml, verdicts on rows, and a gate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from reward_kit.errors import Defect
from reward_kit.gates import Gate
from reward_kit.models import Outcome, Row, Sample
from reward_kit.settings import Settings
from reward_kit.verdict import Scale, Verdict

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reward_kit.fireworks.client import FireworksClient
    from reward_kit.progress import Told
    from reward_kit.reward import Reward

#: Rewards score from 0 to 1 and pass at 1, unless suite.toml says otherwise.
DEFAULT_SCALE = Scale()
#: What a step with one threshold calls its gate.
GATE = "gate"


class Context(Protocol):
    """What a run gives its steps."""

    def grade(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
        """Grade samples with the reward under test; yields (position, verdict) as they are decided."""

    def reward(self) -> Reward:
        """The reward under test.

        Raises:
            Exception: whatever kept it from being loaded.
        """

    def fireworks(self, step: str, concurrency: int) -> AbstractContextManager[FireworksClient]:
        """The client behind the cassette of a step; leaving the block saves what was recorded."""

    def progress(self, description: str) -> AbstractContextManager[Told]:
        """Shows how far something long is, while the block runs."""

    def work_folder(self, step: str) -> Path:
        """An empty folder of this step's, for what it leaves to be looked at; the last run's files are gone.

        Raises:
            OSError: where it cannot be made.
        """

    @property
    def tokenizer(self) -> Path | None:
        """The folder with the tokenizer and chat template of the model that will be trained, where one was named."""

    def fireworks_obstacle(self, step: str) -> str | None:
        """Why there is no such client: no cassette, one that cannot be used, or no key to record with; else None."""


class RateSettings(Settings):
    """The thresholds that a step on rows shares with every other."""

    #: Share of the rows that must pass. A rate of 0 is no gate and is refused.
    pass_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    #: Share of the rows on which the reward may abstain without their counting as not passed.
    max_abstained: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    #: Where given, the lower bound of the rate's interval at this confidence must clear `pass_rate`.
    confidence: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None

    def tolerates(self, verdict: Verdict) -> bool:
        """True where a row that did not pass is left to the rate: never an error."""
        if verdict.outcome is Outcome.ABSTAINED and self.max_abstained > 0.0:
            return True
        return self.pass_rate < 1.0 and not verdict.outcome.is_error

    @field_validator("confidence")
    @classmethod
    def _reachable(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("pass_rate") == 1.0:
            raise ValueError("must stand beside a pass_rate below 1.0: no number of rows proves a rate of 1")
        return value


S = TypeVar("S", bound=Settings)


class Step(ABC, Generic[S]):
    """One readiness criterion of a suite. Subclasses are listed in `reward_kit.steps.STEPS`.

    Args:
        settings: the step's table in suite.toml.
        folder: the suite's folder.
        rows: the whole dataset.
        scale: the reward's declared range and pass mark.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[Settings]]
    #: Its thresholds by name, each an item of the suite: `suite.toml::controls::specificity`.
    gate_names: ClassVar[tuple[str, ...]] = (GATE,)
    #: True where the rows are evaluated in one go: together, or not at all.
    whole: ClassVar[bool] = False

    def __init__(self, settings: S, folder: Path, rows: Sequence[Row], scale: Scale = DEFAULT_SCALE) -> None:
        self.settings = settings
        self.folder = folder
        self.rows = rows
        self.scale = scale

    def defects(self) -> list[Defect]:
        """What is wrong with the files this step needs, found before anything runs."""
        return []

    def items(self) -> Sequence[Row]:
        """The rows that become its items, in dataset order; asked where `defects` found none.

        A step that leaves rows out has no verdicts on them: its gates say so.
        """
        return self.rows

    def tolerates(self, verdict: Verdict) -> bool:
        """True where this row may fall short without failing by itself: the gate decides. Never an error."""
        return False

    def obstacle(self, context: Context) -> str | None:
        """Why the step cannot run here, and what to do; its rows are then skipped, and its gates are undecided."""
        return None

    def lines(self, verdicts: Sequence[Verdict]) -> Sequence[str]:
        """What a terminal shows below the step's line, beside what its gates say."""
        return ()

    def document(self, verdicts: Sequence[Verdict]) -> Mapping[str, Any]:
        """What the results document holds of the step beside its rows and gates, as JSON values."""
        return {}

    def notes(self, verdicts: Sequence[Verdict]) -> Sequence[str]:
        """What whoever reads the step's verdict must know beside it: where the answers come from, say."""
        return ()

    @abstractmethod
    def evaluate(self, rows: Sequence[Row], context: Context) -> Iterator[Verdict]:
        """Yield one verdict for each of `rows`, in any order, as they are decided; a whole step is given all items."""

    @abstractmethod
    def gates(self, verdicts: Sequence[Verdict]) -> Mapping[str, Gate]:
        """Decide each of `gate_names` from the verdicts on all of `items`, in dataset order."""
