"""What a smoke run does, from the settings of a suite: its rows, their completions, and everything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from reward_kit.grpo.domains import DOMAINS
from reward_kit.grpo.domains.base import TrainingDomain, choose_rows, training_rows
from reward_kit.grpo.settings import GrpoSettings
from reward_kit.grpo.shapes import Plan
from reward_kit.models import Row, Sample
from reward_kit.verdict import Scale, Verdict

#: What training imports; all in the extra `grpo`.
_PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate", "tokenizers")
#: Steps are extended to this number where the verdict is not clear before.
_MOST_STEPS = 24


class Surroundings(Protocol):
    """What a run needs of whoever wants it."""

    def grade(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
        """Grade samples with the reward under test; yields (position, verdict) as they are decided."""

    def work_folder(self, step: str) -> Path:
        """An empty folder for the logs."""

    @property
    def tokenizer(self) -> Path | None:
        """The tokenizer of the user's own model, where it is to be checked."""


def domain_of(settings: GrpoSettings) -> TrainingDomain:
    """The declared domain, in the declared format."""
    domain = DOMAINS[settings.domain]
    return domain.declaring(settings.completion) if settings.completion else domain


def chosen_rows(rows: Sequence[Row], settings: GrpoSettings) -> Sequence[Row]:
    """The rows to train on, in dataset order; fewer than asked for where the dataset does not hold them."""
    chosen = {row.id for row in choose_rows(rows, domain_of(settings), settings.seed, settings.rows)}
    return [row for row in rows if row.id in chosen]


def obstacle_to_training(chosen: Sequence[Row], settings: GrpoSettings) -> str | None:
    """Why nothing can be trained here, and what to do; None where it can."""
    if missing := [name for name in _PACKAGES if not _installed(name)]:
        named = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        them = "it" if len(missing) == 1 else "them"
        return f"{named}, and training needs {them}: pip install 'pytest-rewardkit[grpo]'"
    if len(chosen) < settings.rows:
        wanted = "rows of different prompts and golds, with an answer that can be proved wrong"
        return f"training needs {settings.rows} {wanted}: there are {len(chosen)}"
    return None


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # barred: its entry in sys.modules is None
        return False


def plan_for(chosen: Sequence[Row], settings: GrpoSettings, scale: Scale, surroundings: Surroundings) -> Plan:
    """What to do with the chosen rows; the reward is asked which spelling of a right answer it accepts."""

    def accepts(samples: Sequence[Sample]) -> list[bool]:
        passed = {position: verdict.passed for position, verdict in surroundings.grade(samples)}
        return [passed[position] for position in range(len(samples))]

    return Plan(
        training_rows(chosen, domain_of(settings), settings.seed, len(chosen), accepts),
        scale,
        surroundings.work_folder("grpo"),
        settings.seed,
        settings.steps,
        max(settings.steps, _MOST_STEPS),
        settings.generations,
        settings.options,
        surroundings.tokenizer,
    )
