"""Tests that call a function: one job for all calls of a row.

Where that job does not end cleanly, nothing that it answered counts, for the program may have forged it before it fell.
Each call is then run in a job of its own, so that a loop on one input fails that input alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from reward_kit.rewards._code.budget import Budget
from reward_kit.rewards._code.comparison import values_equal
from reward_kit.rewards._code.tests import CallTest
from reward_kit.rewards._code.verdicts import NOT_RUN, TestVerdict, Verdict, unclean
from reward_kit.sandbox.client import Sandbox
from reward_kit.sandbox.shapes import End, Job, Mode, Returned

_SHOWN = 60


def grade_calls(
    code: str, entry_point: str, tests: Sequence[CallTest], sandbox: Sandbox, budget: Budget
) -> list[TestVerdict]:
    """Call the function once for each test, while there is time."""
    end = _run(code, entry_point, tests, sandbox, budget)
    if _complete(end, tests):
        return [_verdict(test, answer, end) for test, answer in zip(tests, end.returned, strict=True)]
    first = [unfinished(end)] if _first_is_to_blame(end, tests) else []
    return [*first, *(_grade_alone(code, entry_point, test, sandbox, budget) for test in tests[len(first) :])]


def _run(code: str, entry_point: str, tests: Sequence[CallTest], sandbox: Sandbox, budget: Budget) -> End:
    """Make the calls in one job, which has the time of one test: few need more, and those are run again, alone."""
    calls = tuple(test.arguments for test in tests)
    (end,) = sandbox.run([Job(Mode.CALLS, code, entry_point=entry_point, calls=calls, limits=budget.limits())])
    return end


def _complete(end: End, tests: Sequence[CallTest]) -> bool:
    return end.clean and len(end.returned) == len(tests)


def _first_is_to_blame(end: End, tests: Sequence[CallTest]) -> bool:
    """True where another run of the first call would show nothing else: it had all the time of a test, or was alone."""
    return len(tests) == 1 or (end.limit in ("wall", "cpu") and not end.returned)


def _grade_alone(code: str, entry_point: str, test: CallTest, sandbox: Sandbox, budget: Budget) -> TestVerdict:
    if budget.spent:
        return NOT_RUN
    end = _run(code, entry_point, [test], sandbox, budget)
    return _verdict(test, end.returned[0], end) if _complete(end, [test]) else unfinished(end)


def _verdict(test: CallTest, answer: Returned, end: End) -> TestVerdict:
    if answer.opaque:
        return TestVerdict(Verdict.WRONG, f"the result is no plain data: {answer.error}", end)
    if not answer.ok:
        return TestVerdict(Verdict.ERROR, answer.error, end)
    if values_equal(test.expected, answer.value) or _same_text(test, answer):
        return TestVerdict(Verdict.PASSED, end=end)
    return TestVerdict(Verdict.WRONG, f"expected {_shown(test.expected)}, got {_shown(answer.value)}", end)


def _same_text(test: CallTest, answer: Returned) -> bool:
    """True where reward-kit's rows give the expectation as a text, and the function returned that text."""
    return test.text is not None and type(answer.value) is str and answer.value.strip() == test.text.strip()


def unfinished(end: End) -> TestVerdict:
    """The verdict on a test that its job did not answer, or answered without ending cleanly."""
    return TestVerdict(Verdict.ERROR, "the program ended without an answer", end) if end.clean else unclean(end)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python writes
        return "a value with a very large number"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
