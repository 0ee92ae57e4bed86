"""The steps that ask Fireworks, without recorded answers: of the API where there is a key, else of the stand-in.

FIREWORKS_API_BASE names another server, such as a `reward-kit serve` that runs already. Nothing of the repository is
recorded: the suite is a copy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reward_kit.cassettes.format import read_cassette
from reward_kit.cassettes.lint import lint
from reward_kit.fireworks.shapes import Source
from reward_kit.standin import Answers, StandIn

pytestmark = pytest.mark.rk_live

CASES = Path(__file__).parents[2] / "cases"
#: Few rows: each costs a completion of up to 4,000 tokens.
ROWS = 8


@pytest.fixture
def suite(tmp_path) -> Path:
    """The first rows of the suite math and their authored answers."""
    folder = tmp_path / "cases" / "math"
    folder.mkdir(parents=True)
    for name in ("dataset.jsonl", "answers.jsonl"):
        lines = (CASES / "math" / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / name).write_text("".join(lines[:ROWS]), encoding="utf-8")
    for name in ("suite.toml", "source.jsonl"):
        (folder / name).write_bytes((CASES / "math" / name).read_bytes())
    return folder


@pytest.fixture
def environment(suite) -> Iterator[Mapping[str, str]]:
    """Where to ask: what the environment says, or a stand-in."""
    given = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    if {"FIREWORKS_API_KEY", "FIREWORKS_API_BASE"} & given.keys():
        yield {"FIREWORKS_API_KEY": "any"} | given  # a stand-in of one's own wants one
        return
    with StandIn(Answers.load(suite / "answers.jsonl", suite / "dataset.jsonl")) as server:
        yield given | {"FIREWORKS_API_BASE": server.url, "FIREWORKS_API_KEY": "any"}


@pytest.mark.parametrize("step", ["preview", "regenerate"])
def test_a_step_asks_a_server_and_what_it_recorded_gives_the_same_verdicts(tmp_path, suite, environment, step):
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--rk-suite=math", f"--rk-step={step}"]
    asked = run([*command, "--rk-record=all", "--rk-json=asked.json"], tmp_path, environment)
    cassette = read_cassette(tmp_path / "cassettes" / "math" / f"{step}.jsonl")
    came = Counter(one.provenance.source for one in cassette.interactions)
    assert sorted(row for one in cassette.interactions for row in one.provenance.row_ids) == [
        json.loads(line)["id"] for line in (suite / "dataset.jsonl").read_text().splitlines()
    ]
    assert set(came) <= {Source.LIVE, Source.STAND_IN, Source.PROXY}
    assert not lint(tmp_path / "cassettes" / "math" / f"{step}.jsonl")
    verdicts = asked["results"]
    assert len(verdicts) == ROWS
    # How well a model does is its own affair; that every row has an answer, and that the answer was graded, is ours.
    assert {verdict["outcome"] for verdict in verdicts} <= {
        "passed",
        "wrong_answer",
        "no_answer",
        "ambiguous",
        "truncated",
    }
    if step == "preview":
        assert {name: gate["decision"] for name, gate in asked["gates"].items()} == dict.fromkeys(
            asked["gates"], "passed"
        )
    offline = {name: value for name, value in environment.items() if not name.startswith("FIREWORKS")}
    assert run([*command, "--rk-json=replayed.json"], tmp_path, offline) == asked


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> dict:
    """What --rk-json says of the step that ran."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    name = command[-1].partition("=")[2]
    assert (folder / name).is_file(), done.stdout + done.stderr
    step = next(part.partition("=")[2] for part in command if part.startswith("--rk-step"))
    return json.loads((folder / name).read_text())["suites"]["math"]["steps"][step]
