"""Tests that are code: the program in one job, its tests in another, and only plain data between them.

A row whose tests need live objects of the program says so (`integrity="weak"`). Both then run in one process, where a
program can reach its judge, and the result says it.
"""

from __future__ import annotations

from collections.abc import Sequence

from reward_kit.rewards._code.budget import Budget
from reward_kit.rewards._code.calls import unfinished
from reward_kit.rewards._code.tests import AssertTest
from reward_kit.rewards._code.verdicts import NOT_RUN, TestVerdict, Verdict
from reward_kit.sandbox.client import Sandbox
from reward_kit.sandbox.shapes import End, Job, Mode, Returned


def grade_assertions(
    code: str, entry_point: str, tests: Sequence[AssertTest], sandbox: Sandbox, budget: Budget
) -> list[TestVerdict]:
    """Run each test's code against the program: all in one pair of jobs, or alone where that pair did not end well."""
    ends = _run(code, entry_point, tests, sandbox, budget)
    if _complete(ends, tests):
        return [_verdict(answer, ends[0]) for answer in ends[1].returned]
    alone = [_broken(ends)] if len(tests) == 1 else []
    return alone or [_grade_alone(code, entry_point, test, sandbox, budget) for test in tests]


def grade_weakly(
    code: str, entry_point: str, tests: Sequence[AssertTest], sandbox: Sandbox, budget: Budget
) -> list[TestVerdict]:
    """Run program and test in one process, once for each test. A program that means to can pass by itself."""
    return [_grade_weakly(code, entry_point, test, sandbox, budget) for test in tests]


def _run(code: str, entry_point: str, tests: Sequence[AssertTest], sandbox: Sandbox, budget: Budget) -> tuple[End, End]:
    limits = budget.limits()
    candidate = Job(Mode.SERVE, code, entry_point=entry_point, limits=limits)
    texts = tuple(test.code for test in tests)
    return sandbox.run_pair(candidate, Job(Mode.TEST, "", entry_point=entry_point, tests=texts, limits=limits))


def _complete(ends: tuple[End, End], tests: Sequence[AssertTest]) -> bool:
    candidate, tester = ends
    return candidate.clean and tester.clean and len(tester.returned) == len(tests)


def _grade_alone(code: str, entry_point: str, test: AssertTest, sandbox: Sandbox, budget: Budget) -> TestVerdict:
    if budget.spent:
        return NOT_RUN
    ends = _run(code, entry_point, [test], sandbox, budget)
    return _verdict(ends[1].returned[0], ends[0]) if _complete(ends, [test]) else _broken(ends)


def _verdict(answer: Returned, end: End) -> TestVerdict:
    """A test's verdict from its answer; `end` is that of the program's job."""
    if answer.opaque:
        return TestVerdict(Verdict.WRONG, f"what the program gave is no plain data: {answer.error}", end)
    if answer.ok:
        return TestVerdict(Verdict.PASSED, end=end)
    return TestVerdict(Verdict.WRONG, answer.error, end)


def _broken(ends: tuple[End, End]) -> TestVerdict:
    """The verdict where a job of the pair failed: the program's own end says more than that of its test."""
    candidate, tester = ends
    return unfinished(candidate) if not candidate.clean else unfinished(tester)


def _grade_weakly(code: str, entry_point: str, test: AssertTest, sandbox: Sandbox, budget: Budget) -> TestVerdict:
    if budget.spent:
        return NOT_RUN
    job = Job(Mode.TEST, code, entry_point=entry_point, tests=(test.code,), limits=budget.limits())
    (end,) = sandbox.run([job])
    return _verdict(end.returned[0], end) if end.clean and len(end.returned) == 1 else unfinished(end)
