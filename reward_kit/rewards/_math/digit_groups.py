"""Digits with commas, 1,234: one number, or several items side by side."""

from __future__ import annotations

from reward_kit.rewards._math.scan import is_op
from reward_kit.rewards._math.tokens import Token


def without_digit_groups(tokens: list[Token]) -> list[Token]:
    """Digits with commas: a number, unless the commas around it or brackets show that they separate items."""
    if not any(token.kind == "grouped" for token in tokens):
        return tokens
    separating = _commas_separate(tokens)
    resolved: list[Token] = []
    for token in tokens:
        if token.kind != "grouped":
            resolved.append(token)
        elif separating and "." not in token.text:
            for place, digits in enumerate(token.text.split(",")):
                resolved.extend([Token("op", ",")] if place else [])
                resolved.append(token._replace(kind="num", text=digits))
        else:
            resolved.append(token._replace(kind="num", text=token.text.replace(",", "")))
    return resolved


def _commas_separate(tokens: list[Token]) -> bool:
    """True where the commas between digits separate items.

    In brackets they do, unless other commas there are followed by blanks: (1/2,100) is a pair, (1,000, 2,000) too.
    Anywhere they do where another item stands beside them without a blank: 10,100,1000.
    """
    brackets: list[int] = [-1]
    blanks: set[int] = set()
    grouped_in: list[int] = []
    for place, token in enumerate(tokens):
        if is_op(token, "(", "[", "{set", "{"):
            brackets.append(place if token.text != "{" else -1)
        elif is_op(token, ")", "]", "set}", "}") and len(brackets) > 1:
            brackets.pop()
        elif is_op(token, ",") and place + 1 < len(tokens) and tokens[place + 1].spaced:
            blanks.add(brackets[-1])
        elif token.kind == "grouped":
            grouped_in.append(brackets[-1])
            if _unspaced_neighbour(tokens, place):
                return True
    return any(bracket >= 0 and bracket not in blanks for bracket in grouped_in)


def _unspaced_neighbour(tokens: list[Token], place: int) -> bool:
    after = tokens[place + 1 : place + 3]
    if len(after) == 2 and is_op(after[0], ",") and after[1].kind in ("num", "grouped") and not after[1].spaced:
        return True
    before = tokens[max(0, place - 2) : place]
    return len(before) == 2 and is_op(before[1], ",") and before[0].kind == "num" and not tokens[place].spaced
