"""What can be wrong with the tests of a program, as far as reading them says it: nothing is run."""

from __future__ import annotations

import ast
import builtins
import keyword
import symtable
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reward_kit.jsonl import canonical_json
from reward_kit.prepare.base import Finding, Reason

#: The keys of each form's tests: those that a test has, and those that it may have.
_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "stdin": (frozenset({"input", "expected_output"}), frozenset()),
    "call": (frozenset({"expected"}), frozenset({"args", "kwargs"})),
    "assert": (frozenset({"assertion"}), frozenset()),
}
_TYPES: dict[str, type] = {"input": str, "expected_output": str, "args": list, "kwargs": dict, "assertion": str}
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)


def form_of(tests: Any) -> str | None:
    """The form that all tests have: stdin, call or assert; None where there is no such form."""
    if not isinstance(tests, list) or not tests or not all(isinstance(test, Mapping) for test in tests):
        return None
    for form, (needed, optional) in _KEYS.items():
        if all(needed <= test.keys() <= needed | optional for test in tests):
            return form
    return None


def readable_form(tests: Any) -> str | None:
    """The form of tests whose values have the types of that form, too."""
    form = form_of(tests)
    return form if form is not None and not _wrong_type(tests) else None


def findings(tests: Any, entry_point: Any) -> Iterator[Finding]:
    """What is wrong with the tests of a row, the gravest first.

    Args:
        tests: the row's ground truth.
        entry_point: the row's column of that name, None where it has none.
    """
    form = form_of(tests)
    if form is None:
        forms = "; ".join(", ".join(sorted(needed)) for needed, _ in _KEYS.values())
        yield _unsupported(f"the tests are not a list of one form ({forms}): {repr(tests)[:60]}")
        return
    if wrong := _wrong_type(tests):
        yield _unsupported(wrong)
        return
    if wrong := _wrong_name(form, entry_point):
        yield _unsupported(wrong)
    if form == "stdin" and not any(test["expected_output"].strip() for test in tests):
        yield _unsupported("no test expects an output: a program that does nothing passes")
    if form == "assert":
        yield from _assertion_findings(tests)
    yield from _repeated(tests, form)


def parsed(program: str) -> ast.Module | str:
    """A program's syntax tree, or why Python cannot compile it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(program)
            compile(program, "<reference>", "exec", dont_inherit=True)
    except _UNPARSABLE as error:
        return f"{type(error).__name__}: {str(error)[:80]}"
    return tree


def _unsupported(message: str) -> Finding:
    return Finding(Reason.UNSUPPORTED_TESTS, message)


def _wrong_type(tests: Sequence[Mapping[str, Any]]) -> str:
    for number, test in enumerate(tests, 1):
        for name, value in test.items():
            if not isinstance(value, _TYPES.get(name, object)):
                return f"{name!r} of test {number} is {type(value).__name__}, not {_TYPES[name].__name__}"
        if test.keys() == {"expected"}:
            return f"test {number} has no args"
        if bad := [name for name in test.get("kwargs", {}) if not str(name).isidentifier()]:
            return f"test {number} names an argument {bad[0]!r}"
    return ""


def _wrong_name(form: str, entry_point: Any) -> str:
    named = isinstance(entry_point, str) and entry_point.isidentifier() and not keyword.iskeyword(entry_point)
    shown = repr(entry_point)[:40]
    if form == "call" and not named:
        return f"the tests call a function, and entry_point is {shown}, not its name"
    if form == "stdin" and entry_point is not None:
        return f"the tests are inputs and outputs of a program, and entry_point names {shown}"
    return "" if entry_point is None or named else f"entry_point is {shown}, not the name of a function"


# ------------------------------------------------------------------------------------------------------ assertions
def names_wanted(assertion: str, entry_point: Any) -> set[str]:
    """The names that test code takes from the solution: those that it neither binds nor imports, and Python has not.

    Raises:
        SyntaxError: where it is not Python.
    """
    table = symtable.symtable(assertion, "<test>", "exec")
    bound = {one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported()}
    wanted = {name for name in _looked_up(table) - bound if not hasattr(builtins, name)}
    return wanted - {"candidate", "__name__"} if entry_point else wanted - {"__name__"}


def _looked_up(table: symtable.SymbolTable) -> set[str]:
    """The names that code looks up at its top, from there or from a function inside."""
    top = table.get_type() == "module"
    own = {one.get_name() for one in table.get_symbols() if one.is_referenced() and (top or one.is_global())}
    return own.union(*map(_looked_up, table.get_children()))


def _assertion_findings(tests: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for number, test in enumerate(tests, 1):
        tree = parsed(test["assertion"])
        if isinstance(tree, str):
            yield _unsupported(f"test {number} is not Python: {tree}")
        elif why := _cannot_fail(tree):
            yield _unsupported(f"test {number} cannot fail: {why}")
        elif not names_wanted(test["assertion"], None):
            yield _unsupported(f"test {number} calls nothing of the solution")


def _cannot_fail(tree: ast.Module) -> str:
    """Why a test program passes whatever the solution does; empty where it can fail."""
    if all(isinstance(node, _DEFINES) or _is_constant(node) for node in tree.body):
        return "it defines functions and calls none"
    nodes = list(ast.walk(tree))
    asserts = [node.test for node in nodes if isinstance(node, ast.Assert)]
    if any(isinstance(test, ast.Tuple) and test.elts for test in asserts):
        return "it asserts a tuple, which is always true"
    if any(not (isinstance(test, ast.Constant) and test.value) for test in asserts):
        return ""
    return "" if any(map(_fails_otherwise, nodes)) else "it asserts nothing about a value"


def _fails_otherwise(node: ast.AST) -> bool:
    """A raise, or a call such as self.assertEqual and np.testing.assert_allclose."""
    if isinstance(node, ast.Raise):
        return True
    return isinstance(node, ast.Attribute) and node.attr.startswith(("assert", "fail"))


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


# --------------------------------------------------------------------------------------------------------- repeats
def _repeated(tests: Sequence[Mapping[str, Any]], form: str) -> Iterator[Finding]:
    """The same question twice: with another answer no solution passes, with the same one it counts double."""
    first: dict[str, tuple[int, str]] = {}
    twice: list[tuple[int, int]] = []
    for number, test in enumerate(tests, 1):
        asked, wanted = _sides(test, form)
        earlier, answer = first.setdefault(asked, (number, wanted))
        if answer != wanted:
            yield _unsupported(f"tests {earlier} and {number} ask the same and want different answers")
            return
        if earlier != number:
            twice.append((earlier, number))
    if twice:
        pair = f"{twice[0][0]} and {twice[0][1]}"
        yield Finding(Reason.DUPLICATE_TESTS, f"tests {pair} are the same ({len(twice)} of {len(tests)} repeat one)")


def _sides(test: Mapping[str, Any], form: str) -> tuple[str, str]:
    """What a test asks and what it wants, as text; blanks at the ends of an output's lines say nothing."""
    if form == "assert":
        return test["assertion"].strip(), ""
    if form == "stdin":
        wanted = "\n".join(line.rstrip() for line in test["expected_output"].rstrip().split("\n"))
        return test["input"], wanted
    return canonical_json([test.get("args", []), test.get("kwargs") or {}]), canonical_json(test["expected"])
