"""The client against a real server on 127.0.0.1: answers kept whole, and every fault told apart."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import pickle
import random
import traceback

import httpx
import pytest
from fireworks_server import Answer, completion_body, in_turn, preview_body, serving

from reward_kit.fireworks import errors
from reward_kit.fireworks.account import Account
from reward_kit.fireworks.client import FireworksClient
from reward_kit.fireworks.errors import FireworksError, NoKeyError
from reward_kit.fireworks.pacer import TokenPacer
from reward_kit.fireworks.progress import Tally, shown_on
from reward_kit.fireworks.retries import RetryPolicy
from reward_kit.fireworks.secrets import Key
from reward_kit.fireworks.shapes import ChatRequest, Evaluator, Tag
from reward_kit.fireworks.transport import live_transport
from reward_kit.progress import progress_bar

pytestmark = pytest.mark.asyncio

PLANTED = "fw_planted0123456789"
MODEL = "accounts/fireworks/models/qwen3-30b-a3b"
REQUEST = ChatRequest(MODEL, ({"role": "user", "content": "6 · 12?"},), max_tokens=4000, temperature=0.2)
TAG = Tag(("row-1",))
EVALUATOR = Evaluator("math", {"main.py": "def evaluate(): ..."}, ("sympy==1.14.0", "python-flint==0.9.0"), "of sums")
#: As patient as by default, in a hundredth of the time.
QUICK = RetryPolicy(first=0.001, longest=0.01, waiting=0.1, timeout=5)


def client_of(server, policy=QUICK, key=PLANTED, **options):
    account = Account(server.base, "mine", Key(key))
    return FireworksClient(account, live_transport(account, policy), **options)


async def chat(answer, policy=QUICK, request=REQUEST, **options):
    """What a chat comes to where the server always answers so, and the requests it saw."""
    async with serving(lambda seen: answer) as server, client_of(server, policy, **options) as client:
        try:
            return await client.chat(request, TAG), server.seen
        except FireworksError as error:
            return error, server.seen


async def test_the_request_is_sent_as_documented():
    _, seen = await chat(Answer(completion_body()))
    [sent] = seen
    assert (sent.method, sent.path) == ("POST", "/inference/v1/chat/completions")
    assert (sent.headers["authorization"], sent.headers["content-type"]) == (f"Bearer {PLANTED}", "application/json")
    assert sent.json == REQUEST.body
    assert "row-1" not in sent.text + str(sent.headers)


async def test_an_answer_is_kept_whole():
    answer, _ = await chat(Answer(completion_body("<think>\nOkay\n</think>\n\n\\boxed{72}")))
    assert answer.message == {"role": "assistant", "content": "<think>\nOkay\n</think>\n\n\\boxed{72}"}
    assert (answer.finish_reason, answer.prompt_tokens, answer.completion_tokens) == ("stop", 87, 311)
    assert (answer.model, answer.request_id) == (MODEL, "chatcmpl-1")


CALL = {"id": "call_1", "type": "function", "index": 0, "function": {"name": "f", "arguments": '{"city": "Paris"}'}}


async def test_reasoning_and_tool_calls_are_kept():
    thought, _ = await chat(Answer(completion_body(reasoning_content="Okay")))
    assert thought.message["reasoning_content"] == "Okay"
    called, _ = await chat(Answer(completion_body(None, tool_calls=[CALL])))
    assert called.message["tool_calls"] == [CALL]
    cut_off, _ = await chat(Answer(completion_body(None, reasoning_content="Okay, let's")))
    assert cut_off.message["content"] is None


async def test_usage_may_be_missing():
    answer, _ = await chat(Answer({**completion_body(), "usage": None}))
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, None)


def changed(**changes):
    return {**completion_body(), **changes}


def choices(*found):
    return changed(choices=list(found))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body is empty"),
        (b'{"choices": [{"mess', "is not JSON"),
        (b'{"choices": NaN}', "NaN is no number"),
        (b"[" * 200_000, "nested too deeply"),
        (b'"text"', "is a text and no object"),
        ({"id": "x"}, "choices is missing"),
        (changed(choices=None), "choices is null"),
        (choices(), "0 choices"),
        (choices({}, {}), "2 choices"),
        (choices("x"), r"choices\[0\] is a text"),
        (choices({"index": 0}), r"choices\[0\].message is missing"),
        (completion_body(None), "neither content nor tool_calls"),
        (completion_body(None, tool_calls=[]), "neither content nor tool_calls"),
        (completion_body(7), "message.content is a number"),
        (completion_body(role="user"), "of the role user"),
        (completion_body(reasoning_content=[]), "reasoning_content is a list"),
        (completion_body(tool_calls={}), "tool_calls is an object"),
        (completion_body(tool_calls=[{"id": "c"}]), r"tool_calls\[0\].function is null"),
        (completion_body(tool_calls=[{"function": {"name": "f", "arguments": {}}}]), "arguments is an object"),
        (choices({"message": {"content": "x"}, "finish_reason": 1}), "finish_reason is a number"),
        (changed(usage={"prompt_tokens": "9"}), "usage.prompt_tokens is a text"),
        (changed(usage={"completion_tokens": True}), "usage.completion_tokens is a boolean"),
        (changed(usage={"completion_tokens": -1}), "usage.completion_tokens is -1"),
        (changed(model=3), "model is a number"),
    ],
)
async def test_an_answer_that_lacks_something_is_an_error_that_names_it(body, problem):
    error, seen = await chat(Answer(body, headers={"x-request-id": "req-9"}))
    assert type(error) is errors.ResponseError
    assert error.args[0].startswith("POST 127.0.0.1:")
    assert "request id req-9" in str(error)
    with pytest.raises(errors.ResponseError, match=problem):
        raise error
    assert len(seen) == 1


def said(message, **more):
    return {"error": {"object": "error", "type": "invalid_request_error", "message": message, **more}}


#: status -> (what the server says, the error, what its message holds, how often the request is sent)
STATUSES = {
    400: (said("logprobs must be between 0 and 5: 20"), errors.RequestError, "logprobs must be", 1),
    401: ({"message": f"key {PLANTED} is wrong"}, errors.UnauthorizedError, "FIREWORKS_API_KEY", 1),
    402: (b"over usage limits", errors.PaymentRequiredError, "spending limit", 1),
    403: ({"detail": "no"}, errors.UnauthorizedError, "permission", 1),
    404: (said("Model not found", code="NOT_FOUND", param="model"), errors.NotFoundError, f"asked for is {MODEL}", 1),
    408: (b"", errors.RequestTimeoutError, "without a message", 5),
    412: ({"code": 9, "message": "account suspended"}, errors.RequestError, "account suspended", 1),
    422: (said("bad"), errors.RequestError, "status 422, bad", 1),
    429: (said("rate limit exceeded, please try again later"), errors.RateLimitedError, "lower concurrency", None),
    500: (b"<html>\x1b[31moops</html>", errors.ServerError, "<html> [31moops</html>", 5),
    503: ({"error": "Service Overloaded"}, errors.ServerError, "Service Overloaded (after 4 retries)", 5),
    302: (b"", errors.ResponseError, "FIREWORKS_API_BASE", 1),
}


@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_has_its_error(status):
    body, kind, part, times = STATUSES[status]
    error, seen = await chat(Answer(body, status=status, headers={"location": "/elsewhere"}))
    assert type(error) is kind
    assert error.status == status
    assert f"/inference/v1/chat/completions: status {status}" in str(error)
    assert part in str(error)
    assert PLANTED not in str(error)
    assert "\x1b" not in str(error)
    assert len(seen) == times if times else len(seen) > 5


async def test_errors_cross_processes():
    error, _ = await chat(Answer(b"", status=402, headers={"x-request-id": "req-9"}))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.status, again.request_id) == (str(error), 402, "req-9")


async def test_a_long_message_of_the_server_is_shortened():
    error, _ = await chat(Answer(said("x" * 5000), status=400))
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    "fault",
    [
        Answer(dropped=True),
        Answer(completion_body(), cut=40),
        Answer(status=500),
        Answer(status=429, headers={"retry-after-ms": "5"}),
        Answer(status=429, headers={"retry-after": "0.01"}),
        Answer(status=503, headers={"retry-after": "3600"}),
        Answer(b"no gzip", headers={"content-encoding": "gzip"}),
    ],
    ids=["dropped", "half a body", "500", "retry-after-ms", "retry-after", "an hour", "not compressed"],
)
async def test_a_fault_that_passes_leaves_no_trace_in_the_answer(fault):
    async with serving(in_turn([fault, Answer(completion_body())])) as server, client_of(server) as client:
        assert (await client.chat(REQUEST, TAG)).message["content"] == "\\boxed{72}"
        assert len(server.seen) == 2
        assert server.seen[0] == server.seen[1]


@pytest.mark.parametrize(
    ("fault", "kind", "part"),
    [
        (
            Answer(dropped=True),
            errors.ConnectionFailedError,
            "disconnected without sending a response (after 4 retries)",
        ),
        (Answer(completion_body(), cut=40), errors.ConnectionFailedError, "without sending complete message body"),
        (Answer(b"no gzip", headers={"content-encoding": "gzip"}), errors.ResponseError, "cannot be decompressed"),
    ],
    ids=["dropped", "half a body", "not compressed"],
)
async def test_a_fault_that_stays_is_told_apart(fault, kind, part):
    error, seen = await chat(fault)
    assert type(error) is kind
    assert part in str(error)
    assert error.status is None
    assert len(seen) == 5


async def test_a_slow_server_is_a_timeout():
    error, seen = await chat(Answer(completion_body(), delay=5), RetryPolicy(attempts=2, timeout=0.1, first=0.001))
    assert type(error) is errors.RequestTimeoutError
    assert "no whole answer within 0.1 s (after 1 retry). Allow more time" in str(error)
    assert len(seen) == 2


async def test_a_refused_connection_says_whom_to_check():
    async with serving(lambda seen: Answer()) as server:
        pass
    async with client_of(server) as client:
        with pytest.raises(errors.ConnectionFailedError, match=r"no connection: .*Check that 127\.0\.0\.1:\d+ can be"):
            await client.chat(REQUEST, TAG)


@pytest.mark.parametrize("options", [{"n": 2}, {"stream": True}])
async def test_requests_for_what_is_not_read_are_refused_before_they_are_sent(options):
    request = ChatRequest(MODEL, (), 10, 0.0, options=options)
    error, seen = await chat(Answer(completion_body()), request=request)
    assert type(error) is errors.RequestError
    assert seen == []


async def test_the_proxy_of_the_environment_is_used_and_never_for_this_machine(monkeypatch):
    for name in (
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    refused = []

    async def proxied(reader, writer):
        refused.append(await reader.readline())
        writer.write(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(proxied, "127.0.0.1", 0) as proxy:
        address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("HTTP_PROXY", address)
        account = Account("https://api.fireworks.ai", "mine", Key(PLANTED))
        async with FireworksClient(account, live_transport(account, QUICK)) as client:
            with pytest.raises(errors.ConnectionFailedError, match="403 No"):
                await client.chat(REQUEST, TAG)
        assert set(refused) == {b"CONNECT api.fireworks.ai:443 HTTP/1.1\r\n"}
        refused.clear()
        answer, _ = await chat(Answer(completion_body()))
        assert answer.finish_reason == "stop"
        assert refused == []


async def test_without_a_key_nothing_is_sent_except_to_this_machine_or_through_a_given_transport():
    with pytest.raises(NoKeyError, match="FIREWORKS_API_KEY"):
        FireworksClient(Account("https://api.fireworks.ai", "mine"))
    replay = httpx.MockTransport(lambda request: httpx.Response(200, json=completion_body()))
    async with FireworksClient(Account("https://api.fireworks.ai", "mine"), replay) as client:
        assert (await client.chat(REQUEST, TAG)).finish_reason == "stop"
    async with serving(lambda seen: Answer(completion_body())) as server:
        async with FireworksClient(Account(server.base, "mine")) as client:
            await client.chat(REQUEST, TAG)
        assert "authorization" not in server.seen[0].headers


async def test_a_transport_above_the_network_sees_the_tag_and_no_key():
    seen = []

    class Recorder(httpx.AsyncBaseTransport):
        def __init__(self, inner):
            self.inner = inner

        async def handle_async_request(self, request):
            response = await self.inner.handle_async_request(request)
            seen.append((request, response))
            return response

        async def aclose(self):
            await self.inner.aclose()

    async with serving(in_turn([Answer(status=500), Answer(completion_body())])) as server:
        account = Account(server.base, "mine", Key(PLANTED))
        async with FireworksClient(account, Recorder(live_transport(account, QUICK))) as client:
            await client.chat(REQUEST, TAG)
    [(request, response)] = seen
    assert request.extensions[Tag.KEY] == TAG
    assert "authorization" not in request.headers
    assert response.extensions["rewardkit.retries"] == 1
    assert response.json() == completion_body()


def frames_of(error):
    """The library's own frames of a traceback, with what stands in their variables."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    return "".join(f"{line.name} {line.locals}" for line in lines if "reward_kit" in line.filename)


