"""From `evaluate(messages, ground_truth, tools, **kwargs)` to a reward in its own call shape, and back to a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reward_kit.models import EvaluateResult, Outcome, Row, Sample
from reward_kit.reward import Reward

#: For async rewards. Whoever runs the evaluator sets the deadline that counts.
_A_DAY = 86_400.0


def grade(
    reward: Reward,
    messages: Sequence[Mapping[str, Any]],
    ground_truth: Any,
    tools: Sequence[Mapping[str, Any]] | None,
    columns: Mapping[str, Any],
) -> dict[str, Any]:
    """Grade one conversation whose last message is the response.

    Returns:
        `score`, `is_score_valid`, `reason`, `metrics`, `error`, `outcome` and what else the reward states.

    Raises:
        ValueError: where the last message is not the assistant's: there is nothing to grade.
        Exception: whatever the reward raises.
    """
    if not messages or messages[-1].get("role") != "assistant":
        raise ValueError("the last message is not the assistant's: there is no response to grade")
    further = {name: value for name, value in columns.items() if name != "id"}
    if tools is not None:
        further["tools"] = tools
    row = Row(str(columns.get("id", "")), tuple(messages), ground_truth, further, line=0)
    [returned] = reward.call([Sample(row, messages[-1])], _A_DAY)
    return as_dict(returned)


def as_dict(returned: Any) -> dict[str, Any]:
    """What a reward returned, as plain values. None is an abstention and has no score."""
    if isinstance(returned, EvaluateResult):
        return returned.model_dump(mode="json")
    empty: dict[str, Any] = {"is_score_valid": True, "reason": None, "metrics": {}, "error": None, "outcome": None}
    if isinstance(returned, Mapping):
        return {**empty, **returned}
    if returned is None:
        reason = "the reward returned None: it abstains"
        return empty | {"score": None, "is_score_valid": False, "reason": reason, "outcome": Outcome.ABSTAINED.value}
    if isinstance(returned, (str, bytes)):
        raise TypeError(f"the reward returned {returned[:60]!r}, not a score")
    return {"score": float(returned), **empty}
