"""Reward functions with verifiable outcomes, and what is needed to trust them.

Public names load on first use, so that importing the package costs nothing to a test run that grades nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reward_kit.models import EvaluateResult, Message, MetricResult, Outcome, StepOutput
    from reward_kit.reward import reward_function

__all__ = ["EvaluateResult", "Message", "MetricResult", "Outcome", "StepOutput", "reward_function"]

_HOMES = {"reward_function": "reward_kit.reward"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "reward_kit.models")), name)


def __dir__() -> list[str]:
    return __all__
