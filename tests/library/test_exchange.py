"""Rows through `datasets.Dataset` and back: the same bytes, whatever the values are."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reward_kit.dataset import row_line
from reward_kit.errors import PrepareError
from reward_kit.models import Row
from reward_kit.prepare import exchange
from reward_kit.prepare.exchange import from_dataset, to_dataset

datasets = pytest.importorskip(
    "datasets", reason="the extra data is not installed: pip install 'pytest-rewardkit[data]'"
)
ROOT = Path(__file__).parents[2]
#: What ujson, one type for each column, or filling missing keys with null would change.
CHANGED_BY_DATASETS = [
    {"value": 8.854e-12},
    {"value": "text", "other": None},
    {"value": 0.7, "deep": [{"a": 1}, {"b": 1.0}, {"c": True}, {}]},
    {},
    {"value": 2**70, "z": -0.0, "a": 1e300},
]
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def row(number: int = 0, gold: Any = "4", messages: Any = None, line: int | None = None, **columns: Any) -> Row:
    messages = messages or [{"role": "user", "content": f"What is {number}?"}, {"role": "assistant", "content": "4"}]
    return Row(f"row-{number}", tuple(messages), gold, columns, number + 1 if line is None else line)


def same(rows: list[Row], back: list[Row]) -> bool:
    """To the byte of dataset.jsonl, and the same lines: 1, 1.0 and true are equal in Python."""
    return [(row_line(one), one.line) for one in rows] == [(row_line(one), one.line) for one in back]


def test_plain_rows_stay_native_as_trainers_read_them() -> None:
    dataset = to_dataset([row(1, source="a", level=3), row(2, source="b", level=5)])

    assert dataset[0]["messages"] == [
        {"role": "user", "content": "What is 1?"},
        {"role": "assistant", "content": "4"},
    ]
    assert (dataset[0]["ground_truth"], dataset[0]["source"], dataset[1]["level"]) == ("4", "a", 5)


def test_tools_and_nested_golds_are_json_text_in_the_order_of_their_keys() -> None:
    tools = [{"name": "f", "description": "é", "arguments": {"b": 8.854e-12, "a": None}}]
    dataset = to_dataset([row(gold=[{"f": {"b": [1, 1.0]}}], tools=tools)])

    assert dataset[0]["tools"] == '[{"name":"f","description":"é","arguments":{"b":8.854e-12,"a":null}}]'
    assert dataset[0]["ground_truth"] == '[{"f":{"b":[1,1.0]}}]'


@pytest.mark.parametrize("where", ["gold", "column", "message"])
def test_values_that_datasets_changes_come_back_as_they_were(where: str) -> None:
    if where == "message":
        texts: list[Any] = [[{"role": "user", "content": "a"} | value] for value in CHANGED_BY_DATASETS]
        rows = [row(n, messages=messages) for n, messages in enumerate(texts)]
    else:
        rows = [
            row(n, gold=[value]) if where == "gold" else row(n, tools=[value])
            for n, value in enumerate(CHANGED_BY_DATASETS)
        ]

    assert same(rows, from_dataset(to_dataset(rows)))


def test_a_column_that_some_rows_lack_is_lacking_after_the_round_trip_and_not_null() -> None:
    rows = [row(1, level="a"), row(2), row(3, level=None, b=1, a=2), row(4, a=2, b=1)]
    back = from_dataset(to_dataset(rows))

    assert [list(one.columns.items()) for one in back] == [list(one.columns.items()) for one in rows]


@pytest.mark.parametrize(
    "values", [["1", 1], [1, 1.0], [True, 1], [None, "a"], [2**63, 1], [[], ["a"]]], ids=lambda values: str(values)
)
def test_columns_of_mixed_types_keep_each_type(values: list[Any]) -> None:
    rows = [row(n, column=value) for n, value in enumerate(values)]

    assert same(rows, from_dataset(to_dataset(rows)))


def test_what_is_selected_shuffled_joined_and_saved_is_still_the_same_rows(tmp_path: Path) -> None:
    rows = [row(n, gold=[n, float(n)], line=n * 7 + 1) for n in range(20)]
    dataset = to_dataset(rows)
    joined = datasets.concatenate_datasets([dataset.select(range(10, 20)), dataset.select(range(10))])
    joined.save_to_disk(tmp_path / "saved")

    assert same(rows[10:] + rows[:10], from_dataset(datasets.load_from_disk(tmp_path / "saved")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(VALUES, st.dictionaries(NAMES, VALUES, max_size=2)), min_size=1, max_size=4))
def test_any_json_comes_back_exactly(drawn: list[tuple[Any, dict[str, Any]]]) -> None:
    taken = {"id", "messages", "ground_truth", "rewardkit"}
    columns = [{f"x{name}": value for name, value in given.items() if name not in taken} for _, given in drawn]
    rows = [Row(f"row-{n}", row().messages, gold, columns[n], n) for n, (gold, _) in enumerate(drawn)]

    assert same(rows, from_dataset(to_dataset(rows)))


@pytest.mark.parametrize(
    "lossy",
    [
        lambda value: json.dumps(value).replace("8.854e-12", "0.0"),
        lambda value: json.dumps(value, sort_keys=True),
        lambda value: json.dumps(value).replace("1.0", "1"),
        lambda value: json.dumps(value).replace("-0", "0"),
    ],
    ids=["digits", "order", "type", "sign"],
)
def test_a_value_that_comes_back_changed_stops(monkeypatch: pytest.MonkeyPatch, lossy: Any) -> None:
    """The check inside is what users rely on: it must see what the encoding loses, not repeat it."""
    rows = [row(gold=[{"z": 8.854e-12, "a": [1.0, -0.0]}])]
    to_dataset(rows)
    monkeypatch.setattr(exchange, "compact_json", lossy)

    with pytest.raises(PrepareError, match="roundtrip_changed: row 'row-0', ground_truth came back changed"):
        to_dataset(rows)


def test_a_name_that_arrow_cannot_hold_is_an_error_with_a_remedy() -> None:
    with pytest.raises(PrepareError, match=r"cannot hold these rows.*Check the names of the columns"):
        to_dataset([row(**{"a\0b": "c"})])


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(PrepareError, match="further column 'rewardkit'"):
        to_dataset([row(rewardkit="mine")])


@pytest.mark.parametrize("gold", [float("nan"), b"4", (1, 2)])
def test_what_is_not_json_is_refused(gold: Any) -> None:
    with pytest.raises(PrepareError, match=r"row 'row-0', column ground_truth"):
        to_dataset([row(gold=[gold])])


def test_another_dataset_is_refused() -> None:
    with pytest.raises(PrepareError, match="no column 'rewardkit'"):
        from_dataset(datasets.Dataset.from_dict({"question": ["a"]}))
    edited = to_dataset([row(gold=[1])]).map(lambda cells: cells | {"ground_truth": "[1"}, load_from_cache_file=False)
    with pytest.raises(PrepareError, match="row 0 is not one that to_dataset wrote"):
        from_dataset(edited)


@pytest.mark.skipif("REWARDKIT_DATA" not in os.environ, reason="set REWARDKIT_DATA to a folder with fc/bfcl_v4_*.jsonl")
def test_no_bfcl_row_is_changed() -> None:
    spec = importlib.util.spec_from_file_location("roundtrip", ROOT / "benchmarks" / "roundtrip.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    files = sorted(Path(os.environ["REWARDKIT_DATA"], "fc").glob("bfcl_v4_*.jsonl"))
    assert files
    for file in files:
        records = list(map(json.loads, file.read_text(encoding="utf-8").splitlines()))
        assert benchmark.changed_by_reward_kit(records) == 0
