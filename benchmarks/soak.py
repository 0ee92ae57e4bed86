"""A soak of client and cassette: thousands of requests at once to a stand-in with faults, then replayed.

    python benchmarks/soak.py [--requests 5000] [--concurrency 100] [--faults 0.05]

Each request is for a row of its own, whose authored answer is right, wrong, unboxed or cut off in a known way. Counted
are rows without an interaction (lost), rows with two (duplicated), and rows that `math_reward` does not give the
outcome their answer was written for (wrong verdicts): while recording, and in the replay, for which there is no server.
Exit code 1 where any is not 0.
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
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reward_kit.cassettes.cassette import Cassette, Mode
from reward_kit.cassettes.format import CassetteFile, read_cassette
from reward_kit.cassettes.opening import open_cassette
from reward_kit.cassettes.transport import CassetteTransport
from reward_kit.errors import RewardKitError
from reward_kit.fireworks.account import Account
from reward_kit.fireworks.client import FireworksClient
from reward_kit.fireworks.retries import RetryPolicy
from reward_kit.fireworks.secrets import Key
from reward_kit.fireworks.shapes import ChatRequest, Completion, Tag
from reward_kit.fireworks.transport import live_transport
from reward_kit.rewards.math import math_reward
from reward_kit.standin import Answers, Fault, Kind, StandIn
from reward_kit.standin.server import Counts

#: Faults that a client must get over by itself, in equal shares.
KINDS = (Kind.TOO_MANY, Kind.ERROR, Kind.OVERLOADED, Kind.TRUNCATED_BODY, Kind.DROP_BEFORE)
KEY = "fw_soak_0123456789abcdef"


def gold(number: int) -> int:
    return number * 7 + 3


def authored(number: int) -> tuple[str, str]:
    """The answer to a row, and the outcome it was written for. Each holds a number that no other row's does."""
    thought = f"<think>\nSeven times {number}, and three more.\n</think>\n\n"
    kinds = {
        0: (f"{thought}\\boxed{{{gold(number) + 1}}}", "wrong_answer"),
        1: (f"<think>\nSeven times {number} is {number * 7}, and three", "truncated"),
        2: (f"{thought}I cannot say.", "no_answer"),
    }
    return kinds.get(number % 20, (f"{thought}It is \\boxed{{{gold(number)}}}.", "passed"))


def row_id(number: int) -> str:
    return f"row-{number:05}"


def prompt(number: int) -> tuple[Mapping[str, Any], ...]:
    return ({"role": "user", "content": f"What is 7 * {number} + 3?"},)


def write_answers(folder: Path, requests: int) -> Answers:
    dataset, answers = folder / "dataset.jsonl", folder / "answers.jsonl"
    with dataset.open("w") as rows, answers.open("w") as lines:
        for number in range(requests):
            row = {"id": row_id(number), "messages": prompt(number), "ground_truth": str(gold(number))}
            rows.write(json.dumps(row) + "\n")
            lines.write(json.dumps({"id": row_id(number), "answers": [{"content": authored(number)[0]}]}) + "\n")
    return Answers.load(answers, dataset)


def faulty(rate: float) -> list[Fault]:
    """Faults that together meet `rate` of the requests: of two that would meet one the first does."""
    left, faults = 1.0, []
    for kind in KINDS:
        share = rate / len(KINDS)
        faults.append(Fault(kind, rate=share / left, on="chat"))
        left -= share
    return faults


async def ask(client: FireworksClient, requests: int) -> list[Completion | RewardKitError]:
    async def one(number: int) -> Completion | RewardKitError:
        try:
            return await client.chat(ChatRequest("m", prompt(number), 400, 0.2), Tag((row_id(number),)))
        except RewardKitError as error:
            return error

    async with client:
        return await asyncio.gather(*map(one, range(requests)))


def record(path: Path, answers: Answers, options: argparse.Namespace) -> tuple[list[Any], Counts]:
    with StandIn(answers, faults=faulty(options.faults), seed=1, key=KEY) as server:
        account = Account(server.url, "soak", Key(KEY))
        with open_cassette(path, suite="soak", step="regenerate", mode=Mode.ALL, secrets=[KEY]) as cassette:
            transport = CassetteTransport(cassette, live_transport(account, RetryPolicy()))
            given = asyncio.run(ask(FireworksClient(account, transport, options.concurrency), options.requests))
        return given, server.counts


def replay(path: Path, options: argparse.Namespace) -> tuple[list[Any], Cassette]:
    account = Account(account_id="recorded")
    with open_cassette(path, suite="soak", step="regenerate") as cassette:
        client = FireworksClient(account, CassetteTransport(cassette), options.concurrency)
        return asyncio.run(ask(client, options.requests)), cassette


def wrong_verdicts(given: Sequence[Completion | RewardKitError]) -> list[str]:
    wrong = []
    for number, completion in enumerate(given):
        wanted = authored(number)[1]
        outcome = (
            f"{completion}"
            if isinstance(completion, RewardKitError)
            else str(math_reward([*prompt(number), completion.response], ground_truth=str(gold(number))).outcome)
        )
        if outcome != wanted:
            wrong.append(f"{row_id(number)}: {outcome}, written to be {wanted}")
    return wrong


def what_went_wrong(
    content: CassetteFile, played: Cassette, recorded: Sequence[Any], replayed: Sequence[Any], counts: Counts
) -> dict[str, int]:
    """How often each thing went wrong that must not."""
    filed = Counter(one.provenance.row_ids for one in content.interactions)
    every_row = {(row_id(number),) for number in range(len(recorded))}
    ordered = tuple(sorted(content.interactions, key=lambda one: one.order))
    retries = sum(one.provenance.retries for one in content.interactions)
    return {
        "lost": len(every_row - filed.keys()),
        "duplicated": sum(number > 1 for number in filed.values()) + len(filed.keys() - every_row),
        "out of order": int(content.interactions != ordered),
        "unused in the replay": len(played.unused()),
        "faults that are no retry in the cassette": abs(sum(counts.faults.values()) - retries),
        "wrong verdicts while recording": shown(wrong_verdicts(recorded)),
        "wrong verdicts in the replay": shown(wrong_verdicts(replayed)),
    }


def shown(lines: Sequence[str]) -> int:
    """How many lines there are; the first few are printed."""
    for line in lines[:3]:
        print(f"  {line}")
    return len(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--faults", type=float, default=0.05, help="share of the requests that meet a fault")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cassettes" / "soak" / "regenerate.jsonl"
        answers = write_answers(Path(folder), options.requests)
        times = [time.monotonic()]
        recorded, counts = record(path, answers, options)
        times.append(time.monotonic())
        replayed, played = replay(path, options)
        times.append(time.monotonic())
        content, leaked = read_cassette(path), path.read_text(encoding="utf-8").count(KEY)
    met, asked = sum(counts.faults.values()), sum(counts.requests.values())
    print(f"{options.requests:,} rows at concurrency {options.concurrency}: {asked:,} requests, {met} met a fault")
    print("  " + ", ".join(f"{kind} {number}" for (_, kind), number in sorted(counts.faults.items())))
    print(f"recorded in {times[1] - times[0]:.1f} s, replayed in {times[2] - times[1]:.1f} s")
    found = what_went_wrong(content, played, recorded, replayed, counts) | {"keys in the cassette": leaked}
    for what, number in found.items():
        print(f"{number:>6} {what}")
    if not met and options.faults:
        print("no request met a fault: this showed nothing")
        return 1
    return int(any(found.values()))


if __name__ == "__main__":
    sys.exit(main())
