"""Are two written answers the same? Yes, no, or not proved: only what is exact counts.

Plain numbers are compared as fractions. Everything else goes to `structure`, which is imported when it is needed.
"""

from __future__ import annotations

from reward_kit.controls.math.numbers import read_number


def proof_of_difference(gold: str, other: str) -> str | None:
    """Why the two are different answers, in words; None where that is not proved."""
    first, second = read_number(gold), read_number(other)
    if first is None or second is None:
        return None
    if (first.before, first.after.strip()) != (second.before, second.after.strip()) or first.value == second.value:
        return None
    return f"{second.value} is not {first.value}"


def proof_of_equality(gold: str, other: str) -> str | None:
    """Why the two are one answer, in words; None where that is not proved."""
    first, second = read_number(gold), read_number(other)
    if first is None or second is None:
        return None
    if (first.before, first.after.strip()) != (second.before, second.after.strip()) or first.value != second.value:
        return None
    return f"both are {first.value}"
