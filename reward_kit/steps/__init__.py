"""The readiness steps, in the order in which a suite runs and reports them."""

from __future__ import annotations

from typing import Any

from reward_kit.steps.base import GATE, Context, Step
from reward_kit.steps.controls import ControlsStep
from reward_kit.steps.data import DataStep
from reward_kit.steps.grpo import GrpoStep
from reward_kit.steps.local import LocalStep
from reward_kit.steps.preview import PreviewStep
from reward_kit.steps.regenerate import RegenerateStep

STEPS: tuple[type[Step[Any]], ...] = (DataStep, LocalStep, ControlsStep, PreviewStep, RegenerateStep, GrpoStep)

__all__ = ["GATE", "STEPS", "Context", "Step"]