@pytest.mark.parametrize(
    "fault",
    [
        Answer({"message": "you sent Bearer {}"}, status=400, headers={"x-echo": "{}", "x-request-id": "{}"}),
        Answer(b"{}", status=500),
        Answer(dropped=True),
        Answer(status=401),
        Answer({"id": "{}", "choices": ["{}"]}),
        Answer({"choices": [{"message": {"role": "{}"}}]}),
    ],
    ids=["echo", "text", "dropped", "401", "id", "role"],
)
@pytest.mark.parametrize("key", [PLANTED, "without-a-telltale-prefix"])
async def test_a_planted_key_is_in_no_log_record_message_or_traceback(fault, key, caplog):
    """{} stands for the key, which these servers send back."""
    caplog.set_level(logging.DEBUG)
    body = (fault.body if isinstance(fault.body, bytes) else json.dumps(fault.body).encode()).replace(
        b"{}", key.encode()
    )
    headers = {name: value.format(key) for name, value in fault.headers.items()}
    error, _ = await chat(dataclasses.replace(fault, body=body, headers=headers), key=key)
    assert isinstance(error, FireworksError)
    assert "send_request_headers" in caplog.text  # the records that could show one are there
    for text in (caplog.text, str(error), repr(error), repr(vars(error))):
        assert key not in text
    assert error.__context__ is None
    if fault.dropped or fault.status == 401:  # else the answer itself stands in a variable
        assert "_send" in frames_of(error)
        assert key not in frames_of(error)


