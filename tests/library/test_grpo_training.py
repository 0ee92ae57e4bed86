"""A tiny model trained by the real trl.GRPOTrainer: what a right reward teaches, what is logged, what is undecided."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs the extra [grpo]")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TOKENIZERS_PARALLELISM": "false",
}
#: What every story begins with: eight rows of a suite, and its reward as TRL calls one.
PREAMBLE = """
    import json, sys
    from dataclasses import asdict
    from pathlib import Path
    from reward_kit.grpo.domains import DOMAINS, training_rows
    from reward_kit.grpo.shapes import Plan
    from reward_kit.grpo.training import trainer
    from reward_kit.grpo.training.trainer import train
    from reward_kit.integrations.trl import to_trl
    from reward_kit.suite import load_suite

    suite = load_suite(Path(sys.argv[1]))
    rows = training_rows(suite.rows, DOMAINS["math"], 5, 8, lambda samples: [True] * len(samples))
    right = to_trl(suite.load_reward(), range=(0.0, 1.0))
    words = []

    def plan(**changes):
        return Plan(rows, suite.scale, Path("log"), 5, **changes)

    def told(training):
        Path("told.json").write_text(json.dumps({**asdict(training), "words": words}))
"""


def trained(folder: Path, story: str, suite: str = "math") -> dict[str, Any]:
    """What the story's training told, in a process of its own that prints nothing."""
    code = textwrap.dedent(PREAMBLE) + textwrap.dedent(story)
    environment = os.environ | OFFLINE | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, str(ROOT / "cases" / suite)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    told: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return told


@pytest.mark.parametrize("suite", ["math", "math_openr1"])
def test_a_right_reward_teaches_its_rows(tmp_path, suite):
    told = trained(tmp_path, "told(train(plan(), [right], None, words.append))", suite)
    assert told["coverage"] >= 0.85
    assert told["steps"] == len(told["logs"]) == 10
    assert told["changed"] == told["parameters"] > 0
    assert told["logs"][-1]["reward"] - told["logs"][0]["reward"] >= 0.2
    assert len(told["margins"]) == 24
    assert min(margin["after"] - margin["before"] for margin in told["margins"]) > 0
    assert told["record"]["calls"] == 10
    assert told["memory_mb"] < 1500


def test_each_step_is_a_line_of_the_log(tmp_path):
    told = trained(tmp_path, "told(train(plan(steps=2, most_steps=3), [right], None, words.append))")
    lines = [json.loads(line) for line in (tmp_path / "log" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert lines[0].keys() == {
        *("step", "reward", "reward_std", "frac_reward_zero_std", "entropy", "clipped_ratio", "loss", "grad_norm"),
        *("completion_length_mean", "completion_length_min", "completion_length_max", "margin_mean", "margin_least"),
    }
    state = json.loads((tmp_path / "log" / "trainer_state.json").read_text())
    assert state["global_step"] == told["steps"] == 3
    assert [word["done"] for word in told["words"] if word["phase"] == "training"] == [1, 2, 3]
    assert [word["done"] for word in told["words"] if word["phase"] == "warm-up"][:2] == [20, 40]


def test_a_constant_reward_ends_at_the_first_look_and_changes_nothing(tmp_path):
    story = """
    def constant(completions, **kwargs):
        return [1.0] * len(completions)

    told(train(plan(steps=2), [constant], None, words.append))
    """
    told = trained(tmp_path, story)
    assert told["steps"] == 2
    assert told["changed"] == 0
    assert [log["frac_reward_zero_std"] for log in told["logs"]] == [1.0, 1.0]


def test_the_trainer_reads_indented_lines_as_the_warm_up_taught_them(tmp_path):
    """transformers 5.23 gives a folder with a Qwen2 model Qwen2's tokenizer, whatever tokenizer was saved there."""
    story = """
    from dataclasses import replace
    from reward_kit.grpo.shapes import Decoy

    def program(line):
        return f"def f(a):\\n    for b in a:\\n        return {line}"

    rows = tuple(replace(row, gold=program(n), decoys=(Decoy("wrong", program(n + 9)),)) for n, row in enumerate(rows))
    told(train(plan(steps=1, most_steps=1), [right], None, words.append))
    """
    told = trained(tmp_path, story)
    assert told["coverage"] >= 0.85
    assert all(abs(margin["before"]) < 4 for margin in told["margins"])


def test_nothing_is_trained_where_the_warm_up_falls_short(tmp_path):
    story = """
    from reward_kit.grpo.training import warmup

    warmup.MOST_STEPS = 20
    told(train(plan(), [right], None, words.append))
    """
    told = trained(tmp_path, story)
    assert told["warm_up_steps"] == 20
    assert told["coverage"] < 0.85
    assert told["logs"] == []
    assert told["margins"] == []
    assert not (tmp_path / "log" / "log.jsonl").exists()


def test_components_are_trained_with_their_weights_and_options_reach_trl(tmp_path):
    story = """
    def brief(completions, **kwargs):
        return [1.0 - min(1.0, len(completion[0]["content"]) / 60) for completion in completions]

    changed = plan(steps=2, most_steps=2, options={"beta": 0.04, "num_generations": 4, "loss_type": "dr_grpo"})
    told(train(changed, [right, brief], [1.0, 0.5], words.append))
    """
    told = trained(tmp_path, story)
    log = told["logs"][0]
    parts = [log[key] for key in log if key.startswith("rewards/") and key.endswith("/mean")]
    assert len(parts) == 2
    assert log["reward"] == pytest.approx(parts[0] + 0.5 * parts[1], abs=1e-5)
    assert "kl" in log
    assert told["record"]["rows"] == 2 * 8 * 4
    assert sum(told["record"]["values"].values()) == 2 * 2 * 8 * 4
