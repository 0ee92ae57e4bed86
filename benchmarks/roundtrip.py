"""Counts the rows that `datasets` changes on their way through, beside those that `reward_kit` changes.

    python benchmarks/roundtrip.py --data DIR

DIR holds JSON lines in BFCL v4's columns (bfcl_v4_*.jsonl of ShishirPatil/gorilla). A row is changed where it does
not come back as the same JSON: keys in any order for `datasets`, keys it adds with null not counted; for
`reward_kit` order, types and all. Needs the extra `data`.
"""

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    del sys.path[0]  # run as a script, this folder's math.py would hide the standard library's

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from reward_kit.dataset import row_line
from reward_kit.errors import PrepareError
from reward_kit.models import Row
from reward_kit.prepare.exchange import from_dataset, to_dataset
from reward_kit.prepare.sources import JsonlSource


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with bfcl_v4_*.jsonl")
    files = sorted(parser.parse_args().data.glob("bfcl_v4_*.jsonl"))
    if not files:
        sys.exit("no bfcl_v4_*.jsonl in the folder: nothing was measured")
    print(f"{'file':32} {'rows':>5} {'datasets changes':>17} {'reward_kit changes':>19}")
    totals = [0, 0, 0]
    for file in files:
        records = [dict(record) for _, record in JsonlSource(file).records()]
        counts = [len(records), changed_by_datasets(file, records), changed_by_reward_kit(records)]
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        print(f"{file.stem:32} {counts[0]:5} {counts[1]:17} {counts[2]:19}")
    print(f"{'all':32} {totals[0]:5} {totals[1]:17} {totals[2]:19}")
    return int(totals[2] > 0)


def changed_by_datasets(file: Path, records: list[dict[str, Any]]) -> int:
    """Rows that its own JSON reader gives back with another value."""
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        loaded = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=cache)
        return sum(not same(record, read) for record, read in zip(records, loaded.to_list(), strict=True))


def same(before: Any, after: Any) -> bool:
    """Whether two JSON values are the same, but for keys that were added with null."""
    if isinstance(before, dict) and isinstance(after, dict):
        added = after.keys() - before.keys()
        return all(after[key] is None for key in added) and all(
            key in after and same(value, after[key]) for key, value in before.items()
        )
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(same, before, after))
    return type(before) is type(after) and before == after


def changed_by_reward_kit(records: list[dict[str, Any]]) -> int:
    """Rows that come back otherwise from to_dataset and from_dataset; all of them where it refuses."""
    rows = [as_row(record, line) for line, record in enumerate(records, start=1)]
    try:
        back = from_dataset(to_dataset(rows))
    except PrepareError as error:
        print(error, file=sys.stderr)
        return len(rows)
    return sum(row_line(row) != row_line(other) for row, other in zip(rows, back, strict=True))


def as_row(record: dict[str, Any], line: int) -> Row:
    """A BFCL record as a row: every column of it is in the row, so that any change shows."""
    columns = {name: value for name, value in record.items() if name not in ("id", "question")}
    gold = columns.pop("possible_answer", columns.pop("ground_truth", []))
    return Row(
        record["id"], tuple(record["question"][0]), gold, columns | {"question": json.dumps(record["question"])}, line
    )


if __name__ == "__main__":
    sys.exit(main())