async def test_a_transport_error_does_not_bring_the_frames_that_hold_the_headers():
    async with serving(lambda seen: Answer(dropped=True)) as server:
        account = Account(server.base, "mine", Key(PLANTED))
        async with live_transport(account, QUICK) as transport:
            with pytest.raises(httpx.RemoteProtocolError) as caught:
                await transport.handle_async_request(httpx.Request("POST", account.chat_url, json={}))
    assert caught.value.__context__ is None
    assert "handle_async_request" in frames_of(caught.value)
    assert PLANTED not in frames_of(caught.value)


async def test_the_log_filter_goes_with_the_client():
    before = list(logging.getLogger("httpcore.http11").filters)
    await chat(Answer(completion_body()))
    assert logging.getLogger("httpcore.http11").filters == before


async def preview(body, scores=(1.0, 0.0), **answer):
    samples = [{"messages": [{"role": "user", "content": f"Größe {score}"}]} for score in scores]
    async with serving(lambda seen: Answer(body, **answer)) as server, client_of(server) as client:
        try:
            return await client.preview(EVALUATOR, samples, Tag(("a", "b"))), server.seen
        except FireworksError as error:
            return error, server.seen


async def test_a_preview_sends_what_reward_kit_sends():
    _, [sent] = await preview(preview_body([1.0, 0.0]))
    assert sent.path == "/v1/accounts/mine/evaluators:previewEvaluator"
    snippets = {"language": "python", "fileContents": {"main.py": "def evaluate(): ..."}}
    criterion = {"type": "CODE_SNIPPETS", "name": "math", "description": "of sums", "codeSnippets": snippets}
    assert sent.json == {
        "evaluator": {
            "displayName": "Preview Evaluator",
            "description": "Preview Evaluator",
            "multiMetrics": True,
            "criteria": [criterion],
            "requirements": "sympy==1.14.0\npython-flint==0.9.0",
            "rollupSettings": {"skipRollup": True},
        },
        "sampleData": [
            '{"messages":[{"role":"user","content":"Größe 1.0"}]}',
            '{"messages":[{"role":"user","content":"Größe 0.0"}]}',
        ],
        "maxSamples": 2,
    }


