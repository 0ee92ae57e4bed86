"""From a gold text and a final answer to an outcome with a reason that a person understands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from reward_kit.models import Outcome
from reward_kit.rewards._math.finals import Final, Missing
from reward_kit.rewards._math.numerals import plain_number
from reward_kit.rewards._math.policy import Policy

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, its one-line reason, and the layer that decided (extraction, exact, structure, symbolic)."""

    outcome: Outcome
    reason: str
    layer: str
    error: str | None = None


def compare_texts(gold: str, final: Final | Missing, policy: Policy) -> Verdict:
    """The verdict on a final answer."""
    if type(final) is Missing:
        return Verdict(final.outcome, final.reason, "extraction")
    assert isinstance(final, Final)
    if final.alternative is None and len(final.items) == 1 and not policy.tolerant and policy.rounding == "none":
        settled = compare_numbers(gold, final.items[0])
        if settled is not None:
            return Verdict(*settled, "exact")
    try:
        return _settled(gold, final, policy)
    except _OpenError as open_verdict:
        return open_verdict.verdict


class _OpenError(Exception):
    """Carries a verdict that another try may change: it must not be remembered."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


@lru_cache(maxsize=2048)  # the responses of a GRPO group give few different answers to one gold
def _settled(gold: str, final: Final, policy: Policy) -> Verdict:
    """The verdict of the readings, which depends on nothing but its arguments.

    Raises:
        _OpenError: with a verdict that the worker process had a part in: a deadline may have decided it.
    """
    from reward_kit.rewards._math.layers import compare_readings

    verdict = compare_readings(gold, final, policy)
    if verdict.error or verdict.layer not in ("exact", "gold", "extraction", "structure"):
        raise _OpenError(verdict)
    return verdict


def compare_numbers(gold: str, answer: str) -> tuple[Outcome, str] | None:
    """The outcome and the one-line reason for two plain numbers; None where either is anything else."""
    if answer == gold and answer.isdigit() and answer.isascii():
        return Outcome.PASSED, f"{shown(answer)} equals {shown(gold)}"
    expected = plain_number(gold)
    given = plain_number(answer) if expected is not None else None
    if given is None:
        return None
    if expected == given:
        return Outcome.PASSED, f"{shown(answer)} equals {shown(gold)}"
    return Outcome.WRONG_ANSWER, f"{shown(answer)} is not {shown(gold)}"


def shown(text: str) -> str:
    """The text on one line, cut to sixty signs, as reasons quote it."""
    if not text.isalnum():
        text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
