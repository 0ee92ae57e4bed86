"""The section "reward readiness": a line for each step, then the verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pytest_rewardkit.run import SuiteRun
from reward_kit.gates import Decision, outcome_counts
from reward_kit.report.results import Readiness, StepReport
from reward_kit.statistics import wilson_interval

_INDENT = " " * 15
#: How many tolerated rows are listed.
_TOLERATED_SHOWN = 10
#: A narrower terminal wraps by itself: below the indentation nothing would be left to write in.
_LEAST_WIDTH = 40

Line = tuple[str, dict[str, bool]]

_COLOUR = {Decision.PASSED: {"green": True}, Decision.FAILED: {"red": True}, Decision.UNDECIDED: {"yellow": True}}
_VERDICT_COLOUR = {
    Readiness.READY: {"green": True, "bold": True},
    Readiness.NOT_READY: {"red": True, "bold": True},
    Readiness.UNDECIDED: {"yellow": True, "bold": True},
}


def readiness_lines(run: SuiteRun, width: int | None = None) -> Iterator[Line]:
    """The lines of one suite, each with its markup; the last one is the verdict.

    Args:
        run: the suite's run.
        width: the columns of a terminal, at which lines are wrapped below their own indentation. None leaves them
            whole, as whoever reads from a pipe or a log wants them: a reason is then found by one grep.
    """
    for text, markup in _lines(run):
        yield from ((line, markup) for line in (wrapped(text, width) if width else [text]))


def wrapped(text: str, width: int) -> list[str]:
    """A line, and what it wraps to; words such as paths and commands stay whole, so that they can be copied."""
    indent = len(text) - len(text.lstrip())
    step = text.startswith("  ") and indent == len("  ") and not text.startswith(("  also: ", "  note: "))
    lines = textwrap.wrap(
        text,
        max(width, _LEAST_WIDTH),
        subsequent_indent=_INDENT if step else " " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [text]


def _lines(run: SuiteRun) -> Iterator[Line]:
    report = run.report()
    yield f"suite {report.name}: {run.reward_found or run.suite.reward}", {}
    yield f"  {'step':<12} {'passed':>11} {'rate':>7} {'95% interval':>16}  gate", {}
    for step in report.steps:
        yield _step_line(step), _COLOUR[step.gate.decision]
        yield from ((f"{_INDENT}{text}", {}) for text in _details(step))
    reasons = report.reasons
    for reason in reasons[1:]:
        yield f"  also: {reason}", {}
    why = f" - {reasons[0]}" if reasons else ""
    for remark in run.remarks:
        yield f"  note: {remark}", {}
    notes = f" ({'; '.join(report.notes)})" if report.notes else ""
    yield f"{report.name}: {report.readiness}{why}{notes}", _VERDICT_COLOUR[report.readiness]


def _details(step: StepReport) -> Iterator[str]:
    """What the step's line leaves open: other outcomes than passed, controls, and the rows that were tolerated."""
    counts = outcome_counts(step.verdicts)
    if set(counts) - {"passed"}:
        yield ", ".join(f"{name} {count}" for name, count in counts.items())
    yield from step.lines
    if step.gate.decision is not Decision.PASSED:
        return
    if len(step.gates) > 1:
        yield from (gate.reason for gate in step.gates.values())
    low = [verdict for verdict in step.verdicts if not verdict.passed]
    for verdict in low[:_TOLERATED_SHOWN]:
        yield f"tolerated {verdict.row_id}: {verdict.outcome}: {verdict.reason}"
    if len(low) > _TOLERATED_SHOWN:
        yield f"... and {len(low) - _TOLERATED_SHOWN} more tolerated"


def _step_line(step: StepReport) -> str:
    rows = len(step.verdicts)
    if not rows:
        return f"  {step.name:<12} {'-':>11} {'-':>7} {'-':>16}  {step.gate.decision}: {step.gate.reason}"
    low, high = wilson_interval(step.passed, rows)
    passed, interval = f"{step.passed}/{rows}", f"[{low:.1%}, {high:.1%}]"
    return f"  {step.name:<12} {passed:>11} {step.passed / rows:>7.1%} {interval:>16}  {step.gate.decision}"
