"""Verdicts of a step, each row's evaluated once: in this process, or shared among the workers of pytest-xdist."""

from __future__ import annotations

import fcntl
import os
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from reward_kit.grading import ROWS_PER_CALL
from reward_kit.models import Row
from reward_kit.verdict import Verdict

#: Evaluates rows with the reward under test; yields verdicts as they are decided.
Evaluate = Callable[[Sequence[Row]], Iterator[Verdict]]
#: Most calls' worth of rows that one xdist worker takes for itself at a time.
_MOST_CALLS_PER_CHUNK = 4


class Verdicts(ABC):
    """The verdicts on the rows of one step, evaluated when first asked for.

    Args:
        rows: every row of the step, in dataset order.
        evaluate: called with the rows that are missing.
        whole: whether rows are evaluated all together or not at all: then `evaluate` is called with every row.
    """

    def __init__(self, rows: Sequence[Row], evaluate: Evaluate, *, whole: bool = False) -> None:
        self._rows = rows
        self._evaluate = evaluate
        self._whole = whole
        self._known: dict[str, Verdict] = {}
        self._wanted: list[Row] = list(rows)

    def want(self, row_ids: frozenset[str]) -> None:
        """Say which rows this run will ask for; the others are evaluated only if they are asked for all the same."""
        if not self._whole:
            self._wanted = [row for row in self._rows if row.id in row_ids]

    def of(self, row_id: str) -> Verdict:
        """The verdict on one row."""
        if row_id not in self._known:
            self._find(row_id)
        return self._known[row_id]

    def all(self) -> list[Verdict]:
        """The verdicts on every row, in dataset order."""
        return [self.of(row.id) for row in self._rows]

    def known(self) -> list[Verdict]:
        """The verdicts there are by now, in dataset order; evaluates nothing."""
        return [self._known[row.id] for row in self._rows if row.id in self._known]

    @abstractmethod
    def _find(self, row_id: str) -> None:
        """Bring the verdict on `row_id` into `_known`."""

    @abstractmethod
    def stop(self) -> None:
        """End what is being evaluated; it starts anew when asked again."""

    def _group_of(self, row_id: str) -> list[Row]:
        """The rows to evaluate together with this one: the wanted ones, or else all the others."""
        wanted = {row.id for row in self._wanted}
        return self._wanted if row_id in wanted else [row for row in self._rows if row.id not in wanted]


class OwnVerdicts(Verdicts):
    """In one process: worker processes run ahead while rows are reported."""

    _stream: Iterator[Verdict] | None = None

    def _find(self, row_id: str) -> None:
        if self._whole:  # known once there are all, so that one that is broken off is begun anew
            self._known = {verdict.row_id: verdict for verdict in self._evaluate(self._rows)}
            return
        self._draw_until(row_id)
        if row_id not in self._known:
            self._stream = self._evaluate([row for row in self._group_of(row_id) if row.id not in self._known])
            self._draw_until(row_id)

    def _draw_until(self, row_id: str) -> None:
        """Take verdicts from the stream until it gives the wanted one or ends."""
        while self._stream is not None and row_id not in self._known:
            verdict = next(self._stream, None)
            if verdict is None:
                self._stream = None
            else:
                self._known[verdict.row_id] = verdict

    def stop(self) -> None:
        stream, self._stream = self._stream, None
        close = getattr(stream, "close", None)
        if close:
            close()


class SharedVerdicts(Verdicts):
    """Under xdist: rows in chunks, each evaluated by the worker process that locks it first, read by the others.

    The kernel drops the lock of a process that dies, so that a crashed worker's chunk is evaluated by the next.

    Args:
        folder: a folder of this step that all workers see.
        sharers: how many workers share it.
    """

    def __init__(
        self, rows: Sequence[Row], evaluate: Evaluate, folder: Path, sharers: int, *, whole: bool = False
    ) -> None:
        super().__init__(rows, evaluate, whole=whole)
        self._folder = folder
        self._sharers = sharers

    def _find(self, row_id: str) -> None:
        group = self._group_of(row_id)
        size = self._chunk_size(len(group))
        start = next(i for i, row in enumerate(group) if row.id == row_id) // size * size
        chunk = group[start : start + size]
        stem = self._folder / f"{'wanted' if group is self._wanted else 'others'}-{start:07d}"
        with stem.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                done = stem.with_suffix(".verdicts")
                if not done.exists():
                    self._write(done, list(self._evaluate(chunk)))
                self._read(done)
            finally:  # closing is not enough: what the reward forked and left behind holds the file open
                fcntl.flock(lock, fcntl.LOCK_UN)

    def _chunk_size(self, rows: int) -> int:
        """Whole calls of a reward that takes lists, cut where a run of one process cuts them."""
        if self._whole:
            return rows
        calls = max(1, min(_MOST_CALLS_PER_CHUNK, rows // (4 * self._sharers * ROWS_PER_CALL)))
        return calls * ROWS_PER_CALL

    def _write(self, path: Path, verdicts: list[Verdict]) -> None:
        partial = path.with_suffix(".partial")
        partial.write_bytes(pickle.dumps(verdicts))
        os.replace(partial, path)

    def _read(self, path: Path) -> None:
        for verdict in pickle.loads(path.read_bytes()):
            self._known[verdict.row_id] = verdict

    def known(self) -> list[Verdict]:
        for path in sorted(self._folder.glob("*.verdicts")):
            self._read(path)
        return super().known()

    def stop(self) -> None:
        """Nothing outlives a chunk."""
