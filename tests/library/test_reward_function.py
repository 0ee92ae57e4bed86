"""`@reward_function` and the result models behave as reward-kit 0.4.1's do."""

from __future__ import annotations

import asyncio
import inspect
import typing
from typing import Any

import pytest
from pydantic import ValidationError

from reward_kit import EvaluateResult, Message, MetricResult, StepOutput, reward_function

TURNS = [{"role": "user", "content": "6 * 4?"}, {"role": "assistant", "content": "24", "unknown": "ignored"}]


# -- the decorator -------------------------------------------------------------------------------------------------


def test_a_reward_without_kwargs_is_refused_at_decoration() -> None:
    with pytest.raises(ValueError, match=r"grade\(messages\) must accept \*\*kwargs"):

        @reward_function
        def grade(messages):  # type: ignore[no-untyped-def]
            return EvaluateResult(score=1.0)


def test_an_unknown_mode_is_refused_at_decoration() -> None:
    with pytest.raises(ValueError, match="mode 'all' is not 'pointwise' or 'batch'"):
        reward_function(mode="all")(lambda messages, **kwargs: None)  # type: ignore[call-overload]


def test_it_may_be_used_with_or_without_parentheses() -> None:
    def grade(messages: list[Message], **kwargs: Any) -> EvaluateResult:
        """Grade it."""
        return EvaluateResult(score=1.0)

    for decorated in (reward_function(grade), reward_function()(grade)):
        assert decorated(messages=TURNS).score == 1.0
        assert (decorated.__name__, decorated.__doc__) == ("grade", "Grade it.")
        assert decorated._reward_function_mode == "pointwise"  # type: ignore[attr-defined]


def test_what_it_was_given_is_kept_with_the_function() -> None:
    @reward_function(mode="batch", id="mine", requirements=["numpy"], resources={"db": 1})
    def grade(rollouts_messages, **kwargs):  # type: ignore[no-untyped-def]
        return []

    kept = {name: getattr(grade, f"_reward_function_{name}") for name in ("id", "requirements", "mode", "resources")}
    assert kept == {"id": "mine", "requirements": ["numpy"], "mode": "batch", "resources": {"db": 1}}


def test_annotated_messages_arrive_as_messages_by_position_and_by_name() -> None:
    @reward_function
    def grade(messages: typing.List[Message], ground_truth: list[Message], **kwargs: Any) -> EvaluateResult:  # noqa: UP006
        assert all(isinstance(message, Message) for message in [*messages, *ground_truth])
        return EvaluateResult(score=1.0, reason=messages[-1].content)

    assert grade(TURNS, TURNS).reason == "24"
    assert grade(messages=tuple(TURNS), ground_truth=[Message(**TURNS[0])]).reason == "24"


def test_a_gold_that_is_text_stays_text() -> None:
    @reward_function
    def grade(messages: list[Message], ground_truth: str | list[Message], **kwargs: Any) -> EvaluateResult:
        return EvaluateResult(score=1.0, reason=repr(ground_truth))

    assert grade(TURNS, "1,200").reason == "'1,200'"
    assert grade(TURNS, None).reason == "None"


@pytest.mark.parametrize("annotation", [None, list[dict[str, Any]], typing.Union[list[Message], list[dict[str, Any]]]])  # noqa: UP007
def test_only_the_exact_annotation_is_coerced(annotation: Any) -> None:
    def grade(messages, **kwargs):  # type: ignore[no-untyped-def]
        return EvaluateResult(score=1.0, reason=type(messages[0]).__name__)

    if annotation is not None:
        grade.__annotations__["messages"] = annotation
    assert reward_function(grade)(messages=TURNS).reason == "dict"


def test_rollouts_arrive_as_lists_of_messages() -> None:
    @reward_function(mode="batch")
    def grade(rollouts_messages: list[list[Message]], **kwargs: Any) -> list[EvaluateResult]:
        return [EvaluateResult(score=float(messages[-1].content or "nan")) for messages in rollouts_messages]

    assert [result.score for result in grade(rollouts_messages=[TURNS, TURNS])] == [24.0, 24.0]


def test_a_message_without_role_is_a_value_error() -> None:
    @reward_function
    def grade(messages: list[Message], **kwargs: Any) -> EvaluateResult:
        return EvaluateResult(score=1.0)

    with pytest.raises(ValueError, match="role"):
        grade(messages=[{"content": "no role"}])