async def test_a_preview_brings_one_result_for_each_sample():
    found, _ = await preview(preview_body([1.0, 0.0]))
    assert [result.score for result in found.results] == [1.0, 0.0]
    assert found.results[0].metrics == {"math": {"score": 1.0, "reason": "as boxed"}}
    assert (found.results[0].reason, found.total_samples, found.total_runtime_ms) == ("as boxed", 2, 123)


async def test_an_evaluation_that_failed_stays_failed():
    body = preview_body([1.0, 0.0])
    body["results"][1] = {"success": False, "reason": "ModuleNotFoundError"}
    found, _ = await preview(body)
    assert (found.results[1].success, found.results[1].score) == (False, None)
    assert found.results[1].reason == "ModuleNotFoundError"


@pytest.mark.parametrize(
    ("results", "total"), [(1, 1), (3, 3), (2, 3), (2, "1"), (0, 0)], ids=["fewer", "more", "total", "text", "none"]
)
async def test_a_preview_with_another_number_of_results_is_an_error(results, total):
    error, _ = await preview({**preview_body([1.0] * results), "totalSamples": total})
    assert type(error) is errors.CountMismatchError
    assert f"2 samples were sent, {results} results came back, and totalSamples is {total}" in str(error)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"success": None}, "success is null"),
        ({"success": "true"}, "success is a text"),
        ({"score": True}, "score is a boolean"),
        ({"score": "1.0"}, "score is a text"),
        ({"perMetricEvals": []}, "perMetricEvals is a list"),
    ],
)
async def test_a_result_of_the_wrong_types_is_an_error(change, problem):
    body = preview_body([1.0, 1.0])
    body["results"][1] |= change
    error, _ = await preview(body)
    assert type(error) is errors.ResponseError
    assert f"results[1].{problem}" in str(error)


