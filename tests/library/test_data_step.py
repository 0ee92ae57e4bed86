"""Step `data`: the dataset is what its source says, every row stands up to the audit, what is allowed is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reward_kit import Outcome
from reward_kit.dataset import DATASET_FILE, read_dataset, write_dataset
from reward_kit.files import file_digest
from reward_kit.gates import Decision, Gate
from reward_kit.models import Row
from reward_kit.prepare.build import build
from reward_kit.prepare.declared import pipeline_of
from reward_kit.prepare.report import report_path
from reward_kit.prepare.settings import SourceSettings
from reward_kit.steps.data import Audited, DataSettings, DataStep
from reward_kit.verdict import Verdict

SOURCE = {"kind": "jsonl", "path": "source.jsonl", "layout": "gsm8k"}
ANSWERS = ("6*4=<<6*4=24>>24\n#### 24", "600*2=<<600*2=1200>>1200\n#### 1,200", "5-8=<<5-8=-3>>-3\n#### -3")
WRONG = "7*7=<<7*7=49>>49\n#### 48"


def suite_folder(folder: Path, answers: Sequence[str] = ANSWERS, questions: Mapping[int, str] | None = None) -> Path:
    """A folder with a source; the n-th question is its own unless `questions` says otherwise."""
    asked = dict(questions or {})
    records = [
        {"question": asked.get(number, f"Question {number}: how many?"), "answer": answer}
        for number, answer in enumerate(answers)
    ]
    (folder / "source.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def prepared(folder: Path, *allowed: str) -> list[Row]:
    settings = DataSettings.model_validate({"source": SOURCE, "allowed": dict.fromkeys(allowed, 1.0)})
    assert settings.source is not None
    target = folder / DATASET_FILE
    build(pipeline_of(settings.source, folder, settings.reasons), target, lambda done: None, force=True)
    return read_dataset(target)


def data_step(folder: Path, rows: Sequence[Row] | None = None, **settings: Any) -> DataStep:
    if rows is not None:
        write_dataset(folder / DATASET_FILE, rows)
    table = DataSettings.model_validate({"source": SOURCE, **settings})
    return DataStep(table, folder, read_dataset(folder / DATASET_FILE))


def run(step: DataStep) -> tuple[list[Verdict], Gate]:
    assert step.defects() == []
    verdicts = list(step.evaluate(step.rows, lambda samples: iter(())))
    assert [verdict.row_id for verdict in verdicts] == [row.id for row in step.rows]
    return verdicts, step.gates(verdicts)["gate"]


# ----------------------------------------------------------------------------------------------- beside its source
def test_what_was_prepared_is_what_the_source_says(tmp_path: Path) -> None:
    prepared(suite_folder(tmp_path))
    verdicts, gate = run(data_step(tmp_path, min_rows=3))

    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASSED] * 3
    assert gate == Gate(Decision.PASSED, "3/3 rows pass (100.0%), 100% is required")


@pytest.mark.parametrize("gold", ["1,200", "12000", "1", 1200, 24.0, True, ["1200"], "\uff11200"])
def test_a_changed_gold_is_a_gold_defect_that_shows_both(gold: Any, tmp_path: Path) -> None:
    good, changed, last = prepared(suite_folder(tmp_path))
    verdicts, gate = run(data_step(tmp_path, [good, replace(changed, ground_truth=gold), last]))

    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASSED, Outcome.GOLD_DEFECT, Outcome.PASSED]
    assert verdicts[1].reason.startswith(f"ground_truth is {gold!r}, source.jsonl:2 says '1200'; run 'reward-kit")
    assert gate.decision is Decision.FAILED


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": ({"role": "user", "content": "Another question"},)},
        {"columns": {"level": 1}},
        {"columns": {"gold_raw": "24", "gold_sha256": None}},
        {"columns": {}},
    ],
)
def test_any_other_change_fails_the_row(changes: dict[str, Any], tmp_path: Path) -> None:
    rows = prepared(suite_folder(tmp_path))
    verdicts, gate = run(data_step(tmp_path, [replace(rows[0], **changes), *rows[1:]]))

    assert verdicts[0].outcome is Outcome.BAD_FORMAT
    assert verdicts[0].reason.startswith("the row differs from what source.jsonl:1 is prepared to")
    assert gate.decision is Decision.FAILED


def test_a_row_written_in_other_bytes_fails_though_its_values_are_the_same(tmp_path: Path) -> None:
    prepared(suite_folder(tmp_path))
    file = tmp_path / DATASET_FILE
    file.write_text(file.read_text().replace('", "', '","', 1))
    verdicts, gate = run(data_step(tmp_path))

    assert [verdict.outcome for verdict in verdicts].count(Outcome.BAD_FORMAT) == 1
    assert gate.decision is Decision.FAILED


def test_a_row_that_the_source_does_not_have_fails(tmp_path: Path) -> None:
    rows = prepared(suite_folder(tmp_path))
    verdicts, gate = run(data_step(tmp_path, [*rows, replace(rows[0], id="gsm8k-00099")]))

    assert verdicts[3].outcome is Outcome.GOLD_DEFECT
    assert "source.jsonl is prepared to no such row" in verdicts[3].reason
    assert gate.decision is Decision.FAILED


def test_a_row_left_out_fails_the_gate_though_every_row_that_is_there_passes(tmp_path: Path) -> None:
    rows = prepared(suite_folder(tmp_path))
    verdicts, gate = run(data_step(tmp_path, rows[:2]))

    assert all(verdict.passed for verdict in verdicts)
    assert gate == Gate(Decision.FAILED, "source rows missing from the dataset: 1 (gsm8k-00002)")


def test_too_few_rows_fail_the_gate(tmp_path: Path) -> None:
    prepared(suite_folder(tmp_path))

    assert run(data_step(tmp_path, min_rows=4))[1] == Gate(Decision.FAILED, "3 rows, min_rows is 4")


def test_a_source_that_cannot_be_read_is_a_defect_before_anything_runs(tmp_path: Path) -> None:
    prepared(suite_folder(tmp_path))
    (tmp_path / "source.jsonl").write_text("not json\n[]\n")

    assert [defect.line for defect in data_step(tmp_path).defects()] == [1, 2]
    (tmp_path / "source.jsonl").unlink()
    assert "source.jsonl: cannot be opened" in str(data_step(tmp_path).defects()[0])


# ---------------------------------------------------------------------------------------------- what was left out
@pytest.mark.parametrize(("share", "decision"), [(0.0, Decision.FAILED), (0.24, Decision.FAILED), (0.25, None)])
def test_what_prepare_left_out_is_counted(share: float, decision: Decision | None, tmp_path: Path) -> None:
    prepared(suite_folder(tmp_path, [*ANSWERS, "It is 2.\n####2"]))
    _, gate = run(data_step(tmp_path, max_dropped=share))

    assert gate.decision is (decision or Decision.PASSED)
    if decision:
        assert gate.reason.startswith("1 of 4 records are left out (proof_or_no_answer 1), max_dropped is ")


# ------------------------------------------------------------------------------------------------------- the audit
def test_a_row_with_a_finding_fails_and_names_it(tmp_path: Path) -> None:
    prepared(suite_folder(tmp_path, [*ANSWERS, WRONG]))
    verdicts, gate = run(data_step(tmp_path))

    assert not any(verdict.detail for verdict in verdicts[:3])
    assert (verdicts[3].outcome, verdicts[3].detail) == (Outcome.GOLD_DEFECT, Audited("solution_disagrees"))
    assert verdicts[3].reason.startswith("solution_disagrees: by the solution, ")
    assert not data_step(tmp_path).tolerates(verdicts[3])
    assert gate.decision is Decision.FAILED


@pytest.mark.parametrize(("share", "decision"), [(0.25, Decision.PASSED), (0.24, Decision.FAILED)])
def test_an_allowed_finding_is_tolerated_up_to_its_share(share: float, decision: Decision, tmp_path: Path) -> None:
    prepared(suite_folder(tmp_path, [*ANSWERS, WRONG]))
    step = data_step(tmp_path, allowed={"solution_disagrees": share})
    verdicts, gate = run(step)

    assert step.tolerates(verdicts[3])
    assert gate.decision is decision
    assert f"solution_disagrees holds for 1/4 rows, {share:.0%} is allowed" in gate.reason


def test_a_row_for_which_two_reasons_hold_counts_for_both(tmp_path: Path) -> None:
    """Its verdict names one. The other's share would otherwise never be used up."""
    question = "How much is it?\nAnswer: 48"
    prepared(suite_folder(tmp_path, [*ANSWERS, WRONG], {3: question}), "gold_in_prompt")
    shares = {"solution_disagrees": 1.0, "gold_in_prompt": 0.2}
    verdicts, gate = run(data_step(tmp_path, allowed=shares))

    assert verdicts[3].detail == Audited("solution_disagrees")
    assert gate == Gate(Decision.FAILED, "gold_in_prompt holds for 1/4 rows, 20% is allowed")
    assert run(data_step(tmp_path, allowed={**shares, "gold_in_prompt": 0.25}))[1].decision is Decision.PASSED


