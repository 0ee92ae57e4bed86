"""`fractional_code_reward`: which share of its tests does a program pass? Run in a sandbox, judged outside of it.

docs/code.md says which program counts, how tests are written and what counts as equal; docs/migration.md where that
differs from reward-kit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from reward_kit.models import EvaluateResult, Message, Outcome, text_of
from reward_kit.rewards._code.assertions import grade_assertions, grade_weakly
from reward_kit.rewards._code.budget import Budget
from reward_kit.rewards._code.calls import grade_calls
from reward_kit.rewards._code.fences import BLOCKS, Block, Missing, find_program
from reward_kit.rewards._code.programs import grade_programs
from reward_kit.rewards._code.tests import CallTests, Defect, ProgramTests, Tests, read_tests
from reward_kit.rewards._code.verdicts import TestVerdict, result_of
from reward_kit.sandbox.shared import shared_sandbox

Integrity = Literal["strong", "weak"]


def fractional_code_reward(
    messages: Sequence[Message | Mapping[str, Any]],
    ground_truth: Any,
    language: str = "python",
    timeout: float = 4,
    environment: str = "local",
    api_key: str | None = None,
    *,
    entry_point: str | None = None,
    function_to_call: str | None = None,
    block: Block = "last",
    total_timeout: float = 20,
    integrity: Integrity = "strong",
    **kwargs: Any,
) -> EvaluateResult:
    """Score the share of tests that the program in the last assistant message passes.

    Args:
        messages: the conversation; the last assistant message is graded. The program is a fenced block tagged python,
            py or python3, or one without a tag where none is tagged so. `finish_reason` "length" and a fence that is
            not closed are `truncated`.
        ground_truth: the tests, a list of one form: `{"input", "expected_output"}`, `{"args", "kwargs", "expected"}`
            or `{"assertion"}`; also as JSON text. Another text is all that a program prints which reads nothing.
        language: "python" is the only one.
        timeout: seconds that one test may take.
        environment: "local" is the only one: a sandbox on this machine (reward_kit.sandbox).
        api_key: not used.
        entry_point: the function, or method of `class Solution`, that call tests are for.
        function_to_call: the same, for rows of reward-kit, whose inputs are then read as arguments.
        block: which block counts where there are several: "last", "first" or "longest".
        total_timeout: seconds for all tests; those not reached are failed.
        integrity: "weak" runs test code in the program's own process, for tests that need its objects. A program can
            then reach its judge; the result's `decided_by` says so.
        **kwargs: further dataset columns; not used.

    Returns:
        A result with outcome, one-line reason, `extracted` (the program), and in `metrics` one entry a test.

    Raises:
        ValueError: for another language or environment, or a setting out of its range.
        SandboxError: where no program can be run, which is not the response's doing.
    """
    _check_settings(language, environment, block, integrity, timeout, total_timeout)
    tests = read_tests(ground_truth, entry_point, function_to_call)
    if isinstance(tests, Defect):
        return EvaluateResult(score=0.0, reason=tests.reason, outcome=Outcome.GOLD_DEFECT, decided_by="tests")
    content, cut_off = _graded_message(messages)
    program = find_program(content, block=block, cut_off=cut_off)
    if isinstance(program, Missing):
        return EvaluateResult(score=0.0, reason=program.reason, outcome=program.outcome, decided_by="fences")
    budget = Budget(timeout, total_timeout)
    verdicts, form = _grade(program.code, tests, budget, weak=integrity == "weak")
    return result_of(verdicts, program.code, form)


def deepcoder_code_reward(
    messages: Sequence[Message | Mapping[str, Any]],
    ground_truth: Any,
    language: str = "python",
    timeout: float = 10,
    environment: str = "local",
    api_key: str | None = None,
    target_function: str | None = None,
    **kwargs: Any,
) -> EvaluateResult:
    """Score 1.0 where the program passes all tests, else 0.0; otherwise as `fractional_code_reward`.

    Args:
        messages: the conversation; the last assistant message is graded.
        ground_truth: the tests.
        language: "python" is the only one.
        timeout: seconds that one test may take.
        environment: "local" is the only one.
        api_key: not used.
        target_function: as `function_to_call`.
        **kwargs: settings of `fractional_code_reward`, and further dataset columns.
    """
    named = {"function_to_call": target_function} if target_function is not None else {}
    result = fractional_code_reward(
        messages, ground_truth, language, timeout, environment, api_key, **{**kwargs, **named}
    )
    return result.model_copy(update={"score": 1.0 if result.outcome is Outcome.PASSED else 0.0})


def _check_settings(
    language: str, environment: str, block: str, integrity: str, timeout: float, total_timeout: float
) -> None:
    if language.lower() not in ("python", "py", "python3"):
        raise ValueError(f"language {language!r}: only Python programs can be run")
    if environment != "local":
        raise ValueError(f"environment {environment!r}: programs run in the sandbox of this machine, 'local'")
    if block not in BLOCKS:
        raise ValueError(f"block {block!r} is none of {', '.join(BLOCKS)}")
    if integrity not in ("strong", "weak"):
        raise ValueError(f"integrity {integrity!r} is neither 'strong' nor 'weak'")
    for name, seconds in (("timeout", timeout), ("total_timeout", total_timeout)):
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
            raise ValueError(f"{name} is {seconds!r}: it must be a positive number of seconds")


def _graded_message(messages: Sequence[Message | Mapping[str, Any]]) -> tuple[str, bool]:
    """The text of the last assistant message, and whether the token limit ended it."""
    for message in reversed(messages):
        if isinstance(message, Mapping):
            if message.get("role", "assistant") == "assistant":
                return text_of(message.get("content")), message.get("finish_reason") == "length"
        elif message.role == "assistant":
            return text_of(message.content), message.finish_reason == "length"
    return "", False


def _grade(code: str, tests: Tests, budget: Budget, *, weak: bool) -> tuple[list[TestVerdict], str]:
    """Each test's verdict, and the form that they were run in."""
    sandbox = shared_sandbox()
    if isinstance(tests, ProgramTests):
        return grade_programs(code, tests.tests, sandbox, budget), "stdin"
    if isinstance(tests, CallTests):
        return grade_calls(code, tests.entry_point, tests.tests, sandbox, budget), "call"
    if weak:
        return grade_weakly(code, tests.entry_point, tests.tests, sandbox, budget), "assert, integrity: weak"
    return grade_assertions(code, tests.entry_point, tests.tests, sandbox, budget), "assert"
