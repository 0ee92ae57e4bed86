"""A package that lists its layers lists all of them, each knowing only those before it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_import_rule import ROOT, imports_of

PACKAGES = [
    "reward_kit.grpo",
    "reward_kit.grpo.training",
    "reward_kit.integrations.trl",
    "reward_kit.rewards._code",
    "reward_kit.sandbox",
]


def folder_of(package: str) -> Path:
    return ROOT.joinpath(*package.split("."))


def layers_of(package: str) -> list[str]:
    """The names at the beginning of the map's lines, from the package's docstring."""
    text = ast.get_docstring(ast.parse((folder_of(package) / "__init__.py").read_text(encoding="utf-8"))) or ""
    return re.findall(r"^    (\w+)/? {2,}\S", text, re.MULTILINE)


def siblings(package: str, path: Path) -> Iterator[str]:
    """The layers of the package that a module imports."""
    for name in imports_of(path):
        if name.startswith(f"{package}."):
            yield name.removeprefix(f"{package}.").partition(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_names_every_module_once(package: str) -> None:
    folder = folder_of(package)
    modules = [path.stem for path in folder.glob("[a-z]*.py")]
    packages = [path.parent.name for path in folder.glob("*/__init__.py")]
    assert sorted(layers_of(package)) == sorted(modules + packages)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_layer_knows_only_those_before_it(package: str) -> None:
    layers, folder = layers_of(package), folder_of(package)
    for place, layer in enumerate(layers):
        single = folder / f"{layer}.py"
        for path in [single] if single.exists() else (folder / layer).rglob("*.py"):
            assert set(siblings(package, path)) <= {*layers[:place], *([] if path == single else [layer])}, path


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_the_private_names_of_another(package: str) -> None:
    for path in folder_of(package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not [alias.name for alias in node.names if alias.name.startswith("_")], path
