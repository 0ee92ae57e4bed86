"""Reads an answer text: the entrance to the layers that read relations, collections and single values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from reward_kit.rewards._math.answers import (
    CHOICE_LETTERS,
    Answer,
    Chain,
    Choice,
    Interval,
    Named,
    Quantity,
    RealSet,
    SetOf,
)
from reward_kit.rewards._math.digit_groups import without_digit_groups
from reward_kit.rewards._math.expression import INFINITY, ZERO
from reward_kit.rewards._math.read_collections import (
    is_set_difference,
    joins,
    read_group,
    read_listing,
    read_union,
    without_membership,
    without_plus_minus,
)
from reward_kit.rewards._math.read_matrices import read_matrix
from reward_kit.rewards._math.read_quantities import read_based, read_colon, read_compound, read_quantity
from reward_kit.rewards._math.read_relations import Read, read_relation, relation_of
from reward_kit.rewards._math.scan import (
    Tokens,
    any_top,
    is_cmd,
    is_comma,
    is_op,
    is_word,
    name_of,
    outer_group,
    split_top,
    strip_braces,
    trimmed,
)
from reward_kit.rewards._math.tokens import Token, Unreadable, tokenize
from reward_kit.rewards._math.words import REALS, changes_value, from_words, key_of

_DEEPEST = 12
_MOST_PARENTHESES = 300
# Each spelling of the positive or the non-negative numbers: True where zero is not one of them.
_HALF_LINES = {
    **dict.fromkeys(("setR^+", "setR_+", "setR_gt0"), True),
    **dict.fromkeys(("setR_ge0", "setR^+_0", "setR_0^+"), False),
}
_LEADS = frozenset("so thus hence therefore the final correct answer is".split())
# "for all x", "where k is an integer": what follows explains the answer.
_EXPLAINS = frozenset(("where", "with"))
_QUANTIFIERS = frozenset(("all", "any", "every", "each", "some", "integer", "integers", "real"))


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer as it was written, its key as plain words, and what it was read as."""

    text: str
    key: str
    answer: Answer


@lru_cache(maxsize=512)  # a gold answer is read once for the many responses of a GRPO group
def read(text: str) -> Reading:
    """What an answer text says.

    Raises:
        Unreadable: where it is neither mathematics nor words.
    """
    stripped = strip_braces(text)
    tokens = without_digit_groups(tokenize(stripped))
    key = key_of(tokens)
    try:
        answer = without_plus_minus(_read(tokens, 0))
    except Unreadable:
        if not _is_text(tokens):
            raise
        answer = from_words(key)
    return Reading(stripped, key, answer)


def _is_text(tokens: Tokens) -> bool:
    """True where words make the answer a text rather than broken mathematics."""
    return any(token.kind == "word" for token in tokens) and not any(
        token.kind == "cmd" and token.text in ("ldots", "input", "def", "begin") for token in tokens
    )


def _read(tokens: Tokens, depth: int) -> Answer:
    if depth > _DEEPEST:
        raise Unreadable(f"the answer is nested more than {_DEEPEST} deep")
    body = without_membership(_without_explanation(trimmed(tokens)))
    body = _yes_or_no(_without_lead(_without_parentheses(body)))
    if not body:
        raise Unreadable("the answer is empty")

    def inner(piece: Tokens) -> Answer:
        return _read(piece, depth + 1)

    whole = _choice(body, inner) or _special_set(body) or _outer(body, inner)
    if whole is not None:
        return whole
    compound = read_compound(body)
    if compound is not None:
        return compound
    if any_top(body, joins):
        return read_listing(body, inner)
    body = _without_quantifier(body)
    if any_top(body, lambda token: bool(relation_of(token))):
        return read_relation(body, inner)
    if any_top(body, lambda token: is_cmd(token, "cup", "cap", "setminus")) or is_set_difference(body):
        return read_union(body, inner)
    return _single(body, inner)


def _without_parentheses(body: list[Token]) -> list[Token]:
    """Without parentheses around one value, however many."""
    for _ in range(_MOST_PARENTHESES):
        group = outer_group(body) if body and is_op(body[0], "(") and is_op(body[-1], ")") else None
        if group is None or any_top(group[1], is_comma) or not group[1]:
            break
        body = trimmed(group[1])
    return body


def _outer(body: Tokens, inner: Read) -> Answer | None:
    """A matrix, or one pair of brackets around everything."""
    matrix = read_matrix(body, inner) if any(is_cmd(token, "begin") for token in body) else None
    if matrix is not None:
        return matrix
    transposed = [token.text for token in body[-4:] if not is_op(token, "{", "}")][-2:] in (["^", "T"], ["^", "top"])
    if transposed and outer_group(trimmed(body[: _power_place(body)])) is not None:
        body = trimmed(body[: _power_place(body)])  # (1, -2)^T is a column
    group = outer_group(body)
    return read_group(*group, inner) if group is not None else None


