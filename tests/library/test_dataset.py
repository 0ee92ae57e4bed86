"""dataset.jsonl: what a user sees when a file is wrong, and that nothing is lost or changed when it is right."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reward_kit.dataset import read_dataset, row_line, write_dataset
from reward_kit.errors import DatasetError, Defect, RewardKitError
from reward_kit.jsonl import MAX_DEPTH, MAX_LINE_BYTES, loads, read_jsonl, write_jsonl
from reward_kit.models import Row

GOOD = {"id": "row-1", "messages": [{"role": "user", "content": "What is 6 * 4?"}], "ground_truth": "24"}


def line_of(**changes: Any) -> bytes:
    """A good row as a line, with some columns changed; a column set to `...` is left out."""
    row = {key: value for key, value in (GOOD | changes).items() if value is not ...}
    return json.dumps(row).encode() + b"\n"


def defects_of(tmp_path: Path, content: bytes) -> list[str]:
    """What reading a file with this content complains about, the folder cut off."""
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        read_dataset(path)
    return [str(defect).replace(f"{tmp_path}{os.sep}", "") for defect in caught.value.defects]


LINE_DEFECTS: dict[str, tuple[bytes, str, str]] = {
    "malformed JSON": (b'{"id": "a", "messages": [}\n', "is not JSON (Expecting value, column 26)", "one whole JSON"),
    "cut short": (b'{"id": "a", "messages": [{"role": "us\n', "is not JSON (Unterminated string", "whole JSON object"),
    "two objects on a line": (b"{} {}\n", "is not JSON (Extra data, column 4)", "one whole JSON object on the line"),
    "single quotes": (b"{'id': 'a'}\n", "is not JSON", "Write one whole JSON object"),
    "trailing comma": (b'{"id": "a",}\n', "is not JSON", "Write one whole JSON object"),
    "raw control character": (b'{"id": "a\tb"}\n', "is not JSON (Invalid control character", "Write one whole JSON"),
    "an array": (b"[1, 2]\n", "is an array, not a JSON object", 'Write {"id": ..., ...} on the line'),
    "a string": (b'"row"\n', "is a string, not a JSON object", 'Write {"id": ..., ...} on the line'),
    "a number": (b"7\n", "is a number, not a JSON object", 'Write {"id": ..., ...} on the line'),
    "a boolean": (b"true\n", "is a boolean, not a JSON object", 'Write {"id": ..., ...} on the line'),
    "null": (b"null\n", "is null, not a JSON object", 'Write {"id": ..., ...} on the line'),
    "blank line": (b"\n", "is blank", "Delete the line"),
    "line of spaces": (b"  \t \r\n", "is blank", "Delete the line"),
    "not UTF-8": (line_of()[:20] + b"\xff" + line_of()[20:], "is not UTF-8 (byte 21)", "Save the file as UTF-8"),
    "UTF-16": (line_of().decode().strip().encode("utf-16-le") + b"\n", "is not JSON", "whole JSON object"),
    "byte order mark": (b"\xef\xbb\xbf" + line_of(), "starts with a byte order mark", "UTF-8 without BOM"),
    "over 8 MB": (line_of(note="x" * MAX_LINE_BYTES), "is longer than 8 MB", "Split the row or shorten it"),
    "NaN": (line_of(ground_truth=float("nan")), "holds NaN, which is not JSON", "Write a number, null or a string"),
    "Infinity": (line_of(weight=float("inf")), "holds Infinity", "Write a number, null or a string"),
    "minus Infinity": (line_of(weight=-float("inf")), "holds -Infinity", "Write a number, null or a string"),
    "float too large": (b'{"weight": 1e400}\n', "holds 1e400, which overflows a float", "Write it as a string"),
    "5,000 digits": (
        line_of()[:-2] + b', "n": ' + b"7" * 5000 + b"}\n",
        "holds an integer of over 4,300 digits",
        "Write it as a string",
    ),
    "key twice": (b'{"id": "a", "id": "b"}\n', "holds the key 'id' twice", "Keep one of the two"),
    "key twice deep inside": (b'{"tools": [{"n": 1, "n": 1}]}\n', "holds the key 'n' twice", "Keep one of the two"),
    "half a surrogate pair": (line_of(ground_truth="\ud83d"), "holds half a surrogate pair", "whole character"),
    "half a surrogate in a key": (b'{"\\udc00": 1}\n', "holds half a surrogate pair", "whole character"),
    "nested too deep": (
        b'{"deep": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}\n",
        "is nested more than 100 levels deep",
        "Flatten the value",
    ),
    "nested absurdly deep": (b"[" * 200_000 + b"\n", "is nested more than 100 levels deep", "Flatten the value"),
    "no id": (line_of(id=...), "has no id", 'Give the row a unique "id"'),
    "id misspelt": (line_of(id=..., _id="a"), "has no id", "Did you mean 'id' instead of '_id'?"),
    "empty id": (line_of(id=""), "the id is empty", 'Give the row a unique "id"'),
    "blank id": (line_of(id="  "), "the id is empty", 'Give the row a unique "id"'),
    "numeric id": (line_of(id=7), "the id 7 is not a string", 'Write it in quotes: "id": "row-1"'),
    "null id": (line_of(id=None), "the id None is not a string", 'Write it in quotes: "id": "row-1"'),
    "id with a comma": (line_of(id="a,b"), "the id 'a,b' cannot be typed in --rk-ids", "without commas"),
    "id with a newline": (line_of(id="a\nb"), "the id 'a\\nb' cannot be typed", "printable characters"),
    "id with a blank at its end": (line_of(id="a "), "the id 'a ' cannot be typed", "blanks at the ends"),
    "id with a null character": (line_of(id="a\0"), "the id 'a\\x00' cannot be typed", "printable characters"),
    "id too long": (line_of(id="x" * 201), "cannot be typed in --rk-ids", "at most 200 printable characters"),
    "no ground_truth": (line_of(ground_truth=...), "has no ground_truth", 'Add the reference answer as "ground_truth"'),
    "ground_truth misspelt": (
        line_of(ground_truth=..., groundtruth="24"),
        "has no ground_truth",
        "Did you mean 'ground_truth' instead of 'groundtruth'?",
    ),
    "null ground_truth": (line_of(ground_truth=None), "the ground_truth is empty", "Fill it in, or remove the row"),
    "blank ground_truth": (line_of(ground_truth=" \n"), "the ground_truth is empty", "Fill it in"),
    "empty ground_truth list": (line_of(ground_truth=[]), "the ground_truth is empty", "Fill it in"),
    "empty ground_truth object": (line_of(ground_truth={}), "the ground_truth is empty", "Fill it in"),
    "no messages": (line_of(messages=...), "has no messages", 'Write "messages": [{"role": "user"'),
    "messages as text": (line_of(messages="hi"), "'messages' is not a list with at least one message", "Write [{"),
    "messages empty": (line_of(messages=[]), "'messages' is not a list with at least one message", "Write [{"),
    "a message as text": (line_of(messages=["hi"]), "messages[0] is not an object", 'Write {"role": ...'),
    "a message without role": (line_of(messages=[{"content": "hi"}]), "messages[0] has the role None", "Known roles"),
    "an unknown role": (
        line_of(messages=[{"role": "usr", "content": "hi"}]),
        "messages[0] has the role 'usr'",
        "Known roles: assistant, developer",
    ),
    "a role that is a list": (line_of(messages=[{"role": ["user"]}]), "has the role ['user']", "Known roles"),
    "numeric content": (
        line_of(messages=[{"role": "user", "content": 3}]),
        "the content of messages[0] is not text",
        "Write a string, a list of parts, or null",
    ),
    "no content": (line_of(messages=[{"role": "user"}]), "messages[0] has no content", 'Add "content": "..."'),
    "content misspelt": (
        line_of(messages=[{"role": "user", "contnet": "hi"}]),
        "messages[0] has no content",
        "Did you mean 'content' instead of 'contnet'?",
    ),
    "tools that are no list": (line_of(tools={"name": "f"}), "'tools' is not a list", "Write a list"),
    "tests that are no list": (line_of(tests="assert f(1)"), "'tests' is not a list", "Write a list"),
}


@pytest.mark.parametrize("name", LINE_DEFECTS)
def test_a_defect_of_a_line_is_reported_with_its_line_and_a_remedy(name: str, tmp_path: Path) -> None:
    bad, problem, remedy = LINE_DEFECTS[name]
    first, third = line_of(id="first"), line_of(id="third")
    found = defects_of(tmp_path, first + bad + third)

    assert all(text.startswith("dataset.jsonl:2: ") for text in found)
    assert any(problem in text and remedy in text for text in found), found


def test_every_defect_of_a_file_is_reported_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    bad = [LINE_DEFECTS[name][0] for name in ("no id", "blank line", "NaN", "no ground_truth", "malformed JSON")]
    found = defects_of(tmp_path, line_of() + b"".join(bad) + line_of(id=3, messages=[], ground_truth=None))
    found = [text for text in found if "is the id of line" not in text]

    assert [text.split(": ")[0] for text in found] == [f"dataset.jsonl:{n}" for n in (2, 3, 4, 5, 6, 7, 7, 7)]


def test_the_message_holds_every_defect_up_to_twenty_and_counts_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(b"{}\n" * 10)
    with pytest.raises(DatasetError) as caught:
        read_dataset(path)

    shown = str(caught.value).splitlines()
    assert len(caught.value.defects) == 30  # no id, no messages and no ground_truth on each of ten lines
    assert len(shown) == 21
    assert "10 more" in shown[-1]


def test_a_repeated_id_names_the_line_it_repeats(tmp_path: Path) -> None:
    found = defects_of(tmp_path, line_of(id="a") + line_of(id="b") + line_of(id="a") + line_of(id="a"))

    assert found == [
        "dataset.jsonl:3: the id 'a' is the id of line 1 too. Make ids unique",
        "dataset.jsonl:4: the id 'a' is the id of line 1 too. Make ids unique",
    ]


def test_an_id_repeats_the_id_of_a_row_that_is_bad_in_another_way(tmp_path: Path) -> None:
    found = defects_of(tmp_path, line_of(id="a", ground_truth=...) + line_of(id="a"))

    assert "dataset.jsonl:2: the id 'a' is the id of line 1 too. Make ids unique" in found


def test_a_missing_file_is_a_defect_and_not_an_empty_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot be opened \(No such file or directory\)\. Write the file, or"):
        read_dataset(tmp_path / "dataset.jsonl")


def test_a_folder_in_place_of_the_file_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Is a directory"):
        read_dataset(tmp_path)


def test_an_empty_file_is_a_defect(tmp_path: Path) -> None:
    assert defects_of(tmp_path, b"") == [
        "dataset.jsonl: is empty. Write at least one row, one JSON object a line",
    ]


def test_a_file_of_blank_lines_only_is_not_a_dataset(tmp_path: Path) -> None:
    assert defects_of(tmp_path, b"\n\n") == [
        "dataset.jsonl:1: is blank. Delete the line",
        "dataset.jsonl:2: is blank. Delete the line",
    ]


def test_errors_of_files_can_be_caught_as_one_kind(tmp_path: Path) -> None:
    with pytest.raises(RewardKitError):
        read_dataset(tmp_path / "nothing.jsonl")


def test_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(line_of(id="a").replace(b"\n", b"\r\n") + line_of(id="b").replace(b"\n", b"\r\n"))

    assert [(row.id, row.line) for row in read_dataset(path)] == [("a", 1), ("b", 2)]


def test_the_last_line_needs_no_newline(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(line_of(id="a") + line_of(id="b").rstrip(b"\n"))

    assert [row.id for row in read_dataset(path)] == ["a", "b"]


def test_only_newlines_end_a_line(tmp_path: Path) -> None:
    separators = "before\u2028between\u2029after\x85\x0b\x0c"
    path = tmp_path / "dataset.jsonl"
    path.write_text(json.dumps(GOOD | {"ground_truth": separators[:-2]}, ensure_ascii=False) + "\n", encoding="utf-8")

    assert [(row.ground_truth, row.line) for row in read_dataset(path)] == [(separators[:-2], 1)]


def test_a_line_over_the_limit_does_not_hide_the_lines_after_it(tmp_path: Path) -> None:
    found = defects_of(tmp_path, line_of(note="x" * (3 * MAX_LINE_BYTES)) + line_of(id="b") + b"[]\n")

    assert [text.split(". ")[0] for text in found] == [
        "dataset.jsonl:1: is longer than 8 MB",
        "dataset.jsonl:3: is an array, not a JSON object",
    ]


def test_a_value_may_nest_to_the_limit_wherever_the_reader_is_called_from(tmp_path: Path) -> None:
    """The limit does not depend on how deep the caller's stack is, as Python's own does."""
    deep = "\u00e9"
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(line_of(deep=deep))

    assert read_dataset(path)[0].columns == {"deep": deep}


@pytest.mark.parametrize(
    "gold", ["1,200", "1 200", "$5.50", "-0", "007", "1e3", "\u22127", "\\frac{1}{2}", "Łódź \U0001f600"]
)
def test_ground_truth_stays_as_it_is_written(gold: str, tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(line_of(ground_truth=gold))

    assert read_dataset(path)[0].ground_truth == gold


@pytest.mark.parametrize("gold", [0, False, 0.0, [0], {"calls": []}, 24, 2.5])
def test_a_gold_need_not_be_text_and_falsy_is_not_empty(gold: object, tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(line_of(ground_truth=gold))

    [row] = read_dataset(path)
    assert (row.ground_truth, type(row.ground_truth)) == (gold, type(gold))


def test_further_columns_are_kept_as_they_are(tmp_path: Path) -> None:
    columns = {"tools": [], "tests": [{"input": "5\n"}], "source": "mine", "difficulty": 3, "nothing": None}
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(line_of(**columns))

    assert read_dataset(path)[0].columns == columns


def test_a_tool_call_needs_neither_content_nor_id(tmp_path: Path) -> None:
    call = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]}
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(line_of(messages=[*GOOD["messages"], call]))

    [row] = read_dataset(path)
    assert row.reference == call
    assert row.prompt == tuple(GOOD["messages"])


def test_a_row_that_ends_in_a_prompt_has_no_reference(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(line_of())

    [row] = read_dataset(path)
    assert row.reference is None
    assert row.prompt == row.messages


def test_a_write_that_fails_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_text("old\n")

    def lines() -> Any:
        yield "new"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_jsonl(path, lines())
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_row_that_is_not_json_is_refused_when_written_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_text("old\n")
    bad = Row("a", ({"role": "user", "content": "?"},), float("nan"), {}, 1)

    with pytest.raises(ValueError, match="not JSON compliant"):
        write_dataset(path, [bad])
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["old\n"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
plain_text = st.text(st.characters(codec="utf-8"))
ids = plain_text.map(lambda text: "".join(c for c in text if c.isprintable() and c != ",").strip()[:200].strip())
messages = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system"]), "content": plain_text})
golds = json_values.filter(lambda gold: gold not in (None, [], {}) and not (isinstance(gold, str) and not gold.strip()))
column_names = plain_text.filter(lambda n: n not in ("id", "messages", "ground_truth", "tools", "tests", "components"))


@st.composite
def datasets(draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[Row]:
    names = draw(st.lists(ids.filter(bool), min_size=1, max_size=4, unique=True))
    return [
        Row(
            name,
            tuple(draw(st.lists(messages, min_size=1, max_size=3))),
            draw(golds),
            draw(st.dictionaries(column_names, json_values, max_size=2)),
            number,
        )
        for number, name in enumerate(names, start=1)
    ]


@settings(max_examples=60, deadline=None)
@given(rows=datasets())
def test_what_is_written_is_read_back_and_written_the_same(
    rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("round") / "dataset.jsonl"
    write_dataset(path, rows)
    again = read_dataset(path)

    assert again == rows
    first = path.read_bytes()
    write_dataset(path, again)
    assert path.read_bytes() == first
    assert first.decode().split("\n")[:-1] == [row_line(row) for row in rows]


@settings(max_examples=60, deadline=None)
@given(
    kinds=st.lists(
        st.sampled_from([(b'{"n": 1}', True), (b'{"n": 2}\r', True), (b"", False), (b"[]", False), (b"{", False)]),
        min_size=1,
        max_size=12,
    )
)
@example(kinds=[(b"", False)])
def test_each_line_is_either_read_or_reported_under_its_own_number(
    kinds: list[tuple[bytes, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "some.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line, _ in kinds))
    defects: list[Defect] = []
    read = [number for number, _ in read_jsonl(path, defects)]

    assert read == [number for number, (_, good) in enumerate(kinds, start=1) if good]
    assert [defect.line for defect in defects] == [n for n, (_, good) in enumerate(kinds, start=1) if not good]


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet='{}[]",:0123456789.eE+-\\u dDfalsetrunNI\n\t') | json_values.map(json.dumps))
@example(text="[NaN]")
@example(text='"\\ud800"')
@example(text='"\\ud83d\\ude00"')
def test_strict_json_agrees_with_json_or_says_why_not(text: str) -> None:
    try:
        value = loads(text)
    except ValueError:
        return
    assert json.loads(json.dumps(value, allow_nan=False).encode("utf-8")) == json.loads(text)
