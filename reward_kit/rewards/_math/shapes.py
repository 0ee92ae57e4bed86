"""Looks at answers: what they hold, what their names are, the same answer in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from reward_kit.rewards._math.answers import (
    CHOICE_LETTERS,
    Answer,
    Bracketed,
    Choice,
    Colon,
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
from reward_kit.rewards._math.expression import Expr, contains, num, substitute, sym, symbols
from reward_kit.rewards._math.realsets import canonical

_STATED_FUNCTIONS = frozenset(("sin", "cos", "tan", "cot", "sec", "csc", "ln", "log", "abs", "root"))


def without_common_numbers(gold: Sequence[Answer], given: list[Answer]) -> Sequence[Answer]:
    """The gold's items, and `given` changed in place, without the plain numbers that both hold.

    Long lists of numbers compare in linear time that way.
    """
    places: dict[Fraction, list[int]] = {}
    for place, item in enumerate(given):
        value = _plain_value(item)
        if value is not None:
            places.setdefault(value, []).append(place)
    left: list[Answer] = []
    taken: set[int] = set()
    for item in gold:
        value = _plain_value(item)
        if value is not None and places.get(value):
            taken.add(places[value].pop())
        else:
            left.append(item)
    given[:] = [item for place, item in enumerate(given) if place not in taken]
    return left


def _plain_value(item: Answer) -> Fraction | None:
    return rational(item.expr) if isinstance(item, Quantity) and not item.unit else None


def choice_letter(answer: Answer) -> str:
    """The letter of a multiple-choice answer, else an empty text."""
    if isinstance(answer, Quantity) and answer.expr.op == "sym" and not answer.unit:
        letter = answer.expr.name.upper()
        return letter if letter in CHOICE_LETTERS else ""
    return answer.letter if isinstance(answer, Choice) else ""


def spelled(answer: Answer) -> str:
    """Words as their key; a product of letters may be a short word that was read as mathematics (odd, Al)."""
    if isinstance(answer, Words):
        return answer.key
    return letters_of(answer.expr).lower() if isinstance(answer, Quantity) and not answer.unit else ""


def letters_of(expr: Expr) -> str:
    """The letters of a product of nothing but letters, else an empty text."""
    if expr.op == "sym":
        return expr.name
    parts = [letters_of(operand) for operand in expr.args] if expr.op == "mul" else []
    return "".join(parts) if all(parts) else ""


def items_of(answer: Answer) -> tuple[Answer, ...]:
    """The items of a list, the elements of a set, or the answer itself as the only one."""
    if isinstance(answer, SetOf):
        return tuple(dict.fromkeys(answer.items))
    return answer.items if isinstance(answer, Listing) else (answer,)


def several_choices(gold: Answer, given: Answer) -> tuple[tuple[Answer, ...], tuple[Answer, ...]] | None:
    """Both as choice letters where one side writes them without commas: ACD for A, C, D."""
    if isinstance(gold, Quantity) == isinstance(given, Quantity):
        return None
    sides = [
        tuple(Quantity(sym(letter)) for letter in letters_of(side.expr))
        if isinstance(side, Quantity)
        else items_of(side)
        for side in (gold, given)
    ]
    letters = [[choice_letter(item) for item in side] for side in sides]
    # DAC is a word; D, A, C are three letters in any order.
    ordered = all(
        len(side) > 1 and all(side) and (sorted(set(side)) == side or not isinstance(written, Quantity))
        for side, written in zip(letters, (gold, given), strict=True)
    )
    return (sides[0], sides[1]) if ordered else None


def labels_of(items: Sequence[Answer]) -> list[str]:
    """The names of labelled items where every one has its own; x_1, x_2 name solutions of one unknown."""
    names = [item.names[0] for item in items if isinstance(item, Named) and len(item.names) == 1]
    if len(names) < 2 or len(names) != len(items) or len(set(names)) != len(names):
        return []
    stems = {name.partition("_")[0] for name in names}
    return [] if len(stems) == 1 and all("_" in name for name in names) else names


def in_name_order(items: Sequence[Answer]) -> Sequence[Answer]:
    """Items named by one letter each in alphabetical order; any others as they are."""
    if not all(isinstance(item, Named) and len(item.names[0]) == 1 for item in items):
        return items
    return sorted(items, key=lambda item: item.names[0] if isinstance(item, Named) else "")


def reordered(named: Named, names: tuple[str, ...]) -> Answer:
    """(y, x) = (2, 1) as (x, y) = (1, 2)."""
    if len(names) == 1 or named.names == names or not isinstance(named.value, Bracketed):
        return named.value
    if len(named.value.items) != len(names):
        return named.value
    by_name = dict(zip(named.names, named.value.items, strict=True))
    return Bracketed(named.value.opening, tuple(by_name[name] for name in names), named.value.closing)


def renamed(answer: Answer, names: dict[str, str]) -> Answer:
    """An expression with its variables renamed; any other answer as it is."""
    if isinstance(answer, Quantity):
        return Quantity(substitute(answer.expr, names), answer.unit, answer.power)
    return answer


def as_equation(answer: Answer) -> Answer:
    """A named value as an equation, a one-sided set of one variable as an inequality."""
    if isinstance(answer, Named) and len(answer.names) == 1 and not answer.bound:
        value = answer.value
        return Equation(sym(answer.names[0]), value.expr) if isinstance(value, Quantity) and not value.unit else answer
    if isinstance(answer, RealSet) and len(answer.parts) == 1 and answer.variable:
        part = answer.parts[0]
        if contains(part.high, "const") and part.high.name == "inf":
            return Inequality(part.low, sym(answer.variable), part.low_open)
        return Inequality(sym(answer.variable), part.high, part.high_open)
    return answer


def states_value(equation: Equation) -> bool:
    """a + b = 5 and cos A = 1/2 state a value; 2x = 6 is an equation still to be solved."""
    left, right = symbols(equation.left), symbols(equation.right)
    return not right and (len(left) > 1 or equation.left.op in _STATED_FUNCTIONS)


def is_empty(answer: Answer) -> bool:
    """True for the empty set, of numbers or of anything."""
    if isinstance(answer, RealSet):
        return not canonical(answer).parts
    return isinstance(answer, SetOf) and not answer.items


def vector_of(answer: Bracketed | Matrix) -> tuple[Answer, ...] | None:
    """The components of a tuple, or of a matrix of one row or one column; None for any other."""
    if isinstance(answer, Bracketed):
        is_tuple = (answer.opening, answer.closing) in (("(", ")"), ("[", "]")) or len(answer.items) == 2
        return answer.items if is_tuple else None
    if len(answer.rows) == 1:
        return answer.rows[0]
    return tuple(row[0] for row in answer.rows) if len(answer.rows[0]) == 1 else None


def padded(colon: Colon, other: Colon) -> tuple[Expr, ...]:
    """5 p.m. is 5:00 p.m., and 17:00 where the other side counts to 24."""
    parts = (*colon.parts, num(0)) if len(colon.parts) == 1 and (colon.half or other.half) else colon.parts
    counts_to_24 = not other.half and (rational(other.parts[0]) or 0) > 12
    hour = rational(parts[0])
    if colon.half == "pm" and counts_to_24 and hour is not None and hour < 12:
        return (num(hour + 12), *parts[1:])
    return parts
