"""What the plugin's tests share: a way to write a small suite, and to read what a run said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Loaded here once: pytester forgets what an in-process run imports, and would load pydantic anew for every test.
import pytest_rewardkit.marked
import pytest_rewardkit.suites  # noqa: F401
import reward_kit.controls.math.structure  # sympy does not survive being imported twice
import reward_kit.rewards.math  # noqa: F401

#: Pays 1.0 where the response is the gold; golds of the rows in `wrong` are spoilt when the suite is written.
HONEST = """
def grade(messages, ground_truth, **kwargs):
    return float(messages[-1]["content"] == ground_truth)
"""

MakeSuite = Callable[..., Path]


@pytest.fixture(autouse=True)
def _only_this_plugin(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs inside these tests load no plugin that shuffles, warns or is slow to load, unless a test takes this away."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly -p no:asyncio -p no:hypothesispytest")


@pytest.fixture
def make_suite(pytester: pytest.Pytester) -> MakeSuite:
    """Write cases/<name> with `rows` rows "row-00", ...; the references of the rows in `wrong` are wrong."""

    def make(
        name: str = "small", rows: int = 10, wrong: tuple[int, ...] = (), reward: str = HONEST, toml: str = "[local]\n"
    ) -> Path:
        folder = pytester.path / "cases" / name
        folder.mkdir(parents=True)
        module = f"reward_of_{name}"
        (folder / f"{module}.py").write_text(reward)
        (folder / "suite.toml").write_text(f'reward = "{module}:grade"\n{toml}')
        lines = []
        for number in range(rows):
            answer = "spoilt" if number in wrong else str(number)
            messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer}]
            lines.append({"id": f"row-{number:02}", "messages": messages, "ground_truth": str(number)})
        (folder / "dataset.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return folder

    return make


@pytest.fixture
def read_results(pytester: pytest.Pytester) -> Callable[..., dict[str, Any]]:
    """The document that --rk-json=results.json left."""

    def read(name: str = "results.json") -> dict[str, Any]:
        document: dict[str, Any] = json.loads((pytester.path / name).read_text())
        return document

    return read
