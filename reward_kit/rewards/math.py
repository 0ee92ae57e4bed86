"""`math_reward`: is the final answer of the response the gold answer? Exact, without tolerance, in bounded time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from reward_kit.models import EvaluateResult, Message, Outcome
from reward_kit.rewards._math.finals import Final, Missing, find_final
from reward_kit.rewards._math.numerals import plain_number

Profile = Literal["strict", "lenient"]


def math_reward(
    messages: Sequence[Message | Mapping[str, Any]],
    *,
    ground_truth: str,
    tolerance: float = 0.0,
    absolute_tolerance: float = 0.0,
    require_units: bool = False,
    profile: Profile = "strict",
    **kwargs: Any,
) -> EvaluateResult:
    """Score 1.0 where the last assistant message's final answer equals the gold answer, else 0.0."""
    last = messages[-1]
    content, cut_off = _content(last)
    final = find_final(content, cut_off=cut_off, lenient=profile == "lenient")
    gold = _gold_text(ground_truth)
    if isinstance(final, Missing):
        return _result(final.outcome, final.reason, None, gold)
    return _compare(gold, final)


def _content(message: Message | Mapping[str, Any]) -> tuple[str, bool]:
    if isinstance(message, Mapping):
        return message.get("content") or "", message.get("finish_reason") == "length"
    return message.content or "", message.finish_reason == "length"


def _gold_text(ground_truth: str) -> str:
    if "\\boxed" in ground_truth or "####" in ground_truth:
        final = find_final(ground_truth)
        return final.text if isinstance(final, Final) else ""
    return ground_truth


def _compare(gold: str, final: Final) -> EvaluateResult:
    text = final.text
    expected = plain_number(gold)
    if expected is None:
        return _result(Outcome.GOLD_DEFECT, f"the gold answer {gold!r} cannot be read", text, gold)
    if final.alternative is not None:
        return _result(Outcome.AMBIGUOUS, f"offers {final.alternative!r} as an alternative", text, gold)
    given = plain_number(text)
    if given == expected:
        return _result(Outcome.PASSED, f"{text} = {gold}", text, gold)
    if len(final.items) > 1:
        return _result(Outcome.AMBIGUOUS, f"gives {len(final.items)} answers: {text}", text, gold)
    return _result(Outcome.WRONG_ANSWER, f"{text} is not {gold}", text, gold)


def _result(outcome: Outcome, reason: str, extracted: str | None, gold: str) -> EvaluateResult:
    return EvaluateResult.model_construct(
        score=1.0 if outcome is Outcome.PASSED else 0.0,
        is_score_valid=True,
        reason=reason,
        metrics={},
        step_outputs=None,
        error=None,
        outcome=outcome,
        extracted=extracted,
        extracted_gold=gold,
        decided_by="exact" if extracted is not None else "extraction",
    )
