"""Compares single values: units first, then the numbers, exactly where possible and by the symbolic layer else."""

from __future__ import annotations

from fractions import Fraction

from reward_kit.rewards._math.answers import Quantity
from reward_kit.rewards._math.exact import rational
from reward_kit.rewards._math.expression import Expr, is_infinite, num, substitute, sym, symbols
from reward_kit.rewards._math.identity import same_rational_function
from reward_kit.rewards._math.policy import Policy
from reward_kit.rewards._math.units import conversion
from reward_kit.rewards._math.worker import Prover

_COUNTERS = frozenset("kmnlj")
_DEGREE = Expr("const", name="degree")


class QuantityComparison:
    """The comparison of two single values under a policy."""

    def __init__(self, policy: Policy, prover: Prover) -> None:
        self.policy = policy
        self.prover = prover

    def same(self, gold: Quantity, given: Quantity) -> bool:
        """True where value and unit agree, as far as the policy wants the unit."""
        if self.policy.units == "ignored" or (gold.unit == given.unit and gold.power == given.power):
            return self.same_value(gold.expr, given.expr)
        if gold.unit and given.unit:
            return self._converted(gold, given)
        if "%" in (gold.unit, given.unit):
            return self._percent(gold, given)
        if "degree" in (gold.unit, given.unit):
            return self._angle(gold, given)
        if self.policy.units == "required" and gold.unit:
            return self._unit_as_letter(gold, given)
        return self.same_value(gold.expr, given.expr) or self._unit_as_letter(gold, given)

    def _converted(self, gold: Quantity, given: Quantity) -> bool:
        if {gold.unit, given.unit} == {"degree", "rad"}:
            left, right = (Expr("mul", (q.expr, _DEGREE)) if q.unit == "degree" else q.expr for q in (gold, given))
            return self.same_value(left, right)
        factor = conversion(given.unit, given.power, gold.unit, gold.power)
        return factor is not None and self.same_value(gold.expr, _times(given.expr, factor))

    def _percent(self, gold: Quantity, given: Quantity) -> bool:
        """25% is 0.25; by the policy "either" a bare 25 is taken for 25% (and the other way) from 1 on."""
        hundredth = Fraction(1, 100)
        left, right = (_times(q.expr, hundredth) if q.unit == "%" else q.expr for q in (gold, given))
        if self.policy.units != "required" and self.same_value(left, right):
            return True
        bare = rational(given.expr if gold.unit else gold.expr)
        usual = bare is None or abs(bare) >= 1
        wanted = self.policy.percent == "either" and usual and not (self.policy.units == "required" and gold.unit)
        return wanted and self.same_value(gold.expr, given.expr)

    def _angle(self, gold: Quantity, given: Quantity) -> bool:
        """60 degrees is also 60 (the unit left out) and pi/3 (the same angle)."""
        radians = not gold.unit and contains_pi(gold.expr)  # 5 pi/6 degrees are no 5 pi/6
        left_out = not radians and not (self.policy.units == "required" and gold.unit)
        if left_out and self.same_value(gold.expr, given.expr):
            return True
        left, right = (Expr("mul", (q.expr, _DEGREE)) if q.unit == "degree" else q.expr for q in (gold, given))
        bare = right if gold.unit else left
        return contains_pi(bare) and self.same_value(left, right)

    def _unit_as_letter(self, gold: Quantity, given: Quantity) -> bool:
        r"""`9.8 m/s^2` without \text reads as 9.8 times m over s squared: it is, where the other side has that unit."""
        united, bare = (gold, given) if gold.unit else (given, gold)
        unit = None if bare.unit or not symbols(bare.expr) else _unit_expression(united.unit, united.power)
        return unit is not None and same_rational_function(Expr("mul", (united.expr, unit)), bare.expr) is True

    def same_value(self, gold: Expr, given: Expr) -> bool:
        """True where two expressions are equal (or within the policy's tolerance)."""
        if gold == given:
            return True
        expected, answered = rational(gold), rational(given)
        if expected is not None and answered is not None:
            return expected == answered or self._tolerated(expected, answered)
        if is_infinite(gold) or is_infinite(given):
            return is_infinite(gold) == is_infinite(given)
        gold, given = _one_constant_name(gold, given)
        given = _one_parameter_name(gold, given)
        if self.prover.identical(gold, given) is True:
            return True
        return self._near(gold, given)

    def _tolerated(self, expected: Fraction, answered: Fraction) -> bool:
        policy = self.policy
        if policy.tolerant:
            allowed = max(Fraction(policy.tolerance) * abs(expected), Fraction(policy.absolute_tolerance))
            if abs(expected - answered) <= allowed:
                return True
        return policy.rounding == "to_gold" and _rounds_to(answered, expected)

    def _near(self, gold: Expr, given: Expr) -> bool:
        if symbols(gold) or symbols(given):
            return False
        policy = self.policy
        if policy.tolerant and self.prover.within(gold, given, policy.tolerance, policy.absolute_tolerance):
            return True
        expected = rational(gold)
        if policy.rounding != "to_gold" or expected is None or decimal_places(expected) is None:
            return False
        return self.prover.within(gold, given, 0.0, 0.5 * 10.0 ** -(decimal_places(expected) or 0))


