"""Equality of answers with several parts: lists, sets, tuples, matrices, sets of real numbers."""

from __future__ import annotations

from collections.abc import Sequence

from reward_kit.rewards._math.answers import Answer, Bracketed, Equation, Inequality, Interval, Matrix, RealSet, SetOf
from reward_kit.rewards._math.equal_statements import Statements
from reward_kit.rewards._math.realsets import as_real_set, canonical, is_possible
from reward_kit.rewards._math.shapes import (
    in_name_order,
    is_empty,
    items_of,
    labels_of,
    several_choices,
    vector_of,
    without_common_numbers,
)


class Collections(Statements):
    """The level of comparisons item by item, in order or in any order."""

    def same_collection(self, gold: Answer, given: Answer) -> bool:
        """Lists and sets, in any order where their items have no names."""
        if isinstance(gold, RealSet) or isinstance(given, RealSet):
            return is_empty(gold) and is_empty(given)
        if isinstance(gold, Bracketed) or isinstance(given, Bracketed):
            return self._list_and_tuple(gold, given)
        expected, answered = several_choices(gold, given) or (items_of(gold), items_of(given))
        if not expected or not answered:
            return not expected and not answered and isinstance(gold, SetOf) and isinstance(given, SetOf)
        set_in_answer = len(answered) == 1 and isinstance(answered[0], SetOf)
        if len(expected) == 1 and isinstance(expected[0], SetOf) != set_in_answer:
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
        return self.in_order(left, right)

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
            return self.in_order(gold, given) or self.in_order(in_name_order(gold), in_name_order(given))
        return self._in_any_order(gold, given)

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

    def same_real_set(self, gold: Answer, given: Answer) -> bool:
        """Unions of intervals, in their canonical form where the ends are rational."""
        if isinstance(given, (Inequality, Equation)) or isinstance(gold, (Inequality, Equation)):
            return self.same_equation(gold, given)
        expected, answered = as_real_set(gold), as_real_set(given)
        if expected is None or answered is None or not all(map(is_possible, answered.parts)):
            return False
        if not canonical(expected).parts or not canonical(answered).parts:
            return canonical(expected).parts == canonical(answered).parts
        if expected.variable and answered.variable and expected.variable != answered.variable:
            return False
        return self._same_intervals(canonical(expected).parts, canonical(answered).parts)

    def _same_intervals(self, gold: Sequence[Interval], given: Sequence[Interval]) -> bool:
        left = list(given)
        if len(gold) != len(left):
            return False
        for part in gold:
            match = next((place for place, other in enumerate(left) if self._same_interval(part, other)), None)
            if match is None:
                return False
            del left[match]
        return True

    def _same_interval(self, gold: Interval, given: Interval) -> bool:
        same_kind = (gold.low_open, gold.high_open) == (given.low_open, given.high_open)
        return same_kind and self.same_value(gold.low, given.low) and self.same_value(gold.high, given.high)

    def same_rows(self, gold: Bracketed | Matrix, given: Bracketed | Matrix) -> bool:
        """Matrices row by row; a matrix of one row or one column is a vector."""
        if isinstance(gold, Matrix) and isinstance(given, Matrix):
            same_shape = [len(row) for row in gold.rows] == [len(row) for row in given.rows]
            return same_shape and all(self.in_order(a, b) for a, b in zip(gold.rows, given.rows, strict=True))
        left, right = vector_of(gold), vector_of(given)
        if left is None or right is None:
            return False
        if isinstance(gold, Bracketed) and isinstance(given, Bracketed) and len(left) == 2:
            same_brackets = (gold.opening, gold.closing) == (given.opening, given.closing)
            return same_brackets and self.in_order(left, right)  # [1, 2] and (1, 2) are different intervals
        return self.in_order(left, right)
