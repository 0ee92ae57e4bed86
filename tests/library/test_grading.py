"""Grading survives whatever a reward does: each row gets one verdict, a broken one is an error, nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reward_kit import EvaluateResult, Message, Outcome, reward_function
from reward_kit.grading import ROWS_PER_CALL, Grader
from reward_kit.models import Row, Sample
from reward_kit.processes import exit_reason
from reward_kit.reward import as_reward
from reward_kit.verdict import Scale, Verdict

#: Long enough for a call that does nothing on a busy machine, short enough to wait for a few times.
SHORT = 0.5
PASSED, WRONG, ERROR = Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.REWARD_ERROR


def samples(*answers: str) -> list[Sample]:
    """A sample for each answer; row ids are r0, r1, ..."""
    user = {"role": "user", "content": "6 * 4?"}
    rows = [Row(f"r{number}", (user,), "24", {}, number + 1) for number in range(len(answers))]
    return [Sample(row, {"role": "assistant", "content": text}) for row, text in zip(rows, answers, strict=True)]


def grade(function: Any, *answers: str, timeout: float = 10.0, workers: int | None = None) -> list[Verdict]:
    """The verdicts on these answers in their order; that there is exactly one for each is checked here."""
    wanted = samples(*answers)
    found: dict[int, Verdict] = {}
    with Grader(as_reward(function), Scale(), timeout, workers) as grader:
        for position, verdict in grader.grade(wanted):
            assert position not in found
            found[position] = verdict
    assert sorted(found) == list(range(len(wanted)))
    assert all(found[position].row_id == sample.row.id for position, sample in enumerate(wanted))
    return [found[position] for position in range(len(wanted))]


def outcomes(verdicts: list[Verdict]) -> list[Outcome]:
    return [verdict.outcome for verdict in verdicts]


def children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended meanwhile
            found.update((task / "children").read_text().split())
    return found


def is_running(pid: int) -> bool:
    """True for a live process; one that is dead and not yet collected by init does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int) -> bool:
    """Wait a moment for a killed process to end."""
    patience = time.monotonic() + 3
    while is_running(pid) and time.monotonic() < patience:
        time.sleep(0.01)
    return not is_running(pid)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No zombie, no process and no open descriptor outlives a grading."""
    descriptors, before = os.listdir("/proc/self/fd"), children()
    yield
    assert children() == before
    assert os.listdir("/proc/self/fd") == descriptors


def text_of(messages: Any) -> str:
    return str(messages[-1]["content"])


def act(messages: Any, **kwargs: Any) -> Any:
    """A reward that does what the response names, and passes "24"."""
    return ACTS.get(text_of(messages), lambda: float(text_of(messages) == "24"))()


def forever() -> None:
    while True:
        pass


def fail_a_test() -> None:
    pytest.fail("not equal")


def throw(error: BaseException) -> Any:
    raise error


def replace_the_process() -> None:
    os.execvp(sys.executable, [sys.executable, "-c", "pass"])


def recurse() -> None:
    recurse()


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


ACTS: dict[str, Callable[[], Any]] = {
    "raise": lambda: throw(ValueError("bad gold")),
    "SystemExit": lambda: sys.exit(0),
    "KeyboardInterrupt": lambda: throw(KeyboardInterrupt()),
    "GeneratorExit": lambda: throw(GeneratorExit()),
    "CancelledError": lambda: throw(asyncio.CancelledError()),
    "StopIteration": lambda: throw(StopIteration(1.0)),
    "MemoryError": lambda: bytearray(1 << 62),
    "RecursionError": recurse,
    "pytest.fail": fail_a_test,
    "unprintable": lambda: throw(UnprintableError()),
    "surrogate": lambda: throw(ValueError("\udc80")),
    "None": lambda: None,
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "text": lambda: "1.0",
    "list": lambda: [1.0],
    "too high": lambda: 1.5,
    "negative": lambda: -1.0,
    "os._exit(0)": lambda: os._exit(0),
    "os._exit(3)": lambda: os._exit(3),
    "abort": os.abort,
    "segmentation fault": lambda: ctypes.string_at(0),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "unnamed signal": lambda: os.kill(os.getpid(), 45),
    "exec": replace_the_process,
    "close descriptors": lambda: os.closerange(3, 4096),
    "close all descriptors": lambda: os.closerange(0, 4096),
    "input": input,
    "loop": forever,
    "sleep": lambda: time.sleep(60),
    "in C": lambda: pow(9, 9**9),
}

FAULTS = {
    "raise": "ValueError: bad gold (",
    "SystemExit": "SystemExit: 0",
    "KeyboardInterrupt": "KeyboardInterrupt",
    "GeneratorExit": "GeneratorExit",
    "CancelledError": "CancelledError",
    "StopIteration": "StopIteration: 1.0",
    "MemoryError": "MemoryError",
    "RecursionError": "RecursionError: maximum recursion depth exceeded",
    "pytest.fail": "Failed: not equal",
    "unprintable": "",
    "surrogate": "ValueError: \\udc80",
    "NaN": "the reward returned nan, outside its declared range [0, 1]",
    "infinity": "the reward returned inf, outside its declared range [0, 1]",
    "text": "the reward returned '1.0' (str), not a number",
    "list": "the reward returned [1.0] (list), not a number",
    "too high": "the reward returned 1.5, outside its declared range [0, 1]",
    "negative": "the reward returned -1.0, outside its declared range [0, 1]",
    "os._exit(0)": "the worker process ended itself with exit code 0 during the call",
    "os._exit(3)": "the worker process ended itself with exit code 3 during the call",
    "abort": "the worker process was killed by SIGABRT during the call",
    "segmentation fault": "the worker process was killed by SIGSEGV during the call",
    "SIGTERM": "the worker process was killed by SIGTERM during the call",
    "unnamed signal": "the worker process was killed by signal 45 during the call",
    "exec": "the worker process ended itself with exit code 0 during the call",
    "close descriptors": "the worker process ended itself with exit code 1 during the call",
    "close all descriptors": "the worker process ended itself with exit code 1 during the call",
    "input": "EOFError",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_an_error_of_its_row_alone(fault: str) -> None:
    before, bad, after, wrong = grade(act, "24", fault, "24", "25")

    assert outcomes([before, bad, after, wrong]) == [PASSED, ERROR, PASSED, WRONG]
    assert FAULTS[fault] in bad.reason


@pytest.mark.parametrize("hang", ["loop", "sleep", "in C"])
def test_a_hang_ends_at_the_deadline_wherever_it_hangs(hang: str) -> None:
    started = time.monotonic()
    verdicts = grade(act, "24", hang, "24", timeout=SHORT)

    assert outcomes(verdicts) == [PASSED, ERROR, PASSED]
    assert verdicts[1].reason == f"no result within {SHORT:g} s (rk_timeout): the call was ended"
    assert time.monotonic() - started < SHORT + 3


def test_an_abstention_is_no_error() -> None:
    assert outcomes(grade(act, "24", "None")) == [PASSED, Outcome.ABSTAINED]


def test_an_exception_is_reported_with_its_place_in_the_users_code() -> None:
    [verdict] = grade(act, "raise")

    line = int(verdict.reason.rpartition(":")[2].rstrip(")"))
    assert "raise error" in Path(__file__).read_text().splitlines()[line - 1]


def test_the_deadline_is_for_a_call_and_not_for_all_of_them() -> None:
    assert (
        outcomes(grade(lambda messages: time.sleep(SHORT / 4) or 1.0, *["24"] * 8, timeout=SHORT, workers=1))
        == [PASSED] * 8
    )


def test_a_caller_who_takes_his_time_makes_no_call_late() -> None:
    """Between two verdicts pytest runs other tests; what was answered meanwhile was answered in time."""

    def unhurried(messages: Any) -> float:
        time.sleep(SHORT / 3)
        return 1.0

    found = []
    with Grader(as_reward(unhurried), Scale(), SHORT, workers=2) as grader:
        for number, (_, verdict) in enumerate(grader.grade(samples(*["24"] * 8))):
            found.append(verdict)
            if number in (2, 3, 4):
                time.sleep(SHORT * 1.2)

    assert outcomes(found) == [PASSED] * 8, [verdict.reason for verdict in found]


# -- killed from outside -------------------------------------------------------------------------------------------


def killing(times: int, marks: Path) -> Callable[..., float]:
    """A reward whose process is killed in the first calls on the answer "kill", as by the system for want of memory."""

    def reward(messages: Any) -> float:
        if text_of(messages) == "kill" and len(list(marks.iterdir())) < times:
            (marks / str(time.monotonic_ns())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        return 1.0

    return reward


def test_a_worker_killed_once_is_replaced_and_the_call_repeated(tmp_path: Path) -> None:
    assert outcomes(grade(killing(1, tmp_path), "24", "kill", "24")) == [PASSED] * 3
    assert len(list(tmp_path.iterdir())) == 1


def test_a_worker_killed_twice_on_a_row_is_an_error_of_the_surroundings(tmp_path: Path) -> None:
    verdicts = grade(killing(9, tmp_path), "24", "kill", "24")

    assert outcomes(verdicts) == [PASSED, Outcome.INFRA_ERROR, PASSED]
    assert verdicts[1].reason == ("the worker process was killed by SIGKILL during the call, twice (out of memory?)")
    assert len(list(tmp_path.iterdir())) == 2


def test_an_idle_worker_that_is_killed_costs_nothing() -> None:
    with Grader(as_reward(act), Scale(), workers=1) as grader:
        assert [v.outcome for _, v in grader.grade(samples("24"))] == [PASSED]
        for pid in children():
            os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.05)
        assert [v.outcome for _, v in grader.grade(samples("24", "25"))] == [PASSED, WRONG]


def test_a_batch_whose_worker_is_killed_twice_is_taken_apart(tmp_path: Path) -> None:
    def reward(completions: list[str], **kwargs: Any) -> list[float]:
        if "kill" in completions:
            os.kill(os.getpid(), signal.SIGKILL)
        return [1.0] * len(completions)

    assert outcomes(grade(reward, "24", "kill", "24")) == [PASSED, Outcome.INFRA_ERROR, PASSED]


def test_closing_the_pipe_and_living_on_is_not_taken_for_a_kill() -> None:
    def reward(messages: Any) -> float:
        os.closerange(3, 4096)
        time.sleep(60)
        return 1.0

    [verdict] = grade(reward, "24")
    assert verdict.outcome is ERROR
    assert verdict.reason == "the worker process closed its pipe to the test run, or wrote to it, during the call"


def test_every_way_to_end_can_be_said() -> None:
    assert exit_reason(0) == "ended itself with exit code 0"
    assert exit_reason(256 * 7) == "ended itself with exit code 7"
    assert exit_reason(int(signal.SIGKILL)) == "was killed by SIGKILL"


# -- what a reward leaves behind -----------------------------------------------------------------------------------


def test_what_a_reward_prints_goes_with_its_row_and_not_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    def reward(messages: Any) -> float:
        print("said", text_of(messages))
        print("loudly", file=sys.stderr)
        os.system("echo by a child")
        print("without an end", text_of(messages), end="")
        return 1.0

    first, second = grade(reward, "1", "2")
    assert first.output == "said 1\nloudly\nby a child\nwithout an end 1"
    assert second.output == "said 2\nloudly\nby a child\nwithout an end 2"
    assert capfd.readouterr() == ("", "")


def test_what_a_failing_reward_printed_is_kept() -> None:
    def reward(messages: Any) -> float:
        print("about to fail")
        raise ValueError

    assert grade(reward, "24")[0].output == "about to fail\n"


@pytest.mark.parametrize("end", ["sleep", "os._exit(0)", "abort"])
def test_what_was_printed_before_a_hang_or_an_end_is_kept(end: str) -> None:
    def reward(messages: Any) -> Any:
        print("last words of", text_of(messages))
        return act(messages)

    first, second = grade(reward, "24", end, timeout=SHORT)
    assert (first.output, second.output) == ("last words of 24\n", f"last words of {end}\n")


def test_a_reward_may_replace_stdout_and_lose_its_working_folder(tmp_path: Path) -> None:
    def reward(messages: Any) -> float:
        sys.stdout = None
        print("nowhere")
        folder = tmp_path / text_of(messages)
        folder.mkdir()
        os.chdir(folder)
        folder.rmdir()
        if text_of(messages) == "bad":
            raise ValueError("no such answer")
        return 1.0

    good, bad = grade(reward, "good", "bad")
    assert good.outcome is PASSED
    assert "ValueError: no such answer (" in bad.reason


def test_the_end_of_a_long_output_is_kept() -> None:
    [verdict] = grade(lambda messages: print("x" * 100_000 + "the end") or 1.0, "24")

    assert verdict.output.endswith("xthe end\n")
    assert len(verdict.output) == 4000


def test_output_that_is_not_text_is_kept_as_text() -> None:
    [verdict] = grade(lambda messages: os.write(1, b"\xff\xfe") and 1.0, "24")

    assert verdict.output == "\ufffd\ufffd"


def test_a_closed_stdout_is_no_fault() -> None:
    assert outcomes(grade(lambda messages: sys.stdout.close() or 1.0, "24", "24")) == [PASSED] * 2


def test_a_child_that_outlives_the_reward_is_killed(tmp_path: Path) -> None:
    def reward(messages: Any) -> float:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        (tmp_path / text_of(messages)).write_text(str(child))
        if text_of(messages) == "exits":
            os._exit(1)
        if text_of(messages) == "hangs":
            time.sleep(60)
        return 1.0

    verdicts = grade(reward, "answers", "exits", "hangs", timeout=SHORT)

    assert outcomes(verdicts) == [PASSED, ERROR, ERROR]
    for file in tmp_path.iterdir():
        assert gone(int(file.read_text())), file.name


def test_a_forked_child_that_returns_from_the_reward_does_not_answer_in_its_place() -> None:
    def reward(messages: Any) -> float:
        child = os.fork()
        if child == 0:
            return 1.0  # forgot os._exit
        os.waitpid(child, 0)
        return float(text_of(messages) == "24")

    assert outcomes(grade(reward, "24", "25", "24", "25")) == [PASSED, WRONG, PASSED, WRONG]


def test_threads_left_running_do_not_keep_the_worker() -> None:
    def reward(messages: Any) -> float:
        threading.Thread(target=time.sleep, args=(60,)).start()
        return 1.0

    assert outcomes(grade(reward, "24", "24")) == [PASSED] * 2


def test_an_outer_alarm_keeps_running_and_its_handler_stays() -> None:
    """pytest-timeout and others own SIGALRM; grading must not touch it, nor may workers get it."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    handler = signal.getsignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 30.0)
    try:
        verdicts = grade(act, "24", "loop", "os._exit(0)", timeout=SHORT)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert signal.getsignal(signal.SIGALRM) is handler
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)

    assert outcomes(verdicts) == [PASSED, ERROR, ERROR]
    assert 0.0 < left < 30.0
    assert rung == []


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    program = """
import os, sys, time
from pathlib import Path
from reward_kit.grading import Grader
from reward_kit.models import Row, Sample
from reward_kit.reward import as_reward
from reward_kit.verdict import Scale

def reward(messages):
    Path(sys.argv[1], "worker").write_text(str(os.getpid()))
    os.rename(Path(sys.argv[1], "worker"), Path(sys.argv[1], "ready"))
    time.sleep(60)

user = {"role": "user", "content": "?"}
list(Grader(as_reward(reward), Scale()).grade([Sample(Row("a", (user,), "1", {}, 1), user)]))
"""
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) as process:
        patience = time.monotonic() + 20
        while not (tmp_path / "ready").exists() and time.monotonic() < patience:
            time.sleep(0.02)
        process.kill()

    assert gone(int((tmp_path / "ready").read_text()))


