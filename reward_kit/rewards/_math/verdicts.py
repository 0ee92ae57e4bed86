"""From a gold text and a final answer to an outcome with a reason that a person understands."""

from __future__ import annotations

from dataclasses import dataclass

from reward_kit.models import Outcome
from reward_kit.rewards._math.finals import Final, Missing
from reward_kit.rewards._math.numerals import plain_number
from reward_kit.rewards._math.policy import Policy

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, its one-line reason, and the layer that decided (extraction, exact, structure,
    symbolic).
    """

    outcome: Outcome
    reason: str
    layer: str
    error: str | None = None


def compare_texts(gold: str, final: Final | Missing, policy: Policy) -> Verdict:
    """The verdict on a final answer."""
    if type(final) is Missing:
        return Verdict(final.outcome, final.reason, "extraction")
    assert isinstance(final, Final)
    if final.alternative is None and len(final.items) == 1 and not policy.tolerant:
        given = final.items[0]
        # Most answers are whole numbers: a comparison of digits decides them.
        if given == gold and given.isdigit() and given.isascii():
            return Verdict(Outcome.PASSED, f"the answer {given} is the gold answer", "exact")
        expected = plain_number(gold)
        answered = plain_number(given) if expected is not None else None
        if expected is not None and answered is not None and policy.rounding == "none":
            if expected == answered:
                return Verdict(Outcome.PASSED, f"{_short(given)} equals {_short(gold)}", "exact")
            return Verdict(Outcome.WRONG_ANSWER, f"{_short(given)} is not {_short(gold)}", "exact")
    from reward_kit.rewards._math.layers import compare_readings

    return compare_readings(gold, final, policy)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


shown = _short
