"""Names on the left of an equality sign: x, x_1, f(x), (x, y), angle ABC, "Area", P(A)."""

from __future__ import annotations

from dataclasses import dataclass

from reward_kit.rewards._math.scan import Tokens, is_cmd, is_comma, is_op, name_of, outer_group, split_top
from reward_kit.rewards._math.tokens import Token
from reward_kit.rewards._math.words import changes_value

_NAME_COMMANDS = frozenset(
    "angle triangle overline overrightarrow vec hat widehat tilde bar measuredangle max min ell degree mathring "
    "operatorname parallel perp deg lim gcd lcm det dim rank tr".split()
)
_ANSWER_LABEL = frozenset("the my our final correct answer".split())
_NO_VARIABLE = frozenset(("e", "i"))


@dataclass(frozen=True, slots=True)
class Name:
    """One or several names, and the variables that a function definition binds."""

    parts: tuple[str, ...]
    bound: tuple[str, ...] = ()


def read_name(tokens: Tokens) -> Name | None:
    """The name that the tokens are, or None where they are an expression."""
    if (
        not tokens
        or is_op(tokens[0], "}")
        or (any(token.kind == "word" and changes_value(token.text) for token in tokens) and not _says_answer(tokens))
    ):
        return None
    if is_op(tokens[0], "#") and len(tokens) > 1:
        counted = read_name(tokens[1:])  # the number of elements
        return Name(tuple(f"#{part}" for part in counted.parts)) if counted is not None else None
    if is_op(tokens[-1], "'"):
        return None  # a value of a derivative is not the value of the variable
    tokens = [token for token in tokens if not is_op(token, "'")]
    group = outer_group(tokens)
    if group is not None and group[0] == "(":
        return _tuple_of_names(group[1])
    if _is_variable(tokens) or _is_inverse(tokens):
        return Name((name_of(tokens),))
    if len(tokens) > 3 and tokens[0].kind == "sym" and is_op(tokens[-1], ")"):
        return _applied(tokens)
    if any(token.kind == "word" for token in tokens) or is_cmd(tokens[0], *_NAME_COMMANDS):
        return Name((name_of(tokens).lower(),)) if all(_may_name(token) for token in tokens) else None
    if len(tokens) > 1 and all(token.kind == "sym" and token.text.isupper() for token in tokens):
        return Name((name_of(tokens),))  # a segment or a triangle: AB, ABC
    return None


def _says_answer(tokens: Tokens) -> bool:
    """ "Answer", "The final answer": a label that changes nothing, though "not the answer" does."""
    return all(token.kind == "word" and token.text.lower() in _ANSWER_LABEL for token in tokens)


def _tuple_of_names(inside: Tokens) -> Name | None:
    pieces = split_top(inside, is_comma)
    names = [read_name(piece) for piece in pieces]
    if len(names) < 2 or any(name is None or len(name.parts) != 1 for name in names):
        return None
    bound = next((name.bound for name in names if name is not None and name.bound), ())
    return Name(tuple(name.parts[0] for name in names if name is not None), bound)


def _is_variable(tokens: Tokens) -> bool:
    first, rest = tokens[0], tokens[1:]
    if first.kind != "sym" or first.text in _NO_VARIABLE:
        return False
    if not rest:
        return True
    subscript = is_op(rest[0], "_") and (
        len(rest) == 2 or (len(rest) > 3 and is_op(rest[1], "{") and is_op(rest[-1], "}"))
    )
    return subscript and all(not is_op(token, "^") for token in rest)


def _is_inverse(tokens: Tokens) -> bool:
    """A^{-1} and A^T of a matrix A: names of another matrix."""
    power = [token.text for token in tokens[1:] if not is_op(token, "{", "}")]
    return tokens[0].kind == "sym" and tokens[0].text.isupper() and power in (["^", "-", "1"], ["^", "T"], ["^", "top"])


def _applied(tokens: Tokens) -> Name | None:
    opening = next((k for k, token in enumerate(tokens) if is_op(token, "(")), 0)
    group = outer_group(tokens[opening:]) if opening else None
    if group is None or not _is_variable(tokens[:opening]):
        return None
    arguments = split_top(group[1], is_comma)
    head = name_of(tokens[:opening])
    if all(len(argument) == 1 and argument[0].kind == "sym" for argument in arguments) and not head[0].isupper() | (
        head[0] == "P"
    ):
        return Name((head,), tuple(argument[0].text for argument in arguments))
    if head[0].islower() and head[0] not in "fghpqruvyTaS" and any(token.kind != "num" for token in group[1]):
        return None  # a(b+c) is a product
    if head[0].isupper() and all(
        len(argument) == 1 and argument[0].kind == "sym" and argument[0].text.islower() for argument in arguments
    ):
        return Name((head,), tuple(argument[0].text for argument in arguments))
    return Name((name_of(tokens),))


def _may_name(token: Token) -> bool:
    if token.kind in ("word", "sym", "num"):
        return True
    return (token.kind == "cmd" and token.text in _NAME_COMMANDS | {"cup", "cap"}) or is_op(
        token, "(", ")", "_", "{", "}", ",", "|", "-", ".", "'"
    )
