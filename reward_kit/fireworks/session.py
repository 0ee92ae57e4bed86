"""A client behind a step's cassette: replayed without network and key, or recorded through the real service."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from reward_kit.cassettes.cassette import Cassette, Mode
from reward_kit.cassettes.opening import open_cassette
from reward_kit.cassettes.transport import CassetteTransport
from reward_kit.errors import RewardKitError
from reward_kit.fireworks.account import Account, find_account
from reward_kit.fireworks.client import FireworksClient
from reward_kit.fireworks.progress import Progress
from reward_kit.fireworks.retries import RetryPolicy
from reward_kit.fireworks.transport import live_transport

#: The account whose paths a cassette holds: evaluators belong to an account, and replay has none.
ANY_ACCOUNT = "recorded"


def obstacle_to_client(
    path: Path, *, suite: str, step: str, mode: Mode = Mode.NONE, only: Collection[str] | None = None
) -> str | None:
    """Why there would be no `recorded_client` with these arguments, and what to do; None where nothing is in the way.

    A cassette that is missing, corrupt, edited or being recorded into, or a recording without a key. Found before any
    row is looked at, so that it is told once and not as an error of each.
    """
    try:
        if mode is not Mode.NONE:
            find_account().require_key()
        with open_cassette(path, suite=suite, step=step, mode=mode, only=only):
            return None
    except RewardKitError as error:
        return str(error)


@contextmanager
def recorded_client(
    path: Path,
    *,
    suite: str,
    step: str,
    mode: Mode = Mode.NONE,
    only: Collection[str] | None = None,
    concurrency: int = 10,
    progress: Progress | None = None,
) -> Iterator[tuple[FireworksClient, Cassette]]:
    """A client and its cassette for the length of a `with` block; what was recorded is saved however it ends.

    Args:
        path: the cassette.
        suite: the suite's name.
        step: the step's name.
        mode: none, new or all; see `open_cassette`.
        only: the rows to record anew in mode all.
        concurrency: calls under way at once.
        progress: told after each call.

    Raises:
        CassetteError: where the cassette cannot be used.
        FireworksError: where recording has no key.
    """
    account = find_account() if mode is not Mode.NONE else Account(account_id=ANY_ACCOUNT)
    with open_cassette(path, suite=suite, step=step, mode=mode, only=only) as cassette:
        inner = live_transport(account, RetryPolicy()) if mode is not Mode.NONE else None
        transport = CassetteTransport(cassette, inner)
        yield FireworksClient(account, transport, concurrency, progress=progress), cassette
