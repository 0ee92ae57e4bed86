"""The option --rk-sandbox: what is asked for reaches every process of the run, and the header says what there is.

Loaded only where the option is given or a suite's reward executes code.
"""

from __future__ import annotations

import pytest

from reward_kit.errors import RewardKitError
from reward_kit.sandbox.shared import found_tier, require
from reward_kit.sandbox.tiers import AUTO, Found, Tier


class SandboxWarning(pytest.PytestWarning):
    """Programs that a model wrote run with less between them and this machine than there should be."""


class SandboxPlugin:
    """Says in the header which sandbox the run has.

    Args:
        config: pytest's.

    Raises:
        pytest.UsageError: where this machine does not give what --rk-sandbox asks for.
    """

    NAME = "rewardkit-sandbox"

    def __init__(self, config: pytest.Config) -> None:
        require(config.option.rk_sandbox or AUTO)  # forked workers and smoke runs inherit it
        self._found: Found | None = None
        if hasattr(config, "workerinput"):
            return  # the controller has looked; a worker of pytest-xdist finds its own with the first program it runs
        try:
            self._found = found_tier()
        except RewardKitError as error:
            raise pytest.UsageError(str(error)) from None
        self._warn(config, self._found.tier)

    def _warn(self, config: pytest.Config, tier: Tier) -> None:
        if tier in (Tier.STRONG, Tier.GOOD):
            return
        warning = SandboxWarning(f"reward-kit sandbox: {tier} leaves open: {tier.leaves_open}")
        try:
            config.issue_config_time_warning(warning, stacklevel=2)
        except SandboxWarning as error:  # where warnings are errors
            raise pytest.UsageError(str(error)) from None

    def pytest_unconfigure(self) -> None:
        require(AUTO)  # pytest may run again in this process, and ask for something else; ends the sandbox in use

    def pytest_report_header(self) -> str | None:
        return f"reward-kit sandbox: {self._found}" if self._found else None
