"""examples/train_grpo.py as a user runs it: a suite's reward and rows in real training, here of a tiny model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "train_grpo.py"
#: What a reward of the suite's call shape must be given, and a score in which even random completions differ.
REWARD = """
def grade(messages, ground_truth, unit, **kwargs):
    system, question, answer = messages
    assert (system["role"], system["content"]) == ("system", "Be brief."), system
    assert question["content"] == f"How many {unit}?" and ground_truth == unit.upper()
    return len(set(answer["content"])) % 7 / 6
"""
SUITE = 'reward = "unit_reward:grade"\n[local]\n[regenerate]\nmodel = "any"\nsystem_prompt = "Be brief."\n'
TINY = """
import sys
from pathlib import Path

from reward_kit.grpo.training.model import build_model, save_model
from reward_kit.grpo.training.tokenizer import build_tokenizer

tokenizer = build_tokenizer(["How many legs? Be brief."])
save_model(build_model(tokenizer, 256, seed=0), tokenizer, Path(sys.argv[1]))
"""


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A Python of its own, that asks no hub and no GPU."""
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    environ = os.environ | offline | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite of four rows, and its reward beside it."""
    folder = tmp_path / "units"
    folder.mkdir()
    (folder / "unit_reward.py").write_text(REWARD)
    (folder / "suite.toml").write_text(SUITE)
    rows = [
        {
            "id": unit,
            "messages": [{"role": "user", "content": f"How many {unit}?"}, {"role": "assistant", "content": "4"}],
            "ground_truth": unit.upper(),
            "unit": unit,
        }
        for unit in ("legs", "arms", "ears", "eyes")
    ]
    (folder / "dataset.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.slow
def test_it_trains_a_model_on_the_reward_and_rows_of_a_suite(tmp_path: Path, suite: Path) -> None:
    pytest.importorskip("trl", reason="the extra 'grpo' is not installed")
    model, output = tmp_path / "tiny", tmp_path / "trained"
    built = python("-c", TINY, model)
    assert built.returncode == 0, built.stderr
    few = ["--steps", 3, "--generations", 4, "--prompts", 2, "--max-completion-length", 8, "--learning-rate", 1e-3]
    ran = python(SCRIPT, "--suite", suite, "--model", model, "--output", output, "--cpu", *few)
    assert ran.returncode == 0, ran.stderr
    assert "units: 4 rows, unit_reward:grade (reward-kit, pointwise)" in ran.stdout
    assert "3 steps, reward " in ran.stdout
    logs = json.loads((output / "trainer_state.json").read_text())["log_history"]
    steps = [log for log in logs if "reward" in log]
    assert [log["step"] for log in steps] == [1, 2, 3]
    assert all(0.0 < log["rewards/grade/mean"] < 1.0 for log in steps)
    assert any(log["grad_norm"] > 0.0 for log in steps)
    assert (output / "model.safetensors").read_bytes() != (model / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_a_model_that_is_not_there_is_said_in_a_line(tmp_path: Path, suite: Path) -> None:
    pytest.importorskip("trl", reason="the extra 'grpo' is not installed")
    missing = tmp_path / "no-model"
    ran = python(SCRIPT, "--suite", suite, "--model", missing, "--output", tmp_path / "out", "--cpu")
    assert ran.returncode == 1
    assert f"--model {missing} cannot be loaded: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "out").exists()


def test_a_suite_that_cannot_be_read_is_said_with_its_file_and_line(tmp_path: Path, suite: Path) -> None:
    pytest.importorskip("trl", reason="the extra 'grpo' is not installed")
    (suite / "suite.toml").write_text(SUITE.replace("[local]", "[locale]"))
    ran = python(SCRIPT, "--suite", suite, "--model", "any", "--output", tmp_path / "out")
    assert ran.returncode == 1
    assert f"{suite / 'suite.toml'}:2: unknown key 'locale'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("option", "package", "install"),
    [(["--lora-rank", 8], "peft", "trl[peft]"), (["--vllm", "server"], "vllm", "trl[vllm]")],
)
def test_what_an_option_needs_is_named_where_it_is_missing(
    tmp_path: Path, suite: Path, option: list[object], package: str, install: str
) -> None:
    pytest.importorskip("trl", reason="the extra 'grpo' is not installed")
    barred = f"import runpy, sys; sys.modules[{package!r}] = None; del sys.argv[0]; "
    barred += "runpy.run_path(sys.argv[0], run_name='__main__')"
    ran = python("-c", barred, SCRIPT, "--suite", suite, "--model", "any", "--output", tmp_path / "out", *option)
    assert ran.returncode == 1
    assert ran.stderr.strip() == f"{package} is not installed: pip install '{install}'"


@pytest.mark.parametrize("place", ["colocate", "server"])
def test_what_it_tells_trl_of_vllm_is_what_this_trl_knows(place: str) -> None:
    pytest.importorskip("trl", reason="the extra 'grpo' is not installed")
    code = f"""
import dataclasses, runpy
from trl import GRPOConfig
script = runpy.run_path({str(SCRIPT)!r})
options = script["command_line"](["--model", "any", "--output", "out", "--vllm", {place!r}])
given = script["vllm_options"](options)
assert given["vllm_mode"] == {place!r}
assert given.keys() <= {{field.name for field in dataclasses.fields(GRPOConfig)}}, given
"""
    ran = python("-c", code)
    assert ran.returncode == 0, ran.stderr
