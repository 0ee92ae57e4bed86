"""The suites of this repository, run as a user runs them; and copies of them, broken on purpose."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).parents[2] / "cases"
SUITES = sorted(path.parent.name for path in CASES.glob("*/suite.toml"))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--rk-json=results.json", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)


def results(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())["suites"]


@pytest.fixture
def copy_of(tmp_path):
    """A copy of a suite in a folder of its own, where it can be broken."""

    def make(suite: str) -> Path:
        shutil.copytree(CASES / suite, tmp_path / "cases" / suite)
        cassettes = CASES.parent / "cassettes" / suite
        if cassettes.is_dir():
            shutil.copytree(cassettes, tmp_path / "cassettes" / suite)
        return tmp_path / "cases" / suite

    return make


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_passes_every_step_it_declares(copy_of, tmp_path, suite):
    copy_of(suite)
    done = run(tmp_path, f"--rk-suite={suite}")
    assert done.returncode == 0, done.stdout
    steps = results(tmp_path)[suite]["steps"]
    assert {name: step["gate"] for name, step in steps.items()} == dict.fromkeys(steps, "passed")
    assert {"data", "local"} <= steps.keys()


@pytest.mark.parametrize("suite", SUITES)
def test_preparing_again_gives_the_same_bytes(copy_of, tmp_path, suite):
    """The dataset, and the report of what was left out of it."""
    folder = copy_of(suite)
    before = {path: path.read_bytes() for path in (folder / "dataset.jsonl", folder / "dataset.report.json")}
    for path in before:
        path.unlink()
    done = subprocess.run([sys.executable, "-m", "reward_kit.cli", "prepare", suite], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert not list(folder.glob(".*"))


def break_gold(row):
    """What a regex for thousands did to one gold in ten of GSM8K."""
    row["ground_truth"] = row["ground_truth"][:3]


def break_text(row):
    row["messages"][0]["content"] += " "


@pytest.mark.parametrize(("damage", "outcome"), [(break_gold, "gold_defect"), (break_text, "bad_format")])
def test_a_dataset_changed_by_hand_is_not_ready(copy_of, tmp_path, damage, outcome):
    folder = copy_of("math")
    lines = (folder / "dataset.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    chosen = next(row for row in rows if len(row["ground_truth"]) > 3)
    damage(chosen)
    (folder / "dataset.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    done = run(tmp_path, "--rk-suite=math", "--rk-step=data")
    assert done.returncode == 1
    step = results(tmp_path)["math"]["steps"]["data"]
    assert (step["gate"], step["outcomes"][outcome]) == ("failed", 1)
    assert f"{chosen['id']}: {outcome}" in done.stdout
    assert "source.jsonl:" in done.stdout


def test_a_row_dropped_from_the_dataset_is_not_ready(copy_of, tmp_path):
    folder = copy_of("math")
    kept = (folder / "dataset.jsonl").read_text().splitlines(keepends=True)[:-1]
    (folder / "dataset.jsonl").write_text("".join(kept))
    (folder / "suite.toml").write_text((folder / "suite.toml").read_text().replace("min_rows = 100", "min_rows = 10"))
    assert run(tmp_path, "--rk-suite=math", "--rk-step=data").returncode == 1
    assert (
        "source rows missing from the dataset: 1 (gsm8k-00099)" in results(tmp_path)["math"]["steps"]["data"]["reason"]
    )


def test_a_wrong_gold_disagrees_with_its_solution(copy_of, tmp_path):
    """Gold and reference come from different places: a slip in the gold line alone shows."""
    folder = copy_of("math")
    text = (folder / "source.jsonl").read_text()
    row = json.loads(text.splitlines()[0])
    gold = row["answer"].rpartition("#### ")[2]
    row["answer"] = row["answer"].removesuffix(gold) + str(int(gold) + 1)
    (folder / "source.jsonl").write_text("\n".join([json.dumps(row), *text.splitlines()[1:]]) + "\n")
    prepare = [sys.executable, "-m", "reward_kit.cli", "prepare", "math"]
    done = subprocess.run(prepare, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"line 1 (gsm8k-00000): by the solution, {gold} is not {int(gold) + 1}" in done.stdout
    assert run(tmp_path, "--rk-suite=math", "--rk-step=data,local").returncode == 1
    steps = results(tmp_path)["math"]["steps"]
    assert (steps["data"]["gate"], steps["local"]["gate"]) == ("failed", "failed")
    assert steps["data"]["results"][0]["finding"] == "solution_disagrees"
    assert steps["local"]["results"][0]["outcome"] == "wrong_answer"
