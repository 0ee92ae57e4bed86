"""The audit of code rows: tests, reference and prompt against each other, by reading alone.

No program is run: whether the reference passes its tests is for the step `local`, in the sandbox.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reward_kit.models import Row, text_of
from reward_kit.prepare.audits import code_tests, general
from reward_kit.prepare.audits.prompts import missing_image, prompt_text
from reward_kit.prepare.base import Finding, Reason

_FENCE = re.compile(r"[ ]{0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)")
_PYTHON = frozenset({"python", "python3", "py"})
#: What CodeContests has where the problem had a picture, often a formula.
_LOST_PICTURE = re.compile(r"<image>", re.IGNORECASE)
# Several outputs are right, and a test has one of them.
_ANY_ANSWER = re.compile(
    r"\b(?:print|output|return|find|choose|give|write)(?: out)? any\b"
    r"(?: one)?(?: of (?:them|these|those|the)\b| \w{0,20} ?(?:answer|solution|order|one|valid|such)|[.,;\n)]|\Z)"
    r"|\bany (?:of them|of these|valid answer|correct answer|order|answer|solution) (?:is|are|will be|can be) "
    r"(?:accepted|considered|printed|fine|ok\b|allowed|acceptable)"
    r"|\b(?:print|output|return|write)\b[^.\n]{0,80} in any order\b"
    r"|\b(?:answers?|output|lists?|results?|elements|they) (?:can|may) be (?:\w+ )?in any order\b",
    re.IGNORECASE,
)
# Six digits are what the reward asks of a decimal; here a problem asks for fewer.
_LARGE_ERROR = re.compile(
    r"\berror\b[^.\n]{0,80}(?:10\s?\^\s?\{?\s?[-\u2212\u2013]\s?|1e-0?)[1-5](?!\d)|\berror\b[^.\n]{0,80}\b0\.0{0,4}1\b",
    re.IGNORECASE,
)
_INTERACTIVE = re.compile(r"\binteract(?:ive (?:problem|task|program)|or\b)|\bflush (?:the )?(?:output|stdout)", re.I)


def audit(row: Row, raw_gold: Any) -> Iterator[Finding]:
    """What is wrong with a code row, the gravest first; nothing for a row to train on.

    A row without a reference turn gets no finding about it.

    Args:
        row: the row as it would be written.
        raw_gold: the columns that hold the tests, as the source has them.
    """
    yield from general.audit(row, raw_gold)
    entry_point = row.columns.get("entry_point")
    if (held := _raw_entry_point(raw_gold)) is not None and held != entry_point:
        message = f"the source's tests call {held!r}, the row's {entry_point!r}"
        yield Finding(Reason.GOLD_CHANGED_BY_NORMALISER, message)
    found = [*code_tests.findings(row.ground_truth, entry_point)]
    if row.reference is not None:
        found += _reference_findings(row, entry_point)
    found += _prompt_findings(row, entry_point)
    yield from sorted(found, key=lambda one: one.reason is Reason.DUPLICATE_TESTS)  # everything else is graver


def answer_class(row: Row) -> str:
    """The form of the tests: stdin, call or assert."""
    return code_tests.form_of(row.ground_truth) or "no tests"


def _raw_entry_point(raw: Any) -> Any:
    """The function that the source's own tests name."""
    if not isinstance(raw, Mapping):
        return None
    held = raw.get("input_output", {})
    if isinstance(held, str):
        try:
            held = json.loads(held)
        except ValueError:
            return None  # the gold's finding says so
    name = held.get("fn_name") if isinstance(held, Mapping) else None
    return raw.get("entry_point", name)


# ------------------------------------------------------------------------------------------------------- reference
def _reference_findings(row: Row, entry_point: Any) -> Iterator[Finding]:
    programs = _fenced(text_of(row.messages[-1].get("content")))
    if len(programs) != 1:
        yield Finding(Reason.SOLUTION_HAS_NO_FINAL, f"the reference has {len(programs)} fenced programs, not one")
        return
    language, program = programs[0]
    if program is None:
        yield Finding(Reason.SOLUTION_HAS_NO_FINAL, "the reference's fence is not closed")
        return
    if language.lower() not in _PYTHON:
        yield Finding(Reason.SOLUTION_HAS_NO_FINAL, f"the reference's fence says {language[:20]!r}, not python")
    tree = code_tests.parsed(program)
    if isinstance(tree, str):
        yield Finding(Reason.SOLUTION_HAS_NO_FINAL, f"the reference's program does not compile: {tree}")
    elif missing := sorted(name for name in _wanted(row.ground_truth, entry_point) if not _defines(tree, name)):
        yield Finding(Reason.SOLUTION_DISAGREES, f"the reference defines no {missing[0][:60]!r}, which the tests use")


