"""Everything that a module needs: its own files as sources, and the distributions that it imports."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution
from pathlib import Path

from reward_kit.errors import PackagingError
from reward_kit.packaging.data_files import data_files
from reward_kit.packaging.imports import Import, imports_of
from reward_kit.packaging.modules import Module, ModuleFinder, Origin
from reward_kit.packaging.requirements import InstalledDistributions


@dataclass(frozen=True, slots=True)
class _Source:
    """A file whose imports are to be followed; `where` is how messages call it."""

    name: str
    is_package: bool
    tree: ast.Module
    where: str


class ModuleGraph:
    """Follows imports from module to module and collects `files` and `distributions`.

    Args:
        roots: folders that are looked into first, whose own files the caller has taken already.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self.files: dict[str, str] = {}
        self._distributions: dict[str, Distribution] = {}
        self._roots = roots
        self._finder = ModuleFinder(roots)
        self._installed = InstalledDistributions()
        self._open: list[_Source] = []
        self._taken: set[str] = set()

    @property
    def distributions(self) -> list[Distribution]:
        """The third-party distributions that the files import, by name."""
        return [self._distributions[name] for name in sorted(self._distributions)]

    def add_module(self, name: str, where: str) -> None:
        """Take a module and all it needs; `where` says in messages who asks for it.

        Raises:
            PackagingError: where a module is missing or cannot be carried as source.
        """
        self._need(Import(name, 0), where)
        self._close()

    def add_source(self, name: str, text: str, where: str, is_package: bool = False) -> None:
        """Follow the imports of a file that the caller takes itself."""
        self._open.append(_Source(name, is_package, parse_source(text.encode(), where), where))
        self._close()

    def _close(self) -> None:
        while self._open:
            source = self._open.pop()
            for wanted in imports_of(source.tree, source.name, source.is_package):
                self._follow(wanted, source)

    def _follow(self, wanted: Import, source: _Source) -> None:
        if wanted.mentioned:
            # Only names of the same package: "a.b" in a string is a file name more often than a module of others.
            if wanted.module.partition(".")[0] == source.name.partition(".")[0] and self._is_own(wanted.module):
                self._need(wanted, source.where)
            return
        found = self._need(wanted, f"{source.where}:{wanted.line}")
        if found is not None and found.is_package and found.origin in (Origin.OWN, Origin.NAMESPACE):
            for name in wanted.names:
                if self._finder.find(f"{wanted.module}.{name}") is not None:
                    self._need(Import(f"{wanted.module}.{name}", wanted.line), source.where)

    def _is_own(self, name: str) -> bool:
        found = self._finder.find(name)
        return found is not None and found.origin is Origin.OWN

    def _need(self, wanted: Import, where: str) -> Module | None:
        """Take a module and the packages it lies in; None where it is optional and not there."""
        parts = wanted.module.split(".")
        found = None
        for count in range(1, len(parts) + 1):
            found = self._finder.find(".".join(parts[:count]))
            if found is None:
                if wanted.optional:
                    return None
                raise PackagingError(
                    f"{where} imports {wanted.module}, which is not found here. Install it, or put the import into "
                    "try/except ImportError where the reward can do without"
                )
            if found.origin is Origin.STANDARD:
                return found
            if found.origin is Origin.INSTALLED:
                distribution = self._installed.of(found)
                self._distributions[distribution.metadata["Name"].lower()] = distribution
                return found
            if found.origin is Origin.OWN:
                self._take(found, where)
        return found

    def _take(self, module: Module, where: str) -> None:
        if module.name in self._taken or module.path is None:
            return
        self._taken.add(module.name)
        if any(module.path.is_relative_to(root) for root in self._roots):
            return
        content = _read(module, where)
        if module.bundle_path == "main.py":
            raise PackagingError(f"{module.path}: the module is called main, as the bundle's own entry is. Rename it")
        self.files[module.bundle_path] = text = content.decode()
        tree = parse_source(content, str(module.path))
        self.files.update(data_files(module, text, tree))
        self._open.append(_Source(module.name, module.is_package, tree, str(module.path)))


def _read(module: Module, where: str) -> bytes:
    path = module.path
    assert path is not None
    if path.name.endswith(tuple(EXTENSION_SUFFIXES)):
        raise PackagingError(
            f"{where} needs {module.name} ({path}), a compiled extension of your own: a bundle holds sources only. "
            "Build it as a distribution that pip can install, or leave it out of the reward"
        )
    if path.suffix != ".py" or not path.is_file():
        raise PackagingError(f"{where} needs {module.name}, whose source {path} is not a readable .py file")
    try:
        content = path.read_bytes()
        content.decode()
    except OSError as error:
        raise PackagingError(f"{where} needs {module.name}, but {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise PackagingError(f"{path} is not UTF-8: save it as UTF-8, the only encoding that a bundle keeps") from None
    return content


def parse_source(content: bytes, where: str) -> ast.Module:
    """A Python source as a syntax tree.

    Raises:
        PackagingError: where it is not Python.
    """
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError) as error:
        raise PackagingError(f"{where} is not Python that can be parsed: {error}") from None
