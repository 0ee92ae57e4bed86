"""What the tests of the code reward write their cases with: a program, its tests, the result."""

from __future__ import annotations

from typing import Any

from reward_kit.models import EvaluateResult
from reward_kit.rewards.code_execution import fractional_code_reward


def graded(program: str, tests: Any, **settings: Any) -> EvaluateResult:
    """The result for a response that is this program."""
    return fractional_code_reward([{"role": "assistant", "content": f"```python\n{program}\n```"}], tests, **settings)


def stdin(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"input": given, "expected_output": expected} for given, expected in pairs]


def calls(*pairs: tuple[list[Any], Any]) -> list[dict[str, Any]]:
    return [{"args": args, "expected": expected} for args, expected in pairs]


def assertions(*codes: str) -> list[dict[str, str]]:
    return [{"assertion": code} for code in codes]
