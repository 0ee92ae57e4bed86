"""The openai-chat layout: production logs of chat completions become rows to be labelled.

One record is one exchange, in any of these shapes:

* `{"request": {"messages": [...], "tools": [...]}, "response": {"choices": [...]}}`, what a proxy or a client logs.
  Either side may be JSON text, and may hold the payload in `body`; `response` may be the answer's text.
* `{"messages": [...], "response": {...}}`, LiteLLM's logging payload (its tools lie in `model_parameters`).
* `{"custom_id": ..., "body": {...}, "response": {"status_code": 200, "body": {...}}}`, a line of the Batch API's
  output joined with its request.
* `{"messages": [...], "choices": [...]}`, a stored completion with its messages.
* `{"messages": [..., {"role": "assistant", ...}]}`, the fine-tuning format.
* `{"prompt": "...", "completion": "..."}`, and `prompt` with `choices[].text`, the legacy completions.

Formats: https://platform.openai.com/docs/api-reference (chat/object, batch/request-output, fine-tuning/chat-input),
https://docs.litellm.ai/docs/proxy/logging_spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from reward_kit.dataset import message_problems
from reward_kit.jsonl import loads
from reward_kit.models import Row, text_of
from reward_kit.prepare.base import Layout, Prepared, Reason, Record, RejectedError
from reward_kit.prepare.layouts.fields import no_columns

#: What people say of an answer. It is kept for the labeller; a correction among it is not made the ground truth.
FEEDBACK = tuple("feedback user_feedback rating score thumbs reaction comment correction corrected preferred".split())
#: Settings of the request that say which answers would have been right.
_SETTINGS = ("tool_choice", "response_format")
_FAILED = ("failure", "failed", "error")
_IDS = ("custom_id", "id", "request_id")
#: An exchange without an answer: nothing is wrong with the log, there is only nothing to be the reference.
_NO_ANSWER = Reason.SOLUTION_HAS_NO_FINAL
_CHUNK = "chat.completion.chunk"


class OpenAIChat(Layout):
    """The request's messages as prompt, the first choice as reference, no ground truth: that is for people to say.

    Columns, each only where the log has it:

    * `tools`: the tool definitions (`functions` too, as tools), `tool_choice` and `response_format`;
    * `model` and `finish_reason`: who answered, and why the answer ended (`length`: it was cut off);
    * `other_choices`: the further choices of a request with n > 1, which share the prompt and so the label;
    * `feedback`: an object of the record's own fields of `FEEDBACK`, as they were logged;
    * `log_id`: the record's or the completion's id, to find the exchange in the log.
    """

    name: ClassVar[str] = "openai-chat"
    domain: ClassVar[str] = "general"
    masks: ClassVar[bool] = True

    def __init__(self, columns: Mapping[str, str]) -> None:
        no_columns(self.name, columns)

    def prepare(self, record: Record, row_id: str, line: int) -> Prepared:
        _refuse_failure(record)
        request, response = _request(record), _response(record)
        body = _body(response)
        _refuse_failure(response, body)
        prompt, choices = _prompt(request), _choices(body)
        if not choices:
            prompt, choices = _turn_in_request(request, prompt)
        answer = _answer(choices[0])
        if prompt and prompt[-1].get("role") == "assistant":
            prompt = _without_answer(prompt, answer)
        messages = (*prompt, answer)
        _check(messages)
        columns = dict(_columns(record, request, body, choices))
        return Prepared(Row(row_id, messages, None, columns, line), None)


def _rejected(problem: str, remedy: str) -> RejectedError:
    return RejectedError(Reason.SCHEMA_VIOLATION, f"{problem}. {remedy}")


def _request(record: Record) -> Record:
    """What was asked: in `request`, in `body`, or in the record itself; inside its `body` where it has one."""
    name = next((name for name in ("request", "body") if record.get(name) is not None), None)
    if name is None:
        return record
    request = _opened(record[name], name)
    if isinstance(request, Mapping) and isinstance(body := request.get("body"), (Mapping, str)):
        request = _opened(body, f"{name}.body")
    if not isinstance(request, Mapping):
        raise _rejected(f"has a {name} that is not an object", "Log the JSON that was sent")
    return request


def _opened(value: Any, name: str) -> Any:
    """A side of the exchange, parsed where the log holds it as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except ValueError:
        raise _rejected(f"has a {name} that is text and not JSON", "Log the JSON that was sent") from None


