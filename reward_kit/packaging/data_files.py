"""Data files beside a module: those that it names in a string and finds by its own place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reward_kit.errors import PackagingError
from reward_kit.packaging.modules import Module

#: A bundle travels with every request: word lists and prompts are fine, corpora are not.
_LARGEST = 1 << 20
#: No file system takes longer names (NAME_MAX); paths in sources are short.
_LONGEST_NAME = 255
#: A module without any of these finds no file by its own place.
_MARKS = ("__file__", "resources", "pkgutil")
_RELATIVE_PATH = re.compile(r"[\w-][\w. -]*(/[\w-][\w. -]*)*")


def data_files(module: Module, text: str, tree: ast.Module) -> dict[str, str]:
    """The text files that a module reads from beside itself, by their path in the bundle.

    Which they are is read from the strings in a module that uses `__file__`, `importlib.resources` or `pkgutil`: each
    that names a file or a folder beside the module, or in a package around it. Hidden files are never taken. A file
    whose name is computed is not found: reading it then fails in the bundle, and the result says so.

    Raises:
        PackagingError: for a file that is not UTF-8 text, or too large.
    """
    if module.path is None or not any(mark in text for mark in _MARKS):
        return {}
    named = {text for text in _strings(tree) if _RELATIVE_PATH.fullmatch(text)}
    found: dict[str, str] = {}
    for folder, prefix in _folders(module):
        for text in sorted(named):
            for path in _files_at(folder / text):
                found[prefix + path.relative_to(folder).as_posix()] = read_text(path)
    return found


def read_text(path: Path) -> str:
    """A text file that goes into a bundle.

    Raises:
        PackagingError: where it is too large, unreadable or not UTF-8.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise PackagingError(f"{path} is larger than {_LARGEST >> 20} MB: a bundle travels with every request")
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise PackagingError(f"{path} is not UTF-8 text: a bundle holds text files only") from None
    except OSError as error:
        raise PackagingError(f"{path} cannot be read ({error.strerror})") from None


def _strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= _LONGEST_NAME:
            yield node.value


def _folders(module: Module) -> Iterator[tuple[Path, str]]:
    """The module's folder and those of the packages around it, each with its place in the bundle."""
    assert module.path is not None
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    folder = module.path.parent
    while True:
        yield folder, f"{package.replace('.', '/')}/" if package else ""
        if not (package := package.rpartition(".")[0]):
            return
        folder = folder.parent


def _files_at(path: Path) -> list[Path]:
    try:
        is_file = path.is_file()
    except OSError:
        return []  # a text too long to be a name: no file has it
    if is_file:
        return [] if path.suffix in (".py", ".pyc") else [path]
    return [file for file in plain_files(path) if file.suffix != ".py"]


def plain_files(folder: Path) -> list[Path]:
    """Every file below a folder but hidden and compiled ones, sorted."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix not in (".pyc", ".pyo")
        and not any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
    )