async def test_a_result_without_a_score_stays_without_one():
    body = preview_body([1.0, 1.0])
    body["results"][1]["score"] = None
    answer, _ = await preview(body)
    assert [result.score for result in answer.results] == [1.0, None]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"totalSamples": 2}, "results is missing"),
        ({"results": [{}, {}]}, "totalSamples is missing"),
        ({**preview_body([1, 1]), "totalSamples": "two"}, "totalSamples is the text 'two'"),
        ({**preview_body([1, 1]), "totalRuntimeMs": 1.5}, "totalRuntimeMs is a number"),
        ({**preview_body([1, 1]), "results": [{}, {}]}, "results[0].success is missing"),
        (json.dumps(preview_body([1.0, 2.0])).replace("2.0", "1e999").encode(), "results[1].score is inf"),
    ],
)
async def test_a_preview_that_lacks_something_is_an_error(body, problem):
    error, _ = await preview(body)
    assert type(error) is errors.ResponseError
    assert problem in str(error)


async def test_an_empty_preview_and_one_that_is_no_json_are_refused():
    error, seen = await preview(b"", scores=())
    assert (type(error), seen) == (errors.RequestError, [])
    error, seen = await preview(b"", scores=(float("nan"),))
    assert type(error) is not errors.RequestError  # nan stands in a text here
    async with FireworksClient(Account("http://127.0.0.1:1", "mine")) as client:
        with pytest.raises(errors.RequestError, match="a sample cannot be written as JSON"):
            await client.preview(EVALUATOR, [{"score": float("nan")}], TAG)


async def test_a_preview_that_fails_is_never_simulated():
    error, _ = await preview({"code": 12, "message": "previewEvaluator is not implemented", "details": []}, status=501)
    assert type(error) is errors.ServerError
    assert "previewEvaluator is not implemented" in str(error)


async def test_an_evaluator_is_created_under_its_id():
    created = {"name": "accounts/mine/evaluators/sums"}
    async with serving(lambda seen: Answer(created)) as server, client_of(server) as client:
        assert await client.create_evaluator(EVALUATOR, "sums") == created
    [sent] = server.seen
    assert (sent.method, sent.path, sent.json["evaluatorId"]) == ("POST", "/v1/accounts/mine/evaluators", "sums")
    assert sent.json["evaluator"]["displayName"] == "math"


async def test_an_evaluator_that_exists_is_replaced_only_by_force():
    def respond(seen):
        return Answer({"message": "already exists"}, status=409) if seen.method == "POST" else Answer({})

    async with serving(respond) as server, client_of(server) as client:
        with pytest.raises(errors.RequestError, match="already exists"):
            await client.create_evaluator(EVALUATOR, "sums")
        assert len(server.seen) == 1  # a 409 here is an answer
    async with serving(lambda seen: Answer({})) as server, client_of(server) as client:
        await client.create_evaluator(EVALUATOR, "sums", force=True)
        assert [seen.method for seen in server.seen] == ["GET", "DELETE", "POST"]
    answers = [Answer({"code": 5}, status=404), Answer({})]
    async with serving(in_turn(answers)) as server, client_of(server) as client:
        await client.create_evaluator(EVALUATOR, "sums", force=True)
        assert [seen.method for seen in server.seen] == ["GET", "POST"]


