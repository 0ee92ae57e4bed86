r"""LaTeX as tokens: what only changes how an answer is set, and where its brackets, commas and relations stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: A grouped number is one token, so that the answers "3, 125" are never taken for the number 3,125.
_TOKEN = re.compile(r"\\\\|\\[a-zA-Z]+|\\.|\d{1,3}(?:,\d{3})+(?!\d)|\d+|\s+|.", re.DOTALL)
_SAME_FRACTION = {"\\dfrac": "\\frac", "\\tfrac": "\\frac"}
#: Commands that set size, style or space and leave the mathematics alone.
_RENDERING = frozenset(
    [
        "\\left",
        "\\right",
        "\\displaystyle",
        "\\textstyle",
        "\\,",
        "\\;",
        "\\:",
        "\\!",
        "\\ ",
        "\\quad",
        "\\big",
        "\\Big",
    ]
)
_OPEN, _CLOSE = frozenset(["(", "[", "\\{", "{"]), frozenset([")", "]", "\\}", "}"])


def tokens(text: str) -> list[str]:
    """The tokens of a text, without blanks and without what only changes how it is set."""
    found = (_SAME_FRACTION.get(token, token) for token in spelt(text))
    return [token for token in found if not token.isspace() and token not in _RENDERING]


def spelt(text: str) -> list[str]:
    """All tokens of a text: joined, they are the text."""
    return _TOKEN.findall(text)


def written(parts: Sequence[str]) -> str:
    """Tokens as text again; a blank keeps a command from running into a letter, and a number into another."""
    text = ""
    for part in parts:
        runs_on = (part[0].isalpha() and re.search(r"\\[a-zA-Z]+$", text)) or (
            part[0].isdigit() and text[-1:].isdigit()
        )
        text += f" {part}" if runs_on else part
    return text


_CHOICE = re.compile(r"\(?([A-Z])\)?|\\(?:text|mathrm|textbf|mathbf)\{\(?([A-Z])\)?\}")


def choice_of(text: str) -> str | None:
    """The letter of a multiple-choice answer: B, (B), \\text{B}."""
    match = _CHOICE.fullmatch(text.strip())
    return (match[1] or match[2]) if match else None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text between separators, as tokens, and the separator before it ("" for the first)."""

    separator: str
    parts: tuple[str, ...]


def split(parts: Sequence[str], separators: frozenset[str]) -> list[Piece]:
    """Cut at separators that stand outside of all brackets, braces and environments."""
    pieces, current, before, depth = [], list[str](), "", 0
    for part in parts:
        depth += (part in _OPEN or part == "\\begin") - (part in _CLOSE or part == "\\end")
        if depth == 0 and part in separators:
            pieces.append(Piece(before, tuple(current)))
            before, current = part, []
        else:
            current.append(part)
    return [*pieces, Piece(before, tuple(current))]


def enclosed(parts: Sequence[str]) -> tuple[str, str] | None:
    """The bracket that opens a text and the one that closes it, if they belong together; braces of LaTeX are none."""
    if len(parts) < 2 or parts[0] not in _OPEN - {"{"} or parts[-1] not in _CLOSE - {"}"}:
        return None
    depth = 0
    for place, part in enumerate(parts):
        depth += (part in _OPEN) - (part in _CLOSE)
        if depth == 0 and place < len(parts) - 1:
            return None
    return (parts[0], parts[-1]) if depth == 0 else None


def matrix_of(parts: Sequence[str]) -> tuple[str, list[list[tuple[str, ...]]]] | None:
    r"""The environment and the entries of `\begin{pmatrix} ... \end{pmatrix}`, row by row."""
    text = "".join(parts)
    match = re.fullmatch(r"\\begin\{([pbvB]?matrix)\}.*\\end\{\1\}", text, re.DOTALL)
    if not match or text.count("\\begin") != 1:
        return None
    name = len(match[1]) + 2
    inner = parts[1 + name : -1 - name]
    rows = [piece.parts for piece in split(inner, frozenset(["\\\\"])) if piece.parts]
    return match[1], [[piece.parts for piece in split(row, frozenset(["&"]))] for row in rows]


_TEXT = re.compile(r"\\(?:text|mathrm|textrm|mbox|begin|end|operatorname)\s*\{[^{}]*\}(?:\s*\^\s*\{?\d\}?)?")
_LITERAL = re.compile(r"\d+(?:\.\d+)?")


def literals(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every number in a text; not those in words, units, subscripts and exponents without braces."""
    words = [match.span() for match in _TEXT.finditer(text)]
    for match in _LITERAL.finditer(text):
        inside = any(start <= match.start() < end for start, end in words)
        if not inside and not re.search(r"_\s*\{?$|\^\s*$", text[: match.start()]):
            yield match.span()
