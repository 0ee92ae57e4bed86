"""Step grpo as a user meets it: named defects before anything is trained, real training, and what is said of both."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Golds of two digits: none is part of another, or of a prompt.
GOLDS = [str(37 + 7 * number) for number in range(8)]
GOOD = """
import re

def right(completion, gold):
    found = re.findall(r"\\\\boxed\\{([^{}]*)\\}", completion[0]["content"])
    return float(found == [gold])

def grade(completions, ground_truth, **kwargs):
    return [right(completion, gold) for completion, gold in zip(completions, ground_truth)]
"""
GRPO = "[local]\n[grpo]\n"


@pytest.fixture
def lessons(pytester: pytest.Pytester):
    """Write cases/lessons: eight rows, a reward, and further columns for each."""

    def make(reward: str, toml: str = GRPO, prompt: str = "Which number is it?", **columns: str) -> Path:
        folder = pytester.path / "cases" / "lessons"
        folder.mkdir(parents=True)
        (folder / "lesson_reward.py").write_text(reward)
        (folder / "suite.toml").write_text(f'reward = "lesson_reward:grade"\n{toml}')
        rows = []
        for number, gold in enumerate(GOLDS):
            said = f"The final answer is $\\boxed{{{gold}}}$."
            asked = prompt.replace("GOLD", said)
            messages = [{"role": "user", "content": f"{asked} Case {'abcdefgh'[number]}."}]
            messages.append({"role": "assistant", "content": said})
            row = {"id": f"row-{number}", "messages": messages, "ground_truth": gold}
            rows.append(row | {name: value.replace("GOLD", gold) for name, value in columns.items()})
        (folder / "dataset.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return folder

    return make


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("--rk-suite=lessons", "--rk-json=out.json", *options)


def grpo_of(pytester: pytest.Pytester) -> dict:
    return json.loads((pytester.path / "out.json").read_text())["suites"]["lessons"]["steps"]["grpo"]


#: What TRL 1.16 trains on without a word: each has its own diagnosis, in words that a reader can act on.
SILENT = {
    "constant": ("def grade(completions, **kwargs):\n    return [0.5] * len(completions)\n", "same reward"),
    "misspelt column": (
        "def grade(completions, ground_truht=None, **kwargs):\n"
        "    golds = ground_truht or [None] * len(completions)\n"
        "    return [float(c[0]['content'] == f'\\\\boxed{{{g}}}') for c, g in zip(completions, golds)]\n",
        "ground_truht",
    ),
    "messages taken for strings": (
        "def grade(completions, ground_truth, **kwargs):\n"
        "    return [float(str(g) in c) for c, g in zip(completions, ground_truth)]\n",
        "message list",
    ),
    "infinite": (
        "def grade(completions, ground_truth, **kwargs):\n"
        "    return [float('inf') if g in c[0]['content'] else 0.0 for c, g in zip(completions, ground_truth)]\n",
        "inf",
    ),
    "abstains": ("def grade(completions, **kwargs):\n    return [None] * len(completions)\n", "None"),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_trl_trains_on_in_silence_is_refused_before_training(pytester, lessons, name):
    reward, told = SILENT[name]
    lessons(reward)
    result = run(pytester, "--rk-step=grpo")
    assert result.ret == 1
    step = grpo_of(pytester)
    assert step["gates"]["calls"]["decision"] == "failed"
    assert told in step["gates"]["calls"]["reason"]
    assert step["gates"]["margins"]["decision"] == "undecided"
    assert "training" not in step
