"""The stand-in for Fireworks, as a client sees it: its paths and shapes, its refusals, and its faults."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from reward_kit.dataset import read_dataset
from reward_kit.errors import DatasetError, DeadlineError, RewardKitError, RewardShapeError
from reward_kit.fireworks.shapes import Evaluator, PreviewResult
from reward_kit.standin import Answers, Fault, Kind, StandIn, Upstream
from reward_kit.standin.faults import FaultError, Faults
from reward_kit.standin.tokens import count_tokens, cut

MODEL = "accounts/fireworks/models/qwen3-30b-a3b"
CHAT = "/inference/v1/chat/completions"
EVALUATORS = "/v1/accounts/home/evaluators"
PREVIEW = f"{EVALUATORS}:previewEvaluator"
LONG = "<think>\nSix times four is twenty-four.\n</think>\n\nIt is $\\boxed{24}$."
ROWS = [
    {"id": "sum", "messages": [{"role": "user", "content": "2 + 2?"}], "ground_truth": "4"},
    {"id": "product", "messages": [{"role": "user", "content": "6 * 4?"}], "ground_truth": "24"},
    {"id": "weather", "messages": [{"role": "user", "content": "Rain in Oslo?"}], "ground_truth": "yes"},
    {"id": "thought", "messages": [{"role": "user", "content": "7 - 3?"}], "ground_truth": "4"},
    {"id": "silent", "messages": [{"role": "user", "content": "0 / 0?"}], "ground_truth": "nothing"},
]
ANSWERS = [
    {"id": "sum", "answers": [{"content": "\\boxed{4}"}, {"content": "\\boxed{5}"}]},
    {"id": "product", "answers": [{"content": LONG}]},
    {
        "id": "weather",
        "answers": [{"tool_calls": [{"function": {"name": "forecast", "arguments": '{"city": "Oslo"}'}}]}],
    },
    {
        "id": "thought",
        "answers": [
            {"content": "\\boxed{4}", "reasoning_content": "Seven less three.", "usage": {"completion_tokens": 40}}
        ],
    },
]


def write(path: Path, values: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers.load(write(tmp_path / "answers.jsonl", ANSWERS), write(tmp_path / "dataset.jsonl", ROWS))


@pytest.fixture
def standin(answers: Answers) -> Iterator[StandIn]:
    with StandIn(answers, preview=length_of_last) as server:
        yield server


@pytest.fixture
def client(standin: StandIn) -> Iterator[httpx.Client]:
    with client_of(standin) as client:
        yield client


def client_of(standin: StandIn, key: str = "any") -> httpx.Client:
    return httpx.Client(base_url=standin.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False)


def asking(content: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], "max_tokens": 4000} | more


def length_of_last(
    evaluator: Evaluator, samples: Sequence[Mapping[str, Any]], deadline_s: float
) -> list[PreviewResult]:
    """Stands for a run of the evaluator: a long last message is right."""
    lengths = [len(sample["messages"][-1]["content"]) for sample in samples]
    return [PreviewResult(n > 3, float(n > 3), {"length": {"score": n}}, f"{n} characters") for n in lengths]


def posted(*texts: str, **more: Any) -> dict[str, Any]:
    snippets = {"language": "python", "fileContents": {"main.py": "def evaluate(messages, **kwargs): ..."}}
    criterion = {"type": "CODE_SNIPPETS", "name": "math", "description": "", "codeSnippets": snippets}
    evaluator = {"displayName": "math", "multiMetrics": True, "criteria": [criterion], "requirements": "sympy==1.13\n"}
    samples = [json.dumps({"messages": [{"role": "user", "content": text}], "ground_truth": ""}) for text in texts]
    return {"evaluator": evaluator, "sampleData": samples} | more


# Chat


def test_an_authored_answer_comes_in_fireworks_shape(client: httpx.Client) -> None:
    response = client.post(CHAT, json=asking("6 * 4?"))
    body = response.json()

    assert response.status_code == 200
    assert response.headers["x-rewardkit-standin"] == "1"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["fireworks-prompt-tokens"] == str(body["usage"]["prompt_tokens"])
    assert (body["object"], body["model"], body["id"][:9]) == ("chat.completion", MODEL, "chatcmpl-")
    message = {"role": "assistant", "content": LONG}
    assert body["choices"] == [{"index": 0, "message": message, "finish_reason": "stop"}]
    usage = body["usage"]
    assert usage["completion_tokens"] == count_tokens(LONG)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0}


def test_every_response_has_an_id_of_its_own(client: httpx.Client) -> None:
    ids = {client.get(path).headers["x-request-id"] for path in ("/inference/v1/models", EVALUATORS, "/nothing")}

    assert len(ids) == 3


def test_a_system_prompt_in_front_does_not_hide_the_row(client: httpx.Client) -> None:
    request = asking("2 + 2?")
    request["messages"].insert(0, {"role": "system", "content": "Put the answer in a box."})

    assert client.post(CHAT, json=request).json()["choices"][0]["message"]["content"] == "\\boxed{4}"


def test_a_conversation_that_only_ends_in_the_prompt_is_another_prompt(client: httpx.Client) -> None:
    request = asking("2 + 2?")
    request["messages"].insert(0, {"role": "user", "content": "Before that:"})

    assert client.post(CHAT, json=request).status_code == 422


def test_the_row_with_its_own_system_prompt_comes_first(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be rude."}
    rows = [ROWS[0], {"id": "rude", "messages": [system, *ROWS[0]["messages"]], "ground_truth": "4"}]  # type: ignore[misc]
    given = [{"id": row["id"], "answers": [{"content": row["id"]}]} for row in rows]
    loaded = Answers.load(write(tmp_path / "a", given), write(tmp_path / "d", rows))

    assert [found[0].content for found in map(loaded.find, (rows[1]["messages"], rows[0]["messages"])) if found] == [
        "rude",
        "sum",
    ]


def test_the_nth_identical_request_gets_the_nth_answer_and_then_the_last(client: httpx.Client) -> None:
    told = [client.post(CHAT, json=asking("2 + 2?")).json()["choices"][0]["message"]["content"] for _ in range(3)]
    other = client.post(CHAT, json=asking("2 + 2?", temperature=0.5)).json()["choices"][0]["message"]["content"]

    assert (told, other) == (["\\boxed{4}", "\\boxed{5}", "\\boxed{5}"], "\\boxed{4}")


def test_n_choices_are_the_next_n_answers(client: httpx.Client) -> None:
    choices = client.post(CHAT, json=asking("2 + 2?", n=2)).json()["choices"]

    assert [(c["index"], c["message"]["content"]) for c in choices] == [(0, "\\boxed{4}"), (1, "\\boxed{5}")]


def test_tool_calls_have_ids_and_their_finish_reason(client: httpx.Client) -> None:
    (choice,) = client.post(CHAT, json=asking("Rain in Oslo?")).json()["choices"]
    (call,) = choice["message"]["tool_calls"]

    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    assert call.pop("id").startswith("call_")
    function = {"name": "forecast", "arguments": '{"city": "Oslo"}'}
    assert call == {"type": "function", "index": 0, "function": function}


def test_reasoning_stands_beside_the_content_and_authored_usage_is_kept(client: httpx.Client) -> None:
    body = client.post(CHAT, json=asking("7 - 3?")).json()

    assert body["choices"][0]["message"]["reasoning_content"] == "Seven less three."
    assert body["usage"]["completion_tokens"] == 40


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_an_answer_longer_than_max_tokens_is_cut(client: httpx.Client, limit: str) -> None:
    request = asking("6 * 4?")
    del request["max_tokens"]
    body = client.post(CHAT, json=request | {limit: 10}).json()
    (choice,) = body["choices"]

    assert (choice["finish_reason"], body["usage"]["completion_tokens"]) == ("length", 10)
    assert LONG.startswith(choice["message"]["content"])
    assert count_tokens(choice["message"]["content"]) == 10


def test_reasoning_is_written_first_and_cut_first(client: httpx.Client) -> None:
    body = client.post(CHAT, json=asking("7 - 3?", max_tokens=20)).json()  # of 40 authored: half of the text
    message = body["choices"][0]["message"]

    assert body["choices"][0]["finish_reason"] == "length"
    assert (message["content"], body["usage"]["completion_tokens"]) == ("", 20)
    assert "Seven less three.".startswith(message["reasoning_content"])


def test_a_call_is_cut_in_its_arguments(client: httpx.Client) -> None:
    (choice,) = client.post(CHAT, json=asking("Rain in Oslo?", max_tokens=4)).json()["choices"]

    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"'


def test_a_prompt_without_an_answer_is_refused(client: httpx.Client, answers: Answers) -> None:
    for content in ("0 / 0?", "Never heard of"):
        response = client.post(CHAT, json=asking(content))
        assert response.status_code == 422
        assert response.json()["error"]["code"] == "NO_AUTHORED_ANSWER"
    assert answers.missing == ("silent",)


def test_without_answers_every_prompt_is_refused() -> None:
    with StandIn() as standin, client_of(standin) as client:
        assert client.post(CHAT, json=asking("2 + 2?")).status_code == 422


def test_an_unknown_model_is_not_found_and_known_ones_are_listed(answers: Answers) -> None:
    with StandIn(answers, models=[MODEL]) as standin, client_of(standin) as client:
        error = client.post(CHAT, json=asking("2 + 2?", model="gone"))
        assert error.status_code == 404
        assert error.json()["error"] == {
            "object": "error",
            "type": "invalid_request_error",
            "code": "NOT_FOUND",
            "param": "model",
            "message": "Model not found, inaccessible, and/or not deployed",
        }
        assert client.post(CHAT, json=asking("2 + 2?")).status_code == 200
        listed = client.get("/inference/v1/models").json()
        assert (listed["object"], [model["id"] for model in listed["data"]]) == ("list", [MODEL])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"model": NaN}', "not JSON"),
        (json.dumps(asking("?", model="")).encode(), "model"),
        (json.dumps(asking("?", messages=[])).encode(), "messages"),
        (json.dumps(asking("?", messages=[{"role": "oracle", "content": ""}])).encode(), "oracle"),
        (json.dumps(asking("?", max_tokens=0)).encode(), "max_tokens"),
        (json.dumps(asking("?", max_tokens=True)).encode(), "max_tokens"),
        (json.dumps(asking("?", n=0)).encode(), "n must"),
        (json.dumps(asking("?", temperature=3)).encode(), "temperature"),
        (json.dumps(asking("?", stream=True)).encode(), "stream"),
    ],
)
def test_a_malformed_chat_request_is_refused(client: httpx.Client, body: bytes, said: str) -> None:
    response = client.post(CHAT, content=body)

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert said in response.json()["error"]["message"]


@pytest.mark.parametrize("text", ["", " ", "a", "\\boxed{24}", "Zwölf Äpfel\n\n kosten 1,250.5 €  ", "日本語"])
def test_cutting_at_all_tokens_keeps_the_text(text: str) -> None:
    assert cut(text, count_tokens(text)) == text
    assert cut(text, 0) == ""


# The answers file


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([ANSWERS[0], ANSWERS[0]], "answers.jsonl:2: the id 'sum' is the id of line 1 too"),
        ([ANSWERS[0], {"id": "difference", "answers": [{"content": ""}]}], "answers.jsonl:2: the id 'difference' is"),
        ([{"id": "sum", "answers": []}], "answers.jsonl:1: answers: list should have at least 1 item"),
        ([{"id": "sum", "answers": [{}]}], "answers.jsonl:1: answers.0: an answer has content"),
        ([{"id": "sum", "answers": [{"content": 4}]}], "answers.jsonl:1: answers.0.content: input should be"),
        ([{"id": "sum", "answers": [{"content": "4", "finish": "stop"}]}], "answers.jsonl:1: answers.0.finish: extra"),
        ([{"id": "sum", "answers": [{"content": "4", "finish_reason": "done"}]}], "answers.jsonl:1: answers.0.finish"),
    ],
)
def test_defects_of_the_answers_file_are_named_with_their_line(
    tmp_path: Path, lines: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(DatasetError) as raised:
        Answers.load(write(tmp_path / "answers.jsonl", lines), write(tmp_path / "dataset.jsonl", ROWS))

    assert said in str(raised.value)


def test_two_rows_with_one_prompt_cannot_both_have_answers(tmp_path: Path) -> None:
    twin = ROWS[0] | {"id": "twin"}
    lines = [ANSWERS[0], {"id": "twin", "answers": [{"content": "\\boxed{6}"}]}]
    with pytest.raises(DatasetError, match="the row 'twin' has the same prompt as 'sum'"):
        Answers.load(write(tmp_path / "answers.jsonl", lines), write(tmp_path / "dataset.jsonl", [*ROWS, twin]))


# Keys, paths and limits


def test_without_a_key_of_its_own_it_asks_for_none(standin: StandIn, client: httpx.Client) -> None:
    assert client.get("/inference/v1/models").status_code == 200
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Basic abc"}):
        response = httpx.get(f"{standin.url}/inference/v1/models", headers=headers, trust_env=False)
        assert response.status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic fw_right", "fw_right"])
def test_where_there_is_a_key_nothing_else_will_do(answers: Answers, authorization: str) -> None:
    with StandIn(answers, key="fw_right", preview=length_of_last) as standin:
        headers = {"Authorization": authorization} if authorization else {}
        response = httpx.get(f"{standin.url}/inference/v1/models", headers=headers, trust_env=False)
        assert response.status_code == 401


def test_only_the_given_key_is_let_in(answers: Answers) -> None:
    with StandIn(answers, key="fw_right", preview=length_of_last) as standin:
        with client_of(standin, "fw_wrong") as client:
            inference, evaluators = client.post(CHAT, json=asking("2 + 2?")), client.post(PREVIEW, json=posted("a"))
            assert (inference.status_code, evaluators.status_code) == (401, 401)
            assert "Unauthorized" in inference.json()["error"]["message"]
            assert evaluators.json()["code"] == 16
            assert client.post(CHAT, json=asking("2 + 2?")).status_code == 401  # the connection still works
        with client_of(standin, "fw_right") as client:
            assert client.post(CHAT, json=asking("2 + 2?")).status_code == 200


def test_unknown_paths_and_methods(client: httpx.Client) -> None:
    assert client.get("/inference/v1/nothing").json()["error"]["code"] == "NOT_FOUND"
    assert client.get("/v1/accounts/home/nothing").json()["code"] == 5
    wrong = client.get(CHAT)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert client.put(f"{EVALUATORS}/x", json={}).headers["allow"] == "GET, PATCH, DELETE"
    unknown = client.request("BREW", CHAT)
    assert (unknown.status_code, unknown.headers["x-rewardkit-standin"]) == (501, "1")


def test_a_page_that_reaches_loopback_under_its_own_name_is_refused(client: httpx.Client) -> None:
    assert client.get("/inference/v1/models", headers={"Host": "evil.example:8600"}).status_code == 421
    assert client.get("/inference/v1/models", headers={"Host": "localhost:8600"}).status_code == 200
    assert client.get("/inference/v1/models", headers={"Host": "[::1]:8600"}).status_code == 200


def test_a_body_over_the_limit_is_refused_unread(standin: StandIn) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Length: {65 << 20}\r\n\r\n"
    assert raw(standin, head.encode() + b"x" * 1000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("header", "status"),
    [("Transfer-Encoding: chunked", 411), ("Content-Length: -1", 400), ("Content-Length: many", 400)],
)
def test_a_body_of_unclear_length_is_refused(standin: StandIn, header: str, status: int) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n{header}\r\n\r\n"
    assert raw(standin, head.encode()).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("line", ["garbage", "GET / HTTP/9.9", "GET /" + "x" * 70000 + " HTTP/1.1"])
def test_what_is_no_http_gets_an_error_in_our_form(standin: StandIn, line: str) -> None:
    response = raw(standin, f"{line}\r\n\r\n".encode())

    assert b"x-rewardkit-standin: 1" in response
    assert b'{"error": ' in response


def raw(standin: StandIn, content: bytes) -> bytes:
    """What comes back for these bytes until the connection ends."""
    parts = []
    with socket.create_connection(("127.0.0.1", int(standin.url.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def test_the_log_has_neither_keys_nor_bodies(answers: Answers) -> None:
    lines: list[str] = []
    with StandIn(answers, key="fw_SECRET", log=lines.append) as standin, client_of(standin, "fw_SECRET") as client:
        client.post(f"{CHAT}?api_key=fw_SECRET", json=asking("2 + 2?", user="fw_SECRET"))
        client.get("/fw_SECRET")
        client.post("/v1/accounts/fw_SECRET/evaluators", content=b"fw_SECRET")
        client.request("FW_SECRET", "/")
    text = "\n".join(lines)

    assert [line.split()[:3] for line in lines[:3]] == [
        ["POST", CHAT, "200"],
        ["GET", "(unknown", "path)"],
        ["POST", "/v1/accounts/{account}/evaluators", "400"],
    ]
    assert "fw_secret" not in text.lower()
    assert "2 + 2" not in text


# Evaluators


def test_a_preview_runs_the_posted_evaluator_on_the_samples(answers: Answers) -> None:
    seen: list[tuple[Evaluator, float]] = []

    def run(evaluator: Evaluator, samples: Sequence[Mapping[str, Any]], deadline_s: float) -> list[PreviewResult]:
        seen.append((evaluator, deadline_s))
        return length_of_last(evaluator, samples, deadline_s)

    with StandIn(preview=run, deadline_s=7.0) as standin, client_of(standin) as client:
        body = client.post(PREVIEW, json=posted("four", "two")).json()
    ((evaluator, deadline),) = seen

    assert (evaluator.name, evaluator.requirements, list(evaluator.files)) == ("math", ("sympy==1.13",), ["main.py"])
    assert deadline == 7.0
    assert (body["totalSamples"], body["totalRuntimeMs"].isdigit()) == (2, True)
    assert [(result["success"], result["score"]) for result in body["results"]] == [(True, 1.0), (False, 0.0)]
    assert body["results"][0]["perMetricEvals"] == {
        "math": {"success": True, "score": 1.0, "reason": "4 characters", "metrics": {"length": {"score": 4}}}
    }


def test_a_preview_takes_no_more_than_max_samples(client: httpx.Client) -> None:
    assert client.post(PREVIEW, json=posted("a", "b", "c", maxSamples=2)).json()["totalSamples"] == 2
    assert client.post(PREVIEW, json=posted(*"abcdefghijkl")).json()["totalSamples"] == 10  # the documented default


def test_with_two_criteria_both_must_be_met(standin: StandIn) -> None:
    def run(evaluator: Evaluator, samples: Sequence[Mapping[str, Any]], deadline_s: float) -> list[PreviewResult]:
        right = evaluator.name == "math"
        return [PreviewResult(right, float(right)) for _ in samples]

    request = posted("a")
    request["evaluator"]["criteria"].append(request["evaluator"]["criteria"][0] | {"name": "format"})
    with StandIn(preview=run) as standin, client_of(standin) as client:
        (result,) = client.post(PREVIEW, json=request).json()["results"]

    assert (result["success"], result["score"], sorted(result["perMetricEvals"])) == (False, 0.5, ["format", "math"])


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (DeadlineError("took too long"), 504, 4),
        (RewardShapeError("main.py cannot be imported"), 400, 9),
        (ZeroDivisionError("division by zero"), 500, 13),
    ],
)
def test_an_evaluator_that_cannot_be_run_is_an_error_and_no_result(raised: Exception, status: int, code: int) -> None:
    def run(evaluator: Evaluator, samples: Sequence[Mapping[str, Any]], deadline_s: float) -> list[PreviewResult]:
        raise raised

    with StandIn(preview=run) as standin, client_of(standin) as client:
        response = client.post(PREVIEW, json=posted("a"))

    assert (response.status_code, response.json()["code"], response.json()["details"]) == (status, code, [])
    assert str(raised) in response.json()["message"]


def test_too_few_results_of_a_run_are_an_error_too() -> None:
    def run(evaluator: Evaluator, samples: Sequence[Mapping[str, Any]], deadline_s: float) -> list[PreviewResult]:
        return length_of_last(evaluator, samples, deadline_s)[1:]

    with StandIn(preview=run) as standin, client_of(standin) as client:
        response = client.post(PREVIEW, json=posted("a", "b"))

    assert (response.status_code, response.json()["message"]) == (500, "math: 2 samples gave 1 results")


def without(request: dict[str, Any], *path: Any) -> dict[str, Any]:
    value: Any = request
    for key in path[:-1]:
        value = value[key]
    del value[path[-1]]
    return request


@pytest.mark.parametrize(
    ("request_body", "said"),
    [
        ([], "not a JSON object"),
        (without(posted("a"), "evaluator"), "evaluator:"),
        (without(posted("a"), "evaluator", "criteria"), "evaluator.criteria"),
        (without(posted("a"), "evaluator", "criteria", 0, "type"), "CODE_SNIPPETS"),
        (without(posted("a"), "evaluator", "criteria", 0, "name"), ".name"),
        (without(posted("a"), "evaluator", "criteria", 0, "codeSnippets", "language"), "language python"),
        (without(posted("a"), "evaluator", "criteria", 0, "codeSnippets", "fileContents"), "fileContents"),
        (without(posted("a"), "evaluator", "criteria", 0, "codeSnippets", "fileContents", "main.py"), "main.py is"),
        (posted(), "sampleData"),
        (posted("a", sampleData=[{}]), "sampleData[0]"),
        (posted("a", sampleData=["{"]), "sampleData[0] is not JSON"),
        (posted("a", sampleData=["{}"]), "sampleData[0]"),
        (posted("a", maxSamples=0), "maxSamples"),
        (posted("a", maxSamples="5"), "maxSamples"),
    ],
)
def test_a_malformed_preview_is_refused(client: httpx.Client, request_body: Any, said: str) -> None:
    response = client.post(PREVIEW, json=request_body)

    assert (response.status_code, response.json()["code"]) == (400, 3)
    assert said in response.json()["message"]


def test_a_posted_evaluator_runs_in_an_interpreter_of_its_own() -> None:
    pytest.importorskip("reward_kit.packaging")
    request = posted("right", "no")
    request["evaluator"]["requirements"] = ""
    request["evaluator"]["criteria"][0]["codeSnippets"]["fileContents"]["main.py"] = (
        "def evaluate(messages, ground_truth=None, tools=None, **kwargs):\n"
        "    right = messages[-1]['content'] == 'right'\n"
        "    return {'score': float(right), 'reason': 'compared', 'metrics': {}, 'is_score_valid': True}\n"
    )
    with StandIn() as standin, client_of(standin) as client:
        response = client.post(PREVIEW, json=request, timeout=60)

    assert response.status_code == 200, response.text
    assert [result["score"] for result in response.json()["results"]] == [1.0, 0.0]


def test_an_evaluator_is_created_changed_listed_and_deleted(client: httpx.Client) -> None:
    new = {"evaluator": posted("a")["evaluator"], "evaluatorId": "math"}
    created = client.post(EVALUATORS, json=new)
    assert created.status_code == 200
    assert created.json()["name"] == "accounts/home/evaluators/math"
    assert client.post(EVALUATORS, json=new).json()["code"] == 6

    changed = client.patch(f"{EVALUATORS}/math", json={"description": "New", "name": "stolen"}).json()
    assert (changed["description"], changed["name"]) == ("New", "accounts/home/evaluators/math")
    assert client.get(f"{EVALUATORS}/math").json() == changed
    assert client.get(EVALUATORS).json() == {"evaluators": [changed], "nextPageToken": "", "totalSize": 1}
    assert client.get("/v1/accounts/other/evaluators").json()["totalSize"] == 0

    assert client.delete(f"{EVALUATORS}/math").json() == {}
    for method in ("GET", "PATCH", "DELETE"):
        gone = client.request(method, f"{EVALUATORS}/math", json={})
        assert (gone.status_code, gone.json()["code"]) == (404, 5)


@pytest.mark.parametrize("evaluator_id", [None, "", "Math", "a/b", "-a", "a" * 64])
def test_an_evaluator_needs_a_proper_id(client: httpx.Client, evaluator_id: str | None) -> None:
    request = {"evaluator": posted("a")["evaluator"], "evaluatorId": evaluator_id}

    assert client.post(EVALUATORS, json=request).json()["code"] == 3


# An upstream


def test_a_proxied_answer_is_the_upstreams_and_says_so(answers: Answers) -> None:
    with StandIn(answers, key="fw_up", models=["small"]) as model:
        upstream = Upstream(f"{model.url}/inference/v1/", "fw_up", "small")
        with StandIn(upstream=upstream) as standin, client_of(standin, "fw_mine") as client:
            response = client.post(CHAT, json=asking("2 + 2?"))
            assert response.headers["x-rewardkit-standin"] == "proxy"
            assert (response.json()["model"], response.status_code) == ("small", 200)
            assert response.json()["choices"][0]["message"]["content"] == "\\boxed{4}"

            listed = client.get("/inference/v1/models")
            assert (listed.headers["x-rewardkit-standin"], listed.json()["data"][0]["id"]) == ("proxy", "small")
            assert client.post(CHAT, json=asking("Never heard of")).status_code == 422

            model.inject(Fault(Kind.RETRY_AFTER, next=1, value=7))
            busy = client.post(CHAT, json=asking("2 + 2?"))
            assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")

            own = client.post(CHAT, content=b"{")
            assert (own.status_code, own.headers["x-rewardkit-standin"]) == (400, "1")


def test_the_clients_own_key_does_not_reach_the_upstream(answers: Answers) -> None:
    with StandIn(answers, key="fw_mine") as model:
        upstream = Upstream(f"{model.url}/inference/v1")
        with StandIn(upstream=upstream) as standin, client_of(standin, "fw_mine") as client:
            assert client.post(CHAT, json=asking("2 + 2?")).status_code == 401


def test_an_upstream_that_is_not_there_is_a_bad_gateway() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        upstream = Upstream(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        with StandIn(upstream=upstream) as standin, client_of(standin) as client:
            response = client.post(CHAT, json=asking("2 + 2?"))

    assert (response.status_code, response.headers["x-rewardkit-standin"]) == (502, "1")
    assert response.json()["error"]["message"] == "the upstream did not answer (ConnectError)"


# Faults


def test_errors_on_purpose_come_in_each_apis_form(standin: StandIn, client: httpx.Client) -> None:
    for kind, status, code in (("429", 429, 8), ("500", 500, 13), ("503", 503, 14)):
        standin.inject(Fault(Kind(kind), next=2))
        chat, preview = client.post(CHAT, json=asking("2 + 2?")), client.post(PREVIEW, json=posted("a"))
        assert (chat.status_code, preview.status_code) == (status, status)
        assert "retry-after" not in chat.headers
        assert chat.json()["error"]["object"] == "error"
        assert preview.json()["code"] == code
        assert client.post(CHAT, json=asking("6 * 4?")).status_code == 200


def test_retry_after_is_sent_where_asked_for(standin: StandIn, client: httpx.Client) -> None:
    standin.inject(Fault(Kind.RETRY_AFTER, next=1, value=3))
    response = client.post(CHAT, json=asking("2 + 2?"))

    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    assert "x-ratelimit-limit-tokens-generated" in response.headers


@pytest.mark.parametrize("kind", [Kind.LATENCY, Kind.SLOW_BODY])
def test_a_slow_response_is_whole(standin: StandIn, client: httpx.Client, kind: Kind) -> None:
    standin.inject(Fault(kind, next=1, value=0.3))
    started = time.monotonic()
    response = client.post(CHAT, json=asking("2 + 2?"))

    assert time.monotonic() - started >= 0.29
    assert response.json()["choices"][0]["message"]["content"] == "\\boxed{4}"


def faults_of(standin: StandIn) -> dict[tuple[str, str], int]:
    """The faults that were counted; each is once its response is out, which a client may read before."""
    until = time.monotonic() + 5.0
    while not standin.counts.faults and time.monotonic() < until:
        time.sleep(0.01)
    return dict(standin.counts.faults)


@pytest.mark.parametrize("kind", [Kind.TRUNCATED_BODY, Kind.DROP_BEFORE, Kind.DROP_AFTER])
def test_a_broken_response_is_a_transport_error_and_uses_up_no_answer(
    standin: StandIn, client: httpx.Client, kind: Kind
) -> None:
    standin.inject(Fault(kind, next=1))
    with pytest.raises(httpx.TransportError):
        client.post(CHAT, json=asking("2 + 2?"))

    assert client.post(CHAT, json=asking("2 + 2?")).json()["choices"][0]["message"]["content"] == "\\boxed{4}"
    assert faults_of(standin) == {(CHAT, str(kind)): 1}


def test_half_of_the_json_with_a_fitting_length(standin: StandIn, client: httpx.Client) -> None:
    standin.inject(Fault(Kind.INVALID_JSON, next=1))
    response = client.post(CHAT, json=asking("2 + 2?"))

    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert client.post(CHAT, json=asking("2 + 2?")).json()["choices"][0]["message"]["content"] == "\\boxed{4}"


def test_dropped_before_nothing_happened_dropped_after_it_did(standin: StandIn, client: httpx.Client) -> None:
    for kind, kept in ((Kind.DROP_BEFORE, 0), (Kind.DROP_AFTER, 1)):
        standin.inject(Fault(kind, next=1, on="evaluators"))
        with pytest.raises(httpx.TransportError):
            client.post(EVALUATORS, json={"evaluator": posted("a")["evaluator"], "evaluatorId": "math"})
        assert client.get(EVALUATORS).json()["totalSize"] == kept


def test_a_wrong_count_leaves_out_a_result_of_a_preview_only(standin: StandIn, client: httpx.Client) -> None:
    standin.inject(Fault(Kind.WRONG_COUNT, next=1))
    assert client.post(CHAT, json=asking("2 + 2?")).status_code == 200
    body = client.post(PREVIEW, json=posted("a", "b")).json()

    assert (len(body["results"]), body["totalSamples"]) == (1, 2)
    assert faults_of(standin) == {("/v1/accounts/{account}/evaluators:previewEvaluator", "wrong-count"): 1}


def test_faults_at_a_rate_are_the_same_for_a_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults([Fault(Kind.ERROR, rate=0.1)], seed)
        return [faults.draw("chat") is not None for _ in range(2000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 150 < sum(drawn(1)) < 250


def test_a_request_that_is_refused_anyway_meets_no_fault(answers: Answers) -> None:
    with StandIn(answers, key="fw_right", faults=[Fault(Kind.ERROR, rate=1.0)]) as standin:
        with client_of(standin, "fw_wrong") as client:
            assert client.post(CHAT, json=asking("2 + 2?")).status_code == 401
        assert standin.counts.faults == {}


def test_faults_can_be_cleared(answers: Answers) -> None:
    with StandIn(answers, faults=[Fault(Kind.ERROR, rate=1.0)]) as standin, client_of(standin) as client:
        assert client.post(CHAT, json=asking("2 + 2?")).status_code == 500
        standin.faults.clear()
        assert client.post(CHAT, json=asking("2 + 2?")).status_code == 200


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("429:0.05", Fault(Kind.TOO_MANY, rate=0.05)),
        ("retry-after=2:x3", Fault(Kind.RETRY_AFTER, next=3, value=2.0)),
        ("latency=0.5:1", Fault(Kind.LATENCY, rate=1.0, value=0.5)),
        ("503:x2@preview", Fault(Kind.OVERLOADED, next=2, on="preview")),
    ],
)
def test_a_fault_as_it_is_written(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


NO_FAULTS = """
418:0.1 429 429: 429:0 429:2 429:-1 429:x0 429:xy 429=3:0.1 500:nan latency=-1:0.1 latency=nan:0.1 latency=:0.1
500:0.1@train wrong-count:0.1@chat
"""


@pytest.mark.parametrize("text", NO_FAULTS.split())
def test_a_fault_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(FaultError) as raised:
        Fault.parse(text)
    assert isinstance(raised.value, RewardKitError)


# As a server


def test_what_was_asked_is_counted(standin: StandIn, client: httpx.Client) -> None:
    client.post(CHAT, json=asking("2 + 2?"))
    client.post(CHAT, json=asking("Never heard of"))
    client.get("/nothing")
    standin.close()  # a request is counted once its response is sent: the last one may be under way still
    counts = standin.counts

    assert counts.requests == {CHAT: 2, "(unknown path)": 1}
    assert counts.statuses == {HTTPStatus.OK: 1, HTTPStatus.UNPROCESSABLE_ENTITY: 1, HTTPStatus.NOT_FOUND: 1}


async def ask_all(url: str, clients: int, connections: int, requests: int) -> list[tuple[int, str, str]]:
    """So many requests on each connection of each client; one client with 100 would be slow by itself (httpcore)."""

    async def ask(client: httpx.AsyncClient, number: int) -> list[tuple[int, str, str]]:
        told = []
        for turn in range(requests):
            response = await client.post(CHAT, json=asking("6 * 4?", seed=number * requests + turn))
            content = response.json()["choices"][0]["message"]["content"]
            told.append((response.status_code, content, response.headers["x-request-id"]))
        return told

    async def ask_on_one() -> list[list[tuple[int, str, str]]]:
        headers = {"Authorization": "Bearer any"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(connections)))

    found = await asyncio.gather(*(ask_on_one() for _ in range(clients)))
    return [one for of_client in found for of_connection in of_client for one in of_connection]


def test_a_thousand_requests_at_a_hundred_at_once(standin: StandIn) -> None:
    told = asyncio.run(ask_all(standin.url, clients=10, connections=10, requests=10))

    assert {(status, content) for status, content, _ in told} == {(200, LONG)}
    assert len({request_id for _, _, request_id in told}) == 1000
    standin.close()  # a request is counted once its response is sent
    assert standin.counts.requests == {CHAT: 1000}


def test_closing_leaves_no_thread_and_no_open_port(answers: Answers) -> None:
    before = set(threading.enumerate())
    standin = StandIn(answers, faults=[Fault(Kind.LATENCY, rate=1.0, value=600)])
    slow: list[int] = []
    with standin, client_of(standin) as idle:
        idle.get("/nothing")  # leaves a connection that is kept alive
        with client_of(standin) as client:
            request = threading.Thread(
                target=lambda: slow.append(client.post(CHAT, json=asking("2 + 2?"), timeout=30).status_code)
            )
            request.start()
            while len(set(threading.enumerate()) - before) < 4:  # the server, the idle one, the request, its answer
                time.sleep(0.01)
            time.sleep(0.1)
            started = time.monotonic()
            standin.close()
            assert time.monotonic() - started < 3
            request.join()

    assert slow == [200]
    assert not {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("stand-in")}
    with pytest.raises(httpx.ConnectError):
        httpx.get(standin.url, trust_env=False)


def test_closing_does_not_wait_for_ever_and_tells_what_it_cut_off() -> None:
    goes_on, begun = threading.Event(), threading.Event()

    def run(evaluator: Evaluator, samples: Sequence[Mapping[str, Any]], deadline_s: float) -> list[PreviewResult]:
        begun.set()
        goes_on.wait(30)
        return []

    with StandIn(preview=run) as standin, client_of(standin) as client:
        request = threading.Thread(target=lambda: client.post(PREVIEW, json=posted("a"), timeout=30))
        request.start()
        assert begun.wait(10)
        assert standin.close(0.1) == 1
        assert standin.close() == 0
        goes_on.set()
        request.join()


def test_a_port_that_is_taken_is_an_os_error(standin: StandIn) -> None:
    with pytest.raises(OSError, match="in use"):
        StandIn(port=int(standin.url.rpartition(":")[2]))


def test_the_rows_of_the_repository_are_what_it_can_answer(tmp_path: Path) -> None:
    dataset = Path(__file__).parents[2] / "cases" / "math" / "dataset.jsonl"
    rows = read_dataset(dataset)
    lines = [{"id": row.id, "answers": [{"content": row.id}]} for row in rows]
    loaded = Answers.load(write(tmp_path / "answers.jsonl", lines), dataset)

    told = [found[0].content for row in rows if (found := loaded.find(row.prompt))]
    assert told == [row.id for row in rows]
