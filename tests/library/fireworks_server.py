"""A server on 127.0.0.1 that answers as a test says, wrong where it says so: late, half, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Seen:
    """A request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Answer:
    """What to send back: `body` as JSON unless it is bytes, `delay` seconds later, only `cut` bytes of it; or nothing."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None
    dropped: bool = False

    @property
    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Server:
    base: str
    seen: list[Seen]


def in_turn(answers: Iterable[Answer]) -> Callable[[Seen], Answer]:
    """One answer after the other."""
    remaining = iter(answers)
    return lambda seen: next(remaining)


@asynccontextmanager
async def serving(respond: Callable[[Seen], Answer]) -> AsyncIterator[Server]:
    """Answer every request with what `respond` makes of it, until the block is left."""
    server, tasks = Server("", []), set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await _exchange(reader, writer, respond, server.seen):
                pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        tasks.discard(asyncio.current_task())

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=500)
    server.base = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, respond: Callable[[Seen], Answer], seen: list[Seen]
) -> bool:
    """One request and its answer; False where the connection is to be closed."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    text = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
    seen.append(Seen(method, path, headers, text))
    answer = respond(seen[-1])
    await asyncio.sleep(answer.delay)
    if answer.dropped:
        return False
    sent = {"content-type": "application/json", "content-length": str(len(answer.payload)), **answer.headers}
    writer.write(f"HTTP/1.1 {answer.status} X\r\n".encode())
    writer.write("".join(f"{name}: {value}\r\n" for name, value in sent.items()).encode() + b"\r\n")
    writer.write(answer.payload if answer.cut is None else answer.payload[: answer.cut])
    await writer.drain()
    return answer.cut is None


def completion_body(content: str | None = "\\boxed{72}", **changes: Any) -> dict[str, Any]:
    """A chat completion; `changes` replace keys of its message."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1747612800,
        "model": "accounts/fireworks/models/qwen3-30b-a3b",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content, **changes}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 87, "completion_tokens": 311, "total_tokens": 398},
    }


def preview_body(scores: Iterable[float]) -> dict[str, Any]:
    """The results of a preview."""
    results = [
        {"success": True, "score": score, "perMetricEvals": {"math": {"score": score, "reason": "as boxed"}}}
        for score in scores
    ]
    return {"results": results, "totalSamples": len(results), "totalRuntimeMs": "123"}
