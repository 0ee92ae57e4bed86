"""Where a module comes from: the standard library, an installed distribution, or the user's own files."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path


class Origin(Enum):
    """Whose a module is."""

    STANDARD = "the standard library"
    INSTALLED = "an installed distribution"
    #: Outside site-packages (an editable install is too), or this library itself: goes into the bundle.
    OWN = "the user's own"
    #: A package without an `__init__`: its parts may be anybody's.
    NAMESPACE = "a namespace package"


@dataclass(frozen=True, slots=True)
class Module:
    """A module found; `path` is its file, None for namespace packages and what is built in."""

    name: str
    origin: Origin
    path: Path | None
    is_package: bool

    @property
    def bundle_path(self) -> str:
        """Where it stands in a bundle: by its name, wherever it was found."""
        stem = self.name.replace(".", "/")
        return f"{stem}/__init__.py" if self.is_package else f"{stem}.py"


class ModuleFinder:
    """Finds modules as an import would, without importing them.

    Args:
        roots: folders that are looked into before everything else: an evaluator's own folder.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self._roots = [str(root) for root in roots]
        self._specs: dict[str, ModuleSpec | None] = {}

    def find(self, name: str) -> Module | None:
        """The module of that name, or None where there is none."""
        spec = self._spec(name)
        if spec is None:
            return None
        is_package = spec.submodule_search_locations is not None
        if spec.origin in ("built-in", "frozen"):
            return Module(name, Origin.STANDARD, None, is_package)
        if not spec.origin or spec.origin == "namespace":
            return Module(name, Origin.NAMESPACE, None, True) if is_package else None
        path = Path(spec.origin)
        return Module(name, _origin(name, path), path, is_package)

    def _spec(self, name: str) -> ModuleSpec | None:
        if name not in self._specs:
            self._specs[name] = self._look_up(name)
        return self._specs[name]

    def _look_up(self, name: str) -> ModuleSpec | None:
        parent = name.rpartition(".")[0]
        if not parent and (spec := PathFinder.find_spec(name, self._roots)) is not None:
            return spec
        above = self._spec(parent) if parent else None
        loaded = getattr(sys.modules.get(name), "__spec__", None)
        # What is loaded under the name of a module in the roots is another evaluator's.
        if isinstance(loaded, ModuleSpec) and not (above and _is_below(above, self._roots)):
            return loaded
        if not parent:
            return _ask_the_finders(name, None)
        if above is None or above.submodule_search_locations is None:
            return None
        return _ask_the_finders(name, list(above.submodule_search_locations))


def _is_below(spec: ModuleSpec, folders: Sequence[str]) -> bool:
    places = [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any(Path(place).is_relative_to(folder) for place in places for folder in folders)


def _ask_the_finders(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """As the import system does: editable installs have finders of their own."""
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, path)
        except (ImportError, AttributeError, ValueError):  # a finder of the old protocol, or one that gives up
            continue
        if spec is not None:
            return spec
    return None


def _origin(name: str, path: Path) -> Origin:
    if name.partition(".")[0] == "reward_kit":
        return Origin.OWN
    parts = path.parts
    if "site-packages" in parts or "dist-packages" in parts:
        return Origin.INSTALLED
    return Origin.STANDARD if any(path.is_relative_to(folder) for folder in _standard_folders()) else Origin.OWN


@cache
def _standard_folders() -> tuple[Path, ...]:
    folders = {Path(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib")}
    return tuple(folders | {folder.resolve() for folder in folders})
