"""docs/fireworks.md makes promises: its commands are run as they stand, and its tables hold what the code has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from docs_page import ROOT, Page

from reward_kit.cassettes.format import HEADER, PART_LENGTH
from reward_kit.cli import main
from reward_kit.fireworks.account import DEFAULT_BASE
from reward_kit.fireworks.pacer import START_LIMIT
from reward_kit.fireworks.retries import RetryPolicy
from reward_kit.fireworks.shapes import Source
from reward_kit.standin import StandIn
from reward_kit.standin.answers import Answer
from reward_kit.standin.faults import DEFAULT_SECONDS, ENDPOINTS, Kind
from reward_kit.steps.base import RateSettings
from reward_kit.steps.preview import PreviewSettings
from reward_kit.steps.provenance import ANSWERS
from reward_kit.steps.regenerate import _CAUSES, RegenerateSettings

PAGE = Page("fireworks.md")
SERVED = "http://127.0.0.1:8600"


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What leads the page's Python to a stand-in of this test; no key of the user's comes along."""
    for name in ("FIREWORKS_API_KEY", "FIREWORKS_ACCOUNT_ID", "FIREWORKS_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    with StandIn() as standin:
        yield {"FIREWORKS_API_BASE": standin.url, "FIREWORKS_API_KEY": "any", "HOME": str(tmp_path)}


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path, environ: dict[str, str]) -> None:
    page = Page("fireworks.md", {SERVED: environ["FIREWORKS_API_BASE"]}, environ)
    page.write_files(tmp_path)
    assert page.run(tmp_path) >= 9
    header, *_, last = (tmp_path / "cassettes/legs/regenerate.jsonl").read_text(encoding="utf-8").splitlines()
    assert list(json.loads(header)) == [HEADER, "suite", "step"]
    lines = {name: re.findall(r"\w+", re.sub(r"\(.*?\)", "", keys)) for name, keys in PAGE.table("line", "keys")}
    assert lines["first"] == list(json.loads(header))
    assert lines["an interaction"] == list(json.loads(last))
    assert all(f"`{name}`" in PAGE.text for name in json.loads(last)["recorded"])


def test_each_source_is_in_the_table_with_its_words() -> None:
    said = {
        source: words.strip('"') for source, _, words in PAGE.table("`source`", "who answered", "beside the verdict")
    }
    assert said == {source.value: ANSWERS.get(source.value, "") for source in Source}


def test_each_fault_is_in_the_table_with_its_seconds() -> None:
    said = dict(PAGE.table("fault", "what the client sees"))
    assert said.keys() == {kind.value for kind in Kind}
    assert {kind for kind, words in said.items() if "=SECONDS" in words} == {kind.value for kind in DEFAULT_SECONDS}
    assert f"({', '.join(f'`{name}`' for name in ENDPOINTS)})" in PAGE.text


def test_each_key_of_an_answer_is_in_the_table() -> None:
    assert [row[0] for row in PAGE.table("key of an answer", "meaning")] == list(Answer.model_fields)


def test_each_key_of_the_two_steps_is_in_its_table_with_its_default() -> None:
    tables = re.findall(r"^\| key \| default \| meaning \|\n.*?\n\n", PAGE.text, re.DOTALL | re.MULTILINE)
    for settings, table in zip((PreviewSettings, RegenerateSettings), tables, strict=True):
        said = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))
        own = {name: field for name, field in settings.model_fields.items() if name not in RateSettings.model_fields}
        assert set(said) == set(own)
        numbers = {name: str(field.default) for name, field in own.items() if type(field.default) in (int, float)}
        assert {name: default for name, default in said.items() if name in numbers} == numbers


def test_each_likely_cause_is_in_the_table_with_its_outcomes() -> None:
    said = {cause: (set(re.findall(r"\w+", outcomes)), remedy) for cause, outcomes, remedy in
            PAGE.table("likely cause", "outcomes", "remedy")}  # fmt: skip
    assert said == {cause: ({str(one) for one in outcomes}, remedy) for cause, (outcomes, remedy) in _CAUSES.items()}


def test_numbers_of_the_page_are_those_of_the_code() -> None:
    policy = RetryPolicy()
    for promised in (
        f"up to {policy.attempts} attempts",
        f"{START_LIMIT:,} a minute",
        f"a text of {PART_LENGTH:,} characters",
        f"`{DEFAULT_BASE}`",
    ):
        assert promised in PAGE.text
    assert policy.waiting == 120.0  # "two minutes"


@pytest.mark.parametrize("command", ["serve", "record", "cassette import"])
def test_options_that_the_page_names_exist_and_none_of_them_is_left_out(command: str) -> None:
    shown = CliRunner().invoke(main, [*command.split(), "--help"], env={"COLUMNS": "200"}).output
    options = set(re.findall(r"--[a-z][\w-]*", shown)) - {"--help"}
    #: Told by --help alone: where suites lie, and what has a default that nobody changes.
    unsaid = {"--cases", "--port", "--quiet"} | ({"--step"} if command == "cassette import" else set())
    assert not [name for name in options - unsaid if name not in PAGE.text]
    for line in re.findall(rf"reward-kit {command} [^`\n]*", PAGE.text):
        assert set(re.findall(r"--[a-z][\w-]*", line)) <= options, line


@pytest.mark.parametrize("name", ["preview", "regenerate"])
def test_each_key_of_the_steps_is_in_the_readme(name: str) -> None:
    settings = {"preview": PreviewSettings, "regenerate": RegenerateSettings}[name]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    of_step = "\n".join(re.findall(rf"^\| `\[{name}\]`.*(?:\n\| \|.*)*", readme, re.MULTILINE))
    assert not [key for key in settings.model_fields if f"`{key}`" not in of_step]
