"""reward-kit's recordings as a cassette: marked as what they are, and nothing that does not fit is dropped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reward_kit.cassettes.errors import CassetteError, CassetteFileError
from reward_kit.cassettes.format import read_cassette
from reward_kit.cassettes.lint import lint
from reward_kit.cassettes.reconstruct import finish_reason, read_recordings, reconstruct
from reward_kit.cli import main
from reward_kit.dataset import write_dataset
from reward_kit.models import Row
from reward_kit.steps.regenerate import RegenerateSettings, RegenerateStep

#: What the step asks is what an imported answer is filed under: nothing of this is said again when importing.
SUITE = """
reward = "reward_kit.rewards.math:math_reward"

[data]

[regenerate]
model = "accounts/fireworks/models/qwen3-30b-a3b"
system_prompt = "Box it."
temperature = 0.3
options = { top_p = 0.9 }
pass_rate = 0.5
max_truncated = 0.3
"""
SETTINGS = RegenerateSettings(model="m", system_prompt="Box it.")
REQUEST_FOR = RegenerateStep(SETTINGS, Path(), ()).request_for


def row(row_id: str, prompt: str, gold: str = "1") -> Row:
    messages = ({"role": "user", "content": prompt}, {"role": "assistant", "content": "\\boxed{1}"})
    return Row(row_id, messages, gold, {}, 1)


def recording(folder: Path, *pairs: tuple[str, str]) -> Path:
    path = folder / "recorded.jsonl"
    keys = ("user_prompt", "regenerated_content")
    path.write_text("".join(json.dumps(dict(zip(keys, pair, strict=True))) + "\n" for pair in pairs))
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, in which commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def suite(project: Path, *rows: Row, toml: str = SUITE) -> Path:
    folder = project / "cases" / "math"
    folder.mkdir(parents=True)
    (folder / "suite.toml").write_text(toml)
    write_dataset(folder / "dataset.jsonl", rows)
    return folder


def import_(recorded: Path) -> Result:
    return CliRunner().invoke(main, ["cassette", "import", str(recorded), "math"])


def test_an_imported_answer_replays_for_its_row_and_says_that_it_was_reconstructed(project):
    thought = "<think>\nhm\n</think>\n\n"
    rows = row("r-1", "One?"), row("r-2", "Two? "), row("r-3", "Three?"), row("r-4", "Four?")
    suite(project, *rows)
    pairs = [("Two?", "<think>\nnever done"), ("One?", f"{thought}\\boxed{{1}}")]
    done = import_(recording(project, *pairs, ("Three?", f"{thought}\\boxed{{2}}"), ("Four?", "\\boxed{1}")))
    assert done.exit_code == 0, done.output
    path = project / "cassettes" / "math" / "regenerate.jsonl"
    assert done.output == f"{path}: 4 interactions reconstructed, 1 of them truncated\n"
    assert lint(path) == []
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--rk-suite=math", "--rk-json=out.json"]
    offline = {name: value for name, value in os.environ.items() if not name.startswith("FIREWORKS")}
    run = subprocess.run(command, capture_output=True, text=True, env=offline, check=False)
    assert "answers of an imported log: requests and finish reasons are reconstructed" in run.stdout
    step = json.loads((project / "out.json").read_text())["suites"]["math"]["steps"]["regenerate"]
    assert step["outcomes"] == {"passed": 2, "wrong_answer": 1, "truncated": 1}, run.stdout
    assert step["gate"] == "passed"


def test_what_an_import_says_of_itself(project):
    suite(project, row("r-1", "One?"))
    import_(recording(project, ("One?", "1")))
    (one,) = read_cassette(project / "cassettes/math/regenerate.jsonl").interactions
    assert (one.provenance.source, one.provenance.host, one.provenance.recorded_at) == ("reconstructed", None, None)
    assert "finish_reason" in one.provenance.note
    asked = json.loads(one.request.body)
    assert (asked["temperature"], asked["top_p"], asked["messages"][0]["content"]) == (0.3, 0.9, "Box it.")


def test_an_imported_log_is_a_miss_once_the_step_asks_for_something_else(project):
    folder = suite(project, row("r-1", "One?"))
    import_(recording(project, ("One?", "\\boxed{1}")))
    (folder / "suite.toml").write_text(SUITE.replace("Box it.", "Box it, please."))
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--rk-suite=math", "--rk-step=regenerate"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "Box it, please." in run.stdout


def test_what_has_no_partner_is_named(project):
    suite(project, row("r-1", "One?"), row("r-2", "Two?"))
    done = import_(recording(project, ("One?", "1"), ("Elsewhere?", "2")))
    assert done.exit_code == 1
    assert "row r-2: no recording, its request will be a miss" in done.output
    assert "line 2: no row of the dataset has its prompt" in done.output
    assert len(read_cassette(project / "cassettes/math/regenerate.jsonl").interactions) == 1


def test_nothing_that_fits_writes_nothing(project):
    suite(project, row("r-1", "One?"))
    done = import_(recording(project, ("Two?", "2")))
    assert done.exit_code == 1
    assert "none of its prompts" in done.output
    assert not (project / "cassettes").exists()


def test_a_cassette_that_is_there_is_left_alone(project):
    suite(project, row("r-1", "One?"))
    path = project / "cassettes" / "math" / "regenerate.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("recorded with a key\n")
    done = import_(recording(project, ("One?", "1")))
    assert done.exit_code == 1
    assert "is there already" in done.output
    assert path.read_text() == "recorded with a key\n"


def test_a_suite_without_the_step_says_so(project):
    suite(project, row("r-1", "One?"), toml='reward = "reward_kit.rewards.math:math_reward"\n[local]\n')
    done = import_(recording(project, ("One?", "1")))
    assert done.exit_code == 1
    assert "declares no [regenerate]" in done.output


def test_rows_with_the_same_prompt_need_an_answer_each(tmp_path):
    rows = row("r-1", "One?"), row("r-2", "One?")
    with pytest.raises(CassetteError, match="1 answers to the prompt of r-1, r-2"):
        reconstruct(read_recordings(recording(tmp_path, ("One?", "1"))), rows, REQUEST_FOR)
    both = reconstruct(read_recordings(recording(tmp_path, ("One?", "1"), ("One?", "2"))), rows, REQUEST_FOR)
    assert [json.loads(one.response.body)["choices"][0]["message"]["content"] for one in both.interactions] == [
        "1",
        "2",
    ]


def test_a_line_that_is_no_recording_is_named(tmp_path):
    path = tmp_path / "recorded.jsonl"
    path.write_text('{"user_prompt": "One?"}\n')
    with pytest.raises(CassetteFileError, match=r"recorded.jsonl:1: has no user_prompt or no regenerated_content"):
        read_recordings(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("<think>a", "length"), ("<think>a</think>b", "stop"), ("a", "stop"), ("a</think>b", "stop")],
)
def test_an_answer_that_never_stopped_thinking_was_cut_off(text, reason):
    assert finish_reason(text) == reason


def test_the_recordings_of_reward_kit_come_in_whole(tmp_path):
    folder = Path(os.environ.get("REWARDKIT_DATA", "/nowhere")) / "math" / "seed"
    if not folder.is_dir():
        pytest.skip("REWARDKIT_DATA names no folder with math/seed: reward-kit's own recordings were not imported")
    lines = (folder / "gsm8k_dataset_100.jsonl").read_text().splitlines()
    rows = [row(f"gsm8k-{n:05}", json.loads(line)["messages"][0]["content"]) for n, line in enumerate(lines)]
    found = reconstruct(read_recordings(folder / "gsm8k_qwen3-30b-a3b_recorded_100.jsonl"), rows, REQUEST_FOR)
    assert (len(found.interactions), found.truncated) == (100, 6)
    assert (found.rows_without_recording, found.lines_without_row) == ((), ())
    assert sum(one.provenance.scrubbed for one in found.interactions) == 0
