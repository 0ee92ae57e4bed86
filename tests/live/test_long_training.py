"""A longer training than a check needs: what the first steps promise holds on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.rk_live

CASES = Path(__file__).parents[2] / "cases"
STEPS = 50


def test_fifty_steps_teach_the_suite_math(tmp_path):
    folder = tmp_path / "cases" / "math"
    folder.mkdir(parents=True)
    (folder / "dataset.jsonl").write_bytes((CASES / "math" / "dataset.jsonl").read_bytes())
    (folder / "suite.toml").write_text(
        f'reward = "reward_kit.rewards.math:math_reward"\n\n[controls]\n\n[grpo]\nsteps = {STEPS}\n'
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--rk-suite=math", "--rk-json=out.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    step = json.loads((tmp_path / "out.json").read_text())["suites"]["math"]["steps"]["grpo"]
    rewards = [one["reward"] for one in step["training"]["curve"]]
    assert len(rewards) == step["training"]["steps"] == STEPS
    assert sum(rewards[-10:]) / 10 > 0.9 > rewards[0]
