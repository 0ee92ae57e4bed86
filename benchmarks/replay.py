"""Time to replay one request from cassettes of 100, 1,000 and 5,000 interactions, beside stock vcrpy.

    python benchmarks/replay.py [--stock 40] [--sizes 100,1000,5000]

All go through one httpx.AsyncClient, no network. Bodies are of the size of a regeneration (2 to 3 kB). A time is CPU
time of a request, over requests spread evenly over the cassette; loading is measured apart. Stock vcrpy matches on
method, URI and body, and is asked for --stock requests only: it looks through the whole cassette for each.
"""

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    del sys.path[0]  # run as a script, this folder's math.py would hide the standard library's

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import vcr
from vcr.request import Request
from vcr.serialize import serialize

from reward_kit.cassettes.format import cassette_lines
from reward_kit.cassettes.interaction import Interaction, Provenance, RecordedResponse, Source, compact
from reward_kit.cassettes.opening import open_cassette
from reward_kit.cassettes.scrubbing import Scrubber
from reward_kit.cassettes.transport import CassetteTransport
from reward_kit.fireworks.shapes import Tag

HOST, PATH = "https://api.fireworks.ai", "/inference/v1/chat/completions"
#: The promise: a request to 5,000 interactions within this factor of one to 100.
BAR = 1.5


def body_of(number: int) -> dict[str, Any]:
    question = f"Shop {number} sells pens at {number + 2} dollars. What do {number % 7 + 3} pens cost? " * 3
    messages = [{"role": "system", "content": "Think, then give the answer in a box."}]
    messages.append({"role": "user", "content": question})
    return {"model": "accounts/fireworks/models/m", "messages": messages, "max_tokens": 4000, "temperature": 0.2}


def answer_of(number: int) -> dict[str, Any]:
    text = f"<think>\n{'Let me see what it costs, step by step. ' * 45}</think>\n\n\\boxed{{{number}}}"
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": f"chatcmpl-{number}", "choices": [choice], "usage": {"completion_tokens": 500}}


def write_ours(path: Path, size: int) -> None:
    scrubber = Scrubber()
    interactions = []
    for number in range(size):
        request = scrubber.request("POST", PATH, (), compact(body_of(number)))
        came = Provenance((row_id(number),), 0, Source.STAND_IN, "127.0.0.1", "2026-01-01T00:00:00Z", "benchmark")
        response = RecordedResponse(200, {"content-type": "application/json"}, compact(answer_of(number)))
        interactions.append(Interaction(request, response, came))
    path.write_text("".join(line + "\n" for line in cassette_lines("math", "regenerate", interactions)))


def write_stock(path: Path, size: int, serializer: Any) -> None:
    requests, responses = [], []
    headers = {"content-type": ["application/json"]}
    for number in range(size):
        requests.append(Request("POST", HOST + PATH, compact(body_of(number)), {}))
        body = {"string": compact(answer_of(number))}
        responses.append({"status": {"code": 200, "message": "OK"}, "headers": headers, "body": body})
    path.write_text(serialize({"requests": requests, "responses": responses}, serializer))


def row_id(number: int) -> str:
    return f"row-{number:05}"


async def ask(client: httpx.AsyncClient, numbers: Iterable[int]) -> float:
    """Milliseconds of CPU for a request; each answer is checked."""
    numbers = list(numbers)
    began = time.process_time()
    for number in numbers:
        tag = {Tag.KEY: Tag((row_id(number),))}
        response = await client.post(HOST + PATH, content=compact(body_of(number)), extensions=tag)
        if response.json()["id"] != f"chatcmpl-{number}":
            sys.exit(f"request {number} got another's answer: nothing below would be worth anything")
    return (time.process_time() - began) / len(numbers) * 1000


def spread(size: int, count: int) -> list[int]:
    return [place * size // min(size, count) for place in range(min(size, count))]


def ours(path: Path, size: int, count: int) -> tuple[float, float]:
    async def run() -> tuple[float, float]:
        began = time.process_time()
        with open_cassette(path, suite="math", step="regenerate") as cassette:
            loaded = (time.process_time() - began) * 1000
            async with httpx.AsyncClient(transport=CassetteTransport(cassette)) as client:
                return loaded, await ask(client, spread(size, count))

    return min(asyncio.run(run()) for _ in range(2))[0], min(asyncio.run(run())[1] for _ in range(3))


def stock(path: Path, size: int, count: int, serializer: str) -> tuple[float, float]:
    async def run() -> tuple[float, float]:
        began = time.process_time()
        player = vcr.VCR(serializer=serializer, record_mode="none", match_on=["method", "uri", "body"])
        with player.use_cassette(str(path)):
            loaded = (time.process_time() - began) * 1000
            async with httpx.AsyncClient() as client:
                return loaded, await ask(client, spread(size, count))

    return asyncio.run(run())


def floor(count: int) -> float:
    """What httpx itself needs: the same requests to a transport that answers from a dictionary."""
    answers = {row_id(number): json.dumps(answer_of(number)).encode() for number in range(count)}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=answers[request.extensions[Tag.KEY].row_ids[0]])

    async def run() -> float:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            return await ask(client, range(count))

    return min(asyncio.run(run()) for _ in range(3))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100,1000,5000", help="numbers of interactions")
    parser.add_argument("--stock", type=int, default=40, help="requests to stock vcrpy; 0 leaves it out")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    print(f"httpx alone: {floor(100):.2f} ms a request")
    print(f"{'':22}{'interactions':>13}{'load ms':>10}{'ms/request':>12}{'of first':>10}{'of ours':>9}")
    mine: dict[int, float] = {}
    from vcr.serializers import jsonserializer, yamlserializer

    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            write_ours(path := Path(folder) / "ours.jsonl", size)
            loaded, mine[size] = ours(path, size, 1000)
            show("reward_kit", size, loaded, mine[size], mine[sizes[0]], mine[size])
        for name, serializer in (("json", jsonserializer), ("yaml", yamlserializer)) if options.stock else ():
            times: dict[int, float] = {}
            for size in sizes:
                write_stock(path := Path(folder) / f"stock.{name}", size, serializer)
                loaded, times[size] = stock(path, size, options.stock, name)
                show(f"vcrpy {vcr.__version__} {name}", size, loaded, times[size], times[sizes[0]], mine[size])
    ratio = mine[sizes[-1]] / mine[sizes[0]]
    print(f"{sizes[-1]:,} interactions cost {ratio:.2f} of {sizes[0]:,} (promised: {BAR})")
    return int(ratio > BAR)


def show(name: str, size: int, loaded: float, each: float, first: float, of_ours: float) -> None:
    print(f"{name:22}{size:>13,}{loaded:>10,.0f}{each:>12.2f}{each / first:>9.2f}x{each / of_ours:>8.1f}x", flush=True)


if __name__ == "__main__":
    sys.exit(main())
