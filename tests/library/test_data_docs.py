"""docs/data.md makes promises: its commands are run as they stand, and its tables hold what the code has."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from reward_kit.cli import main
from reward_kit.prepare.base import Reason
from reward_kit.prepare.layouts import LAYOUTS
from reward_kit.prepare.settings import Kind, SourceSettings
from reward_kit.settings import Settings
from reward_kit.steps.data import DataSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: The words before a block that make it the file of that name.
_NAMED = re.compile(r"`([\w./]+\.\w+)`:\n\n\Z")
#: What the page calls by the names of installed programs is run with this interpreter and this checkout.
_PRELUDE = """\
reward-kit() { "$PYTHON" -m reward_kit.cli "$@"; }
pytest() { "$PYTHON" -m pytest -p no:cacheprovider -p no:randomly "$@"; }
python() { "$PYTHON" "$@"; }
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file that it is, where it is one."""

    kind: str
    text: str
    file: str | None


def blocks() -> Iterator[Block]:
    for found in _BLOCK.finditer(PAGE):
        named = _NAMED.search(PAGE, 0, found.start())
        yield Block(found[1], found[2], named and named.group(1))


def table(*header: str) -> list[list[str]]:
    """The cells of the table with this header, without backquotes."""
    lines = PAGE.splitlines()
    start = lines.index("| " + " | ".join(header) + " |") + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split(" | ")])
    return rows


def shell(command: str, folder: Path) -> str:
    """What a command of the page prints, on a terminal 80 wide."""
    said = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    said |= {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "COLUMNS": "80"}
    ran = subprocess.run(
        ["bash", "-c", _PRELUDE + command],
        cwd=folder,
        env=said,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return ran.stdout


def matches(printed: str, promised: str) -> bool:
    """Whether a text is what the page says, where `...` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in promised.strip().split("..."))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    for name in ("cases/support", "cases/sums", "sums"):
        (tmp_path / name).mkdir(parents=True)
    for block in blocks():
        if block.file is not None:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    ran = 0
    for block in blocks():
        if block.kind == "console":
            for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                command, _, promised = step.partition("\n")
                printed = shell(command, tmp_path)
                assert matches(printed, promised), f"$ {command}\n{printed}"
                ran += 1
        elif block.kind == "python" and block.file is None:
            (tmp_path / "example.py").write_text(block.text, encoding="utf-8")
            assert shell("python example.py", tmp_path) == ""
            ran += 1
    assert ran >= 9


def test_each_reason_is_in_the_table_with_what_it_does() -> None:
    said = {reason: what for reason, _, what in table("reason", "a row is dropped where", "then")}
    assert said.keys() == {reason.value for reason in Reason}
    assert {reason for reason, what in said.items() if what == "the run stops"} == {
        reason.value for reason in Reason if reason.stops
    }


def test_layouts_that_flag_are_named_beside_the_reason() -> None:
    said = {reason: what for reason, _, what in table("reason", "a row is dropped where", "then")}
    needed = {"columns": {"query": "q", "ground_truth": "g"}}
    for name, make in LAYOUTS.items():
        flagged = {reason.value for reason in make(needed.get(name, {})).keeps}
        assert flagged == {reason for reason, what in said.items() if "flags" in what and f"`{name}`" in what}


def test_each_layout_is_in_the_table_with_its_audit_and_in_the_help() -> None:
    header = ("layout", "columns", "gold (`ground_truth`)", "reference (last message)", "audit")
    said = {row[0]: row[-1] for row in table(*header)}
    needed = {"columns": {"query": "q", "ground_truth": "g"}}
    assert said == {name: make(needed.get(name, {})).domain for name, make in LAYOUTS.items()}
    shown = CliRunner().invoke(main, ["prepare", "--help"], env={"COLUMNS": "200"}).output
    listed = re.search(r"--layout TEXT\s+How a record becomes a row: ([^.]+)\.", shown)
    assert listed is not None
    assert set(re.findall(r"[\w-]+", " ".join(listed[1].split()))) - {"or"} == set(LAYOUTS)


def test_each_kind_of_source_is_in_the_table() -> None:
    assert [row[0] for row in table("kind", "`--source`", "`path`", "read as")] == list(typing.get_args(Kind))


def test_the_keys_of_the_report_are_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"question": "What is 7 * 8?", "answer": "7*8=<<7*8=56>>56\\n#### 56"}\n')
    ran = CliRunner().invoke(
        main,
        ["prepare", "--source", str(tmp_path / "q.jsonl"), "--layout", "gsm8k", "--out", str(tmp_path / "d.jsonl")],
    )
    assert ran.exit_code == 0, ran.output
    report = json.loads((tmp_path / "d.report.json").read_text(encoding="utf-8"))
    said = [name.strip("` ") for row in table("key", "meaning") for name in row[0].split(",")]
    assert said == list(report)


@pytest.mark.parametrize("settings", [DataSettings, SourceSettings])
def test_each_key_of_the_table_data_is_in_the_readme(settings: type[Settings]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    of_data = "\n".join(re.findall(r"^\| `\[data\]`.*(?:\n\| \|.*)*", readme, re.MULTILINE))
    assert not [name for name in settings.model_fields if f"`{name}`" not in of_data]
