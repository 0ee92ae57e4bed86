"""Tests that give the program an input and expect an output: one job a test."""

from __future__ import annotations

from collections.abc import Sequence

from reward_kit.rewards._code.budget import Budget
from reward_kit.rewards._code.comparison import output_difference
from reward_kit.rewards._code.tests import ProgramTest
from reward_kit.rewards._code.verdicts import NOT_RUN, TestVerdict, Verdict, unclean
from reward_kit.sandbox.client import Sandbox
from reward_kit.sandbox.shapes import End, Job, Mode


def grade_programs(code: str, tests: Sequence[ProgramTest], sandbox: Sandbox, budget: Budget) -> list[TestVerdict]:
    """Run the program once for each test, while there is time."""
    return [_grade(code, test, sandbox, budget) for test in tests]


def _grade(code: str, test: ProgramTest, sandbox: Sandbox, budget: Budget) -> TestVerdict:
    if budget.spent:
        return NOT_RUN
    stdin = test.input.encode("utf-8", "surrogatepass")
    (end,) = sandbox.run([Job(Mode.PROGRAM, code, stdin=stdin, limits=budget.limits())])
    return _verdict(test, end)


def _verdict(test: ProgramTest, end: End) -> TestVerdict:
    if not end.clean:
        return unclean(end)
    # Bytes that are no UTF-8 stay apart from every text that could be expected.
    difference = output_difference(test.expected, end.stdout.decode("utf-8", "surrogateescape"))
    return TestVerdict(Verdict.WRONG if difference else Verdict.PASSED, difference, end)