def _wanted(tests: Any, entry_point: Any) -> set[str]:
    """The names that tests take from the solution."""
    wanted = {entry_point} if isinstance(entry_point, str) else set()
    if code_tests.readable_form(tests) != "assert":
        return wanted
    programs = [test["assertion"] for test in tests if isinstance(code_tests.parsed(test["assertion"]), ast.Module)]
    return wanted.union(*(code_tests.names_wanted(program, entry_point) for program in programs))


def _fenced(text: str) -> list[tuple[str, str | None]]:
    """The fenced blocks of a text, each with its language; None for the inside of one that is not closed."""
    blocks: list[tuple[str, str | None]] = []
    mark, inside = "", list[str]()
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line.rstrip())
        if not mark and found is not None:
            mark, inside = found["mark"], []
            blocks.append((found["info"].strip(), None))
        elif mark and found is not None and not found["info"].strip() and found["mark"].startswith(mark):
            blocks[-1], mark = (blocks[-1][0], "\n".join(inside)), ""
        elif mark:
            inside.append(line)
    return blocks


def _defines(tree: ast.Module, name: str) -> bool:
    """True where a program has the name at its top, or as a method of a class Solution."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Solution"]
    return any(name in _names(body) for body in (tree.body, *(node.body for node in classes)))


def _names(body: Sequence[ast.stmt]) -> set[str]:
    """The names that statements bind, also inside an if or a try."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        inner = list(ast.walk(node))
        names |= {one.id for one in inner if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        names |= {(one.asname or one.name).split(".")[0] for one in inner if isinstance(one, ast.alias)}
        names |= {one.name for one in inner if isinstance(one, ast.FunctionDef | ast.ClassDef)}
    return names


# ---------------------------------------------------------------------------------------------------------- prompt
def _prompt_findings(row: Row, entry_point: Any) -> Iterator[Finding]:
    prompt, form = prompt_text(row), code_tests.readable_form(row.ground_truth)
    if form in ("stdin", "call") and (words := _judged_otherwise(prompt)) is not None:
        yield Finding(Reason.SEVERAL_RIGHT_OUTPUTS, f"a test has one output, and others are right too: {words}")
    if form == "stdin" and (found := _INTERACTIVE.search(prompt)) is not None:
        yield Finding(Reason.UNSUPPORTED_TESTS, f"the problem is interactive: {_around(prompt, found)}")
    image = missing_image(row) or (repr(found.group()) if (found := _LOST_PICTURE.search(prompt)) else None)
    if image is not None:
        yield Finding(Reason.IMAGE_NEEDED, f"the problem needs a picture: {image}")
    if isinstance(entry_point, str) and not _occurs(entry_point, prompt):
        yield Finding(
            Reason.UNNAMED_ENTRY_POINT, f"the prompt does not name {entry_point[:60]!r}, which the tests call"
        )
    if form is not None and all(_shown(test, form, str(entry_point), prompt) for test in row.ground_truth):
        yield Finding(Reason.GOLD_IN_PROMPT, f"the prompt shows all tests ({len(row.ground_truth)}) with their answers")


def _judged_otherwise(prompt: str) -> str | None:
    """Words that call several outputs right, or one whose error is larger than the reward's tolerance."""
    found = _ANY_ANSWER.search(prompt) or _LARGE_ERROR.search(prompt)
    return None if found is None else _around(prompt, found)


def _around(prompt: str, found: re.Match[str]) -> str:
    return repr(" ".join(prompt[max(0, found.start() - 30) : found.end() + 20].split()))


def _occurs(text: str, prompt: str) -> bool:
    """True where a prompt holds a text that does not go on in the middle of a word."""
    start, end = r"(?<!\w)" if text[:1].isalnum() else "", r"(?!\w)" if text[-1:].isalnum() else ""
    return text in prompt and re.search(f"{start}{re.escape(text)}{end}", prompt) is not None


def _shown(test: Mapping[str, Any], form: str, entry_point: str, prompt: str) -> bool:
    """True where a prompt holds a test's question and its answer; how its blanks are set is no matter."""
    if form == "assert":
        return _bare(test["assertion"]) in _bare(prompt)
    if form == "stdin":
        parts = (test["input"], test["expected_output"])
        return all(_occurs(_one_line(part), _one_line(prompt)) for part in parts)
    return any(_call_shown(test, entry_point, spelled, prompt) for spelled in (repr, json.dumps))


def _call_shown(test: Mapping[str, Any], entry_point: str, spelled: Any, prompt: str) -> bool:
    named = [f"{name}={spelled(value)}" for name, value in test.get("kwargs", {}).items()]
    call = f"{entry_point}({','.join([*map(spelled, test.get('args', [])), *named])})"
    wanted = spelled(test["expected"])
    return _bare(call) in _bare(prompt) and any(_occurs(text, _one_line(prompt)) for text in (wanted, _bare(wanted)))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bare(text: str) -> str:
    return "".join(text.split())
