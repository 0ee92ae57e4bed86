"""Reads equations, inequalities, memberships, congruences and approximations."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from reward_kit.rewards._math.answers import (
    Answer,
    Approximation,
    Chain,
    Congruence,
    Equation,
    Inequality,
    Interval,
    Listing,
    Named,
    Quantity,
    RealSet,
    SetOf,
)
from reward_kit.rewards._math.exact import rational
from reward_kit.rewards._math.expression import INFINITY, Expr, neg, symbols
from reward_kit.rewards._math.names import Name, read_name
from reward_kit.rewards._math.parser import parse
from reward_kit.rewards._math.realsets import as_real_set, intersection
from reward_kit.rewards._math.scan import Tokens, depth_change, is_cmd, is_op, need
from reward_kit.rewards._math.tokens import Token, Unreadable

# Reads a part of the answer: it may be any answer again. reading.py hands it down.
Read = Callable[[Tokens], Answer]
_ORDER = frozenset(("lt", "gt", "le", "ge"))


def relation_of(token: Token) -> str:
    """The relation a token stands for, or an empty text."""
    if is_op(token, "="):
        return "="
    return token.text if is_cmd(token, "lt", "gt", "le", "ge", "ne", "approx", "equiv", "in") else ""


def split_relations(tokens: Tokens) -> tuple[list[list[Token]], list[str]]:
    """The sides of a relation and the signs between them."""
    sides: list[list[Token]] = [[]]
    signs: list[str] = []
    depth = 0
    for token in tokens:
        depth += depth_change(token)
        sign = relation_of(token) if depth <= 0 else ""
        if sign:
            sides.append([])
            signs.append(sign)
        else:
            sides[-1].append(token)
    return sides, signs


def read_relation(tokens: Tokens, read: Read) -> Answer:
    """The answer that a relation states.

    Raises:
        Unreadable: where its sides cannot be read.
    """
    sides, signs = split_relations(tokens)
    if "approx" in signs:
        place = signs.index("approx")
        need(place + 1 == len(signs) and bool(sides[place]), "an approximation sign stands alone")
        exact = _joined(sides[: place + 1], signs[:place], tokens)
        return Approximation(read(exact), read(sides[place + 1]))
    need(all(sides), "a side of the relation is empty")
    if set(signs) == {"="}:
        return _equation(sides, read)
    if signs[0] == "equiv" and len(signs) == 1:
        return _congruence(sides[0], sides[1])
    if signs == ["in"]:
        return _membership(sides[0], sides[1], read)
    if signs == ["ne"]:
        return _exclusion(sides[0], sides[1])
    if set(signs) <= _ORDER and len(signs) <= 2:
        return _order(sides, signs)
    if signs[0] == "=" and set(signs[1:]) <= _ORDER | {"in"}:
        raise Unreadable("an equation and an inequality in one")
    raise Unreadable("the relation signs do not fit together")


def _joined(sides: list[list[Token]], signs: list[str], tokens: Tokens) -> Tokens:
    """The tokens of the first sides, relation signs included."""
    length = sum(len(side) for side in sides) + len(signs)
    return tokens[:length]


# -------------------------------------------------------------------------------------------------- equations
def _equation(sides: list[list[Token]], read: Read) -> Answer:
    names: list[Name] = []
    while len(sides) > 1 and (name := read_name(sides[0])) is not None:
        names.append(name)
        sides = sides[1:]
    if not names and len(sides) == 2 and (name := read_name(sides[1])) is not None and not name.bound:
        names, sides = [name], sides[:1]
    value = read(sides[0]) if len(sides) == 1 else _chain(sides, read, bool(names))
    if not names:
        return value
    if len(names) == 1:
        return Named(names[0].parts, value, names[0].bound)
    return Named(("=".join("".join(name.parts) for name in names),), value)


def _chain(sides: list[list[Token]], read: Read, named: bool) -> Answer:
    """2 + 3 = 5 states one value in several forms; y^2 = x^3 - 1 is an equation."""
    values = [read(side) for side in sides]
    quantities = [value for value in values if isinstance(value, Quantity)]
    if not named and len(sides) == 2 and len(quantities) == 2 and any(symbols(value.expr) for value in quantities):
        return Equation(quantities[0].expr, quantities[1].expr)
    return Chain(tuple(values))


def _congruence(left: Tokens, right: Tokens) -> Congruence:
    place = next((k for k, token in enumerate(right) if is_cmd(token, "pmod", "mod")), -1)
    need(place > 0, "a congruence without modulus")
    start = place - 1 if is_op(right[place - 1], "(") else place
    modulus = rational(parse([token for token in right[place + 1 :] if not is_op(token, "{", "}", "(", ")")]))
    if modulus is None or modulus.denominator != 1 or modulus == 0:
        raise Unreadable("the modulus is no whole number")
    return Congruence(parse(left), parse(right[:start]), Fraction(modulus))


# ----------------------------------------------------------------------------------------------------- order
def _membership(left: Tokens, right: Tokens, read: Read) -> Answer:
    name = read_name(left)
    if name is None:
        raise Unreadable("what is a member has no name")
    value = read(right)
    as_set = as_real_set(value)
    if as_set is not None:
        return RealSet(as_set.parts, name.parts[0] if len(name.parts) == 1 else "")
    need(isinstance(value, (SetOf, Listing)), "what follows the membership sign is no set")
    return Named(name.parts, value)


def _exclusion(left: Tokens, right: Tokens) -> Answer:
    name = read_name(left)
    if name is None or len(name.parts) != 1 or name.bound:
        raise Unreadable("an inequality sign (not equal) without a variable")
    excluded = parse(right)
    below = Interval(neg(INFINITY), excluded, True, True)
    return RealSet((below, Interval(excluded, INFINITY, True, True)), name.parts[0])


def _order(sides: list[list[Token]], signs: list[str]) -> Answer:
    terms = [parse(side) for side in sides]
    if any(sign in ("gt", "ge") for sign in signs):
        need(all(sign in ("gt", "ge") for sign in signs), "inequality signs in both directions")
        terms, signs = terms[::-1], signs[::-1]
    strict = [sign in ("lt", "gt") for sign in signs]
    if len(terms) == 3:
        return _between(terms, strict)
    return _one_sided(terms[0], terms[1], strict[0])


def _between(terms: list[Expr], strict: list[bool]) -> Answer:
    low, middle, high = terms
    if middle.op == "sym" and middle.name not in symbols(low) | symbols(high):
        return RealSet((Interval(low, high, strict[0], strict[1]),), middle.name)
    first, second = _one_sided(low, middle, strict[0]), _one_sided(middle, high, strict[1])
    if isinstance(first, RealSet) and isinstance(second, RealSet):
        both = intersection(first, second)
        if both is not None:
            return both
    return Listing((first, second))


def _one_sided(low: Expr, high: Expr, strict: bool) -> Answer:
    """low < high (or <=), solved where one side is a variable or its absolute value."""
    if high.op == "sym" and high.name not in symbols(low):
        return RealSet((Interval(low, INFINITY, strict, True),), high.name)
    if low.op == "sym" and low.name not in symbols(high):
        return RealSet((Interval(neg(INFINITY), high, True, strict),), low.name)
    if low.op == "abs" and low.args[0].op == "sym" and _positive(high):
        return RealSet((Interval(neg(high), high, strict, strict),), low.args[0].name)
    if high.op == "abs" and high.args[0].op == "sym" and _positive(low):
        below, above = Interval(neg(INFINITY), neg(low), True, strict), Interval(low, INFINITY, strict, True)
        return RealSet((below, above), high.args[0].name)
    return Inequality(low, high, strict)


def _positive(expr: Expr) -> bool:
    value = rational(expr)
    return value is not None and value > 0
