"""What every format of the coding layout comes to, and the reading that they share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reward_kit.jsonl import loads
from reward_kit.prepare.base import Reason, Record, RejectedError

_FENCE = re.compile(r"^[ ]{0,3}(`{3,})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Task:
    """A problem as its format holds it.

    Attributes:
        prompt: what a model is asked.
        tests: the row's ground truth.
        raw: the columns that hold the tests, as the source has them.
        program: the reference solution, None where there is none.
        columns: the row's further columns.
    """

    prompt: str
    tests: list[Any]
    raw: Mapping[str, Any]
    program: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


def unsupported(problem: str) -> RejectedError:
    """The rejection of a record whose tests cannot be graded by."""
    return RejectedError(Reason.UNSUPPORTED_TESTS, problem)


def filled(record: Record, name: str) -> bool:
    """True where a column holds something; None, "", [], {} and false are nothing."""
    return bool(record.get(name))


def exact_text(record: Record, name: str) -> str:
    """The text in a column with every blank of it: code and tests are not stripped.

    Raises:
        RejectedError: where there is none.
    """
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RejectedError(Reason.SCHEMA_VIOLATION, f"has no text in column {name!r}")
    return value


def json_column(record: Record, name: str) -> Any:
    """The value of a column that holds JSON, as text or parsed.

    Raises:
        RejectedError: where the text is not strict JSON, or holds a number that a float would round.
    """
    value = record[name]
    if not isinstance(value, str):
        return value
    try:
        parsed = loads(value)
        json.loads(value, parse_float=_whole_number)
    except (ValueError, ArithmeticError) as error:
        raise unsupported(f"has tests in column {name!r} that are not strict JSON: {str(error)[:80]}") from None
    return parsed


def _whole_number(text: str) -> float:
    value = float(text)
    if Decimal(repr(value)) != Decimal(text):
        raise ValueError(f"{text[:40]} has more digits than a float keeps")
    return value


def kept(record: Record, names: Mapping[str, str]) -> dict[str, Any]:
    """The columns of a record that a row keeps, under the row's names for them."""
    return {new: record[old] for old, new in names.items() if record.get(old) not in (None, "")}


def reference_turn(program: str) -> dict[str, str]:
    """The reference: one sentence and the program, untouched, in one fence that no line of it can close."""
    inner = max((len(mark) for mark in _FENCE.findall(program)), default=2)
    fence = "`" * max(3, inner + 1)
    end = "" if program.endswith("\n") else "\n"
    content = f"Here is a program that solves the problem.\n\n{fence}python\n{program}{end}{fence}"
    return {"role": "assistant", "content": content}
