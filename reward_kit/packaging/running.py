"""Running an evaluator as a stranger would: its files and requirements, and nothing else of this machine's.

This isolates for honesty: an import or a file that the bundle does not bring shows as a failure. It is no sandbox. The
evaluator is the user's own code and can read what the user can.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from reward_kit.errors import PackagingError
from reward_kit.fireworks.shapes import Evaluator, PreviewResult, Samples
from reward_kit.packaging import runner
from reward_kit.packaging.environment import build_environment
from reward_kit.packaging.interpreter import EvaluatorDied, Interpreter

#: A fresh interpreter with its imports takes a tenth of a second; with torch, on a loaded machine, many.
_START_SECONDS = 60.0


def run_evaluator(
    evaluator: Evaluator,
    samples: Samples,
    deadline_s: float = 30.0,
    *,
    total_s: float = 600.0,
    memory_bytes: int = 4 << 30,
) -> list[PreviewResult]:
    """Evaluate samples in a fresh interpreter with an empty environment; one result a sample, in their order.

    The interpreter starts in an empty folder, without environment variables, and can import the standard library, the
    evaluator's files and its requirements, as they are installed here. After a crash or a hang the next sample gets a
    new one. An evaluator that cannot be imported fails every sample.

    Args:
        evaluator: files and requirements.
        samples: dicts with `messages`, `ground_truth`, `tools` and further columns, each passed by its name.
        deadline_s: seconds for each sample.
        total_s: seconds for all of them; samples not reached by then fail.
        memory_bytes: most address space of the process.

    Returns:
        `success` False with the reason where there is no score: a crash, a hang, no dict, NaN, a stated error, or a
        score that the evaluator itself marks as not valid (but 0, which is how such a failure is usually told). An
        abstention is a success without a score.

    Raises:
        PackagingError: where it cannot be run at all: files at impossible places, a requirement that is not installed
            here in that version.
    """
    if not samples:
        return []
    limits = _Limits(deadline_s, time.monotonic() + total_s, total_s, memory_bytes)
    with _installed(evaluator) as place, _Runs(place, limits) as runs:
        return [runs.evaluate(index, dict(sample)) for index, sample in enumerate(samples)]


@dataclass(frozen=True, slots=True)
class _Limits:
    sample_seconds: float
    end: float
    total_seconds: float
    memory: int


@dataclass(frozen=True, slots=True)
class _Place:
    python: Path
    runner: Path
    bundle: Path
    folder: Path


@contextmanager
def _installed(evaluator: Evaluator) -> Iterator[_Place]:
    """The evaluator's files and environment in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="evaluator-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        bundle, environment = folder / "bundle", folder / "environment"
        bundle.mkdir()
        environment.mkdir()
        _write_files(evaluator, bundle)
        python = build_environment(environment, evaluator.requirements)
        # A copy: the folder of the original belongs to a checkout that must not be in sight.
        copy = Path(shutil.copyfile(runner.__file__, folder / "runner.py"))
        yield _Place(python, copy, bundle, folder)


def _write_files(evaluator: Evaluator, bundle: Path) -> None:
    if "main.py" not in evaluator.files:
        raise PackagingError(f"the evaluator {evaluator.name} has no main.py")
    for path, text in evaluator.files.items():
        parts = PurePosixPath(path).parts
        if not parts or PurePosixPath(path).is_absolute() or ".." in parts or "\0" in path:
            raise PackagingError(f"the evaluator's file {path!r} would lie outside its folder")
        try:
            bundle.joinpath(*parts).parent.mkdir(parents=True, exist_ok=True)
            bundle.joinpath(*parts).write_bytes(text.encode())
        except (OSError, UnicodeEncodeError) as error:
            raise PackagingError(f"the evaluator's file {path!r} cannot be written: {error}") from None


class _Runs:
    """The interpreters of one evaluator, one after the other."""

    def __init__(self, place: _Place, limits: _Limits) -> None:
        self._place = place
        self._limits = limits
        self._interpreter: Interpreter | None = None
        self._started = 0
        #: Why the evaluator cannot be imported, once that is known.
        self._broken = ""

    def __enter__(self) -> _Runs:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def evaluate(self, index: int, sample: dict[str, Any]) -> PreviewResult:
        """The result of one sample."""
        if time.monotonic() >= self._limits.end:
            return _failure(f"not reached within {self._limits.total_seconds:g} s for all samples")
        if not self._broken:
            self._start()
        if self._broken:
            return _failure(self._broken)
        assert self._interpreter is not None
        deadline = min(time.monotonic() + self._limits.sample_seconds, self._limits.end)
        try:
            answer = self._interpreter.ask(index, sample, deadline)
        except EvaluatorDied as died:
            self._stop()
            return _failure(str(died))
        if "failure" in answer:
            return _failure(str(answer["failure"]))
        return to_result(answer.get("result"))

    def _start(self) -> None:
        if self._interpreter is not None:
            return
        self._started += 1
        work = self._place.folder / f"work-{self._started}"
        work.mkdir()
        place = self._place
        self._interpreter = Interpreter(place.python, place.runner, place.bundle, work, self._limits.memory)
        try:
            self._interpreter.wait_until_ready(min(time.monotonic() + _START_SECONDS, self._limits.end))
        except EvaluatorDied as died:
            self._broken = str(died)
            self._stop()

    def _stop(self) -> None:
        if self._interpreter is not None:
            self._interpreter.stop()
            self._interpreter = None


def to_result(returned: object) -> PreviewResult:
    """What an evaluator returned for one sample as a result; a failure where it holds no score that can be used."""
    if not isinstance(returned, Mapping):
        return _failure(f"evaluate returned {type(returned).__name__}, not a dict")
    metrics = returned.get("metrics") or {}
    reason = str(returned.get("reason") or "")
    if not isinstance(metrics, Mapping):
        return _failure(f"the result's metrics are {type(metrics).__name__}, not a dict")
    if returned.get("error"):
        return _failure(f"the reward reports an error: {returned['error']}", metrics)
    if "score" not in returned:
        return _failure(f"the result has no 'score', only {', '.join(map(str, returned)) or 'nothing'}", metrics)
    score = returned["score"]
    if score is None:
        return PreviewResult(True, None, metrics, reason or "the reward abstains")
    if not isinstance(score, (int, float)) or not abs(score) <= sys.float_info.max:  # NaN fails this too
        return _failure(f"the score is {str(score)[:60]} ({type(score).__name__}), not a finite number", metrics)
    if returned.get("is_score_valid", True) is not True and score != 0:
        return _failure(f"the reward marks its own score {score:g} as not valid. {reason}".rstrip(), metrics)
    return PreviewResult(True, float(score), metrics, reason)


def _failure(reason: str, metrics: Mapping[str, Any] | None = None) -> PreviewResult:
    return PreviewResult(False, None, metrics or {}, reason)
