"""Worker processes that call a reward: forked, watched, killed at the deadline and replaced.

A worker inherits the reward and the samples by fork, so that closures and fixtures work and rows need not travel; it
is told positions through a pipe. It reports after each call, so that the parent knows which call a dead or hanging
worker was in. No signal handler, no alarm.
"""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import os
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NoReturn

import pydantic

from reward_kit.errors import DeadlineError, RewardKitError
from reward_kit.models import Outcome, Sample
from reward_kit.processes import dies_within, end_family, leave_the_parent, redirect_output, tail
from reward_kit.reward import Reward
from reward_kit.verdict import Scale, Verdict, same_in_every_run, to_verdict

#: The positions of the samples that go into one call of the reward.
Call = Sequence[int]

_LENGTH = struct.Struct("!I")
#: How long a worker may take to die after its answers ended.
_DYING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call came to: verdicts in the order of its samples, or how it failed; `late` at the deadline."""

    verdicts: list[Verdict] = field(default_factory=list)
    failure: str = ""
    output: str = ""
    late: bool = False

    def packed(self) -> bytes:
        """As bytes of plain values: cheap to read, and nothing that could run code in the parent."""
        rows = [(v.row_id, v.outcome.value, v.score, v.reason, v.extracted, v.gold) for v in self.verdicts]
        return marshal.dumps((rows, self.failure, self.output, self.late))

    @classmethod
    def unpacked(cls, data: bytes | bytearray) -> Answer:
        """What `packed` gave."""
        rows, *how = marshal.loads(data)
        verdicts = [Verdict(row_id, Outcome(outcome), *rest) for row_id, outcome, *rest in rows]
        return cls(verdicts, *how)


class Worker:
    """The parent's end of one worker process."""

    def __init__(self, grade: Callable[[Call, BinaryIO], Answer], close_in_child: Sequence[int] = ()) -> None:
        requests_out, requests_in = os.pipe()
        answers_out, answers_in = os.pipe()
        self._printed: BinaryIO = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # lives as long as the worker
        with warnings.catch_warnings():
            # Python 3.12+ warns of forking beside threads; the child only runs this module and the reward.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            foreign = [requests_in, answers_out, *close_in_child]
            _run_child(grade, requests_out, answers_in, self._printed, foreign)
        os.close(requests_out)
        os.close(answers_in)
        self._requests = requests_in
        self.answers = answers_out
        self._buffer = bytearray()
        #: Calls sent and not answered, in order; the worker is in the first.
        self.pending: list[Call] = []
        self.call_started = time.monotonic()
        #: What the call it was in had printed, once it is stopped.
        self.last_output = ""

    @property
    def descriptors(self) -> tuple[int, int]:
        """The parent's ends of the pipes; a sibling worker must not hold them open."""
        return self._requests, self.answers

    def send(self, calls: Sequence[Call]) -> None:
        """Hand over calls. Only an idle worker is sent to: it is reading, so that the write cannot deadlock."""
        self.pending = list(calls)
        self.call_started = time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it died: its end of file on the answers says so to the reader
            _write(self._requests, marshal.dumps(self.pending))

    def receive(self) -> list[tuple[Call, Answer]] | None:
        """The calls answered since the last look, each with its answer; None once the worker is gone."""
        chunk = os.read(self.answers, 1 << 20)
        self._buffer += chunk
        try:
            answered = [(self.pending.pop(0), answer) for answer in self._whole_answers()]
        except (
            ValueError,
            TypeError,
            EOFError,
            IndexError,
        ):  # the reward wrote to the pipe: nothing on it can be trusted
            return None
        if answered:
            self.call_started = time.monotonic()
        return answered if chunk or answered else None

    def _whole_answers(self) -> list[Answer]:
        answers, start = [], 0
        while len(self._buffer) >= start + _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            end = start + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            answers.append(Answer.unpacked(self._buffer[start + _LENGTH.size : end]))
            start = end
        del self._buffer[:start]
        return answers

    def stop(self) -> int:
        """End the process and what it started; its exit status as os.waitpid gives it."""
        end_family(self.pid)
        _, status = os.waitpid(self.pid, 0)
        for descriptor in self.descriptors:
            os.close(descriptor)
        with self._printed:
            self.last_output = tail(self._printed)
        return status

    def reap(self) -> int | None:
        """The exit status of a worker whose answers ended; None where it lives on, having closed its pipe."""
        died = dies_within(self.pid, _DYING_SECONDS)
        status = self.stop()
        return status if died else None


