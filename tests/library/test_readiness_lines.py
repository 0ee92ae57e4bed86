"""The section "reward readiness" on a terminal: every line fits, and stays below what it belongs to."""

from __future__ import annotations

import pytest

from pytest_rewardkit.terminal import wrapped

STEP = "  grpo                   -       -                -  undecided: training needs 8 rows of different prompts"
REASON = " " * 15 + "group_signal: 0% of the first groups have one reward for all, and no more than 50% is allowed"
VERDICT = "shop: NOT READY - grpo: the parameter ground_thruth is no column. Did you mean ground_truth? Rename it"


@pytest.mark.parametrize("line", [STEP, REASON, VERDICT, f"  also: {VERDICT}"])
def test_a_long_line_wraps_within_the_terminal_and_below_itself(line):
    first, *others = wrapped(line, 80)
    assert all(len(one) <= 80 for one in (first, *others))
    assert " ".join([first, *(one.strip() for one in others)]) == line
    begun = len(first) - len(first.lstrip())
    assert others
    assert all(len(one) - len(one.lstrip()) > begun for one in others)


def test_what_goes_on_below_a_step_stands_where_its_details_do():
    assert wrapped(STEP, 80)[1].startswith(" " * 15 + "rows of")


def test_a_short_line_is_left_alone():
    line = "  local              14/14  100.0%  [78.5%, 100.0%]  passed"
    assert wrapped(line, 80) == [line]


def test_paths_and_commands_stay_whole():
    path = f"/{'a-long-folder/' * 9}reward.py:7"
    assert path in [line.strip() for line in wrapped(f"math: NOT READY - it raises at {path} again", 80)]
