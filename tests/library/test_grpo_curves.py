"""The rise of the mean reward, as the verdict of a smoke run reads it from TRL's log."""

from __future__ import annotations

import math

import pytest

from reward_kit.grpo.curves import curve_lines, own_rise, zero_std_share
from reward_kit.verdict import Scale


def logs(*rewards: float | None) -> list[dict[str, float | None]]:
    return [{"reward": reward} for reward in rewards]


def test_the_rise_is_the_last_quarter_less_the_first_step():
    assert own_rise(logs(0.2, 0.9, 0.9, 0.9, 0.9, 0.9, 0.5, 0.7), Scale()) == pytest.approx(0.4)


def test_the_rise_is_a_share_of_the_declared_range():
    assert own_rise(logs(-1, 0, 1, 1), Scale(-1.0, 1.0)) == pytest.approx(1.0)


@pytest.mark.parametrize("rewards", [(0.0, None, 1.0, 1.0), (0.0, math.inf, 1.0, 1.0), (0.0, 1.0), ()])
def test_a_curve_with_a_hole_is_no_rise(rewards):
    rise = own_rise(logs(*rewards), Scale())
    assert math.isnan(rise)
    assert not rise >= 0.2


def test_the_curve_fits_a_terminal() -> None:
    lines = list(curve_lines([{"reward": 0.5}] * 14 + [{"reward": None}, {}]))
    assert lines == ["reward " + "0.50 " * 10 + "0.50", "       0.50 0.50 0.50 None"]
    assert list(curve_lines([])) == []


def test_a_batch_used_twice_has_its_reward_logged_once() -> None:
    logs = [log for mean in (0.2, 0.4, 0.6, 0.6) for log in ({"reward": mean, "frac_reward_zero_std": 0.5}, {})]

    assert own_rise(logs, Scale()) == pytest.approx(0.4)
    assert zero_std_share(logs) == 0.5
