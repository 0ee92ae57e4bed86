"""Equality of single values: numerals in a base, ratios and times of day, congruences, rounded decimals."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from reward_kit.rewards._math.answers import Answer, Based, Colon, Congruence, Quantity
from reward_kit.rewards._math.exact import rational
from reward_kit.rewards._math.expression import Expr, num, sub, symbols
from reward_kit.rewards._math.policy import Policy
from reward_kit.rewards._math.quantities import QuantityComparison, decimal_places
from reward_kit.rewards._math.shapes import padded
from reward_kit.rewards._math.worker import Prover


class SingleValues:
    """The level of comparisons that look at one value on each side."""

    def __init__(self, policy: Policy, prover: Prover) -> None:
        self.quantities = QuantityComparison(policy, prover)
        self.prover = prover

    def same_value(self, left: Expr, right: Expr) -> bool:
        """True where two expressions are shown to have the same value."""
        return self.quantities.same_value(left, right)

    def rounds(self, exact: Answer, decimal: Answer) -> bool:
        """True where the decimal behind an approximation sign is the exact value, rounded or cut."""
        if not isinstance(exact, Quantity) or not isinstance(decimal, Quantity):
            return False
        value = rational(decimal.expr)
        places = None if value is None else decimal_places(value)
        if value is None or places is None or symbols(exact.expr):
            return False
        half = Fraction(1, 2 * 10**places)
        middle = num(value + (half if value >= 0 else -half))  # cut digits lie half a unit further on
        return any(self.prover.within(exact.expr, around, 0.0, float(half)) for around in (num(value), middle))

    def same_numeral(self, gold: Answer, given: Answer) -> bool:
        """The base is part of the answer; only a response that leaves it out is read in the gold's base."""
        if isinstance(gold, Based) and isinstance(given, Based):
            return gold == given
        if isinstance(gold, Based) and isinstance(given, Quantity):
            return given.expr.op == "num" and not given.unit and str(given.expr.number) == gold.digits
        if isinstance(gold, Quantity) and isinstance(given, Based) and not gold.unit:
            return self.same_value(gold.expr, num(int(given.digits, given.base)))
        return False

    def same_colon(self, gold: Answer, given: Answer) -> bool:
        """Ratios and times of day; a ratio of two is also its quotient (3:4 and 3/4)."""
        if isinstance(gold, Colon) and isinstance(given, Colon):
            return self._both_colons(gold, given)
        if isinstance(gold, Colon) and isinstance(given, Quantity):
            is_ratio = len(gold.parts) == 2 and not gold.half and not gold.is_clock
            return is_ratio and self.same_value(Expr("div", gold.parts), given.expr)
        if isinstance(gold, Quantity) and isinstance(given, Colon) and len(given.parts) == 2 and not given.half:
            value = rational(gold.expr)  # 3/4 and 3:4, but never 42 and 42:1
            if value is None or value.denominator == 1 or gold.expr.op != "div":
                return False
            return rational(Expr("div", given.parts)) == value
        return False

    def _both_colons(self, gold: Colon, given: Colon) -> bool:
        if gold.half and given.half and gold.half != given.half:
            return False
        left, right = padded(gold, given), padded(given, gold)
        if len(left) != len(right):
            return False
        if all(self.same_value(a, b) for a, b in zip(left, right, strict=True)):
            return gold.is_clock == given.is_clock or bool(gold.half or given.half)
        return not (gold.half or given.half or gold.is_clock) and self._in_proportion(left, right)

    def _in_proportion(self, left: Sequence[Expr], right: Sequence[Expr]) -> bool:
        return all(
            self.same_value(Expr("mul", (left[0], b)), Expr("mul", (right[0], a)))
            for a, b in zip(left[1:], right[1:], strict=True)
        )

    def same_congruence(self, gold: Congruence, given: Congruence) -> bool:
        """The same left side modulo the same number, with right sides that differ by a multiple of it."""
        if abs(gold.modulus) != abs(given.modulus) or gold.left != given.left:
            return False
        difference = rational(sub(gold.right, given.right))
        return difference is not None and difference % gold.modulus == 0
