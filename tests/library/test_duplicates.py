"""When two rows are the same question: prompts and tools count; ids, nulls, references and golds do not."""

from __future__ import annotations

from typing import Any

import pytest

from reward_kit.models import Row
from reward_kit.prepare.duplicates import dedupe_key, gold_key

ASKED = {"role": "user", "content": "How many legs have 3 hens?"}
TOOLS = [{"type": "function", "function": {"name": "count", "parameters": {"type": "object", "required": []}}}]


def row(*messages: dict[str, Any], gold: Any = "6", **columns: Any) -> Row:
    return Row("a", messages or (ASKED,), gold, columns, 1)


def conversation(call_id: str, other_id: str | None = None) -> Row:
    call = {"id": call_id, "type": "function", "function": {"name": "count", "arguments": "{}"}}
    called = {"role": "assistant", "content": None, "tool_calls": [call]}
    return row(ASKED, called, {"role": "tool", "tool_call_id": other_id or call_id, "content": "6"})


SAME = {
    "another reference": (row(ASKED, {"role": "assistant", "content": "6"}), row(ASKED)),
    "another gold": (row(gold="6"), row(gold="7")),
    "another model": (row(model="a"), row(model="b")),
    "keys in another order": (row(ASKED), row(dict(reversed(ASKED.items())))),
    "a null field": (row({**ASKED, "name": None}), row(ASKED)),
    "text as a part": (row({**ASKED, "content": [{"type": "text", "text": ASKED["content"]}]}), row(ASKED)),
    "another call id": (conversation("call_a"), conversation("call_b")),
    "no tools": (row(tools=[]), row()),
}
DIFFERENT = {
    "another question": (row(), row({**ASKED, "content": "How many legs have 4 hens?"})),
    "another role": (row(), row({**ASKED, "role": "system"})),
    "a system message": (row(), row({"role": "system", "content": "Be brief."}, ASKED)),
    "tools": (row(), row(tools=TOOLS)),
    "one and true": (row({**ASKED, "weight": 1}), row({**ASKED, "weight": True})),
    "an image": (
        row({**ASKED, "content": [{"type": "image_url", "image_url": {"url": "a"}}]}),
        row({**ASKED, "content": [{"type": "image_url", "image_url": {"url": "b"}}]}),
    ),
    "an output of another call": (conversation("call_a"), conversation("call_a", "call_b")),
}


@pytest.mark.parametrize("name", SAME)
def test_same_question(name: str) -> None:
    first, second = SAME[name]

    assert dedupe_key(first) == dedupe_key(second)


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_question(name: str) -> None:
    first, second = DIFFERENT[name]

    assert dedupe_key(first) != dedupe_key(second)


def test_a_key_has_32_bytes() -> None:
    assert len(dedupe_key(row())) == len(gold_key(row())) == 32


def test_golds_are_compared_as_json_values() -> None:
    assert gold_key(row(gold={"a": 1, "b": 2})) == gold_key(row(gold={"b": 2, "a": 1}))
    assert len({gold_key(row(gold=gold)) for gold in ("1", 1, 1.0, True, None, "1.0", ["1"])}) == 7
