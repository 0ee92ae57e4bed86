"""Measures `fractional_code_reward` on programs whose reward is known: hostile, honest, and labelled outputs of models.

    python benchmarks/code.py [--data DIR] [--parts hostile,honest,humaneval,labelled] [--tiers strong,good] [--only ID]

DIR holds public data (data/code/humaneval_164.jsonl, mbpp_py_397.jsonl, gpt_outputs_humaneval_mbpp.parquet) and
corpora of programs (bench/code/corpora/hostile.jsonl, honest.jsonl); what is not there is named and left out. This
folder's own hostile and honest programs are always measured. Hostile programs run in every form (calls, stdin with a
driver, assertions), in every tier, as root and as an ordinary user, and only inside the containers of hostile_world.py:
without bubblewrap they are left out, which fails the run. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    sys.path.append(sys.path.pop(0))  # first, this file would hide the standard library's code.py

import argparse
import importlib.util
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hostile_world import run_world, unavailable
from programs import (
    FORMS,
    Case,
    honest_case,
    hostile_case,
    humaneval_cases,
    jsonl,
    labelled_cases,
    own_programs,
)

PARTS = ("honest", "humaneval", "labelled", "hostile")
#: How many of the 889 labels have to agree: as many as a plain subprocess that runs them gives.
LABELLED_BAR = 881


def corpus(options: argparse.Namespace, name: str) -> list[dict[str, Any]]:
    """The given corpus and this folder's own, with ids that say which."""
    rows = [{**row, "id": f"own/{row['id']}"} for row in own_programs(name)]
    path = data(options, f"bench/code/corpora/{name}.jsonl")
    given = [{**row, "id": f"given/{row['id']}"} for row in jsonl(path)] if path else []
    return [row for row in given + rows if options.only in row["id"]]


def data(options: argparse.Namespace, name: str) -> Path | None:
    """A file of --data; None, and a word, where it is not there."""
    path = options.data / name if options.data else None
    if path is None or not path.exists():
        print(f"skipped: {name} is not there (--data)")
        return None
    return path


def given(case: Case, options: argparse.Namespace) -> tuple[float, str]:
    """The score of a case, here and not in a container: for programs that mean no harm."""
    from reward_kit.rewards.code_execution import fractional_code_reward

    result = fractional_code_reward(
        case.messages, case.ground_truth, timeout=options.timeout, total_timeout=20, **case.options
    )
    reasons = [
        metric.reason for metric in (result.metrics or {}).values() if not metric.is_score_valid or metric.score < 1
    ]
    return float(result.score), f"{result.outcome}: {result.reason} {reasons[:1]}"[:400]


def compared(name: str, cases: Iterable[Case], options: argparse.Namespace, bar: int | None = None) -> bool:
    """Grade `cases`, print each that differs from what is wanted, and say whether the bar is held (default: all)."""
    agree = number = 0
    start = time.monotonic()
    for case in cases:
        score, why = given(case, options)
        number += 1
        agree += (same := abs(score - case.wanted) < 1e-9)
        if not same:
            print(f"  {case.id} {case.kind} ({case.form}): {score:.3f}, wanted {case.wanted:.3f}; {why}", flush=True)
    held = agree >= (number if bar is None else bar)
    print(f"{name}: {agree} of {number} agree in {time.monotonic() - start:.0f} s{'' if held else '  MISSED'}")
    return held and number > 0


def honest(options: argparse.Namespace) -> bool:
    return compared("honest programs", map(honest_case, corpus(options, "honest")), options)


def humaneval(options: argparse.Namespace) -> bool:
    path = data(options, "data/code/humaneval_164.jsonl")
    if path is None:
        return True
    solved = compared("HumanEval, canonical solutions", limited(humaneval_cases(path), options), options)
    empty = compared("HumanEval, `pass`", limited(humaneval_cases(path, "    pass\n"), options), options)
    return solved and empty


def labelled(options: argparse.Namespace) -> bool:
    path = data(options, "data/code/gpt_outputs_humaneval_mbpp.parquet")
    if path is None or importlib.util.find_spec("pyarrow") is None:
        print("skipped: labelled outputs need pyarrow and --data")
        return True
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(path).to_pylist()
    cases = list(limited(labelled_cases(path.parent, rows), options))
    return compared("labelled outputs", cases, options, LABELLED_BAR if len(cases) == len(rows) else len(cases))


def limited(cases: Iterable[Case], options: argparse.Namespace) -> list[Case]:
    chosen = [case for case in cases if options.only in case.id]
    return chosen[:: max(1, len(chosen) // options.sample)] if options.sample else chosen


def hostile(options: argparse.Namespace) -> bool:
    if reason := unavailable():
        print(f"hostile programs: not run, {reason}")
        return False
    rows = corpus(options, "hostile")
    if options.sample:
        rows = rows[:: max(1, len(rows) // options.sample)]
    worlds = [(tier, user) for tier in options.tiers.split(",") for user in options.users.split(",")]
    return all([world(rows, tier, user, options) for tier, user in worlds])


def world(rows: Sequence[dict[str, Any]], tier: str, user: str, options: argparse.Namespace) -> bool:
    """Every hostile program in every form, in one tier and as one user: True where none got or did anything."""
    asked = options.forms.split(",")
    cases = [hostile_case(row, form) for row in rows for form in row.get("forms", FORMS) if form in asked]
    start, bad = time.monotonic(), 0
    for outcome in run_world(cases, tier, user, options.timeout):
        bad += bool(outcome.breaches)
        if outcome.breaches or options.verbose:
            print(
                f"  {outcome.id} ({outcome.form}, {outcome.seconds} s): {'; '.join(outcome.breaches[:4])} [{outcome.why}]",
                flush=True,
            )
    seconds = time.monotonic() - start
    print(
        f"hostile programs, {tier}, {user}: {len(cases) - bad} of {len(cases)} resisted in {seconds:.0f} s", flush=True
    )
    return not bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("REWARDKIT_DATA"))
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--tiers", default="strong,good")
    parser.add_argument("--users", default="root,rootless,ordinary")
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--only", default="", help="only programs whose id holds this text")
    parser.add_argument("--sample", type=int, default=0, help="about as many of each part (0: all)")
    parser.add_argument("--timeout", type=float, default=4.0, help="seconds a test may take")
    parser.add_argument("--verbose", action="store_true", help="print every hostile program's end")
    options = parser.parse_args()
    options.data = Path(options.data) if options.data else None
    parts = {"honest": honest, "humaneval": humaneval, "labelled": labelled, "hostile": hostile}
    return int(not all([parts[name](options) for name in options.parts.split(",")]))


if __name__ == "__main__":
    sys.exit(main())
