"""Reads single values: numbers and expressions with units, bases, times and ratios, choice letters."""

from __future__ import annotations

import re
from itertools import pairwise

from reward_kit.rewards._math.answers import Based, Colon, Quantity
from reward_kit.rewards._math.exact import divides_by_zero
from reward_kit.rewards._math.expression import Expr, num
from reward_kit.rewards._math.parser import parse
from reward_kit.rewards._math.scan import Tokens, is_cmd, is_op, is_word, need, split_top
from reward_kit.rewards._math.tokens import Token, Unreadable
from reward_kit.rewards._math.units import CURRENCIES, canonical_unit, conversion, is_known, without_multipliers
from reward_kit.rewards._math.words import changes_value

_TRIGONOMETRIC = frozenset(("sin", "cos", "tan", "cot", "sec", "csc"))
_REMARKS = frozenset(("answer", "units", "unit", "exact", "exactly", "approved"))
_MOST_UNIT_WORDS = 6
_SHARES = frozenset(("hundred", "thousand", "million", "billion", "mille", "mil"))  # 25 per thousand is no 25
_SCHOOL = frozenset(("grade", "grader", "graders"))  # 6 fifth graders are no fifths
_BASE_NAMES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
               "eleven": 11, "twelve": 12, "sixteen": 16}  # fmt: skip
_DIGITS = re.compile(r"[0-9A-Z]+")
_HALVES = frozenset(("am", "pm"))


def read_quantity(tokens: Tokens) -> Quantity:
    """An expression with or without a unit.

    Raises:
        Unreadable: where it is neither.
    """
    need(bool(tokens), "a value is missing")
    compound = _compound(list(tokens))
    if compound is not None:
        return compound
    body, currency = _without_currency(list(tokens))
    body, words, power = _without_unit(body)
    words, multiplier = without_multipliers(words)
    unit, prefix_power = canonical_unit(words)
    if currency and unit and unit != currency and unit != "cent":
        raise Unreadable("two units")
    expr = parse(body)
    need(not divides_by_zero(expr), "it divides by zero")
    if multiplier != 1:
        expr = Expr("mul", (expr, num(multiplier)))
    if unit and power == 1:
        power = prefix_power
    return Quantity(expr, currency or unit, power if currency or unit else 1)


def _compound(tokens: list[Token]) -> Quantity | None:
    """3 hours 30 minutes, 5 feet 6 inches: several quantities of one dimension, added in the first one's unit."""
    pieces: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "num" and pieces[-1] and _is_unit_word(pieces[-1][-1]):
            pieces.append([])
        pieces[-1].append(token)
    if not 1 < len(pieces) < 5 or any(piece[0].kind != "num" or not _is_unit_word(piece[-1]) for piece in pieces):
        return None
    parts = [read_quantity(piece) for piece in pieces]
    factors = [conversion(part.unit, part.power, parts[0].unit, parts[0].power) for part in parts]
    if any(factor is None for factor in factors):
        return None
    terms = tuple(Expr("mul", (num(factor or 0), part.expr)) for factor, part in zip(factors, parts, strict=True))
    return Quantity(Expr("add", terms), parts[0].unit, parts[0].power)


def _is_unit_word(token: Token) -> bool:
    return token.kind == "word" or (token.kind == "sym" and token.textual and is_known(token.text))


def read_compound(tokens: Tokens) -> Quantity | None:
    """5 dollars and 75 cents: two amounts of one kind that "and" adds up."""
    place = next((k for k, token in enumerate(tokens) if is_word(token, "and")), 0)
    if not 1 < place < len(tokens) - 2 or tokens[place - 1].kind != "word" or tokens[place + 1].kind != "num":
        return None
    if any(is_op(token, ",", ";") for token in tokens):
        return None
    amount = _compound([*tokens[:place], *tokens[place + 1 :]])
    units = [canonical_unit([token.text])[0] for token in tokens if token.kind == "word" and not is_word(token, "and")]
    return amount if len(set(units)) == len(units) else None


