"""What is noted at each step of the trainer, and when it has seen enough."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import IO, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from reward_kit.grpo.curves import own_rise, zero_std_share
from reward_kit.grpo.shapes import Plan
from reward_kit.grpo.training.margins import Batch, margins, measured

#: TRL's keys that a line of log.jsonl holds, by the shorter names that it gives them.
_KEYS = {
    "reward": "reward",
    "reward_std": "reward_std",
    "frac_reward_zero_std": "frac_reward_zero_std",
    "entropy": "entropy",
    "completions/mean_length": "completion_length_mean",
    "completions/min_length": "completion_length_min",
    "completions/max_length": "completion_length_max",
    "completions/clipped_ratio": "clipped_ratio",
    "loss": "loss",
    "grad_norm": "grad_norm",
}
#: Where the verdict is looked at again after the least number of steps.
_LOOKS = (16, 20)
#: Clear of the verdict's bars (a rise of 0.2 of the range, margins that rise at all): more steps would only add to it.
_CLEAR_RISE, _CLEAR_MARGIN = 0.3, 0.5
#: A margin that fell by this many nats in ten steps does not come back in the next fourteen; in none of the runs that
#: benchmarks/grpo_seeds.py makes with a right reward did one fall at all.
_LOST_MARGIN = -1.0
#: Share of the first groups without any difference in reward that is past the verdict's bar of a half.
_LOST_SIGNAL = 0.75


class StepLog(TrainerCallback):
    """Notes TRL's own log of each step with the margins beside it, and ends the training once the verdict is clear."""

    def __init__(
        self, plan: Plan, batch: Batch, before: list[float], file: IO[str], emit: Callable[[dict[str, Any]], None]
    ) -> None:
        self.logs: list[dict[str, Any]] = []
        self._plan, self._batch, self._file, self._emit = plan, batch, file, emit
        self._before = margins(batch, before)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        model: Any = None,
        **kwargs: Any,
    ) -> None:
        """Called by the trainer after each step, and once more with a summary that is no step's."""
        if logs is None or "train_runtime" in logs:
            return
        step, now = state.global_step, margins(self._batch, measured(model, self._batch))
        rises = [after - before for before, after in zip(self._before, now, strict=True)]
        self.logs.append({**logs, "step": step, "margin_mean": sum(now) / len(now), "margin_least": min(now)})
        self._write(self.logs[-1])
        self._emit({"phase": "training", "done": step, "total": self._plan.most_steps, "reward": logs.get("reward")})
        if self._looked_at(step) and self._is_decided(min(rises)):
            control.should_training_stop = True

    def _looked_at(self, step: int) -> bool:
        return step == self._plan.steps or (step > self._plan.steps and step in _LOOKS)

    def _is_decided(self, least_rise: float) -> bool:
        """True where further steps would not change the verdict: it is clearly reached, or lost."""
        no_signal = zero_std_share(self.logs) >= _LOST_SIGNAL or not any(log.get("grad_norm") for log in self.logs)
        if no_signal or least_rise <= _LOST_MARGIN:
            return True
        return own_rise(self.logs, self._plan.scale) >= _CLEAR_RISE and least_rise >= _CLEAR_MARGIN

    def _write(self, log: Mapping[str, Any]) -> None:
        line = {"step": log["step"]}
        line |= {short: _plain(log.get(key)) for key, short in _KEYS.items()}
        line |= {key: _plain(log[key]) for key in ("margin_mean", "margin_least")}
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._file.flush()


def _plain(value: Any) -> float | None:
    """A number that JSON can hold; a plot leaves out what is none."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