# -- lists and event loops -----------------------------------------------------------------------------------------


def one_by_one(completions: list[str], **kwargs: Any) -> list[Any]:
    return [act([{"content": text}]) for text in completions]


def test_a_bad_row_in_a_batch_is_found_and_the_others_are_graded() -> None:
    answers = ["24"] * (ROWS_PER_CALL - 2) + ["raise", "25"] + ["24"] * 3
    verdicts = grade(one_by_one, *answers)

    assert outcomes(verdicts) == [PASSED] * (ROWS_PER_CALL - 2) + [ERROR, WRONG] + [PASSED] * 3
    assert "ValueError: bad gold" in verdicts[ROWS_PER_CALL - 2].reason


@pytest.mark.parametrize("fault", ["os._exit(0)", "segmentation fault", "sleep", "SystemExit"])
def test_a_row_that_takes_its_batch_down_is_found(fault: str) -> None:
    assert outcomes(grade(one_by_one, "24", fault, "25", timeout=SHORT)) == [PASSED, ERROR, WRONG]


def test_a_value_that_is_no_score_spoils_its_row_only() -> None:
    verdicts = grade(one_by_one, "24", "NaN", "text", "None", "too high", "25")

    assert outcomes(verdicts) == [PASSED, ERROR, ERROR, Outcome.ABSTAINED, ERROR, WRONG]


