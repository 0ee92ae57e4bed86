"""A project of a user's own in a temporary folder, for tests that package from it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from reward_kit.reward import Reward, load_reward


class Project:
    """Files in a folder that is on sys.path, and the reward that is loaded from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        importlib.invalidate_caches()

    def reward(self, place: str, **files: str) -> Reward:
        self.write({name.replace("__", "/") + ".py": text for name, text in files.items()})
        return load_reward(place)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield Project(folder)
    added = {name: sys.modules[name] for name in set(sys.modules) - before}
    for name in [name for name, module in added.items() if _lies_in(tmp_path, module)]:
        del sys.modules[name]


def _lies_in(folder: Path, module: ModuleType) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    return any(place and Path(place).is_relative_to(folder) for place in places)


def conversation(answer: str, **columns: object) -> dict[str, object]:
    """A sample whose response is `answer`."""
    messages = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **columns}
