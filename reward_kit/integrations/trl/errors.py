"""The error that ends a training run instead of training on a made-up reward."""

from __future__ import annotations

from reward_kit.errors import RewardKitError


class RewardCallError(RewardKitError):
    """A reward that broke inside a trainer, or a trainer's call that it cannot be given."""
