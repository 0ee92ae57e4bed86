"""A cassette in memory: vcrpy's, with an index, so that the 5,000th request costs what the first did."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vcr.cassette import Cassette as VcrCassette  # type: ignore[import-untyped]
from vcr.record_mode import RecordMode  # type: ignore[import-untyped]
from vcr.request import Request  # type: ignore[import-untyped]

from reward_kit.cassettes.errors import CassetteError, CassetteMissError
from reward_kit.cassettes.format import CassetteFile, cassette_lines, refuse_oversized
from reward_kit.cassettes.interaction import Interaction, Provenance, RecordedRequest, RecordedResponse
from reward_kit.cassettes.misses import miss_text, short_names
from reward_kit.cassettes.scrubbing import Scrubber
from reward_kit.files import replace_file
from reward_kit.fireworks.shapes import Source, Tag

#: Seconds between saves while recording: what a killed process can lose.
SAVE_EVERY = 10.0
#: Saving rewrites the file; it gets no more than this share of the time.
_SAVING_SHARE = 0.05
#: How many names a summary line spells out.
_SHOWN = 3


class Mode(StrEnum):
    """What becomes of a request: `none` replays, `new` replays and records what is missing, `all` records."""

    NONE = "none"
    NEW = "new"
    ALL = "all"

    @property
    def record_mode(self) -> RecordMode:
        """vcrpy's name for it."""
        return {Mode.NONE: RecordMode.NONE, Mode.NEW: RecordMode.NEW_EPISODES, Mode.ALL: RecordMode.ALL}[self]


