"""Names what kind of answer a gold is, by what it is read as."""

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
from reward_kit.rewards._math.expression import Expr, is_infinite, symbols
from reward_kit.rewards._math.layers import read_gold
from reward_kit.rewards._math.shapes import labels_of
from reward_kit.rewards._math.tokens import Unreadable

_KINDS: dict[type[Answer], str] = {
    Words: "text",
    Choice: "choice letter",
    Based: "number in a base",
    Colon: "time or ratio",
    SetOf: "set",
    RealSet: "interval",
    Named: "equation",
    Chain: "equation",
    Equation: "equation",
    Congruence: "equation",
    Inequality: "inequality",
    Matrix: "matrix",
    Approximation: "approximation",
}
_CHOICES = frozenset("ABCDEFGHIJ")


def kind_of(gold: str) -> str:
    """The kind of an answer text: integer, fraction, closed form, ...; `unreadable` where it cannot be read."""
    try:
        reading = read_gold(gold)
    except Unreadable:
        return "unreadable"
    answer = reading.answer
    if isinstance(answer, Quantity):
        return _quantity(answer, reading.text)
    if isinstance(answer, Listing):
        return "named parts" if labels_of(answer.items) else "list"
    if isinstance(answer, Bracketed):
        mixed = (answer.opening, answer.closing) not in (("(", ")"), ("[", "]"))
        return "interval" if mixed or any(map(_is_endless, answer.items)) else "tuple"
    return _KINDS[type(answer)]


def part_names(gold: str) -> tuple[str, ...]:
    """The names of a gold's parts where each has its own (x = 1, y = 3); x_1 and x_2 name solutions of one unknown."""
    try:
        answer = read_gold(gold).answer
    except Unreadable:
        return ()
    return tuple(labels_of(answer.items)) if isinstance(answer, Listing) else ()


def _quantity(answer: Quantity, text: str) -> str:
    if answer.unit:
        return "number with unit"
    if answer.expr.op == "sym" and answer.expr.name in _CHOICES:
        return "choice letter"
    if symbols(answer.expr):
        return "expression"
    if not _is_number(answer.expr):
        return "closed form"
    if "." in text:
        return "decimal"
    return "integer" if answer.expr.op == "num" and answer.expr.number.denominator == 1 else "fraction"


def _is_endless(item: Answer) -> bool:
    return isinstance(item, Quantity) and is_infinite(item.expr) != 0


def _is_number(expr: Expr) -> bool:
    """True for a numeral, a quotient of two, and their negatives and mixed sums."""
    return expr.op == "num" or (expr.op in ("div", "mul", "add") and all(map(_is_number, expr.args)))
