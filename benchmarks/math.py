"""Measures `math_reward` beside Math-Verify, TRL's configuration of it and verl's math_reward, interleaved
in one run.

    python benchmarks/math.py --data DIR [--corpora DIR] [--rows N]

DIR holds the public data sets (gsm8k_test_model_solutions.parquet, qwen2.5-math_MATH_100x8.parquet,
math500.jsonl, hardverify_half.jsonl, seed/); --corpora holds labelled cases (hand.jsonl, dos.jsonl: gold,
response, expect). What is not there is named and left out, and so is a peer that is not installed:

    pip install "math-verify[antlr4_13_2]==0.9.0" pyarrow
"""

# Tables and expressions read better in one line.

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    del sys.path[0]  # run as a script, this file would hide the standard library's math

import argparse
import importlib.metadata
import importlib.util
import json
import logging
import os
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reward_kit.rewards import math as math_module

Grader = Callable[[str, str], bool]
grade = math_module.math_reward
# The graders take turns after every call, which leaves each one cold caches, and after as many calls as a GRPO
# group has, which a reward grades in a row.
_BLOCKS = {"call by call": 1, "in blocks of 16": 16}
NO_ROWS: list[dict[str, Any]] = []


# --------------------------------------------------------------------------------------------------- graders
def ours(profile: str) -> Grader:
    """The public call, in one profile."""
    return lambda gold, response: (
        grade([{"role": "assistant", "content": response}], ground_truth=gold, profile=profile).score == 1.0
    )


def peers() -> dict[str, Grader]:
    """Every peer that can be imported; the others are named."""
    found: dict[str, Grader] = {}
    for name, build in (("Math-Verify", _math_verify), ("TRL config", _trl_configuration), ("verl", _verl)):
        try:
            found[name] = build()
        except ImportError as error:
            print(f"{name}: not measured, {error}")
    return found


def _math_verify() -> Grader:
    from math_verify import parse, verify

    print("Math-Verify", importlib.metadata.version("math-verify"))
    return lambda gold, response: bool(verify(parse(f"\\boxed{{{gold}}}"), parse(response)))


def _trl_configuration() -> Grader:
    """As trl/rewards/accuracy_rewards.py calls Math-Verify; its gold is LaTeX in dollar signs."""
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse, verify

    normal = NormalizationConfig(units=True)
    config = LatexExtractionConfig(
        normalization_config=normal, boxed_match_priority=0, try_extract_without_anchor=False
    )

    def accept(gold: str, response: str) -> bool:
        expected = parse(f"${gold}$")
        answer = parse(response, extraction_config=[config], extraction_mode="first_match")
        return bool(expected) and bool(verify(expected, answer))

    return accept


def _verl() -> Grader:
    """verl's MATH default; the one file is loaded without the package, which would import torch."""
    spec = importlib.util.find_spec("verl")
    roots = list(spec.submodule_search_locations or []) if spec else []
    for root in roots:
        for name in ("math_reward.py", "math.py"):
            path = Path(root) / "utils" / "reward_score" / name
            if path.exists():
                file_spec = importlib.util.spec_from_file_location("verl_math_reward", path)
                assert file_spec is not None
                assert file_spec.loader is not None
                module = importlib.util.module_from_spec(file_spec)
                file_spec.loader.exec_module(module)
                return lambda gold, response: float(module.compute_score(response, gold)) == 1.0
    raise ImportError("verl is not installed")


