"""What can go wrong with the sandbox that is not the program's doing. None of these is ever a score."""

from __future__ import annotations

from reward_kit.errors import RewardKitError


class SandboxError(RewardKitError):
    """The sandbox itself failed: nothing is known about the program."""


class SandboxUnavailableError(SandboxError):
    """The sandbox that was asked for cannot be had on this machine; the message says why."""


class SandboxDiedError(SandboxError):
    """The fork server, or a job's isolation, failed, and failed again after a restart."""
