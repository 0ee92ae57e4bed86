"""The same program written in another way: reformatted, commented, with other names, or one function deeper."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Callable, Iterator

from reward_kit.controls.code.syntax import parsed

#: A name in the program, and what it becomes.
_Names = dict[str, str]
#: What reads names at run time: nothing is renamed in a program that uses it.
_REFLECTION = frozenset(["locals", "globals", "vars", "dir", "eval", "exec", "compile"])


def rewrites(program: str, entry_point: str) -> Iterator[tuple[str, str]]:
    """(operator, program) of other spellings, each another text; none where the program does not parse.

    Args:
        program: Python source.
        entry_point: the name of the function or method that tests call; empty where the program reads stdin.
    """
    tree = parsed(program)
    if tree is None:
        return
    deeper = ("helper_function", _helper) if entry_point else ("main_function", _main)
    ways: tuple[tuple[str, Callable[[ast.Module, str], str | None]], ...] = (
        ("reformatted", lambda tree, _: _reformatted(tree)),
        ("commented", lambda tree, _: _commented(program, tree)),
        ("renamed_locals", _renamed),
        deeper,
    )
    for operator, way in ways:
        text = way(copy.deepcopy(tree), entry_point)
        if text is not None and text.strip() != program.strip():
            yield operator, text


def _reformatted(tree: ast.Module) -> str:
    """As Python itself writes it, indented by two; by four where a text may hold indented lines."""
    text = ast.unparse(tree)
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    if any(isinstance(value, str) and "\n" in value for value in texts):
        return text
    lines = [(line, line.lstrip(" ")) for line in text.split("\n")]
    return "\n".join(" " * ((len(line) - len(bare)) // 2) + bare for line, bare in lines)


def shortest(program: str) -> str:
    """The program without comments, docstrings and needless blanks; as it is where it does not parse."""
    tree = parsed(program)
    if tree is None:
        return program
    if "__doc__" not in _words(tree):
        for node in ast.walk(tree):
            if isinstance(node, _Documented) and len(node.body) > 1:
                node.body = node.body[_has_docstring(node) :]
    # unparse sets two definitions apart by blank lines, which say nothing.
    lines = ast.unparse(tree).split("\n")
    return "\n".join(lines) if '"""' in program or "'''" in program else "\n".join(line for line in lines if line)


_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _has_docstring(node: _Documented) -> bool:
    first = node.body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _commented(program: str, tree: ast.Module) -> str:
    """A comment at the top and before every second statement, and a blank line before every third."""
    lines = program.split("\n")
    starts = sorted({(_first_line(node), node.col_offset) for node in ast.walk(tree) if isinstance(node, ast.stmt)})
    before: dict[int, list[str]] = {}
    for number, (line, column) in enumerate(starts):
        indent = lines[line - 1][:column]
        if indent.strip():
            continue  # behind a semicolon or a colon
        blank = [""] if number % 3 == 2 else []
        before[line] = [*blank, *([f"{indent}# step {number + 1}"] if number % 2 == 0 else [])]
    text = [more for number, line in enumerate(lines, 1) for more in (*before.get(number, ()), line)]
    return "\n".join(["# a program in a few steps", "", *text])


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return int(min([node.lineno, *(decorator.lineno for decorator in decorators)]))


def _reads_names(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Name) and node.id in _REFLECTION for node in ast.walk(tree))


def _words(tree: ast.AST) -> set[str]:
    """Every name and attribute in a program."""
    found = set[str]()
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "asname"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                found.add(word)
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            found.update(node.names)
    return found


# -- other names ---------------------------------------------------------------------------------------------------


