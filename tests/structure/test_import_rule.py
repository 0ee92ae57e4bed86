"""What may import what, as ARCHITECTURE.md says."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: For each part of the library: which parts of the project it may import. Parts not named may import all of reward_kit.
ALLOWED = {
    "reward_kit.models": set(),
    "reward_kit.errors": set(),
    "reward_kit.statistics": set(),
    "reward_kit.installation": set(),
    "reward_kit.files": set(),
    "reward_kit.detectors": set(),
    "reward_kit.loopback": set(),
    "reward_kit.processes": set(),
    "reward_kit.progress": set(),
    "reward_kit.jsonl": {"reward_kit.errors", "reward_kit.files"},
    "reward_kit.dataset": {"reward_kit.errors", "reward_kit.jsonl", "reward_kit.models"},
    "reward_kit.verdict": {"reward_kit.models"},
    "reward_kit.call_shapes": {"reward_kit.errors", "reward_kit.models"},
    "reward_kit.reward": {"reward_kit.call_shapes", "reward_kit.errors", "reward_kit.models"},
    "reward_kit.workers": {
        "reward_kit.errors",
        "reward_kit.models",
        "reward_kit.processes",
        "reward_kit.reward",
        "reward_kit.verdict",
    },
    "reward_kit.grading": {
        "reward_kit.models",
        "reward_kit.processes",
        "reward_kit.reward",
        "reward_kit.verdict",
        "reward_kit.workers",
    },
    "reward_kit.gates": {"reward_kit.models", "reward_kit.statistics", "reward_kit.verdict"},
    "reward_kit.rewards": {
        "reward_kit.errors",
        "reward_kit.models",
        "reward_kit.reward",
        "reward_kit.rewards",
        "reward_kit.sandbox",
    },
    "reward_kit.controls": {"reward_kit.controls", "reward_kit.models", "reward_kit.sandbox"},
    "reward_kit.grpo.domains": {
        "reward_kit.controls.code",
        "reward_kit.controls.math",
        "reward_kit.errors",
        "reward_kit.grpo.domains",
        "reward_kit.grpo.shapes",
        "reward_kit.grpo.texts",
        "reward_kit.models",
    },
    "reward_kit.grpo.training": {
        "reward_kit.grpo.curves",
        "reward_kit.grpo.recorder",
        "reward_kit.grpo.shapes",
        "reward_kit.grpo.texts",
        "reward_kit.grpo.training",
        "reward_kit.integrations.trl",
        "reward_kit.models",
        "reward_kit.verdict",
    },
    "reward_kit.settings": set(),
    "reward_kit.bundled": {"reward_kit.models", "reward_kit.reward"},
    "reward_kit.fireworks": {
        "reward_kit.errors",
        "reward_kit.fireworks",
        "reward_kit.jsonl",
        "reward_kit.loopback",
        "reward_kit.progress",
    },
    "reward_kit.fireworks.session": {"reward_kit.cassettes", "reward_kit.errors", "reward_kit.fireworks"},
    "reward_kit.cassettes": {
        "reward_kit.cassettes",
        "reward_kit.detectors",
        "reward_kit.errors",
        "reward_kit.files",
        "reward_kit.fireworks.shapes",
        "reward_kit.jsonl",
        "reward_kit.models",
    },
    "reward_kit.packaging": {
        "reward_kit.errors",
        "reward_kit.fireworks.shapes",
        "reward_kit.grading",
        "reward_kit.models",
        "reward_kit.packaging",
        "reward_kit.reward",
        "reward_kit.verdict",
    },
    "reward_kit.grpo": {
        "reward_kit.call_shapes",
        "reward_kit.controls.math",
        "reward_kit.errors",
        "reward_kit.gates",
        "reward_kit.grpo",
        "reward_kit.integrations.trl",
        "reward_kit.models",
        "reward_kit.processes",
        "reward_kit.progress",
        "reward_kit.reward",
        "reward_kit.settings",
        "reward_kit.verdict",
        "reward_kit.workers",
    },
    "reward_kit.sandbox": {"reward_kit.errors", "reward_kit.sandbox"},
    "reward_kit.standin": {
        "reward_kit.dataset",
        "reward_kit.errors",
        "reward_kit.fireworks.shapes",
        "reward_kit.jsonl",
        "reward_kit.loopback",
        "reward_kit.models",
        "reward_kit.packaging",
        "reward_kit.settings",
        "reward_kit.standin",
    },
    "reward_kit.evaluation": {
        "reward_kit.errors",
        "reward_kit.fireworks",
        "reward_kit.jsonl",
        "reward_kit.packaging",
        "reward_kit.prepare",
    },
    "reward_kit.integrations": {
        "reward_kit.call_shapes",
        "reward_kit.errors",
        "reward_kit.integrations",
        "reward_kit.models",
        "reward_kit.reward",
        "reward_kit.verdict",
    },
    "reward_kit.prepare": {
        "reward_kit.dataset",
        "reward_kit.detectors",
        "reward_kit.errors",
        "reward_kit.files",
        "reward_kit.jsonl",
        "reward_kit.models",
        "reward_kit.prepare",
        "reward_kit.reward",
        "reward_kit.rewards.math",
        "reward_kit.settings",
    },
}
MODULES = sorted(path for package in ("reward_kit", "pytest_rewardkit") for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module that `path` imports, inside functions too; type-checking imports are no arrows."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def rule_for(module: str) -> set[str] | None:
    parts = module.split(".")
    names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((ALLOWED[name] for name in names if name in ALLOWED), None)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_the_architecture_allows(path):
    module = name_of(path)
    own = {name for name in imports_of(path) if name.split(".")[0] in ("reward_kit", "pytest_rewardkit")}
    if module.startswith("reward_kit"):
        assert not [name for name in own if name.startswith("pytest_rewardkit")]
        assert not [name for name in imports_of(path) if name.split(".")[0] in ("pytest", "_pytest")]
    rule = rule_for(module)
    if rule is not None:
        outside = {name for name in own if not any(name == part or name.startswith(f"{part}.") for part in rule)}
        assert outside <= {module}


def test_private_pytest_is_used_in_one_module_only():
    users = [name_of(path) for path in MODULES if any(name.startswith("_pytest") for name in imports_of(path))]
    assert users == ["pytest_rewardkit.internals"]


def test_no_mock_flag_and_no_alarm_anywhere():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert "TEST_MOCK_" not in text
        if name_of(path) != "reward_kit.sandbox.kernel.seccomp":  # lists every system call by name
            assert "setitimer" not in text
        assert "SIGALRM" not in text


def test_a_package_is_as_light_as_the_module_that_is_asked_for():
    """Replaying a cassette must not load what prepares datasets, nor the rewards behind it."""
    code = "import sys, reward_kit.cassettes.opening; print([m for m in sys.modules if m.startswith('reward_kit.')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "reward_kit.cassettes.opening" in loaded
    assert "reward_kit.prepare" not in loaded
    assert "reward_kit.rewards" not in loaded
