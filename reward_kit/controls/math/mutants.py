"""Wrong answers near the right one: proposals, which count only once they are proved different."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction

from reward_kit.controls.math.latex import choice_of, literals
from reward_kit.controls.math.numbers import Number, as_decimal, read_number, write_number
from reward_kit.controls.math.words import other_words, words_of


def mutants(gold: str) -> Iterator[tuple[str, str]]:
    """(operator, text) of wrong answers: the three of every row first, then reserves for those that do not apply.

    In an answer that is more than a number, an operator changes one number of it, its sign aside.
    """
    number = read_number(gold)
    choice = choice_of(gold)
    if number is not None:
        yield from _of_number(gold, number)
    elif choice:
        yield from _of_choice(gold, choice)
    elif words_of(gold) is not None:
        yield from other_words(gold)
    else:
        yield from _of_text(gold)


def _of_choice(gold: str, letter: str) -> Iterator[tuple[str, str]]:
    """Three other choices, the next ones in the alphabet first."""
    others = [other for other in "ABCDE" if other != letter]
    after = [other for other in others if other > letter] + [other for other in others if other < letter]
    yield from (("other_choice", gold.replace(letter, other)) for other in after[:3])


def _of_text(gold: str) -> Iterator[tuple[str, str]]:
    """Where the answer is more than a number, one of the numbers in it is changed, each place in its turn."""
    places = list(literals(gold))
    for operator, change in _CHANGES:
        for start, end in places:
            changed = change(gold[start:end])
            if changed is not None:
                yield operator, gold[:start] + changed + gold[end:]
    if not re.search(r"[=<>,]|\\(?:text|begin|cup|in|leq?|geq?)(?![a-z])", gold):
        yield "plus_one", f"{gold} + 1"
        yield "times_ten", f"10 \\left({gold}\\right)"
        yield "negated", f"-\\left({gold}\\right)"


def _plus(step: int) -> Callable[[str], str | None]:
    def change(digits: str) -> str | None:
        value = Fraction(digits) + step
        return as_decimal(value) if value >= 0 else None

    return change


_CHANGES: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    ("plus_one", _plus(1)),
    ("times_ten", lambda digits: as_decimal(Fraction(digits) * 10)),
    ("cut_digit", lambda digits: digits[:-1].rstrip(".") or None),
    ("minus_one", _plus(-1)),
    ("plus_two", _plus(2)),
)


def _of_number(gold: str, number: Number) -> Iterator[tuple[str, str]]:
    value = number.value
    yield "plus_one", write_number(value + 1, number)
    yield "times_ten", write_number(value * 10, number)
    if (cut := _without_last_digit(gold, number)) is not None:
        yield "cut_digit", cut
    yield "minus_one", write_number(value - 1, number)
    yield "negated", write_number(-value, number)
    yield "plus_two", write_number(value + 2, number)


def _without_last_digit(gold: str, number: Number) -> str | None:
    """The number without its last digit, a fraction without that of its numerator, or else of its denominator."""
    value = number.value
    if number.style == "integer":
        shorter = Fraction(abs(value.numerator) // 10 * (-1 if value < 0 else 1))
        return write_number(shorter, number) if abs(value) >= 10 else None
    if number.style == "decimal":
        core = gold.strip("$ ").removeprefix(number.before).removesuffix(number.after)
        return f"{number.before}{core[:-1].rstrip('.')}{number.after}"
    over, under = abs(value.numerator), value.denominator
    sign = -1 if value < 0 else 1
    if over >= 10:
        return write_number(Fraction(sign * (over // 10), under), number)
    return write_number(Fraction(sign * over, under // 10), number) if under >= 10 else None