@pytest.mark.parametrize("answer", [lambda n: [1.0], lambda n: 1.0, lambda n: [1.0] * 16, lambda n: "1" * n])
def test_a_reward_that_fails_on_batches_only_fails_every_row(answer: Callable[[int], Any]) -> None:
    """Alone each row would pass; the trainer calls it with many, and so does this."""

    def reward(completions: list[str], **kwargs: Any) -> Any:
        return [1.0] if len(completions) == 1 else answer(len(completions))

    verdicts = grade(reward, "24", "24", "24")

    assert outcomes(verdicts) == [ERROR] * 3
    assert all("a call on 3 rows failed though each row alone is answered: " in v.reason for v in verdicts)


@pytest.mark.parametrize("count", [1, ROWS_PER_CALL - 1, ROWS_PER_CALL, ROWS_PER_CALL + 1, 3 * ROWS_PER_CALL + 5])
def test_each_row_of_a_batch_gets_its_own_score(count: int) -> None:
    answers = ["24" if number % 3 else "25" for number in range(count)]

    assert outcomes(grade(one_by_one, *answers)) == [PASSED if text == "24" else WRONG for text in answers]


def test_async_calls_run_together_and_each_row_gets_its_own_verdict() -> None:
    @reward_function
    async def reward(messages: list[Message], **kwargs: Any) -> EvaluateResult:
        await asyncio.sleep(0.1)
        return EvaluateResult(score=float(messages[-1].content == "24"))

    started = time.monotonic()
    verdicts = grade(reward, *["24", "25"] * ROWS_PER_CALL, workers=1)

    assert outcomes(verdicts) == [PASSED, WRONG] * ROWS_PER_CALL
    assert time.monotonic() - started < 0.1 * ROWS_PER_CALL


