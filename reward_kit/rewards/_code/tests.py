"""A row's tests, read strictly: what is no clear test is a defect of the row and never pays.

Three forms, one a row: `{"input", "expected_output"}` (or `"output"`), `{"args", "kwargs", "expected"}` and
`{"assertion"}`.
"""

from __future__ import annotations

import ast
import json
import shlex
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reward_kit.rewards._code.assertable import flaw_of, with_candidate
from reward_kit.rewards._code.comparison import is_plain
from reward_kit.sandbox.shapes import Arguments

_FORMS = {
    "input/expected_output": frozenset(("input", "expected_output", "output")),
    "args/expected": frozenset(("args", "kwargs", "expected")),
    "assertion": frozenset(("assertion",)),
}
_KNOWN = frozenset().union(*_FORMS.values())
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ProgramTest:
    """What the program reads, and what it must print."""

    input: str
    expected: str


@dataclass(frozen=True, slots=True)
class CallTest:
    """How the function is called and what it must return; `text` is the expectation as reward-kit's rows write it."""

    arguments: Arguments
    expected: Any
    text: str | None = None


@dataclass(frozen=True, slots=True)
class AssertTest:
    """Test code that calls the program's functions by their names."""

    code: str


@dataclass(frozen=True, slots=True)
class ProgramTests:
    """A row's tests of inputs and outputs."""

    tests: tuple[ProgramTest, ...]


@dataclass(frozen=True, slots=True)
class CallTests:
    """A row's tests of one function."""

    tests: tuple[CallTest, ...]
    entry_point: str


@dataclass(frozen=True, slots=True)
class AssertTests:
    """A row's tests that are code."""

    tests: tuple[AssertTest, ...]
    entry_point: str


Tests = ProgramTests | CallTests | AssertTests


@dataclass(frozen=True, slots=True)
class Defect:
    """Why a row's tests cannot be used: what, and where."""

    reason: str


def read_tests(
    ground_truth: Any, entry_point: str | None = None, function_to_call: str | None = None
) -> Tests | Defect:
    """The tests in a row's ground truth, or what is wrong with them.

    Args:
        ground_truth: a list of tests, the JSON text of one, or another text: all that a program prints that reads
            nothing.
        entry_point: the function that call tests name, or that `candidate` stands for in assertions.
        function_to_call: reward-kit's name for it; tests of texts are then calls, with arguments read from `input`.
    """
    name = entry_point or function_to_call or ""
    if not isinstance(name, str) or (name and not name.isidentifier()):
        return Defect(f"entry_point {_shown(name)} is no name of a function")
    if entry_point and function_to_call and entry_point != function_to_call:
        return Defect(f"entry_point {entry_point!r} and function_to_call {function_to_call!r} differ")
    entries = _entries(ground_truth)
    if isinstance(entries, Defect):
        return entries
    return _read_all(entries, name, texts=not entry_point)


def _entries(ground_truth: Any) -> list[Any] | tuple[Any, ...] | Defect:
    if ground_truth is None:
        return Defect("there are no tests: ground_truth is None")
    read: list[Any] | tuple[Any, ...] | Defect
    if isinstance(ground_truth, str):
        read = _entries_of_text(ground_truth)
    elif isinstance(ground_truth, (list, tuple)):
        read = ground_truth
    else:
        return Defect(f"ground_truth is {_shown(ground_truth)}: it must be a list of tests")
    return read if isinstance(read, Defect) or read else Defect("there are no tests: the list is empty")


def _entries_of_text(text: str) -> list[Any] | Defect:
    """The list in a JSON text, or one test of the whole output."""
    start = text.lstrip()
    if not start:
        return Defect("there are no tests: ground_truth is an empty text")
    if start[0] not in "[{":
        return [{"input": "", "expected_output": text}]
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "".join(start.split())[:2] == "[{":
            return Defect(f"ground_truth looks like a list of tests but is no JSON: {error}")
        return [{"input": "", "expected_output": text}]
    if isinstance(read, list) and (not read or any(isinstance(each, dict) for each in read)):
        return read
    if isinstance(read, dict) and _KNOWN & read.keys():
        return Defect("ground_truth is the JSON text of one object: it must be a list of tests")
    return [{"input": "", "expected_output": text}]


def _read_all(entries: list[Any] | tuple[Any, ...], name: str, *, texts: bool) -> Tests | Defect:
    read: list[ProgramTest | CallTest | AssertTest] = []
    form = ""
    for number, entry in enumerate(entries, start=1):
        own = _form(entry)
        if isinstance(own, Defect):
            return Defect(f"test {number}: {own.reason}")
        if form and own != form:
            return Defect(f"test {number} has the form {own}, those before it {form}: a row has tests of one form")
        form = own
        test = _read_one(entry, form, name, texts=texts)
        if isinstance(test, Defect):
            return Defect(f"test {number}: {test.reason}")
        read.append(test)
    return _row(read, name)


