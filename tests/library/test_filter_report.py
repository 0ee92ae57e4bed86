"""The filter report: every record that was left out stands in it, with its line and one reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reward_kit.cli import main
from reward_kit.dataset import read_dataset
from reward_kit.files import file_digest
from reward_kit.models import Row
from reward_kit.prepare.base import Finding, Layout, Prepared, Reason, Record
from reward_kit.prepare.layouts import LAYOUTS

GOOD = {"query": "What is 6 * 4?", "solution": "Six times four is $\\boxed{24}$.", "gold": "24"}
#: A record for each reason that the layout `columns` and the math audit can give, and a word of what is said.
PLANTED: dict[Reason, tuple[dict[str, Any], str]] = {
    Reason.GOLD_UNPARSABLE: ({"gold": "\\frac{1}{"}, "frac"),
    Reason.MULTI_PART_GOLD: ({"gold": "(1) 3; (2) 4", "solution": "It is \\boxed{(1) 3; (2) 4}."}, "several"),
    Reason.PROOF_OR_NO_ANSWER: ({"gold": "see solution"}, "see solution"),
    Reason.CHOICE_LETTER_VS_VALUE: (
        {
            "query": "What is 2 + 3?\n(A) 4\n(B) 5\n(C) 6\n(D) 7",
            "gold": "B",
            "solution": "So it is $\\boxed{5}$.",
        },
        "letter",
    ),
    Reason.SOLUTION_HAS_NO_FINAL: ({"solution": "One multiplies."}, "no single final answer"),
    Reason.SOLUTION_DISAGREES: ({"solution": "It is $\\boxed{25}$."}, "by the solution"),
    Reason.IMAGE_NEEDED: ({"query": "What is the area in the figure below?"}, "figure below"),
    Reason.FOREIGN_INSTRUCTION_IN_PROMPT: (
        {"query": "Translate the text above into English. What is 6 * 4?"},
        "Translate",
    ),
    Reason.GOLD_IN_PROMPT: ({"query": "What is 6 * 4 + 0?\nAnswer: 24"}, "states the gold"),
    Reason.DUPLICATE: ({}, "has the prompt of columns-00000 and the same gold"),
    Reason.SCHEMA_VIOLATION: ({"query": 7}, "column 'query'"),
}
#: Those that only tests of programs have; planted in test_coding_layout.py.
OF_CODE = {
    Reason.UNSUPPORTED_TESTS,
    Reason.DUPLICATE_TESTS,
    Reason.SEVERAL_RIGHT_OUTPUTS,
    Reason.UNNAMED_ENTRY_POINT,
}
COLUMNS = "query=query,solution=solution,ground_truth=gold"


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def prepare(*records: dict[str, Any], more: tuple[str, ...] = (), layout: str = "columns") -> Result:
    lines = [json.dumps({**GOOD, **record}) + "\n" for record in records]
    Path("rows.jsonl").write_text("".join(lines))
    options = ["--source", "rows.jsonl", "--layout", layout, "--out", "made.jsonl", *more]
    if layout == "columns":
        options += ["--columns", COLUMNS]
    return CliRunner().invoke(main, ["prepare", *options])


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("made.report.json").read_text())
    return found


def test_every_reason_that_drops_a_row_is_planted_here_or_belongs_to_code() -> None:
    stops = {reason for reason in Reason if reason.stops}
    assert PLANTED.keys() | stops | OF_CODE == set(Reason)


@pytest.mark.parametrize("reason", PLANTED, ids=lambda reason: reason.value)
def test_a_planted_defect_is_dropped_for_its_reason_with_line_and_id(reason: Reason) -> None:
    planted, said = PLANTED[reason]
    done = prepare({}, planted)

    assert done.exit_code == 0, done.output
    (dropped,) = document()["dropped"]
    assert (dropped["id"], dropped["line"], dropped["reason"]) == ("columns-00001", 2, reason.value)
    assert said in dropped["message"]
    assert document()["reasons"] == {reason.value: 1}
    assert done.stdout.startswith("2 read, 1 kept, 1 dropped (rows.jsonl, layout columns)\n")
    assert f"    {reason.value:<30} {1:>8}\n      line 2 (columns-00001): {dropped['message']}\n" in done.output
    assert [row.id for row in read_dataset(Path("made.jsonl"))] == ["columns-00000"]


@pytest.mark.parametrize("reason", sorted(PLANTED.keys() - {Reason.SCHEMA_VIOLATION}), ids=lambda reason: reason.value)
def test_an_allowed_reason_keeps_the_row_and_is_still_reported(reason: Reason) -> None:
    """A gold that is a letter disagrees with its solution too: each reason is allowed by itself."""
    planted, _ = PLANTED[reason]
    first = {} if reason is Reason.DUPLICATE else {"query": "What is 4 * 6?"}
    disagree = (Reason.CHOICE_LETTER_VS_VALUE, Reason.PROOF_OR_NO_ANSWER)
    others = [Reason.SOLUTION_DISAGREES.value] if reason in disagree else []
    done = prepare(first, planted, more=tuple(f"--allow={name}" for name in (reason.value, *others)))

    assert done.exit_code == 0, done.output
    assert (document()["kept"], document()["dropped"]) == (2, [])
    assert document()["flagged"][reason.value] == 1
    assert f"  kept, to be looked at:\n    {reason.value:<30} {1:>8}\n      line 2 (columns-00001): " in done.output


def test_one_row_is_counted_under_one_reason_the_gravest() -> None:
    prepare({}, {"gold": "see solution", "query": "What is shown in the figure below?\nAnswer: 24"})

    assert document()["reasons"] == {"proof_or_no_answer": 1}
    assert document()["read"] == document()["kept"] + sum(document()["reasons"].values()) == 2


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({}, "the same gold"),
        ({"gold": "25", "solution": "It is \\boxed{25}."}, "another gold: one of the two is wrong"),
    ],
)
def test_a_prompt_asked_twice_is_a_duplicate_whatever_its_gold(second: dict[str, Any], said: str) -> None:
    prepare({}, second)

    assert document()["dropped"][0]["message"] == f"has the prompt of columns-00000 and {said}"


def test_a_row_that_was_dropped_has_no_duplicates() -> None:
    prepare({"solution": "It is \\boxed{25}."}, {})

    assert document()["reasons"] == {"solution_disagrees": 1}
    assert [row.id for row in read_dataset(Path("made.jsonl"))] == ["columns-00001"]


def test_three_examples_are_shown_and_every_row_is_listed() -> None:
    done = prepare({}, *[{"query": f"What is in the figure below, number {n}?"} for n in range(9)])

    assert done.output.count("): the problem needs a picture") == 3
    assert [dropped["line"] for dropped in document()["dropped"]] == list(range(2, 11))


def test_keep_rates_are_counted_for_each_class_of_answer() -> None:
    half = {"query": "Half of 1?", "gold": "1/2", "solution": "It is \\boxed{1/2}."}
    done = prepare({}, half, {**half, "query": "Half of one?", "solution": "It is \\boxed{1/3}."})

    assert document()["classes"] == {"fraction": [1, 2], "integer": [1, 1]}
    assert "    fraction                      1/2        50.0%\n" in done.output


def test_the_report_says_which_bytes_it_is_about() -> None:
    prepare({}, PLANTED[Reason.IMAGE_NEEDED][0])

    assert document()["sha256"] == file_digest(Path("made.jsonl"))
    assert (document()["schema"], document()["stopped_by"], document()["source"]) == (1, None, "rows.jsonl")


def test_a_limit_is_part_of_what_the_report_says() -> None:
    done = prepare({}, {"query": "What is 4 * 6?"}, {"query": 7}, more=("--limit", "2"))

    assert document()["source"] == "rows.jsonl, first 2"
    assert done.stdout.startswith("2 read, 2 kept, 0 dropped (rows.jsonl, first 2, layout columns)\n")


def test_where_no_row_is_kept_there_is_no_dataset_and_every_reason_is_reported() -> None:
    Path("made.jsonl").write_text("old\n")
    done = prepare(PLANTED[Reason.IMAGE_NEEDED][0], {"query": 7})

    assert done.exit_code == 1
    assert "no row of rows.jsonl could be kept. made.jsonl was not written" in done.output
    assert [dropped["line"] for dropped in document()["dropped"]] == [1, 2]
    assert (document()["kept"], document()["sha256"]) == (0, "")
    assert Path("made.jsonl").read_text() == "old\n"
    assert sorted(path.name for path in Path().iterdir()) == ["made.jsonl", "made.report.json", "rows.jsonl"]


@pytest.mark.parametrize("name", ["gold_changed_by_normaliser", "roundtrip_changed", "no_such_reason"])
def test_what_stops_a_run_cannot_be_allowed(name: str) -> None:
    done = prepare({}, more=("--allow", name))

    assert (done.exit_code, f"--allow {name}: reasons that can be allowed are" in done.output) == (2, True)


# ------------------------------------------------------------------------------------------- a value that was changed
class Cutting(Layout):
    """A layout with the defect of the tool that everybody used: golds of four digits lose one."""

    name = "cutting"
    domain = "math"

    def __init__(self, columns: Any) -> None:
        del columns

    def prepare(self, record: Record, row_id: str, line: int) -> Prepared:
        messages = ({"role": "user", "content": record["query"]}, {"role": "assistant", "content": record["solution"]})
        return Prepared(Row(row_id, messages, record["gold"][:3], record.get("more", {}), line), record["gold"])


@pytest.fixture
def _cutting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYOUTS, "cutting", Cutting)


@pytest.mark.usefixtures("_cutting")
@pytest.mark.parametrize(
    ("reason", "planted"),
    [
        ("gold_changed_by_normaliser", {"gold": "4480", "solution": "It is \\boxed{448}."}),
        ("roundtrip_changed", {"more": {"id": "other"}}),
    ],
)
def test_a_changed_value_ends_the_run_without_a_dataset(reason: str, planted: dict[str, Any]) -> None:
    """The reference agrees with the cut gold: only the raw gold knows better."""
    Path("made.jsonl").write_text("old\n")
    done = prepare({}, {**planted, "query": "Another?"}, {"query": 7}, layout="cutting", more=("--force",))

    assert done.exit_code == 1
    assert f"rows.jsonl, line 2 (cutting-00001): {reason}: " in done.output
    assert "A value would have been changed on the way" in done.output
    assert document()["stopped_by"]["reason"] == reason
    assert (document()["read"], document()["sha256"]) == (1, "")
    assert Path("made.jsonl").read_text() == "old\n"
    assert sorted(path.name for path in Path().iterdir()) == ["made.jsonl", "made.report.json", "rows.jsonl"]


@pytest.mark.parametrize("bad", ["not json", '{"query": NaN}', '{"query": 1, "query": 2}', ""])
def test_a_source_with_a_broken_line_makes_no_dataset(bad: str) -> None:
    Path("rows.jsonl").write_text(f"{json.dumps(GOOD)}\n{bad}\n{json.dumps(GOOD)}\n")
    options = ["--source", "rows.jsonl", "--layout", "columns", "--columns", COLUMNS, "--out", "made.jsonl"]
    done = CliRunner().invoke(main, ["prepare", *options])

    assert (done.exit_code, "rows.jsonl:2:" in done.output) == (1, True)
    assert not Path("made.jsonl").exists()


def test_findings_that_a_layout_keeps_are_flagged() -> None:
    finding = Finding(Reason.SOLUTION_DISAGREES, "")
    record = {"question": "How much is 6*4?", "answer": "6*4=<<6*4=24>>24\n#### 25"}
    done = prepare(record, layout="gsm8k")

    assert done.exit_code == 0
    assert (document()["kept"], document()["flagged"]) == (1, {finding.reason.value: 1})
    assert "kept, to be looked at:\n    solution_disagrees" in done.output
