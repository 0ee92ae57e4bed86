"""reward-kit's recordings as a cassette: marked as what they are, and nothing that does not fit is dropped."""

from __future__ import annotations

import asyncio
import json
import os
from functools import partial
from pathlib import Path

import pytest
from cassette_client import CHAT, client
from click.testing import CliRunner

from reward_kit.cassettes.errors import CassetteError, CassetteFileError
from reward_kit.cassettes.format import read_cassette
from reward_kit.cassettes.opening import open_cassette
from reward_kit.cassettes.reconstruct import finish_reason, prompt_request, read_recordings, reconstruct
from reward_kit.cli import main
from reward_kit.dataset import write_dataset
from reward_kit.models import Row

MODEL = "accounts/fireworks/models/qwen3-30b-a3b"
REQUEST_FOR = partial(prompt_request, model=MODEL, max_tokens=4000, temperature=0.2, system_prompt="Box it.")


def row(row_id: str, prompt: str) -> Row:
    messages = ({"role": "user", "content": prompt}, {"role": "assistant", "content": "\\boxed{1}"})
    return Row(row_id, messages, "1", {}, 1)


def recording(folder: Path, *pairs: tuple[str, str]) -> Path:
    path = folder / "recorded.jsonl"
    keys = ("user_prompt", "regenerated_content")
    path.write_text("".join(json.dumps(dict(zip(keys, pair, strict=True))) + "\n" for pair in pairs))
    return path


def suite(folder: Path, *rows: Row) -> Path:
    (folder / "math").mkdir()
    write_dataset(folder / "math" / "dataset.jsonl", rows)
    return folder / "math"


def import_(recorded: Path, suite_folder: Path, out: Path):
    options = ["--suite-folder", str(suite_folder), "--model", MODEL, "--out", str(out), "--system-prompt", "Box it."]
    return CliRunner().invoke(main, ["cassette", "import", str(recorded), *options])


def test_an_imported_answer_replays_for_its_row_and_says_that_it_was_reconstructed(tmp_path):
    rows = row("r-1", "One?"), row("r-2", "Two? ")
    path = recording(tmp_path, ("Two?", "<think>\nnever done"), ("One?", "<think>\nhm\n</think>\n\n\\boxed{1}"))
    out = tmp_path / "cassettes" / "math" / "regenerate.jsonl"
    done = import_(path, suite(tmp_path, *rows), out)
    assert done.exit_code == 0, done.output
    assert done.output == f"{out}: 2 interactions reconstructed, 1 of them truncated\n"

    async def run():
        with open_cassette(out, suite="math", step="regenerate") as cassette:
            async with client(cassette, "http://recorded.invalid") as http:
                return [(await http.post(CHAT, json=REQUEST_FOR(one).body)).json()["choices"][0] for one in rows]

    first, second = asyncio.run(run())
    assert (first["finish_reason"], second["finish_reason"]) == ("stop", "length")
    assert first["message"]["content"].endswith("\\boxed{1}")
    came = read_cassette(out).interactions[0].provenance
    assert (came.source, came.host, came.recorded_at) == ("reconstructed", None, None)
    assert "finish_reason" in came.note


def test_what_has_no_partner_is_named(tmp_path):
    path = recording(tmp_path, ("One?", "1"), ("Elsewhere?", "2"))
    done = import_(path, suite(tmp_path, row("r-1", "One?"), row("r-2", "Two?")), tmp_path / "out.jsonl")
    assert done.exit_code == 1
    assert "row r-2: no recording, its request will be a miss" in done.output
    assert "line 2: no row of the dataset has its prompt" in done.output
    assert len(read_cassette(tmp_path / "out.jsonl").interactions) == 1


def test_nothing_that_fits_writes_nothing(tmp_path):
    done = import_(recording(tmp_path, ("Two?", "2")), suite(tmp_path, row("r-1", "One?")), tmp_path / "out.jsonl")
    assert done.exit_code == 1
    assert "none of its prompts" in done.output
    assert not (tmp_path / "out.jsonl").exists()


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