@pytest.mark.parametrize("fault", ["raise", "CancelledError", "SystemExit", "os._exit(0)", "hang", "block"])
def test_an_async_fault_is_an_error_of_its_row_alone(fault: str) -> None:
    async def reward(messages: Any) -> Any:
        await asyncio.sleep(0)
        if text_of(messages) == "hang":
            await asyncio.Event().wait()
        if text_of(messages) == "block":
            time.sleep(60)  # holds up its event loop, which only the watching process can end
        return act(messages)

    assert outcomes(grade(reward, "24", fault, "25", timeout=SHORT)) == [PASSED, ERROR, WRONG]


def test_async_calls_that_hold_one_another_up_have_their_deadline_each() -> None:
    """Sixteen calls that never await take turns in one event loop; each of them is well within the deadline."""

    async def reward(messages: Any) -> float:
        time.sleep(0.15)
        return 1.0

    assert outcomes(grade(reward, *["24"] * ROWS_PER_CALL, timeout=0.4, workers=1)) == [PASSED] * ROWS_PER_CALL


def test_an_async_reward_that_fails_only_beside_others_fails() -> None:
    running = []

    async def reward(messages: Any) -> float:
        running.append(1)
        await asyncio.sleep(0.01)
        if len(running) > 1:
            raise RuntimeError("not made to run beside itself")
        running.clear()
        return 1.0

    verdicts = grade(reward, "24", "24", "24")
    assert outcomes(verdicts) == [ERROR] * 3