def test_every_further_column_arrives() -> None:
    @reward_function
    def grade(messages: list[Message], *, ground_truth: str, tolerance: float = 0.1, **kwargs: Any) -> EvaluateResult:
        return EvaluateResult(score=1.0, reason=f"{ground_truth} {tolerance} {kwargs}")

    assert grade(messages=TURNS, ground_truth="24", tolerance=0.5, level=3).reason == "24 0.5 {'level': 3}"


def test_a_dict_that_is_a_result_becomes_one() -> None:
    @reward_function
    def grade(messages: Any, **kwargs: Any) -> Any:
        return {"score": 1, "reason": "so", "metrics": {"length": {"score": 0.5, "reason": "short"}}}

    result = grade(messages=TURNS)
    assert isinstance(result, EvaluateResult)
    assert result.metrics["length"].score == 0.5


@pytest.mark.parametrize("bad", [None, 1.0, "1.0", {}, {"score": "high"}, [EvaluateResult(score=1.0)], {"score": None}])
def test_what_is_no_result_is_a_value_error(bad: Any) -> None:
    with pytest.raises(ValueError, match="EvaluateResult"):
        reward_function(lambda messages, **kwargs: bad)(messages=TURNS)


@pytest.mark.parametrize("bad", [None, EvaluateResult(score=1.0), {"score": 1.0}, 1.0])
def test_a_batch_reward_returns_a_list(bad: Any) -> None:
    with pytest.raises(ValueError, match="a batch reward returns a list of results, not"):
        reward_function(mode="batch")(lambda rollouts_messages, **kwargs: bad)(rollouts_messages=[TURNS])


def test_every_result_of_a_batch_is_checked() -> None:
    grade = reward_function(mode="batch")(lambda rollouts_messages, **kwargs: [{"score": 1.0}, {"score": None}])

    with pytest.raises(ValueError, match="score"):
        grade(rollouts_messages=[TURNS, TURNS])


def test_an_async_reward_stays_async_and_is_checked_too() -> None:
    @reward_function
    async def grade(messages: list[Message], good: bool = True, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return {"score": 1.0, "reason": messages[-1].content} if good else None

    assert inspect.iscoroutinefunction(grade)
    assert asyncio.run(grade(messages=TURNS)).reason == "24"
    with pytest.raises(ValueError, match="EvaluateResult"):
        asyncio.run(grade(messages=TURNS, good=False))


def test_the_rewards_own_exception_comes_through() -> None:
    @reward_function
    def grade(messages: Any, **kwargs: Any) -> Any:
        raise LookupError("no such table")

    with pytest.raises(LookupError, match="no such table"):
        grade(messages=TURNS)


# -- the models ----------------------------------------------------------------------------------------------------

RESULT = EvaluateResult(score=0.5, reason="half", metrics={"m": MetricResult(score=0.5, reason="so")})


@pytest.mark.parametrize(
    "model", [RESULT, RESULT.metrics["m"], StepOutput(step_index=1, base_reward=0.5)], ids=lambda m: type(m).__name__
)
def test_results_read_like_dicts_and_like_objects(model: Any) -> None:
    for name in type(model).model_fields:
        assert model[name] == getattr(model, name) == model.get(name)
        assert name in model
    assert list(model) == list(model.keys()) == list(type(model).model_fields)
    assert list(model.items()) == list(zip(model.keys(), model.values(), strict=True))
    assert dict(model) == {name: getattr(model, name) for name in type(model).model_fields}


def test_a_field_that_is_not_there_is_a_key_error_or_the_default() -> None:
    assert "metric" not in RESULT
    assert RESULT.get("metric") is None
    assert RESULT.get("metric", 3) == 3
    assert RESULT.get("error", 3) is None  # there, and None
    with pytest.raises(KeyError, match="metric"):
        RESULT["metric"]
    with pytest.raises(KeyError):
        RESULT["keys"]  # a method is not a field


def test_a_results_score_is_not_bounded_and_a_metrics_is() -> None:
    assert EvaluateResult(score=1.2).score == 1.2
    for score in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValidationError):
            MetricResult(score=score, reason="so")


def test_what_must_be_said_must_be_said() -> None:
    for incomplete in (lambda: EvaluateResult(), lambda: MetricResult(score=1.0), lambda: Message(content="no role")):  # type: ignore[call-arg]
        with pytest.raises(ValidationError):
            incomplete()


def test_a_message_keeps_tool_calls_without_id() -> None:
    message = Message.model_validate(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
            "surplus": 1,
        }
    )

    assert message.tool_calls is not None
    assert (message.tool_calls[0].id, message.tool_calls[0].function.name) == (None, "f")
    assert not hasattr(message, "surplus")
    assert Message(role="user").content == ""
