"""Grading: samples in, verdicts out, by a reward that runs in watched worker processes."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from reward_kit.models import Outcome, Sample
from reward_kit.processes import exit_reason, interrupt_held_back
from reward_kit.reward import Reward
from reward_kit.verdict import Scale, Verdict, error_verdict
from reward_kit.workers import Answer, Call, Worker, grade_call, killed_from_outside, no_result

#: Rows in one call of a reward that takes lists, and in one event loop of an async one: a small training batch.
ROWS_PER_CALL = 16
#: Most calls handed to a worker at once: enough to make the pipe cheap, few enough to share among workers.
_MOST_CALLS_AHEAD = 64
#: A second worker starts only where the first is still busy after this many seconds: most suites end before.
_NEXT_WORKER_AFTER = 0.25
#: Beyond the deadline of an async call, which ends itself, before its worker is killed for blocking its event loop.
_ASYNC_GRACE = 1.0


@dataclass
class _Split:
    """A call on several rows that failed: each row is called alone, to tell a bad row from a bad batch.

    `queued` where several calls of an async reward waited for one another in one event loop until the deadline: the
    deadline is for each, and what each comes to alone counts.
    """

    call: Call
    failure: str
    queued: bool
    samples: Sequence[Sample]
    alone: dict[int, Verdict] = field(default_factory=dict)

    def verdicts(self) -> list[tuple[int, Verdict]]:
        """One by one where some row alone fails too; where none does, the batch is at fault and every row fails."""
        if self.queued or any(verdict.outcome.is_error for verdict in self.alone.values()):
            return sorted(self.alone.items())
        reason = f"a call on {len(self.call)} rows failed though each row alone is answered: {self.failure}"
        return [(index, error_verdict(self.samples[index].row.id, reason)) for index in self.call]


class Grader:
    """Grades samples with one reward; use as a context manager, or call `close`.

    Args:
        reward: the reward under test; workers inherit it by fork.
        scale: its declared range and pass mark.
        timeout: seconds one call of the reward may take.
        workers: most worker processes at a time; by default one a core this process may use.
    """

    def __init__(self, reward: Reward, scale: Scale, timeout: float = 30.0, workers: int | None = None) -> None:
        self.reward = reward
        self._scale = scale
        self._timeout = timeout
        self._most_workers = workers or len(os.sched_getaffinity(0))
        self._workers: list[Worker] = []
        self._grading = False

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every worker process."""
        while self._workers:
            self._workers.pop().stop()

    def grade(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
        """Yield (position, verdict) for every sample, as they are decided; each sample exactly once.

        A call that raises, hangs or ends its process is `reward_error`; a worker killed by SIGKILL from outside is
        replaced and its call made once more, then `infra_error`. Abandoning the iterator ends the workers.

        Raises:
            RuntimeError: where an earlier iterator of this grader is neither exhausted nor closed.
        """
        if self._grading:  # the two would take each other's answers
            raise RuntimeError("this Grader is grading already: exhaust or close its iterator first")
        queue = _CallQueue(samples, ROWS_PER_CALL if self.reward.calls_many else 1, self.reward.shape.many)
        self._grading = True
        try:
            while queue.open_calls:
                self._hand_out(queue)
                yield from self._collect(queue)
        finally:
            self.close()  # they hold these samples
            self._grading = False

    def _hand_out(self, queue: _CallQueue) -> None:
        for worker in self._workers:
            if not worker.pending and queue.waiting:
                worker.send(queue.take(self._most_workers))
        while queue.waiting and self._wants_another_worker():
            worker = self._start_worker(queue.samples)
            worker.send(queue.take(self._most_workers))

    def _wants_another_worker(self) -> bool:
        if not self._workers:
            return True
        if len(self._workers) >= self._most_workers:
            return False
        return time.monotonic() - self._first_started > _NEXT_WORKER_AFTER

    def _start_worker(self, samples: Sequence[Sample]) -> Worker:
        def grade(call: Call, printed: BinaryIO) -> Answer:
            return grade_call(self.reward, [samples[i] for i in call], self._scale, self._timeout, printed)

        inherited = [descriptor for worker in self._workers for descriptor in worker.descriptors]
        with interrupt_held_back():
            worker = Worker(grade, inherited)
            if not self._workers:
                self._first_started = time.monotonic()
            self._workers.append(worker)
        return worker

    def _collect(self, queue: _CallQueue) -> Iterator[tuple[int, Verdict]]:
        """Wait for the next answers or the next deadline, and deal with them."""
        busy = [worker for worker in self._workers if worker.pending]
        poll = select.poll()  # select.select fails where a process has many files open
        for worker in busy:
            poll.register(worker.answers, select.POLLIN)
        heard = {descriptor for descriptor, _ in poll.poll(self._patience(busy) * 1000)}
        ready = [worker for worker in busy if worker.answers in heard]
        # Judged before anything is yielded: while the caller is busy with a verdict, the others go on and answer.
        now = time.monotonic()
        late = [worker for worker in busy if worker not in ready and now >= self._deadline(worker)]
        for worker in ready:
            answered = worker.receive()
            for call, answer in answered or ():
                yield from queue.settle(call, answer)
            if answered is None:
                yield from self._bury(worker, queue)
        for worker in late:
            yield from self._end_hanging(worker, queue)

    def _deadline(self, worker: Worker) -> float:
        grace = _ASYNC_GRACE if self.reward.is_async else 0.0
        return worker.call_started + self._timeout + grace

    def _patience(self, busy: Sequence[Worker]) -> float:
        now = time.monotonic()
        until = min(self._deadline(worker) for worker in busy)
        if len(self._workers) < self._most_workers:
            until = min(until, max(now, self._first_started + _NEXT_WORKER_AFTER) + 0.01)
        return max(0.0, until - now)

    def _end_hanging(self, worker: Worker, queue: _CallQueue) -> Iterator[tuple[int, Verdict]]:
        self._workers.remove(worker)
        worker.stop()
        current, *rest = worker.pending
        queue.put_back(rest)
        answer = Answer(failure=no_result(self._timeout), output=worker.last_output, late=True)
        yield from queue.settle(current, answer)

    def _bury(self, worker: Worker, queue: _CallQueue) -> Iterator[tuple[int, Verdict]]:
        self._workers.remove(worker)
        status = worker.reap()
        if not worker.pending:
            return
        current, *rest = worker.pending
        queue.put_back(rest)
        yield from queue.settle_death(current, status, worker.last_output)


class _CallQueue:
    """The calls still to make, and the ones whose fate is open."""

    def __init__(self, samples: Sequence[Sample], rows_per_call: int, takes_lists: bool) -> None:
        self._takes_lists = takes_lists
        self.samples = samples
        positions = list(range(len(samples)))
        starts = range(0, len(samples), rows_per_call)
        self.waiting: deque[Call] = deque(positions[start : start + rows_per_call] for start in starts)
        #: Calls neither settled nor split.
        self.open_calls = len(self.waiting)
        self._splits: dict[int, _Split] = {}
        self._killed_once: set[int] = set()

    def take(self, workers: int) -> list[Call]:
        """The next calls for one of `workers` workers."""
        count = max(1, min(_MOST_CALLS_AHEAD, len(self.waiting) // (4 * workers)))
        return [self.waiting.popleft() for _ in range(count)]

    def put_back(self, calls: Sequence[Call]) -> None:
        """Calls that a lost worker had not begun."""
        self.waiting.extendleft(reversed(calls))

    def settle(self, call: Call, answer: Answer) -> Iterator[tuple[int, Verdict]]:
        """Take note of an answer; yield the verdicts that are final by it."""
        self.open_calls -= 1
        if not answer.failure:
            verdicts = answer.verdicts
        elif len(call) > 1:
            self._split(call, answer.failure, queued=answer.late and not self._takes_lists)
            return
        else:
            verdicts = [error_verdict(self.samples[call[0]].row.id, answer.failure)]
        for index, verdict in zip(call, verdicts, strict=True):
            verdict = _completed(verdict, self.samples[index], answer.output)
            if index in self._splits:
                yield from self._settle_alone(index, verdict)
            else:
                yield index, verdict

    def settle_death(self, call: Call, status: int | None, output: str) -> Iterator[tuple[int, Verdict]]:
        """A worker died in `call`: by its own doing an error of the reward, by SIGKILL once a matter of bad luck."""
        failure = f"the worker process {exit_reason(status)} during the call"
        first = call[0]
        if not killed_from_outside(status):
            yield from self.settle(call, Answer(failure=failure, output=output))
        elif first not in self._killed_once:
            self._killed_once.add(first)
            self.put_back([call])
        elif len(call) > 1:
            yield from self.settle(call, Answer(failure=failure, output=output))
        else:
            verdict = error_verdict(
                self.samples[first].row.id, f"{failure}, twice (out of memory?)", Outcome.INFRA_ERROR
            )
            yield from self.settle(call, Answer([verdict], output=output))

    def _split(self, call: Call, failure: str, queued: bool) -> None:
        split = _Split(call, failure, queued, self.samples)
        self.put_back([[index] for index in call])
        self.open_calls += len(call)
        self._splits.update((index, split) for index in call)
        self._killed_once.difference_update(call)

    def _settle_alone(self, index: int, verdict: Verdict) -> Iterator[tuple[int, Verdict]]:
        split = self._splits[index]
        split.alone[index] = verdict
        if len(split.alone) == len(split.call):
            yield from split.verdicts()


def _completed(verdict: Verdict, sample: Sample, output: str) -> Verdict:
    """The verdict with what was printed and, where the row did not pass, what was graded."""
    if verdict.passed and not output:
        return verdict
    return replace(verdict, output=output, response=None if verdict.passed else sample.response_text)
