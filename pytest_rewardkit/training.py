"""The smoke run for tests that people write: what `rk_grpo` gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pytest_rewardkit.options import timeout_of, tokenizer_of
from pytest_rewardkit.progress import shown_progress
from reward_kit.gates import Decision, Gate
from reward_kit.grading import Grader
from reward_kit.grpo.plan import chosen_rows, obstacle_to_training, plan_for
from reward_kit.grpo.process import run_smoke
from reward_kit.grpo.settings import GrpoSettings
from reward_kit.grpo.shapes import Smoke
from reward_kit.grpo.verdict import curve_lines, decide
from reward_kit.models import Sample
from reward_kit.reward import Reward, as_reward
from reward_kit.settings import problem_of
from reward_kit.suite import Suite
from reward_kit.verdict import Verdict


@dataclass(frozen=True, slots=True, repr=False)
class SmokeResult:
    """What a smoke run came to: its gates by name, and everything that was seen."""

    gates: Mapping[str, Gate]
    smoke: Smoke

    @property
    def passed(self) -> bool:
        """True where every part passed; an inconclusive run has not."""
        return all(gate.decision is Decision.PASSED for gate in self.gates.values())

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        """What `assert rk_grpo()` shows of it, which pytest cuts: what went wrong, and nothing else."""
        wanting = [gate for gate in self.gates.values() if gate.decision is not Decision.PASSED]
        gravest = [gate.reason for gate in wanting if gate.decision is Decision.FAILED]
        reasons = gravest or list(dict.fromkeys(gate.reason for gate in wanting))
        return f"<smoke run: {'; '.join(reasons) or 'every gate passed'}>"

    def __str__(self) -> str:
        training = self.smoke.training
        parts = [f"{gate.decision}: {gate.reason}" for gate in self.gates.values()]
        return "\n".join([*parts, *(curve_lines(training) if training else ())])


class SmokeRuns:
    """Smoke runs on the suite that a test is marked with."""

    def __init__(self, config: pytest.Config, suite: Suite, function: Any, folder: Path) -> None:
        self._config = config
        self._suite = suite
        self._function = function
        self._folder = folder

    def __call__(self, reward: Any = None, **settings: Any) -> SmokeResult:
        """Train on the suite's rows and return what it showed; a run takes about half a minute.

        Args:
            reward: a function of any call shape; by default what `rk_reward` gives.
            **settings: in place of keys of the suite's table [grpo]: steps, rows, seed, options, ...

        Raises:
            pytest.UsageError: naming a setting that is not known or has a wrong value.
        """
        __tracebackhide__ = True  # a misspelt setting is the test's mistake: its own line is what helps
        declared = self._suite.steps.get("grpo")
        values = declared.settings.model_dump() if declared else {}
        try:
            chosen = GrpoSettings.model_validate(values | settings)
        except ValidationError as error:
            wrong = "; ".join(_problem(dict(one)) for one in error.errors())
            raise pytest.UsageError(f"rk_grpo: {wrong}") from None
        rows = chosen_rows(self._suite.rows, chosen)
        if problem := obstacle_to_training(rows, chosen):
            pytest.fail(problem, pytrace=False)
        taught = as_reward(self._function if reward is None else reward)
        surroundings = _Surroundings(taught, self._suite, self._config, self._folder)
        plan = plan_for(rows, chosen, self._suite.scale, surroundings)
        with shown_progress(self._config, "grpo") as told:
            smoke = run_smoke(plan, taught, told)
        return SmokeResult(decide(smoke), smoke)


def _problem(error: Mapping[str, Any]) -> str:
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"unknown setting {name!r}. Known here: {', '.join(GrpoSettings.model_fields)}"
    return f"{name}: {problem_of(error)}"


@dataclass(frozen=True, slots=True)
class _Surroundings:
    reward: Reward
    suite: Suite
    config: pytest.Config
    folder: Path

    def grade(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
        with Grader(self.reward, self.suite.scale, timeout_of(self.config)) as grader:
            yield from grader.grade(samples)

    def work_folder(self, step: str) -> Path:
        folder = self.folder / step
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    @property
    def tokenizer(self) -> Path | None:
        return tokenizer_of(self.config)
