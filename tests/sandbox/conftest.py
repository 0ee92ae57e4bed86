"""Sandboxes to run programs in, one for each set of layers: started once, as starting costs half a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reward_kit.sandbox.client import ALL_LAYERS, Sandbox
from reward_kit.sandbox.errors import SandboxUnavailableError

LAYERS = {
    "strong": ALL_LAYERS,
    "good": frozenset({"landlock", "seccomp", "limits"}),
    "none": frozenset({"limits"}),
}


@pytest.fixture(scope="session")
def strong() -> Iterator[Sandbox]:
    yield from _started("strong")


@pytest.fixture(scope="session", params=["strong", "good"])
def walled(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The tiers that hold hostile programs."""
    yield from _started(request.param)


@pytest.fixture(scope="session", params=list(LAYERS))
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Every tier: honest programs run the same in all."""
    yield from _started(request.param)


def _started(tier: str) -> Iterator[Sandbox]:
    sandbox = Sandbox(LAYERS[tier], tier=tier)
    try:
        sandbox.run([])
    except SandboxUnavailableError as error:
        pytest.skip(str(error))
    with sandbox:
        yield sandbox
