"""Wrong answers near the right one: proposals, which count only once they are proved different."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from reward_kit.controls.math.numbers import Number, read_number, write_number


def mutants(gold: str) -> Iterator[tuple[str, str]]:
    """(operator, text) of wrong answers: the three of every row first, then reserves for those that do not apply."""
    number = read_number(gold)
    if number is not None:
        yield from _of_number(gold, number)


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
