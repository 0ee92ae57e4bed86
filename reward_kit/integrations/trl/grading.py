"""The calls of a reward on what TRL passed, and what it returned as the numbers that TRL trains on."""

from __future__ import annotations

import asyncio
import inspect
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reward_kit.call_shapes import Batch, OpenRlhf, Trl, Verl
from reward_kit.errors import RewardShapeError
from reward_kit.integrations.trl.calls import GROUND_TRUTH, TrlCall
from reward_kit.integrations.trl.errors import RewardCallError
from reward_kit.models import Outcome
from reward_kit.reward import Reward
from reward_kit.verdict import Scale, to_verdict

#: The greatest number that TRL's 32-bit tensor of rewards can hold; what is above would train as infinite.
_GREATEST = float(struct.unpack("<f", b"\xff\xff\x7f\x7f")[0])
#: Every score that TRL can hold, where no range is declared.
ANY_SCORE = Scale(-_GREATEST, _GREATEST, -_GREATEST)
#: The names by which a reward takes the ground truth; the second is that of reward-kit's batch examples.
_GOLD_NAMES = (GROUND_TRUTH, "ground_truth_for_eval")


@dataclass(frozen=True, slots=True)
class Part:
    """One call of the reward: the completions it grades, and its keyword arguments."""

    indices: range
    arguments: dict[str, Any]


#: How what TRL passed is divided into calls of the reward.
Split = Callable[[TrlCall], Iterator[Part]]


@dataclass(frozen=True, slots=True)
class Grading:
    """A reward, how TRL's calls become calls of it, and the scores that are allowed."""

    reward: Reward
    split: Split
    scale: Scale

    def grade(self, call: TrlCall) -> list[float | None]:
        """The score of every completion, in order; None where the reward abstains.

        Raises:
            RewardCallError: where there is no score to train on.
        """
        return [score for part in self.split(call) for score in self._scores(call, part, self._answer(call, part))]

    async def grade_async(self, call: TrlCall) -> list[float | None]:
        """The same of an async reward, its calls all at once; the first error in order is raised after the last."""
        parts = list(self.split(call))
        outcomes = await asyncio.gather(*(self._answer_async(call, part) for part in parts), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [
            score for part, answer in zip(parts, outcomes, strict=True) for score in self._scores(call, part, answer)
        ]

    def _answer(self, call: TrlCall, part: Part) -> Any:
        try:
            answer = self.reward.function(**part.arguments)
            # A plain wrapper of an async reward does not say that it is one.
            return asyncio.run(_awaited(answer)) if inspect.isawaitable(answer) else answer
        except (Exception, SystemExit) as error:  # a reward that calls sys.exit(0) must not end a run as done
            raise _raised(call, part, error) from error

    async def _answer_async(self, call: TrlCall, part: Part) -> Any:
        try:
            return await self.reward.function(**part.arguments)
        except (Exception, SystemExit) as error:
            raise _raised(call, part, error) from error

    def _scores(self, call: TrlCall, part: Part, answer: Any) -> list[float | None]:
        try:
            values = self.reward.shape.unpack(answer, len(part.indices))
        except RewardShapeError as error:
            raise RewardCallError(
                f"{_place(call, part.indices)}: {error}. Return one reward a completion, None to abstain"
            ) from error
        return [self._score(call, index, value) for index, value in zip(part.indices, values, strict=True)]

    def _score(self, call: TrlCall, index: int, value: Any) -> float | None:
        verdict = to_verdict(f"completions[{index}]", value, self.scale)
        if verdict.outcome is Outcome.ABSTAINED:
            return None
        if verdict.outcome.is_error or verdict.score is None:
            raise RewardCallError(
                f"{_place(call, range(index, index + 1))}: {verdict.reason}. "
                "Return a finite number, or None to abstain: an error is no score to train on"
            )
        return verdict.score


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def split_for(reward: Reward) -> Split:
    """How TRL's calls become calls of this reward: by its call shape."""
    if isinstance(reward.shape, Trl):
        return lambda call: iter([Part(range(len(call.completions)), call.keywords())])
    wanted = _required_gold(reward)

    def split(call: TrlCall) -> Iterator[Part]:
        _refuse_missing_gold(call, wanted)
        for indices in _groups(reward, call):
            arguments = reward.shape.arguments([call.sample(index) for index in indices])
            if GROUND_TRUTH not in call.columns:  # the reward's own default, not a None that no row holds
                arguments = {
                    name: arguments[name] for name in arguments.keys() - (set(_GOLD_NAMES) - set(call.columns))
                }
            yield Part(indices, arguments)

    return split


def _groups(reward: Reward, call: TrlCall) -> Iterator[range]:
    if isinstance(reward.shape, Batch):
        return call.groups()
    size = max(1, len(call.completions)) if reward.shape.many else 1
    return (range(start, start + size) for start in range(0, len(call.completions), size))


def _required_gold(reward: Reward) -> tuple[str, ...]:
    """The ground truth's name where the reward cannot do without; the labels of OpenRLHF are the ground truth."""
    if isinstance(reward.shape, (Verl, OpenRlhf)):
        return (GROUND_TRUTH,)
    parameters = inspect.signature(reward.function).parameters
    return tuple(
        name for name in _GOLD_NAMES if name in parameters and parameters[name].default is inspect.Parameter.empty
    )


def _refuse_missing_gold(call: TrlCall, wanted: tuple[str, ...]) -> None:
    for name in wanted:
        if GROUND_TRUTH not in call.columns and name not in call.columns:
            raise RewardCallError(
                f"{call.reward} needs {name!r}, but the dataset has no column {GROUND_TRUTH!r}; it has "
                f"{_listed(call)}. Rename the column (dataset.rename_column), or build it with to_trl_dataset"
            )


def _raised(call: TrlCall, part: Part, error: BaseException) -> RewardCallError:
    return RewardCallError(
        f"{_place(call, part.indices)}: the reward raised {type(error).__name__}: {error}. "
        f"It was called with {', '.join(sorted(part.arguments))}; the dataset has {_listed(call)}. "
        "Make it return a score, or None to abstain, whatever the completion; accept **kwargs for what it does not use"
    )


def _place(call: TrlCall, indices: range) -> str:
    last = f"-{indices[-1]}" if len(indices) > 1 else ""
    return f"{call.reward}, completion {indices.start}{last} of 0-{len(call.completions) - 1}"


def _listed(call: TrlCall) -> str:
    return ", ".join(sorted(call.columns)) or "no column but the prompt"
