"""Looks at token sequences: brackets, splitting at top level, outer groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reward_kit.rewards._math.tokens import Token, Unreadable

Tokens = Sequence[Token]

_OPENING = frozenset(("(", "[", "{", "{set", "lfloor", "lceil", "langle", "begin"))
_CLOSING = frozenset((")", "]", "}", "set}", "rfloor", "rceil", "rangle", "end"))
_PAIRS = {"{": "}", "{set": "set}", "langle": "rangle"}
# Two brackets of any kind may bound an interval: (0,1], [0,1[ and ]0,1[ too.
_BRACKETS = frozenset("()[]")
_TRAILING = frozenset((".", ",", ";", "\\", ":", "newline"))


def is_op(token: Token, *texts: str) -> bool:
    """True for one of these signs."""
    return token.kind == "op" and token.text in texts


def is_cmd(token: Token, *texts: str) -> bool:
    """True for one of these commands."""
    return token.kind == "cmd" and token.text in texts


def is_word(token: Token, *texts: str) -> bool:
    """True for one of these words, in any case."""
    return token.kind == "word" and token.text.lower() in texts


def depth_change(token: Token) -> int:
    """+1 for an opening bracket, -1 for a closing one."""
    if token.kind not in ("op", "cmd"):
        return 0
    return (token.text in _OPENING) - (token.text in _CLOSING)


def split_top(tokens: Tokens, separates: Callable[[Token], bool]) -> list[list[Token]]:
    """The pieces between separators that stand outside of all brackets."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += depth_change(token)
        if depth <= 0 and separates(token):
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


def any_top(tokens: Tokens, wanted: Callable[[Token], bool]) -> bool:
    """True where a wanted token stands outside of all brackets."""
    depth = 0
    for token in tokens:
        depth += depth_change(token)
        if depth <= 0 and wanted(token):
            return True
    return False


def is_balanced(tokens: Tokens) -> bool:
    """True where every bracket inside closes inside."""
    depth = 0
    for token in tokens:
        depth += depth_change(token)
        if depth < 0:
            return False
    return depth == 0


def outer_group(tokens: Tokens) -> tuple[str, list[Token], str] | None:
    """Opening sign, content and closing sign where one pair of brackets holds everything."""
    if len(tokens) < 2 or tokens[0].kind not in ("op", "cmd") or tokens[-1].kind not in ("op", "cmd"):
        return None
    opening, closing = tokens[0].text, tokens[-1].text
    fits = _PAIRS.get(opening) == closing or (opening in _BRACKETS and closing in _BRACKETS)
    inside = list(tokens[1:-1])
    if not fits or not is_balanced(inside):
        return None
    if (opening in ")]" or closing in "([") and len(split_top(inside, is_comma)) != 2:
        return None  # brackets turned outward bound an interval only
    return opening, inside, closing


def is_comma(token: Token) -> bool:
    """True for the signs between the items of a list."""
    return is_op(token, ",", ";")


def trimmed(tokens: Tokens) -> list[Token]:
    """Without closing punctuation and without braces around everything."""
    start, end = 0, len(tokens)
    while start < end:
        if is_op(tokens[end - 1], *_TRAILING) or is_op(tokens[start], "newline", ","):
            if is_op(tokens[end - 1], *_TRAILING):
                need(
                    end < 2 or not is_op(tokens[end - 1], ".") or not is_op(tokens[end - 2], "."),
                    "it ends in dots",
                )
                end -= 1
            else:
                start += 1
            continue
        if is_op(tokens[start], "{") and is_op(tokens[end - 1], "}") and _plain_group(tokens[start + 1 : end - 1]):
            start, end = start + 1, end - 1
            continue
        break
    return list(tokens[start:end])


def _plain_group(inside: Tokens) -> bool:
    return is_balanced(inside) and not any_top(inside, lambda token: is_cmd(token, "choose", "over"))


def strip_braces(text: str) -> str:
    """The text without outer braces, however many, in linear time."""
    text = text.strip()
    lead = len(text) - len(text.lstrip("{"))
    trail = len(text) - len(text.rstrip("}"))
    strip = min(lead, trail)
    if not strip or (text.endswith("\\}") and strip == 1):
        return text
    middle = text[strip : len(text) - strip]
    depth = 0
    for sign in middle:
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return text
    return text if depth or "\\choose" in middle or "\\over" in middle else middle.strip()


def name_of(tokens: Tokens) -> str:
    """The tokens as a plain text that names something."""
    return "".join(token.text for token in tokens if not is_op(token, "{", "}"))


def need(condition: bool, message: str) -> None:
    """Raise Unreadable unless the condition holds."""
    if not condition:
        raise Unreadable(message)
