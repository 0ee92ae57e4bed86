"""Reading answers without guessing: what an endpoint promises is there with the right type, or it is an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx

from reward_kit.fireworks.errors import Call, CountMismatchError, ResponseError
from reward_kit.fireworks.secrets import Key, scrub
from reward_kit.fireworks.shapes import RETRIES, SOURCE, STAND_IN_HEADER, Completion, Preview, PreviewResult, Source

#: Characters of a server's message that an error quotes.
_QUOTED = 300
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa1-\U0010ffff]+")


def call_of(request: httpx.Request, key: Key | None, response: httpx.Response | None = None) -> Call:
    """What errors say of a call: host and path without query, status and id where an answer came."""
    url = request.url
    endpoint = f"{request.method} {url.netloc.decode('ascii')}{url.path}"
    if response is None:
        return Call(endpoint, retries=request.extensions.get(RETRIES, 0), key=key)
    retries = response.extensions.get(RETRIES, 0)
    return Call(endpoint, response.status_code, request_id(response, key), retries, key)


def request_id(response: httpx.Response, key: Key | None = None) -> str | None:
    """What the server calls a request: its header x-request-id, else the answer's own id."""
    found = response.headers.get("x-request-id")
    if found is None:
        body = _json_or_none(response)
        found = body.get("id") if isinstance(body, dict) else None
    return quotable(found, key) if isinstance(found, str) else None


def server_message(response: httpx.Response, key: Key | None = None) -> str:
    """What a server says of a failure, fit to be shown: {"error": {"message"}}, google.rpc.Status, or plain text."""
    text, body = response.text, _json_or_none(response)
    if isinstance(body, dict):
        inner = body["error"] if isinstance(body.get("error"), dict) else body
        texts = (inner.get("message"), body.get("error"), body.get("detail"))
        text = next((said for said in texts if isinstance(said, str)), text)
    return quotable(text, key)


def quotable(text: str, key: Key | None = None) -> str:
    """`text` on one line, without keys and control characters, shortened."""
    line = " ".join(_UNPRINTABLE.sub(" ", scrub(text, key)).split()).rstrip(".")
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}..."


def _json_or_none(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class Body:
    """The JSON object of an answer, and how to complain about it."""

    call: Call
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, call: Call, response: httpx.Response) -> Body:
        body = cls(call, {})
        try:
            fields = json.loads(response.content, parse_constant=_no_constant)
        except RecursionError:
            body.wrong("the body is JSON nested too deeply")
        except ValueError as error:
            size = len(response.content)
            body.wrong(f"the body ({size} bytes) is not JSON: {quotable(str(error))}" if size else "the body is empty")
        if not isinstance(fields, dict):
            body.wrong(f"the body is {_kind(fields)} and no object")
        return cls(call, fields)

    def wrong(self, problem: str) -> NoReturn:
        raise self.call.error(ResponseError, f"answer cannot be used: {problem}", _REMEDY)

    def require(self, holder: Mapping[str, Any], name: str, types: type | tuple[type, ...], where: str) -> Any:
        """`holder[name]`, which must be there and of one of `types`; `where` names it in the error."""
        if name not in holder:
            self.wrong(f"{where} is missing")
        if (isinstance(holder[name], bool) and types is not bool) or not isinstance(holder[name], types):
            self.wrong(f"{where} is {_kind(holder[name])}")
        return holder[name]


_REMEDY = "It counts as no answer: try again, and check that FIREWORKS_API_BASE is a Fireworks API"


def read_completion(call: Call, response: httpx.Response, asked_for: str) -> Completion:
    """The one answer of a chat completion.

    Raises:
        ResponseError: naming what is missing or of the wrong type.
    """
    body = Body.of(call, response)
    choices = body.require(body.fields, "choices", list, "choices")
    if len(choices) != 1:
        body.wrong(f"there are {len(choices)} choices where one was asked for")
    if not isinstance(choices[0], dict):
        body.wrong(f"choices[0] is {_kind(choices[0])}")
    message = body.require(choices[0], "message", dict, "choices[0].message")
    _check_message(body, message)
    reason = choices[0].get("finish_reason")
    if reason is not None and not isinstance(reason, str):
        body.wrong(f"choices[0].finish_reason is {_kind(reason)}")
    usage = {} if body.fields.get("usage") is None else body.require(body.fields, "usage", dict, "usage")
    model = body.fields.get("model") or asked_for
    return Completion(
        message={"role": "assistant", **message},
        finish_reason=reason,
        model=model if isinstance(model, str) else body.wrong(f"model is {_kind(model)}"),
        prompt_tokens=_tokens(body, usage, "prompt_tokens"),
        completion_tokens=_tokens(body, usage, "completion_tokens"),
        request_id=call.request_id,
        source=_source(response),
    )


