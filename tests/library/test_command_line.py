"""`reward-kit` on the command line: what it writes, and that every failure is one readable message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reward_kit.cli import main
from reward_kit.dataset import read_dataset
from reward_kit.installation import conflict

SUITE = """\
reward = "reward_kit.rewards.math:math_reward"
[data]
source = { kind = "jsonl", path = "source.jsonl", layout = "gsm8k" }
"""
SOURCE = json.dumps({"question": "600 * 2?", "answer": "<<600*2=1200>>1200\n#### 1,200"}) + "\n"


@pytest.fixture
def sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder cases/sums with a suite to prepare, below the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "cases" / "sums"
    folder.mkdir(parents=True)
    (folder / "suite.toml").write_text(SUITE)
    (folder / "source.jsonl").write_text(SOURCE)
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.usefixtures("sums")
def test_prepare_writes_the_dataset_and_says_so() -> None:
    result = run("prepare", "sums")

    assert (result.exit_code, result.output) == (
        0,
        "1 read, 1 kept, 0 dropped (source.jsonl, layout gsm8k)\n"
        "cases/sums/dataset.jsonl: 1 row; all reasons in cases/sums/dataset.report.json\n",
    )
    (row,) = read_dataset(Path("cases/sums/dataset.jsonl"))
    assert (row.ground_truth, row.columns["gold_raw"]) == ("1200", "1,200")


def test_prepare_twice_gives_the_same_bytes(sums: Path) -> None:
    run("prepare", "sums")
    first = (sums / "dataset.jsonl").read_bytes()
    run("prepare", "sums")

    assert (sums / "dataset.jsonl").read_bytes() == first


def test_another_folder_of_suites_can_be_named(sums: Path) -> None:
    sums.parent.rename(sums.parent.parent / "suites")

    assert run("prepare", "sums", "--cases", "suites").exit_code == 0
    assert len(read_dataset(Path("suites/sums/dataset.jsonl"))) == 1


@pytest.mark.usefixtures("sums")
def test_an_unknown_suite_is_an_error_that_names_the_file() -> None:
    result = run("prepare", "products")

    assert result.exit_code == 1
    assert result.output.startswith("Error: cases/products/suite.toml is not there.")


def test_a_suite_without_source_cannot_be_prepared(sums: Path) -> None:
    (sums / "suite.toml").write_text('reward = "m:f"\n[local]\n')
    result = run("prepare", "sums")

    assert (result.exit_code, result.output) == (
        1,
        "Error: cases/sums/suite.toml declares no data.source to prepare from. "
        "Add one, or write cases/sums/dataset.jsonl yourself; 'reward-kit check-data' audits it\n",
    )


@pytest.mark.parametrize(
    ("source", "problem"), [("", "is empty"), (SOURCE + "[]\n", "source.jsonl:2: is an array, not a JSON object")]
)
def test_a_bad_source_leaves_the_old_dataset(source: str, problem: str, sums: Path) -> None:
    (sums / "dataset.jsonl").write_text("old\n")
    (sums / "source.jsonl").write_text(source)
    result = run("prepare", "sums")

    assert result.exit_code == 1
    assert problem in result.output
    assert (sums / "dataset.jsonl").read_text() == "old\n"


def test_a_dataset_that_cannot_be_written_is_an_error_and_no_traceback(sums: Path) -> None:
    (sums / "dataset.jsonl").mkdir()
    result = run("prepare", "sums")

    assert (result.exit_code, result.output) == (
        1,
        "Error: cases/sums/dataset.jsonl is a folder. Name a file\n",
    )
    assert sorted(path.name for path in sums.iterdir()) == ["dataset.jsonl", "source.jsonl", "suite.toml"]


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run("prepair", "math").exit_code == 2


def test_the_prepared_suites_in_this_repository_are_what_prepare_writes(tmp_path: Path) -> None:
    """Running the command again changes no byte of cases/math/dataset.jsonl."""
    here = Path(__file__).parents[2] / "cases" / "math"
    folder = tmp_path / "cases" / "math"
    folder.mkdir(parents=True)
    for name in ("suite.toml", "source.jsonl"):
        (folder / name).write_bytes((here / name).read_bytes())
    result = run("prepare", "math", "--cases", str(folder.parent))

    assert result.exit_code == 0, result.output
    assert (folder / "dataset.jsonl").read_bytes() == (here / "dataset.jsonl").read_bytes()


def install_reward_kit(folder: Path) -> None:
    """What the installed distribution reward-kit looks like to importlib.metadata."""
    info = folder / "reward_kit-0.4.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: reward-kit\nVersion: 0.4.1\n")


def test_reward_kit_installed_beside_this_is_a_conflict_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert conflict() is None
    install_reward_kit(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    problem = conflict()
    assert problem is not None
    assert "\n" not in problem
    assert problem.startswith("reward-kit 0.4.1 and pytest-rewardkit both own the import name reward_kit: run ")


@pytest.mark.usefixtures("sums")
def test_the_command_line_stops_at_a_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_reward_kit(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    result = run("prepare", "sums")

    assert result.exit_code == 1
    assert "pip uninstall -y reward-kit" in result.output
    assert not Path("cases/sums/dataset.jsonl").exists()


def test_rows_written_by_hand_are_not_lost_without_force(sums: Path) -> None:
    run("prepare", "sums")
    dataset = sums / "dataset.jsonl"
    by_hand = dataset.read_text() + dataset.read_text().replace("gsm8k-00000", "mine")
    dataset.write_text(by_hand)

    refused = run("prepare", "sums")
    assert (refused.exit_code, dataset.read_text()) == (1, by_hand)
    assert "rows that the new one would not have: mine. --force replaces it" in refused.output
    assert run("prepare", "sums", "--force").exit_code == 0
    assert len(read_dataset(dataset)) == 1


def test_a_file_that_is_no_dataset_is_not_replaced_without_force(sums: Path) -> None:
    (sums / "dataset.jsonl").write_text("notes to myself")
    assert "cannot be read as a dataset. --force" in run("prepare", "sums").output
    assert run("prepare", "sums", "--force").exit_code == 0


def test_an_unknown_suite_lists_the_known_ones(sums: Path) -> None:
    assert "cases/smus/suite.toml is not there. Suites in cases/: sums" in run("prepare", "smus").output
