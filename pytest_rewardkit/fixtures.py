"""The fixtures. `rk_reward` is the one to override in a conftest.py: every step then grades with that object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_rewardkit.recorded import Recordings, RowClient
    from pytest_rewardkit.training import SmokeRuns
    from reward_kit.cassettes.cassette import Cassette
    from reward_kit.controls import Control
    from reward_kit.models import Row
    from reward_kit.suite import Suite


@pytest.fixture
def rk_suite(request: pytest.FixtureRequest) -> Suite:
    """The suite: the one being run, or the one that the test's mark rk_suite names."""
    own = getattr(request.node, "rk_suite", None)
    if own is not None:
        suite: Suite = own
        return suite
    from pytest_rewardkit.marked import suite_of

    return suite_of(request.node)


@pytest.fixture
def rk_reward(rk_suite: Suite) -> Callable[..., Any]:
    """The reward under test: by default the one that suite.toml names. Override it in the nearest conftest.py."""
    return rk_suite.load_reward().function


@pytest.fixture
def rk_row(request: pytest.FixtureRequest) -> Row:
    """The row this test is about; needs the mark rk_suite."""
    if not hasattr(request, "param"):
        raise pytest.UsageError(f"{request.node.nodeid} uses rk_row: mark it with @pytest.mark.rk_suite(NAME)")
    row: Row = request.param
    return row


@pytest.fixture
def rk_controls(rk_row: Row, rk_suite: Suite) -> list[Control]:
    """The row's controls: responses whose right verdict is proved, in the domain that the suite declares."""
    from reward_kit.controls import DOMAINS
    from reward_kit.steps.controls import ControlsSettings

    declared = rk_suite.steps.get("controls")
    settings = declared.settings if declared else ControlsSettings()
    return list(DOMAINS[settings.domain](rk_row))


@pytest.fixture
def rk_grpo(
    request: pytest.FixtureRequest, rk_suite: Suite, rk_reward: Callable[..., Any], tmp_path: Path
) -> SmokeRuns:
    """Real TRL training steps on a tiny model: `assert rk_grpo(steps=20).passed`; needs the mark rk_suite."""
    from pytest_rewardkit.training import SmokeRuns

    return SmokeRuns(request.config, rk_suite, rk_reward, tmp_path)


@pytest.fixture(scope="session")
def _rk_recordings(request: pytest.FixtureRequest) -> Iterator[Recordings]:
    """The cassettes of this session's tests; saved when it ends, by Ctrl-C too."""
    from pytest_rewardkit.recorded import Recordings

    with Recordings(request.config) as recordings:
        yield recordings


@pytest.fixture
def rk_cassette(request: pytest.FixtureRequest, _rk_recordings: Recordings) -> Cassette:
    """The test's cassette: cassettes/SUITE/TEST_FUNCTION.jsonl, of the suite that its mark rk_suite names."""
    if request.node.get_closest_marker("rk_suite") is None:
        problem = "mark it with @pytest.mark.rk_suite(NAME), which says whose cassette its answers go into"
        raise pytest.UsageError(f"{request.node.nodeid} uses rk_fireworks or rk_cassette: {problem}")
    return _rk_recordings.cassette_of(request.node)


@pytest.fixture
def rk_fireworks(request: pytest.FixtureRequest, rk_cassette: Cassette) -> RowClient:
    """A client behind the test's cassette: `await rk_fireworks.chat(request)`. It is filed under the test's row.

    --rk-record=new or all records; without, nothing leaves this machine. The test may close the client or leave it.
    """
    from pytest_rewardkit.recorded import client_of

    return client_of(request.node, rk_cassette)
