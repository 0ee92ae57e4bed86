"""docs/grpo.md makes promises: its commands are run as they stand, and its tables hold what the code has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from docs_page import ROOT, Page

from reward_kit.grpo import plan
from reward_kit.grpo.domains import DOMAINS
from reward_kit.grpo.domains.base import FEWEST_ROWS, MOST_ROWS
from reward_kit.grpo.settings import GrpoSettings
from reward_kit.grpo.verdict import LEAST_COVERAGE, LEAST_RISE, MOST_ZERO_STD, PARTS
from reward_kit.integrations import trl

PAGE = Page("grpo.md")
DIAGNOSES = ("name", "cause", "remedy")
LOG = ("key", "meaning")
#: What makes a diagnosis, in which modules of reward_kit/grpo; its name is the first argument.
MODULES = ("probe", "neighbours", "signatures", "prompts", "templates", "diagnoses")
MAKERS = {("Diagnosis", f"{module}.py") for module in MODULES} | {("_shown", "prompts.py")}
#: The one name that is put together.
BUILT = {"first_ground_truth", "last_ground_truth"}


def names_in_the_code() -> Iterator[str]:
    for path in (ROOT / "reward_kit" / "grpo").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (node.func.id, path.name) in MAKERS:
                yield from _names(node.args[0], import_module(f"reward_kit.grpo.{path.stem}"))


def _names(argument: ast.expr, module: ModuleType) -> Iterator[str]:
    if isinstance(argument, ast.JoinedStr):
        yield from BUILT
    elif not isinstance(argument, ast.Name):
        yield str(ast.literal_eval(argument))
    elif argument.id.isupper():
        yield str(getattr(module, argument.id))  # else a helper, which is handed the name elsewhere


def names_in_the_page() -> list[str]:
    tables = PAGE.text.split("| " + " | ".join(DIAGNOSES) + " |\n|---|---|---|\n")[1:]
    rows = [row for table in tables for row in table.partition("\n\n")[0].splitlines()]
    return [name for row in rows for name in re.findall(r"^\| `(\w+)` \|", row)]


def test_each_diagnosis_is_in_one_table_and_none_is_made_up() -> None:
    assert sorted(names_in_the_page()) == sorted(set(names_in_the_code()))


def test_each_key_of_the_table_grpo_is_told_with_its_default() -> None:
    said = {name: default.strip("`") for name, default, _ in PAGE.table("key", "default", "meaning")}
    fields = GrpoSettings.model_fields
    assert list(said) == list(fields)
    told = {name for name, field in fields.items() if field.default not in ("", None) and not field.default_factory}
    assert {name: said[name] for name in told} == {name: str(fields[name].default) for name in told}
    assert f"{FEWEST_ROWS} to {MOST_ROWS}" in PAGE.text
    assert f"up to {plan._MOST_STEPS}." in PAGE.text
    assert list(DOMAINS) == ["code", "math"], "name the new domain's decoys in the page"
    assert 'domain = "code"' in PAGE.text


def test_each_key_of_the_table_grpo_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    of_step = "\n".join(re.findall(r"^\| `\[grpo\]`.*(?:\n\| \|.*)*", readme, re.MULTILINE))
    assert not [key for key in GrpoSettings.model_fields if f"`{key}`" not in of_step]


def test_each_part_of_the_verdict_is_told_in_order_with_its_threshold() -> None:
    said = {part: passes for part, passes, _ in PAGE.table("part", "passes where", "otherwise")}
    assert tuple(said) == PARTS
    assert f"reaches {LEAST_COVERAGE}" in said["warm_up"]
    assert f"at most {MOST_ZERO_STD:.0%}" in said["group_signal"]
    assert f"at least {LEAST_RISE} of the declared range" in said["own_reward"]


def test_each_public_name_of_the_adapter_is_told() -> None:
    assert not [name for name in trl.__all__ if f"`{name}" not in PAGE.text]


def test_each_key_of_the_log_is_told() -> None:
    shown = re.findall(r'^\{"step".*', PAGE.text, re.MULTILINE)[0]
    told = [name for names, _ in PAGE.table(*LOG) for name in re.findall(r"\w+", names)]
    assert told == re.findall(r'"(\w+)"', shown)


def test_diagnoses_are_made_where_this_test_looks_for_them() -> None:
    modules = (ROOT / "reward_kit" / "grpo").rglob("*.py")
    assert {path.stem for path in modules if " Diagnosis(" in path.read_text(encoding="utf-8")} <= set(MODULES)


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="the extra 'grpo' is not installed")
    PAGE.write_files(tmp_path)
    assert PAGE.run(tmp_path) >= 7
