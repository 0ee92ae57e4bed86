"""What a smoke run saw, as a diagnosis asks for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import correlation, fmean
from typing import Any

from reward_kit.grpo.calls import RESERVED, columns_of
from reward_kit.grpo.probe import ONE_VALUE
from reward_kit.grpo.shapes import CallRecord, Scores, Smoke

#: A share of rows that is called most of them.
_MOST = 2 / 3
#: Paid "as the gold" is, on average over rows, at least this share of what the gold gets above the low end of the
#: range: 20 % of flips leave a refused completion with a quarter of it.
_AS_GOLD = 0.6


def record_of(smoke: Smoke) -> CallRecord | None:
    """What the reward was called with in training."""
    return smoke.training.record if smoke.training else None


def declared(smoke: Smoke) -> set[str]:
    """The columns that the rows have, and that TRL hands over."""
    return set(columns_of(smoke.plan.rows)).difference(RESERVED)


def scores_of(smoke: Smoke) -> tuple[Scores, ...]:
    """What the reward pays the golds and decoys, where the probe got that far."""
    return smoke.probe.scores if smoke.probe else ()


def width(smoke: Smoke) -> float:
    """The width of the reward's declared range."""
    return smoke.plan.scale.high - smoke.plan.scale.low


def decoy_scores(score: Scores) -> list[float]:
    """The scores of a row's decoys, where the reward gave one."""
    return [value for value in score.decoys.values() if value is not None]


def on_most(smoke: Smoke, holds: Callable[[Scores], bool]) -> bool:
    """Whether something holds for most rows, and there are any."""
    scores = scores_of(smoke)
    return bool(scores) and sum(map(holds, scores)) >= _MOST * len(scores)


def pays_gold(smoke: Smoke, score: Scores) -> bool:
    """Whether the gold gets more than some decoy, and more than next to nothing."""
    if score.gold is None:
        return False
    least = min([smoke.plan.scale.high, *decoy_scores(score)])
    return score.gold > least + 0.1 * width(smoke) or score.gold >= smoke.plan.scale.pass_at


def paid_as_gold(smoke: Smoke) -> list[str]:
    """The names of the decoys that get what golds get."""
    gold, decoys = means(smoke)
    low = smoke.plan.scale.low
    if gold is None or gold <= low:
        return []
    return [name for name, mean in decoys.items() if mean - low >= _AS_GOLD * (gold - low)]


def unpaid(smoke: Smoke) -> list[tuple[str, str]]:
    """Row and decoy where a deterministic reward pays the gold no more than the decoy, or does not judge the gold.

    No training can teach such a row, though what other rows taught may move its margins all the same. A decoy that is
    not judged is left out: TRL trains on neither side of it. Noise says nothing of a single row.
    """
    if smoke.probe is None or not smoke.probe.deterministic:
        return []
    least = ONE_VALUE * width(smoke)
    return [
        (score.row_id, name)
        for score in smoke.probe.scores
        for name, value in score.decoys.items()
        if score.gold is None or (value is not None and score.gold - value < least)
    ]


def means(smoke: Smoke) -> tuple[float | None, dict[str, float]]:
    """The mean score of all golds, and of all decoys of each name: noise in single rows averages out."""
    golds = [score.gold for score in scores_of(smoke) if score.gold is not None]
    decoys: dict[str, list[float]] = {}
    for score in scores_of(smoke):
        for name, value in score.decoys.items():
            decoys.setdefault(name, []).extend([] if value is None else [value])
    return fmean(golds) if golds else None, {name: fmean(values) for name, values in decoys.items() if values}


def lengths(smoke: Smoke) -> Iterator[tuple[float, float]]:
    """Length and value of every gold and decoy."""
    by_row = {score.row_id: score for score in scores_of(smoke)}
    for row in smoke.plan.rows:
        if score := by_row.get(row.row.id):
            texts = [(row.gold, score.gold), *((decoy.text, score.decoys.get(decoy.name)) for decoy in row.decoys)]
            yield from ((float(len(text)), value) for text, value in texts if value is not None)


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rho, ties at their mean rank; 0 where one of the two never changes."""
    if len(set(one)) < 2 or len(set(other)) < 2:
        return 0.0
    return correlation(_ranks(one), _ranks(other))


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(ordered)))}
    return [first[value] + (ordered.count(value) - 1) / 2 for value in values]


def mean_of(smoke: Smoke, key: str) -> float | None:
    """The mean over steps of what TRL logs under a key; None where it does not log it."""
    logs: Sequence[Mapping[str, Any]] = smoke.training.logs if smoke.training else ()
    values = [float(log[key]) for log in logs if log.get(key) is not None]
    finite = [value for value in values if math.isfinite(value)]
    return fmean(finite) if finite else None
