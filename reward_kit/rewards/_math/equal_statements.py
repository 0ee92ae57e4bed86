"""Equality of statements: named values, equations, inequalities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from reward_kit.rewards._math.answers import Answer, Bracketed, Equation, Inequality, Listing, Named, Quantity, RealSet
from reward_kit.rewards._math.equal_values import SingleValues
from reward_kit.rewards._math.expression import sub, symbols
from reward_kit.rewards._math.shapes import as_equation, renamed, reordered, states_value


class Statements(SingleValues, ABC):
    """The level of comparisons of what is said about a name or an unknown."""

    @abstractmethod
    def same(self, gold: Answer, given: Answer) -> bool:
        """True where two answers of any kind are shown to be equal: the entrance for the parts of an answer."""

    def in_order(self, gold: Sequence[Answer], given: Sequence[Answer]) -> bool:
        """True where as many items stand on both sides, each equal to the one at its place."""
        return len(gold) == len(given) and all(self.same(a, b) for a, b in zip(gold, given, strict=True))

    def same_named(self, gold: Answer, given: Answer) -> bool:
        """A value with its name; the name alone may be left out."""
        if isinstance(gold, Named) and isinstance(given, Named):
            return self._both_named(gold, given)
        if isinstance(gold, Named):
            if isinstance(given, (Equation, Inequality)):
                return self.same_equation(as_equation(gold), given)
            return self._value_of_name(given, gold, gold_is_named=True)
        assert isinstance(given, Named)
        if isinstance(gold, Equation):
            return self.same_equation(gold, as_equation(given))
        return self._value_of_name(gold, given, gold_is_named=False)

    def _value_of_name(self, plain: Answer, named: Named, *, gold_is_named: bool) -> bool:
        several = len(named.names) > 1
        if isinstance(plain, RealSet) and (several or (plain.variable and plain.variable not in named.names)):
            return False
        if several and isinstance(named.value, Bracketed) and isinstance(plain, Listing):
            return self.in_order(plain.items, named.value.items)
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
        return self.same_equation(left, right) if isinstance(left, Equation) and isinstance(right, Equation) else False

    def same_equation(self, gold: Answer, given: Answer) -> bool:
        """Equations and inequalities with the same solutions, or an equation that states a value and that value."""
        if isinstance(gold, Quantity) and isinstance(given, Equation):
            if symbols(gold.expr):  # x^2 - 1 = (x - 1)(x + 1) gives one expression in two forms
                return self.same_value(gold.expr, given.left) and self.same_value(gold.expr, given.right)
            return states_value(given) and self.same_value(gold.expr, given.right)
        if isinstance(gold, Equation) and isinstance(given, Quantity):
            return states_value(gold) and not symbols(given.expr) and self.same_value(gold.right, given.expr)
        left, right = as_equation(gold), as_equation(given)
        if isinstance(left, Equation) and isinstance(right, Equation):
            return left == right or self._factor(left, right) != 0
        if isinstance(left, Inequality) and isinstance(right, Inequality) and left.strict == right.strict:
            return left == right or self._factor(left, right) > 0
        return False

    def _factor(self, left: Equation | Inequality, right: Equation | Inequality) -> int:
        """The sign of c where one statement is the other times a constant c, else 0."""
        return self.prover.proportional(sub(left.right, left.left), sub(right.right, right.left))
