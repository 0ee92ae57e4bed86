"""`length_reward`: how close a response's length is to what was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import cos, pi
from typing import Any, Literal

from reward_kit.models import EvaluateResult, Message, MetricResult, Outcome, text_of
from reward_kit.reward import reward_function

#: With no length declared, a response of this many tokens or more scores lowest, as in reward-kit.
_FREE_LENGTH = 100

TokenMethod = Literal["whitespace", "character", "words"]
Scaling = Literal["linear", "cosine"]

_COUNTERS: dict[str, Callable[[str], int]] = {
    "whitespace": lambda text: len(text.split()),
    "character": len,
    "words": lambda text: len(re.findall(r"\w+", text)),
}


@reward_function
def length_reward(
    messages: Sequence[Message | Mapping[str, Any]],
    *,
    ground_truth: Any = None,
    target_length: int | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    token_method: TokenMethod = "whitespace",
    scaling: Scaling = "linear",
    reward_range: Sequence[float] | None = None,
    **kwargs: Any,
) -> EvaluateResult:
    """Score the length of the last message by reward-kit 0.4.1's rules.

    Args:
        messages: the conversation; the last message is measured.
        ground_truth: not used; taken because rewards are called with it.
        target_length: tokens wanted; the score falls with the relative distance, to the lowest at none and at twice
            the target. It stands before the two bounds.
        min_length: tokens from which the score is highest; below, it rises from 0 tokens on.
        max_length: tokens up to which the score is highest; above, it falls, to the lowest at twice the maximum, or
            with `min_length` at `max_length` plus the distance of the two.
        token_method: what a token is: "whitespace" splits at blanks, "character" counts characters, "words" counts
            runs of letters, digits and underscores.
        scaling: how the score falls: "linear", or "cosine" (half a wave round a target and without bounds, a quarter
            of one outside bounds).
        reward_range: lowest and highest score; (0, 1) by default.

    Raises:
        ValueError: for a length that is not positive, a minimum above the maximum, an unknown method or scaling, or a
            range that is not (low, high). reward-kit scores such calls.
    """
    low, high = _checked_range(reward_range)
    _check_lengths(target_length, min_length, max_length)
    if token_method not in _COUNTERS or scaling not in ("linear", "cosine"):
        raise ValueError(f"unknown token_method {token_method!r} or scaling {scaling!r}")
    text = _text(messages)
    if not text:
        return EvaluateResult(score=low, reason="there is no response to measure", outcome=Outcome.NO_ANSWER)
    count = _COUNTERS[token_method](text)
    share = _share(count, target_length, min_length, max_length, cosine=scaling == "cosine")
    reason = f"{count} tokens ({token_method}), {_wanted(target_length, min_length, max_length)}"
    metrics = {
        "length": MetricResult(score=share, reason=reason),
        "token_count": MetricResult(
            score=min(1.0, count / (target_length or max_length or min_length or _FREE_LENGTH)),
            reason=f"{count} tokens",
        ),
    }
    return EvaluateResult(score=low + (high - low) * share, reason=reason, metrics=metrics)


def _share(count: int, target: int | None, least: int | None, most: int | None, *, cosine: bool) -> float:
    """The score's place in its range, from 0 to 1."""
    if target is not None:
        off = min(1.0, abs(count - target) / target)
        return (1.0 + cos(pi * off)) / 2.0 if cosine else 1.0 - off
    if least is not None and count < least:
        return 1.0 - cos(pi / 2.0 * count / least) if cosine else count / least
    if most is not None and count > most:
        span = most - least if least is not None and most > least else most
        off = min(1.0, (count - most) / span)
        return cos(pi / 2.0 * off) if cosine else 1.0 - off
    if least is None and most is None:
        off = min(1.0, count / _FREE_LENGTH)
        return (1.0 + cos(pi * off)) / 2.0 if cosine else 1.0 - off
    return 1.0


def _wanted(target: int | None, least: int | None, most: int | None) -> str:
    if target is not None:
        return f"target {target}"
    bounds = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
    return " and ".join(bounds) or "the shorter the better"


def _checked_range(given: Sequence[float] | None) -> tuple[float, float]:
    if given is None:
        return 0.0, 1.0
    if len(given) != 2 or not given[0] < given[1]:
        raise ValueError(f"reward_range {given!r} is not (low, high) with low < high")
    return float(given[0]), float(given[1])


def _check_lengths(target: int | None, least: int | None, most: int | None) -> None:
    named = {"target_length": target, "min_length": least, "max_length": most}
    for name, value in named.items():
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}: it must be at least 1")
    if least is not None and most is not None and least > most:
        raise ValueError(f"min_length {least} is above max_length {most}")


def _text(messages: Sequence[Message | Mapping[str, Any]]) -> str:
    """The last message's text, where the assistant wrote it."""
    last = messages[-1] if messages else Message(role="assistant")
    role, content = (last.get("role"), last.get("content")) if isinstance(last, Mapping) else (last.role, last.content)
    if role != "assistant":
        return ""
    return text_of(content)
