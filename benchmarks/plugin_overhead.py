"""What the plugin costs: per row against pytest.mark.parametrize, at start-up against pytest alone.

    python benchmarks/plugin_overhead.py --rows 10000 --repeats 5

Every figure is CPU time, user and system, of a pytest process and all it waited for (os.wait4 counts the plugin's
worker processes too: a check at the start proves it), the least of several runs that alternate between the variants.
Memory is the largest resident set in that tree. Exits with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: A row may cost this share of what a parametrized test costs.
ROW_BAR = 0.40
#: Pytest with the plugin and nothing for it to do may cost this much of pytest alone.
STARTUP_BAR = 1.15
#: CPU seconds one call burns to prove that worker processes are counted; far above the noise of a start.
BURNT = 1.5
#: Start-up ratios of peers, each a virtual environment of its own with whatever the peer makes pytest load.
PEERS = (("eval-protocol 0.3.33", 29.0), ("deepeval", 15.0))

REWARD = """\
import time

def always_right(messages, ground_truth, **kwargs):
    return 1.0

def burns_cpu(messages, ground_truth, **kwargs):
    end = time.process_time() + {burnt}
    while time.process_time() < end:
        pass
    return 1.0
"""
TRIVIAL_TEST = "def test_one():\n    assert True\n"
PARAMETRIZED_TEST = """\
import json
from pathlib import Path

import pytest
from bench_reward import always_right

ROWS = [json.loads(line) for line in Path(__file__).with_name("dataset.jsonl").open(encoding="utf-8")]

@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_row(row):
    assert always_right(row["messages"], row["ground_truth"]) >= 1.0
"""
SUITE = 'reward = "bench_reward:{reward}"\n\n[local]\npass_rate = 1.0\n'


@dataclass(frozen=True)
class Variant:
    """One way to run pytest: in which folder, with which arguments, and how many tests have to pass."""

    name: str
    folder: Path
    passes: int
    arguments: tuple[str, ...] = ()
    autoload: bool = False


@dataclass(frozen=True)
class Cost:
    """What a process tree took: CPU seconds, and the largest resident set of its processes in kB."""

    cpu: float
    peak: int


def least(costs: Sequence[Cost]) -> Cost:
    """The cost with the least disturbance, each part for itself."""
    return Cost(min(cost.cpu for cost in costs), min(cost.peak for cost in costs))


def run(variant: Variant) -> Cost:
    """Run pytest once.

    Raises:
        SystemExit: with pytest's output, where it did not pass as many tests as it should.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *variant.arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=variant.folder, env=environment(variant.autoload), stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    if process.returncode or f"\n{variant.passes} passed" not in printed:
        sys.exit(f"{variant.name}: expected {variant.passes} passed, got exit {process.returncode}\n{printed[-3000:]}")
    if usage.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        sys.exit(f"{variant.name}: its peak cannot be told from this process's, which Linux hands on through exec")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def environment(autoload: bool) -> dict[str, str]:
    """This environment without what would change pytest's plugins or have it compile every module anew."""
    dropped = {
        "PYTHONDONTWRITEBYTECODE",
        "PYTEST_ADDOPTS",
        "PYTEST_PLUGINS",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    }
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept if autoload else kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def alternate(variants: Sequence[Variant], repeats: int) -> dict[str, Cost]:
    """Run all variants in turn, `repeats` times after a warm-up; the least cost of each by name."""
    found: dict[str, list[Cost]] = {variant.name: [] for variant in variants}
    for repeat in range(repeats + 1):
        for variant in variants:
            cost = run(variant)
            if repeat:  # the first one fills the caches of pytest, of Python and of the system
                found[variant.name].append(cost)
    return {name: least(costs) for name, costs in found.items()}


# What is run


def rows(count: int) -> Iterator[str]:
    """Lines of a dataset.jsonl about as long as grade-school word problems are."""
    for number in range(count):
        question = f"Lena packs {number} boxes with 12 pencils each and sells a third of them. " * 3
        worked = f"There are {number} * 12 = {number * 12} pencils. " * 4 + f"\\boxed{{{number * 4}}}"
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": worked}]
        yield json.dumps({"id": f"row-{number:05d}", "messages": messages, "ground_truth": str(number * 4)})