async def test_an_evaluator_is_updated_in_one_call():
    async with serving(lambda seen: Answer({})) as server, client_of(server) as client:
        await client.update_evaluator(EVALUATOR, "sums")
    [sent] = server.seen
    assert (sent.method, sent.path) == ("PATCH", "/v1/accounts/mine/evaluators/sums")
    assert sent.json["criteria"][0]["codeSnippets"]["fileContents"] == {"main.py": "def evaluate(): ..."}


async def test_an_evaluator_id_that_would_change_the_path_is_refused():
    async with FireworksClient(Account("http://127.0.0.1:1", "mine")) as client:
        with pytest.raises(errors.RequestError, match="letters, digits"):
            await client.update_evaluator(EVALUATOR, "../other")


async def test_no_more_calls_than_allowed_are_under_way():
    under_way = peak = 0

    async def respond(request):
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await asyncio.sleep(0.002)
        under_way -= 1
        return httpx.Response(200, json=completion_body())

    async with FireworksClient(Account(), httpx.MockTransport(respond), concurrency=3) as client:
        await asyncio.gather(*(client.chat(REQUEST, Tag((str(n),))) for n in range(20)))
    assert peak == 3


async def test_a_given_pacer_holds_requests_back():
    waits = []

    async def wait(changed, seconds):
        waits.append(seconds)
        pacer.learn(1000)

    pacer = TokenPacer(4000, wait=wait)
    replay = httpx.MockTransport(lambda request: httpx.Response(200, json={**completion_body(), "usage": None}))
    async with FireworksClient(Account(), replay, pacer=pacer) as client:
        await client.chat(REQUEST, TAG)
        assert waits == []
        await client.chat(REQUEST, TAG)
    assert len(waits) == 1


async def test_progress_counts_rows_and_tokens_and_failed_calls_too():
    standings = []
    answers = in_turn([Answer(completion_body()), Answer(status=400), Answer(preview_body([1, 1]))])
    async with serving(answers) as server, client_of(server, progress=standings.append) as client:
        client.expect(4)
        await client.chat(REQUEST, TAG)
        with pytest.raises(errors.RequestError):
            await client.chat(REQUEST, TAG)
        await client.preview(EVALUATOR, [{}, {}], Tag(("a", "b")))
    assert [(at.done, at.total) for at in standings] == [(0, 4), (1, 4), (2, 4), (4, 4)]
    assert (standings[-1].prompt_tokens, standings[-1].completion_tokens) == (87, 311)
    assert standings[0].seconds_left is None
    assert standings[-1].seconds_left == 0


async def test_the_time_left_is_that_of_the_rows_left():
    now = [0.0]
    tally = Tally(None, clock=lambda: now[0])
    tally.expect(10)
    tally.start()
    now[0] = 20.0
    tally.add(4)
    assert tally.standing.seconds_left == 30


async def test_the_bar_shows_rows_tokens_and_time_left():
    from rich.console import Console

    console = Console(force_terminal=True, width=80, record=True, color_system=None)
    with progress_bar("regenerate", console) as told:
        show = shown_on(told)
        tally = Tally(show, clock=iter([0.0, 0.0, 75.0]).__next__)
        tally.expect(2)
        tally.start()
        tally.add(1, 87, 1311)
    text = console.export_text()
    assert "1/2" in text
    assert "87 + 1,311 tokens" in text


SOAK = 1000


@pytest.mark.slow
async def test_a_thousand_requests_with_faults_lose_and_double_nothing():
    source, faults = random.Random(7), [0]
    bad = [
        Answer(status=500), Answer(status=503), Answer(status=429), Answer(dropped=True), Answer(b"{" * 100, cut=5),
        Answer(status=429, headers={"retry-after-ms": "3"}),
    ]  # fmt: skip
    answered = []

    def respond(seen):
        name = seen.json["messages"][0]["content"]
        if source.random() < 0.05:
            faults[0] += 1
            return source.choice(bad)
        answered.append(name)
        return Answer(completion_body(f"answer to {name}"), delay=0.002)

    async with serving(respond) as server, client_of(server, concurrency=100) as client:
        names = [f"row-{n}" for n in range(SOAK)]
        requests = [ChatRequest(MODEL, ({"role": "user", "content": name},), 10, 0.0) for name in names]
        answers = await asyncio.gather(
            *(client.chat(request, Tag((name,))) for name, request in zip(names, requests, strict=True))
        )
    assert [answer.message["content"] for answer in answers] == [f"answer to {name}" for name in names]
    assert sorted(answered) == sorted(names)  # nothing that was answered was asked for again
    assert faults[0] > 30
    assert len(server.seen) == SOAK + faults[0]