def _without_currency(tokens: list[Token]) -> tuple[list[Token], str]:
    """Take one currency sign away, in front ("$5", "-$5", "USD 5") or behind."""
    for place in [*range(min(2, len(tokens))), len(tokens) - 1]:
        token = tokens[place]
        sign = CURRENCIES.get(token.text) if token.kind in ("cmd", "word") or is_op(token, "$") else None
        if sign and (place != 1 or is_op(tokens[0], "-", "+")):
            return tokens[:place] + tokens[place + 1 :], sign
        if is_cmd(token, "cents") and place == len(tokens) - 1:
            return tokens[:place], "cent"
    return tokens, ""


def _without_unit(tokens: list[Token]) -> tuple[list[Token], list[str], int]:
    """Split the unit words at the end from the expression: its tokens, the words, the power."""
    tokens = _with_slash(_without_remark(tokens))
    if len(tokens) > 1 and is_op(tokens[-1], "%"):
        return tokens[:-1], ["%"], 1
    if len(tokens) > 1 and is_cmd(tokens[-1], "times") and tokens[-1].textual:
        return tokens[:-1], ["times"], 1
    for length in (4, 2, 1):  # ^{\circ}, ^\circ, \degree
        if _is_degree(tokens[-length:]) and len(tokens) > length and not _has_function(tokens):
            return tokens[:-length], ["degree"], 1
    if len(tokens) > 3 and tokens[-1].text in ("C", "F") and _is_degree(tokens[-3:-1]):
        return tokens[:-3], ["celsius" if tokens[-1].text == "C" else "fahrenheit"], 1
    start = next((place for place, token in enumerate(tokens) if _starts_unit(tokens, place, token)), len(tokens))
    if start in (0, len(tokens)):
        return tokens, [], 1
    words, power = _unit_words(tokens[start:])
    end = (
        start - 1 if is_op(tokens[start - 1], "(") and is_op(tokens[-1], ")") and start > 1 else start
    )  # 41 (integers)
    return tokens[:end], words, power


def _without_remark(tokens: list[Token]) -> list[Token]:
    """Without "(answer)" or "(units)" at the end."""
    if len(tokens) > 3 and is_op(tokens[-1], ")") and is_op(tokens[-3], "(") and is_word(tokens[-2], *_REMARKS):
        return tokens[:-3]
    return tokens


def _with_slash(tokens: list[Token]) -> list[Token]:
    r"""90 \frac{\text{km}}{\text{h}} as 90 km/h."""
    place = max((k for k, token in enumerate(tokens) if is_cmd(token, "frac")), default=0)
    tail = tokens[place + 1 :]
    shape = [token.text if token.kind == "op" else "" for token in tail]
    if (
        not place
        or shape != ["{", "", "}", "{", "", "}"]
        or tail[1].kind != "word"
        or not (tail[4].textual or tail[4].kind == "word")
    ):
        return tokens
    return [*tokens[:place], tail[1], Token("op", "/"), tail[4]._replace(kind="word")]


def _has_function(tokens: list[Token]) -> bool:
    r"""In \cos 36^\circ the degrees belong to the argument."""
    return any(token.kind == "cmd" and token.text in _TRIGONOMETRIC for token in tokens)


def _is_degree(tokens: list[Token]) -> bool:
    texts = [token.text for token in tokens]
    return texts in (["^", "{", "circ", "}"], ["^", "circ"], ["degree"], ["^", "degree"])


def _starts_unit(tokens: list[Token], place: int, token: Token) -> bool:
    if token.kind == "word":
        return True
    # \text{ m}: a single letter in text behind a number
    return (
        token.kind == "sym"
        and token.textual
        and place > 0
        and token.text not in ("e", "i")
        and _ends_number(tokens[place - 1])
    )


def _ends_number(token: Token) -> bool:
    return token.kind in ("num", "grouped", "repeating") or is_op(token, ")", "}") or is_cmd(token, "pi")