def new_folder(base: Path, name: str, files: dict[str, str], dataset: str = "", count: int = 0) -> Path:
    """A folder that is a pytest rootdir of its own, with `files` and a dataset of `count` rows where one is named."""
    folder = base / name
    for path, text in (files | {"pytest.ini": "[pytest]\n"}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    if dataset:
        with (folder / dataset).open("w", encoding="utf-8") as file:  # row by row: see the check in `run`
            file.writelines(line + "\n" for line in rows(count))
    return folder


def suite_variant(base: Path, name: str, reward: str, count: int) -> Variant:
    """A suite with the one step [local]: `count` rows and a gate."""
    files = {
        "cases/bench/suite.toml": SUITE.format(reward=reward),
        "cases/bench/bench_reward.py": REWARD.format(burnt=BURNT),
    }
    arguments = ("-p", "pytest_rewardkit.plugin", "--rk-suite=bench")
    folder = new_folder(base, name, files, "cases/bench/dataset.jsonl", count)
    return Variant(name, folder, count + 1, arguments)


def row_variants(base: Path, count: int) -> list[Variant]:
    """The same rows and the same reward as one bare test, as parametrized tests and as a suite."""
    files = {"test_rows.py": PARAMETRIZED_TEST, "bench_reward.py": REWARD.format(burnt=BURNT)}
    return [
        Variant("bare", new_folder(base, "bare", {"test_one.py": TRIVIAL_TEST}), 1),
        Variant("parametrize", new_folder(base, "parametrize", files, "dataset.jsonl", count), count),
        suite_variant(base, "suite", "always_right", count),
    ]


def startup_variants(base: Path) -> list[Variant]:
    """One trivial test: pytest alone, with this plugin, and with all that a core install makes pytest load."""
    folder = new_folder(base, "startup", {"test_one.py": TRIVIAL_TEST})
    blocked = tuple(argument for name in foreign_plugins() for argument in ("-p", f"no:{name}"))
    return [
        Variant("bare", folder, 1),
        Variant("plugin", folder, 1, ("-p", "pytest_rewardkit.plugin")),
        Variant("core install", folder, 1, blocked, autoload=True),
    ]


def core_distributions() -> set[str]:
    """The distributions that installing the project without extras brings, by pyproject.toml beside this folder."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found, waiting = {canonicalize_name(project["name"])}, [(text, "") for text in project["dependencies"]]
    seen = set()
    while waiting:
        text, extra = waiting.pop()
        needed = Requirement(text)
        if needed.marker and not needed.marker.evaluate({"extra": extra}):
            continue
        found.add(name := canonicalize_name(needed.name))
        for asked in ("", *needed.extras):
            if (name, asked) not in seen:
                seen.add((name, asked))
                waiting += [(line, asked) for line in metadata.requires(name) or ()]
    return {str(name) for name in found}


def plugins(core: bool) -> list[str]:
    """The names of the pytest plugins installed here that belong to a core install, or that do not."""
    known = core_distributions()
    owners = {e.name: canonicalize_name(e.dist.name) for e in metadata.entry_points(group="pytest11") if e.dist}
    return sorted(name for name, owner in owners.items() if (owner in known) is core)


def foreign_plugins() -> list[str]:
    """The plugins installed here that a core install would not load."""
    return plugins(core=False)


# What is found


def check_workers_are_counted(base: Path) -> None:
    """Stop where CPU time that a reward burns in a worker process does not show in the tree's."""
    idle, busy = (run(suite_variant(base, reward, reward, 1)).cpu for reward in ("always_right", "burns_cpu"))
    if busy - idle < 0.8 * BURNT:
        sys.exit(f"a reward burnt {BURNT} s of CPU time and {busy - idle:.2f} s show: workers are not counted")
    print(f"check: a reward that burns {BURNT} s in a worker shows as {busy - idle:.2f} s")


def report_rows(costs: dict[str, Cost], count: int) -> float:
    """Print the cost of a row above a bare run; return the suite's in parts of parametrize's."""
    bare = costs["bare"]
    print(f"\n{count} rows, trivial reward{'':<15} {'CPU s':>8} {'us/row':>8} {'peak MB':>8} {'kB/row':>7}")
    print(f"  {'pytest, one test':<36} {bare.cpu:>8.2f} {'-':>8} {bare.peak / 1024:>8.0f} {'-':>7}")
    for name, shown in (("parametrize", "parametrize"), ("suite", "--rk-suite")):
        cost = costs[name]
        each, memory = (cost.cpu - bare.cpu) / count * 1e6, (cost.peak - bare.peak) / count
        print(f"  {shown:<36} {cost.cpu:>8.2f} {each:>8.0f} {cost.peak / 1024:>8.0f} {memory:>7.1f}")
    ratio = (costs["suite"].cpu - bare.cpu) / (costs["parametrize"].cpu - bare.cpu)
    print(f"  {'a row, in parts of parametrize':<36} {ratio:>8.2f}   {judged(ratio, ROW_BAR)}")
    return ratio


def report_startup(costs: dict[str, Cost], repeats: int) -> float:
    """Print what start-up costs; return the plugin's in parts of bare pytest's."""
    bare = costs["bare"].cpu
    print(f"\nstart-up, one trivial test, min of {repeats:<3} {'CPU ms':>9} {'ratio':>8} {'peak MB':>8}")
    for name, shown in (
        ("bare", "pytest"),
        ("plugin", "+ this plugin"),
        ("core install", "+ a core install's"),
    ):
        cost = costs[name]
        print(f"  {shown:<36} {cost.cpu * 1e3:>8.0f} {cost.cpu / bare:>8.2f} {cost.peak / 1024:>8.0f}")
    for peer, ratio in PEERS:
        print(f"  {peer + ' (measured apart)':<36} {'':>8} {ratio:>8.0f}")
    print(f"  a core install autoloads: {', '.join(plugins(core=True))}")
    ratio = costs["plugin"].cpu / bare
    print(f"  {'with this plugin, in parts of pytest':<36} {ratio:>8.2f}   {judged(ratio, STARTUP_BAR)}")
    return ratio


def judged(ratio: float, bar: float) -> str:
    """The bar, and whether it is held."""
    return f"(bar {bar:.2f}: {'held' if ratio <= bar else 'MISSED'})"


def main() -> int:
    """Measure, print, and say by the exit code whether both bars are held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000, help="rows of the dataset (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="runs over the rows (default: %(default)s)")
    parser.add_argument("--startups", type=int, default=20, help="runs of one test (default: %(default)s)")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, pytest {metadata.version('pytest')}, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory(prefix="rk-bench-") as folder:
        base = Path(folder)
        check_workers_are_counted(base)
        per_row = report_rows(alternate(row_variants(base, options.rows), options.repeats), options.rows)
        startup = report_startup(alternate(startup_variants(base), options.startups), options.startups)
    return int(per_row > ROW_BAR or startup > STARTUP_BAR)


if __name__ == "__main__":
    sys.exit(main())
