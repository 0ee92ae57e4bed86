"""Small changes of a program that may make it wrong: one place, a few characters. What they do is proved elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reward_kit.controls.code.syntax import parsed

#: The operators, the most telling first.
OPERATORS = ("off_by_one", "comparison", "operator", "constant", "negated_condition", "other_function")
_COMPARED = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
}
_COMPUTED = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
}
#: Functions and methods, and what takes as much and gives the like.
_FUNCTIONS = {"min": "max", "any": "all", "lower": "upper", "find": "rfind", "lstrip": "rstrip", "floor": "ceil"}
_FUNCTIONS |= {other: name for name, other in _FUNCTIONS.items()}
#: Arguments behind which " - 1" binds to the whole.
_BINDS = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.BinOp)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed program; `cost` is the number of characters that went or came, `loops` is true within a while loop.

    What changes in a while loop may never end.
    """

    operator: str
    program: str
    cost: int
    loops: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the tree a node stands."""

    parent: ast.AST | None = None
    grandparent: ast.AST | None = None
    loops: bool = False

    def below(self, node: ast.AST) -> _Place:
        return _Place(node, self.parent, self.loops or isinstance(node, ast.While))

    @property
    def counts(self) -> bool:
        """True where a number is an index, the end of a slice, or what range is given."""
        around = [node for node in (self.parent, self.grandparent) if node is not None]
        if isinstance(self.parent, ast.Constant | ast.BinOp):
            around = around[:1]
        return any(isinstance(node, (ast.Subscript, ast.Slice)) or _is_range(node) for node in around)


def mutants(program: str) -> Iterator[Mutant]:
    """Every small change of a program, in the order of its text; none where it does not parse."""
    tree = parsed(program)
    if tree is None:
        return
    source = _Source(program)
    seen = {program}
    for node, place in _sites(tree, _Place()):
        for operator, start, end, text in _edits(node, place, source):
            changed = source.changed(start, end, text)
            if changed not in seen:
                seen.add(changed)
                yield Mutant(operator, changed, _cost(source.text(start, end), text), place.loops)


class _Source:
    """Program text by the byte offsets that ast counts in."""

    def __init__(self, program: str) -> None:
        self._bytes = program.encode("utf-8", "surrogatepass")
        lines = self._bytes.splitlines(keepends=True)
        self._starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]

    def start(self, node: ast.expr) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr) -> int:
        return self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def text(self, start: int, end: int) -> str:
        return self._bytes[start:end].decode("utf-8", "surrogatepass")

    def changed(self, start: int, end: int, text: str) -> str:
        return self.text(0, start) + text + self.text(end, len(self._bytes))


def _sites(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Nodes to change, parents first; no annotations, docstrings, f-strings (3.11 misplaces their parts) or guards."""
    yield node, place
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list") or isinstance(node, (ast.JoinedStr, ast.Match)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield from _sites(child, place.below(node))


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "__name__"


#: An operator, the place of the text that goes, and what comes.
_Edit = tuple[str, int, int, str]


def _edits(node: ast.AST, place: _Place, source: _Source) -> Iterator[_Edit]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _between("comparison", _COMPARED.get(type(node.ops[0])), node.left, node.comparators[0], source)
    elif isinstance(node, ast.BinOp):
        yield from _between("operator", _COMPUTED.get(type(node.op)), node.left, node.right, source)
    elif isinstance(node, ast.BoolOp):
        yield from _between("operator", _COMPUTED.get(type(node.op)), node.values[0], node.values[1], source)
    elif isinstance(node, ast.Call) and _is_range(node) and node.args:
        last = node.args[min(len(node.args), 2) - 1]
        if isinstance(last, _BINDS):
            yield "off_by_one", source.end(last), source.end(last), " - 1"
    elif isinstance(node, (ast.If, ast.IfExp)) and not _is_left_alone(node.test):
        start, end = source.start(node.test), source.end(node.test)
        yield "negated_condition", start, end, f"not ({source.text(start, end)})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        start, end = source.start(node), source.start(node.operand)
        if source.text(start, end).strip() in ("-", "not"):  # no bracket goes with the sign
            yield "operator" if isinstance(node.op, ast.USub) else "negated_condition", start, end, ""
    elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(place.parent, ast.Call):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if place.parent.func is node and name in _FUNCTIONS:
            yield "other_function", source.end(node) - len(name), source.end(node), _FUNCTIONS[name]
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node, place, source)


def _between(
    operator: str, words: tuple[str, str] | None, left: ast.expr, right: ast.expr, source: _Source
) -> Iterator[_Edit]:
    """The operator sign between two operands, where nothing but blanks and brackets stands there."""
    if words is None:
        return
    start = source.end(left)
    gap = source.text(start, source.start(right))
    if match := re.fullmatch(rf"(?P<before>[\s)\\]*){re.escape(words[0])}[\s(\\]*", gap):
        yield operator, start + len(match["before"]), start + len(match["before"]) + len(words[0]), words[1]


def _of_constant(node: ast.Constant, place: _Place, source: _Source) -> Iterator[_Edit]:
    start, end = source.start(node), source.end(node)
    value = node.value
    if isinstance(value, bool):
        yield "constant", start, end, str(not value)
    elif isinstance(value, (int, float)) and abs(value) < 1e18:
        yield "off_by_one" if place.counts and isinstance(value, int) else "constant", start, end, repr(value + 1)
    elif isinstance(value, str) and source.text(start, end) in (f"'{value}'", f'"{value}"'):
        yield "constant", start + 1, end - 1, _other_text(value)


def _other_text(text: str) -> str:
    """The text with another last character."""
    if not text:
        return "x"
    last = text[-1]
    if last.isascii() and last.isalnum() and last not in "9zZ":
        return text[:-1] + chr(ord(last) + 1)
    return text[:-1] + ("0" if last == "9" else "a" if last != "a" else "b")


def _is_range(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def _cost(gone: str, come: str) -> int:
    """Characters that went or came, beside what both begin and end with."""
    while gone and come and gone[0] == come[0]:
        gone, come = gone[1:], come[1:]
    while gone and come and gone[-1] == come[-1]:
        gone, come = gone[:-1], come[:-1]
    return len(gone) + len(come)
