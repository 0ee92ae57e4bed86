"""Step `grpo`: real TRL training steps on a tiny model, which say whether the reward teaches this dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from reward_kit.gates import Decision, Gate
from reward_kit.grpo.domains import DOMAINS
from reward_kit.grpo.rows import MOST_ROWS, choose_rows, training_rows
from reward_kit.grpo.shapes import Margin, Plan, Smoke, Training
from reward_kit.grpo.verdict import LEAST_COVERAGE, PARTS, curve_lines, decide, defects
from reward_kit.models import Outcome, Row, Sample
from reward_kit.settings import Settings
from reward_kit.steps.base import Context, Step
from reward_kit.verdict import Verdict, error_verdict

#: What training imports; all in the extra `grpo`.
_PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate", "tokenizers")
#: Keys of GRPOConfig that the run sets itself, for its verdict to mean what it says.
_OWN_KEYS = frozenset(
    """output_dir max_steps num_train_epochs per_device_train_batch_size num_generations use_cpu bf16 fp16 report_to
    logging_steps logging_strategy save_strategy push_to_hub use_vllm seed steps_per_generation generation_batch_size
    gradient_accumulation_steps dataloader_pin_memory disable_tqdm temperature reward_weights""".split()
)


class GrpoSettings(Settings):
    """The table [grpo]."""

    #: Least optimizer steps; extended to 24 where the verdict is not clear.
    steps: Annotated[int, Field(ge=4, le=1000)] = 10
    #: Rows to train on, drawn by `seed`.
    rows: Annotated[int, Field(ge=8, le=MOST_ROWS)] = 8
    seed: Annotated[int, Field(ge=0)] = 0
    #: Completions of a row in each step.
    generations: Annotated[int, Field(ge=4, le=64)] = 16
    #: What kind of answers the rows have.
    domain: str = "math"
    #: The final answer line in the declared format: "#### {answer}"; by default the domain's own.
    completion: str = ""
    #: Further keys of trl.GRPOConfig, as the run to come will have them: `options = { beta = 0.04 }`.
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("domain")
    @classmethod
    def _known(cls, domain: str) -> str:
        if domain not in DOMAINS:
            raise ValueError(f"must be one of {', '.join(sorted(DOMAINS))}")
        return domain

    @field_validator("completion")
    @classmethod
    def _with_answer(cls, completion: str) -> str:
        if completion and completion.count("{answer}") != 1:
            raise ValueError("must hold {answer} once, where the answer stands")
        return completion

    @field_validator("options")
    @classmethod
    def _further(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(_OWN_KEYS.intersection(value)):
            raise ValueError(f"must not hold {', '.join(taken)}: the step sets them")
        return value


@dataclass(frozen=True, slots=True)
class Trained:
    """What the smoke run showed of one row, and the run itself, which all rows share."""

    smoke: Smoke
    margins: tuple[Margin, ...]

    def as_json(self) -> Mapping[str, Any]:
        margins = [{"decoy": m.decoy, "before": round(m.before, 4), "after": round(m.after, 4)} for m in self.margins]
        return {"margins": margins} if margins else {}


class GrpoStep(Step[GrpoSettings]):
    """The reward teaches: a tiny model trained on it by TRL comes to prefer every right completion to every decoy."""

    name: ClassVar[str] = "grpo"
    settings_type: ClassVar[type[Settings]] = GrpoSettings
    gate_names: ClassVar[tuple[str, ...]] = PARTS
    whole: ClassVar[bool] = True

    def items(self) -> Sequence[Row]:
        return self._chosen

    @cached_property
    def _chosen(self) -> Sequence[Row]:
        return choose_rows(self.rows, DOMAINS[self.settings.domain], self.settings.seed, self.settings.rows)

    def obstacle(self, context: Context) -> str | None:
        if missing := [name for name in _PACKAGES if not _installed(name)]:
            named = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
            return f"training needs {named}: pip install 'pytest-rewardkit[grpo]'"
        if len(self._chosen) < self.settings.rows:
            return f"training needs {self.settings.rows} rows with different golds, there are {len(self._chosen)}"
        return None

    def tolerates(self, verdict: Verdict) -> bool:
        return verdict.outcome is Outcome.ABSTAINED

    def evaluate(self, rows: Sequence[Row], context: Context) -> Iterator[Verdict]:
        smoke = self.run(context)
        yield from (_row_verdict(row, smoke) for row in rows)

    def run(self, context: Context) -> Smoke:
        """One smoke run, as the settings say.

        Raises:
            Exception: whatever kept the reward from being loaded.
        """
        from reward_kit.grpo.process import run_smoke

        reward = context.reward()

        def accepts(samples: Sequence[Sample]) -> list[bool]:
            passed = {position: verdict.passed for position, verdict in context.grade(samples)}
            return [passed[position] for position in range(len(samples))]

        settings = self.settings
        plan = Plan(
            training_rows(self._chosen, DOMAINS[settings.domain], settings.seed, accepts, settings.completion),
            self.scale,
            context.work_folder(self.name),
            settings.seed,
            settings.steps,
            max(settings.steps, 24),
            settings.generations,
            settings.options,
            context.tokenizer,
        )
        with context.progress("grpo") as told:
            return run_smoke(plan, reward, told)

    def gates(self, verdicts: Sequence[Verdict]) -> Mapping[str, Gate]:
        smoke = _smoke_of(verdicts)
        if smoke is None:
            reason = verdicts[0].reason if verdicts else "no row was trained on"
            return dict.fromkeys(PARTS, Gate(Decision.FAILED, reason))
        return decide(smoke)

    def lines(self, verdicts: Sequence[Verdict]) -> Sequence[str]:
        training = _training_of(verdicts)
        if training is None or not training.logs:
            return ()
        size = f"{len(verdicts)} rows x {self.settings.generations} completions"
        return (*curve_lines(training), f"{training.steps} steps of {size}, real TRL GRPO on a tiny model")

    def document(self, verdicts: Sequence[Verdict]) -> Mapping[str, Any]:
        training = _training_of(verdicts)
        if training is None:
            return {}
        return {
            "training": {
                "coverage": round(training.coverage, 4),
                "warm_up_steps": training.warm_up_steps,
                "steps": training.steps,
                "curve": [{name: _finite(log.get(name)) for name in _CURVE} for log in training.logs],
            }
        }


#: What of TRL's log the results document keeps, step by step.
_CURVE = ("step", "reward", "reward_std", "frac_reward_zero_std", "entropy", "completions/mean_length")


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # barred: its entry in sys.modules is None
        return False


def _smoke_of(verdicts: Sequence[Verdict]) -> Smoke | None:
    """The run that the rows share; None where the step broke before it."""
    return next((verdict.detail.smoke for verdict in verdicts if isinstance(verdict.detail, Trained)), None)


def _training_of(verdicts: Sequence[Verdict]) -> Training | None:
    smoke = _smoke_of(verdicts)
    return smoke.training if smoke else None


def _finite(value: Any) -> Any:
    """A number as JSON can hold it; None for NaN and infinities."""
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None


def _row_verdict(row: Row, smoke: Smoke) -> Verdict:
    """A row passes where its right completion gained on each of its decoys."""
    margins = tuple(margin for margin in smoke.training.margins if margin.row_id == row.id) if smoke.training else ()
    detail = Trained(smoke, margins)
    gold = next(one.gold for one in smoke.plan.rows if one.row.id == row.id)
    if smoke.failure:
        return error_verdict(row.id, f"the training broke: {smoke.failure}", Outcome.INFRA_ERROR, detail)
    if found := defects(smoke):
        return error_verdict(row.id, f"not trained: {found[0]}", Outcome.REWARD_ERROR, detail)
    if smoke.training is None or smoke.training.coverage < LEAST_COVERAGE:
        return Verdict(row.id, Outcome.ABSTAINED, reason="inconclusive: see gate warm_up", gold=gold, detail=detail)
    shown = ", ".join(f"{m.decoy} {'+' if m.rise > 0 else ''}{m.rise:.2f}" for m in margins)
    reason = f"log p(gold) - log p(decoy), in nats: {shown}"
    low = not margins or any(not margin.rise > 0.0 for margin in margins)
    outcome = Outcome.WRONG_ANSWER if low else Outcome.PASSED
    return Verdict(row.id, outcome, reason=reason, gold=gold, detail=detail)
