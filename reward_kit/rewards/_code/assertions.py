"""Tests that are code: the program in one job, its tests in another, and only plain data between them.

A row whose tests need live objects of the program says so (`integrity="weak"`). Both then run in one process, where a
program can reach its judge, and the result says it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from reward_kit.rewards._code.budget import Budget
from reward_kit.rewards._code.calls import unfinished
from reward_kit.rewards._code.tests import AssertTest
from reward_kit.rewards._code.verdicts import NOT_RUN, TestVerdict, Verdict, unclean
from reward_kit.sandbox.client import Sandbox
from reward_kit.sandbox.shapes import End, Job, Mode, Returned

_WEAK = """\
namespace = {{"__name__": "solution"}}
exec(compile({code!r}, "<solution>", "exec"), namespace)
exec(compile({test!r}, "<test>", "exec"), namespace)
print({token!r})
"""


def grade_assertions(
    code: str, entry_point: str, tests: Sequence[AssertTest], sandbox: Sandbox, budget: Budget
) -> list[TestVerdict]:
    """Run each test's code against the program: all in one pair of jobs, or alone where that pair did not end well."""
    ends = _run(code, entry_point, tests, sandbox, budget)
    if _complete(ends, tests):
        return [_verdict(answer, ends) for answer in ends[1].returned]
    alone = [_broken(ends)] if len(tests) == 1 else []
    return alone or [_grade_alone(code, entry_point, test, sandbox, budget) for test in tests]


def grade_weakly(code: str, tests: Sequence[AssertTest], sandbox: Sandbox, budget: Budget) -> list[TestVerdict]:
    """Run program and test in one process, once for each test. A program that means to can pass by itself."""
    return [_grade_weakly(code, test, sandbox, budget) for test in tests]


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
    return _verdict(ends[1].returned[0], ends) if _complete(ends, [test]) else _broken(ends)


def _verdict(answer: Returned, ends: tuple[End, End]) -> TestVerdict:
    if answer.opaque:
        return TestVerdict(Verdict.WRONG, f"what the program gave is no plain data: {answer.error}", ends[0])
    if answer.ok:
        return TestVerdict(Verdict.PASSED, end=ends[0])
    return TestVerdict(Verdict.WRONG, answer.error, ends[0])


def _broken(ends: tuple[End, End]) -> TestVerdict:
    """The verdict where a job of the pair failed: the program's own end says more than that of its test."""
    candidate, tester = ends
    return unfinished(candidate) if not candidate.clean else unfinished(tester)


def _grade_weakly(code: str, test: AssertTest, sandbox: Sandbox, budget: Budget) -> TestVerdict:
    if budget.spent:
        return NOT_RUN
    token = secrets.token_hex(16)  # os._exit(0) does not print it
    program = _WEAK.format(code=code, test=test.code, token=token)
    (end,) = sandbox.run([Job(Mode.PROGRAM, program, limits=budget.limits())])
    if not end.clean:
        return unclean(end)
    if end.stdout.decode("utf-8", "replace").rstrip("\n").rpartition("\n")[2] != token:
        return TestVerdict(Verdict.ERROR, "the program ended before its test", end)
    return TestVerdict(Verdict.PASSED, end=end)
