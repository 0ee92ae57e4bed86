"""What a module imports, read from its syntax tree: nothing is executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: What `except` may name for an import to be optional.
_CATCH_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the module's absolute name, and the names taken from it, which may be its submodules.

    `optional` where the code goes on without it (try/except ImportError, a test of the Python version or the platform);
    `mentioned` where a string looks like a module's name: how servers are started and lazy names are kept.
    """

    module: str
    line: int
    names: tuple[str, ...] = ()
    optional: bool = False
    mentioned: bool = False


def imports_of(tree: ast.Module, module: str, is_package: bool) -> list[Import]:
    """Every import of a module, those inside functions too, in the order of the text.

    Imports for type checkers (`if TYPE_CHECKING:`) are left out: they never run.

    Args:
        tree: the module's syntax tree.
        module: its absolute name, for relative imports.
        is_package: True for a package's `__init__`.
    """
    reader = _Reader(module if is_package else module.rpartition(".")[0])
    reader.visit(tree)
    return reader.found


class _Reader(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.found: list[Import] = []
        self._package = package
        self._optional = False

    def visit_Import(self, node: ast.Import) -> None:  # ast calls it so
        self.found += [Import(alias.name, node.lineno, (), self._optional) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = self._absolute(node.level, node.module or "")
        names = tuple(alias.name for alias in node.names)
        self.found.append(Import(module, node.lineno, names, self._optional))

    def _absolute(self, level: int, module: str) -> str:
        if not level:
            return module
        parts = self._package.split(".")
        base = parts[: len(parts) - level + 1]
        return ".".join([*base, module] if module else base)

    def visit_If(self, node: ast.If) -> None:
        runs = _branches_that_run(node)
        self._visit_all(runs, optional=self._optional or _asks_for_the_platform(node.test))

    def visit_Try(self, node: ast.Try) -> None:
        optional = self._optional or any(map(_catches_import_errors, node.handlers))
        self._visit_all(node.body, optional)
        self._visit_all(node.handlers, optional)  # what stands in for the missing module may be missing too
        self._visit_all([*node.orelse, *node.finalbody], self._optional)

    def visit_With(self, node: ast.With) -> None:
        suppresses = any(_suppresses_import_errors(item.context_expr) for item in node.items)
        self._visit_all(node.body, self._optional or suppresses)
        self._visit_all(node.items, self._optional)

    def visit_Call(self, node: ast.Call) -> None:
        if _name(node.func) in ("import_module", "__import__") and node.args:
            literal = node.args[0]
            if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                tail = literal.value.lstrip(".")
                name = self._absolute(len(literal.value) - len(tail), tail)
                self.found.append(Import(name, node.lineno, (), self._optional))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _DOTTED_NAME.fullmatch(node.value):
            self.found.append(Import(node.value, node.lineno, (), optional=True, mentioned=True))

    def _visit_all(self, nodes: Sequence[ast.AST], optional: bool) -> None:
        before, self._optional = self._optional, optional
        for node in nodes:
            self.visit(node)
        self._optional = before


def _branches_that_run(node: ast.If) -> list[ast.stmt]:
    if _name(node.test) == "TYPE_CHECKING":
        return node.orelse
    if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
        return node.body if _name(node.test.operand) == "TYPE_CHECKING" else [*node.body, *node.orelse]
    return [*node.body, *node.orelse]


def _asks_for_the_platform(test: ast.expr) -> bool:
    asked = {"version_info", "platform", "implementation"}
    return any(isinstance(part, ast.Attribute) and part.attr in asked for part in ast.walk(test))


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or not _CATCH_IMPORT_ERRORS.isdisjoint(_names(handler.type))


def _suppresses_import_errors(context: ast.expr) -> bool:
    if not isinstance(context, ast.Call) or _name(context.func) != "suppress":
        return False
    return not _CATCH_IMPORT_ERRORS.isdisjoint(name for argument in context.args for name in _names(argument))


def _names(node: ast.expr) -> Iterator[str]:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    yield from map(_name, parts)


def _name(node: ast.expr) -> str:
    """The last name of `a` or `a.b.c`; empty for any other expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
