"""The warm-up: the tiny model learns, of each row, the gold and its decoys in known shares, so that GRPO has a choice.

A model of random weights never writes a right answer, and no reward could teach it. After the warm-up it writes the
gold about a third of the time and a decoy nearly always else: what the reward makes of that is what is measured.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch

from reward_kit.grpo.shapes import LEAST_COVERAGE
from reward_kit.grpo.training.margins import Batch, log_probs, measured

MOST_STEPS = 400
_CHECKED_EVERY = 20
_RATE, _RISING = 3e-3, 10


def warm_up(model: Any, batch: Batch, emit: Callable[[dict[str, Any]], None]) -> tuple[int, float]:
    """Fit the model to the batch's weights by supervised steps; returns the steps taken and the coverage reached.

    Every step sees every completion, weighted: the exact cross entropy to the mixture, without the noise of drawing
    from it.
    """
    weights = torch.tensor([completion.weight for completion in batch.completions])
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.0)
    reached = 0.0
    model.train()
    for step in range(1, MOST_STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = _rate(step)
        optimizer.zero_grad()
        loss = -(weights * log_probs(model, batch)).sum() / weights.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % _CHECKED_EVERY == 0:
            reached = coverage(batch, measured(model, batch))
            emit({"phase": "warm-up", "done": step, "total": MOST_STEPS, "coverage": reached})
            if reached >= LEAST_COVERAGE:
                return step, reached
    return MOST_STEPS, reached


def coverage(batch: Batch, log_probabilities: Sequence[float]) -> float:
    """The least share, over rows, of the model's probability that lies on the row's gold and decoys."""
    shares = defaultdict[int, float](float)
    for completion, log_probability in zip(batch.completions, log_probabilities, strict=True):
        shares[completion.row] += math.exp(log_probability)
    return min(shares.values())


def _rate(step: int) -> float:
    """Up over the first steps, then down by a cosine to a tenth."""
    falling = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / MOST_STEPS))
    return _RATE * min(1.0, step / _RISING) * falling