def _unit_words(tokens: list[Token]) -> tuple[list[str], int]:
    """The words of a unit, "per" for a slash or a negative power, and the power of a single one."""
    words: list[str] = []
    power = 1
    per = False
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else token
        if token.kind == "word" or (token.kind == "sym" and (token.textual or is_op(before, "/"))):
            words.append(token.text)
        elif token.kind == "num" and token.text in "123" and is_op(before, "^", "{", "-"):
            power = int(token.text)
            if is_op(before, "-") or len(words) > 1:
                words, per = _with_power(words, power if not is_op(before, "-") else -power), True
        elif is_op(token, "/"):
            words.append("per")
        elif not (is_op(token, "^", "{", "}", ".", "-", "'", "(", ")") or is_cmd(token, "cdot")):
            raise Unreadable(f"{token.text!r} is not part of a unit")
    counted = [word for word, after in pairwise([*words, ""]) if after.lower() not in _SCHOOL]
    share = any(before == "per" and after.lower() in _SHARES for before, after in pairwise(words))
    if share or any(_no_unit(word, words) for word in counted) or len(words) > _MOST_UNIT_WORDS:
        raise Unreadable("the words behind the number are no unit")
    return words, 1 if per else power


def _with_power(words: list[str], power: int) -> list[str]:
    """s^{-2} as "per s^2", m^2 as "m^2"; a slash before already says "per"."""
    *rest, last = words
    name = last if abs(power) == 1 else f"{last}^{abs(power)}"
    return [*rest, "per", name] if power < 0 and rest[-1:] != ["per"] else [*rest, name]


def _no_unit(word: str, words: list[str]) -> bool:
    # "12 squared" is 144; "12 cm squared" is an area.
    if word.lower() in ("squared", "cubed"):
        return not any(is_known(other) for other in words if other != word)
    return changes_value(word)


def read_based(tokens: Tokens) -> Based | None:
    """A numeral with a base: 1011_2, (2A3)_{16}, 1011_{two}, 1011 (base 2)."""
    place = next((k for k, token in enumerate(tokens) if is_op(token, "_") or is_word(token, "base")), 0)
    if not place:
        return None
    head = [token for token in tokens[:place] if not is_op(token, "(", ")", "{", "}")]
    tail = [
        token for token in tokens[place + 1 :] if not is_op(token, "{", "}", "(", ")") and not is_word(token, "base")
    ]
    if len(tail) != 1 or not head or any(token.kind not in ("num", "sym", "grouped") for token in head):
        return None
    base = _BASE_NAMES.get(
        tail[0].text.lower(), int(tail[0].text) if tail[0].text.isdigit() and len(tail[0].text) < 3 else 0
    )
    digits = "".join(token.text.replace(",", "") for token in head).upper()
    if not 2 <= base <= 36 or not _DIGITS.fullmatch(digits) or (head[0].kind == "sym" and base <= 10):
        return None
    if any(int(digit, 36) >= base for digit in digits):
        return None
    return Based(digits.lstrip("0") or "0", base)


def read_colon(tokens: Tokens) -> Colon | None:
    """A time of day or a ratio: 12:30, 5 p.m., 3 : 4, 1:2:3."""
    half = ""
    body = list(tokens)
    if len(body) > 1 and body[-1].text.lower() in _HALVES:
        half = body.pop().text.lower()
    body = [
        token._replace(kind="op", text=":") if is_word(token, "to") else token for token in _without_colon_braces(body)
    ]
    pieces = split_top(body, lambda token: is_op(token, ":"))
    if (len(pieces) == 1 and not half) or not all(pieces):
        return None
    return Colon(tuple(parse(piece) for piece in pieces), half, _is_clock(pieces))


def _is_clock(pieces: list[list[Token]]) -> bool:
    if len(pieces) != 2 or any(len(piece) != 1 or not piece[0].text.isdigit() for piece in pieces):
        return False
    hour, minute = pieces[0][0].text, pieces[1][0].text
    return len(minute) == 2 and int(minute) < 60 and len(hour) <= 2 and int(hour) < 25


def _without_colon_braces(tokens: list[Token]) -> list[Token]:
    r"""12{:}30 is a way to typeset 12:30."""
    texts = [token.text for token in tokens]
    for place in range(len(tokens) - 2):
        if texts[place : place + 3] == ["{", ":", "}"]:
            return _without_colon_braces([*tokens[:place], tokens[place + 1], *tokens[place + 3 :]])
    return tokens
