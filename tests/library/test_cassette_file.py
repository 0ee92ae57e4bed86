"""The cassette file: strict about what it reads, byte for byte the same about what it writes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from cassette_client import ask_all
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from reward_kit.cassettes.cassette import Mode
from reward_kit.cassettes.errors import CassetteFileError
from reward_kit.cassettes.format import PART_LENGTH, cassette_lines, read_cassette
from reward_kit.cassettes.interaction import (
    Interaction,
    Provenance,
    RecordedRequest,
    RecordedResponse,
    Source,
    canonical,
    compact,
)
from reward_kit.cassettes.lint import lint
from reward_kit.cli import main

LONG = "x" * PART_LENGTH


def interaction(row: str, attempt: int = 0, text: str = "an answer") -> Interaction:
    request = RecordedRequest("POST", "/chat", (), canonical({"prompt": f"ask {row}", "system": LONG}))
    response = RecordedResponse(200, {"content-type": "application/json"}, compact({"text": text, "n": 1.5}))
    came = Provenance((row,), attempt, Source.STAND_IN, "127.0.0.1:1", "2026-01-02T03:04:05Z", "test", 1, 0, "a note")
    return Interaction(request, response, came)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    lines = cassette_lines("math", "regenerate", [interaction("b"), interaction("a", 1), interaction("a")])
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_the_lines_of_a_file(path):
    header, part, *lines = map(json.loads, path.read_text().splitlines())
    assert header == {"rewardkit_cassette": 1, "suite": "math", "step": "regenerate"}
    assert part == {"part": hashlib.sha256(LONG.encode()).hexdigest(), "text": LONG}
    assert [(line["row_ids"], line["attempt"]) for line in lines] == [(["a"], 0), (["a"], 1), (["b"], 0)]
    first = {name: value for name, value in lines[0].items() if name != "sha256"}
    assert first == {
        "row_ids": ["a"],
        "attempt": 0,
        "request": {"method": "POST", "path": "/chat", "body": {"prompt": "ask a", "system": {"$part": part["part"]}}},
        "response": {
            "status": 200,
            "headers": {"content-type": "application/json"},
            "body": {"text": "an answer", "n": 1.5},
        },
        "recorded": {
            "source": "stand-in",
            "host": "127.0.0.1:1",
            "at": "2026-01-02T03:04:05Z",
            "recorder": "test",
            "retries": 1,
            "note": "a note",
        },
    }
    assert lint(path) == []


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
bodies = st.binary(max_size=60) | values.map(compact)


@given(
    st.lists(
        st.tuples(st.lists(texts, max_size=3), bodies, bodies, st.lists(st.tuples(texts, texts), max_size=2)),
        max_size=5,
    )
)
def test_what_is_written_is_read_back_and_written_the_same(tmp_path_factory, exchanges):
    path = tmp_path_factory.getbasetemp() / "property.jsonl"
    interactions = []
    for number, (rows, asked, answered, query) in enumerate(exchanges):
        try:
            asked = canonical(json.loads(asked))
        except ValueError:
            pass
        except RecursionError:
            continue
        came = Provenance(tuple(rows), number, Source.LIVE, None, None, "test")
        request = RecordedRequest("POST", "/chat", tuple(query), asked)
        interactions.append(Interaction(request, RecordedResponse(200, {}, answered), came))
    lines = cassette_lines("s", "t", interactions)
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    content = read_cassette(path)
    assert sorted(content.interactions, key=lambda one: one.order) == sorted(interactions, key=lambda one: one.order)
    assert cassette_lines("s", "t", reversed(content.interactions)) == lines


def edit(path, number: int, old: str, new: str) -> None:
    lines = path.read_text().split("\n")
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("line", "old", "new", "said"),
    [
        (4, "an answer", "another answer", "was changed after it was recorded"),
        (4, '"status": 200', '"status": 201', "was changed after it was recorded"),
        (4, "stand-in", "live", "was changed after it was recorded"),
        (4, '"attempt": 1', '"attempt": 1 ', "was changed after it was recorded"),
        (4, ', "sha256"', ', "sha512"', "was changed after it was recorded"),
        (4, '"response"', "response", "is not JSON"),
        (4, '"attempt": 1', '"attempt": NaN', "is not JSON (holds NaN"),
        (2, "xxxx", "xxxy", "is a part whose text was changed"),
        (2, "part", "Part", "was changed after it was recorded"),
        (1, '"rewardkit_cassette": 1', '"rewardkit_cassette": 0', "is a cassette of version 0"),
        (1, '"rewardkit_cassette": 1', '"rewardkit_cassette": 2', "is a cassette of version 2"),
        (1, '"rewardkit_cassette": 1', '"version": 1', "is not the first line of a cassette"),
        (1, '"suite"', '"sweet"', "is not the first line of a cassette"),
    ],
)
def test_a_line_that_is_not_as_it_was_written_is_named_and_nothing_replays(path, line, old, new, said):
    edit(path, line, old, new)
    with pytest.raises(CassetteFileError) as caught:
        read_cassette(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)
    assert lint(path)[0].line == line
    with pytest.raises(CassetteFileError):
        ask_all(path, "http://recorded.invalid", ["a"])


def test_a_newer_cassette_asks_for_an_update_and_an_older_one_for_a_recording(path):
    edit(path, 1, ": 1,", ": 2,")
    assert lint(path)[0].remedy == "Update pytest-rewardkit"
    edit(path, 1, ": 2,", ": 0,")
    assert "reward-kit record" in lint(path)[0].remedy


def test_a_missing_part_is_named_at_each_line_that_needs_it(path):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], *lines[2:]]))
    assert [(defect.line, "which is not in the file" in defect.problem) for defect in lint(path)] == [
        (2, True),
        (3, True),
        (4, True),
    ]


def test_a_file_that_was_cut_off_or_is_empty_or_missing_is_an_error(path):
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 40, 30):
        path.write_bytes(whole[:length])
        with pytest.raises(CassetteFileError):
            read_cassette(path)
    path.write_bytes(b"")
    with pytest.raises(CassetteFileError, match="is blank"):
        read_cassette(path)
    path.unlink()
    with pytest.raises(CassetteFileError, match="cannot be read"):
        read_cassette(path)


def test_a_line_that_stands_twice_is_an_error(path):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]))
    with pytest.raises(CassetteFileError, match=":6: is line 5 again"):
        read_cassette(path)


def test_every_defect_is_reported_at_once(path):
    edit(path, 3, "an answer", "no answer")
    edit(path, 5, "an answer", "no answer")
    assert [defect.line for defect in lint(path)] == [3, 5]


def test_lines_out_of_order_replay_but_are_linted(path):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], lines[4], *lines[2:4]]))
    assert len(read_cassette(path).interactions) == 3
    assert [defect.line for defect in lint(path)] == [3]


def test_a_broken_or_older_cassette_can_be_recorded_anew(tmp_path, path):
    from cassette_server import completion, serving

    edit(path, 1, ": 1,", ": 0,")
    with serving(completion) as (base, _):
        with pytest.raises(CassetteFileError):
            ask_all(path, base, ["a"], Mode.NEW)
        ask_all(path, base, ["a"], Mode.ALL)
    assert lint(path) == []


def test_a_failed_response_in_a_file_is_linted(tmp_path):
    path = tmp_path / "x.jsonl"
    bad = replace(interaction("a"), response=RecordedResponse(500, {"server": "x"}, b"{}"))
    path.write_text("".join(line + "\n" for line in cassette_lines("math", "regenerate", [bad])))
    assert [defect.problem for defect in lint(path)] == [
        "holds the header server",
        "holds a failed response (HTTP 500)",
    ]


def test_the_commands_show_and_lint(path):
    shown = CliRunner().invoke(main, ["cassette", "show", str(path)])
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert lines[0].split() == ["rows", "status", "finish", "tokens", "source", "host", "recorded"]
    assert lines[1].split() == ["a", "200", "(+1)", "-", "-", "stand-in", "127.0.0.1:1", "2026-01-02"]
    assert lines[-2:] == ["math, step regenerate: 3 interactions", "3 x a note"]
    assert CliRunner().invoke(main, ["cassette", "lint", str(path)]).output == f"{path}: in order\n"
    edit(path, 3, "an answer", "no answer")
    linted = CliRunner().invoke(main, ["cassette", "lint", str(path)])
    assert linted.exit_code == 1
    assert f"{path}:3: was changed after it was recorded" in linted.output
    assert CliRunner().invoke(main, ["cassette", "show", str(path)]).exit_code == 1
