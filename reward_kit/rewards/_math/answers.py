"""What an answer can be: the values that reading gives and equality compares."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from reward_kit.rewards._math.expression import Expr


@dataclass(frozen=True, slots=True)
class Quantity:
    """An expression, with a unit where one is written ("cm", "$", "%", "degree", or any other word)."""

    expr: Expr
    unit: str = ""
    power: int = 1


@dataclass(frozen=True, slots=True)
class Words:
    """An answer in words, brought to lower case without punctuation."""

    key: str


CHOICE_LETTERS = frozenset("ABCDEFGHIJ")


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice letter with the text that follows it, as in "(B) 12"."""

    letter: str
    rest: Answer


@dataclass(frozen=True, slots=True)
class Based:
    """A numeral with its base as subscript: its digits and the base."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Colon:
    """A time of day or a ratio: the parts between colons, and "am"/"pm" where written.

    `is_clock` where it looks like a time: 12:30, 4:05, but neither 3:4 nor 30:12.
    """

    parts: tuple[Expr, ...]
    half: str = ""
    is_clock: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Several answers side by side, in no order; `choice` where "or" joins them."""

    items: tuple[Answer, ...]
    choice: bool = False


@dataclass(frozen=True, slots=True)
class SetOf:
    """A finite set in braces."""

    items: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Bracketed:
    """Items in brackets: a tuple, a point, a vector, or (two items) an interval."""

    opening: str
    items: tuple[Answer, ...]
    closing: str


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval with its ends; an infinite end is open."""

    low: Expr
    high: Expr
    low_open: bool
    high_open: bool


@dataclass(frozen=True, slots=True)
class RealSet:
    """A union of intervals, with the variable it restricts where one is written."""

    parts: tuple[Interval, ...]
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A value with its name: x = 3, f(x) = 2x, (x, y) = (1, 2), Minimum: 1.

    `names` holds one name, or several for a tuple of names; `bound` the variable of a function definition.
    """

    names: tuple[str, ...]
    value: Answer
    bound: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """One value in several forms: 6 * 7 = 42. It stands only where all its parts are equal."""

    parts: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """left = right where neither side is just a name."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Inequality:
    """left < right (or <=) in several variables; the larger side is always `right`. `strict` for <."""

    left: Expr
    right: Expr
    strict: bool


@dataclass(frozen=True, slots=True)
class Congruence:
    """left = right modulo a whole number."""

    left: Expr
    right: Expr
    modulus: Fraction


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix, row by row."""

    rows: tuple[tuple[Answer, ...], ...]


@dataclass(frozen=True, slots=True)
class Approximation:
    """exact, with a decimal written behind it ("pi ~ 3.14")."""

    exact: Answer
    decimal: Answer


Answer = (
    Quantity
    | Words
    | Choice
    | Based
    | Colon
    | Listing
    | SetOf
    | Bracketed
    | RealSet
    | Named
    | Chain
    | Equation
    | Inequality
    | Congruence
    | Matrix
    | Approximation
)
