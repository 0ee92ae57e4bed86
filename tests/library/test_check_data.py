"""`reward-kit check-data`: what `prepare` would have said, of a file that is already there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reward_kit.cli import main

COLUMNS = "query=query,solution=solution,ground_truth=gold"
RECORDS = [
    {"query": "What is 600 * 2?", "solution": "It is \\boxed{1200}.", "gold": "1,200"},
    {"query": "What is 6 * 4?", "solution": "It is \\boxed{25}.", "gold": "24"},
    {"query": "What is 600 * 2?", "solution": "It is \\boxed{1200}.", "gold": "1,200"},
    {"query": "What is the area in the figure below?", "solution": "It is \\boxed{7}.", "gold": "7"},
]
REASONS = ("solution_disagrees", "duplicate", "image_needed")


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def prepare(*allowed: str) -> Result:
    Path("rows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    where = ("--source", "rows.jsonl", "--layout", "columns", "--columns", COLUMNS, "--out", "made.jsonl", "--force")
    return call("prepare", *where, *(f"--allow={reason}" for reason in allowed))


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("made.jsonl").read_text().splitlines()]


def write(changed: list[dict[str, Any]]) -> None:
    Path("made.jsonl").write_text("".join(json.dumps(row) + "\n" for row in changed))


def test_a_prepared_dataset_has_nothing_to_be_found() -> None:
    prepare()
    done = call("check-data", "made.jsonl")

    assert (done.exit_code, done.output) == (
        0,
        "1 read, 1 good, 0 not to be trained on (made.jsonl, layout dataset, audit math)\n",
    )


def test_it_finds_what_prepare_finds() -> None:
    dropped = json.loads(Path("made.report.json").read_text())["dropped"] if prepare().exit_code == 0 else []
    prepare(*REASONS)
    done = call("check-data", "made.jsonl")

    assert [found["reason"] for found in dropped] == list(REASONS)
    assert done.exit_code == 1
    for found in dropped:
        assert f"      line {found['line']} ({found['id']}): {found['message']}\n" in done.output


def test_allowed_reasons_do_not_fail_and_are_shown() -> None:
    prepare(*REASONS)
    most = call("check-data", "made.jsonl", "--allow", "duplicate", "--allow", "image_needed")
    done = call("check-data", "made.jsonl", *(f"--allow={reason}" for reason in REASONS))

    assert most.exit_code == 1
    assert done.exit_code == 0
    for reason in REASONS:
        assert f"    {reason:<30} {1:>8}\n" in done.output


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        ({"gold_raw": "1,201"}, "gold_raw '1,201' is not what gold_sha256 was made from"),
        ({"gold_sha256": "0" * 64}, "gold_raw '1,200' is not what gold_sha256 was made from"),
        ({"gold_sha256": None}, "gold_raw '1,200' is not what gold_sha256 was made from"),
        ({"gold_raw": ...}, "has gold_sha256 and no gold_raw"),
        ({"gold_sha256": ...}, "gold_raw '1,200' is not what gold_sha256 was made from"),
        ({"ground_truth": "120"}, "the source says '1,200', the row '120'"),
        ({"ground_truth": 1200}, "the source says '1,200', the row 1200"),
    ],
)
@pytest.mark.parametrize("domain", ["math", "general"])
def test_a_gold_that_was_tampered_with_is_found(tampered: dict[str, Any], said: str, domain: str) -> None:
    prepare()
    changed = {**rows()[0], **tampered}
    write([{name: value for name, value in changed.items() if value is not ...}])
    done = call("check-data", "made.jsonl", "--domain", domain)

    assert done.exit_code == 1
    assert f"gold_changed_by_normaliser            1\n      line 1 (columns-00000): {said}\n" in done.output


def test_a_dataset_written_by_hand_is_audited_too() -> None:
    turns = [{"role": "user", "content": "6 * 4?"}, {"role": "assistant", "content": "It is \\boxed{25}."}]
    write([{"id": "a", "messages": turns, "ground_truth": "24"}])

    assert call("check-data", "made.jsonl").exit_code == 1
    assert call("check-data", "made.jsonl", "--domain", "general").exit_code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--domain", "chemistry"), "--domain chemistry: known domains are code, general, math"),
        (("--allow", "boring"), "--allow boring: reasons that can be allowed are gold_unparsable"),
        (("--allow", "roundtrip_changed"), "--allow roundtrip_changed: reasons that can be allowed are"),
    ],
)
def test_an_unknown_domain_or_reason_is_a_mistake_of_usage(options: tuple[str, ...], said: str) -> None:
    prepare()
    done = call("check-data", "made.jsonl", *options)

    assert (done.exit_code, said in " ".join(done.output.split())) == (2, True), done.output


@pytest.mark.parametrize("content", ["", "{}\n", "[]\n", '{"id": "a"}\n', "\ufeff{}\n"])
def test_a_file_that_is_no_dataset_is_one_message(content: str) -> None:
    Path("made.jsonl").write_text(content)
    done = call("check-data", "made.jsonl")

    assert done.exit_code == 1
    assert done.output.startswith("Error: made.jsonl")


def test_a_file_that_is_not_there_is_named() -> None:
    assert call("check-data", "gone.jsonl").output.startswith("Error: gone.jsonl: cannot be opened")
