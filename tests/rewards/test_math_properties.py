"""Properties of equality: reflexive, symmetric, stable under the spellings of docs/math.md, never true for unequals."""

# Tables and expressions read better in one line; the signs themselves are meant.

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reward_kit.models import Outcome
from reward_kit.rewards import math as math_module
from reward_kit.rewards.math import answers_equal

grade = getattr(math_module.math_reward, "__wrapped__", math_module.math_reward)
fast = settings(max_examples=120, deadline=None)

fractions = st.fractions(min_value=-10_000, max_value=10_000, max_denominator=400)
wholes = st.integers(min_value=-(10**12), max_value=10**12)
coefficients = st.lists(st.integers(min_value=-9, max_value=9), min_size=2, max_size=5).filter(lambda c: c[-1] != 0)


# ------------------------------------------------------------------------------------------------- spellings
def _sign(value: Fraction) -> str:
    return "-" if value < 0 else ""


def spellings(value: Fraction) -> list[str]:
    """Ways to write one rational number that docs/math.md promises to read."""
    above, below, sign = abs(value.numerator), value.denominator, _sign(value)
    forms = [
        f"{sign}\\frac{{{above}}}{{{below}}}",
        f"\\dfrac{{{value.numerator}}}{{{below}}}",
        f"{value.numerator}/{below}",
        f"{sign}\\left(\\frac{{{2 * above}}}{{{2 * below}}}\\right)",
        f"{{{sign}\\frac{{{3 * above}}}{{{3 * below}}}}}",
        f"{sign} \\tfrac{{{above}}}{{{below}}}.",
    ]
    whole, rest = divmod(above, below)
    if whole and rest:
        forms += [f"{sign}{whole}\\frac{{{rest}}}{{{below}}}", f"{sign}{whole} {rest}/{below}"]
    if below == 1:
        forms += whole_spellings(int(value))
    decimal = _decimal(value)
    if decimal:
        forms += [decimal, decimal + "0" if "." in decimal else decimal + ".0", decimal.replace("-", "−")]
    return forms


def whole_spellings(value: int) -> list[str]:
    """Ways to write one whole number."""
    grouped = f"{value:,}"
    forms = [
        str(value),
        f"{value}.0",
        f"\\text{{{value}}}",
        f"\\mathbf{{{value}}}",
        f"{value}\\!",
        f"x = {value}",
    ]
    forms += [grouped, grouped.replace(",", "{,}"), grouped.replace(",", "\\,"), grouped.replace(",", ",\\!")]
    if value and value % 1000 == 0:
        forms += [f"{value // 1000}\\times 10^3", f"{value // 1000}e3", f"{value // 1000} \\cdot 10^{{3}}"]
    return forms


def _decimal(value: Fraction) -> str:
    for places in range(8):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
            return _sign(value) + (digits if not places else f"{digits[:-places]}.{digits[-places:]}")
    return ""


def polynomial(values: list[int], order: list[int] | None = None, name: str = "x") -> str:
    """A polynomial from its coefficients, lowest first, terms in any order."""
    terms = [(k, values[k]) for k in (order or range(len(values))) if values[k]]
    text = "".join(f"{'+' if c > 0 else '-'}{_term(abs(c), k, name)}" for k, c in terms)
    return text.removeprefix("+") or "0"


def _term(size: int, power: int, name: str) -> str:
    if power == 0:
        return str(size)
    letter = name if power == 1 else f"{name}^{{{power}}}"
    return letter if size == 1 else f"{size}{letter}"


# ------------------------------------------------------------------------------------------------ properties
@fast
@given(fractions, st.data())
def test_every_spelling_of_a_number_is_that_number(value: Fraction, data: st.DataObject):
    gold, answer = data.draw(st.sampled_from(spellings(value))), data.draw(st.sampled_from(spellings(value)))
    assert answers_equal(gold, answer), (gold, answer)
    assert answers_equal(answer, gold), (answer, gold)


@fast
@given(wholes, st.data())
def test_every_spelling_of_a_whole_number_is_that_number(value: int, data: st.DataObject):
    gold, answer = (
        data.draw(st.sampled_from(whole_spellings(value))),
        data.draw(st.sampled_from(whole_spellings(value))),
    )
    assert answers_equal(gold, answer), (gold, answer)


@fast
@given(fractions, fractions, st.data())
def test_different_numbers_are_never_equal_however_spelled(a: Fraction, b: Fraction, data: st.DataObject):
    assume(a != b)
    gold, answer = data.draw(st.sampled_from(spellings(a))), data.draw(st.sampled_from(spellings(b)))
    assert not answers_equal(gold, answer), (gold, answer)