# ------------------------------------------------------------------------------------------------------ data
def jsonl(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file, none (and a word) where it is missing."""
    if not path.exists():
        print(f"skipped: {path} is not there")
        return NO_ROWS
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def parquet(path: Path) -> list[dict[str, Any]]:
    """The rows of a parquet file, none (and a word) where it or pyarrow is missing."""
    if not path.exists() or importlib.util.find_spec("pyarrow") is None:
        print(f"skipped: {path} or pyarrow is not there")
        return NO_ROWS
    from pyarrow.parquet import read_table

    rows: list[dict[str, Any]] = read_table(path).to_pylist()
    return rows


# -------------------------------------------------------------------------------------------------- measures
def accept(grader: Grader, gold: str, response: str) -> bool:
    """A grader's verdict; a peer that raises does not accept."""
    try:
        return grader(gold, response)
    except Exception:  # noqa: BLE001  # peers raise anything; the table counts verdicts
        return False


def confusion(graders: dict[str, Grader], cases: list[tuple[str, str, bool]]) -> dict[str, Counter[str]]:
    """False positives and negatives of each grader, case by case in turn."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in graders}
    for gold, response, expected in cases:
        for name, grader in graders.items():
            verdict = accept(grader, gold, response)
            counts[name]["n"] += 1
            counts[name]["positives"] += expected
            counts[name]["FP"] += verdict and not expected
            counts[name]["FN"] += expected and not verdict
    return counts


def show(title: str, bar: str, values: dict[str, str]) -> None:
    """One measure: what is asked for, then each grader's figure."""
    print(f"\n{title}   [bar: {bar}]")
    for name, value in values.items():
        print(f"  {name:14} {value}")


def rates(counts: dict[str, Counter[str]]) -> dict[str, str]:
    """Counts as a line of text."""
    texts = {}
    for name, c in counts.items():
        recall = 100 * (1 - c["FN"] / max(1, c["positives"]))
        agree = 100 * (1 - (c["FP"] + c["FN"]) / max(1, c["n"]))
        texts[name] = f"{c['FP']} FP, recall {recall:.1f} %, agrees on {agree:.2f} % of {c['n']}"
    return texts


def measure_speed(name: str, graders: dict[str, Grader], cases: list[tuple[str, str]]) -> None:
    for turns, block in _BLOCKS.items():
        show(f"speed on {name}, {turns}", ">= 30x", speed(graders, cases, block))


def speed(graders: dict[str, Grader], cases: list[tuple[str, str]], block: int) -> dict[str, str]:
    """Median and total time of each grader, after a warm-up, in blocks of calls that take turns."""
    times: dict[str, list[float]] = {name: [] for name in graders}
    for grader in graders.values():
        for gold, response in [*cases[:20], (r"2\sqrt{3}", r"\boxed{\sqrt{12}}")]:
            accept(grader, gold, response)
    for start in range(0, len(cases), block):
        for name, grader in graders.items():
            for gold, response in cases[start : start + block]:
                started = time.perf_counter()
                accept(grader, gold, response)
                times[name].append(time.perf_counter() - started)
    own_median, own_total = statistics.median(times["reward-kit"]), sum(times["reward-kit"])
    return {
        name: f"median {1e6 * statistics.median(each):8.1f} us ({statistics.median(each) / own_median:5.1f}x), "
        f"total {sum(each):7.3f} s ({sum(each) / own_total:5.1f}x)"
        for name, each in times.items()
    }


def perturbations(gold: str) -> Iterator[str]:
    """Wrong answers near a gold: another number in it, its negative, a sum, a hedge."""
    for number in list(re.finditer(r"\d+", gold))[:2]:
        for changed in (str(int(number.group()) + 1), number.group() + "7"):
            yield gold[: number.start()] + changed + gold[number.end() :]
    if re.search(r"[1-9]|\\pi|[a-z]", gold):
        yield f"{gold} \\text{{ or }} 98765"
        yield f"{gold}, 98765"
    yield f"98765+({gold})"
    yield f"\\text{{not }} {gold}"


def other_threads_tick(seconds_of_work: Callable[[], float]) -> tuple[float, int]:
    """The slowest piece of work, and how often another thread ran meanwhile."""
    ticks = 0
    working = True

    def tick() -> None:
        nonlocal ticks
        while working:
            ticks += 1
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    slowest = seconds_of_work()
    working = False
    thread.join()
    return slowest, ticks


def slowest_case(cases: list[dict[str, Any]]) -> float:
    """The longest time that one case takes."""
    slowest = 0.0
    for case in cases:
        started = time.perf_counter()
        ours("strict")(case["gold"], case["response"])
        slowest = max(slowest, time.perf_counter() - started)
    return slowest


# ------------------------------------------------------------------------------------------------------ main
def measure_hand(graders: dict[str, Grader], corpora: Path) -> None:
    for name in ("hand", "fresh", "fresh-swap"):
        path = corpora / f"{name}.jsonl"
        if name != "hand" and not path.exists():
            continue
        cases = [(row["gold"], row["response"], row["expect"]) for row in jsonl(path)]
        if cases:
            show(f"labelled cases `{name}`", "0 FP, recall >= 99.5 %", rates(confusion(graders, cases)))
    cases = jsonl(corpora / "dos.jsonl")
    if cases:
        wrong = sum(ours("strict")(row["gold"], row["response"]) and not row["expect"] for row in cases)
        slowest, ticks = other_threads_tick(lambda: slowest_case(cases))
        text = f"slowest {slowest:.2f} s, {wrong} FP, another thread ran {ticks} times"
        show("hostile cases `dos`", "<= 1 s each; the process answers meanwhile", {"reward-kit": text})


def measure_data(graders: dict[str, Grader], data: Path, limit: int) -> None:
    gsm8k = parquet(data / "gsm8k_test_model_solutions.parquet")[:limit]
    lenient = {**graders, "reward-kit": ours("lenient")}
    if gsm8k:
        cases = [(row["gold"], row["response"], row["label_correct"]) for row in gsm8k]
        show("GSM8K model solutions, lenient", "100 %", rates(confusion(lenient, cases)))
        measure_speed("GSM8K", lenient, [case[:2] for case in cases[:800]])
    qwen = parquet(data / "qwen2.5-math_MATH_100x8.parquet")[:limit]
    if qwen:
        # Problem 3 has a mangled gold (4:30p..); in problem 72, sample 7, the label misses 10{,}000 = 10000.
        right = [row for row in qwen if row["problem_idx"] != 3 and (row["problem_idx"], row["sample"]) != (72, 7)]
        cases = [(row["gold"], row["response"], row["label_correct"]) for row in right]
        show("Qwen on MATH, rows with a right label", "all agree", rates(confusion(graders, cases)))
        for row in qwen:
            if row not in right:
                result = grade([{"role": "assistant", "content": row["response"]}], ground_truth=row["gold"])
                print(f"  wrong label: problem {row['problem_idx']}, sample {row['sample']}: {result.reason}")
        measure_speed("Qwen", graders, [case[:2] for case in cases])


def measure_golds(graders: dict[str, Grader], data: Path) -> None:
    golds = [row["answer"] for row in jsonl(data / "math500.jsonl")]
    own = {name: grader for name, grader in graders.items() if name in ("reward-kit", "Math-Verify")}
    if golds:
        itself = [(gold, f"\\boxed{{{gold}}}", True) for gold in golds]
        show("MATH-500 golds accept themselves", "500 of 500", rates(confusion(own, itself)))
        wrong = [(gold, f"\\boxed{{{other}}}", False) for gold in golds for other in list(perturbations(gold))[:5]]
        show("MATH-500 golds, five wrong answers each", "0 FP", rates(confusion(own, wrong)))
    hard = jsonl(data / "hardverify_half.jsonl")
    if hard:
        pairs = [(row["ground_truth"], f"\\boxed{{{row['fn_output']}}}", True) for row in hard]
        pairs += [(row["ground_truth"], f"\\boxed{{{row['tn_output']}}}", False) for row in hard]
        show("HardVerify, half", "sensitivity >= 72 %, <= 1 false accept", rates(confusion(graders, pairs)))
        for gold, response, expected in pairs:
            result = grade([{"role": "assistant", "content": response}], ground_truth=gold)
            if expected and result.score == 0.0:
                print(f"  refused ({refusal(gold, response)}): {result.reason}")


def refusal(gold: str, response: str) -> str:
    """Why a right pair is refused: the gold is rounded, in prose, or damaged."""
    if re.fullmatch(r"[$\s]*-?\d+\.?\d*\s*(?:\\?%)?[$\s]*", gold) or re.search(r"\d\.\d", response):
        return "rounded"
    if len(re.findall(r"[A-Za-z]{3,}", re.sub(r"\\[A-Za-z]+", "", gold + response))) > 3:
        return "prose"
    return "damaged gold" if math_module.audit_gold(gold) else "other form"


def measure_seed(data: Path) -> None:
    labels, recorded = (
        jsonl(data / "seed/gsm8k_labels_100.jsonl"),
        jsonl(data / "seed/gsm8k_qwen3-30b-a3b_recorded_100.jsonl"),
    )
    outcomes: Counter[str] = Counter()
    for label, row in zip(labels, recorded, strict=True):
        message = {"role": "assistant", "content": row["regenerated_content"]}
        outcomes[str(grade([message], ground_truth=label["gold_in_source"]).outcome)] += 1
    if outcomes:
        show("recorded GSM8K answers, corrected golds", "93, 6, 1", {"reward-kit": str(dict(outcomes))})


def main() -> None:
    """Print every measure for which there are data."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=os.environ.get("REWARDKIT_DATA"))
    arguments.add_argument("--corpora", type=Path)
    arguments.add_argument("--rows", type=int, default=10**9, help="at most this many rows of each data set")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    if options.data is None and options.corpora is None:
        sys.exit("skipped: name the data with --data DIR (or REWARDKIT_DATA) and --corpora DIR")
    graders = {"reward-kit": ours("strict"), **peers()}
    if options.corpora is not None:
        measure_hand(graders, options.corpora)
    if options.data is not None:
        measure_data(graders, Path(options.data), options.rows)
        measure_golds(graders, Path(options.data))
        measure_seed(Path(options.data))


if __name__ == "__main__":
    main()
