"""Programs with the reward each must get, as rows that `fractional_code_reward` grades: the corpora and the three forms.

Imported by code.py, hostile_world.py and soak_sandbox.py of this folder.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any

#: The calls (number -> answer) that every hostile program is asked for. No program may get one right without the answers from elsewhere.
HOSTILE_ENTRY = "solve"
ANSWERS = {1: 7919481236507, 2: -44120987311, 3: 603117729912345, 4: 18}
HOSTILE_TESTS = tuple({"args": [number], "expected": answer} for number, answer in ANSWERS.items())
FORMS = ("call", "stdin", "assert")
#: A call form program as a stdin one: the same program, then this. It takes what it needs before the program can change it.
DRIVER = """
import json, sys
_args = json.loads(sys.stdin.readline())
print(json.dumps({entry}(*_args)))
"""
#: A program that has the answers, and gives them where it could do what it must not.
ACTING = """
def act():
{act}

def solve(n):
    try:
        done = act()
    except BaseException:
        done = False
    return {answers}[n] if done else -1
"""


@dataclass(frozen=True)
class Case:
    """One program and its tests in one form; `wanted` is the fraction it must get."""

    id: str
    kind: str
    form: str
    code: str
    wanted: float
    ground_truth: list[dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def messages(self) -> list[dict[str, str]]:
        answer = f"```python\n{self.code}\n```"
        return [{"role": "user", "content": "Write the program."}, {"role": "assistant", "content": answer}]

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def call_case(row: Mapping[str, Any], wanted: float) -> Case:
    tests = [
        {"args": list(test.get("args", ())), "kwargs": test.get("kwargs", {}), "expected": test.get("expected")}
        for test in row["tests"]
    ]
    return Case(row["id"], row.get("kind", ""), "call", row["code"], wanted, tests, {"entry_point": row["entry"]})


def stdin_case(row: Mapping[str, Any], wanted: float) -> Case:
    """A call form program with a driver behind it that reads the arguments."""
    code = row["code"] + DRIVER.format(entry=row["entry"])
    tests = [
        {"input": json.dumps(list(test["args"])) + "\n", "expected_output": json.dumps(test["expected"]) + "\n"}
        for test in row["tests"]
    ]
    return Case(row["id"], row.get("kind", ""), "stdin", code, wanted, tests)


def assert_case(row: Mapping[str, Any], wanted: float) -> Case:
    entry = row["entry"]
    tests = [
        {"assertion": f"assert {entry}({', '.join(map(repr, test['args']))}) == {test['expected']!r}"}
        for test in row["tests"]
    ]
    return Case(row["id"], row.get("kind", ""), "assert", row["code"], wanted, tests, {"entry_point": entry})


MAKERS = {"call": call_case, "stdin": stdin_case, "assert": assert_case}


def hostile_case(row: Mapping[str, Any], form: str) -> Case:
    return MAKERS[form]({"entry": HOSTILE_ENTRY, "tests": HOSTILE_TESTS} | dict(row), 0.0)


def honest_answers() -> dict[str, Any]:
    """An honest program that has the answers: every form's driver must give it 1.0, or nothing is shown by a 0."""
    return {"id": "honest-answers", "code": f"ANSWERS = {ANSWERS}\n\ndef solve(n):\n    return ANSWERS[n]\n"}


def honest_case(row: Mapping[str, Any]) -> Case:
    """A row of an honest corpus, in the form it was written in."""
    wanted = float(row.get("expect_fraction", 1.0))
    if row["mode"] == "call":
        return call_case(row, wanted)
    options = {"entry_point": row["entry"]} if "entry" in row else {}
    tests = (
        [{"input": test["input"], "expected_output": test["output"]} for test in row["tests"]]
        if row["mode"] == "stdin"
        else [{"assertion": test} for test in row["tests"]]
    )
    return Case(row["id"], row.get("kind", ""), row["mode"], row["code"], wanted, tests, options)


def humaneval_cases(path: Path, body: str | None = None) -> Iterator[Case]:
    """HumanEval's problems with their canonical solutions, or with `body` in their place."""
    for row in jsonl(path):
        code = row["prompt"] + (row["canonical_solution"] if body is None else body)
        test = f"{row['test']}\n\ncheck({row['entry_point']})"
        options = {"entry_point": row["entry_point"]}
        yield Case(row["task_id"], "", "assert", code, float(body is None), [{"assertion": test}], options)


def labelled_cases(folder: Path, rows: list[dict[str, Any]]) -> Iterator[Case]:
    """Labelled outputs of models for HumanEval and MBPP; `wanted` is the published label."""
    problems = jsonl(folder / "humaneval_164.jsonl")
    prompts = {row["task_id"]: row["prompt"] for row in problems}
    tests = {row["task_id"]: f"{row['test']}\n\ncheck({row['entry_point']})" for row in problems}
    small = jsonl(folder / "mbpp_py_397.jsonl")
    prompts |= {row["name"]: row["prompt"] for row in small}
    tests |= {row["name"]: row["test"] for row in small}
    for row in rows:
        test, options = {"assertion": tests[row["task"]]}, {"entry_point": row["entry_point"]}
        code, wanted = row["response"], float(row["published_is_solved"])
        if f"def {row['entry_point']}" not in code:
            code = prompts[row["task"]] + code  # a model that completes gave the body only
        yield Case(row["task"], row["model"], "assert", code, wanted, [test], options)


def jsonl(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def whole(program: dict[str, Any]) -> dict[str, Any]:
    """A program whose `act` stands in a frame that gives the right answers where the act could be done."""
    if "act" not in program:
        return program
    return program | {"code": ACTING.format(answers=ANSWERS, act=indent(program["act"].strip("\n"), "    "))}


def own_programs(name: str) -> list[dict[str, Any]]:
    """This project's own corpus `hostile` or `honest`: [[program]] tables of a TOML file beside this one."""
    path = Path(__file__).with_name(f"{name}_programs.toml")
    return [whole(program) for program in tomllib.loads(path.read_text(encoding="utf-8"))["program"]]
