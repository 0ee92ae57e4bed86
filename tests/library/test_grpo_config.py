"""What GRPOConfig is told, and which of its keys a suite may set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reward_kit.grpo.settings import OWN_KEYS, GrpoSettings
from reward_kit.grpo.shapes import Plan
from reward_kit.grpo.training.config import completion_length, config_of
from reward_kit.verdict import Scale

#: Keys with a default of the run's own that a suite may replace: they belong to the run that is to come.
REPLACEABLE = {"gradient_checkpointing", "max_completion_length"}


def plan(**options: Any) -> Plan:
    return Plan((), Scale(), Path("log"), options=options)


def test_what_the_run_sets_itself_is_what_a_suite_cannot_set() -> None:
    told = config_of(plan(), 10, [0.5])
    assert set(told) - REPLACEABLE <= OWN_KEYS
    assert REPLACEABLE.isdisjoint(OWN_KEYS)


@pytest.mark.parametrize("key", sorted(OWN_KEYS))
def test_a_key_that_the_run_sets_itself_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        GrpoSettings(options={key: 1})


def test_options_go_over_the_recipe_and_under_what_is_measured() -> None:
    told = config_of(plan(learning_rate=1e-5, beta=0.04, max_steps=1, use_cpu=False), 10, None)
    assert (told["learning_rate"], told["beta"], told["max_steps"], told["use_cpu"]) == (1e-5, 0.04, 24, True)


def test_completions_may_be_a_little_longer_than_those_known() -> None:
    assert completion_length(plan(), 10) == 18
    assert completion_length(plan(max_completion_length=5), 10) == 5
