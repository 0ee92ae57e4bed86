"""Controls for rewards of final answers: other spellings must pass; wrong values, hedges and no answer must fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reward_kit.controls.base import Control
from reward_kit.controls.math.formats import Frame, declared_answer, frame_of
from reward_kit.controls.math.mutants import mutants
from reward_kit.controls.math.proofs import proof_of_difference, proof_of_equality
from reward_kit.controls.math.spellings import spellings
from reward_kit.models import Polarity, Row

#: Wrong values of a row: with the hedge and the missing answer they make five flipping controls.
_WRONG_VALUES = 3


def math_controls(row: Row) -> Iterator[Control]:
    """The controls of a row whose ground truth is a final answer; none where it is no text and no number."""
    gold = _gold_text(row.ground_truth)
    if gold:
        frame = frame_of(row.reference, gold)
        yield from _preserving(gold, frame)
        yield from _flipping(gold, frame)


def _gold_text(ground_truth: Any) -> str:
    if isinstance(ground_truth, bool) or not isinstance(ground_truth, (str, int, float)):
        return ""
    return declared_answer(str(ground_truth))


def _preserving(gold: str, frame: Frame) -> Iterator[Control]:
    seen = {gold}
    for operator, text in spellings(gold, frame.is_boxed):
        if text not in seen and (proof := proof_of_equality(gold, text)):
            seen.add(text)
            yield Control(operator, Polarity.PRESERVING, frame.with_answer(text), f"{text} for {gold}: {proof}")


def _flipping(gold: str, frame: Frame) -> Iterator[Control]:
    wrong = list(_wrong_values(gold))
    for operator, text, proof in wrong:
        yield Control(operator, Polarity.FLIPPING, frame.with_answer(text), f"{text} for {gold}: {proof}")
    if wrong:
        _, text, proof = wrong[0]
        why = f"offers {gold} or {text}, which are different answers: {proof}"
        yield Control("hedge", Polarity.FLIPPING, frame.with_hedge(gold, text), why)
    response = frame.without_answer(gold)
    if response is not None:
        yield Control("no_answer", Polarity.FLIPPING, response, f"mentions {gold} in its working, declares no answer")


def _wrong_values(gold: str) -> Iterator[tuple[str, str, str]]:
    """(operator, text, proof) of the first wrong values that are proved, each another text."""
    seen = {gold}
    for operator, text in mutants(gold):
        if text not in seen and (proof := proof_of_difference(gold, text)):
            seen.add(text)
            yield operator, text, proof
            if len(seen) > _WRONG_VALUES:
                return
