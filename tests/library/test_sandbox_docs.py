"""docs/sandbox.md makes promises: its tables hold what the code has, and its command prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from docs_page import ROOT, Page

from reward_kit.cli import main
from reward_kit.sandbox.escapes import ESCAPES
from reward_kit.sandbox.tiers import CHOICES, Tier, find_tier

PAGE = Page("sandbox.md")


def test_each_tier_is_told_with_its_layers_and_what_it_leaves_open() -> None:
    said = {
        tier: (set(re.findall(r"\w+", layers)), left)
        for tier, layers, left in PAGE.table("tier", "layers", "what stays open")
    }
    assert said == {tier.value: (set(tier.layers), tier.leaves_open or "-") for tier in Tier}


def test_each_escape_is_told() -> None:
    assert dict(PAGE.table("escape", "tries to")) == dict(ESCAPES)


def test_each_layer_is_told() -> None:
    assert {name for name, _ in PAGE.table("layer", "what it takes away")} == Tier.STRONG.layers


def test_each_choice_is_told_here_and_in_the_readme() -> None:
    rows = PAGE.table("`--rk-sandbox=`", "the run")
    assert {name for names, _ in rows for name in re.findall(r"\w+", names)} == set(CHOICES)
    assert f"`--rk-sandbox={'|'.join(CHOICES)}`" in (ROOT / "README.md").read_text(encoding="utf-8").replace("\\|", "|")


def test_the_doctor_is_in_the_help() -> None:
    assert "doctor" in CliRunner().invoke(main, ["--help"]).output


def test_the_command_of_the_page_prints_what_it_says(tmp_path: Path) -> None:
    if find_tier().tier is Tier.NONE:
        pytest.skip("this machine has no sandbox")
    assert PAGE.run(tmp_path) == 1
