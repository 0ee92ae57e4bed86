"""Rates and what a sample of rows can claim about them."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson_interval(passed: int, rows: int, confidence: float = 0.95) -> tuple[float, float]:
    """The two-sided Wilson score interval of a rate, both ends in [0, 1]; (0, 1) where there are no rows.

    Args:
        passed: how many of `rows` passed.
        rows: how many rows were decided.
        confidence: its nominal coverage, between 0 and 1.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if rows == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = passed / rows
    centre = rate + z * z / (2 * rows)
    spread = z * sqrt(rate * (1 - rate) / rows + z * z / (4 * rows * rows))
    scale = 1 + z * z / rows
    low = 0.0 if passed == 0 else (centre - spread) / scale
    high = 1.0 if passed == rows else (centre + spread) / scale
    return low, high
