"""Step `grpo`: real TRL training steps on a tiny model, which say whether the reward teaches this dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from reward_kit.gates import Decision, Gate
from reward_kit.grpo.plan import chosen_rows, obstacle_to_training, plan_for
from reward_kit.grpo.settings import GrpoSettings
from reward_kit.grpo.shapes import Margin, Smoke, Training
from reward_kit.grpo.verdict import LEAST_COVERAGE, PARTS, curve_lines, decide, defects
from reward_kit.models import Outcome, Row
from reward_kit.settings import Settings
from reward_kit.steps.base import Context, Step
from reward_kit.verdict import Verdict


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
        return chosen_rows(self.rows, self.settings)

    def obstacle(self, context: Context) -> str | None:
        return obstacle_to_training(self._chosen, self.settings)

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
        plan = plan_for(self._chosen, self.settings, self.scale, context)
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
        return Verdict(row.id, Outcome.INFRA_ERROR, reason=f"the training broke: {smoke.failure}", detail=detail)
    if found := defects(smoke):
        return Verdict(row.id, Outcome.ABSTAINED, reason=f"not trained: {found[0]}", gold=gold, detail=detail)
    if smoke.training is None or smoke.training.coverage < LEAST_COVERAGE:
        return Verdict(row.id, Outcome.ABSTAINED, reason="inconclusive: see gate warm_up", gold=gold, detail=detail)
    shown = ", ".join(f"{m.decoy} {'+' if m.rise > 0 else ''}{m.rise:.2f}" for m in margins)
    reason = f"log p(gold) - log p(decoy), in nats: {shown}"
    low = not margins or any(not margin.rise > 0.0 for margin in margins)
    outcome = Outcome.WRONG_ANSWER if low else Outcome.PASSED
    return Verdict(row.id, outcome, reason=reason, gold=gold, detail=detail)
