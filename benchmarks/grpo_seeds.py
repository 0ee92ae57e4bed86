r"""The smoke run's verdict over seeds: right rewards must pass every time, broken ones must be refused every time.

    python benchmarks/grpo_seeds.py [--suite cases/math] [--seeds 20] [--first 0] [--processes 2] [--out runs.jsonl]

A right reward is the suite's own, and the same with one verdict in five turned round. The broken ones are named in
`REWARDS`. Each seed draws its own rows and warms a model up once; every reward trains a copy of that model. The probe,
which calls the reward as TRL would, judges first and on its own, so that the table shows what training adds to it.

A run without a verdict, because the warm-up fell short, counts as a miss for a broken reward and as a false alarm for
a right one. Exit code 1 where there is a miss or a false alarm.
"""

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    del sys.path[0]  # run as a script, this folder's math.py would hide the standard library's

import argparse
import json
import multiprocessing
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reward_kit.gates import Decision
from reward_kit.grpo.curves import own_rise
from reward_kit.grpo.domains import DOMAINS, training_rows
from reward_kit.grpo.probe import probe
from reward_kit.grpo.shapes import Plan, Probe, Smoke, Training
from reward_kit.grpo.verdict import decide
from reward_kit.integrations.trl import to_trl
from reward_kit.models import Sample
from reward_kit.suite import Suite, load_suite

Values = list[float]
Reward = Callable[..., Values]
#: Parts of the verdict that training decides.
TRAINED = ("liveness", "group_signal", "own_reward", "margins")
#: Rows of a smoke run, as [grpo] has them by default.
ROWS = 8


