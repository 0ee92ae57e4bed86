"""Answers in words: their canonical key, number words, and words that name mathematical objects."""

from __future__ import annotations

import re

from reward_kit.rewards._math.answers import Answer, Interval, Quantity, RealSet, SetOf, Words
from reward_kit.rewards._math.expression import INFINITY, neg, num
from reward_kit.rewards._math.scan import Tokens

_UNITS = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split(),
        range(20),
        strict=True,
    )
)
_TENS = dict(
    zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True)
)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
REALS = RealSet((Interval(neg(INFINITY), INFINITY, True, True),))
_NAMED: dict[str, Answer] = {
    **dict.fromkeys(("no solution", "no solutions", "empty set", "the empty set", "no real solution",
                     "no real solutions", "there are no solutions", "there is no solution"), SetOf(())),
    **dict.fromkeys(("infinity", "infinite", "infinitely many", "infinitely many solutions", "positive infinity",
                     "plus infinity"), Quantity(INFINITY)),
    **dict.fromkeys(("negative infinity", "minus infinity"), Quantity(neg(INFINITY))),
    **dict.fromkeys(("all real numbers", "all reals", "real numbers", "any real number", "all real x"), REALS),
    **dict.fromkeys(("dne", "does not exist", "undefined", "not defined"), Words("does not exist")),
}  # fmt: skip
_ARTICLES = re.compile(r"^(?:the|a|an) (?=\w\w)")
_NOT_WORD = re.compile(r"[^0-9a-z.+*/=<>^()-]+")


def key_of(tokens: Tokens) -> str:
    """Lower case, single blanks, no LaTeX, no punctuation at the ends: equal keys are equal texts."""
    parts: list[str] = []
    for token in tokens:
        joined = token.kind in ("sym", "num") and not token.spaced and parts and parts[-1][-1:].isalnum()
        if joined:
            parts[-1] += token.text
        elif token.text not in ("{", "}"):
            parts.append(token.text)
    text = _NOT_WORD.sub(" ", " ".join(parts).lower()).strip(" .()")
    return _ARTICLES.sub("", text)


def from_words(key: str) -> Answer:
    """What the words name: a number, an object such as the empty set, or themselves."""
    named = _NAMED.get(key)
    if named is not None:
        return named
    number = number_from_words(key)
    return Words(key) if number is None else Quantity(num(number))


def number_from_words(key: str) -> int | None:
    """The whole number that English number words say, up to billions; None for other words."""
    total = group = 0
    words = key.replace("-", " ").split()
    if not words or len(words) > 20:
        return None
    for place, word in enumerate(words):
        if word in _UNITS:
            group += _UNITS[word]
        elif word in _TENS:
            group += _TENS[word]
        elif word == "hundred" and group:
            group *= 100
        elif word in _SCALES and group:
            total, group = total + group * _SCALES[word], 0
        elif not (word == "and" and 0 < place < len(words) - 1):
            return None
    return total + group
