"""Reads lists, tuples, sets, unions of intervals and matrices."""

from __future__ import annotations

import itertools

from reward_kit.rewards._math.answers import (
    Answer,
    Bracketed,
    Equation,
    Interval,
    Listing,
    Named,
    Quantity,
    RealSet,
    SetOf,
    Words,
)
from reward_kit.rewards._math.expression import INFINITY, Expr, choose_signs, contains, neg
from reward_kit.rewards._math.read_relations import Read, split_relations
from reward_kit.rewards._math.realsets import as_real_set, complement, intersection
from reward_kit.rewards._math.scan import Tokens, any_top, is_cmd, is_comma, is_op, is_word, need, split_top, trimmed
from reward_kit.rewards._math.tokens import Token, Unreadable
from reward_kit.rewards._math.words import key_of

_MOST_ITEMS = 5_000
_WHOLE_NUMBERS = frozenset(("setZ", "setN"))


# ------------------------------------------------------------------------------------------------------ lists
def joins(token: Token) -> bool:
    """True for what joins the items of a list."""
    return (
        is_comma(token) or is_op(token, "newline") or is_word(token, "and", "or", "nor") or is_cmd(token, "land", "lor")
    )


def read_listing(tokens: Tokens, read: Read) -> Answer:
    """Items joined by commas, "and", "or"; conditions on one variable become one set."""
    choice = any_top(tokens, lambda token: is_word(token, "or") or is_cmd(token, "lor"))
    groups = _solution_groups(tokens, read)
    if groups is not None:
        return Listing(groups, choice)
    together = any_top(tokens, lambda token: is_word(token, "and") or is_cmd(token, "land"))
    pieces = [piece for piece in split_top(tokens, joins) if trimmed(piece)]
    need(0 < len(pieces) <= _MOST_ITEMS, "an empty or endless list")
    conditions = [piece for piece in pieces if _is_condition(piece)]
    if conditions and all(_occurs(piece[0], pieces) for piece in conditions):
        pieces = [piece for piece in pieces if not _is_condition(piece)] or pieces
    if any_top(tokens, lambda token: is_cmd(token, "land", "lor")) and not any(split_relations(p)[1] for p in pieces):
        return Words(_logic_key(tokens, pieces))
    items = [read(piece) for piece in _with_order_context(pieces)]
    if len(items) == 1:
        return items[0]
    if all(isinstance(item, RealSet) for item in items):
        combined = _conditions([item for item in items if isinstance(item, RealSet)], choice, together)
        if combined is not None:
            return combined
    return Listing(tuple(_flat(items)), choice)


def _logic_key(tokens: Tokens, pieces: list[list[Token]]) -> str:
    """The form of a formula of logic; where one sign joins all its parts, their order does not count."""
    for sign in ("land", "lor"):
        if all(is_cmd(token, sign) for token in tokens if joins(token)):
            return f" {sign} ".join(sorted({key_of(trimmed(piece)) for piece in pieces}))
    return key_of(tokens)


def _solution_groups(tokens: Tokens, read: Read) -> tuple[Answer, ...] | None:
    """x = 1, y = 2; x = 2, y = 1 (or with "or"): each group is one solution, a tuple of named values."""
    pieces = split_top(tokens, lambda token: is_op(token, ";") or is_word(token, "or") or is_cmd(token, "lor"))
    if len(pieces) < 2 or not all(any_top(piece, joins) for piece in pieces):
        return None
    groups = []
    for piece in pieces:
        items = read(piece)
        if not isinstance(items, Listing) or not all(
            isinstance(item, Named) and len(item.names) == 1 for item in items.items
        ):
            return None
        named = sorted((item for item in items.items if isinstance(item, Named)), key=lambda item: item.names)
        values = Bracketed("(", tuple(item.value for item in named), ")")
        groups.append(Named(tuple(item.names[0] for item in named), values))
    return tuple(groups)


def _is_condition(piece: Tokens) -> bool:
    """`k in Z` beside an answer says what k stands for; it is no answer of its own."""
    return len(piece) >= 3 and is_cmd(piece[1], "in") and piece[0].kind == "sym" and piece[2].text in _WHOLE_NUMBERS