def _response(record: Record) -> Any:
    """What came back, None where the record has no side of its own for it."""
    if "response" not in record:
        return record if "choices" in record else None
    response = record["response"]
    if response is None:
        raise RejectedError(_NO_ANSWER, "has the response null: the request was not answered")
    if isinstance(response, str):
        return _from_text(response)
    return response


def _from_text(text: str) -> Any:
    """A response that was logged as text: a completion's JSON, or the answer itself."""
    if text.startswith(("data: {", "data:{")):
        raise _streamed()
    try:
        value = loads(text)
    except ValueError:
        value = None
    if isinstance(value, Mapping) and ("choices" in value or isinstance(value.get("error"), Mapping)):
        return value
    return {"role": "assistant", "content": text}


def _body(response: Any) -> Any:
    """The completion: in the response's `body` where it is an HTTP response."""
    if isinstance(response, Mapping) and response.get("body") is not None:
        body = response["body"]
        return _from_text(body) if isinstance(body, str) else body
    return response


def _refuse_failure(*sides: Any) -> None:
    """Refuse an exchange that failed. Of what the server said only the code is quoted: messages may hold secrets."""
    for side in sides:
        if not isinstance(side, Mapping):
            continue
        for name in ("status_code", "status"):
            status = side.get(name)
            code = int(status) if isinstance(status, str) and status.isdecimal() and len(status) == 3 else status
            if code in _FAILED or (isinstance(code, int) and not isinstance(code, bool) and code >= 400):
                raise RejectedError(_NO_ANSWER, f"failed with the {name} {code}")
        if error := side.get("error"):
            raise RejectedError(_NO_ANSWER, f"failed with an error{_code(error)}")


def _code(error: Any) -> str:
    code = (
        next((error[name] for name in ("code", "type") if error.get(name)), None)
        if isinstance(error, Mapping)
        else None
    )
    return f" ({str(code)[:40]})" if isinstance(code, (str, int)) and str(code).replace("_", "").isalnum() else ""


