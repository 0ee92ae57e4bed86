"""What a row's right completion and its decoys look like, for each kind of task; and the rows a smoke run draws."""

from __future__ import annotations

from reward_kit.grpo.domains.base import TooFewRowsError, TrainingDomain, training_rows
from reward_kit.grpo.domains.code import CodeDomain
from reward_kit.grpo.domains.math import MathDomain

#: The domains that [grpo] can name.
DOMAINS: dict[str, TrainingDomain] = {"code": CodeDomain(), "math": MathDomain()}

__all__ = ["DOMAINS", "CodeDomain", "MathDomain", "TooFewRowsError", "TrainingDomain", "training_rows"]
