"""Decides whether a response's answer is the gold answer: form, exact value, structure, and last the
symbolic layer.

The gold says what is asked: the comparison is written from its side. Nothing is equal that is not shown to
be.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

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
from reward_kit.rewards._math.exact import rational
from reward_kit.rewards._math.expression import Expr, num, sub, symbols
from reward_kit.rewards._math.policy import Policy
from reward_kit.rewards._math.quantities import QuantityComparison, decimal_places
from reward_kit.rewards._math.reading import Reading
from reward_kit.rewards._math.realsets import as_real_set, canonical, is_possible
from reward_kit.rewards._math.shapes import (
    as_equation,
    choice_letter,
    in_name_order,
    is_empty,
    items_of,
    labels_of,
    padded,
    renamed,
    reordered,
    several_choices,
    spelled,
    states_value,
    vector_of,
    without_common_numbers,
)
from reward_kit.rewards._math.worker import Prover

_DEEPEST = 12
_MOST_PAIRS = 3_000


class Comparison:
    """One comparison of a response with a gold under a policy."""

    def __init__(self, policy: Policy, prover: Prover) -> None:
        self.quantities = QuantityComparison(policy, prover)
        self.prover = prover
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
            return self.same(gold, given.exact) and self._rounds(given.exact, given.decimal)
        if isinstance(gold, Approximation):
            return self.same(gold.exact, given)
        if isinstance(gold, Choice) or isinstance(given, Choice):
            return self._same_choice(gold, given)
        if isinstance(gold, Named) or isinstance(given, Named):
            return self._same_named(gold, given)
        if isinstance(gold, Words) or isinstance(given, Words):
            return spelled(gold) == spelled(given) != ""
        if isinstance(gold, Quantity) and isinstance(given, Quantity):
            letter = choice_letter(gold)
            if letter:
                return choice_letter(given) == letter
            return self.quantities.same(gold, given)
        if isinstance(gold, (Listing, SetOf)) or isinstance(given, (Listing, SetOf)):
            return self._same_collection(gold, given)
        return self._same_structure(gold, given)

    def _same_structure(self, gold: Answer, given: Answer) -> bool:
        if isinstance(gold, RealSet) or isinstance(given, RealSet):
            return self._same_real_set(gold, given)
        if isinstance(gold, (Bracketed, Matrix)) and isinstance(given, (Bracketed, Matrix)):
            return self._same_rows(gold, given)
        if isinstance(gold, (Equation, Inequality)) or isinstance(given, (Equation, Inequality)):
            return self._same_equation(gold, given)
        if isinstance(gold, Based) or isinstance(given, Based):
            return self._same_numeral(gold, given)
        if isinstance(gold, Colon) or isinstance(given, Colon):
            return self._same_colon(gold, given)
        if isinstance(gold, Congruence) and isinstance(given, Congruence):
            return self._same_congruence(gold, given)
        return gold == given

    def _number(self, left: Expr, right: Expr) -> bool:
        return self.quantities.same_value(left, right)

    def _rounds(self, exact: Answer, decimal: Answer) -> bool:
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

    # ------------------------------------------------------------------------------------ choices, names
    def _same_choice(self, gold: Answer, given: Answer) -> bool:
        if isinstance(gold, Choice) and isinstance(given, Choice):
            return gold.letter == given.letter and self.same(gold.rest, given.rest)
        if isinstance(gold, Choice):
            return choice_letter(given) == gold.letter or self.same(gold.rest, given)
        assert isinstance(given, Choice)
        letter = choice_letter(gold)
        return given.letter == letter if letter else self.same(gold, given.rest)

    def _same_named(self, gold: Answer, given: Answer) -> bool:
        if isinstance(gold, Named) and isinstance(given, Named):
            return self._both_named(gold, given)
        if isinstance(gold, Named):
            if isinstance(given, (Equation, Inequality)):
                return self._same_equation(as_equation(gold), given)
            return self._value_of_name(given, gold, gold_is_named=True)
        assert isinstance(given, Named)
        if isinstance(gold, Equation):
            return self._same_equation(gold, as_equation(given))
        return self._value_of_name(gold, given, gold_is_named=False)

    def _value_of_name(self, plain: Answer, named: Named, *, gold_is_named: bool) -> bool:
        if isinstance(plain, RealSet) and (
            len(named.names) > 1 or (plain.variable and plain.variable not in named.names)
        ):
            return False
        if len(named.names) > 1 and isinstance(named.value, Bracketed) and isinstance(plain, Listing):
            return self._in_order(plain.items, named.value.items)
        return self.same(named.value, plain) if gold_is_named else self.same(plain, named.value)

    def _both_named(self, gold: Named, given: Named) -> bool:
        if set(gold.names) == set(given.names) and len(gold.names) == len(given.names):
            value = reordered(given, gold.names)
            if len(gold.bound) == len(given.bound) and gold.bound != given.bound:
                value = renamed(value, dict(zip(given.bound, gold.bound, strict=True)))
            return self.same(gold.value, value)
        function_and_graph = {gold.names, given.names} == {("y",), ("f",)} and bool(gold.bound or given.bound)
        if function_and_graph:
            return self.same(gold.value, given.value)
        left, right = as_equation(gold), as_equation(given)
        return self._same_equation(left, right) if isinstance(left, Equation) and isinstance(right, Equation) else False

    # --------------------------------------------------------------------------------------- collections
    def _same_collection(self, gold: Answer, given: Answer) -> bool:
        if isinstance(gold, RealSet) or isinstance(given, RealSet):
            return is_empty(gold) and is_empty(given)
        if isinstance(gold, Bracketed) or isinstance(given, Bracketed):
            return self._list_and_tuple(gold, given)
        expected, answered = several_choices(gold, given) or (items_of(gold), items_of(given))
        if not expected or not answered:
            return not expected and not answered and isinstance(gold, SetOf) and isinstance(given, SetOf)
        if len(expected) == 1 and isinstance(expected[0], SetOf) != (
            len(answered) == 1 and isinstance(answered[0], SetOf)
        ):
            return False  # the set that holds the empty set is not empty
        return self._same_items(expected, answered)

    def _list_and_tuple(self, gold: Answer, given: Answer) -> bool:
        """A list equals a tuple only item by item, and only where the tuple can be no interval."""
        expected, answered = items_of(gold), items_of(given)
        if len(expected) == len(answered) == 1:
            return self._same_items(expected, answered)
        named = labels_of(expected) or labels_of(answered)
        left = gold.items if isinstance(gold, Bracketed) else in_name_order(expected)
        right = given.items if isinstance(given, Bracketed) else in_name_order(answered)
        if isinstance(gold, SetOf) or isinstance(given, SetOf) or (len(left) == 2 and not named):
            return False
        return self._in_order(left, right)

    def _same_items(self, gold: Sequence[Answer], given: Sequence[Answer]) -> bool:
        if len(gold) != len(given):
            return False
        names, answered_names = labels_of(gold), labels_of(given)
        if names and answered_names:
            if sorted(names) != sorted(answered_names):
                return False
            by_name = dict(zip(answered_names, given, strict=True))
            return all(self.same(item, by_name[name]) for name, item in zip(names, gold, strict=True))
        if names or answered_names:
            return self._in_order(gold, given) or self._in_order(in_name_order(gold), in_name_order(given))
        return self._in_any_order(gold, given)

    def _in_order(self, gold: Sequence[Answer], given: Sequence[Answer]) -> bool:
        return len(gold) == len(given) and all(self.same(a, b) for a, b in zip(gold, given, strict=True))

    def _in_any_order(self, gold: Sequence[Answer], given: Sequence[Answer]) -> bool:
        """Match items one to one. Equality is transitive here, so that the first match is as good as any."""
        left = list(given)
        gold = without_common_numbers(gold, left)
        for item in gold:
            match = next((place for place, other in enumerate(left) if item == other), None)
            if match is None:
                match = next((place for place, other in enumerate(left) if self.same(item, other)), None)
            if match is None:
                return False
            del left[match]
        return True

    # ----------------------------------------------------------------------------- sets of reals, rows
    def _same_real_set(self, gold: Answer, given: Answer) -> bool:
        if isinstance(given, (Inequality, Equation)) or isinstance(gold, (Inequality, Equation)):
            return self._same_equation(gold, given)
        expected, answered = as_real_set(gold), as_real_set(given)
        if expected is None or answered is None or not all(map(is_possible, answered.parts)):
            return False
        if not canonical(expected).parts or not canonical(answered).parts:
            return canonical(expected).parts == canonical(answered).parts
        if expected.variable and answered.variable and expected.variable != answered.variable:
            return False
        left, right = list(canonical(expected).parts), list(canonical(answered).parts)
        if len(left) != len(right):
            return False
        for part in left:
            flags = (part.low_open, part.high_open)
            match = next(
                (
                    place
                    for place, other in enumerate(right)
                    if flags == (other.low_open, other.high_open)
                    and self._number(part.low, other.low)
                    and self._number(part.high, other.high)
                ),
                None,
            )
            if match is None:
                return False
            del right[match]
        return True

    def _same_rows(self, gold: Bracketed | Matrix, given: Bracketed | Matrix) -> bool:
        if isinstance(gold, Matrix) and isinstance(given, Matrix):
            same_shape = [len(row) for row in gold.rows] == [len(row) for row in given.rows]
            return same_shape and all(self._in_order(a, b) for a, b in zip(gold.rows, given.rows, strict=True))
        left, right = vector_of(gold), vector_of(given)
        if left is None or right is None:
            return False
        both_tuples = isinstance(gold, Bracketed) and isinstance(given, Bracketed)
        if both_tuples and len(left) == 2 and (gold.opening, gold.closing) != (given.opening, given.closing):  # type: ignore[union-attr]
            return False  # [1, 2] and (1, 2) are different intervals
        return self._in_order(left, right)

    # ---------------------------------------------------------------------------- equations and the rest
    def _same_equation(self, gold: Answer, given: Answer) -> bool:
        if isinstance(gold, Quantity) and isinstance(given, Equation):
            if symbols(gold.expr):  # x^2 - 1 = (x - 1)(x + 1) gives one expression in two forms
                return self._number(gold.expr, given.left) and self._number(gold.expr, given.right)
            return states_value(given) and self._number(gold.expr, given.right)
        if isinstance(gold, Equation) and isinstance(given, Quantity):
            return states_value(gold) and not symbols(given.expr) and self._number(gold.right, given.expr)
        left, right = as_equation(gold), as_equation(given)
        if isinstance(left, Equation) and isinstance(right, Equation):
            if left == right:
                return True
            return self.prover.proportional(sub(left.right, left.left), sub(right.right, right.left)) != 0
        if isinstance(left, Inequality) and isinstance(right, Inequality) and left.strict == right.strict:
            if left == right:
                return True
            return self.prover.proportional(sub(left.right, left.left), sub(right.right, right.left)) > 0
        return False

    def _same_numeral(self, gold: Answer, given: Answer) -> bool:
        """The base is part of the answer; only a response that leaves it out is read in the gold's base."""
        if isinstance(gold, Based) and isinstance(given, Based):
            return gold == given
        if isinstance(gold, Based) and isinstance(given, Quantity):
            return given.expr.op == "num" and not given.unit and str(given.expr.number) == gold.digits
        if isinstance(gold, Quantity) and isinstance(given, Based) and not gold.unit:
            return self._number(gold.expr, num(int(given.digits, given.base)))
        return False

    def _same_colon(self, gold: Answer, given: Answer) -> bool:
        if isinstance(gold, Colon) and isinstance(given, Colon):
            if gold.half and given.half and gold.half != given.half:
                return False
            left, right = padded(gold, given), padded(given, gold)
            if len(left) != len(right):
                return False
            if all(self._number(a, b) for a, b in zip(left, right, strict=True)):
                return gold.is_clock == given.is_clock or bool(gold.half or given.half)
            return not (gold.half or given.half or gold.is_clock) and self._in_proportion(left, right)
        if (
            isinstance(gold, Colon)
            and isinstance(given, Quantity)
            and len(gold.parts) == 2
            and not gold.half
            and not gold.is_clock
        ):
            return self._number(Expr("div", gold.parts), given.expr)
        if isinstance(gold, Quantity) and isinstance(given, Colon) and len(given.parts) == 2 and not given.half:
            value = rational(gold.expr)  # 3/4 and 3:4, but never 42 and 42:1
            return (
                value is not None
                and value.denominator > 1
                and rational(Expr("div", given.parts)) == value
                and gold.expr.op == "div"
            )
        return False

    def _in_proportion(self, left: Sequence[Expr], right: Sequence[Expr]) -> bool:
        return all(
            self._number(Expr("mul", (left[0], b)), Expr("mul", (right[0], a)))
            for a, b in zip(left[1:], right[1:], strict=True)
        )

    def _same_congruence(self, gold: Congruence, given: Congruence) -> bool:
        if abs(gold.modulus) != abs(given.modulus) or gold.left != given.left:
            return False
        difference = rational(sub(gold.right, given.right))
        return difference is not None and difference % gold.modulus == 0
