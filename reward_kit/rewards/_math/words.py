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
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
REALS = RealSet((Interval(neg(INFINITY), INFINITY, True, True),))
_NAMED: dict[str, Answer] = {
    **dict.fromkeys(("no solution", "no solutions", "empty set", "the empty set", "no real solution",
                     "no real solutions", "no real roots", "there are no solutions", "there is no solution",
                     "there are no real solutions", "there is no real solution"), SetOf(())),
    **dict.fromkeys(("infinity", "infinite", "infinitely many", "infinitely many solutions", "positive infinity",
                     "plus infinity"), Quantity(INFINITY)),
    **dict.fromkeys(("negative infinity", "minus infinity"), Quantity(neg(INFINITY))),
    **dict.fromkeys(("all real numbers", "all reals", "real numbers", "any real number", "all real x"), REALS),
    **dict.fromkeys(("dne", "does not exist", "undefined", "not defined"), Words("does not exist")),
}  # fmt: skip
# Words that change the value they stand by, or deny it: no unit and no name of a value has one of these.
CHANGES_VALUE = frozenset(
    """and or if else not no nor neither none never wrong incorrect false invalid rejected excluded
    exclusive except
    extraneous mistake is are was were be been maybe perhaps possibly alternatively otherwise either versus
    vs when unless lambda def return import but because since although approximately almost about nearly
    roughly least most more less greater fewer higher lower larger smaller above below than plus minus times
    divided multiplied increased decreased over mod modulo choose factorial squared cubed root power off
    half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths seventh sevenths
    eighth eighths ninth ninths tenth tenths hundredth hundredths thousandth thousandths millionth
    millionths billionth billionths trillionth trillionths double triple
    doubled tripled quadrupled halved raised reduced negated inverted
    twice answer bound correct so to also error""".split()
)
_ARTICLES = re.compile(r"^(?:the|a|an|on) (?=\w\w)")
_MONTH = "(january|february|march|april|may|june|july|august|september|october|november|december)"  # whole names only
_ORDINAL = r"(\d{1,2})(?: ?(?:st|nd|rd|th))?"
_DATE = re.compile(rf"(?:the )?(?:{_MONTH} {_ORDINAL}|{_ORDINAL}(?: of)? {_MONTH})")
_NOT_WORD = re.compile(r"[^0-9a-z.+*/=<>^()-]+")


def key_of(tokens: Tokens) -> str:
    """Lower case, single blanks, no LaTeX, no punctuation at the ends: equal keys are equal texts."""
    parts: list[str] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        joined = token.kind in ("sym", "num") and not token.spaced and parts and parts[-1][-1:].isalnum()
        if before is not None and before.kind == "word" and before.textual and not token.textual:
            joined = False  # \\text{June }21
        if joined:
            parts[-1] += token.text
        elif token.text not in ("{", "}"):
            parts.append(token.text)
    text = _NOT_WORD.sub(" ", " ".join(parts).lower()).strip(" .()")
    text = _ARTICLES.sub("", text)
    date = _DATE.fullmatch(text)
    return f"{date.group(1) or date.group(4)} {date.group(2) or date.group(3)}" if date else text


def from_words(key: str) -> Answer:
    """What the words name: a number, an object such as the empty set, or themselves."""
    named = _NAMED.get(key)
    if named is not None:
        return named
    number = number_from_words(key)
    return Words(key) if number is None else Quantity(num(number))


def changes_value(word: str) -> bool:
    """True for a word that makes a value another one: "17 tenths", "sixteen = 17", "not x = 17"."""
    lower = word.lower()
    return lower in CHANGES_VALUE or number_from_words(lower) is not None


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
