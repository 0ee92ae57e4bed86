"""Strict JSON lines: every line is one object, every defect of a file is reported with its line."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from reward_kit.errors import Defect
from reward_kit.files import replace_file

#: Longer lines are refused: a row of this size is a concatenated file or an inlined image, and would stall a run.
MAX_LINE_BYTES = 8 * 1024 * 1024
#: Deeper values are refused: json and pickle recurse, and how deep they can depends on who called them.
MAX_DEPTH = 100


class _LineError(ValueError):
    """A line that is JSON to a lenient reader and not to this one; carries its remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def dump_line(value: Mapping[str, Any]) -> str:
    """One object as one line of JSON without the newline: UTF-8 text, keys in their own order, no NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value, to hash and to compare: keys sorted, no blanks, no NaN, not escaped."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def compact_json(value: Any) -> str:
    """A JSON value without blanks, keys in their own order: a prompt that shows a schema shows it as it was written."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def write_jsonl(path: Path, lines: Iterable[str]) -> None:
    """Write `lines` (without newlines) to `path` atomically: readers see the old file or the whole new one."""
    replace_file(path, (line + "\n" for line in lines))


def read_jsonl(path: Path, defects: list[Defect]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) for each good line of `path`; append what is wrong with the others to `defects`.

    A missing, unreadable or empty file is a defect too. Nothing is skipped without one.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        remedy = "Write the file, or correct the path" if isinstance(error, FileNotFoundError) else "Make it readable"
        defects.append(Defect(path, 0, f"cannot be opened ({error.strerror})", remedy))
        return
    with file:
        number = 0
        try:
            for number, line in _lines(file):
                if isinstance(value := _parse(path, number, line), Defect):
                    defects.append(value)
                else:
                    yield number, value
        except OSError as error:
            defects.append(Defect(path, 0, f"cannot be read ({error.strerror})", "Name a regular file"))
            return
    if number == 0:
        defects.append(Defect(path, 0, "is empty", "Write at least one row, one JSON object a line"))


def _lines(file: Any) -> Iterator[tuple[int, bytes]]:
    """Lines of a binary file by newline only; of a line over the limit no more than limit + 1 bytes are kept."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        rest = line
        while len(line) > MAX_LINE_BYTES and rest and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE_BYTES)
        yield number, line


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any] | Defect:
    if len(line) > MAX_LINE_BYTES:
        return Defect(path, number, f"is longer than {MAX_LINE_BYTES >> 20} MB", "Split the row or shorten it")
    if not line.strip():
        return Defect(path, number, "is blank", "Delete the line")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return Defect(path, number, f"is not UTF-8 (byte {error.start + 1})", "Save the file as UTF-8")
    if text.startswith("\ufeff"):
        return Defect(path, number, "starts with a byte order mark", "Save the file as UTF-8 without BOM")
    try:
        value = loads(text.rstrip("\r\n"))  # with its end, a line cut short would be called a control character
    except _LineError as error:
        return Defect(path, number, str(error), error.remedy)
    except json.JSONDecodeError as error:
        problem = f"is not JSON ({error.msg}, column {error.colno})"
        return Defect(path, number, problem, "Write one whole JSON object on the line")
    if not isinstance(value, dict):
        problem = f"is {_kind(value)}, not a JSON object"
        return Defect(path, number, problem, 'Write {"id": ..., ...} on the line')
    return value


def loads(text: str) -> Any:
    """Strict JSON: no NaN or Infinity, no number that overflows, no key twice, nothing that cannot be UTF-8.

    Raises:
        ValueError: naming what a lenient reader would have let pass or changed (json.JSONDecodeError included).
    """
    try:
        value = _STRICT.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise _LineError("holds an integer of over 4,300 digits", "Write it as a string") from None
        raise
    if isinstance(value, (dict, list)) and text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_depth(value)
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _refuse_depth(value: Any) -> None:
    layer = [value]
    for _ in range(MAX_DEPTH):
        layer = [part for whole in layer for part in (whole.values() if isinstance(whole, dict) else whole)]
        layer = [part for part in layer if isinstance(part, (dict, list))]
    if layer:
        raise _too_deep()


def _too_deep() -> _LineError:
    return _LineError(f"is nested more than {MAX_DEPTH} levels deep", "Flatten the value")


def _refuse_constant(name: str) -> NoReturn:
    raise _LineError(f"holds {name}, which is not JSON", "Write a number, null or a string")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _LineError(f"holds {text[:40]}, which overflows a float", "Write it as a string")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key in counts if counts[key] > 1)
        raise _LineError(f"holds the key {twice!r} twice", "Keep one of the two")
    return value


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_float, object_pairs_hook=_object)


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _LineError("holds half a surrogate pair", "Write the whole character") from None


def _kind(value: Any) -> str:
    names = {str: "a string", list: "an array", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
