"""`deepcoder_code_reward`, where reward-kit 0.4.1 has it."""

from reward_kit.rewards.code_execution import deepcoder_code_reward

__all__ = ["deepcoder_code_reward"]
