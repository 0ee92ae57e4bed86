"""Layout openai-chat: production logs become rows to be labelled, and what is no whole exchange is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reward_kit.dataset import read_dataset, write_dataset
from reward_kit.errors import DatasetError, PrepareError
from reward_kit.models import Row
from reward_kit.prepare.base import Reason, RejectedError
from reward_kit.prepare.layouts.chat import OpenAIChat

ASKED = {"role": "user", "content": "Which trains leave Bern after 9?"}
ANSWERED = {"role": "assistant", "content": "The 9:04 and the 9:31."}
ARGUMENTS = '{"from":  "Bern", "after": 9.0, "via": "Z\\u00fcrich"}'
CALL = {"id": "call_a1", "type": "function", "function": {"name": "trains", "arguments": ARGUMENTS}}
TOOLS = [{"type": "function", "function": {"name": "trains", "parameters": {"type": "object"}}}]
REQUEST = {"model": "small-1", "messages": [ASKED]}


def completion(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    choices = [{"index": n, "message": m, "finish_reason": "stop"} for n, m in enumerate(messages or (ANSWERED,))]
    return {"id": "chatcmpl-7", "object": "chat.completion", "model": "small-1-0301", "choices": choices, **fields}


def row_of(record: dict[str, Any]) -> Row:
    return OpenAIChat({}).prepare(record, "openai-chat-00000", 3).row


def refused(record: dict[str, Any]) -> tuple[Reason, str]:
    with pytest.raises(RejectedError) as caught:
        row_of(record)
    return caught.value.finding.reason, caught.value.finding.message


def test_an_exchange_becomes_a_row_without_a_ground_truth() -> None:
    prepared = OpenAIChat({}).prepare({"request": REQUEST, "response": completion()}, "openai-chat-00000", 3)

    assert prepared.raw_gold is None
    assert prepared.row == Row(
        "openai-chat-00000",
        (ASKED, ANSWERED),
        None,
        {"model": "small-1-0301", "finish_reason": "stop", "log_id": "chatcmpl-7"},
        3,
    )


SHAPES: dict[str, dict[str, Any]] = {
    "request and response": {"request": REQUEST, "response": completion()},
    "both as JSON text": {"request": json.dumps(REQUEST), "response": json.dumps(completion())},
    "both as HTTP messages": {
        "request": {"method": "POST", "url": "/v1/chat/completions", "body": REQUEST},
        "response": {"status_code": 200, "body": json.dumps(completion())},
    },
    "an answer's text": {"request": REQUEST, "response": ANSWERED["content"]},
    "an answer's message": {"request": REQUEST, "response": ANSWERED},
    "LiteLLM": {"id": "x", "status": "success", "messages": [ASKED], "response": completion(), "error_str": None},
    "batch output joined with its input": {
        "custom_id": "request-1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": REQUEST,
        "response": {"status_code": 200, "request_id": "r", "body": completion()},
        "error": None,
    },
    "stored completion": {
        **completion({**ANSWERED, "refusal": None, "tool_calls": None}),
        "messages": [{"id": "chatcmpl-7-0", "role": "user", "content": ASKED["content"], "content_parts": None}],
    },
    "fine-tuning": {"messages": [ASKED, ANSWERED]},
    "answer in both": {"messages": [ASKED, ANSWERED], "response": completion()},
    "prompt and completion": {"prompt": ASKED["content"], "completion": ANSWERED["content"]},
    "legacy completion": {
        "request": {"prompt": [ASKED["content"]]},
        "response": {"object": "text_completion", "choices": [{"text": ANSWERED["content"], "index": 0}]},
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_the_same_exchange_gives_the_same_messages(shape: str) -> None:
    assert row_of(SHAPES[shape]).messages == (ASKED, ANSWERED)


def test_tool_calls_and_tools_are_kept_to_the_letter() -> None:
    called = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    told = {"role": "tool", "tool_call_id": "call_a1", "content": "[]"}
    request = {"messages": [ASKED, called, told], "tools": TOOLS, "tool_choice": "auto"}

    row = row_of({"request": request, "response": completion(called)})

    assert row.messages == (ASKED, called, told, called)
    assert row.reference is not None
    assert row.reference["tool_calls"][0]["function"]["arguments"] == ARGUMENTS
    assert (row.columns["tools"], row.columns["tool_choice"]) == (TOOLS, "auto")


@pytest.mark.parametrize(
    "request_fields",
    [{"functions": [TOOLS[0]["function"]]}, {"model_parameters": {"tools": TOOLS}}],
    ids=["functions", "LiteLLM"],
)
def test_tools_are_found_where_logs_keep_them(request_fields: dict[str, Any]) -> None:
    record = {"messages": [ASKED], "response": completion(), **request_fields}

    assert row_of(record).columns["tools"] == TOOLS


def test_further_choices_share_the_row_of_the_first() -> None:
    second = {"role": "assistant", "content": "None."}

    row = row_of({"request": REQUEST, "response": completion(ANSWERED, second)})

    assert row.reference == ANSWERED
    assert row.columns["other_choices"] == [{"message": second, "finish_reason": "stop"}]


def test_feedback_is_kept_and_a_correction_is_no_ground_truth() -> None:
    record = {"request": REQUEST, "response": completion(), "rating": 1, "feedback": {"correction": "9:31 only"}}

    row = row_of(record)

    assert row.columns["feedback"] == {"feedback": {"correction": "9:31 only"}, "rating": 1}
    assert row.ground_truth is None


def test_the_reader_of_a_dataset_says_that_the_row_is_to_be_labelled(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    write_dataset(path, [row_of(SHAPES["fine-tuning"])])

    with pytest.raises(
        DatasetError, match=r"dataset\.jsonl:1: .*has not been labelled\. Fill it in, or remove the row"
    ):
        read_dataset(path)


def with_choice(**choice: Any) -> dict[str, Any]:
    return {"request": REQUEST, "response": {"choices": [choice]}}


CHUNK = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "The"}}]}
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "chunk": ({"request": REQUEST, "response": CHUNK}, "join the deltas"),
    "delta without object": (with_choice(delta={"content": "The"}), "join the deltas"),
    "list of chunks": ({"request": REQUEST, "response": [CHUNK, CHUNK]}, "join the deltas"),
    "event stream": ({"request": REQUEST, "response": f"data: {json.dumps(CHUNK)}\n\ndata: [DONE]"}, "join the deltas"),
    "batch output alone": (
        {"custom_id": "request-1", "response": {"status_code": 200, "body": completion()}},
        "join a batch's output with its input file",
    ),
    "Responses API": ({"request": {"input": "Hi"}, "response": {"output": []}}, "Convert it to chat messages"),
    "Responses API's answer": ({"request": REQUEST, "response": {"output": []}}, "without choices"),
    "tokens as prompt": ({"prompt": [1, 2], "completion": "x"}, "not tokens or a batch"),
    "unknown role": ({"messages": [{"role": "bot", "content": "x"}, ANSWERED]}, "'bot'"),
    "no object": ({"request": {"messages": ["Hi"]}, "response": completion()}, "messages[0] is not an object"),
    "request as prose": ({"request": "Which trains?", "response": completion()}, "is text and not JSON"),
    "answer of another role": (with_choice(message=ASKED), "role 'user'"),
    "choice without message": (with_choice(index=0), "choice without message"),
    "only an answer": ({"messages": [ANSWERED]}, "an answer and no prompt"),
    "prefilled turn": ({"messages": [ASKED, ANSWERED], "response": "And 10:04."}, "Join the two parts"),
    "tools that are no list": ({"messages": [ASKED, ANSWERED], "tools": {"a": 1}}, "tools that are not a list"),
    "no record of a chat": ({"level": "info", "msg": "started"}, "has no messages"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_whole_exchange_is_a_schema_violation_with_a_remedy(name: str) -> None:
    record, words = BROKEN[name]

    reason, message = refused(record)

    assert reason is Reason.SCHEMA_VIOLATION
    assert words in message


UNANSWERED: dict[str, tuple[dict[str, Any], str]] = {
    "status": ({"request": REQUEST, "response": {"status_code": 429, "body": completion()}}, "status_code 429"),
    "status as text": ({"request": REQUEST, "response": completion(), "status": "503"}, "status 503"),
    "failure": ({"messages": [ASKED], "response": completion(), "status": "failure"}, "status failure"),
    "error body": ({"request": REQUEST, "response": {"error": {"code": "rate_limit"}}}, "an error (rate_limit)"),
    "error as JSON text": ({"request": REQUEST, "response": '{"error": {"type": "overloaded"}}'}, "(overloaded)"),
    "batch error": ({"body": REQUEST, "response": None, "error": {"code": "batch_expired"}}, "(batch_expired)"),
    "null response": ({"request": REQUEST, "response": None}, "response null"),
    "no choices": ({"request": REQUEST, "response": completion() | {"choices": []}}, "choices are empty"),
    "null": (with_choice(message={"role": "assistant", "content": None}, finish_reason="length"), "length"),
    "blank": ({"messages": [ASKED, {"role": "assistant", "content": " \n"}]}, "is empty"),
    "no parts": (with_choice(message={"role": "assistant", "content": []}), "is empty"),
    "refusal": (with_choice(message={"role": "assistant", "content": None, "refusal": "No."}), "refusal"),
    "no answer logged": ({"messages": [ASKED]}, "do not end in an assistant turn"),
}


@pytest.mark.parametrize("name", UNANSWERED)
def test_an_exchange_that_failed_or_has_no_answer_is_no_row(name: str) -> None:
    record, words = UNANSWERED[name]

    reason, message = refused(record)

    assert reason is Reason.SOLUTION_HAS_NO_FINAL
    assert words in message


def test_a_rejection_does_not_repeat_what_a_server_said_of_a_key() -> None:
    said = "Incorrect API key provided: " + "sk-" + "q7" * 20

    for error in (said, {"message": said, "code": said}):
        assert "q7" not in refused({"request": REQUEST, "response": {"error": error}})[1]


def test_an_answer_in_json_is_an_answer() -> None:
    answer = '{"trains": ["9:04"], "error": null}'

    assert row_of({"request": REQUEST, "response": answer}).messages[-1]["content"] == answer


def test_the_record_is_not_changed() -> None:
    record = {"request": REQUEST, "response": completion({**ANSWERED, "refusal": None})}
    before = json.dumps(record)

    row_of(record)

    assert json.dumps(record) == before


def test_a_column_mapping_is_refused() -> None:
    with pytest.raises(PrepareError, match="own columns"):
        OpenAIChat({"query": "q"})