def test_an_async_timeout_of_the_rewards_own_keeps_its_words() -> None:
    async def reward(messages: Any) -> float:
        raise TimeoutError("judge did not answer")

    assert "TimeoutError: judge did not answer" in grade(reward, "24")[0].reason


def test_grading_works_inside_a_running_event_loop() -> None:
    async def reward(messages: Any) -> float:
        await asyncio.sleep(0)
        return 1.0

    async def test() -> list[Verdict]:
        return grade(reward, "24", "24")

    assert outcomes(asyncio.run(test())) == [PASSED] * 2


# -- the same whoever does it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [act, one_by_one], ids=["pointwise", "lists"])
def test_verdicts_do_not_depend_on_the_number_of_workers(function: Any) -> None:
    answers = ["24", "25", "raise", "None", "os._exit(3)", "NaN", "24", "24"] * 5

    one, two, five = (grade(function, *answers, workers=count) for count in (1, 2, 5))
    assert one == two == five
    assert outcomes(one) == [PASSED, WRONG, ERROR, Outcome.ABSTAINED, ERROR, ERROR, PASSED, PASSED] * 5


def test_slow_rows_are_shared_among_workers() -> None:
    def reward(messages: Any) -> dict[str, Any]:
        time.sleep(0.05)
        return {"score": 1.0, "reason": str(os.getpid())}

    verdicts = grade(reward, *["24"] * 24, workers=2)
    assert outcomes(verdicts) == [PASSED] * 24
    assert len({verdict.reason for verdict in verdicts}) == 2