def texts(completions: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    return [completion[0]["content"] for completion in completions]


def with_flips(right: Reward, rng: random.Random) -> Reward:
    return lambda **given: [value if rng.random() >= 0.2 else 1.0 - value for value in right(**given)]


def of_first_gold(right: Reward) -> Reward:
    def reward(ground_truth: list[Any], **given: Any) -> Values:
        return right(ground_truth=[ground_truth[0]] * len(ground_truth), **given)

    return reward


def rewards(right: Reward, seed: int) -> dict[str, Reward]:
    """Every reward by name; the random ones are seeded anew for each seed."""
    rng = random.Random(f"benchmark {seed}")
    return {
        "good": right,
        "good, 20 % flipped": with_flips(right, rng),
        "random uniform": lambda completions, **_: [rng.random() for _ in completions],
        "random binary": lambda completions, **_: [float(rng.random() < 0.35) for _ in completions],
        "inverted": lambda **given: [1.0 - value for value in right(**given)],
        "format only": lambda completions, **_: [float("\\boxed{" in text) for text in texts(completions)],
        "reversed order": lambda **given: right(**given)[::-1],
        "ground_truth[0]": of_first_gold(right),
        "length": lambda completions, **_: [min(1.0, len(text) / 60) for text in texts(completions)],
        "lenient substring": lambda completions, ground_truth, **_: [
            float(str(gold) in text) for text, gold in zip(texts(completions), ground_truth, strict=True)
        ],
        "constant 0": lambda completions, **_: [0.0] * len(completions),
        "constant 1": lambda completions, **_: [1.0] * len(completions),
    }


RIGHT = ("good", "good, 20 % flipped")


@dataclass(frozen=True)
class Run:
    """What became of one reward with one seed. `failed` are the parts of the verdict that training refused it by."""

    seed: int
    reward: str
    defects: list[str]
    inconclusive: bool
    failed: list[str]
    rise: float
    margin: float
    steps: int
    warm_up_steps: int
    coverage: float
    seconds: float
    memory_mb: int

    @property
    def refused(self) -> bool:
        return bool(self.defects or self.failed)


def end_with_parent(parent: int) -> None:
    """A worker in the middle of a seed would train on for minutes after its benchmark was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_seed(folder: Path, seed: int, names: Sequence[str]) -> list[Run]:
    """All rewards of one seed, on the same rows and copies of one warmed-up model."""
    from reward_kit.grpo.training.trainer import prepare, quiet

    quiet()
    suite = load_suite(folder)
    right: Any = to_trl(suite.load_reward(), range=(suite.scale.low, suite.scale.high))
    rows = training_rows(suite.rows, DOMAINS["math"], seed, ROWS, lambda samples: accepted(right, suite, samples))
    with tempfile.TemporaryDirectory() as work:
        plan = Plan(rows, suite.scale, Path(work) / "log", seed)
        start = prepare(plan, Path(work) / "model", lambda _: None)
        chosen = rewards(right, seed)
        return [one_run(name, chosen[name], plan, start) for name in names]


def accepted(right: Reward, suite: Suite, samples: Sequence[Sample]) -> list[bool]:
    given = {
        "prompts": [list(sample.row.prompt) for sample in samples],
        "completions": [[dict(sample.response)] for sample in samples],
        "ground_truth": [sample.row.ground_truth for sample in samples],
    }
    return [value is not None and value >= suite.scale.pass_at for value in right(**given)]


def one_run(name: str, reward: Any, plan: Plan, start: Any) -> Run:
    from reward_kit.grpo.training.trainer import train

    began = time.monotonic()
    seen = probe(reward, plan.rows, plan.generations, plan.scale)
    training = train(plan, [reward], None, lambda _: None, start)
    return judged(name, plan, seen, training, time.monotonic() - began)


def judged(name: str, plan: Plan, seen: Probe, training: Training, seconds: float) -> Run:
    parts = decide(Smoke(plan, (), None, training))  # without the probe: what training alone says
    return Run(
        seed=plan.seed,
        reward=name,
        defects=[defect.name for defect in seen.defects],
        inconclusive=not training.logs,
        failed=[part for part in TRAINED if parts[part].decision is Decision.FAILED],
        rise=own_rise(training.logs, plan.scale),
        margin=min((margin.rise for margin in training.margins), default=float("nan")),
        steps=training.steps,
        warm_up_steps=training.warm_up_steps,
        coverage=training.coverage,
        seconds=seconds,
        memory_mb=training.memory_mb,
    )


def is_wrong(run: Run) -> bool:
    """A false alarm for a right reward, a miss for a broken one; without a verdict it is either."""
    if run.reward in RIGHT:
        return run.refused or run.inconclusive
    return not run.refused


def table(runs: Sequence[Run]) -> list[str]:
    """One line a reward: its runs, and how many were refused by what."""
    layout = "{:<19} {:>4} {:>5} {:>5} {:>4} {:>5} {:>5}  {}"
    lines = [layout.format("reward", "runs", "probe", "train", "both", "incon", "wrong", "least margin, rise")]
    for name in dict.fromkeys(run.reward for run in runs):
        own = [run for run in runs if run.reward == name]
        counts = (
            len(own),
            sum(bool(run.defects) for run in own),
            sum(bool(run.failed) for run in own),
            sum(run.refused for run in own),
            sum(run.inconclusive for run in own),
            sum(map(is_wrong, own)),
        )
        lines.append(layout.format(name, *counts, spread(own)))
    return lines


def spread(runs: Sequence[Run]) -> str:
    trained = [run for run in runs if not run.inconclusive]
    if not trained:
        return "never trained"
    margins, rises = [run.margin for run in trained], [run.rise for run in trained]
    return f"{min(margins):+.2f}..{max(margins):+.2f}, {min(rises):+.2f}..{max(rises):+.2f}"


def report(runs: Sequence[Run], seconds: float) -> int:
    print("\n".join(table(runs)))
    false_alarms = sum(is_wrong(run) for run in runs if run.reward in RIGHT)
    misses = sum(is_wrong(run) for run in runs if run.reward not in RIGHT)
    broken = sum(run.reward not in RIGHT for run in runs)
    print(f"\nfalse alarms {false_alarms}/{len(runs) - broken}, misses {misses}/{broken}")
    print(f"by training alone: misses {sum(not run.failed for run in runs if run.reward not in RIGHT)}/{broken}")
    warm = [run.warm_up_steps for run in runs]
    print(
        f"warm-up {min(warm)}..{max(warm)} steps, coverage >= {min(run.coverage for run in runs):.2f}; "
        f"training {statistics.median(run.seconds for run in runs):.0f} s a run in the middle, "
        f"{max(run.memory_mb for run in runs)} MB at most; {seconds / 60:.1f} minutes in all"
    )
    return int(bool(false_alarms or misses))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, default=Path("cases/math"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", help="names of rewards, parted by semicolons; all of them without it")
    parser.add_argument("--out", type=Path, help="a file that gets one line of JSON a run, as it ends")
    options = parser.parse_args()
    every = list(rewards(lambda **_: [], 0))
    names = options.only.split(";") if options.only else every
    if unknown := [name for name in names if name not in every]:
        parser.error(f"no reward is called {unknown[0]!r}; there are {'; '.join(every)}")
    offline = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
    os.environ.update({"CUDA_VISIBLE_DEVICES": "", "TOKENIZERS_PARALLELISM": "false"} | dict.fromkeys(offline, "1"))
    began, runs = time.monotonic(), list[Run]()
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, spawning, initializer=end_with_parent, initargs=(os.getpid(),)) as pool:
        seeds = range(options.first, options.first + options.seeds)
        waiting = {pool.submit(run_seed, options.suite, seed, names): seed for seed in seeds}
        for done in as_completed(waiting):
            runs += done.result()
            wrong = [run.reward for run in done.result() if is_wrong(run)]
            print(f"seed {waiting[done]}: {', '.join(wrong) or 'all right'}", flush=True)
            if options.out is not None:
                with options.out.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(asdict(run)) + "\n" for run in done.result())
    order = {name: place for place, name in enumerate(every)}
    return report(sorted(runs, key=lambda run: (order[run.reward], run.seed)), time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
