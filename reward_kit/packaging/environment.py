"""A throwaway virtual environment in which exactly the required distributions can be imported."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reward_kit.errors import PackagingError
from reward_kit.packaging.requirements import installed, parse_requirement


def build_environment(folder: Path, requirements: Sequence[str]) -> Path:
    """Make a virtual environment of links to the required distributions' files, and return its interpreter.

    The distributions are those of the running environment: nothing is downloaded. It is an environment, not only a
    path, so that an interpreter that the evaluator starts itself sees no more than it does.

    Args:
        folder: an empty folder.
        requirements: pip requirements; what they require themselves comes with them.

    Raises:
        PackagingError: naming the requirement that is not installed here, or in another version.
    """
    # Of a virtual environment, the interpreter that it was made from.
    base = Path(str(getattr(sys, "_base_executable", sys.executable)))
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(base)
    settings = f"home = {base.parent}\ninclude-system-site-packages = false\n"
    (folder / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    paths = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    site.mkdir(parents=True)
    for distribution in closure(requirements):
        _link(distribution, site)
    return python


def closure(requirements: Sequence[str]) -> list[Distribution]:
    """The distributions that the requirements name, and those that these require, by name.

    Raises:
        PackagingError: as `build_environment`.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(parse_requirement(text), "") for text in requirements]
    waiting = [(wanted, "") for wanted, _ in waiting if wanted.marker is None or wanted.marker.evaluate()]
    while waiting:
        wanted, needed_by = waiting.pop()
        distribution = installed(wanted, needed_by)
        name = canonicalize_name(wanted.name)
        found[name] = distribution
        for extra in ("", *wanted.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [(further, wanted.name) for further in _requires(distribution, extra)]
    return [found[name] for name in sorted(found)]


def _requires(distribution: Distribution, extra: str) -> list[Requirement]:
    """What a distribution requires with one extra, or without any."""
    declared = [parse_requirement(text) for text in distribution.requires or ()]
    return [wanted for wanted in declared if wanted.marker is None or wanted.marker.evaluate({"extra": extra})]


def _link(distribution: Distribution, site: Path) -> None:
    """Link a distribution's files; its scripts, which lie outside site-packages, are left out.

    A folder that holds nothing else is linked as a whole: torch has 14,000 files.
    """
    if distribution.files is None:
        raise PackagingError(f"{distribution.metadata['Name']} has no record of its files. Install it again, with pip")
    source = str(distribution.locate_file(""))
    own = {file for file in map(str, distribution.files) if not file.startswith(("../", "/"))}
    tops = {file.partition("/")[0] for file in own if "/" in file}
    whole = {folder for top in tops for folder in _folders_of_its_own(source, top, own)}
    for path in sorted({_outermost(file, whole) for file in own}):
        if not os.path.lexists(os.path.join(source, path)):  # compiled files come and go
            continue
        link = site / path
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # two distributions may bring the same file of a namespace
            link.symlink_to(os.path.join(source, path))


def _folders_of_its_own(source: str, top: str, own: set[str]) -> set[str]:
    """The folders below `top` in which, at any depth, every file is one of `own` (or compiled from one)."""
    alone: set[str] = set()
    for place, folders, files in os.walk(os.path.join(source, top), topdown=False):
        folder = os.path.relpath(place, source)
        inside = [f"{folder}/{name}" for name in folders if name != "__pycache__"]
        if all(f"{folder}/{name}" in own for name in files) and alone.issuperset(inside):
            alone.add(folder)
    return alone


def _outermost(file: str, whole: set[str]) -> str:
    """The outermost folder of a file that is linked as a whole, or the file itself."""
    parts = file.split("/")
    folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return next((folder for folder in folders if folder in whole), file)