def _prompt(request: Record) -> list[dict[str, Any]]:
    if "messages" in request:
        for problem, remedy in message_problems(request):
            raise _rejected(problem, remedy)
        return [_message(message) for message in request["messages"]]
    prompt = request.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, str) and prompt.strip():
        return [{"role": "user", "content": prompt}]
    if prompt is not None:
        raise _rejected("has a prompt that is not one text", "Log one text for each record, not tokens or a batch")
    if "input" in request:
        raise _rejected("has 'input' and no messages, as logs of the Responses API", "Convert it to chat messages")
    raise _rejected("has no messages", "Log the request with the response; join a batch's output with its input file")


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without its fields that are null, and with the parts that a stored completion keeps beside it."""
    kept = {name: value for name, value in message.items() if value is not None or name == "content"}
    if parts := kept.pop("content_parts", None):  # only stored completions have it, and ids of messages
        kept["content"] = kept.get("content") or parts
    if "content_parts" in message:
        kept.pop("id", None)
    return kept


def _choices(body: Any) -> list[Mapping[str, Any]]:
    """The choices of a completion, each with `message` or `text`; none where there is no response."""
    if body is None:
        return []
    if isinstance(body, list) or (isinstance(body, Mapping) and body.get("object") == _CHUNK):
        raise _streamed()
    if isinstance(body, Mapping) and body.get("role") is not None:
        return [{"message": body}]
    choices = body.get("choices") if isinstance(body, Mapping) else None
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices):
        raise _rejected(
            "has a response without choices", "Log the chat completion as it came; other APIs' are not read"
        )
    if any("delta" in choice for choice in choices):
        raise _streamed()
    if not choices:
        raise RejectedError(_NO_ANSWER, "has a response whose choices are empty")
    return choices


def _streamed() -> RejectedError:
    return _rejected(
        "is a piece of a streamed response",
        "Log the whole message: join the deltas (the client's stream helper has the final completion), then prepare",
    )


def _turn_in_request(
    request: Record, prompt: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[Mapping[str, Any]]]:
    """The answer of a record that keeps it with the prompt: `completion`, or the last message."""
    if isinstance(completion := request.get("completion"), str):
        return prompt, [{"text": completion}]
    if prompt[-1].get("role") == "assistant":
        return prompt[:-1], [{"message": prompt[-1]}]
    raise RejectedError(_NO_ANSWER, "has no response, and its messages do not end in an assistant turn")


def _answer(choice: Mapping[str, Any]) -> dict[str, Any]:
    """A choice as the reference turn."""
    message = choice.get("message", {"content": choice["text"]} if "text" in choice else None)
    if not isinstance(message, Mapping):
        raise _rejected("has a choice without message", "Log the chat completion as it came")
    answer = {"role": "assistant", **_message(message)}
    if answer["role"] != "assistant":
        raise _rejected(f"has an answer of the role {str(answer['role'])[:20]!r}", "The answer is the assistant's turn")
    if answer.get("tool_calls") or answer.get("function_call"):
        return {**answer, "content": answer.get("content")}
    if isinstance(answer.get("content"), (str, list)) and text_of(answer["content"]).strip():
        return answer
    ended = f" (finish_reason {str(choice['finish_reason'])[:20]})" if choice.get("finish_reason") else ""
    raise RejectedError(_NO_ANSWER, "has a refusal without content" if answer.get("refusal") else f"is empty{ended}")


def _without_answer(prompt: list[dict[str, Any]], answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The prompt of a log that adds the answer to the messages as well as to the response."""
    same = all(prompt[-1].get(name) == answer.get(name) for name in ("content", "tool_calls", "function_call"))
    if same and len(prompt) > 1:
        return prompt[:-1]
    raise _rejected("continues an assistant turn of its request", "Join the two parts of the turn into one message")


def _check(messages: tuple[Mapping[str, Any], ...]) -> None:
    if len(messages) < 2:
        raise _rejected("has an answer and no prompt", "Log the messages of the request")
    for problem, remedy in message_problems({"messages": list(messages)}):
        raise _rejected(problem, remedy)


def _columns(record: Record, request: Record, body: Any, choices: list[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    if tools := _tools(request):
        yield "tools", tools
    yield from ((name, request[name]) for name in _SETTINGS if request.get(name) is not None)
    completion = body if isinstance(body, Mapping) else {}
    if model := completion.get("model") or request.get("model"):
        yield "model", model
    if choices[0].get("finish_reason") is not None:
        yield "finish_reason", choices[0]["finish_reason"]
    if others := [_other(choice) for choice in choices[1:]]:
        yield "other_choices", others
    if feedback := {name: record[name] for name in FEEDBACK if record.get(name) is not None}:
        yield "feedback", feedback
    ids = (side[name] for side in (record, completion) for name in _IDS if type(side.get(name)) in (str, int))
    if log_id := next(ids, None):
        yield "log_id", log_id


def _other(choice: Mapping[str, Any]) -> dict[str, Any]:
    return {name: choice[name] for name in ("message", "text", "finish_reason") if choice.get(name) is not None}


def _tools(request: Record) -> list[Any]:
    """The tool definitions; legacy `functions` are tools of the type function."""
    settings = request.get("model_parameters")
    for side in (request, settings if isinstance(settings, Mapping) else {}):
        for name in ("tools", "functions"):
            if not isinstance(found := side.get(name) or [], list):
                raise _rejected(f"has {name} that are not a list", "Log the tool definitions as they were sent")
            if found:
                return found if name == "tools" else [{"type": "function", "function": one} for one in found]
    return []
