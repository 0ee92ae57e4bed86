"""The symbolic worker as users meet it: threads, event loops, forks, deadlines, an armed timer."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reward_kit.models import Outcome
from reward_kit.rewards import math as math_module
from reward_kit.rewards._math import worker
from reward_kit.rewards._math.expression import Expr, num
from reward_kit.rewards._math.worker import DEADLINE, POOL, Prover, Worker

ROOT = Path(__file__).resolve().parents[2]
grade = getattr(math_module.math_reward, "__wrapped__", math_module.math_reward)

# Each of these needs the symbolic layer.
SYMBOLIC = [
    (r"2\sqrt{3}", r"\sqrt{12}", True),
    (r"2\sqrt{3}", r"\sqrt{13}", False),
    (r"\sin 2x", r"2\sin x\cos x", True),
    (r"\sin 2x", r"\sin x\cos x", False),
    (r"\sqrt{5+2\sqrt6}", r"\sqrt2+\sqrt3", True),
    (r"\cos 36^\circ", r"\frac{1+\sqrt5}{4}", True),
]


def passes(gold: str, answer: str) -> bool:
    result = grade([{"role": "assistant", "content": f"\\boxed{{{answer}}}"}], ground_truth=gold)
    assert result.outcome in (Outcome.PASSED, Outcome.WRONG_ANSWER)
    return result.score == 1.0


def verdicts() -> list[bool]:
    return [passes(gold, answer) for gold, answer, _ in SYMBOLIC]


EXPECTED = [equal for *_, equal in SYMBOLIC]


def endless() -> Expr:
    """A sum whose terms take seconds: only a kill ends it."""
    body = Expr("sum", (Expr("pow", (Expr("sym", name="j"), num(4_001))), Expr("sym", name="j"), num(1), num(3_000)))
    return Expr("sum", (body, Expr("sym", name="k"), num(1), num(3_000)))


def test_verdicts_in_the_main_thread():
    assert verdicts() == EXPECTED


def test_four_threads_at_once_get_the_same_verdicts():
    with ThreadPoolExecutor(4) as threads:
        results = [future.result() for future in [threads.submit(verdicts) for _ in range(12)]]
    assert results == [EXPECTED] * 12


def test_an_event_loop_gets_the_same_verdicts():
    async def grade_in_the_loop() -> list[bool]:
        return verdicts()

    assert asyncio.run(grade_in_the_loop()) == EXPECTED


def test_a_timer_of_the_user_stays_armed():
    before = signal.getsignal(signal.SIGALRM)
    rung: list[int] = []
    signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 30.0)
    try:
        assert verdicts() == EXPECTED
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 20.0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert not rung


def test_a_forked_child_gets_the_same_verdicts_and_leaves_the_parents_worker_alone():
    # A program of its own: pytest's threads are none of a fork's business.
    program = f"""
import os, sys
sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
import test_math_worker as story
assert story.verdicts() == story.EXPECTED
child = os.fork()
if child == 0:
    os._exit(0 if story.verdicts() == story.EXPECTED else 1)
assert os.waitpid(child, 0)[1] == 0
assert story.verdicts() == story.EXPECTED
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_a_request_past_its_deadline_is_undecided_and_costs_the_next_one_nothing():
    assert verdicts() == EXPECTED
    prover = Prover()
    started = time.monotonic()
    assert prover.identical(endless(), num(1)) is None
    assert prover.timed_out
    assert time.monotonic() - started < DEADLINE + 0.5
    started = time.monotonic()
    assert verdicts() == EXPECTED
    assert time.monotonic() - started < 5.0, "a fresh worker starts where the spare one is not ready yet"


def test_all_comparisons_of_one_grade_share_one_deadline():
    prover = Prover(0.2)
    started = time.monotonic()
    for _ in range(5):
        assert prover.identical(endless(), num(1)) is None
    assert time.monotonic() - started < 8.0


def test_other_threads_work_while_a_worker_is_busy():
    ticks = 0
    running = threading.Event()
    running.set()

    def tick() -> None:
        nonlocal ticks
        while running.is_set():
            ticks += 1
            time.sleep(0.01)

    ticker = threading.Thread(target=tick)
    ticker.start()
    Prover().identical(endless(), num(1))
    running.clear()
    ticker.join()
    assert ticks > 20


def test_a_worker_ends_with_its_parent():
    program = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}]
from reward_kit.rewards._math.worker import POOL, Prover
from reward_kit.rewards._math.expression import Expr, num
Prover().identical(Expr("root", (num(12), num(2))), Expr("root", (num(3), num(2))))
root = lambda n: Expr("root", (num(n), num(2)))
assert Prover().identical(root(12), Expr("mul", (num(2), root(3)))) is True
print(*(idle.process.pid for idle in POOL._idle), flush=True)
import os; os._exit(0)  # no atexit: as after SIGKILL
"""
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    pids = [int(pid) for pid in output.stdout.split()]
    assert pids
    deadline = time.monotonic() + 20
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_worker_that_cannot_start_is_an_error_and_no_verdict(monkeypatch: pytest.MonkeyPatch):
    POOL.close()
    monkeypatch.setattr(worker, "_SERVER", "reward_kit.rewards._math.no_such_module")
    result = grade([{"role": "assistant", "content": r"\boxed{\sqrt{12}}"}], ground_truth=r"2\sqrt{3}")
    POOL.close()
    assert result.outcome is Outcome.INFRA_ERROR
    assert result.score == 0.0
    assert not result.is_score_valid
    assert "python-flint" in str(result.error)


def test_the_memory_of_a_worker_is_bounded():
    own = Worker()
    try:
        own.wait_until_ready()
        limits = Path(f"/proc/{own.process.pid}/limits").read_text(encoding="utf-8")
    finally:
        own.kill()
    line = next(line for line in limits.splitlines() if line.startswith("Max address space"))
    assert int(line.split()[3]) <= 1 << 30


def test_grading_plain_numbers_starts_no_worker():
    program = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}]
from reward_kit.rewards.math import math_reward
grade = getattr(math_reward, "__wrapped__", math_reward)
assert grade([{{"role": "assistant", "content": "\\\\boxed{{42}}"}}], ground_truth="42").score == 1.0
for heavy in ("flint", "sympy", "reward_kit.rewards._math.worker", "subprocess"):
    assert heavy not in sys.modules, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env={**os.environ, "PYTHONPATH": ""})