@fast
@given(wholes, st.integers(min_value=1, max_value=9), st.integers(min_value=0, max_value=11))
def test_one_changed_digit_is_seen(value: int, change: int, place: int):
    other = value + change * 10**place
    assert not answers_equal(f"{value:,}", str(other))
    assert not answers_equal(str(value), f"{other:,}")


@fast
@given(coefficients, st.randoms(use_true_random=False))
def test_a_polynomial_equals_itself_in_any_order_and_in_horner_form(values: list[int], random: object):
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    horner = "0"
    for coefficient in reversed(values):
        horner = f"({horner})x{coefficient:+d}"
    for answer in (polynomial(values, order), horner):
        assert answers_equal(polynomial(values), answer), answer
        assert answers_equal(answer, polynomial(values)), answer


@fast
@given(coefficients, coefficients)
def test_different_polynomials_are_never_equal(a: list[int], b: list[int]):
    assume(a != b)
    assert not answers_equal(polynomial(a), polynomial(b))
    assert not answers_equal(f"y={polynomial(a)}", f"y={polynomial(b)}")


@fast
@given(fractions, st.integers(min_value=1, max_value=200), fractions, st.integers(min_value=1, max_value=200))
def test_closed_forms_are_equal_exactly_where_their_squares_say_so(a: Fraction, m: int, b: Fraction, n: int):
    assume(a != 0 and b != 0)
    equal = a * a * m == b * b * n and (a > 0) == (b > 0)
    gold, answer = (f"\\frac{{{q.numerator}}}{{{q.denominator}}}\\sqrt{{{k}}}" for q, k in ((a, m), (b, n)))
    assert answers_equal(gold, answer) is equal, (gold, answer)


@fast
@given(st.lists(fractions, min_size=2, max_size=5, unique=True), st.data())
def test_lists_have_no_order_and_tuples_have_one(values: list[Fraction], data: st.DataObject):
    shuffled = data.draw(st.permutations(values))
    pick = data.draw(st.randoms(use_true_random=False))
    gold = ", ".join(f"\\frac{{{v.numerator}}}{{{v.denominator}}}" for v in values)
    answer = ", ".join(pick.choice(spellings(v)[:5]) for v in shuffled)
    assert answers_equal(f"\\{{{gold}\\}}", answer)
    assert answers_equal(gold, f"\\{{{answer}\\}}")
    assert answers_equal(f"({gold})", f"({answer})") is (shuffled == values)


@fast
@given(fractions, fractions, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_intervals_are_equal_where_ends_and_brackets_are(a: Fraction, b: Fraction, w: bool, x: bool, y: bool, z: bool):
    assume(a < b)
    gold = f"{'[' if w else '('}{a},{b}{']' if x else ')'}"
    answer = f"{a} {'<=' if y else '<'} t {chr(92)}{'le' if z else 'lt'} {b}"
    assert answers_equal(gold, answer) is ((w, x) == (y, z)), (gold, answer)


@fast
@given(fractions)
def test_a_hedge_is_never_paid(value: Fraction):
    gold = f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    other = f"\\frac{{{value.numerator + value.denominator}}}{{{value.denominator}}}"
    for response in (
        f"\\boxed{{{gold}}} or \\boxed{{{other}}}",
        f"\\boxed{{{other}}} or \\boxed{{{gold}}}",
        f"\\boxed{{{gold} \\text{{ or }} {other}}}",
        f"${other}$ or $\\boxed{{{gold}}}$",
        f"$\\boxed{{{gold}}}$ or ${other}$",
        f"\\boxed{{{gold}}}, \\boxed{{{other}}}",
    ):
        result = grade([{"role": "assistant", "content": response}], ground_truth=gold)
        assert result.outcome is Outcome.AMBIGUOUS, (response, result.reason)


@fast
@given(fractions, st.sampled_from(["cm", "kg", "hours", "apples", "dollars"]), st.data())
def test_a_unit_may_be_left_out_but_not_exchanged(value: Fraction, unit: str, data: st.DataObject):
    other = data.draw(st.sampled_from(["cm", "kg", "hours", "pears", "euros"]).filter(lambda word: word != unit))
    gold = f"{value.numerator}/{value.denominator} \\text{{ {unit}}}"
    bare = f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    assert answers_equal(gold, bare)
    assert answers_equal(bare, gold)
    assert not answers_equal(gold, f"{bare}\\text{{ {other}}}")
