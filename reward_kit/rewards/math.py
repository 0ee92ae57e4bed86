"""`math_reward`: is the response's final answer the gold answer? Exact, without tolerance, in bounded time.

docs/math.md says what counts as an answer and what as equal; docs/migration.md where that differs from reward-kit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from reward_kit.models import EvaluateResult, Message, Outcome, text_of
from reward_kit.rewards._math.finals import Final, Missing, find_final, given_answer
from reward_kit.rewards._math.policy import EXACT, Percent, Rounding, Units
from reward_kit.rewards._math.policy import Policy as Policy
from reward_kit.rewards._math.quick import quick_answer, stands_alone
from reward_kit.rewards._math.verdicts import compare_numbers, compare_texts

if TYPE_CHECKING:
    from reward_kit.rewards._math.audit import GoldFinding

Profile = Literal["strict", "lenient"]
# Python 3.11 finds an enum's member by a call of its own.
_PASSED, _INFRA_ERROR = Outcome.PASSED, Outcome.INFRA_ERROR


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
        messages: the conversation; the last assistant message is graded. Its `reasoning_content` never counts as an
            answer, its `finish_reason` "length" tells a truncated response from one without an answer.
        ground_truth: the gold answer, bare, in `$`, in a box, or a solution that ends in a box or `####` line (GSM8K).
        tolerance: relative tolerance for single numbers; 0.0 compares exactly.
        absolute_tolerance: the same, absolute.
        require_units: as `units="required"`: a response must name the unit that the gold names.
        profile: "strict" grades declared formats only (a box, `####`, `<answer>`, "the answer is ..."), "lenient" also
            an answer in plain prose.
        units: "optional", "required" or "ignored" (docs/math.md, Units).
        percent: "either" takes 25 for a gold of 25%, "value" only 0.25 or 25%.
        rounding: "to_gold" accepts a value that rounds to the gold's decimal places.
        **kwargs: further dataset columns; not used.

    Returns:
        A result with outcome, one-line reason, `extracted`, `extracted_gold` and the layer that decided.
    """
    content, cut_off = _graded_message(messages)
    if not isinstance(ground_truth, str):  # no type checker sees the rows of a dataset: 42 without quotes is an int
        reason = f"ground_truth is {repr(ground_truth)[:60]}, not text: write it in quotes"  # type: ignore[unreachable]
        return _result(Outcome.GOLD_DEFECT, reason, "gold", None, repr(ground_truth))
    lenient = profile == "lenient"
    exact = not (tolerance or absolute_tolerance or require_units or units or rounding != "none")
    if exact and (answer := quick_answer(content, lenient)) is not None:
        # Most answers are numbers in a box at the end: the same verdict as below, in a tenth of the time.
        settled = _settled_number(ground_truth, answer)
        if settled is not None:
            outcome, reason, gold = settled
            return _result(outcome, reason, "exact", answer, gold)
        final: Final | Missing
        if stands_alone(content):
            final = given_answer(answer, "box" if "box" in content else "phrase")
        else:
            final = find_final(content, cut_off=cut_off, lenient=lenient)
    else:
        final = find_final(content, cut_off=cut_off, lenient=lenient)
    gold = _gold_text(ground_truth)
    policy = EXACT
    if not exact or percent != "either":
        wanted: Units = units or ("required" if require_units else "optional")
        policy = Policy(tolerance, absolute_tolerance, wanted, percent, rounding)
    verdict = compare_texts(gold, final, policy)
    extracted = final.text if isinstance(final, Final) else None
    return _result(verdict.outcome, verdict.reason, verdict.layer, extracted, gold, verdict.error)


def extract_answer(content: str, *, profile: Profile = "strict") -> str | None:
    """The final answer in a response as it was written, or None where there is no gradable one."""
    final = find_final(content, lenient=profile == "lenient")
    return final.text if isinstance(final, Final) else None


def answers_equal(gold: str, answer: str, policy: Policy = EXACT) -> bool:
    """True where two answer texts, bare or in a box, are shown to be the same answer."""
    return compare_texts(_gold_text(gold), Final((_gold_text(answer),), "given"), policy).outcome is Outcome.PASSED


def audit_gold(gold: str, problem: str | None = None) -> list[GoldFinding]:
    """What is wrong with a gold answer, before a run is paid for; an empty list where nothing is.

    Finds golds that hold no answer, cannot be read or do not accept themselves (no response could pass), golds of
    several parts, sentences, and letters of a multiple-choice problem whose text may be what is meant.
    """
    from reward_kit.rewards._math.audit import audit

    return audit(gold, _gold_text(gold), problem)


def answer_kind(gold: str) -> str:
    """What kind of answer a gold is: integer, decimal, fraction, closed form, expression, tuple, interval, ...

    `named parts` are several values with a name each, `unreadable` is what `math_reward` cannot read.
    """
    from reward_kit.rewards._math.kinds import kind_of

    return kind_of(_gold_text(gold))


def gold_names(gold: str) -> tuple[str, ...]:
    """The names in a gold of several named values, as in `x = 1, y = 3`; empty for every other gold."""
    from reward_kit.rewards._math.kinds import part_names

    return part_names(_gold_text(gold))


def _graded_message(messages: Sequence[Message | Mapping[str, Any]]) -> tuple[str, bool]:
    """The text of the last assistant message, and whether the token limit ended it."""
    for message in reversed(messages):
        if type(message) is dict or isinstance(message, Mapping):
            if message.get("role", "assistant") == "assistant":
                content = message.get("content")
                text = content if type(content) is str else text_of(content)
                return text, message.get("finish_reason") == "length"
        elif message.role == "assistant":
            return text_of(message.content), message.finish_reason == "length"
    return "", False


@lru_cache(maxsize=1024)  # the responses of a GRPO group repeat few numbers
def _settled_number(ground_truth: str, answer: str) -> tuple[Outcome, str, str] | None:
    """The outcome, the reason and the gold answer where that and the response's answer are plain numbers."""
    gold = _gold_text(ground_truth)
    settled = compare_numbers(gold, answer)
    return None if settled is None else (*settled, gold)


@lru_cache(maxsize=512)
def _gold_text(ground_truth: str) -> str:
    """The answer in a gold that is a whole solution; any other gold as it is."""
    if any(mark in ground_truth for mark in ("\\boxed", "\\fbox", "####", "<answer>", "nswer is", "nswer:")):
        final = find_final(ground_truth)
        return final.text if isinstance(final, Final) else ""
    return ground_truth.strip()


def _result(
    outcome: Outcome, reason: str, layer: str, extracted: str | None, gold: str, error: str | None = None
) -> EvaluateResult:
    """The verdict as a result: `EvaluateResult.model_construct` written out, which is five times faster.

    Values of our own need no validation, and pydantic's generic constructor would take longer than the grading.
    """
    result = object.__new__(EvaluateResult)
    _set_dict(
        result,
        {
            "score": 1.0 if outcome is _PASSED else 0.0,
            "is_score_valid": outcome is not _INFRA_ERROR,
            "reason": reason,
            "metrics": {},
            "step_outputs": None,
            "error": error,
            "outcome": outcome,
            "extracted": extracted,
            "extracted_gold": gold,
            "decided_by": layer,
        },
    )
    _set_fields(result, _FIELDS)
    _set_extra(result, None)
    _set_private(result, None)
    return result


# The slots of a pydantic model, each with its own setter: object.__setattr__ would look them up by name.
_set_dict, _set_fields, _set_extra, _set_private = (
    vars(BaseModel)[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
# Shared by all results: it holds every field already, so that setting one adds nothing.
_FIELDS = set(EvaluateResult.model_fields)
