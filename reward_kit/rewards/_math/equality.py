"""Decides whether a response's answer is the gold answer: form, exact value, structure, and last the symbolic layer.

The gold says what is asked: the comparison is written from its side. Nothing is equal that is not shown to be. The
rules for each kind of answer stand in equal_values.py, equal_statements.py and equal_collections.py.
"""

from __future__ import annotations

from reward_kit.rewards._math.answers import (
    Answer,
    Approximation,
    Based,
    Bracketed,
    Chain,
    Choice,
    Colon,
    Congruence,
    Equation,
    Inequality,
    Listing,
    Matrix,
    Named,
    Quantity,
    RealSet,
    SetOf,
    Words,
)
from reward_kit.rewards._math.equal_collections import Collections
from reward_kit.rewards._math.policy import Policy
from reward_kit.rewards._math.reading import Reading
from reward_kit.rewards._math.shapes import choice_letter, spelled
from reward_kit.rewards._math.worker import Prover

_DEEPEST = 12
_MOST_PAIRS = 3_000


class Comparison(Collections):
    """One comparison of a response with a gold under a policy."""

    def __init__(self, policy: Policy, prover: Prover) -> None:
        super().__init__(policy, prover)
        self._depth = 0
        self._pairs = 0

    def equal(self, gold: Reading, given: Reading) -> bool:
        """True where the response's answer is shown to be the gold answer."""
        wordy = isinstance(gold.answer, Words) or isinstance(given.answer, Words)
        if wordy and gold.key and gold.key == given.key:
            return True
        return self.same(gold.answer, given.answer)

    def same(self, gold: Answer, given: Answer) -> bool:
        """The same for parts of answers."""
        self._depth += 1
        self._pairs += 1
        try:
            if self._depth > _DEEPEST or self._pairs > _MOST_PAIRS:
                return False
            return self._same(gold, given)
        finally:
            self._depth -= 1

    def _same(self, gold: Answer, given: Answer) -> bool:
        if isinstance(given, Chain):
            return all(self.same(gold, part) for part in given.parts)
        if isinstance(gold, Chain):
            return self.same(gold.parts[-1], given)
        if isinstance(given, Approximation):
            return self.same(gold, given.exact) and self.rounds(given.exact, given.decimal)
        if isinstance(gold, Approximation):
            return self.same(gold.exact, given)
        if isinstance(gold, Choice) or isinstance(given, Choice):
            return self._same_choice(gold, given)
        if isinstance(gold, Named) or isinstance(given, Named):
            return self.same_named(gold, given)
        if isinstance(gold, Words) or isinstance(given, Words):
            return spelled(gold) == spelled(given) != ""
        if isinstance(gold, Quantity) and isinstance(given, Quantity):
            letter = choice_letter(gold)
            if letter:
                return choice_letter(given) == letter
            return self.quantities.same(gold, given)
        if isinstance(gold, (Listing, SetOf)) or isinstance(given, (Listing, SetOf)):
            return self.same_collection(gold, given)
        return self._same_structure(gold, given)

    def _same_structure(self, gold: Answer, given: Answer) -> bool:
        if isinstance(gold, RealSet) or isinstance(given, RealSet):
            return self.same_real_set(gold, given)
        if isinstance(gold, (Bracketed, Matrix)) and isinstance(given, (Bracketed, Matrix)):
            return self.same_rows(gold, given)
        if isinstance(gold, (Equation, Inequality)) or isinstance(given, (Equation, Inequality)):
            return self.same_equation(gold, given)
        if isinstance(gold, Based) or isinstance(given, Based):
            return self.same_numeral(gold, given)
        if isinstance(gold, Colon) or isinstance(given, Colon):
            return self.same_colon(gold, given)
        if isinstance(gold, Congruence) and isinstance(given, Congruence):
            return self.same_congruence(gold, given)
        return gold == given

    def _same_choice(self, gold: Answer, given: Answer) -> bool:
        if isinstance(gold, Choice) and isinstance(given, Choice):
            return gold.letter == given.letter and self.same(gold.rest, given.rest)
        if isinstance(gold, Choice):
            return choice_letter(given) == gold.letter or self.same(gold.rest, given)
        assert isinstance(given, Choice)
        letter = choice_letter(gold)
        return given.letter == letter if letter else self.same(gold, given.rest)
