r"""Answers in words: another word of the same kind, and the denial, are different answers whatever the question was."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Words that exclude each other; none that may mean something else as well (May is a month, a name and a verb).
_KINDS: tuple[tuple[str, ...], ...] = (
    ("yes", "no"),
    ("true", "false"),
    ("even", "odd"),
    ("positive", "negative"),
    ("increasing", "decreasing"),
    ("rational", "irrational"),
    ("prime", "composite"),
    ("convergent", "divergent"),
    ("converges", "diverges"),
    ("possible", "impossible"),
    ("acute", "right", "obtuse"),
    ("ellipse", "hyperbola", "parabola"),
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ("january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december"),
    ("red", "blue", "green", "yellow", "black", "white", "orange", "purple"),
)
_WORDS = re.compile(
    r"(?P<before>\\(?:text|textbf|textit|mathrm)\{)?(?P<words>[A-Za-z][A-Za-z' -]*[A-Za-z])(?(before)\})"
)
_OTHERS = 2


def words_of(gold: str) -> str | None:
    r"""The words of an answer that is nothing else: \text{Yes}, Alice, no solution.

    Without \text they must not be a product of letters (AB, xyz) or a function's name.
    """
    match = _WORDS.fullmatch(gold.strip())
    if match is None or (match["before"] is None and not _is_prose(match["words"])):
        return None
    return match["words"]


def _is_prose(words: str) -> bool:
    return _kind_of(words) is not None or re.search(r"[a-z]{4}", words) is not None


def other_words(gold: str) -> Iterator[tuple[str, str]]:
    """(operator, text) of wrong answers: other words of the same kind first, then the denial."""
    words = words_of(gold)
    if words is None:
        return
    kind = _kind_of(words) or ()
    place = kind.index(words.lower()) if kind else 0
    for other in (*kind[place + 1 :], *kind[:place])[:_OTHERS]:
        yield "other_word", gold.replace(words, other.capitalize() if words[0].isupper() else other)
    yield "denied", gold.replace(words, _denial(words))


def proof_of_other_words(gold: str, other: str) -> str | None:
    """Why two answers in words are different; None where that is not proved."""
    first, second = words_of(gold), words_of(other)
    if first is None or second is None:
        return None
    if _denial(first) == second:
        return f"{second!r} denies {first!r}"
    kind = _kind_of(first)
    pair = (first.lower(), second.lower())
    if kind is None or pair[0] == pair[1] or pair[1] not in kind:
        return None
    return f"{second!r} excludes {first!r}"


def _denial(words: str) -> str:
    return words[4:] if words.lower().startswith("not ") else f"not {words}"


def _kind_of(words: str) -> tuple[str, ...] | None:
    return next((kind for kind in _KINDS if words.lower() in kind), None)