def without_membership(body: list[Token]) -> list[Token]:
    r"""Without "(k \in Z)" or "for k \in Z" at the end, which says what k stands for."""
    tail = body[:-1] if len(body) > 5 and is_op(body[-1], ")") else body
    if len(tail) < 5 or tail[-1].text not in _WHOLE_NUMBERS or not is_cmd(tail[-2], "in") or tail[-3].kind != "sym":
        return body
    lead, rest = tail[-4], tail[:-4]
    introduced = is_op(lead, "(") if tail is not body else is_word(lead, "for")
    return trimmed(rest) if introduced and any(token.text == tail[-3].text for token in rest) else body


def _occurs(variable: Token, pieces: list[list[Token]]) -> bool:
    return any(token.text == variable.text for piece in pieces if not _is_condition(piece) for token in piece)


def _with_order_context(pieces: list[list[Token]]) -> list[list[Token]]:
    """`x != 1, 2`: the variable and the sign hold for every item."""
    first, signs = split_relations(pieces[0])
    if signs == ["ne"] and all(not split_relations(piece)[1] for piece in pieces[1:]):
        head = pieces[0][: len(first[0]) + 1]
        return [pieces[0], *([*head, *piece] for piece in pieces[1:])]
    return _with_modulus(pieces, first[0], signs)


def _with_modulus(pieces: list[list[Token]], left: Tokens, signs: list[str]) -> list[list[Token]]:
    """`n = 1, 5 (mod 6)` with the sign of congruence: the sign and the modulus hold for every item."""
    place = next((k for k, token in enumerate(pieces[-1]) if is_cmd(token, "pmod", "mod")), 0)
    others = any(is_cmd(token, "pmod", "mod") for piece in pieces[:-1] for token in piece)
    if signs == ["equiv"] and place and not others and not any(split_relations(piece)[1] for piece in pieces[1:]):
        if is_op(pieces[-1][place - 1], "("):
            place -= 1
        head, modulus = pieces[0][: len(left) + 1], pieces[-1][place:]
        values = [pieces[0][len(head) :], *pieces[1:-1], pieces[-1][:place]]
        return [[*head, *value, *modulus] for value in values]
    return pieces


def _conditions(items: list[RealSet], choice: bool, together: bool) -> RealSet | None:
    """Several inequalities for one variable: joined by "or" a union, by "and" an intersection.

    A comma means "and" too, unless nothing satisfies both: "x < 1, x > 3".
    """
    if len({item.variable for item in items}) != 1 or not items[0].variable:
        return None
    union = RealSet(tuple(part for item in items for part in item.parts), items[0].variable)
    if choice:
        return union
    both: RealSet | None = items[0]
    for item in items[1:]:
        both = intersection(both, item) if both is not None else None
    return union if both is not None and not both.parts and not together else both


def _flat(items: list[Answer]) -> list[Answer]:
    return [inner for item in items for inner in (item.items if isinstance(item, Listing) else (item,))]


# ------------------------------------------------------------------------------------------------- plus-minus
def without_plus_minus(answer: Answer) -> Answer:
    """Every plus-minus written out: the two values, or all sign combinations of a tuple's items."""
    if isinstance(answer, Quantity) and contains(answer.expr, "pm", "mp"):
        plus, minus = (Quantity(choose_signs(answer.expr, sign), answer.unit, answer.power) for sign in (1, -1))
        return Listing((plus, minus))
    if isinstance(answer, Equation) and (contains(answer.left, "pm", "mp") or contains(answer.right, "pm", "mp")):
        return Listing(tuple(Equation(choose_signs(answer.left, s), choose_signs(answer.right, s)) for s in (1, -1)))
    if isinstance(answer, Named):
        return Named(answer.names, without_plus_minus(answer.value), answer.bound)
    if isinstance(answer, Listing):
        return Listing(tuple(_flat([without_plus_minus(item) for item in answer.items])), answer.choice)
    if isinstance(answer, SetOf):
        return SetOf(tuple(_flat([without_plus_minus(item) for item in answer.items])))
    if isinstance(answer, Bracketed):
        return _expanded_tuple(answer)
    return answer


def _expanded_tuple(answer: Bracketed) -> Answer:
    options = []
    for item in answer.items:
        resolved = without_plus_minus(item)
        options.append(resolved.items if isinstance(resolved, Listing) else (item,))
    combinations = list(itertools.islice(itertools.product(*options), _MOST_ITEMS))
    if len(combinations) == 1:
        return answer
    return Listing(tuple(Bracketed(answer.opening, items, answer.closing) for items in combinations))


