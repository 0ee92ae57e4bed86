"""What the curves of a smoke run say: read from TRL's own log, without torch."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reward_kit.verdict import Scale


def own_rise(logs: Sequence[Mapping[str, Any]], scale: Scale) -> float:
    """How far the mean reward rose, as a share of the declared range.

    The mean of the last quarter of the steps (at least two) less the first step. NaN where a step has no finite reward
    or fewer than three steps asked the reward: that is no rise.
    """
    rewards = [_number(log["reward"]) for log in _generated(logs)]
    if len(rewards) < 3 or scale.high <= scale.low:
        return math.nan
    last = rewards[-max(2, len(rewards) // 4) :]
    rise = (sum(last) / len(last) - rewards[0]) / (scale.high - scale.low)
    return rise if all(map(math.isfinite, rewards)) else math.nan


def zero_std_share(logs: Sequence[Mapping[str, Any]], first: int = 3) -> float:
    """The share of groups, over the first steps, whose completions all got the same reward; 1 where none is known.

    TRL 1.16 logs a share of 0 where the reward is None or NaN throughout: such a step counts as one without signal.
    """
    steps = _generated(logs)[:first]
    shares = [_number(log.get("frac_reward_zero_std")) if _is_finite(log.get("reward")) else 1.0 for log in steps]
    return sum(shares) / len(shares) if shares else 1.0


def curve_lines(logs: Sequence[Mapping[str, Any]], width: int = 55) -> Iterator[str]:
    """The reward of each step for a terminal, in lines of up to `width` characters beside their label."""
    numbers = [_shown(log.get("reward")) for log in _generated(logs)]
    for place, line in enumerate(textwrap.wrap(" ".join(numbers), width)):
        yield f"{'' if place else 'reward':<7}{line}"


def _shown(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, (int, float)) else str(value)


def _generated(logs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The steps that called the reward: with num_iterations = 2, TRL logs none on the second use of a batch."""
    return [log for log in logs if "reward" in log]


def _is_finite(value: Any) -> bool:
    return math.isfinite(_number(value))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
