"""The imports of reward-kit 0.4.1 that exist so far, and what importing them costs."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import reward_kit

#: Module and name, as users of reward-kit 0.4.1 write them; a part that adds one adds it here.
REWARD_KIT_0_4_1 = [
    ("reward_kit", "reward_function"),
    ("reward_kit", "EvaluateResult"),
    ("reward_kit", "MetricResult"),
    ("reward_kit", "Message"),
    ("reward_kit.models", "EvaluateResult"),
    ("reward_kit.models", "MetricResult"),
    ("reward_kit.models", "Message"),
    ("reward_kit.models", "StepOutput"),
    ("reward_kit.rewards.math", "math_reward"),
    ("reward_kit.rewards.code_execution", "fractional_code_reward"),
    ("reward_kit.rewards.deepcoder_reward", "deepcoder_code_reward"),
    ("reward_kit.integrations.trl", "create_trl_adapter"),
]


@pytest.mark.parametrize(("module", "name"), REWARD_KIT_0_4_1)
def test_a_name_of_reward_kit_can_be_imported(module: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(module), name))


def test_both_ways_lead_to_the_same_class() -> None:
    from reward_kit.models import EvaluateResult

    assert reward_kit.EvaluateResult is EvaluateResult


def test_what_the_package_lists_is_there_and_what_it_does_not_list_is_an_attribute_error() -> None:
    assert sorted(dir(reward_kit)) == sorted(reward_kit.__all__)
    for name in reward_kit.__all__:
        assert getattr(reward_kit, name)
    with pytest.raises(AttributeError, match="module 'reward_kit' has no attribute 'reward_functoin'"):
        reward_kit.reward_functoin  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'evaluate'"):
        from reward_kit import evaluate  # type: ignore[attr-defined]  # noqa: F401


def test_math_reward_takes_what_reward_kits_takes() -> None:
    from reward_kit.rewards.math import math_reward

    messages = [{"role": "user", "content": "6 * 4?"}, {"role": "assistant", "content": "It is \\boxed{24}."}]
    result = math_reward(messages=messages, ground_truth="24", level=3)

    parameters = inspect.signature(math_reward).parameters
    assert {"messages", "ground_truth"} <= parameters.keys()
    assert any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    assert (result.score, result["score"]) == (1.0, 1.0)
    assert math_reward(messages=messages, ground_truth="25").score == 0.0


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import reward_kit, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert "reward_kit" in loaded
    assert not {"pydantic", "pytest", "sympy", "httpx", "vcr", "torch", "datasets", "asyncio"} & set(loaded)