# --------------------------------------------------------------------------------------------- sets, brackets
def read_group(opening: str, inside: Tokens, closing: str, read: Read) -> Answer | None:
    """What one pair of brackets holds; None where they only group an expression."""
    if opening == "{set":
        return _read_braces(inside, read)
    pieces = split_top(inside, is_comma)
    if len(pieces) == 1:
        if opening == "langle":
            return Bracketed("(", (read(inside),), ")")
        return read(inside) if (opening, closing) == ("(", ")") else None
    need(all(trimmed(piece) for piece in pieces) and len(pieces) <= _MOST_ITEMS, "an empty item in brackets")
    items = tuple(read(piece) for piece in pieces)
    opening = {"]": "(", "langle": "("}.get(opening, opening)
    closing = {"[": ")", "rangle": ")"}.get(closing, closing)
    return Bracketed(opening, items, closing)


def _read_braces(inside: Tokens, read: Read) -> Answer:
    if not trimmed(inside):
        return SetOf(())
    bar = split_top(inside, lambda token: is_op(token, "|", ":") or is_cmd(token, "mid"))
    if len(bar) == 2 and trimmed(bar[0]) and trimmed(bar[1]):
        condition = read(bar[1])
        if isinstance(condition, RealSet):
            return condition
        raise Unreadable("the condition of the set is not one on a real variable")
    content = read_listing(inside, read)
    return SetOf(content.items if isinstance(content, Listing) else (content,))


def read_union(tokens: Tokens, read: Read) -> Answer:
    r"""Sets joined by \cup, \cap or \setminus."""
    pieces = split_top(tokens, lambda token: is_cmd(token, "cup"))
    if len(pieces) > 1:
        return _union([read(piece) for piece in pieces])
    if is_set_difference(tokens):
        left, *minus = split_top(tokens, lambda token: is_op(token, "-"))
        return _combined("setminus", read(left), read(minus[0]))
    for command in ("cap", "setminus"):
        pieces = _split_at(tokens, command)
        if len(pieces) == 2:
            return _combined(command, read(pieces[0]), read(pieces[1]))
    raise Unreadable("set operations do not fit together")


def _split_at(tokens: Tokens, command: str) -> list[list[Token]]:
    return split_top(tokens, lambda token: is_cmd(token, command))


def is_set_difference(tokens: Tokens) -> bool:
    """True for a minus between two sets."""
    pieces = split_top(tokens, lambda token: is_op(token, "-"))
    return (
        len(pieces) == 2
        and bool(pieces[0])
        and bool(pieces[1])
        and is_op(pieces[1][0], "{set")
        and not is_op(pieces[0][-1], "-")
    )


def _union(items: list[Answer]) -> Answer:
    sets = [as_real_set(item) for item in items]
    if all(item is not None for item in sets):
        return RealSet(tuple(part for item in sets if item is not None for part in item.parts))
    if all(isinstance(item, SetOf) for item in items):
        return SetOf(tuple(inner for item in items if isinstance(item, SetOf) for inner in item.items))
    mixed = [_points_and_intervals(item) for item in items]
    if all(part is not None for part in mixed):
        return RealSet(tuple(interval for part in mixed if part is not None for interval in part.parts))
    raise Unreadable("a union of things that are no sets")


def _points_and_intervals(item: Answer) -> RealSet | None:
    if isinstance(item, SetOf) and all(isinstance(inner, Quantity) for inner in item.items):
        exprs = [inner.expr for inner in item.items if isinstance(inner, Quantity)]
        return RealSet(tuple(Interval(expr, expr, False, False) for expr in exprs))
    return as_real_set(item)


def _combined(command: str, left: Answer, right: Answer) -> Answer:
    a, b = as_real_set(left), as_real_set(right)
    if command == "setminus" and a is not None:
        holes = _points_and_intervals(right) if isinstance(right, SetOf) else None
        if holes is not None:
            return _without_points(a, [part.low for part in holes.parts])
        outside = a if b is not None else None
        for part in b.parts if b is not None else ():
            outside = intersection(outside, complement(part)) if outside is not None else None
        if outside is not None:
            return outside
    result = intersection(a, b) if command == "cap" and a is not None and b is not None else None
    if result is None:
        raise Unreadable("the set operation cannot be carried out exactly")
    return result


def _without_points(real_set: RealSet, holes: list[Expr]) -> RealSet:
    for hole in holes:
        around = RealSet((Interval(neg(INFINITY), hole, True, True), Interval(hole, INFINITY, True, True)))
        narrower = intersection(real_set, around)
        if narrower is None:
            raise Unreadable("the set operation cannot be carried out exactly")
        real_set = RealSet(narrower.parts, real_set.variable)
    return real_set
