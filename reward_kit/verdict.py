"""A verdict: what a step says of one row, and how a reward's return value becomes one."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from reward_kit.models import EvaluateResult, Outcome


@dataclass(frozen=True, slots=True)
class Scale:
    """The declared range of a reward, ends included, and the score from which a row passes."""

    low: float = 0.0
    high: float = 1.0
    pass_at: float = 1.0


class Detail(Protocol):
    """What one kind of step knows of a row beside its outcome. A value that pickles: xdist's workers share verdicts."""

    def as_json(self) -> Mapping[str, Any]:
        """The keys that it adds to the row in the results document, in their order; none that every row has."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one row in one step.

    `score` is None where the reward gave none; `extracted` and `gold` are what was compared; `output` is what the
    reward printed meanwhile (its end, at most 4,000 characters); `response` is the text that was graded, kept where it
    did not pass. `detail` is what the step that made the verdict has to say beyond that.
    """

    row_id: str
    outcome: Outcome
    score: float | None = None
    reason: str = ""
    extracted: str | None = None
    gold: str | None = None
    output: str = ""
    response: str | None = None
    detail: Detail | None = None

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED


def error_verdict(row_id: str, reason: str, outcome: Outcome = Outcome.REWARD_ERROR) -> Verdict:
    """The verdict on a row whose reward, or its surroundings, broke."""
    return Verdict(row_id, outcome, reason=reason)


def to_verdict(row_id: str, returned: Any, scale: Scale) -> Verdict:
    """The verdict that a reward's return value stands for.

    A row passes where the score lies in the declared range, reaches `pass_at`, and nothing in the result speaks
    against it. None is an abstention. Whatever cannot be a score is `reward_error`.
    """
    if returned is None:
        return Verdict(row_id, Outcome.ABSTAINED, reason="the reward returned None: it abstains")
    if not isinstance(returned, (EvaluateResult, Mapping)):
        return _from_score(Verdict(row_id, Outcome.PASSED), returned, scale)
    if "score" not in returned:
        return error_verdict(row_id, f"the reward's result has no 'score', only {', '.join(map(str, returned))}")
    if returned.get("error"):
        return error_verdict(row_id, f"the reward reports an error: {_text(returned['error'])}")
    try:
        claimed = Outcome(returned.get("outcome") or Outcome.PASSED)
    except ValueError:
        return error_verdict(row_id, f"the reward's result has the unknown outcome {returned.get('outcome')!r}")
    draft = Verdict(
        row_id,
        claimed,
        reason=_text(returned.get("reason")) or "",
        extracted=_text(returned.get("extracted")),
        gold=_text(returned.get("extracted_gold")),
    )
    if returned.get("score") is None:
        return replace(draft, outcome=Outcome.ABSTAINED, reason=draft.reason or "the reward's score is None")
    # Whatever is not True speaks against the score: numpy's False, 0, None and "false" are not `False`.
    return _from_score(draft, returned.get("score"), scale, returned.get("is_score_valid", True) in (True,))


def _from_score(draft: Verdict, value: Any, scale: Scale, declared_valid: bool = True) -> Verdict:
    score = _as_float(value)
    if score is None:
        return replace(draft, outcome=Outcome.REWARD_ERROR, reason=f"the reward returned {_show(value)}, not a number")
    if not scale.low <= score <= scale.high:  # NaN fails this comparison too
        shown = None if math.isnan(score) or math.isinf(score) else score
        reason = f"the reward returned {score!r}, outside its declared range [{scale.low:g}, {scale.high:g}]"
        return replace(draft, outcome=Outcome.REWARD_ERROR, score=shown, reason=reason)
    reached = score >= scale.pass_at
    if draft.outcome is not Outcome.PASSED:  # stated by the reward: it has not passed, whatever its score
        contradiction = f" (yet its score {score:g} reaches pass_at {scale.pass_at:g})" if reached else ""
        return replace(draft, score=score, reason=draft.reason + contradiction)
    if reached and declared_valid:
        return Verdict(draft.row_id, Outcome.PASSED, score, draft.reason, draft.extracted, draft.gold)
    why = draft.reason or f"score {score:g} is below pass_at {scale.pass_at:g}"
    if reached:
        why = f"the reward marks its own score {score:g} as not valid. {draft.reason}".rstrip()
    return replace(draft, outcome=Outcome.WRONG_ANSWER, score=score, reason=why)


def _as_float(value: Any) -> float | None:
    """A real number as float (bool and 0-d arrays included, as trainers take them), else None."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, numbers.Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _text(value: Any) -> str | None:
    return None if value is None else str(value).encode("utf-8", "backslashreplace").decode()


def same_in_every_run(text: str) -> str:
    """Text of the user's objects as a report can hold it: no memory addresses, no halves of surrogate pairs."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text).encode("utf-8", "backslashreplace").decode()


def _show(value: Any) -> str:
    text = same_in_every_run(repr(value))
    return f"{text[:60]}{'...' if len(text) > 60 else ''} ({type(value).__name__})"
