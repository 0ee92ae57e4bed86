"""What became of each test, and of the whole solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reward_kit.models import EvaluateResult, MetricResult, Outcome
from reward_kit.sandbox.shapes import End

# How many failed tests the reason names, how many tests the metrics describe, how much of a program's words is kept.
_NAMED = 3
_DESCRIBED = 50
_WORDS = 300


class Verdict(StrEnum):
    """What became of one test."""

    PASSED = "passed"
    WRONG = "wrong"
    ERROR = "error"
    LIMIT = "limit"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class TestVerdict:
    """One test's verdict, why, and how the job ended that it was run in (None where none was)."""

    __test__ = False  # no test case of pytest's, whatever its name

    verdict: Verdict
    why: str = ""
    end: End | None = None

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASSED

    @property
    def line(self) -> str:
        """The verdict with its reason, without measured values: the same each time."""
        return f"{self.verdict}: {_printable(self.why)}" if self.why else str(self.verdict)

    @property
    def description(self) -> str:
        """The verdict with its reason and what the job took."""
        return self.line if self.end is None else f"{self.line} ({_usage(self.end)}){_stderr(self.end)}"


NOT_RUN = TestVerdict(Verdict.NOT_RUN, "out of time")


def unclean(end: End) -> TestVerdict:
    """The verdict on a test whose job did not end by itself, with exit code 0 and within its limits."""
    if end.limit:
        return TestVerdict(Verdict.LIMIT, f"{_LIMITS.get(end.limit, end.limit)} limit", end)
    if end.signal is not None:
        return TestVerdict(Verdict.ERROR, f"ended by signal {end.signal}", end)
    last = end.stderr.strip().rpartition("\n")[2].strip()
    return TestVerdict(Verdict.ERROR, last or f"exit code {end.exit_code}", end)


_LIMITS = {"wall": "time", "cpu": "CPU time"}


def result_of(verdicts: Sequence[TestVerdict], code: str, form: str) -> EvaluateResult:
    """The share of tests passed, as a result: 1.0 where all did and only there.

    Args:
        verdicts: one a test, in the row's order.
        code: the program that was run.
        form: the tests' form, and in it how far the verdict can be trusted; becomes `decided_by`.
    """
    passed = sum(each.passed for each in verdicts)
    share = passed / len(verdicts)
    reason = f"{passed} of {len(verdicts)} tests passed"
    failed = [f"test {number} {each.line}" for number, each in enumerate(verdicts, start=1) if not each.passed]
    if failed:
        more = len(failed) - _NAMED
        reason = f"{reason}; {'; '.join(failed[:_NAMED])}{f'; and {more} more' if more > 0 else ''}"
    return EvaluateResult(
        score=share,
        reason=reason,
        metrics=_metrics(verdicts, share),
        outcome=Outcome.PASSED if passed == len(verdicts) else Outcome.WRONG_ANSWER,
        extracted=_encodable(code),
        decided_by=form,
    )


def _metrics(verdicts: Sequence[TestVerdict], share: float) -> dict[str, MetricResult]:
    passed = sum(each.passed for each in verdicts)
    metrics = {"pass_rate": MetricResult(score=share, reason=f"{passed} of {len(verdicts)} tests passed")}
    for number, each in enumerate(verdicts, start=1):
        text = each.description if number <= _DESCRIBED else each.line
        metrics[f"test_{number}"] = MetricResult(score=float(each.passed), reason=text)
    return metrics


def _usage(end: End) -> str:
    how = f"signal {end.signal}" if end.exit_code is None else f"exit {end.exit_code}"
    return f"{how}, wall {end.wall:.2f} s, CPU {end.cpu:.2f} s, {end.memory_mb:.0f} MB"


def _stderr(end: End) -> str:
    text = "\n".join(_escaped(line) for line in end.stderr.strip()[-_WORDS:].split("\n"))
    return f"; stderr: {text}" if text else ""


def _printable(text: str) -> str:
    """A program's words as one line that every terminal and file can take."""
    return _escaped(text if len(text) <= _WORDS else f"{text[:_WORDS]}...")


def _escaped(text: str) -> str:
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _encodable(text: str) -> str:
    """Text without lone surrogates, which no file can take."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
