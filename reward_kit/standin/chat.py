"""Chat completions from authored answers.

Format: https://docs.fireworks.ai/api-reference/post-chatcompletions. Nothing is made up: a prompt without an authored
answer is refused.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reward_kit.dataset import message_problems
from reward_kit.jsonl import canonical_json, loads
from reward_kit.standin.answers import Answer, Answers
from reward_kit.standin.replies import RATE_LIMITS, RefusalError, Reply, inference_error, json_reply
from reward_kit.standin.tokens import TOKENS_PER_MESSAGE, count_tokens, cut

#: Where a request names no limit: Fireworks' default is the rest of the context, which no answer of a file reaches.
_NO_LIMIT = 10**9
_MAX_CHOICES = 128


class Chat:
    """Answers chat requests: the n-th identical request gets the n-th answer, all further ones the last.

    Args:
        answers: what to answer.
        models: the models that exist; where none is named, every model does.
    """

    def __init__(self, answers: Answers, models: Sequence[str] = ()) -> None:
        self._answers = answers
        self._models = frozenset(models)
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()

    def reply(self, raw: bytes, *, delivered: bool = True) -> Reply:
        """The response to a request's body; one that will not be `delivered` whole does not use up an answer.

        Raises:
            RefusalError: where the request is malformed, the model unknown or no answer authored.
        """
        body = read_chat(raw)
        if self._models and body["model"] not in self._models:
            message = "Model not found, inaccessible, and/or not deployed"
            raise RefusalError(inference_error(404, message, "NOT_FOUND", "model"))
        answers = self._answers.find(body["messages"])
        if answers is None:
            message = "the stand-in has no authored answer for this prompt: add a line to its answers file"
            raise RefusalError(inference_error(422, message, "NO_AUTHORED_ANSWER", "messages"))
        request = hashlib.sha256(canonical_json(body).encode()).hexdigest()
        wanted = body.get("n") or 1
        first = self._turn(request, wanted if delivered else 0)
        chosen = [answers[min(first + k, len(answers) - 1)] for k in range(wanted)]
        return _completion(body, chosen, f"chatcmpl-{request[:16]}-{first}")

    def _turn(self, request: str, used: int) -> int:
        with self._lock:
            turn = self._asked[request]
            self._asked[request] += used
        return turn


def read_chat(raw: bytes) -> dict[str, Any]:
    """A chat request's body, checked as far as the stand-in reads it.

    Raises:
        RefusalError: with status 400, saying what is wrong.
    """
    try:
        body = loads(raw.decode("utf-8"))
    except ValueError as error:
        raise _malformed(f"the request body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise _malformed("the request body is not a JSON object")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise _malformed("model: a non-empty string is required", "model")
    if problem := next(message_problems(body), None):
        raise _malformed(problem[0], "messages")
    if body.get("stream"):
        raise _malformed("stream: the stand-in sends whole completions only", "stream")
    for name, most in (("max_tokens", _NO_LIMIT), ("max_completion_tokens", _NO_LIMIT), ("n", _MAX_CHOICES)):
        value = body.get(name)
        if value is not None and (type(value) is not int or not 1 <= value <= most):
            raise _malformed(f"{name} must be between 1 and {most}: {value!r}", name)
    value = body.get("temperature")
    if value is not None and (type(value) not in (int, float) or not 0 <= value <= 2):
        raise _malformed(f"temperature must be between 0 and 2: {value!r}", "temperature")
    return body


def _malformed(message: str, param: str | None = None) -> RefusalError:
    return RefusalError(inference_error(400, message, param=param))


def _completion(body: Mapping[str, Any], answers: Sequence[Answer], completion_id: str) -> Reply:
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or _NO_LIMIT
    told = [_choice(index, answer, limit, completion_id) for index, answer in enumerate(answers)]
    completion = sum(tokens for _, tokens in told)
    authored = answers[0].usage and answers[0].usage.prompt_tokens
    prompt = authored or _prompt_tokens(body)
    value = {
        "id": completion_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [choice for choice, _ in told],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }
    headers = {
        "fireworks-prompt-tokens": str(prompt),
        "fireworks-cached-prompt-tokens": "0",
        "fireworks-server-time-to-first-token": "0.0",
    }
    return json_reply(200, value, headers | RATE_LIMITS)


def _prompt_tokens(body: Mapping[str, Any]) -> int:
    extra = [body["tools"]] if body.get("tools") else []
    texts = [canonical_json(value) for value in (*body["messages"], *extra)]
    contents = [message.get("content") for message in body["messages"]]
    plain = [content if isinstance(content, str) else text for content, text in zip(contents, texts, strict=False)]
    return sum(map(count_tokens, plain + texts[len(contents) :])) + TOKENS_PER_MESSAGE * len(contents)


def _choice(index: int, answer: Answer, limit: int, completion_id: str) -> tuple[dict[str, Any], int]:
    """One choice of the response, cut at `limit` tokens, and how many tokens it has."""
    estimated = _estimate(answer)
    tokens = answer.usage.completion_tokens if answer.usage else estimated
    message: dict[str, Any] = {"role": "assistant", "content": answer.content}
    if answer.reasoning_content is not None:
        message["reasoning_content"] = answer.reasoning_content
    if answer.tool_calls:
        message["tool_calls"] = _calls(answer, f"call_{completion_id.removeprefix('chatcmpl-')}")
    finish = answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")
    if tokens > limit:  # an authored count is the tokenizer's word: the text is cut in proportion
        _cut_message(message, estimated * limit // tokens)
        tokens, finish = limit, "length"
    return {"index": index, "message": message, "finish_reason": finish}, tokens


def _estimate(answer: Answer) -> int:
    calls = [f"{call.function.name}{call.function.arguments}" for call in answer.tool_calls or ()]
    return max(1, sum(map(count_tokens, (answer.reasoning_content or "", answer.content or "", *calls))))


def _calls(answer: Answer, prefix: str) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id or f"{prefix}-{position}",
            "type": call.type,
            "index": position,
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for position, call in enumerate(answer.tool_calls or ())
    ]


def _cut_message(message: dict[str, Any], budget: int) -> None:
    """Leave of a message what `budget` tokens reach, in the order a model writes: reasoning, content, calls."""
    for part in ("reasoning_content", "content"):
        if text := message.get(part):
            message[part] = cut(text, budget)
            budget -= count_tokens(text)
    kept = []
    for call in message.pop("tool_calls", ()):
        budget -= count_tokens(call["function"]["name"])
        if budget <= 0:
            break
        arguments = call["function"]["arguments"]
        kept.append(call | {"function": call["function"] | {"arguments": cut(arguments, budget)}})
        budget -= count_tokens(arguments)
    if kept:
        message["tool_calls"] = kept
