"""When two rows ask the same thing: the key of a prompt, and the key of a gold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from reward_kit.jsonl import canonical_json
from reward_kit.models import Row, text_of


def dedupe_key(row: Row) -> bytes:
    """32 bytes that two rows share where they put the same question with the same tools.

    SHA-256 of the canonical JSON of the prompt's messages and of the tool definitions. The reference turn, the gold
    and the other columns have no part in it. Ways to write the same message are one: a field that is null and a
    field that is not there, text and a list of text parts, and whatever ids tie a tool's output to its call.
    """
    ids: dict[str, str] = {}
    prompt = [_message(message, ids) for message in row.prompt]
    return _digest([prompt, row.columns.get("tools") or []])


def gold_key(row: Row) -> bytes:
    """32 bytes that two rows share where their ground truths are the same JSON value."""
    return _digest(row.ground_truth)


def _digest(value: Any) -> bytes:
    return hashlib.sha256(canonical_json(value).encode()).digest()


def _message(message: Mapping[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    written = {name: value for name, value in message.items() if value is not None}
    content = written.get("content")
    if isinstance(content, list) and all(
        isinstance(part, dict) and part.keys() == {"type", "text"} for part in content
    ):
        written["content"] = text_of(content)
    if isinstance(call_id := written.get("tool_call_id"), str):
        written["tool_call_id"] = _numbered(call_id, ids)
    if isinstance(calls := written.get("tool_calls"), list):
        written["tool_calls"] = [_call(call, ids) for call in calls]
    return written


def _call(call: Any, ids: dict[str, str]) -> Any:
    if isinstance(call, Mapping) and isinstance(call.get("id"), str):
        return {**call, "id": _numbered(call["id"], ids)}
    return call


def _numbered(call_id: str, ids: dict[str, str]) -> str:
    """The id as its place in the conversation: servers draw ids at random."""
    return ids.setdefault(call_id, f"call-{len(ids)}")
