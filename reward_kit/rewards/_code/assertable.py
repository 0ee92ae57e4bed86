"""Test code: whether it is Python, can fail, and uses the program. It is compiled here and never run."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from functools import lru_cache


@lru_cache(maxsize=1024)  # a GRPO group is graded by the same tests
def flaw_of(code: str, entry_point: str = "") -> str:
    """Why test code tests nothing, as the rest of a sentence; empty where it does."""
    try:
        with_alias = with_candidate(code, entry_point)
        tree, used = _read(with_alias)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        return f"is no Python{place}: {getattr(error, 'msg', '') or error}"
    if not any(_can_fail(node) for node in ast.walk(tree)):
        return "asserts nothing"
    # The program may define a builtin's name: a test of `sum` means the program's.
    return (
        ""
        if any(name == entry_point or not hasattr(builtins, name) for name in used)
        else ("calls nothing of the program")
    )


@lru_cache(maxsize=1024)
def with_candidate(code: str, entry_point: str) -> str:
    """Test code in which `candidate` is the entry point, as where HumanEval's tests end in check(candidate)."""
    if not entry_point or "candidate" not in code or "candidate" not in _read(code)[1]:
        return code
    return f"candidate = {entry_point}\n{code}"


def _read(code: str) -> tuple[ast.AST, frozenset[str]]:
    """The tree of test code, and its names that it neither defines nor imports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(code, "<test>", "exec", dont_inherit=True)
        return ast.parse(code), _free_names(symtable.symtable(code, "<test>", "exec"))


def _can_fail(node: ast.AST) -> bool:
    """True for what lets a test fail by its own judgement: assert, raise, and functions that are called assert..."""
    if isinstance(node, ast.Call):
        called = node.func
        return str(getattr(called, "attr", getattr(called, "id", ""))).startswith("assert")
    return isinstance(node, (ast.Assert, ast.Raise))


def _free_names(table: symtable.SymbolTable) -> frozenset[str]:
    bound = {
        each.get_name()
        for each in table.get_symbols()
        if each.is_assigned() or each.is_imported() or each.is_namespace()
    }
    return frozenset(_global_uses(table) - bound)


def _global_uses(table: symtable.SymbolTable) -> set[str]:
    at_top = table.get_type() == "module"
    used = {each.get_name() for each in table.get_symbols() if each.is_referenced() and (at_top or each.is_global())}
    return used.union(*(_global_uses(child) for child in table.get_children()))