def _check_message(body: Body, message: Mapping[str, Any]) -> None:
    where = "choices[0].message"
    for name in ("role", "content", "reasoning_content"):
        if message.get(name) is not None:
            body.require(message, name, str, f"{where}.{name}")
    if message.get("role", "assistant") != "assistant":
        body.wrong(f"{where} is of the role {quotable(str(message['role']))}")
    calls = (
        [] if message.get("tool_calls") is None else body.require(message, "tool_calls", list, f"{where}.tool_calls")
    )
    for position, call in enumerate(calls):
        place = f"{where}.tool_calls[{position}]"
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            body.wrong(f"{place}.function is {_kind(function)}")
        for name in ("name", "arguments"):
            body.require(function, name, str, f"{place}.function.{name}")
    # A model that was cut off while it thought has no content, and its answer is a truncated one, not a fault.
    if message.get("content") is None and not calls and not message.get("reasoning_content"):
        body.wrong(f"{where} has neither content nor tool_calls")


def _tokens(body: Body, usage: Mapping[str, Any], name: str) -> int | None:
    if usage.get(name) is None:
        return None
    tokens: int = body.require(usage, name, int, f"usage.{name}")
    return tokens if tokens >= 0 else body.wrong(f"usage.{name} is {tokens}")


def read_preview(call: Call, response: httpx.Response, samples: int) -> Preview:
    """The results of a preview, one for each of `samples` samples.

    Raises:
        CountMismatchError: where there are more or fewer.
        ResponseError: naming what is missing or of the wrong type.
    """
    body = Body.of(call, response)
    results = body.require(body.fields, "results", list, "results")
    total = _int64(body, "totalSamples")
    if not len(results) == total == samples:
        raise call.error(
            CountMismatchError,
            f"{samples} samples were sent, {len(results)} results came back, and totalSamples is {total}",
            "A sample without a result counts as not passed; try again with fewer samples at once",
        )
    runtime = _int64(body, "totalRuntimeMs") if "totalRuntimeMs" in body.fields else 0
    return Preview(
        tuple(_read_result(body, result, n) for n, result in enumerate(results)), total, runtime, _source(response)
    )


def _source(response: httpx.Response) -> Source:
    """Who answered: as the cassette says, else as the server does."""
    return Source(response.extensions.get(SOURCE) or Source.of_header(response.headers.get(STAND_IN_HEADER)))


def _read_result(body: Body, result: Any, position: int) -> PreviewResult:
    where = f"results[{position}]"
    if not isinstance(result, dict):
        body.wrong(f"{where} is {_kind(result)}")
    success = body.require(result, "success", bool, f"{where}.success")
    score = None
    if result.get("score") is not None:  # an evaluation that failed or abstained has none
        score = float(body.require(result, "score", (int, float), f"{where}.score"))
        if not math.isfinite(score):
            body.wrong(f"{where}.score is {score}")
    metrics = result.get("perMetricEvals")
    if metrics is not None and not isinstance(metrics, dict):
        body.wrong(f"{where}.perMetricEvals is {_kind(metrics)}")
    return PreviewResult(success, score, metrics or {}, _reason(result, metrics or {}))


def _reason(result: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """The result's own reason, else those of its metrics."""
    if isinstance(result.get("reason"), str):
        return str(result["reason"])
    reasons = (metric.get("reason") for metric in metrics.values() if isinstance(metric, dict))
    return "; ".join(reason for reason in reasons if isinstance(reason, str) and reason)


def _int64(body: Body, name: str) -> int:
    """A count: JSON of protocol buffers writes 64-bit integers as text (https://protobuf.dev/programming-guides/json)."""
    value = body.require(body.fields, name, (int, str), name)
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,19}", value):
        body.wrong(f"{name} is the text {quotable(value)!r}")
    return int(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _kind(value: object) -> str:
    """What a value is, in words of JSON."""
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object")