def test_a_reason_that_is_not_allowed_comes_before_one_that_is(tmp_path: Path) -> None:
    rows = prepared(suite_folder(tmp_path, [*ANSWERS, WRONG], {3: "How much is it?\nAnswer: 48"}), "gold_in_prompt")
    step = data_step(tmp_path, rows, source=None, domain="math", allowed={"solution_disagrees": 1.0})
    verdicts, gate = run(step)

    assert (verdicts[3].detail, step.tolerates(verdicts[3])) == (Audited("gold_in_prompt"), False)
    assert gate.decision is Decision.FAILED


def test_duplicates_that_are_allowed_are_counted(tmp_path: Path) -> None:
    prepared(suite_folder(tmp_path, questions={2: "Question 0: how many?"}), "duplicate")
    verdicts, gate = run(data_step(tmp_path, allowed={"duplicate": 0.3}))

    assert verdicts[2].reason == "duplicate: has the prompt of gsm8k-00000 and another gold: one of the two is wrong"
    assert gate == Gate(Decision.FAILED, "duplicate holds for 1/3 rows, 30% is allowed")


@pytest.mark.parametrize("reason", ["roundtrip_changed", "gold_changed_by_normaliser", "boring"])
def test_what_cannot_be_allowed_is_refused_in_suite_toml(reason: str) -> None:
    with pytest.raises(ValidationError, match="unknown reason"):
        DataSettings.model_validate({"allowed": {reason: 0.5}})


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        DataSettings.model_validate({"allowed": {"duplicate": 0.0}})


