"""A soak of the sandbox: thousands of solutions in a row, with programs among them that end badly.

    python benchmarks/soak_sandbox.py [--solutions 10000] [--timeout 0.5] [--bad 0.2]

Half of the bad ones run into the wall limit; the others are fork bombs, thread bombs, memory bombs, output floods,
programs that fill their folder, stop themselves, or kill everyone. After each quarter: descriptors, processes below
this one, files in the temporary folder, memory of this process and of the fork server. Every verdict is checked.
Exit code 1 where anything leaks, grows, or is judged wrongly.

Fork and memory bombs run here: start it in a container, or after `python benchmarks/code.py --parts hostile`.
"""

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    sys.path.append(sys.path.pop(0))  # first, this folder's math.py would hide the standard library's

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

from reward_kit.rewards.code_execution import fractional_code_reward
from reward_kit.sandbox import require

#: Programs that end badly and the share of the bad ones that each has.
BAD = {
    "loop": (0.25, "def solve(n):\n    while True: pass"),
    "sleep": (0.25, "import time\ndef solve(n): time.sleep(1000)"),
    "fork bomb": (
        0.1,
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: break\ndef solve(n): return -1",
    ),
    "daemon": (
        0.05,
        "import os, time\ntry:\n    if os.fork() == 0:\n        os.setsid(); time.sleep(60)\nexcept OSError: pass\ndef solve(n): return -1",
    ),
    "thread bomb": (
        0.05,
        "import threading, time\ntry:\n    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nexcept RuntimeError: pass\ndef solve(n): return -1",
    ),
    "memory bomb": (0.1, "x = []\nwhile True: x.append(bytearray(1 << 24))"),
    "output flood": (0.05, "while True: print('x' * 100000)"),
    "full folder": (
        0.05,
        "i = 0\ntry:\n    while True:\n        open(f'f{i}', 'wb').write(b'x' * 100000); i += 1\nexcept OSError: pass\ndef solve(n): return -1",
    ),
    "stopped": (0.05, "import os\ndef solve(n): os.kill(os.getpid(), 19)\n"),
    "kill everyone": (0.05, "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\ndef solve(n): return -1"),
}
GOOD = "def solve(n):\n    return n * n\n"
TESTS = [{"args": [number], "kwargs": {}, "expected": number * number} for number in range(1, 5)]
#: MB that a process may grow from the first quarter to the end.
GROWTH = 4.0


@dataclass(frozen=True)
class State:
    """What this process holds."""

    descriptors: int
    processes: int
    files: int
    parent_mb: float
    server_mb: float

    @classmethod
    def now(cls) -> State:
        below = descendants()
        server = max((resident(pid) for pid in below), default=0.0)
        temporary = sum(1 for _ in os.scandir(tempfile.gettempdir()))
        return cls(len(os.listdir("/proc/self/fd")), len(below), temporary, resident(os.getpid()), server)


def descendants() -> list[int]:
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        waiting = [pid for pid, parent in parents.items() if parent in waiting]
        found += waiting
    return found


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def chosen(source: random.Random, bad: float) -> str:
    if source.random() >= bad:
        return "good"
    return source.choices(list(BAD), [share for share, _ in BAD.values()])[0]


def solve(kind: str, timeout: float) -> float:
    code = GOOD if kind == "good" else BAD[kind][1]
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": f"```python\n{code}\n```"}]
    limit = 4.0 if kind == "good" else timeout
    return float(fractional_code_reward(messages, TESTS, entry_point="solve", timeout=limit, total_timeout=limit).score)


def shown(name: str, state: State) -> None:
    print(
        f"{name:<22} {state.descriptors:>5} fds {state.processes:>3} processes {state.files:>5} files "
        f"{state.parent_mb:>7.1f} MB parent {state.server_mb:>7.1f} MB server",
        flush=True,
    )


def soak(options: argparse.Namespace) -> tuple[list[State], Counter[str], list[str]]:
    source, met, wrong = random.Random(options.seed), Counter[str](), []
    states = [State.now()]
    for number in range(1, options.solutions + 1):
        kind = chosen(source, options.bad)
        met[kind] += 1
        score = solve(kind, options.timeout)
        if score != float(kind == "good"):
            wrong.append(f"solution {number}, {kind}: {score}")
        if number % max(1, options.solutions // 4) == 0:
            states.append(State.now())
            shown(f"after {number}", states[-1])
    return states, met, wrong


def leaks(states: list[State]) -> list[str]:
    """What is more at the end than at the start, or grew since the first quarter."""
    start, first, end = states[0], states[1], states[-1]
    found = []
    for one in fields(State):
        before, after = getattr(first if one.name.endswith("_mb") else start, one.name), getattr(end, one.name)
        if after > before + (GROWTH if one.name.endswith("_mb") else 0):
            found.append(f"{one.name}: {before} -> {after}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solutions", type=int, default=10_000)
    parser.add_argument("--timeout", type=float, default=0.5, help="seconds that a bad program gets")
    parser.add_argument("--bad", type=float, default=0.2, help="share of programs that end badly")
    parser.add_argument("--tier", default="auto")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    require(options.tier)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        tempfile.tempdir = folder  # so that what others leave in the temporary folder is not counted
        for kind in ("good", "loop"):
            solve(kind, options.timeout)
        shown("start", State.now())
        start = time.monotonic()
        states, met, wrong = soak(options)
    print(f"{options.solutions:,} solutions in {time.monotonic() - start:.0f} s: {dict(met)}")
    for line in (*wrong[:10], *(found := leaks(states))):
        print(f"  {line}")
    print(f"{len(wrong)} wrong verdicts, {len(found)} leaks")
    return int(bool(wrong or found))


if __name__ == "__main__":
    sys.exit(main())