def _unit_expression(unit: str, power: int) -> Expr | None:
    """A unit of short names as a product of their letters: "m per s^2" is m / s^2."""
    result, below = num(1), False
    for word in unit.split():
        if word == "per":
            below = True
            continue
        name, _, exponent = word.partition("^")
        if len(name) > 2 or not name.isalpha():
            return None
        letters = Expr("mul", tuple(sym(letter) for letter in name)) if len(name) > 1 else sym(name)
        factor = Expr("pow", (letters, num(int(exponent or power))))
        result, below = Expr("div" if below else "mul", (result, factor)), False
    return result


def contains_pi(expr: Expr) -> bool:
    """True where pi occurs: the sign that an angle is in radians."""
    return (expr.op == "const" and expr.name == "pi") or any(contains_pi(operand) for operand in expr.args)


def _times(expr: Expr, factor: Fraction) -> Expr:
    return expr if factor == 1 else Expr("mul", (num(factor), expr))


def _one_constant_name(gold: Expr, given: Expr) -> tuple[Expr, Expr]:
    """A constant of integration may be called C or c: both sides end in "+ C"."""
    for capital, small in ((gold, given), (given, gold)):
        if _adds(capital, "C") and _adds(small, "c") and "c" not in symbols(capital) and "C" not in symbols(small):
            renamed = substitute(small, {"c": "C"})
            return (gold, renamed) if small is given else (renamed, given)
    return gold, given


def _one_parameter_name(gold: Expr, given: Expr) -> Expr:
    """A family of solutions (k pi) may count with another whole number letter (n pi)."""
    own, other = symbols(given) - symbols(gold), symbols(gold) - symbols(given)
    if len(own) == len(other) == 1 and own | other <= _COUNTERS and contains_pi(gold) and contains_pi(given):
        return substitute(given, {min(own): min(other)})
    return given


def _adds(expr: Expr, name: str) -> bool:
    return expr.op == "add" and any(term.op == "sym" and term.name == name for term in expr.args)


def decimal_places(value: Fraction) -> int | None:
    """Decimal places of a terminating decimal."""
    denominator, places = value.denominator, 0
    while denominator > 1 and places < 60:
        if 10 % denominator and denominator % 2 and denominator % 5:
            return None
        denominator = (value * 10 ** (places + 1)).denominator
        places += 1
    return places


def _rounds_to(exact: Fraction, decimal: Fraction) -> bool:
    places = decimal_places(decimal)
    return places is not None and abs(exact - decimal) * 2 * 10**places <= 1