def _renamed(tree: ast.Module, entry_point: str) -> str | None:
    """Names that nothing outside can see: those of functions, and those of a whole program that reads stdin."""
    words = _words(tree)
    if _reads_names(tree):
        return None
    kept = _kept(tree, entry_point)
    scopes = [tree] if not entry_point else [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    names: _Names = {}
    for node in (node for scope in scopes for node in ast.walk(scope)):
        stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        if stored and node.id not in kept and not node.id.startswith("__"):  # type: ignore[attr-defined]
            names.setdefault(node.id, _fresh(f"v{len(names)}_{node.id}", words))  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    return ast.unparse(tree) if names else None


def _kept(tree: ast.Module, entry_point: str) -> set[str]:
    """Names that are bound by anything else than an assignment in a function, or where tests may see them."""
    kept = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            kept.add(node.name)
        elif isinstance(node, ast.arg):
            kept.add(node.arg)
        elif isinstance(node, ast.alias):
            kept.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            kept.update(node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            kept.add(node.name or "")
        elif isinstance(node, ast.MatchMapping):
            kept.add(node.rest or "")
    visible = [node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    if entry_point:
        visible.append(tree.body)
    for body in visible:
        kept |= {name for statement in body for name in _stored(statement)}
    return kept


def _stored(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement binds in its own scope."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _fresh(name: str, words: set[str]) -> str:
    while name in words:
        name += "_"
    return name


# -- one function deeper -------------------------------------------------------------------------------------------


def _helper(tree: ast.Module, entry_point: str) -> str | None:
    """The entry point only calls a copy of itself that has another name."""
    for body, is_method in _bodies(tree):
        for place, node in enumerate(body):
            if isinstance(node, ast.FunctionDef) and node.name == entry_point:
                name = _fresh(f"_{entry_point}_step", _words(tree))
                outer = _calling(node, name, is_method)
                if not is_method:
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Name) and inner.id == entry_point:
                            inner.id = name
                node.name = name
                body.insert(place + 1, outer)
                return ast.unparse(ast.fix_missing_locations(tree))
    return None


def _bodies(tree: ast.Module) -> Iterator[tuple[list[ast.stmt], bool]]:
    """The bodies in which an entry point may stand, and whether it is a method there."""
    yield tree.body, False
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "Solution":
            yield node.body, True


def _calling(function: ast.FunctionDef, name: str, is_method: bool) -> ast.FunctionDef:
    """A function of the same parameters that returns what the one of this name returns."""
    arguments = copy.deepcopy(function.args)
    positional = [*arguments.posonlyargs, *arguments.args]
    passed: list[ast.expr] = [ast.Name(one.arg, ast.Load()) for one in positional]
    called: ast.expr = ast.Name(name, ast.Load())
    plain = is_method and not any(isinstance(one, ast.Name) for one in function.decorator_list)
    if plain and passed:
        called = ast.Attribute(passed.pop(0), name, ast.Load())
    elif is_method:
        called = ast.Attribute(ast.Name("Solution", ast.Load()), name, ast.Load())
    if arguments.vararg:
        passed.append(ast.Starred(ast.Name(arguments.vararg.arg, ast.Load()), ast.Load()))
    keywords = [ast.keyword(one.arg, ast.Name(one.arg, ast.Load())) for one in arguments.kwonlyargs]
    if arguments.kwarg:
        keywords.append(ast.keyword(None, ast.Name(arguments.kwarg.arg, ast.Load())))
    body: list[ast.stmt] = [ast.Return(ast.Call(called, passed, keywords))]
    decorators = copy.deepcopy(function.decorator_list) if is_method else []
    return ast.FunctionDef(function.name, arguments, body, decorators, copy.deepcopy(function.returns))


def _main(tree: ast.Module, entry_point: str) -> str | None:
    """The whole program but its imports in a function that is called at the end."""
    if any(isinstance(node, ast.Global) for node in ast.walk(tree)) or _reads_names(tree):
        return None
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    others = [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    if not others:
        return None
    name = _fresh("main", _words(tree))
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    function = ast.FunctionDef(name, nothing, others, [])
    call = ast.Expr(ast.Call(ast.Name(name, ast.Load()), [], []))
    whole = ast.Module([*imports, function, call], [])
    return ast.unparse(ast.fix_missing_locations(whole))
