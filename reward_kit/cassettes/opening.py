"""Opening a cassette for a step: read and replayed, or locked, recorded into and saved whatever happens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reward_kit.cassettes.cassette import Cassette, Mode, content_of
from reward_kit.cassettes.errors import CassetteError
from reward_kit.cassettes.format import CassetteFile, read_cassette
from reward_kit.cassettes.lock import recording_lock
from reward_kit.cassettes.scrubbing import Scrubber


def cassette_path(root: Path, suite: str, step: str) -> Path:
    """Where the cassette of a step lies: `root`/cassettes/SUITE/STEP.jsonl."""
    return root / "cassettes" / suite / f"{step}.jsonl"


@contextmanager
def open_cassette(
    path: Path,
    *,
    suite: str,
    step: str,
    mode: Mode = Mode.NONE,
    only: Collection[str] | None = None,
    secrets: Iterable[str] = (),
    command: str = "",
) -> Iterator[Cassette]:
    """The cassette of a step, for the length of a `with` block; what was recorded is saved however the block ends.

    Modes: `none` only replays. `new` replays and records what is missing: with it an interrupted recording goes on.
    `all` starts from nothing, and takes the old file's place with the first save that has something in it; with
    `only` it records the requests for these rows and keeps all others.

    Args:
        path: the file, see `cassette_path`.
        suite: the suite's name.
        step: the step's name.
        mode: what becomes of a request.
        only: the rows to record anew in mode `all`.
        secrets: values that must not be stored, besides the key in use and FIREWORKS_API_KEY's value.
        command: what records it, where that is not `reward-kit record`.

    Raises:
        CassetteFileError: where the file is corrupt, was edited or has another version.
        CassetteError: where there is none to replay, or it is another step's.
        CassetteBusyError: where another recording holds it.
    """
    scrubber = Scrubber(secrets)
    with ExitStack() as stack:
        if mode is not Mode.NONE:
            stack.enter_context(recording_lock(path))
        cassette = Cassette(path, _content(path, suite, step, mode, only, command), mode, only, scrubber)
        cassette.command = command
        if mode is not Mode.NONE:
            stack.callback(cassette.save)  # runs before the lock is released
        yield cassette


def _content(path: Path, suite: str, step: str, mode: Mode, only: Collection[str] | None, command: str) -> CassetteFile:
    """What to start from. A recording of everything does not read the old file: it may be what is wrong."""
    if mode is Mode.ALL and only is None:
        return content_of(suite, step)
    if not path.exists():
        if mode is Mode.NONE:
            command = command or f"reward-kit record {suite} --step {step}"
            raise CassetteError(f"{path}: is not there. Record it: {command}")
        return content_of(suite, step)
    content = read_cassette(path)
    if (content.suite, content.step) != (suite, step):
        said = f"is the cassette of {content.suite}, step {content.step}, not of {suite}, step {step}"
        raise CassetteError(f"{path}:1: {said}. Put the right file there, or record it anew")
    return content
