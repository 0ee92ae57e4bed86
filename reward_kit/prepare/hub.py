"""Datasets of the Hugging Face hub, and folders in their layout: one code path, so that both give the same rows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from reward_kit.errors import PrepareError
from reward_kit.prepare.base import Record, Source
from reward_kit.prepare.kinds import HUB_ID
from reward_kit.prepare.network import why_offline
from reward_kit.prepare.settings import SourceSettings
from reward_kit.prepare.slices import SplitSlice
from reward_kit.prepare.sources import JsonlSource, ParquetSource, file_fingerprint, shown_path
from reward_kit.prepare.switches import need, quietly

#: Seconds for the one request that asks which commit a dataset stands at.
_REQUEST_LIMIT = 10.0
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class _Split:
    """One split of one configuration, found but not read yet."""

    builder: Any
    name: str
    files: tuple[str, ...]


class _LaidOut(Source):
    """What `datasets` finds in a repository or in a folder: configurations, splits, data files."""

    #: Whether requests to the hub are switched off while `datasets` works.
    _offline: ClassVar[bool]

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._wanted = SplitSlice.parse(settings.split or "")

    @property
    def _named(self) -> str:
        return _named(self._settings)

    def records(self, start: int = 0) -> Iterator[tuple[int, Record]]:
        first, stop = self._bounds
        given = 0
        for given, record in enumerate(self._read(first + start, stop), start=1):
            yield first + start + given, record  # the place in the split, not in the slice: where one looks it up
        if given != max(0, stop - first - start):
            raise PrepareError(
                f"{self._named} gave {given} rows from row {first + start + 1} on, not {stop - first - start}"
            )

    def __len__(self) -> int:
        first, stop = self._bounds
        return stop - first

    def _place(self) -> dict[str, str]:
        """Where `datasets` finds it, as arguments of `load_dataset`.

        Raises:
            PrepareError: where it is not there; before `datasets` is imported, which takes a second.
        """
        raise NotImplementedError

    def _load(self, place: dict[str, str]) -> Any:
        """A builder of `datasets`: what `load_dataset` makes first, with the data files it found."""
        try:
            with quietly(offline=self._offline):
                builder = need("datasets").load_dataset_builder(name=self._settings.name, **place)
        except _library_errors() as error:
            raise PrepareError(f"{self._named} cannot be loaded: {_one_line(error)}. Correct path and name") from error
        if self._settings.name is None and len(configs := list(builder.builder_configs)) > 1:
            raise PrepareError(
                f"{self._named} has the configurations {', '.join(configs)}, and none is named. "
                f'Add e.g. name = "{configs[0]}" (--name {configs[0]})'
            )
        return builder

    @cached_property
    def _split(self) -> _Split:
        builder = self._load(self._place())
        files = {str(split): tuple(map(str, found)) for split, found in (builder.config.data_files or {}).items()}
        if self._wanted.name not in files:
            known = ", ".join(files) or "none"
            raise PrepareError(f"{self._named}: there is no split {self._wanted.name!r}. Its splits: {known}")
        return _Split(builder, self._wanted.name, files[self._wanted.name])

    @cached_property
    def _parts(self) -> list[JsonlSource] | list[ParquetSource]:
        """The data files, each with the strict reader of its kind.

        Not with the readers of `datasets`: that of JSON infers types (a text like 2024-01-01 becomes a timestamp) and
        reads mixed nested columns with ujson, which turns 8.854e-12 into 0.0; that of parquet casts to the types that
        the README, the first split or the first file has, and its read-ahead threads abort the interpreter at exit.
        """
        split = self._split  # first: it is what says that there is no network, before anything heavy is imported
        parquet, json = (need(f"datasets.packaged_modules.{name}.{name}") for name in ("parquet", "json"))
        if isinstance(split.builder, parquet.Parquet):
            return [self._parquet(file) for file in split.files]
        if isinstance(split.builder, json.Json) and all(file.endswith((".jsonl", ".json")) for file in split.files):
            return [JsonlSource(self._local(file)) for file in split.files]
        raise PrepareError(
            f"{self._named} is made of {Path(split.files[0]).name} and the like, which cannot be read without guesses "
            '("007" becomes 7). Convert the files to JSON lines and use kind = "jsonl"'
        )

    @cached_property
    def _sizes(self) -> list[int]:
        """How many rows each file has; of a parquet file on the hub only the end is fetched for that."""
        parts = self._parts
        try:
            with quietly(offline=self._offline):
                return list(map(len, parts))
        except _library_errors() as error:
            raise PrepareError(f"{self._named} cannot be read: {_one_line(error)}. Try again") from error

    @property
    def _bounds(self) -> tuple[int, int]:
        return self._wanted.bounds(sum(self._sizes))

    def _read(self, start: int, stop: int) -> Iterator[Record]:
        """The rows from `start` up to `stop` of the split; no row group without one of them is read."""
        ends = list(itertools.accumulate(self._sizes))
        every = (
            record
            for part, end, size in zip(self._parts, ends, self._sizes, strict=True)
            if end > start
            for _, record in part.records(max(0, start - (end - size)))
        )
        errors = _library_errors()  # not in the except clause, which an abandoned generator reaches at exit
        try:
            yield from itertools.islice(every, max(0, stop - start))
        except errors as error:
            raise PrepareError(f"{self._named} cannot be read whole: {_one_line(error)}. Try again") from error

    def _local(self, file: str) -> Path:
        return Path(file)

    def _parquet(self, file: str) -> ParquetSource:
        return ParquetSource(Path(file), f"{self._named}, {Path(file).name}")


class FolderSource(_LaidOut):
    """A folder in the layout of a hub dataset; the network is never used."""

    _offline: ClassVar[bool] = True

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        super().__init__(settings, folder)
        if settings.revision:
            raise PrepareError(f"{settings.path} is a folder and has no revision. Leave revision out")

    @property
    def description(self) -> str:
        return self._named

    def fingerprint(self) -> str:
        files = (f"{Path(file).name}={file_fingerprint(Path(file))}" for file in self._split.files)
        return f"{self._settings.name} {self._settings.split} {' '.join(files)}"

    def _root(self) -> Path:
        return (self._folder / self._settings.path).resolve()

    def _place(self) -> dict[str, str]:
        if not (root := self._root()).is_dir():
            raise PrepareError(f"the folder {self._settings.path} is not there. {fetch_command(self._settings)}")
        return {"path": str(root)}


class HubSource(_LaidOut):
    """A dataset of the hub at one commit.

    Without a network this fails at once, and what earlier runs left in a cache is not used: a cached snapshot may be
    partial, and nothing in it says so. `hf download` into a folder, and kind = "folder", is the way to work offline.
    """

    _offline: ClassVar[bool] = False

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        super().__init__(settings, folder)
        if not HUB_ID.fullmatch(settings.path):
            raise PrepareError(
                f'{settings.path!r} is not the id of a hub dataset such as openai/gsm8k. Is kind = "folder" meant?'
            )
        for place, base in (("the working directory", Path()), ("the suite's folder", folder)):
            if (base / settings.path).is_dir():
                raise PrepareError(
                    f"{settings.path} is a folder in {place} too, which `datasets` would read instead of the hub's "
                    'dataset without a word. Use kind = "folder" if it is meant, else move it or run elsewhere'
                )

    @property
    def description(self) -> str:
        return f"{self._named}, revision {self.resolved_revision}"

    def fingerprint(self) -> str:
        return f"{self._settings.path} {self._settings.name} {self._settings.split} {self.resolved_revision}"

    @cached_property
    def resolved_revision(self) -> str:
        """The commit that the rows come from. Pin it in suite.toml (`revision`), or they may change between runs."""
        if reason := why_offline():
            raise PrepareError(f"{self._settings.path} cannot be loaded: {reason}. {fetch_command(self._settings)}")
        try:
            with quietly(offline=self._offline):
                hub = need("huggingface_hub").HfApi()
                found = hub.dataset_info(self._settings.path, revision=self._settings.revision, timeout=_REQUEST_LIMIT)
        except _library_errors() as error:
            raise PrepareError(
                f"{self._settings.path} at revision {self._settings.revision or 'main'} was not found on the hub: "
                f"{_one_line(error)}. Correct path or revision, log in with 'hf auth login' where it is gated, or work "
                f"offline. {fetch_command(self._settings)}"
            ) from error
        return str(found.sha)

    def _place(self) -> dict[str, str]:
        return {"path": self._settings.path, "revision": self.resolved_revision}

    def _load(self, place: dict[str, str]) -> Any:
        builder = super()._load(place)
        wanted = f"hf://datasets/{self._settings.path}@{self.resolved_revision}"
        if str(builder.base_path) != wanted:  # `datasets` falls back to its cache, at whatever commit that is
            raise PrepareError(
                f"`datasets` gave {builder.base_path} instead of {wanted}. Clear its cache and try again"
            )
        return builder

    def _local(self, file: str) -> Path:
        inside, revision = file.partition(f"@{self.resolved_revision}/")[2], self.resolved_revision
        try:
            with quietly(offline=self._offline):
                download = need("huggingface_hub").hf_hub_download
                return Path(download(self._settings.path, inside, repo_type="dataset", revision=revision))
        except _library_errors() as error:
            raise PrepareError(f"{self._named}: {inside} cannot be fetched: {_one_line(error)}. Try again") from error

    def _parquet(self, file: str) -> ParquetSource:
        system = need("huggingface_hub").HfFileSystem()
        return ParquetSource(Path(file), f"{self._named}, {Path(file).name}", lambda: system.open(file, "rb"))


def describes(text: str, settings: SourceSettings) -> bool:
    """Whether `text` is the description of the hub source that `settings` name; asks no network.

    A branch or tag may stand at any commit: there only the commit that a suite pins can be compared.
    """
    named, _, commit = text.partition(", revision ")
    pinned = settings.revision if _COMMIT.fullmatch(settings.revision or "") else commit
    return named == _named(settings) and bool(_COMMIT.fullmatch(commit)) and commit == pinned


def _named(settings: SourceSettings) -> str:
    name = f" ({settings.name})" if settings.name else ""
    return f"{shown_path(settings.path)}{name}, split {settings.split}"


def fetch_command(settings: SourceSettings) -> str:
    """How to get a dataset into a folder on a machine with a network."""
    hub_id = settings.path if settings.kind == "hub" else "OWNER/NAME"
    return (
        f"On a machine with a network: hf download {hub_id} --repo-type dataset --revision "
        f'{settings.revision or "COMMIT"} --local-dir FOLDER; then use kind = "folder", path = "FOLDER"'
    )


def _library_errors() -> tuple[type[Exception], ...]:
    """What `datasets` and what it is made of raise on purpose."""
    own = need("datasets.exceptions").DatasetsError
    return OSError, ValueError, RuntimeError, need("httpx").HTTPError, need("pyarrow").ArrowException, own


def _one_line(error: BaseException) -> str:
    """An error's message without the example of use that `datasets` adds to some."""
    return " ".join(str(error).partition("\nExample of usage")[0].split()).rstrip(".")