def test_without_a_source_the_declared_audit_decides(tmp_path: Path) -> None:
    turns = ({"role": "user", "content": "6 * 4?"}, {"role": "assistant", "content": "It is \\boxed{25}."})
    rows = [Row("a", turns, "24", {}, 1)]

    assert run(data_step(tmp_path, rows, source=None))[1].decision is Decision.PASSED
    assert run(data_step(tmp_path, rows, source=None, domain="math"))[1].decision is Decision.FAILED
    with pytest.raises(ValidationError, match="known domains: code, general, math"):
        DataSettings.model_validate({"domain": "chemistry"})


# ------------------------------------------------------------------------------------------------- a source on the hub
COMMIT = "c0ffee" + "0" * 34
HUB = {"kind": "hub", "path": "openai/gsm8k", "name": "main", "split": "train", "layout": "gsm8k"}


@pytest.fixture
def from_hub(tmp_path: Path) -> Path:
    """A dataset with its report, as `prepare` writes them for a hub source."""
    prepared(suite_folder(tmp_path))
    edit_report(tmp_path, source=f"openai/gsm8k (main), split train, revision {COMMIT}")
    return tmp_path


def edit_report(folder: Path, **values: Any) -> None:
    path = report_path(folder / DATASET_FILE)
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def hub_gate(folder: Path, **settings: Any) -> Gate:
    return run(data_step(folder, source={**HUB, "revision": COMMIT}, **settings))[1]


