"""Which suites run programs that a model wrote: their runs say in the header what these run in."""

from __future__ import annotations

import ast
from pathlib import Path

from reward_kit.suite import Suite

#: Rewards that run what the model wrote, and what a reward of one's own runs it with.
_RUN_CODE = ("reward_kit.rewards.code_execution", "reward_kit.sandbox")


def executes_code(suite: Suite) -> bool:
    """True where the suite's reward is seen to run programs: by its module's name, or by what that module imports.

    Imports are not followed further: a reward that hides it runs its programs in the sandbox that was asked for all
    the same, only the header does not say so.
    """
    module = suite.reward.partition(":")[0]
    return _is_named(module) or any(map(_is_named, _imported_by(module, suite.folder)))


def _is_named(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in _RUN_CODE)


def _imported_by(module: str, folder: Path) -> list[str]:
    """What a module beside suite.toml or below the working folder imports; nothing where it is elsewhere."""
    file = Path(*module.split(".")).with_suffix(".py")
    found = next((path for path in (folder / file, Path.cwd() / file) if path.is_file()), None)
    if found is None:
        return []
    try:
        tree = ast.parse(found.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []  # loading the reward says what is wrong with it
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return [*plain, *(f"{node.module}.{alias.name}" for node in taken for alias in node.names)]
