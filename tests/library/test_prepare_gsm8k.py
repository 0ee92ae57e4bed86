"""Preparing the gsm8k layout, and step `data`: gold and reference come from different places, nothing is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_kit import Outcome
from reward_kit.dataset import DATASET_FILE, read_dataset, write_dataset
from reward_kit.errors import DatasetError, PrepareError
from reward_kit.gates import Decision, Gate
from reward_kit.models import Row
from reward_kit.prepare import rows_from_jsonl
from reward_kit.prepare.gsm8k import to_row
from reward_kit.steps.data import DataSettings, DataStep
from reward_kit.verdict import Verdict

QUESTION = "A jar holds 48 sweets. Half are red. How many are red?"


def source(answer: str, question: str = QUESTION) -> dict[str, Any]:
    return {"question": question, "answer": answer}


def reference_of(answer: str) -> str:
    return str(to_row(source(answer), "a", 1).messages[1]["content"])


def test_the_gold_is_the_last_line_and_the_reference_the_worked_solution() -> None:
    row = to_row(source("Half of 48 is 48/2=<<48/2=24>>24 sweets.\n#### 24"), "gsm8k-00000", 7)

    assert row == Row(
        "gsm8k-00000",
        (
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": "Half of 48 is 48/2=24 sweets.\n\nThe final answer is $\\boxed{24}$."},
        ),
        "24",
        {},
        7,
    )


@pytest.mark.parametrize(
    "gold", ["1,200", "448000", "1080", "-5", "0.75", "3/4", "$5", "50%", "1 200", "24 sweets", "\u221224"]
)
def test_the_gold_stays_as_the_source_writes_it(gold: str) -> None:
    assert to_row(source(f"<<1+1=2>>2\n#### {gold}"), "a", 1).ground_truth == gold
    assert to_row(source(f"<<1+1=2>>2\n####   {gold}  \n"), "a", 1).ground_truth == gold


def test_a_wrong_gold_disagrees_with_the_reference() -> None:
    """Cut from one text, the two would agree by construction and step local would prove nothing."""
    row = to_row(source("<<1000+200=1200>>1200\n#### 120"), "a", 1)

    assert row.ground_truth == "120"
    assert "\\boxed{1200}" in row.messages[1]["content"]


@pytest.mark.parametrize(
    ("answer", "result", "steps"),
    [
        ("<<1+1=2>>2 and <<2*3=6>>6.\n#### 6", "6", "2 and 6."),
        ("<<2==2.0>>2\n#### 2", "2.0", "2"),
        ("<<10/4= 2.5 >>2.5\n#### 2.5", "2.5", "2.5"),
        ("No #### here: <<3*3=9>>9\n\nDone.\r\n#### 9", "9", "No #### here: 9\n\nDone."),
    ],
)
def test_marks_are_taken_out_and_the_last_result_is_boxed(answer: str, result: str, steps: str) -> None:
    assert reference_of(answer) == f"{steps}\n\nThe final answer is $\\boxed{{{result}}}$."


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "no text in column 'question'"),
        ({"question": QUESTION}, "no text in column 'answer'"),
        (source("  "), "no text in column 'answer'"),
        (source("24", question=" \n"), "no text in column 'question'"),
        ({"question": 3, "answer": "<<1+1=2>>2\n#### 2"}, "no text in column 'question'"),
        ({"question": QUESTION, "answer": ["#### 2"]}, "no text in column 'answer'"),
        (source("<<1+1=2>>2"), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2\n####2"), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2\n####"), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2\n#### "), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2\n#### 2\nThat is it."), "last line is not '#### <gold>'"),
        (source("<<1+1=2>>2 #### 2"), "last line is not '#### <gold>'"),
        (source("#### 2"), "no calculator mark"),
        (source("It is 2.\n#### 2"), "no calculator mark"),
        (source("<<1+1>>2\n#### 2"), "calculator mark that is not <<calculation=result>>: <<1+1"),
        (source("<<1+1=2\n#### 2"), "calculator mark that is not <<calculation=result>>: <<1+1=2"),
        (source("<<1+1=>>2\n#### 2"), "no calculator mark"),
        (source("<<1+1=2>>2 <<2+2=>>4\n#### 4"), "no calculator mark"),
    ],
)
def test_a_row_that_would_lose_something_is_refused(row: dict[str, Any], problem: str) -> None:
    with pytest.raises(PrepareError, match=re.escape(problem)):
        to_row(row, "a", 1)


plain_text = st.text(st.characters(codec="utf-8", exclude_characters="<>\r\n"), min_size=1).filter(str.strip)


@given(question=plain_text, steps=st.lists(plain_text, min_size=1, max_size=4), gold=plain_text, result=plain_text)
def test_text_without_marks_comes_through_unchanged(question: str, steps: list[str], gold: str, result: str) -> None:
    result = result.replace("=", "") or "0"
    working = "\n".join(steps) + f" <<1={result}>>"
    row = to_row(source(f"{working}\n#### {gold}", question), "a", 1)

    assert row.messages[0]["content"] == question.strip()
    assert row.ground_truth == gold.strip()
    assert str(row.messages[1]["content"]).startswith("\n".join(steps).strip())


# -- the file, and the step that rebuilds it -----------------------------------------------------------------------

ANSWERS = ("<<6*4=24>>24\n#### 24", "<<600*2=1200>>1200\n#### 1,200", "<<5-8=-3>>-3\n#### -3")


def suite_folder(tmp_path: Path, answers: Sequence[str] = ANSWERS) -> Path:
    lines = [json.dumps(source(answer)) for answer in answers]
    (tmp_path / "source.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def data_step(folder: Path, rows: Sequence[Row], min_rows: int = 1) -> DataStep:
    settings = {"source": {"kind": "jsonl", "path": "source.jsonl", "layout": "gsm8k"}, "min_rows": min_rows}
    write_dataset(folder / DATASET_FILE, rows)
    return DataStep(DataSettings.model_validate(settings), folder, read_dataset(folder / DATASET_FILE))


def run(step: DataStep) -> tuple[list[Verdict], Gate]:
    verdicts = list(step.evaluate(step.rows, lambda samples: iter(())))
    return verdicts, step.gates(verdicts)["gate"]


def test_rows_are_numbered_from_zero_and_know_their_line(tmp_path: Path) -> None:
    rows = rows_from_jsonl(suite_folder(tmp_path) / "source.jsonl", "gsm8k")

    assert [(row.id, row.line, row.ground_truth) for row in rows] == [
        ("gsm8k-00000", 1, "24"),
        ("gsm8k-00001", 2, "1,200"),
        ("gsm8k-00002", 3, "-3"),
    ]


def test_every_bad_line_of_a_source_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "source.jsonl"
    path.write_text(f'{{"question": "?"}}\nnot json\n{json.dumps(source(ANSWERS[0]))}\n[]\n')

    with pytest.raises(DatasetError) as caught:
        rows_from_jsonl(path, "gsm8k")
    assert [defect.line for defect in caught.value.defects] == [1, 2, 4]


def test_what_was_prepared_and_written_is_what_the_source_says(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path)
    write_dataset(folder / "dataset.jsonl", rows_from_jsonl(folder / "source.jsonl", "gsm8k"))
    verdicts, gate = run(data_step(folder, read_dataset(folder / "dataset.jsonl"), min_rows=3))

    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASSED] * 3
    assert gate == Gate(Decision.PASSED, "3/3 rows pass (100.0%), 100% is required")


@pytest.mark.parametrize("gold", ["1200", "1,2000", "1", 1200, 24.0, "\uff11,200"])
def test_a_changed_gold_is_a_gold_defect_that_shows_both(gold: Any, tmp_path: Path) -> None:
    folder = suite_folder(tmp_path)
    good, changed, last = rows_from_jsonl(folder / "source.jsonl", "gsm8k")
    verdicts, gate = run(data_step(folder, [good, replace(changed, ground_truth=gold), last]))

    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASSED, Outcome.GOLD_DEFECT, Outcome.PASSED]
    assert verdicts[1].reason.startswith(f"ground_truth is {gold!r}, source.jsonl:2 says '1,200'; run 'reward-kit")
    assert gate.decision is Decision.FAILED


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": ({"role": "user", "content": "Another question"},)},
        {"columns": {"level": 1}},
        {"columns": {"level": None}},
    ],
)
def test_any_other_change_fails_the_row(changes: dict[str, Any], tmp_path: Path) -> None:
    folder = suite_folder(tmp_path)
    rows = rows_from_jsonl(folder / "source.jsonl", "gsm8k")
    verdicts, gate = run(data_step(folder, [replace(rows[0], **changes), *rows[1:]]))

    assert verdicts[0].outcome is Outcome.BAD_FORMAT
    assert verdicts[0].reason.startswith("the row differs from what source.jsonl:1 is prepared to")
    assert gate.decision is Decision.FAILED


def test_a_row_that_the_source_does_not_have_fails(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path)
    rows = rows_from_jsonl(folder / "source.jsonl", "gsm8k")
    verdicts, gate = run(data_step(folder, [*rows, replace(rows[0], id="gsm8k-00099")]))

    assert verdicts[3].outcome is Outcome.GOLD_DEFECT
    assert "the source source.jsonl has no such row" in verdicts[3].reason
    assert gate.decision is Decision.FAILED


def test_a_row_left_out_fails_the_gate_though_every_row_that_is_there_passes(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path)
    rows = rows_from_jsonl(folder / "source.jsonl", "gsm8k")
    verdicts, gate = run(data_step(folder, rows[:2]))

    assert all(verdict.passed for verdict in verdicts)
    assert gate == Gate(Decision.FAILED, "source rows missing from the dataset: 1 (gsm8k-00002)")


def test_too_few_rows_fail_the_gate(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path)
    _, gate = run(data_step(folder, rows_from_jsonl(folder / "source.jsonl", "gsm8k"), min_rows=4))

    assert gate == Gate(Decision.FAILED, "3 rows, min_rows is 4")


def test_a_row_written_in_other_bytes_fails_though_its_values_are_the_same(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path)
    step = data_step(folder, rows_from_jsonl(folder / "source.jsonl", "gsm8k"))
    file = folder / DATASET_FILE
    file.write_text(file.read_text().replace('", "', '","', 1))

    verdicts, gate = run(step)

    assert [verdict.outcome for verdict in verdicts].count(Outcome.BAD_FORMAT) == 1
    assert gate.decision is Decision.FAILED
