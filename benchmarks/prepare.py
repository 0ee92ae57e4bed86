"""Measures `prepare` and the memory it needs: rows a second and peak memory of a fresh process, few rows and many.

    python benchmarks/prepare.py [--rows N]

The rows are synthetic ones in the columns of gsm8k, one in ten a duplicate. Nothing is downloaded. Memory is flat
where the two peaks are close; what grows is on the disk, beside the dataset, and named too.
"""

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    del sys.path[0]  # run as a script, a neighbour of this file would hide the standard library's math

import argparse
import json
import random
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_FEW = 10_000
_THINGS = ("pencils", "marbles", "stamps", "ribbons", "lemons", "buttons", "tickets", "candles")


def records(rows: int) -> Iterator[dict[str, str]]:
    """Word problems of two steps; every tenth repeats an earlier prompt."""
    drawn = random.Random(4)
    for number in range(rows):
        told = number // 2 if number % 10 == 9 else number
        of_row = random.Random(told)
        boxes, each, given = of_row.randint(2, 60), of_row.randint(3, 900), of_row.randint(1, 5)
        thing = of_row.choice(_THINGS)
        whole = boxes * each
        working = (
            f"There are {boxes}*{each}=<<{boxes}*{each}={whole}>>{whole} {thing} in all.\n"
            f"Then {whole}-{given}=<<{whole}-{given}={whole - given}>>{whole - given} {thing} are left."
        )
        question = (
            f"Shop {told} buys {boxes} boxes with {each} {thing} each and gives {given} of them away. "
            f"How many {thing} are left?"
        )
        gold = f"{whole - given:,}" if drawn.random() < 0.5 else str(whole - given)
        yield {"question": question, "answer": f"{working}\n#### {gold}"}


def _write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records(rows))


def _measure(source: Path) -> None:
    """Prepare `source` in this process and say how it went, as JSON."""
    from reward_kit.prepare.build import build
    from reward_kit.prepare.declared import pipeline_of
    from reward_kit.prepare.settings import SourceSettings

    out = source.with_name("dataset.jsonl")
    journal = source.with_name(".dataset.jsonl.journal")
    largest = 0

    def look(done: int) -> None:
        nonlocal largest
        largest = max(largest, journal.stat().st_size if journal.exists() else 0)

    began = time.perf_counter()
    settings = SourceSettings(kind="jsonl", path=str(source), layout="gsm8k")
    report = build(pipeline_of(settings, Path()), out, look)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # KiB on Linux
    print(json.dumps({"read": report.read, "kept": report.kept, "seconds": seconds, "mib": peak, "journal": largest}))


def main() -> None:
    """Measure few rows and many, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure is not None:
        _measure(given.measure)
        return
    for rows in sorted({min(_FEW, given.rows), given.rows}):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "source.jsonl")
            _write(source, rows)
            command = [sys.executable, __file__, "--measure", str(source)]
            said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{said['read']:>9,} rows, {said['kept']:,} kept: {said['read'] / said['seconds']:,.0f} rows/s, "
            f"peak {said['mib']} MiB, journal on the disk {said['journal'] >> 20} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