def test_a_hub_dataset_is_known_by_the_digest_in_its_report(from_hub: Path) -> None:
    assert hub_gate(from_hub) == Gate(Decision.PASSED, "3/3 rows pass (100.0%), 100% is required")


@pytest.mark.parametrize("broken", [None, "", "{}", "[]", "{"])
def test_without_its_report_nothing_is_proved(from_hub: Path, broken: str | None) -> None:
    path = report_path(from_hub / DATASET_FILE)
    path.unlink() if broken is None else path.write_text(broken)

    assert hub_gate(from_hub).decision is Decision.UNDECIDED


def test_a_hub_dataset_that_was_edited_fails(from_hub: Path) -> None:
    file = from_hub / DATASET_FILE
    file.write_bytes(file.read_bytes().replace(b"Question 0", b"Question X"))

    assert hub_gate(from_hub).decision is Decision.FAILED
    edit_report(from_hub, sha256=file_digest(file))
    assert hub_gate(from_hub).decision is Decision.PASSED


def test_records_that_prepare_left_out_of_a_hub_dataset_count(from_hub: Path) -> None:
    edit_report(from_hub, read=4, reasons={"duplicate": 1})

    assert hub_gate(from_hub).decision is Decision.FAILED
    assert hub_gate(from_hub, max_dropped=0.25).decision is Decision.PASSED


@pytest.mark.parametrize(
    "change", [{"split": "test"}, {"name": "socratic"}, {"path": "other/gsm8k"}, {"revision": "1" * 40}]
)
def test_a_dataset_that_was_prepared_from_something_else_fails(change: dict[str, str], from_hub: Path) -> None:
    """suite.toml was edited, and nobody prepared again."""
    _, gate = run(data_step(from_hub, source={**HUB, "revision": COMMIT, **change}))

    assert gate.decision is Decision.FAILED
    assert f"was prepared from openai/gsm8k (main), split train, revision {COMMIT}, layout gsm8k" in gate.reason


def test_a_dataset_of_the_first_rows_only_does_not_pass_for_the_split(from_hub: Path) -> None:
    edit_report(from_hub, source=f"openai/gsm8k (main), split train, revision {COMMIT}, first 3")
    assert hub_gate(from_hub).decision is Decision.FAILED


def test_an_unpinned_hub_source_may_stand_at_any_commit(from_hub: Path) -> None:
    assert run(data_step(from_hub, source=HUB))[1].decision is Decision.PASSED
    assert SourceSettings.model_validate(HUB).revision is None


# -------------------------------------------------------------------------------------------------- as pytest items
SUITE = """\
reward = "reward_kit.rewards.math:math_reward"
[data]
source = { kind = "jsonl", path = "source.jsonl", layout = "gsm8k" }
allowed = { solution_disagrees = SHARE }
"""


@pytest.mark.parametrize(("share", "code"), [("0.25", 0), ("0.2", 1)])
def test_the_verdict_is_the_same_in_one_process_and_in_two(tmp_path: Path, share: str, code: int) -> None:
    folder = tmp_path / "cases" / "sums"
    folder.mkdir(parents=True)
    prepared(suite_folder(folder, [*ANSWERS, WRONG]))
    (folder / "suite.toml").write_text(SUITE.replace("SHARE", share))
    found = []
    for workers in ((), ("-n", "2")):
        command = [sys.executable, "-m", "pytest", "--rk-suite=sums", "--rk-json=results.json", *workers]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stdout
        step = json.loads((tmp_path / "results.json").read_text())["suites"]["sums"]["steps"]["data"]
        found.append((step["gate"], step["reason"], [(row["outcome"], row.get("finding")) for row in step["results"]]))
    assert found[0] == found[1]
    assert ("gold_defect", "solution_disagrees") in found[0][2]
