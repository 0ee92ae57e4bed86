"""The values of a smoke run: what is trained on, what was seen, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from reward_kit.models import Row
from reward_kit.verdict import Scale

#: The least share of probability that must lie on gold and decoys: below it, margins say little of what is sampled.
LEAST_COVERAGE = 0.85
#: A reward as TRL's GRPOTrainer takes it: keyword lists in, a list of numbers or None out, or a coroutine of one.
TrlReward = Callable[..., Any]


class Wrong(StrEnum):
    """What is wrong with a decoy, whatever its domain calls it: what a reward that pays it does not look at."""

    VALUE = "value"
    FORMAT = "format"
    EMPTY = "empty"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Decoy:
    """A completion that a right reward refuses; `name` says in its domain's words what is wrong with it.

    `weight` is its part of what the warm-up gives to decoys; `wrong` is what a diagnosis makes of its being paid.
    """

    name: str
    text: str
    weight: float = 1.0
    wrong: Wrong = Wrong.OTHER


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A row as the smoke run trains on it: its shortest right completion, and its decoys, all different texts."""

    row: Row
    gold: str
    decoys: tuple[Decoy, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a smoke run does.

    `steps` is the least number of optimizer steps, `most_steps` what they are extended to where the verdict is not
    clear; `generations` are the completions a row is given in each; `options` are further keys of trl.GRPOConfig;
    `folder` is where its log goes (`log.jsonl`, `trainer_state.json`); `tokenizer` is a folder with the tokenizer and
    chat template of the user's own model, to be checked.
    """

    rows: tuple[TrainingRow, ...]
    scale: Scale
    folder: Path
    seed: int = 0
    steps: int = 10
    most_steps: int = 24
    generations: int = 16
    options: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Path | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One likely cause in plain words, and what to do; `name` is stable, for tests and other tools."""

    name: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What a reward was called with, and what it returned, over many calls.

    `columns` are the keywords it was given beside TRL's own, each with the type of its values; `conversational`
    says whether completions came as message lists; `values` counts what was returned: "finite", "none", "nan", "inf",
    "other"; `distinct` is the number of different finite values; `threads` are "main" and "other".
    """

    calls: int
    rows: int
    columns: Mapping[str, str]
    conversational: bool
    values: Mapping[str, int]
    distinct: int
    threads: tuple[str, ...] = ("main",)


@dataclass(frozen=True, slots=True)
class Scores:
    """What the reward gives one row's gold and decoys (by name); None where it abstains or is not finite."""

    row_id: str
    gold: float | None
    decoys: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Probe:
    """What calling the reward as TRL would showed. `defects` are certain, each enough to refuse the reward.

    `deterministic` is False where the same call gave different values; then order and neighbours cannot be compared.
    `cautions` are what TRL does not mind and others do. `reads_closed_thinking` says whether a completion whose
    opening think tag stands in the prompt is paid as one that has it, or needs none.
    """

    defects: tuple[Diagnosis, ...]
    record: CallRecord | None
    deterministic: bool
    scores: tuple[Scores, ...]
    cautions: tuple[Diagnosis, ...] = ()
    reads_closed_thinking: bool = True


@dataclass(frozen=True, slots=True)
class Margin:
    """log p(gold) - log p(decoy) under the model, summed over tokens (nats), before and after training."""

    row_id: str
    decoy: str
    before: float
    after: float

    @property
    def rise(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Training:
    """What the training came to.

    `coverage` is the least share, over rows, of the model's probability that lies on gold and decoys after the warm-up;
    `logs` holds TRL's own log of each step; `steps` is the trainer's own count. `changed` of `parameters` tensors
    differ from before. Where the warm-up did not reach its coverage, nothing was trained: `logs` is empty. `seconds` by
    phase, "warm-up" and "training"; `memory_mb` is the largest resident set of the process, in MiB.
    """

    warm_up_steps: int
    coverage: float
    steps: int = 0
    logs: tuple[Mapping[str, Any], ...] = ()
    margins: tuple[Margin, ...] = ()
    changed: int = 0
    parameters: int = 0
    record: CallRecord | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    memory_mb: int = 0

    @property
    def warmed_up(self) -> bool:
        """Whether the warm-up reached its coverage; where it did not, nothing was trained."""
        return self.coverage >= LEAST_COVERAGE


@dataclass(frozen=True, slots=True)
class Smoke:
    """Everything one smoke run saw; `prompts` are certain defects of the prompts or of the user's template.

    `training` is None where it was not begun, for a defect found before; `failure` says how the process ended where it
    broke, and `phase` what it was at: warm-up or training, empty before.
    """

    plan: Plan
    prompts: tuple[Diagnosis, ...] = ()
    probe: Probe | None = None
    training: Training | None = None
    failure: str = ""
    phase: str = ""
