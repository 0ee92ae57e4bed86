"""Reads matrices, determinants, and systems written line by line."""

from __future__ import annotations

from reward_kit.rewards._math.answers import Answer, Matrix, Quantity
from reward_kit.rewards._math.expression import Expr, neg, num
from reward_kit.rewards._math.parser import parse
from reward_kit.rewards._math.read_relations import Read, split_relations
from reward_kit.rewards._math.scan import (
    Tokens,
    is_cmd,
    is_op,
    is_word,
    need,
    split_top,
)
from reward_kit.rewards._math.tokens import Token, Unreadable

_MOST_ITEMS = 5_000
_LINES = frozenset(("cases", "aligned", "align", "align*", "gathered", "split", "gather", "dcases", "rcases"))
_MATRICES = frozenset(("pmatrix", "bmatrix", "matrix", "smallmatrix", "array", "Bmatrix"))


def read_matrix(tokens: Tokens, read: Read) -> Answer | None:
    r"""\begin{pmatrix}...\end{pmatrix} with an optional factor in front and a transposition behind."""
    start = next((k for k, token in enumerate(tokens) if is_cmd(token, "begin")), None)
    end = next((k for k in range(len(tokens) - 1, -1, -1) if is_cmd(tokens[k], "end")), None)
    if start is None or end is None or len(tokens) < end + 4:
        return None
    kind = tokens[start + 2].text
    if split_relations(tokens[:start])[1]:
        return None  # M = \begin{pmatrix}...: the relation is read first
    if kind in _LINES or (kind == "array" and start and is_op(tokens[start - 1], "{set")):
        return _read_lines(tokens, start, end, read)
    head, tail = _surroundings(kind, list(tokens[:start]), list(tokens[end + 4 :]))
    rows = _cells(_body(tokens, start, end), read)
    if kind in ("vmatrix", "Vmatrix"):
        need(not head and not tail and kind == "vmatrix", "a determinant within an expression")
        return Quantity(_determinant([[_entry(cell) for cell in row] for row in rows]))
    need(kind in _MATRICES, f"the environment {kind} is not read")
    if tail:
        rows = _transposed(rows, tail)
    if head:
        rows = _scaled(rows, head)
    return Matrix(tuple(tuple(row) for row in rows))


def _surroundings(kind: str, head: list[Token], tail: list[Token]) -> tuple[list[Token], list[Token]]:
    """What stands before and behind a matrix, without the brackets that a bare one is written in."""
    bare = kind in ("array", "matrix", "smallmatrix") and head and tail
    return (head[:-1], tail[1:]) if bare and is_op(head[-1], "(", "[") and is_op(tail[0], ")", "]") else (head, tail)


def _body(tokens: Tokens, start: int, end: int) -> list[Token]:
    r"""What stands between \begin and \end, without an array's column letters."""
    body = list(tokens[start + 4 : end])
    if tokens[start + 2].text == "array" and body and is_op(body[0], "{"):
        return body[next(k for k, token in enumerate(body) if is_op(token, "}")) + 1 :]
    return body


def _transposed(rows: list[list[Answer]], tail: list[Token]) -> list[list[Answer]]:
    signs = [token.text for token in tail if token.text not in "{}"]
    need(signs in (["^", "T"], ["^", "top"]), "signs behind a matrix")
    return [list(column) for column in zip(*rows, strict=True)]


def _scaled(rows: list[list[Answer]], head: list[Token]) -> list[list[Answer]]:
    factor = parse([*head, Token("num", "1", True)]) if is_cmd(head[-1], "cdot", "times") else parse_factor(head)
    return [[Quantity(Expr("mul", (factor, _entry(cell)))) for cell in row] for row in rows]


def _read_lines(tokens: Tokens, start: int, end: int, read: Read) -> Answer:
    """A system of equations, line by line; lines with conditions (a function in pieces) compare row by row."""
    body = _body(tokens, start, end)
    if tokens[start + 2].text == "cases" and any(is_op(token, "&") for token in body):
        # "if x > 0" states the condition x > 0; "otherwise" stays a word
        return Matrix(tuple(tuple(row) for row in _cells(_without_if(body), read)))
    return read([token for token in body if not is_op(token, "&")])


def _without_if(body: list[Token]) -> list[Token]:
    pairs = zip([None, *body], body, strict=False)
    return [
        token for before, token in pairs if not (before and is_op(before, "&") and is_word(token, "if", "for", "when"))
    ]


def parse_factor(head: list[Token]) -> Expr:
    """The factor in front of a matrix; a lone minus is -1."""
    return num(-1) if len(head) == 1 and is_op(head[0], "-") else parse(head)


def _cells(body: list[Token], read: Read) -> list[list[Answer]]:
    rows = [row for row in split_top(body, lambda token: is_op(token, "newline")) if row]
    cells = [[read(cell) for cell in split_top(row, lambda token: is_op(token, "&"))] for row in rows]
    need(bool(cells) and len({len(row) for row in cells}) == 1, "the rows of the matrix differ in length")
    need(sum(len(row) for row in cells) <= _MOST_ITEMS, "the matrix is too large")
    return cells


def _entry(cell: Answer) -> Expr:
    if not isinstance(cell, Quantity) or cell.unit:
        raise Unreadable("a matrix entry is no number")
    return cell.expr


def _determinant(rows: list[list[Expr]]) -> Expr:
    need(len(rows) == len(rows[0]) and len(rows) <= 4, "a determinant of more than four rows, or not square")
    if len(rows) == 1:
        return rows[0][0]
    terms = []
    for column, entry in enumerate(rows[0]):
        minor = _determinant([[*row[:column], *row[column + 1 :]] for row in rows[1:]])
        term = Expr("mul", (entry, minor))
        terms.append(neg(term) if column % 2 else term)
    return Expr("add", tuple(terms))
