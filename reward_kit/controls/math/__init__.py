"""Controls for rewards of final answers: other spellings must pass; other answers, hedges and none must fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from reward_kit.controls.base import Control
from reward_kit.controls.math.formats import Frame, declared_answer, frame_of
from reward_kit.controls.math.mutants import mutants
from reward_kit.controls.math.parts import rearranged
from reward_kit.controls.math.proofs import proof_of_difference, proof_of_equality
from reward_kit.controls.math.spellings import spellings
from reward_kit.models import Polarity, Row

#: Wrong values of a row: with both hedges, the denial and three that declare nothing they make nine flipping controls.
_WRONG_VALUES = 3

#: An operator, the answer it wrote, and why that is right or wrong.
Proved = tuple[str, str, str]
Prove = Callable[[str, str], str | None]


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
    proved = _proved(gold, spellings(gold, frame.is_boxed), proof_of_equality)
    for operator, text, proof in _first_of_each(proved):
        yield Control(operator, Polarity.PRESERVING, frame.with_answer(text), f"{text} for {gold}: {proof}")


def _flipping(gold: str, frame: Frame) -> Iterator[Control]:
    wrong = _of_each_operator(_proved(gold, mutants(gold), proof_of_difference), _WRONG_VALUES)
    wrong += _first_of_each(_proved(gold, rearranged(gold), proof_of_difference))
    for operator, text, proof in wrong:
        yield Control(operator, Polarity.FLIPPING, frame.with_answer(text), f"{text} for {gold}: {proof}")
    if wrong:
        _, text, proof = wrong[0]
        why = f"offers {gold} or {text}, which are different answers: {proof}"
        yield Control("hedge", Polarity.FLIPPING, frame.with_hedge(gold, text), why)
        yield Control("hedge_reversed", Polarity.FLIPPING, frame.with_hedge(text, gold), why)
    for operator, response, why in _without_other_answer(gold, frame):
        yield Control(operator, Polarity.FLIPPING, response, why)


def _without_other_answer(gold: str, frame: Frame) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Responses that deny the gold or declare nothing: see `NO_OTHER_ANSWER`."""
    if frame.declares:
        yield "denied_gold", frame.with_denial(gold), f"declares that the answer is not {gold}"
        yield "empty_answer", frame.with_answer(""), "declares nothing: the place of the answer is empty"
        yield "only_thinking", frame.with_thinking_only(gold), f"declares {gold} while thinking, and then no answer"
    response = frame.without_answer(gold)
    if response is not None:
        yield "no_answer", response, f"mentions {gold} in its working, declares no answer"


def _proved(gold: str, proposals: Iterable[tuple[str, str]], prove: Prove) -> Iterator[Proved]:
    """The proposals with a proof, each text once."""
    seen = {gold}
    for operator, text in proposals:
        if text not in seen and (proof := prove(gold, text)):
            seen.add(text)
            yield operator, text, proof


def _first_of_each(proved: Iterable[Proved]) -> list[Proved]:
    """The first of every operator."""
    by_operator = dict[str, Proved]()
    for candidate in proved:
        by_operator.setdefault(candidate[0], candidate)
    return list(by_operator.values())


def _of_each_operator(proved: Iterable[Proved], count: int) -> list[Proved]:
    """The first `count`, of as many operators as there are; further ones of an operator only where too few are."""
    chosen: list[Proved] = []
    spare: list[Proved] = []
    for candidate in proved:
        repeats = any(candidate[0] == operator for operator, _, _ in chosen)
        (spare if repeats else chosen).append(candidate)
        if len(chosen) == count:
            break
    return [*chosen, *spare][:count]
