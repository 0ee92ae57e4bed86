"""`fractional_code_reward`: shares, outcomes and reasons, over a sandbox that follows a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from scripted_sandbox import ScriptedSandbox, answered, printed

from reward_kit.models import EvaluateResult, Message, Outcome
from reward_kit.rewards import code_execution
from reward_kit.rewards.code_execution import deepcoder_code_reward, fractional_code_reward
from reward_kit.sandbox.shapes import End, Job, Mode, Returned

PROGRAM = "```python\nprint(int(input()) + 1)\n```"
FUNCTION = "```python\ndef f(x):\n    return x + 1\n```"
STDIN = [{"input": "1", "expected_output": "2"}, {"input": "2", "expected_output": "3"}]
CALLS = [{"args": [1], "expected": 2}, {"args": [2], "expected": 3}, {"args": [3], "expected": 4}]
ASSERTIONS = [{"assertion": "assert f(1) == 2"}, {"assertion": "assert f(2) == 3"}]
KILLED = End(exit_code=None, signal=9, limit="wall", wall=4.0)


def message(text: str, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "Add one."}, {"role": "assistant", "content": text, **more}]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Job], End]], ScriptedSandbox]:
    def make(script: Callable[[Job], End]) -> ScriptedSandbox:
        sandbox = ScriptedSandbox(script)
        monkeypatch.setattr(code_execution, "shared_sandbox", lambda: sandbox)
        return sandbox

    return make


def adds_one(job: Job) -> End:
    return printed(f"{int(job.stdin) + 1}\n")


def test_the_score_is_the_share_of_tests_that_pass(scripted: Any) -> None:
    sandbox = scripted(adds_one)
    tests = [*STDIN, {"input": "5", "expected_output": "5"}]
    result = fractional_code_reward(message(PROGRAM), tests)

    assert result.score == 2 / 3
    assert result.outcome is Outcome.WRONG_ANSWER
    assert result.reason == "2 of 3 tests passed; test 3 wrong: line 1: expected '5', got '6'"
    assert result.decided_by == "stdin"
    assert result.extracted == "print(int(input()) + 1)\n"
    assert {job.mode for job in sandbox.jobs} == {Mode.PROGRAM}
    assert len(sandbox.jobs) == 3


def test_all_tests_passed_is_one_and_passed(scripted: Any) -> None:
    scripted(adds_one)
    result = fractional_code_reward(message(PROGRAM), json.dumps(STDIN), topic="sums")
    assert (result.score, result.outcome) == (1.0, Outcome.PASSED)
    assert result.reason == "2 of 2 tests passed"


def test_no_expected_value_goes_into_a_job(scripted: Any) -> None:
    secret = "a7c1e9"
    for tests, names in (
        ([{"input": "1", "expected_output": secret}], {}),
        ([{"args": [1], "expected": secret}], {"entry_point": "f"}),
    ):
        sandbox = scripted(lambda job: answered(1) if job.calls else printed("1"))
        fractional_code_reward(message(FUNCTION), tests, **names)
        assert sandbox.jobs
        assert secret not in repr(sandbox.jobs)


def test_test_code_never_goes_into_the_programs_job(scripted: Any) -> None:
    sandbox = scripted(lambda job: answered(None, None) if job.mode is Mode.TEST else End(exit_code=0))
    result = fractional_code_reward(message(FUNCTION), ASSERTIONS)
    candidate, tester = sandbox.jobs
    assert (candidate.mode, tester.mode) == (Mode.SERVE, Mode.TEST)
    assert "assert" not in repr(candidate)
    assert "return x + 1" not in repr(tester)
    assert result.score == 1.0


def test_each_test_is_described_in_the_metrics(scripted: Any) -> None:
    crash = End(exit_code=1, wall=0.5, cpu=0.25, memory_mb=12.4, stderr="Traceback ...\nValueError: no\n")
    scripted(lambda job: printed("2") if job.stdin == b"1" else crash)
    metrics = fractional_code_reward(message(PROGRAM), STDIN).metrics

    assert set(metrics) == {"pass_rate", "test_1", "test_2"}
    assert (metrics["pass_rate"].score, metrics["test_1"].score, metrics["test_2"].score) == (0.5, 1.0, 0.0)
    assert metrics["test_2"].reason == (
        "error: ValueError: no (exit 1, wall 0.50 s, CPU 0.25 s, 12 MB); stderr: Traceback ...\nValueError: no"
    )


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (replace(printed("2"), exit_code=1), "error: exit code 1"),
        (replace(printed("2"), exit_code=None, signal=11), "error: ended by signal 11"),
        (replace(printed("2"), limit="wall"), "limit: time limit"),
        (replace(printed("2"), limit="memory"), "limit: memory limit"),
        (replace(printed("2"), limit="output"), "limit: output limit"),
        (printed("3"), "wrong: line 1: expected '2', got '3'"),
        (replace(printed(""), stdout=b"2\xff"), "wrong: line 1"),
    ],
)
def test_the_right_output_pays_only_with_a_clean_end(scripted: Any, end: End, why: str) -> None:
    scripted(lambda job: end)
    result = fractional_code_reward(message(PROGRAM), STDIN[:1])
    assert result.score == 0.0
    assert why in str(result.reason)


# ------------------------------------------------------------------------------------------------------- calls
def calls_of(job: Job) -> list[int]:
    return [call.args[0] for call in job.calls]


def test_all_calls_are_made_in_one_job(scripted: Any) -> None:
    sandbox = scripted(lambda job: answered(*(each + 1 for each in calls_of(job))))
    result = fractional_code_reward(message(FUNCTION), CALLS, entry_point="f")
    assert (result.score, result.decided_by) == (1.0, "call")
    assert [calls_of(job) for job in sandbox.jobs] == [[1, 2, 3]]
    assert sandbox.jobs[0].entry_point == "f"


def test_an_error_in_one_call_fails_that_call(scripted: Any) -> None:
    answers = (Returned(ok=True, value=2), Returned(ok=False, error="ValueError: no"), Returned(ok=True, value=4))
    scripted(lambda job: End(exit_code=0, returned=answers))
    result = fractional_code_reward(message(FUNCTION), CALLS, entry_point="f")
    assert result.score == 2 / 3
    assert "test 2 error: ValueError: no" in str(result.reason)


def test_answers_before_a_kill_never_count(scripted: Any) -> None:
    """The right answers are forged before the fall; alone, each call falls again."""
    sandbox = scripted(lambda job: replace(answered(*(each + 1 for each in calls_of(job))), exit_code=None, signal=9))
    assert fractional_code_reward(message(FUNCTION), CALLS, entry_point="f").score == 0.0
    assert [calls_of(job) for job in sandbox.jobs] == [[1, 2, 3], [1], [2], [3]]


def test_a_loop_on_one_input_fails_that_input_alone(scripted: Any) -> None:
    def loops_on_two(job: Job) -> End:
        calls = calls_of(job)
        return replace(answered(2), exit_code=None, signal=9, limit="wall") if 2 in calls else answered(calls[0] + 1)

    sandbox = scripted(loops_on_two)
    result = fractional_code_reward(message(FUNCTION), CALLS, entry_point="f")
    assert result.score == 2 / 3
    assert "test 2 limit: time limit" in str(result.reason)
    assert len(sandbox.jobs) == 4


def test_a_first_call_that_had_all_the_time_is_not_run_again(scripted: Any) -> None:
    def loops_on_one(job: Job) -> End:
        calls = calls_of(job)
        return KILLED if 1 in calls else answered(calls[0] + 1)

    sandbox = scripted(loops_on_one)
    assert fractional_code_reward(message(FUNCTION), CALLS, entry_point="f").score == 2 / 3
    assert [calls_of(job) for job in sandbox.jobs] == [[1, 2, 3], [2], [3]]


@pytest.mark.parametrize("returned", [(), (2,), (2, 3), (2, 3, 4, 5)])
def test_fewer_or_more_answers_than_calls_are_no_answers(scripted: Any, returned: tuple[int, ...]) -> None:
    sandbox = scripted(lambda job: answered(*returned) if len(job.calls) > 1 else End(exit_code=0))
    result = fractional_code_reward(message(FUNCTION), CALLS, entry_point="f")
    assert result.score == 0.0
    assert "the program ended without an answer" in str(result.reason)
    assert len(sandbox.jobs) == 4


def test_what_is_no_plain_data_is_wrong(scripted: Any) -> None:
    scripted(lambda job: End(exit_code=0, returned=(Returned(ok=False, error="Agreeable", opaque=True),) * 3))
    result = fractional_code_reward(message(FUNCTION), CALLS, entry_point="f")
    assert result.score == 0.0
    assert "no plain data: Agreeable" in str(result.reason)


def test_reward_kits_rows_may_expect_a_text(scripted: Any) -> None:
    rows = [{"input": "5", "expected_output": "6"}]
    for value, score in ((6, 1.0), ("6", 1.0), (7, 0.0), (True, 0.0)):
        scripted(lambda job, value=value: answered(value))
        assert fractional_code_reward(message(FUNCTION), rows, function_to_call="f").score == score


# -------------------------------------------------------------------------------------------------- assertions
def test_a_test_passes_where_both_jobs_ended_cleanly_and_it_says_so(scripted: Any) -> None:
    def script(job: Job) -> End:
        if job.mode is Mode.SERVE:
            return End(exit_code=0)
        return End(exit_code=0, returned=(Returned(ok=True), Returned(ok=False, error="AssertionError")))

    scripted(script)
    result = fractional_code_reward(message(FUNCTION), ASSERTIONS)
    assert (result.score, result.decided_by) == (0.5, "assert")
    assert "test 2 wrong: AssertionError" in str(result.reason)


@pytest.mark.parametrize("broken", [Mode.SERVE, Mode.TEST])
def test_a_pair_that_did_not_end_well_is_run_again_test_by_test(scripted: Any, broken: Mode) -> None:
    def script(job: Job) -> End:
        if len(job.tests) == 1:
            return answered(None)
        return KILLED if job.mode is broken and len(sandbox.jobs) <= 2 else answered(*(None for _ in job.tests))

    sandbox = scripted(script)
    assert fractional_code_reward(message(FUNCTION), ASSERTIONS).score == 1.0
    assert [len(job.tests) for job in sandbox.jobs] == [0, 2, 0, 1, 0, 1]


def test_a_program_that_is_killed_passes_no_test(scripted: Any) -> None:
    scripted(lambda job: KILLED if job.mode is Mode.SERVE else answered(*(None for _ in job.tests)))
    result = fractional_code_reward(message(FUNCTION), ASSERTIONS)
    assert result.score == 0.0
    assert "time limit" in str(result.reason)


def test_weak_integrity_is_asked_for_and_said(scripted: Any) -> None:
    sandbox = scripted(lambda job: answered(None))
    result = fractional_code_reward(message(FUNCTION), ASSERTIONS, integrity="weak")
    assert (result.score, result.decided_by) == (1.0, "assert, integrity: weak")
    assert [(job.mode, len(job.tests)) for job in sandbox.jobs] == [(Mode.TEST, 1)] * 2
    for end in (printed(""), replace(answered(None), exit_code=1)):
        scripted(lambda job, end=end: end)
        assert fractional_code_reward(message(FUNCTION), ASSERTIONS, integrity="weak").score == 0.0


# ------------------------------------------------------------------------------------------------------ budget
def test_tests_that_are_not_reached_fail(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("reward_kit.rewards._code.budget.time.monotonic", lambda: now)

    def slow(job: Job) -> End:
        nonlocal now
        now += job.limits.wall
        return KILLED

    sandbox = scripted(slow)
    tests = [{"input": str(number), "expected_output": "x"} for number in range(9)]
    result = fractional_code_reward(message(PROGRAM), tests, timeout=4, total_timeout=10)
    assert [job.limits.wall for job in sandbox.jobs] == [4, 4, 2]
    assert result.metrics["test_4"].reason == "not run: out of time"
    assert result.score == 0.0


# ---------------------------------------------------------------------------------------------------- outcomes
def nothing_runs(job: Job) -> End:
    raise AssertionError("no job should have been run")


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("The answer is 2.", Outcome.NO_ANSWER),
        ("", Outcome.NO_ANSWER),
        ("```javascript\nf()\n```", Outcome.NO_ANSWER),
        ("```python\nprint(", Outcome.TRUNCATED),
        ("<think>\n```python\nprint(1)\n```", Outcome.TRUNCATED),
    ],
)
def test_a_response_without_a_whole_program_runs_nothing(scripted: Any, response: str, outcome: Outcome) -> None:
    scripted(nothing_runs)
    result = fractional_code_reward(message(response), STDIN)
    assert (result.score, result.outcome, result.is_score_valid) == (0.0, outcome, True)


def test_the_token_limit_is_truncation(scripted: Any) -> None:
    scripted(nothing_runs)
    assert fractional_code_reward(message(PROGRAM, finish_reason="length"), STDIN).outcome is Outcome.TRUNCATED


@pytest.mark.parametrize("ground_truth", [None, [], "", "[]", [{}], 3, [{"args": [1], "expected": 2}]])
def test_rows_without_usable_tests_are_a_gold_defect(scripted: Any, ground_truth: Any) -> None:
    scripted(nothing_runs)
    for reward in (fractional_code_reward, deepcoder_code_reward):
        result = reward(message(PROGRAM), ground_truth)
        assert (result.score, result.outcome) == (0.0, Outcome.GOLD_DEFECT)


def test_a_programs_words_are_text_that_every_file_takes(scripted: Any) -> None:
    words = "E: \ud800\0\x1b[31m" + "a" * 10_000
    scripted(lambda job: End(exit_code=0, stderr=f"{words}\n", returned=(Returned(ok=False, error=words),)))
    result = fractional_code_reward(message(f"{FUNCTION[:-3]}# \ud800\n```"), CALLS[:1], entry_point="f")
    assert json.loads(result.model_dump_json())["score"] == 0.0
    assert "\n" not in str(result.reason)
    assert str(result.reason).isprintable()
    assert len(str(result.reason)) < 500
    assert result.metrics["test_1"].reason.isprintable()


def test_messages_may_be_objects_and_the_last_assistant_message_counts(scripted: Any) -> None:
    scripted(adds_one)
    messages = [
        Message(role="assistant", content="```python\nprint(0)\n```"),
        Message(role="assistant", content=PROGRAM, reasoning_content="```python\nprint(9)\n```"),
    ]
    assert fractional_code_reward(messages, STDIN).score == 1.0


def test_all_or_nothing(scripted: Any) -> None:
    scripted(adds_one)
    assert deepcoder_code_reward(message(PROGRAM), STDIN, "python").score == 1.0
    result = deepcoder_code_reward(message(PROGRAM), [*STDIN, {"input": "1", "expected_output": "1"}], "python")
    assert (result.score, result.is_score_valid, result.outcome) == (0.0, True, Outcome.WRONG_ANSWER)
    assert result.metrics["pass_rate"].score == 2 / 3


def test_all_or_nothing_names_the_function_as_reward_kit_does(scripted: Any) -> None:
    sandbox = scripted(lambda job: answered(6))
    rows = [{"input": "5", "expected_output": "6"}]
    assert deepcoder_code_reward(message(FUNCTION), rows, "python", target_function="f").score == 1.0
    assert sandbox.jobs[0].entry_point == "f"


@pytest.mark.parametrize(
    "settings",
    [
        {"language": "javascript"},
        {"environment": "e2b"},
        {"block": "second"},
        {"integrity": "none"},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": "4"},
        {"total_timeout": float("inf")},
    ],
)
def test_a_setting_that_cannot_be_met_is_an_error_and_no_score(scripted: Any, settings: dict[str, Any]) -> None:
    scripted(nothing_runs)
    with pytest.raises(ValueError):
        fractional_code_reward(message(PROGRAM), STDIN, **settings)


def test_an_error_of_the_sandbox_is_no_score(scripted: Any) -> None:
    def dies(job: Job) -> End:
        raise OSError("the fork server is gone")

    scripted(dies)
    with pytest.raises(OSError, match="fork server"):
        fractional_code_reward(message(PROGRAM), STDIN)


def test_a_result_is_a_result(scripted: Any) -> None:
    scripted(adds_one)
    result = fractional_code_reward(message(PROGRAM), STDIN * 40)
    assert isinstance(result, EvaluateResult)
    assert len(result.metrics) == 81
    assert result["score"] == 1.0
