"""Controls: responses whose right verdict is proved, so that a green step says something about the reward."""

from __future__ import annotations

from reward_kit.controls.base import NO_OTHER_ANSWER, Control, Domain
from reward_kit.controls.code import code_controls
from reward_kit.controls.math import math_controls

#: The domains that [controls] can name.
DOMAINS: dict[str, Domain] = {"code": code_controls, "math": math_controls}

__all__ = ["DOMAINS", "NO_OTHER_ANSWER", "Control", "Domain"]
