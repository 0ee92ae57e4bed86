"""`math_reward`: is the response's final answer the gold answer? Exact, without tolerance, in bounded time.

docs/math.md says what counts as an answer and what as equal; docs/migration.md where that differs from
reward-kit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from reward_kit.models import EvaluateResult, Message, Outcome
from reward_kit.rewards._math.finals import Final, Missing, find_final
from reward_kit.rewards._math.policy import EXACT, Percent, Policy, Rounding, Units
from reward_kit.rewards._math.verdicts import Verdict, compare_texts

if TYPE_CHECKING:
    from reward_kit.rewards._math.audit import GoldFinding

Profile = Literal["strict", "lenient"]


def math_reward(
    messages: Sequence[Message | Mapping[str, Any]],
    *,
    ground_truth: str,
    tolerance: float = 0.0,
    absolute_tolerance: float = 0.0,
    require_units: bool = False,
    profile: Profile = "strict",
    units: Units | None = None,
    percent: Percent = "either",
    rounding: Rounding = "none",
    **kwargs: Any,
) -> EvaluateResult:
    """Score 1.0 where the last assistant message's final answer equals the gold answer, else 0.0.

    Args:
        messages: the conversation; the last assistant message is graded. Its `reasoning_content` never
        counts as an answer, its `finish_reason` "length" tells a truncated response from one without an
        answer.
        ground_truth: the gold answer, bare, in `$`, in a box, or a solution that ends in a box or `####`
        line.
        tolerance: relative tolerance for single numbers; 0.0 compares exactly.
        absolute_tolerance: the same, absolute.
        require_units: as `units="required"`: a response must name the unit that the gold names.
        profile: "strict" grades declared formats only (a box, `####`, `<answer>`, "the answer is ..."),
        "lenient" also an answer in plain prose.
        units: "optional", "required" or "ignored" (docs/math.md, Units).
        percent: "either" takes 25 for a gold of 25%, "value" only 0.25 or 25%.
        rounding: "to_gold" accepts a value that rounds to the gold's decimal places.
        **kwargs: further dataset columns; not used.

    Returns:
        A result with outcome, one-line reason, `extracted`, `extracted_gold` and the layer that decided.
    """
    content, cut_off = _graded_message(messages)
    final = find_final(content, cut_off=cut_off, lenient=profile == "lenient")
    policy = EXACT
    if tolerance or absolute_tolerance or require_units or units or percent != "either" or rounding != "none":
        wanted: Units = units or ("required" if require_units else "optional")
        policy = Policy(tolerance, absolute_tolerance, wanted, percent, rounding)
    gold = _gold_text(ground_truth)
    return _result(compare_texts(gold, final, policy), final, gold)


def extract_answer(content: str, *, profile: Profile = "strict") -> str | None:
    """The final answer in a response as it was written, or None where there is no gradable one."""
    final = find_final(content, lenient=profile == "lenient")
    return final.text if isinstance(final, Final) else None


def answers_equal(gold: str, answer: str, policy: Policy = EXACT) -> bool:
    """True where two answer texts, bare or in a box, are shown to be the same answer."""
    return (
        compare_texts(_gold_text(gold), Final((_gold_text(answer),), "given"), policy).outcome
        is Outcome.PASSED
    )


def audit_gold(gold: str, problem: str | None = None) -> list[GoldFinding]:
    """What is wrong with a gold answer, before a run is paid for; an empty list where nothing is.

    Finds golds that hold no answer, cannot be read or do not accept themselves (no response could pass),
    golds of several parts, sentences, and letters of a multiple-choice problem whose text may be what is
    meant.
    """
    from reward_kit.rewards._math.audit import audit

    return audit(gold, _gold_text(gold), problem)


def _graded_message(messages: Sequence[Message | Mapping[str, Any]]) -> tuple[str, bool]:
    """The text of the last assistant message, and whether the token limit ended it."""
    for message in reversed(messages):
        if type(message) is dict or isinstance(message, Mapping):
            if message.get("role", "assistant") == "assistant":
                return message.get("content") or "", message.get("finish_reason") == "length"
        elif message.role == "assistant":
            return message.content or "", message.finish_reason == "length"
    return "", False


@lru_cache(maxsize=512)
def _gold_text(ground_truth: str) -> str:
    """The answer in a gold that is a whole solution; any other gold as it is."""
    if any(mark in ground_truth for mark in ("\\boxed", "\\fbox", "####", "<answer>", "nswer is", "nswer:")):
        final = find_final(ground_truth)
        return final.text if isinstance(final, Final) else ""
    return ground_truth.strip()


def _result(verdict: Verdict, final: Final | Missing, gold: str) -> EvaluateResult:
    """The verdict as a result: `EvaluateResult.model_construct` written out, which is five times faster.

    Values of our own need no validation, and pydantic's generic constructor would take longer than the
    grading.
    """
    result = EvaluateResult.__new__(EvaluateResult)
    fields = {
        "score": 1.0 if verdict.outcome is Outcome.PASSED else 0.0,
        "is_score_valid": verdict.outcome is not Outcome.INFRA_ERROR,
        "reason": verdict.reason,
        "metrics": {},
        "step_outputs": None,
        "error": verdict.error,
        "outcome": verdict.outcome,
        "extracted": final.text if type(final) is Final else None,
        "extracted_gold": gold,
        "decided_by": verdict.layer,
    }
    set_slot = object.__setattr__
    set_slot(result, "__dict__", fields)
    set_slot(result, "__pydantic_fields_set__", set(_FIELDS))
    set_slot(result, "__pydantic_extra__", None)
    set_slot(result, "__pydantic_private__", None)
    return result


_FIELDS = frozenset(EvaluateResult.model_fields)
