"""docs/data.md makes promises: its commands are run as they stand, and its tables hold what the code has."""

from __future__ import annotations

import json
import re
import typing
from pathlib import Path

import pytest
from click.testing import CliRunner
from docs_page import ROOT, Page

from reward_kit.cli import main
from reward_kit.prepare.base import Reason
from reward_kit.prepare.layouts import LAYOUTS
from reward_kit.prepare.settings import Kind, SourceSettings
from reward_kit.settings import Settings
from reward_kit.steps.data import DataSettings

PAGE = Page("data.md")


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    PAGE.write_files(tmp_path)
    assert PAGE.run(tmp_path) >= 9


def test_each_reason_is_in_the_table_with_what_it_does() -> None:
    said = {reason: what for reason, _, what in PAGE.table("reason", "a row is dropped where", "then")}
    assert said.keys() == {reason.value for reason in Reason}
    assert {reason for reason, what in said.items() if what == "the run stops"} == {
        reason.value for reason in Reason if reason.stops
    }


def test_layouts_that_flag_are_named_beside_the_reason() -> None:
    said = {reason: what for reason, _, what in PAGE.table("reason", "a row is dropped where", "then")}
    needed = {"columns": {"query": "q", "ground_truth": "g"}}
    for name, make in LAYOUTS.items():
        flagged = {reason.value for reason in make(needed.get(name, {})).keeps}
        assert flagged == {reason for reason, what in said.items() if "flags" in what and f"`{name}`" in what}


def test_each_layout_is_in_the_table_with_its_audit_and_in_the_help() -> None:
    header = ("layout", "columns", "gold (`ground_truth`)", "reference (last message)", "audit")
    said = {row[0]: row[-1] for row in PAGE.table(*header)}
    needed = {"columns": {"query": "q", "ground_truth": "g"}}
    assert said == {name: make(needed.get(name, {})).domain for name, make in LAYOUTS.items()}
    shown = CliRunner().invoke(main, ["prepare", "--help"], env={"COLUMNS": "200"}).output
    listed = re.search(r"--layout TEXT\s+How a record becomes a row: ([^.]+)\.", shown)
    assert listed is not None
    assert set(re.findall(r"[\w-]+", " ".join(listed[1].split()))) - {"or"} == set(LAYOUTS)


def test_each_kind_of_source_is_in_the_table() -> None:
    assert [row[0] for row in PAGE.table("kind", "`--source`", "`path`", "read as")] == list(typing.get_args(Kind))


def test_the_keys_of_the_report_are_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"question": "What is 7 * 8?", "answer": "7*8=<<7*8=56>>56\\n#### 56"}\n')
    ran = CliRunner().invoke(
        main,
        ["prepare", "--source", str(tmp_path / "q.jsonl"), "--layout", "gsm8k", "--out", str(tmp_path / "d.jsonl")],
    )
    assert ran.exit_code == 0, ran.output
    report = json.loads((tmp_path / "d.report.json").read_text(encoding="utf-8"))
    said = [name.strip("` ") for row in PAGE.table("key", "meaning") for name in row[0].split(",")]
    assert said == list(report)


@pytest.mark.parametrize("settings", [DataSettings, SourceSettings])
def test_each_key_of_the_table_data_is_in_the_readme(settings: type[Settings]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    of_data = "\n".join(re.findall(r"^\| `\[data\]`.*(?:\n\| \|.*)*", readme, re.MULTILINE))
    assert not [name for name in settings.model_fields if f"`{name}`" not in of_data]