class Cassette(VcrCassette):  # type: ignore[misc]
    """The interactions of one step of one suite.

    Its `data` are vcrpy's pairs; `append`, `_responses` and `_save` are replaced: with an index instead of a scan of
    all interactions, and with this project's file instead of vcrpy's. Safe for threads and for tasks.

    Args:
        path: the file; read by `opening.open_cassette`, which is how cassettes are made.
        content: what the file says.
        mode: what becomes of a request.
        only: with mode `all`: record requests for these rows and replay those for others; None records all anew.
        scrubber: takes secrets out of everything that comes in.
    """

    def __init__(
        self,
        path: Path,
        content: CassetteFile,
        mode: Mode = Mode.NONE,
        only: Collection[str] | None = None,
        scrubber: Scrubber | None = None,
    ) -> None:
        super().__init__(path=str(path), record_mode=mode.record_mode, match_on=(_same_key,))
        self.file, self.suite, self.step, self.mode = path, content.suite, content.step, mode
        self.only = None if only is None else frozenset(only)
        self.scrubber = scrubber or Scrubber()
        self.interactions: list[Interaction] = []
        #: What was asked for while recording and not stored, a line each: it is missing in the file.
        self.failures: list[str] = []
        #: What records it, where that is not `reward-kit record`.
        self.command = ""
        self._lock = threading.RLock()
        self._by_key: defaultdict[str, list[int]] = defaultdict(list)
        self._by_row: defaultdict[str, list[int]] = defaultdict(list)
        #: What has a place in the file already, so that a second one like it needs another number.
        self._taken: set[tuple[Tag, str]] = set()
        self._save_at = time.monotonic() + SAVE_EVERY
        for interaction in sorted(content.interactions, key=lambda interaction: interaction.order):
            self._add(interaction)
            if mode is Mode.NEW:
                came = interaction.provenance
                self._taken.add((Tag(came.row_ids, came.attempt), interaction.request.key))
        self._loaded_count, self.rewound = len(self.interactions), True

    # -- replaying

    def records(self, tag: Tag) -> bool:
        """Whether a request for these rows, where it cannot be replayed, may go to the server."""
        if self.mode is Mode.ALL and self.only is not None:
            return not self.only.isdisjoint(tag.row_ids)
        return self.mode is not Mode.NONE

    def play(self, request: RecordedRequest, tag: Tag) -> Interaction | None:
        """The next answer to this request, each once; None where there is none, or where it is to be recorded anew.

        Of equal requests the one for the same rows and attempt comes first, then others for the same rows, then any,
        in the order of the file.
        """
        if self.mode is Mode.ALL and self.records(tag):
            return None
        with self._lock:
            free = [position for position, _ in self._responses(request) if not self.play_counts[position]]
            if not free:
                return None
            position = min(free, key=lambda position: self._distance(position, tag))
            self.play_counts[position] += 1
            return self.interactions[position]

    def miss(self, request: RecordedRequest, tag: Tag) -> CassetteMissError:
        """The error that says what was asked for, and what the nearest recorded request asked for."""
        with self._lock:
            rows = [position for row_id in tag.row_ids for position in self._by_row.get(row_id, ())]
            near = [self.interactions[position] for position in dict.fromkeys(rows)]
            known = len(self._by_key.get(request.key, ()))
            others = () if near else [one for one in self.interactions if one.request.path == request.path]
        return CassetteMissError(miss_text(self, request, tag, near or others, known), tag.row_ids)

    def unused(self, row_ids: Collection[str] | None = None) -> list[Interaction]:
        """Interactions that nothing asked for; with `row_ids`, only those that are for these rows alone."""
        with self._lock:
            left = [one for place, one in enumerate(self.interactions) if not self.play_counts[place]]
        if row_ids is None:
            return left
        wanted = frozenset(row_ids)
        return [interaction for interaction in left if wanted.issuperset(interaction.provenance.row_ids)]

    def unused_text(self, row_ids: Collection[str] | None = None) -> str:
        """One sentence about what nothing asked for; empty where everything was."""
        left = self.unused(row_ids)
        if not left:
            return ""
        names = [short_names(one.provenance.row_ids) or one.request.path for one in left[:_SHOWN]]
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        count = "1 interaction" if len(left) == 1 else f"{len(left)} interactions"
        return f"{self.file}: {count} that nothing asked for ({'; '.join(names)}{more})"

    def origins(self) -> Counter[tuple[Source, str, str]]:
        """How many interactions come from where: (source, host, note)."""
        came = [interaction.provenance for interaction in self.interactions]
        return Counter((one.source, one.host or "unknown host", one.note) for one in came)

    # -- recording

    @contextmanager
    def recording(self, request: RecordedRequest, tag: Tag) -> Iterator[Tag]:
        """The tag under which a request is filed, for as long as it is under way: with the next attempt that is free.

        Taken when a request starts, so that numbers do not depend on which answer comes first; given back where the
        request fails.
        """
        with self._lock:
            filed = tag
            while (taken := (filed, request.key)) in self._taken:
                filed = Tag(tag.row_ids, filed.attempt + 1)
            self._taken.add(taken)
        try:
            yield filed
        except BaseException as error:
            with self._lock:
                if isinstance(error, Exception):  # what was cancelled did not fail
                    said = self.scrubber.text(str(error)) or type(error).__name__
                    self.failures.append(f"{short_names(tag.row_ids) or request.path}: {said}")
                self._taken.discard(taken)
            raise

    def record(self, request: RecordedRequest, response: RecordedResponse, provenance: Provenance) -> Interaction:
        """Take in an interaction that has just happened; saves what there is where the last save is a while ago.

        Raises:
            CassetteError: where it is too large to be stored.
        """
        interaction = Interaction(request, response, provenance)
        refuse_oversized(interaction)
        with self._lock:
            self._add(interaction)
            self.play_counts[len(self.interactions) - 1] = 1  # it has just been answered with
            self.dirty = True
            if time.monotonic() >= self._save_at:
                self._save()
        return interaction

    def save(self) -> None:
        """Write the file, where there is something new to write."""
        self._save()

    # -- what vcrpy calls

    def append(self, request: Request, response: dict[str, Any]) -> None:
        """Not for use: an interaction without provenance has no place in a cassette."""
        raise CassetteError("vcrpy's append knows no provenance; use Cassette.record")

    def _responses(self, request: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        for position in self._by_key.get(request.key, ()):
            yield position, self.data[position][1]

    def _save(self, force: bool = False) -> None:
        with self._lock:
            if not (self.dirty or force):
                return
            began = time.monotonic()
            lines = cassette_lines(self.suite, self.step, self._kept())
            if any(map(self.scrubber.leaks, lines)):  # never seen; rather no file than one with a key
                raise CassetteError(f"{self.file}: was not written, a secret in use stands in it. Report this")
            replace_file(self.file, (line + "\n" for line in lines))
            self.dirty = False
            ended = time.monotonic()
            self._save_at = ended + max(SAVE_EVERY, (ended - began) / _SAVING_SHARE)

    # -- inside

    def _add(self, interaction: Interaction) -> None:
        position = len(self.interactions)
        self.interactions.append(interaction)
        self.data.append(_pair(interaction))
        self._by_key[interaction.request.key].append(position)
        for row_id in interaction.provenance.row_ids:
            self._by_row[row_id].append(position)

    def _distance(self, position: int, tag: Tag) -> tuple[bool, bool, int]:
        filed = self.interactions[position].provenance
        return (filed.row_ids != tag.row_ids, filed.attempt != tag.attempt, position)

    def _kept(self) -> Iterable[Interaction]:
        """What goes into the file: all that was recorded or played, and of the rest what nothing took the place of."""
        loaded, recorded = self.interactions[: self._loaded_count], self.interactions[self._loaded_count :]
        slots = {interaction.slot for interaction in recorded}
        anew = {one.provenance.row_ids for one in recorded} if self.mode is Mode.ALL else set()
        for position, interaction in enumerate(loaded):
            replaced = interaction.slot in slots or interaction.provenance.row_ids in anew
            if self.play_counts[position] or not replaced:
                yield interaction
        yield from recorded


def now() -> str:
    """This second in UTC, as provenance gives it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def recorder() -> str:
    """This program and its version, as provenance gives it."""
    return f"pytest-rewardkit {version('pytest-rewardkit')}"


def content_of(suite: str, step: str, interactions: Sequence[Interaction] = ()) -> CassetteFile:
    """The content of a new cassette."""
    return CassetteFile(suite, step, tuple(interactions))


def _same_key(one: Any, other: Any) -> None:
    """vcrpy's matcher for this cassette, for who looks at it through vcrpy."""
    assert one.key == other.key


def _pair(interaction: Interaction) -> tuple[Request, dict[str, Any]]:
    """An interaction as vcrpy keeps it."""
    asked, answered = interaction.request, interaction.response
    request = Request(asked.method, asked.target, asked.body, {})
    request.key = asked.key
    headers = {name: [value] for name, value in answered.headers.items()}
    status = {"code": answered.status, "message": ""}
    return request, {"status": status, "headers": headers, "body": {"string": answered.body}}
