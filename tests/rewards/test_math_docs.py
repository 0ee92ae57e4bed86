"""docs/math.md and docs/migration.md promise verdicts: every row of their tables is graded here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reward_kit.controls import DOMAINS
from reward_kit.models import Row
from reward_kit.rewards import _math as layers
from reward_kit.rewards import math as math_module

DOCS = Path(__file__).resolve().parents[2] / "docs"
grade = getattr(math_module.math_reward, "__wrapped__", math_module.math_reward)


def rows(name: str, *columns: str) -> Iterator[list[str]]:
    """The cells of every table in a page whose header has exactly these columns."""
    inside = False
    for line in (DOCS / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not inside:
            inside = tuple(cells) == columns
        elif not set(line) <= set("|- "):
            yield [cell.strip("`").replace("\\|", "|") if cell.startswith("`") else cell for cell in cells]


def outcome(gold: str, response: str, **options: Any) -> str:
    result = grade([{"role": "assistant", "content": response}], ground_truth=gold, **options)
    return "yes" if result.outcome == "passed" else str(result.outcome)


EXTRACTION = list(rows("math.md", "gold", "response", "strict", "lenient"))
EQUALITY = list(rows("math.md", "gold", "answer", "equal"))
OPTIONS = list(rows("math.md", "gold", "answer", "options", "equal"))
CONTROLS = list(rows("math.md", "gold", "control", "operator", "must"))


def test_the_page_has_its_tables():
    assert len(EXTRACTION) >= 20
    assert len(EQUALITY) >= 90
    assert len(OPTIONS) >= 10
    assert len(CONTROLS) >= 10


@pytest.mark.parametrize(("gold", "response", "strict", "lenient"), EXTRACTION)
def test_what_counts_as_an_answer(gold: str, response: str, strict: str, lenient: str):
    assert outcome(gold, response) == strict
    assert outcome(gold, response, profile="lenient") == lenient


@pytest.mark.parametrize(("gold", "answer", "equal"), EQUALITY)
def test_what_counts_as_equal(gold: str, answer: str, equal: str):
    assert (outcome(gold, f"\\boxed{{{answer}}}") == "yes") == (equal == "yes")


@pytest.mark.parametrize("gold", sorted({gold for gold, *_ in EQUALITY}))
def test_every_gold_of_the_page_accepts_itself(gold: str):
    assert outcome(gold, f"\\boxed{{{gold}}}") == "yes"


@pytest.mark.parametrize(("gold", "answer", "options", "equal"), OPTIONS)
def test_what_the_options_do(gold: str, answer: str, options: str, equal: str):
    call = ast.parse(f"f({options.strip('`')})", mode="eval").body
    assert isinstance(call, ast.Call)
    settings = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert (outcome(gold, f"\\boxed{{{answer}}}", **settings) == "yes") == (equal == "yes")


@pytest.mark.parametrize(("gold", "control", "operator", "must"), CONTROLS)
def test_what_the_controls_ask(gold: str, control: str, operator: str, must: str):
    question, boxed = {"role": "user", "content": "?"}, {"role": "assistant", "content": "\\boxed{?}"}
    written = DOMAINS["math"](Row("r", (question, boxed), gold, {}, 1))
    polarities = {(made.operator, made.response["content"]): made.polarity for made in written}
    assert polarities[operator, control] == {"pass": "preserving", "fail": "flipping"}[must]
    assert (outcome(gold, control) == "yes") == (must == "pass")


def test_the_layers_name_all_of_their_modules():
    package = Path(math_module.__file__).parent / "_math"
    listed = re.findall(r"\w+", (layers.__doc__ or "").partition("\n")[2])
    for module in package.glob("[a-z]*.py"):
        assert module.stem in listed, module.stem
