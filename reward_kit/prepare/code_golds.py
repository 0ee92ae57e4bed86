"""The proof that a row's tests are its source's: they are written back into the form that the source has.

Shares no code with the layouts. A test that is gone, another order, a blank less at an output's end or 1 for 1.0 all
show, and so does what a source holds and no row could, such as a test's input files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def same_tests(raw: Mapping[str, Any], tests: Sequence[Any]) -> bool:
    """True where the tests of a row say what the source's columns say.

    Args:
        raw: the columns that hold the tests, by name, as the source has them; their names say the form.
        tests: the row's ground truth.
    """
    try:
        return _FORMS[frozenset(raw)](raw, tests)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return False


def _own(raw: Mapping[str, Any], tests: Sequence[Any]) -> bool:
    return _exactly(_parsed(raw["tests"]), list(tests))


def _stdio(raw: Mapping[str, Any], tests: Sequence[Any]) -> bool:
    back = [{"input": {"stdin": _only(t, "input")}, "output": {"stdout": _only(t, "expected_output")}} for t in tests]
    return _exactly(_parsed(raw["test"]), back)


def _apps(raw: Mapping[str, Any], tests: Sequence[Any]) -> bool:
    source = _parsed(raw["input_output"])
    inputs, outputs = source["inputs"], source["outputs"]
    if set(source) - {"inputs", "outputs", "fn_name"} or not len(inputs) == len(outputs) == len(tests):
        return False
    if source.get("fn_name") is None:
        texts = [[_only(test, "input"), _only(test, "expected_output")] for test in tests]
        wanted = zip(inputs, outputs, strict=True)
        return all(
            _lines(had, text)
            for pair, had_pair in zip(texts, wanted, strict=True)
            for text, had in zip(pair, had_pair, strict=True)
        )
    values = [_only(test, "expected") for test in tests]
    bare, in_lists = _exactly(outputs, values), _exactly(outputs, [[value] for value in values])
    return _exactly(inputs, [_only(test, "args") for test in tests]) and (bare or in_lists)


def _lines(had: Any, text: str) -> bool:
    return _exactly(had, text.split("\n") if isinstance(had, list) else text)


def _program(raw: Mapping[str, Any], tests: Sequence[Any]) -> bool:
    (test,) = tests
    added = _text(test).removeprefix(raw["test"])
    unchanged = _text(test).startswith(raw["test"])
    return unchanged and added in ("", f"\n\ncheck({raw['entry_point']})\n")


def _assertions(raw: Mapping[str, Any], tests: Sequence[Any]) -> bool:
    setup = [raw.get("test_setup_code") or "", *(raw.get("test_imports") or [])]
    before = "".join(f"{part}\n" for part in setup if part)
    return _exactly([before + one for one in raw["test_list"]], [_text(test) for test in tests])


def _text(test: Any) -> str:
    if set(test) != {"assertion"}:
        raise ValueError("more than an assertion")
    return str(test["assertion"])


def _only(test: Any, name: str) -> Any:
    """A value of a test that holds nothing but the two of its form."""
    if set(test) not in ({"input", "expected_output"}, {"args", "expected"}):
        raise ValueError("keys of no form")
    return test[name]


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _exactly(one: Any, other: Any) -> bool:
    """The same JSON text: 1 is not 1.0, and the order of keys counts."""
    return json.dumps(one) == json.dumps(other)


_FORMS: dict[frozenset[str], Callable[[Mapping[str, Any], Sequence[Any]], bool]] = {
    frozenset({"tests"}): _own,
    frozenset({"test"}): _stdio,
    frozenset({"input_output"}): _apps,
    frozenset({"test", "entry_point"}): _program,
    frozenset({"test_list"}): _assertions,
    frozenset({"test_list", "test_setup_code"}): _assertions,
    frozenset({"test_list", "test_imports"}): _assertions,
    frozenset({"test_list", "test_setup_code", "test_imports"}): _assertions,
}
