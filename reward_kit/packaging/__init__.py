"""Rewards as evaluators: packaging one with all it needs, and running it where nothing else is there."""

from reward_kit.packaging.comparing import check_bundle
from reward_kit.packaging.folders import package_code, package_folder, package_metrics, package_remote
from reward_kit.packaging.rewards import package_reward
from reward_kit.packaging.running import run_evaluator

__all__ = [
    "check_bundle",
    "package_code",
    "package_folder",
    "package_metrics",
    "package_remote",
    "package_reward",
    "run_evaluator",
]
