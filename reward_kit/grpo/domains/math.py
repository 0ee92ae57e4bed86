r"""Final answers: the gold alone in a box is the shortest right completion; decoys have another value, or no box."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from reward_kit.controls.math.formats import declared_answer, frame_of
from reward_kit.controls.math.mutants import mutants
from reward_kit.controls.math.numbers import Number, read_number, write_number
from reward_kit.controls.math.proofs import proof_of_difference
from reward_kit.grpo.domains.base import SHARES, Declared
from reward_kit.grpo.shapes import Decoy, Wrong
from reward_kit.models import Row, text_of

_BOXED = "\\boxed{{answer}}"
#: How far another number of the same look may be from the gold, in units of its last place.
_NEAR = 40


@dataclass(frozen=True, slots=True)
class MathDomain(Declared):
    """Rows whose ground truth is a final answer; `template` declares it, with `{answer}` in its place."""

    template: str = _BOXED

    def completions(self, row: Row) -> Mapping[str, str]:
        """The gold in the declared format, the last line of the row's reference, and the whole reference."""
        gold = _gold_text(row.ground_truth)
        if not gold:
            return {}
        candidates = {"declared": self.declared(gold)}
        reference = text_of((row.reference or {}).get("content")).strip()
        if reference:
            candidates |= {"last line": reference.splitlines()[-1].strip(), "reference": reference}
        return candidates

    def decoys(self, row: Row, gold_completion: str, rng: random.Random) -> Sequence[Decoy]:
        """Another value in the same format, the right value in plain text, and nothing at all."""
        gold = _gold_text(row.ground_truth)
        wrong = _wrong_value(gold, rng) if gold else None
        if wrong is None:
            return ()
        return (
            Decoy("wrong value", self._with_answer(wrong, gold, gold_completion), SHARES[Wrong.VALUE], Wrong.VALUE),
            Decoy("unboxed", gold, SHARES[Wrong.FORMAT], Wrong.FORMAT),
            Decoy("empty", "", SHARES[Wrong.EMPTY], Wrong.EMPTY),
        )

    def _with_answer(self, answer: str, gold: str, gold_completion: str) -> str:
        if gold_completion == self.declared(gold):
            return self.declared(answer)
        frame = frame_of({"role": "assistant", "content": gold_completion}, gold)
        return str(frame.with_answer(answer)["content"])


def _gold_text(ground_truth: Any) -> str:
    if isinstance(ground_truth, bool) or not isinstance(ground_truth, (str, int, float)):
        return ""
    gold = declared_answer(str(ground_truth))
    if len(gold) > 1 and gold[0] == gold[-1] == "$" and "$" not in gold[1:-1]:
        return gold[1:-1].strip()  # $\frac{1}{2}$: a box is LaTeX already
    return gold


def _wrong_value(gold: str, rng: random.Random) -> str | None:
    """Another answer that is proved to be a different one; None where none is found.

    For a number it is one of the same look, so that neither a reward of lengths nor one of substrings tells it apart.
    """
    number = read_number(gold)
    if number is not None:
        alike = list(_numbers_alike(gold, number))
        if alike:
            return rng.choice(alike)
    # All changes are proposed in a fixed order; the proofs need sympy and take milliseconds, so the first few do.
    proved = [text for _, text in mutants(gold) if text != gold and proof_of_difference(gold, text)]
    same_length = [text for text in proved if len(text) == len(gold)]
    return rng.choice(same_length or proved) if proved else None


def _numbers_alike(gold: str, number: Number) -> Iterator[str]:
    """Numbers near the gold, of its sign and as many characters, that are proved to be different."""
    step = Fraction(1, _last_place(number))
    for distance in (*range(-_NEAR, 0), *range(1, _NEAR + 1)):
        value = number.value + distance * step
        text = write_number(value, number)
        same_look = len(text) == len(gold) and (value < 0) == (number.value < 0)
        if same_look and proof_of_difference(gold, text):
            yield text


def _last_place(number: Number) -> int:
    """The denominator of the unit in a number's last place: 1 for an integer, 100 for 2.75, 8 for 3/8."""
    if number.style != "decimal":
        return number.value.denominator
    places = 0
    while (number.value * 10**places).denominator != 1:
        places += 1
    return int(10**places)
