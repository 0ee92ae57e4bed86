"""What goes to Fireworks and what comes back, as values.

Formats: the chat completions and evaluator endpoints of https://docs.fireworks.ai/api-reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: In `httpx.Response.extensions`: who answered, where a cassette says so.
SOURCE = "rewardkit.source"
#: In `httpx.Request.extensions`: takes the `httpx.Response` and raises where it is no answer; then none is recorded.
READ = "rewardkit.read"
#: In the extensions of a response, and of the request: how often the request was sent again (int).
RETRIES = "rewardkit.retries"
#: How a stand-in server says that it is one: "1" for authored answers, "proxy" for those of a server behind it.
STAND_IN_HEADER = "x-rewardkit-standin"


class Source(StrEnum):
    """Who answered: the API, the stand-in server, a server behind it, or nobody anew (an older recording)."""

    LIVE = "live"
    STAND_IN = "stand-in"
    PROXY = "proxy"
    RECONSTRUCTED = "reconstructed"

    @classmethod
    def of_header(cls, value: str | None) -> Source:
        """The source that a response's STAND_IN_HEADER names."""
        if not value:
            return cls.LIVE
        return cls.PROXY if value == "proxy" else cls.STAND_IN


@dataclass(frozen=True, slots=True)
class Tag:
    """Which rows a request is for, and which try of the same request it is; recorded with it, never sent.

    A request carries it in `httpx.Request.extensions[Tag.KEY]`.
    """

    KEY = "rewardkit"

    row_ids: tuple[str, ...]
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat completion to ask for; `options` are further keys of the body (`top_p`, `reasoning_effort`, ...)."""

    model: str
    messages: tuple[Mapping[str, Any], ...]
    max_tokens: int
    temperature: float
    tools: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body, keys in a fixed order."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [dict(message) for message in self.messages],
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
        }
        if self.tools:
            body["tools"] = [dict(tool) for tool in self.tools]
        return body | dict(self.options)


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer: the assistant's message as it came, why it ended, and what it cost in tokens.

    `message` holds `role`, `content` and where given `reasoning_content` and `tool_calls`; `finish_reason` is "stop",
    "length" or "tool_calls"; token counts are None where the server sent none.
    """

    message: Mapping[str, Any]
    finish_reason: str | None
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    request_id: str | None = None
    source: Source = Source.LIVE

    @property
    def response(self) -> dict[str, Any]:
        """The message as a row's response: with the finish reason, which rewards read."""
        return {**self.message, "finish_reason": self.finish_reason}


@dataclass(frozen=True, slots=True)
class Evaluator:
    """A reward packaged for evaluation elsewhere: source files by path, and pip requirements with versions.

    `files` has one file `main.py` whose `evaluate(messages, ground_truth=None, tools=None, **kwargs)` returns a
    result as a dict.
    """

    name: str
    files: Mapping[str, str]
    requirements: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """What an evaluator said of one sample; `metrics` are its metrics as they came."""

    success: bool
    score: float | None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The results of one preview call, in the order of its samples."""

    results: tuple[PreviewResult, ...]
    total_samples: int
    total_runtime_ms: int
    source: Source = Source.LIVE


Samples = Sequence[Mapping[str, Any]]