def _run_child(
    grade: Callable[[Call, BinaryIO], Answer], requests: int, answers: int, printed: BinaryIO, foreign: Sequence[int]
) -> NoReturn:
    """The whole life of a worker process; never returns."""
    try:
        leave_the_parent(foreign)
        redirect_output(printed)
        worker = os.getpid()
        with os.fdopen(requests, "rb") as incoming:
            while calls := _read_calls(incoming):
                for call in calls:
                    answer = grade(call, printed)
                    if os.getpid() != worker:  # forked by the reward and come back: a second answer would be taken
                        os._exit(0)  # for that of the next call
                    _write(answers, answer.packed())
        os._exit(0)
    except BaseException:  # noqa: BLE001  # nothing may unwind into the parent's frames: the exit code tells
        os._exit(1)


def _read_calls(incoming: BinaryIO) -> list[Call]:
    """The next calls, or none once the parent has closed its end."""
    head = incoming.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return []
    calls: list[Call] = marshal.loads(incoming.read(_LENGTH.unpack(head)[0]))
    return calls


def _write(descriptor: int, payload: bytes) -> None:
    data = memoryview(_LENGTH.pack(len(payload)) + payload)
    while data:
        data = data[os.write(descriptor, data) :]


def grade_call(reward: Reward, samples: Sequence[Sample], scale: Scale, timeout: float, printed: BinaryIO) -> Answer:
    """In the worker: call the reward on the samples of one call; whatever it raises becomes the answer's failure."""
    try:
        returned = reward.call(samples, timeout)
        verdicts = [to_verdict(s.row.id, value, scale) for s, value in zip(samples, returned, strict=True)]
        return Answer(verdicts, output=_take_output(printed))
    except DeadlineError:
        return Answer(failure=no_result(timeout), output=_take_output(printed), late=True)
    except BaseException as error:  # noqa: BLE001  # becomes the verdict's reason; pytest.fail raises such too
        return Answer(failure=describe_exception(error), output=_take_output(printed))


def no_result(timeout: float) -> str:
    """How a call that did not come back is reported."""
    return f"no result within {timeout:g} s (rk_timeout): the call was ended"


def describe_exception(error: BaseException) -> str:
    """An exception in one line: type, text, and the last place in code that is not this library's."""
    text = same_in_every_run(" ".join(str(error).split()))
    if isinstance(error, RewardKitError):  # says by itself what is wrong and where
        return text
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [frame for frame in frames if not _is_machinery(frame.filename)]
    cut = f"{text[:_EXCEPTION_KEPT]}..." if len(text) > _EXCEPTION_KEPT else text
    shown = f"{type(error).__name__}: {cut}" if text else type(error).__name__
    return f"{shown} ({_relative(foreign[-1].filename)}:{foreign[-1].lineno})" if foreign else shown


#: How much of an exception's text a reason shows, in characters.
_EXCEPTION_KEPT = 300
_PROJECT = Path(__file__).resolve().parents[1]
#: Code between the test run and the user's: naming its lines would help nobody.
_MACHINERY = (
    *(str(_PROJECT / package) + os.sep for package in ("reward_kit", "pytest_rewardkit")),
    *(str(Path(module.__file__ or "").parent) + os.sep for module in (asyncio, pydantic)),
)


def _is_machinery(filename: str) -> bool:
    return filename.startswith(_MACHINERY) or f"{os.sep}_pytest{os.sep}" in filename


def _relative(filename: str) -> str:
    try:
        path = os.path.relpath(filename)
    except OSError:  # the reward has removed the working folder
        return filename
    return filename if path.startswith("..") else path


def _take_output(printed: BinaryIO) -> str:
    """The end of what was printed since the last look, and start over."""
    with contextlib.suppress(Exception):  # closed by the reward, or replaced by anything
        sys.stdout.flush()  # a line without its end is this call's output, not the next one's
    text = tail(printed)
    if text:
        printed.seek(0)
        printed.truncate()
    return text


def killed_from_outside(status: int | None) -> bool:
    """True where the worker was ended by SIGKILL: by the system for want of memory, or by somebody."""
    return status is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
