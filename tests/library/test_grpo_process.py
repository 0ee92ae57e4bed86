"""The smoke run's process: what it is spared, what it breaks, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reward_kit.grpo.process import run_smoke
from reward_kit.grpo.shapes import Decoy, Plan, Smoke, TrainingRow
from reward_kit.models import Row
from reward_kit.reward import as_reward
from reward_kit.verdict import Scale


def training_row(number: int) -> TrainingRow:
    row = Row(f"row-{number}", ({"role": "user", "content": f"{number} + 0?"},), str(number), {}, number)
    return TrainingRow(row, f"\\boxed{{{number}}}", (Decoy("empty", ""),))


def smoke_of(reward: Callable[..., Any], folder: Path) -> Smoke:
    rows = tuple(training_row(number) for number in range(21, 29))
    return run_smoke(Plan(rows, Scale(), folder), as_reward(reward))


def pipes() -> dict[int, str]:
    """The pipes of this process, by descriptor."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the descriptor that lists them
            found[int(entry.name)] = os.readlink(entry)
    return {descriptor: name for descriptor, name in found.items() if name.startswith("pipe:")}


def test_what_a_killed_run_kept_for_a_while_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def leaves(completions: list[Any], **given: Any) -> list[float]:
        Path(tempfile.mkdtemp(), "model").write_text("weights")
        os._exit(3)

    assert "exit code 3" in smoke_of(leaves, tmp_path / "logs").failure
    assert list(tmp_path.iterdir()) == []


def test_a_launchers_variables_are_not_for_this_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {"WORLD_SIZE": "4", "RANK": "2", "ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_MIXED_PRECISION": "bf16"}
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)

    def looks(completions: list[Any], **given: Any) -> list[float]:
        os._exit(len(foreign.keys() & os.environ.keys()))

    assert "exit code 0" in smoke_of(looks, tmp_path).failure
    assert os.environ["WORLD_SIZE"] == "4"


def test_a_reward_that_writes_to_the_runs_pipe_breaks_the_run(tmp_path: Path) -> None:
    others = pipes().values()

    def writes(completions: list[Any], **given: Any) -> list[float]:
        for descriptor, pipe in pipes().items():
            if pipe not in others:
                os.write(descriptor, b"1\n")
        return [0.0] * len(completions)

    smoke = smoke_of(writes, tmp_path)
    assert "wrote to the pipe" in smoke.failure
    assert smoke.training is None
