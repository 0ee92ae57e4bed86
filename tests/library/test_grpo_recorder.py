"""What a reward is called with and what it returns is noted, and nothing that passes through is changed."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from typing import Any

import pytest

from reward_kit.grpo.recorder import CallRecorder, is_async

COMPLETIONS = [[{"role": "assistant", "content": text}] for text in ("1", "2", "3")]


def call(recorder: CallRecorder, **columns: Any) -> Any:
    return recorder(prompts=[[]] * 3, completions=COMPLETIONS, completion_ids=[[1]] * 3, trainer_state=None, **columns)


def test_calls_rows_columns_and_values_are_counted() -> None:
    recorder = CallRecorder(lambda completions, **kwargs: [1, None, float("nan")])

    call(recorder, ground_truth=["1", None, "3"], tests=[["a"], ["b"], ["c"]])
    call(recorder, ground_truth=["1", 2, "3"])

    record = recorder.record
    assert (record.calls, record.rows, record.conversational, record.threads) == (2, 6, True, ("main",))
    assert record.columns == {"ground_truth": "None or int or str", "tests": "list"}
    assert record.values == {"finite": 2, "none": 2, "nan": 2}
    assert record.distinct == 1


def test_a_column_that_is_no_list_over_the_rows_is_called_so() -> None:
    recorder = CallRecorder(lambda completions, **kwargs: [0, float("inf"), "1"])

    call(recorder, ground_truth="1", tests=["a"])

    assert recorder.record.columns == {"ground_truth": "str, not a list", "tests": "list of 1 for 3 rows"}
    assert recorder.record.values == {"finite": 1, "inf": 1, "other": 1}


def test_string_completions_are_not_conversational() -> None:
    recorder = CallRecorder(lambda completions, **kwargs: [0.0])

    recorder(prompts=["a"], completions=["b"])

    assert not recorder.record.conversational


@pytest.mark.parametrize("returned", [[1.0], (0.5, None), "text", 0.5, None, {"score": 1}, [{}]])
def test_what_is_returned_is_the_very_object(returned: Any) -> None:
    assert call(CallRecorder(lambda **kwargs: returned)) is returned


def test_an_iterator_is_not_emptied() -> None:
    recorder = CallRecorder(lambda completions, **kwargs: (float(i) for i in range(3)))

    assert list(call(recorder)) == [0.0, 1.0, 2.0]
    assert recorder.record.values == {"finite": 3}


def test_what_a_reward_is_given_is_the_very_object() -> None:
    given: dict[str, Any] = {}
    truth = ["1", "2", "3"]

    call(CallRecorder(lambda **kwargs: given.update(kwargs) or [0.0] * 3), ground_truth=truth)

    assert given["completions"] is COMPLETIONS
    assert given["ground_truth"] is truth


def test_what_it_raises_is_raised() -> None:
    error = KeyError("answer")

    def reward(**kwargs: Any) -> list[float]:
        raise error

    recorder = CallRecorder(reward)
    with pytest.raises(KeyError) as raised:
        call(recorder)

    assert raised.value is error
    assert recorder.record.calls == 1
    assert recorder.record.values == {}


async def judged(completions: list[Any], **kwargs: Any) -> list[float]:
    return [0.5] * len(completions)


class Judge:
    async def __call__(self, completions: list[Any], **kwargs: Any) -> list[float]:
        return await judged(completions)


@pytest.mark.parametrize(
    "reward", [judged, Judge(), functools.partial(judged, extra=1)], ids=["function", "object", "partial"]
)
def test_an_async_reward_stays_async(reward: Any) -> None:
    recorder = CallRecorder(reward)

    assert is_async(recorder)
    assert asyncio.run(call(recorder)) == [0.5] * 3
    assert recorder.record.values == {"finite": 3}


def test_name_and_signature_are_the_rewards() -> None:
    assert [CallRecorder(r).__name__ for r in (judged, functools.partial(judged), Judge())] == [
        "judged",
        "judged",
        "Judge",
    ]
    assert list(inspect.signature(CallRecorder(judged)).parameters) == ["completions", "kwargs"]


def test_calls_in_another_thread_are_told_apart() -> None:
    recorder = CallRecorder(lambda **kwargs: [0.0] * 3)
    thread = threading.Thread(target=call, args=(recorder,))
    thread.start()
    thread.join()

    assert recorder.record.threads == ("other",)
