"""Any reward as trl.GRPOTrainer's `reward_funcs` takes it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from reward_kit.call_shapes import Pointwise
from reward_kit.errors import RewardShapeError
from reward_kit.integrations.trl.calls import TrlCall, read_call
from reward_kit.integrations.trl.errors import RewardCallError
from reward_kit.integrations.trl.grading import ANY_SCORE, Grading, Part, split_for
from reward_kit.reward import Reward, as_reward, load_object
from reward_kit.verdict import Scale

#: A reward as TRL calls it: keyword lists in, a number or None for each completion out; a coroutine of that if async.
TrlReward = Callable[..., Any]
Range = tuple[float, float]


def to_trl(reward: object, *, range: Range | None = None) -> TrlReward | list[TrlReward]:
    """A reward of any call shape as a reward function of TRL 1.16's `GRPOTrainer`.

    A TRL reward is passed what TRL passes. Other shapes are called as the suite's steps call them: with the whole
    prompt, the completion, and the row's columns, without TRL's own keywords; a batch reward once for the neighbouring
    completions of one row (of this process, where training is distributed). Columns that `to_trl_rows` stored as text
    arrive as they were. An async reward gives an async function.

    Args:
        reward: a function, a `Reward`, or a dotted path "module:function". One with `components` (each with `name`,
            `reward` and `weight`) gives a list of functions; `reward_weights` has their weights for GRPOConfig.
        range: the lowest and highest score allowed, of each component where there are some; any finite one if None.

    Returns:
        A function named like the reward. It returns one float a completion, None where the reward abstains, and raises
        RewardCallError where the reward raises, reports an error or gives no number to train on, and where TRL's lists
        differ in length or lack the ground truth that the reward needs.

    Raises:
        RewardShapeError: where the reward cannot be loaded or fits no call shape.
        ValueError: for an impossible range.
    """
    scale = ANY_SCORE if range is None else _scale(*range)
    found = _found(reward)
    if components := _components(found):
        return [_plain(component.reward, scale, component.name) for component in components]
    return _plain(found, scale)


def reward_weights(reward: object) -> list[float] | None:
    """The weights of a composite's components, in the order of `to_trl`, for GRPOConfig; None for a plain reward."""
    return [float(component.weight) for component in _components(_found(reward))] or None


def adapted_rewards(reward: object) -> list[Reward]:
    """The user's own rewards behind the functions of `to_trl`, in its order: the components, or the reward itself.

    Raises:
        RewardShapeError: where one cannot be loaded or fits no call shape.
    """
    found = _found(reward)
    return [as_reward(_found(component.reward)) for component in _components(found)] or [as_reward(found)]


def create_trl_adapter(
    reward_fn: Callable[..., Any],
    dataset_to_reward_kwargs_map: Mapping[str, str],
    static_reward_kwargs: Mapping[str, Any] | None = None,
    user_message_fn: Callable[[Any], str] | None = None,
    assistant_message_fn: Callable[[Any], str] | None = None,
) -> TrlReward:
    """A pointwise reward for TRL with named columns, as reward-kit 0.4.1 has it; `to_trl` needs no such map.

    Where reward-kit's scores 0.0, passes None or drops completions, this raises: docs/migration.md.

    Args:
        reward_fn: a reward that takes `messages`.
        dataset_to_reward_kwargs_map: the reward's parameter for each column of the dataset it gets.
        static_reward_kwargs: further arguments, the same for every completion.
        user_message_fn: makes one user message's text of a prompt; without it the prompt's messages are kept whole.
        assistant_message_fn: makes the response's text of a completion.

    Raises:
        RewardShapeError: where the reward is not pointwise.
        ValueError: where two arguments have one name.
    """
    reward = as_reward(reward_fn)
    if not isinstance(reward.shape, Pointwise):
        raise RewardShapeError(f"{reward.describe()} does not take messages. Use to_trl, which knows every call shape")
    static = dict(static_reward_kwargs or {})
    given = ["messages", *static, *dataset_to_reward_kwargs_map.values()]
    if repeated := sorted({name for name in given if given.count(name) > 1}):
        raise ValueError(f"{', '.join(repeated)}: given twice to {reward.name}. Map or set each argument once")

    def split(call: TrlCall) -> Iterator[Part]:
        _refuse_missing_columns(call, dataset_to_reward_kwargs_map)
        shown = _rewritten(call, user_message_fn, assistant_message_fn)
        for index in range(len(shown.completions)):
            sample = shown.sample(index)
            columns = {"ground_truth": sample.row.ground_truth, **sample.row.columns}
            named = {to: columns[name] for name, to in dataset_to_reward_kwargs_map.items() if name in columns}
            yield Part(range(index, index + 1), {"messages": list(sample.messages), **static, **named})

    return _function(Grading(reward, split, ANY_SCORE), name_in_logs(reward.function))


def _plain(reward: object, scale: Scale, name: str | None = None) -> TrlReward:
    found = as_reward(_found(reward))
    return _function(Grading(found, split_for(found), scale), name or name_in_logs(found.function))


def _function(grading: Grading, name: str) -> TrlReward:
    """The function itself: TRL tells async rewards from others by it, and names its logs after it."""

    async def asynchronous(prompts: Any, completions: Any, **keywords: Any) -> list[float | None]:
        return await grading.grade_async(read_call(name, prompts, completions, keywords))

    def synchronous(prompts: Any, completions: Any, **keywords: Any) -> list[float | None]:
        return grading.grade(read_call(name, prompts, completions, keywords))

    function: Any = asynchronous if grading.reward.is_async else synchronous
    function.__name__ = function.__qualname__ = name
    return cast(TrlReward, function)


def _found(reward: object) -> object:
    return load_object(reward) if isinstance(reward, str) else reward


def _components(reward: object) -> list[Any]:
    """The components of a composite, none of any other reward."""
    held = getattr(reward.function if isinstance(reward, Reward) else reward, "components", None)
    if not isinstance(held, Sequence) or isinstance(held, str):
        return []
    if any(not hasattr(component, field) for component in held for field in ("name", "reward", "weight")):
        raise RewardShapeError(f"{reward!r} has components without name, reward or weight. Give each all three")
    names = [component.name for component in held]
    if len(set(names)) < len(names):
        raise RewardShapeError(f"{reward!r} has components of one name ({names}). TRL logs them by name: rename one")
    return list(held)


def name_in_logs(function: Any) -> str:
    """The name that TRL logs a reward under (trl/trainer/utils.py, `get_callable_name`)."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def _scale(low: float, high: float) -> Scale:
    if not ANY_SCORE.low <= low < high <= ANY_SCORE.high:  # NaN fails this too
        raise ValueError(f"range ({low}, {high}) is not a lowest and a highest score. Give two finite numbers in order")
    return Scale(low, high, high)


def _refuse_missing_columns(call: TrlCall, wanted: Iterable[str]) -> None:
    if missing := sorted(set(wanted) - call.columns.keys()):
        has = ", ".join(sorted(call.columns)) or "no column but the prompt"
        raise RewardCallError(
            f"{call.reward}: the dataset has no column {', '.join(map(repr, missing))}; it has {has}. "
            "Correct dataset_to_reward_kwargs_map, or keep the column (remove_unused_columns=False)"
        )


def _rewritten(
    call: TrlCall, user_text: Callable[[Any], str] | None, assistant_text: Callable[[Any], str] | None
) -> TrlCall:
    prompts = call.prompts if user_text is None else [user_text(prompt) for prompt in call.prompts]
    completions = call.completions if assistant_text is None else [assistant_text(text) for text in call.completions]
    return replace(call, prompts=prompts, completions=completions)