def test_threads_may_grade_at_the_same_time() -> None:
    found: dict[int, list[Outcome]] = {}

    def run(number: int) -> None:
        found[number] = outcomes(grade(act, *["24", "25", "os._exit(0)"] * 5))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [PASSED, WRONG, ERROR] * 5 for number in range(3)}


def test_closures_that_cannot_be_pickled_are_inherited() -> None:
    lock, golds = threading.Lock(), (gold for gold in ["24"])

    def reward(messages: Any) -> float:
        with lock:
            return float(text_of(messages) == next(golds))

    assert outcomes(grade(reward, "24")) == [PASSED]


def uses_up_its_tests(messages: Any, tests: list[Any], **kwargs: Any) -> float:
    messages[0].clear()
    return float(tests.pop()["passes"])


def uses_up_its_lists(completions: Any, tests: list[list[Any]], **kwargs: Any) -> list[float]:
    completions[0][0].clear()
    return [float(of_row.pop()["passes"]) for of_row in tests]


@pytest.mark.parametrize("function", [uses_up_its_tests, uses_up_its_lists])
def test_a_reward_that_uses_up_its_arguments_spoils_no_other_sample_of_the_row(function: Any) -> None:
    """The controls of a row share its columns, and a worker grades many of them."""
    row = Row("a", ({"role": "user", "content": "?"},), "24", {"tests": [{"passes": True}]}, 1)
    shared = [Sample(row, {"role": "assistant", "content": str(number)}) for number in range(5)]
    with Grader(as_reward(function), Scale(), workers=1) as grader:
        assert outcomes([verdict for _, verdict in grader.grade(shared)]) == [PASSED] * 5

    assert row.columns == {"tests": [{"passes": True}]}
    assert row.messages == ({"role": "user", "content": "?"},)


def test_long_texts_pass_both_ways() -> None:
    def echo(messages: Any) -> dict[str, Any]:
        return {"score": 1.0, "reason": text_of(messages)}

    answers = [letter * 3_000_000 for letter in "abc"]
    assert [verdict.reason for verdict in grade(echo, *answers, workers=1)] == answers


def test_no_samples_need_no_worker() -> None:
    before = children()
    with Grader(as_reward(act), Scale()) as grader:
        assert list(grader.grade([])) == []
        assert children() <= before


def test_a_grader_grades_again_after_it_is_done() -> None:
    with Grader(as_reward(act), Scale(), workers=1) as grader:
        for _ in range(3):
            assert [verdict.outcome for _, verdict in grader.grade(samples("24", "25"))] == [PASSED, WRONG]


def test_two_gradings_of_one_grader_do_not_take_each_others_answers() -> None:
    with Grader(as_reward(act), Scale(), workers=1) as grader:
        first = grader.grade(samples("24", "24", "24"))
        next(first)
        with pytest.raises(RuntimeError, match="is grading already"):
            next(grader.grade(samples("25")))
        assert [verdict.outcome for _, verdict in first] == [PASSED] * 2
        assert [verdict.outcome for _, verdict in grader.grade(samples("25"))] == [WRONG]


# -- ended early ---------------------------------------------------------------------------------------------------


def close(iterator: Any) -> None:
    iterator.close()


def interrupt(iterator: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        iterator.throw(KeyboardInterrupt())


@pytest.mark.parametrize("end", [close, interrupt, lambda iterator: None], ids=["closed", "interrupted", "forgotten"])
def test_abandoning_the_iterator_ends_the_workers(end: Callable[[Any], None], tmp_path: Path) -> None:
    def reward(messages: Any) -> float:
        (tmp_path / str(os.getpid())).touch()
        time.sleep(60 if text_of(messages) == "sleep" else 0)
        return 1.0

    grader = Grader(as_reward(reward), Scale(), workers=2)
    iterator = grader.grade(samples("24", "sleep", "sleep"))
    assert next(iterator)[1].outcome is PASSED
    end(iterator)
    del iterator

    pids = [int(file.name) for file in tmp_path.iterdir()]
    assert pids
    assert all(gone(pid) for pid in pids)
    grader.close()


def test_a_grader_that_was_never_used_closes() -> None:
    with contextlib.closing(Grader(as_reward(act), Scale())):
        pass
