"""A client behind a cassette, as the steps use one, for the tests of cassettes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx

from reward_kit.cassettes.cassette import Cassette, Mode
from reward_kit.cassettes.opening import open_cassette
from reward_kit.cassettes.transport import CassetteTransport
from reward_kit.fireworks.shapes import Tag

CHAT = "/inference/v1/chat/completions"


def body_of(row_id: str, **changed: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Answer."}, {"role": "user", "content": f"What is {row_id}?"}]
    return {"model": "accounts/fireworks/models/m", "messages": messages, "temperature": 0.2} | changed


async def ask(client: httpx.AsyncClient, row_id: str, attempt: int = 0, **changed: Any) -> httpx.Response:
    tag = Tag((row_id,), attempt)
    return await client.post(CHAT, json=body_of(row_id, **changed), extensions={Tag.KEY: tag})


def opened(path: Path, mode: Mode = Mode.NONE, only: Iterable[str] | None = None, **options: Any) -> Any:
    only = None if only is None else list(only)
    return open_cassette(path, suite="math", step="regenerate", mode=mode, only=only, **options)


def client(cassette: Cassette, base: str, inner: httpx.AsyncBaseTransport | None = None, **options: Any) -> Any:
    if inner is None and cassette.mode is not Mode.NONE:
        inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=20))
    return httpx.AsyncClient(base_url=base, transport=CassetteTransport(cassette, inner), timeout=60, **options)


def ask_all(path: Path, base: str, ids: Sequence[str], mode: Mode = Mode.NONE, **options: Any) -> list[str]:
    """Ask for every row at once; the contents of the answers, in the order of `ids`."""

    async def run() -> list[str]:
        # Recording, 20 at a time: httpcore's pool looks through all that wait in it for each that ends.
        places = asyncio.Semaphore(len(ids) if mode is Mode.NONE else 20)

        async def one(http: httpx.AsyncClient, row_id: str) -> httpx.Response:
            async with places:
                return await ask(http, row_id)

        with opened(path, mode, **options) as cassette:
            async with client(cassette, base) as http:
                answers = await asyncio.gather(*(one(http, row_id) for row_id in ids))
        return [answer.json()["choices"][0]["message"]["content"] for answer in answers]

    return asyncio.run(run())
