"""Are two written answers the same? Yes, no, or not proved: only what is exact counts.

Plain numbers are compared as fractions. Everything else goes to `structure`, which is imported when it is needed.
"""

from __future__ import annotations

from reward_kit.controls.math.latex import choice_of, enclosed, split, tokens, written
from reward_kit.controls.math.numbers import Number, read_number
from reward_kit.controls.math.units import proof_of_other_unit
from reward_kit.controls.math.words import proof_of_other_words, words_of


def proof_of_difference(gold: str, other: str) -> str | None:
    """Why the two are different answers, in words; None where that is not proved."""
    first, second = read_number(gold), read_number(other)
    if words_of(gold) is not None:
        return proof_of_other_words(gold, other)
    if first is None or second is None:
        from reward_kit.controls.math.structure import differs

        return differs(gold, other)
    if not _alike(first, second):
        bare = not (first.before or second.before) and first.value and second.value
        return proof_of_other_unit(first.after, second.after) if bare else None
    return f"{second.value} is not {first.value}" if first.value != second.value else None


def proof_of_equality(gold: str, other: str) -> str | None:
    """Why the two are one answer, in words; None where that is not proved."""
    first, second = read_number(gold), read_number(other)
    if first is not None and second is not None and _alike(first, second):
        return f"both are {first.value}" if first.value == second.value else None
    if tokens(gold) == tokens(other):
        return "they differ in how LaTeX sets them, not in what they say"
    if (choice := choice_of(gold)) is not None and choice == choice_of(other):
        return f"both are choice {choice}"
    if (items := _items_of_set(gold)) is not None and items == _items_of_set(other):
        return "one set, its elements in another order"
    return None


def _alike(first: Number, second: Number) -> bool:
    """The same currency and unit around both."""
    return (first.before, tokens(first.after)) == (second.before, tokens(second.after))


def _items_of_set(text: str) -> list[str] | None:
    parts = tokens(text)
    if enclosed(parts) != ("\\{", "\\}"):
        return None
    return sorted(written(item.parts) for item in split(parts[1:-1], frozenset([","])))