def _row(read: Sequence[ProgramTest | CallTest | AssertTest], name: str) -> Tests:
    """The tests as those of their form; they have one, as `_read_all` saw to."""
    if isinstance(read[0], CallTest):
        return CallTests(tuple(each for each in read if isinstance(each, CallTest)), name)
    if isinstance(read[0], AssertTest):
        return AssertTests(tuple(each for each in read if isinstance(each, AssertTest)), name)
    return ProgramTests(tuple(each for each in read if isinstance(each, ProgramTest)))


def _form(entry: Any) -> str | Defect:
    if not isinstance(entry, Mapping):
        return Defect(f"{_shown(entry)} is no object with input and expected_output, args and expected, or assertion")
    unknown = [key for key in entry if key not in _KNOWN]
    if unknown:
        return Defect(f"unknown key {_shown(unknown[0])}")
    forms = [form for form, keys in _FORMS.items() if keys & entry.keys()]
    if len(forms) != 1:
        return Defect(f"keys of several forms: {', '.join(sorted(entry))}" if forms else "an empty object")
    return forms[0]


def _read_one(
    entry: Mapping[str, Any], form: str, name: str, *, texts: bool
) -> ProgramTest | CallTest | AssertTest | Defect:
    if form == "assertion":
        return _read_assertion(entry["assertion"], name)
    if form == "args/expected":
        return _read_call(entry, name)
    test = _read_program(entry)
    if isinstance(test, Defect) or not name:
        return test
    if not texts:
        return Defect(f"entry_point names {name!r}, but the test is an input and an output: write args and expected")
    return _text_call(test)


def _read_program(entry: Mapping[str, Any]) -> ProgramTest | Defect:
    if "expected_output" in entry and "output" in entry:
        return Defect("expected_output and output are both given")
    expected = entry.get("expected_output", entry.get("output"))
    if "input" not in entry or expected is None:
        return Defect("input is missing" if "input" not in entry else "expected_output is missing")
    for key, value in (("input", entry["input"]), ("expected_output", expected)):
        if not isinstance(value, str):
            return Defect(f"{key} is {_shown(value)}, not text")
    return ProgramTest(str(entry["input"]), str(expected))


def _read_call(entry: Mapping[str, Any], name: str) -> CallTest | Defect:
    if not name:
        return Defect("the test calls a function, but no entry_point names it")
    if "expected" not in entry or not ({"args", "kwargs"} & entry.keys()):
        return Defect("expected is missing" if "expected" not in entry else "args is missing")
    args, kwargs = entry.get("args", ()), entry.get("kwargs", {})
    if not isinstance(args, (list, tuple)):
        return Defect(f"args is {_shown(args)}, not a list")
    if not isinstance(kwargs, Mapping) or not all(isinstance(key, str) for key in kwargs):
        return Defect(f"kwargs is {_shown(kwargs)}, not an object with names")
    for key, value in (("args", tuple(args)), ("kwargs", dict(kwargs)), ("expected", entry["expected"])):
        if not is_plain(value):
            return Defect(f"{key} holds what is no plain data, or is nested too deeply")
    return CallTest(Arguments(tuple(args), dict(kwargs)), entry["expected"])


def _text_call(test: ProgramTest) -> CallTest | Defect:
    """A call whose arguments and result are texts, as reward-kit's function_to_call reads them.

    The input is one JSON or Python value, else blank-separated ones in a shell's quotes.
    """
    text = test.input.strip()
    try:
        args = (_literal(text),) if text else ()
    except ValueError:
        try:
            args = tuple(_literal_or_text(part) for part in shlex.split(text))
        except ValueError:
            args = (text,)
    expected = _literal_or_text(test.expected.strip())
    if not is_plain(args) or not is_plain(expected):
        return Defect("the test's values are nested too deeply")
    return CallTest(Arguments(args), expected, test.expected)


def _literal(text: str) -> Any:
    """The value that a text writes as JSON or as a Python literal; ValueError where it writes none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise ValueError(f"no literal: {_shown(text)}") from error


def _literal_or_text(text: str) -> Any:
    try:
        return _literal(text)
    except ValueError:
        return text


def _read_assertion(code: Any, name: str) -> AssertTest | Defect:
    if not isinstance(code, str):
        return Defect(f"assertion is {_shown(code)}, not text")
    flaw = flaw_of(code, name)
    return Defect(f"the assertion {flaw}") if flaw else AssertTest(with_candidate(code, name))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
