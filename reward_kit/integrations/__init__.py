"""Rewards in other people's trainers; importing this loads none of them."""

from reward_kit.integrations.trl import (
    RewardCallError,
    create_trl_adapter,
    reward_weights,
    to_trl,
    to_trl_dataset,
    to_trl_rows,
)

__all__ = ["RewardCallError", "create_trl_adapter", "reward_weights", "to_trl", "to_trl_dataset", "to_trl_rows"]
