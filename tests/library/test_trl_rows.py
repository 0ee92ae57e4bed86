"""Rows as TRL's dataset: Arrow changes no value that a reward gets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_kit.integrations import RewardCallError, to_trl, to_trl_dataset, to_trl_rows
from reward_kit.integrations.trl.columns import ABSENT, MARKER, decode_value, encode_column, same
from reward_kit.integrations.trl.rows import TAKEN
from reward_kit.models import Row


def row(number: int, gold: Any = "4", *, prompt: Any = "2+2?", **columns: Any) -> Row:
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return Row(f"row-{number}", (*messages, {"role": "assistant", "content": "4"}), gold, columns, number)


def test_plain_columns_stay_as_they_are_and_the_reference_is_left_out():
    rows = [row(1, "4", tests=["a"], level=1), row(2, "6", tests=[], level=None)]
    assert to_trl_rows(rows)[0] == {
        "prompt": [{"role": "user", "content": "2+2?"}],
        "ground_truth": "4",
        "tests": ["a"],
        "level": 1,
    }
    assert to_trl_rows(rows)[1] | {"prompt": None} == {"prompt": None, "ground_truth": "6", "tests": [], "level": None}


CHANGED = [
    ([{"a": 1}, {"b": 2}], "dicts with other keys"),
    ([[{"name": "f", "arguments": {"x": 1}}], []], "dicts in lists"),
    ([1, 2.5], "an integer beside a fraction"),
    ([True, 0], "a truth value beside a number"),
    (["1", 1], "mixed types"),
    ([[1], ["1"]], "lists of mixed types"),
    ([[], "a"], "a list beside text"),
    ([2**70, 1], "more than 64 bits"),
    (["\ud800", "a"], "half of a surrogate pair"),
    ([MARKER + "1", "a"], "what looks like a stored text"),
]


@pytest.mark.parametrize("values", [values for values, _ in CHANGED], ids=[why for _, why in CHANGED])
def test_a_column_that_arrow_would_change_is_text_in_every_row_and_comes_back_as_it_was(values: list[Any]):
    stored = [plain["extra"] for plain in to_trl_rows([row(i, extra=value) for i, value in enumerate(values)])]
    assert all(isinstance(text, str) and text.startswith(MARKER) for text in stored)
    assert all(same(decode_value(text), value) for text, value in zip(stored, values, strict=True))


def test_rewards_of_every_kind_get_decoded_columns():
    plain = to_trl_rows([row(1, {"a": 1}, only={"x": 1}), row(2, {"b": 2})])
    call = {name: [one[name] for one in plain] for name in ("ground_truth", "only")}
    seen: list[Any] = []

    def whole(completions, ground_truth, only, **kwargs):
        seen.append((ground_truth, only))
        return [0.0] * len(completions)

    def single(messages, ground_truth, **kwargs):
        seen.append((ground_truth, kwargs))
        return 0.0

    for reward in (whole, single):
        function: Any = to_trl(reward)
        function(prompts=["p", "q"], completions=["c", "d"], **call)
    assert seen == [
        ([{"a": 1}, {"b": 2}], [{"x": 1}, None]),  # a list has to say something for the row without the column
        ({"a": 1}, {"only": {"x": 1}}),
        ({"b": 2}, {}),
    ]


def test_a_stored_text_that_was_changed_is_an_error_that_names_its_place():
    function: Any = to_trl(lambda messages, ground_truth, **kwargs: 1.0)
    with pytest.raises(RewardCallError, match=r"ground_truth\[1\]: a dataset value stored as JSON text cannot be read"):
        function(prompts=["p", "q"], completions=["c", "d"], ground_truth=["4", MARKER + "{cut"])


def test_keys_that_are_none_are_dropped_from_messages_but_not_their_content():
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    prompt = [{"role": "user", "content": "2+2?", "name": None}, call, {"role": "tool", "content": "4"}]
    assert to_trl_rows([row(1, prompt=prompt)])[0]["prompt"] == [{"role": "user", "content": "2+2?"}, *prompt[1:]]


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_a_column_name_that_trl_uses_is_refused_with_the_remedy(name: str):
    with pytest.raises(ValueError, match=f"TRL uses the column name '{name}' itself.*Rename it.*'{name}_column'"):
        to_trl_rows([Row("row-1", ({"role": "user", "content": "2+2?"},), "4", {name: "x"}, 1)])


def test_rows_without_prompt_and_values_that_json_would_change_are_refused():
    with pytest.raises(ValueError, match="row row-1 has no prompt"):
        to_trl_rows([row(1, prompt=[])])
    for value in ((1, 2), {1: "a"}, {"a": {2}}):
        with pytest.raises(ValueError, match=r"column 'extra'.*Columns hold what JSON can hold"):
            to_trl_rows([row(1, extra=value), row(2, extra={"b": 1})])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(JSON | st.just(ABSENT), min_size=1, max_size=4))
def test_every_column_of_json_is_decoded_to_what_it_was(values: list[Any]):
    stored = [decode_value(value) for value in encode_column(values)]
    assert all(one is other or same(one, other) for one, other in zip(stored, values, strict=True))


# With datasets itself, where it is installed.


def test_a_dataset_gives_back_every_value_and_every_prompt():
    pytest.importorskip("datasets", reason="the extra 'grpo' is not installed")
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}
    other = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"y": "2"}}}]}
    ask = {"role": "user", "content": "2+2?"}
    rows = [
        row(1, {"a": 1}, prompt=[ask, call, {"role": "tool", "content": "4"}], extra=1, level=1, only="x"),
        row(2, {"b": [1, "2"]}, prompt=[{"role": "system", "content": "s"}, ask, other, ask], extra=2.5, level=2),
    ]
    dataset = to_trl_dataset(rows)
    assert [one["prompt"] for one in dataset] == [list(one.prompt) for one in rows]
    assert [decode_value(one["ground_truth"]) for one in dataset] == [{"a": 1}, {"b": [1, "2"]}]
    assert [decode_value(one["only"]) for one in dataset] == ["x", ABSENT]
    assert dataset.column_names == ["prompt", "ground_truth", "extra", "level", "only"]
    with pytest.raises(ValueError, match="no rows"):
        to_trl_dataset([])


def test_text_prompts_are_columns_as_any_other_tool_reads_them():
    datasets = pytest.importorskip("datasets", reason="the extra 'grpo' is not installed")
    message = {"role": datasets.Value("string"), "content": datasets.Value("string")}
    assert to_trl_dataset([row(1)]).features["prompt"] == datasets.List(message)


def test_a_prompt_that_does_not_come_back_is_an_error():
    pytest.importorskip("datasets", reason="the extra 'grpo' is not installed")
    precise = {"role": "assistant", "tool_calls": [{"function": {"arguments": {"x": 0.1234567890123456}}}]}
    with pytest.raises(ValueError, match="row row-1: 'prompt' does not come back from Arrow as it was"):
        to_trl_dataset([row(1, prompt=[precise, {"role": "user", "content": "2+2?"}])])


@settings(max_examples=40, deadline=None)
@given(st.lists(JSON, min_size=2, max_size=3))
def test_arrow_gives_back_whatever_json_can_hold(values: list[Any]):
    pytest.importorskip("datasets", reason="the extra 'grpo' is not installed")
    to_trl_dataset([row(i, extra=value) for i, value in enumerate(values)])  # raises where a value differs
