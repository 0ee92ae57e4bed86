"""What trl.GRPOConfig is told; no torch is needed to say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reward_kit.grpo.shapes import Plan

#: Tokens a completion may have beyond the longest one that is known: a policy that drifts to longer texts shows it.
_SPARE_TOKENS = 8
#: Measured on tiny models: 1e-3 drifts into other texts, 3e-3 destroys the policy, 4e-4 learns cleanly.
_RATE = 4e-4


def config_of(plan: Plan, longest_completion: int, weights: Sequence[float] | None) -> dict[str, Any]:
    """What the recipe needs, the plan's options over it, and last what the measurement depends on.

    Args:
        plan: rows, steps, seed and options.
        longest_completion: tokens of the longest gold or decoy with its end.
        weights: one for each reward function, None where all count the same.
    """
    generations = int(plan.options.get("num_generations", plan.generations))
    recipe = {
        "learning_rate": _RATE,
        "lr_scheduler_type": "constant",
        "temperature": 1.0,
        "num_generations": generations,
        "per_device_train_batch_size": len(plan.rows) * generations,
        "max_completion_length": completion_length(plan, longest_completion),
        "bf16": False,
        "gradient_checkpointing": False,
        "reward_weights": None if weights is None else list(weights),
    }
    measurement = {
        "output_dir": str(plan.folder),
        "max_steps": plan.most_steps,
        "seed": plan.seed,
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    return {**recipe, **plan.options, **measurement}


def completion_length(plan: Plan, longest_completion: int) -> int:
    """Tokens after which a completion is cut off."""
    return int(plan.options.get("max_completion_length", longest_completion + _SPARE_TOKENS))