def _without_lead(body: list[Token]) -> list[Token]:
    """Without "the answer is" in front."""
    end = next((k for k, token in enumerate(body) if not (token.kind == "word" and token.text.lower() in _LEADS)), 0)
    said = [token.text.lower() for token in body[:end]]
    if said[-1:] == ["answer"] and end < len(body) - 1 and is_op(body[end], ":"):
        return body[end + 1 :]
    return body[end:] if said[-2:] == ["answer", "is"] else body


def _yes_or_no(body: list[Token]) -> list[Token]:
    """ "Yes" of "Yes, it is possible"."""
    if len(body) < 4 or not is_word(body[0], "yes", "no") or not is_comma(body[1]):
        return body
    takes_back = any(is_word(token, "yes", "no", "or", "but", "maybe") or token.kind == "num" for token in body[2:])
    return body if takes_back else body[:1]


def _power_place(body: Tokens) -> int:
    return next(place for place in range(len(body) - 1, -1, -1) if is_op(body[place], "^"))


def _single(body: Tokens, inner: Read) -> Answer:
    based = read_based(body)
    if based is not None:
        return based
    labelled = _labelled(body, inner) or _in_figures_and_words(body, inner)
    if labelled is not None:
        return labelled
    colon = read_colon(body)
    if colon is not None:
        return colon
    if all(token.kind == "word" or is_op(token, "-") for token in body) and body:
        return from_words(key_of(body))
    return read_quantity(body)


def _in_figures_and_words(body: Tokens, inner: Read) -> Answer | None:
    """7 (seven): the number in words only repeats the one in figures."""
    if len(body) < 4 or not is_op(body[-1], ")") or body[-2].kind != "word":
        return None
    opening = max((place for place, token in enumerate(body) if is_op(token, "(")), default=0)
    words = from_words(key_of(body[opening + 1 : -1]))
    if not opening or not isinstance(words, Quantity):
        return None
    return Chain((inner(body[:opening]), words))


def _labelled(body: Tokens, inner: Read) -> Answer | None:
    """Minimum: 1 - words, a colon, a value."""
    pieces = split_top(body, lambda token: is_op(token, ":"))
    if len(pieces) != 2 or not pieces[0] or not all(token.kind == "word" for token in pieces[0]):
        return None
    if any(changes_value(token.text) for token in pieces[0]):
        return None
    return Named((name_of(pieces[0]).lower(),), inner(pieces[1]))


def _without_explanation(body: list[Token]) -> list[Token]:
    """Without "where k is an integer" at the end: it explains the answer."""
    for place in range(1, len(body) - 1):
        if is_word(body[place], *_EXPLAINS):
            # Only what it says of a variable is an explanation: "with 16 also possible" is a hedge.
            return trimmed(body[:place]) if body[place + 1].kind == "sym" else body
    return body


def _without_quantifier(body: list[Token]) -> list[Token]:
    """Without "for all x" at the end of one item."""
    for place in range(1, len(body) - 1):
        token, follows = body[place], body[place + 1]
        quantified = is_word(follows, *_QUANTIFIERS) or is_cmd(follows, "forall")
        if (is_cmd(token, "forall") and follows.kind == "sym") or (is_word(token, "for") and quantified):
            return trimmed(body[:place])
    return body


def _choice(body: Tokens, inner: Read) -> Answer | None:
    r"""(B) 12, \textbf{(B)}\ 12, "B. 12", "B) 12": a choice letter with its text."""
    if len(body) == 2 and body[0].kind == "sym" and body[0].text in CHOICE_LETTERS and is_op(body[1], ")"):
        return inner(body[:1])
    if len(body) > 1 and is_word(body[0], "option", "choice") and any(t.text in CHOICE_LETTERS for t in body[1:3]):
        return inner(body[1:])
    if len(body) < 3:
        return None
    start = 1 if is_op(body[0], "(") else 0
    letter, mark = body[start], body[start + 1]
    if (
        letter.kind != "sym"
        or letter.text not in CHOICE_LETTERS
        or not is_op(mark, ")", *(() if start else (".", ":")))
    ):
        return None
    rest = body[start + 2 :]
    if not rest or joins(rest[0]) or not (rest[0].spaced or rest[0].textual or rest[0].kind in ("word", "num")):
        return None
    certain = letter.textual or body[0].textual or not start or rest[0].spaced
    if not certain or (rest[0].kind == "op" and rest[0].text not in ("$", "(", "[", "{set", "-")):
        return None
    return Choice(letter.text, inner(rest))


def _special_set(body: Tokens) -> Answer | None:
    signs = "".join(token.text for token in body if not is_op(token, "{", "}"))
    if signs in _HALF_LINES:
        return RealSet((Interval(ZERO, INFINITY, _HALF_LINES[signs], True),))
    if len(body) != 1 or body[0].kind != "cmd":
        return None
    if body[0].text == "setR":
        return REALS
    return SetOf(()) if body[0].text == "emptyset" else None
