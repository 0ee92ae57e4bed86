"""Sources of records: a file of JSON lines, a parquet file, a generator function; hub datasets are in `hub`."""

from __future__ import annotations

import hashlib
import itertools
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from reward_kit.errors import DatasetError, Defect, PrepareError, RewardShapeError
from reward_kit.jsonl import read_jsonl
from reward_kit.prepare.base import Record, Source
from reward_kit.prepare.settings import SourceSettings
from reward_kit.prepare.switches import need
from reward_kit.prepare.values import require_json

#: Rows that are in memory at once while a parquet file is read; larger batches are not faster.
_BATCH = 1000
#: Bytes read at once to hash or to count.
_CHUNK = 1 << 20


def open_source(settings: SourceSettings, folder: Path) -> Source:
    """The source that `settings` describe.

    Args:
        settings: the table data.source.
        folder: what a relative path starts from, and the first place to import a generator from.

    Raises:
        PrepareError: where the settings contradict each other. What is wrong with the source itself is said when it
            is read.
    """
    if settings.kind == "jsonl":
        return JsonlSource(folder / settings.path, shown_path(settings.path))
    if settings.kind == "parquet":
        return ParquetSource(folder / settings.path, shown_path(settings.path))
    if settings.kind == "generator":
        return GeneratorSource(settings.path, folder)
    from reward_kit.prepare.hub import FolderSource, HubSource

    return HubSource(settings, folder) if settings.kind == "hub" else FolderSource(settings, folder)


def file_fingerprint(path: Path) -> str:
    """Size and SHA-256 of a file's content.

    Raises:
        PrepareError: where it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(path):
        digest.update(chunk)
        size += len(chunk)
    return f"{size}:{digest.hexdigest()}"


class JsonlSource(Source):
    """A file of JSON lines, read strictly.

    From the first defect on no record is given: a reader that stops early must not get later records in the place
    of broken ones. The rest is still read, so that every defect is named at once.
    """

    def __init__(self, path: Path, shown: str | None = None) -> None:
        self.path = path
        self._shown = shown or path.name

    @property
    def description(self) -> str:
        return self._shown

    def fingerprint(self) -> str:
        return file_fingerprint(self.path)

    def records(self, start: int = 0) -> Iterator[tuple[int, Record]]:
        """As in Source.

        Raises:
            DatasetError: naming every line that cannot be read.
        """
        defects: list[Defect] = []
        for position, (line, record) in enumerate(read_jsonl(self.path, defects)):
            if position >= start and not defects:
                yield line, record
        if defects:
            raise DatasetError(sorted(defects, key=lambda defect: defect.line))

    def __len__(self) -> int:
        if not self.path.is_file():  # counting would use up a pipe
            return 0
        newlines, last = 0, b"\n"
        for last in _chunks(self.path):
            newlines += last.count(b"\n")
        return newlines + (not last.endswith(b"\n"))


class ParquetSource(Source):
    """A parquet file, read by pyarrow in batches; values that JSON does not have are refused, not converted."""

    def __init__(self, path: Path, shown: str | None = None, opened: Callable[[], Any] | None = None) -> None:
        """A local file; or one elsewhere, where `opened` gives a binary file object that can seek."""
        self.path = path
        self._shown = shown or path.name
        self._opened = opened or (lambda: path)

    @property
    def description(self) -> str:
        return self._shown

    def fingerprint(self) -> str:
        return file_fingerprint(self.path)

    def records(self, start: int = 0) -> Iterator[tuple[int, Record]]:
        with self._open() as file:
            groups, skipped = self._groups_from(file, start)
            batches = file.iter_batches(batch_size=_BATCH, row_groups=groups)
            for position, record in enumerate(self._rows(batches), start=skipped):
                if position >= start:
                    require_json(record, f"{self._shown}, row {position + 1}")
                    yield position + 1, record

    def __len__(self) -> int:
        with self._open() as file:
            return int(file.metadata.num_rows)

    def _open(self) -> Any:
        arrow, parquet = need("pyarrow"), need("pyarrow.parquet")
        try:
            file = parquet.ParquetFile(self._opened())
        except (OSError, arrow.ArrowException) as error:
            raise PrepareError(
                f"{self._shown} cannot be read as parquet ({_first_line(error)}). Check path and kind"
            ) from error
        _refuse_schema(file.schema_arrow, self._shown)
        return file

    def _rows(self, batches: Iterable[Any]) -> Iterator[Any]:
        errors = (OSError, ValueError, need("pyarrow").ArrowException)
        try:
            for batch in batches:
                yield from batch.to_pylist()
        except errors as error:
            raise PrepareError(
                f"{self._shown} cannot be read whole ({_first_line(error)}). Write the file again"
            ) from error

    @staticmethod
    def _groups_from(file: Any, start: int) -> tuple[list[int], int]:
        """The row groups that hold the row at `start` and all after it, and how many rows stand before those."""
        skipped = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if skipped + rows > start:
                return list(range(group, file.num_row_groups)), skipped
            skipped += rows
        return [], skipped


class GeneratorSource(Source):
    """A function without arguments that yields one dict for each row, named `module:function`.

    Two calls must yield the same rows in the same order. Nothing here can know whether they do: the fingerprint is
    that of the module's file, so that a function which draws unseeded random numbers, or reads another file that has
    changed, resumes with rows of two different runs. Seed it, and read from files that stay.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self.path = path
        self._folder = folder

    @property
    def description(self) -> str:
        return self.path

    def fingerprint(self) -> str:
        self._function()
        file = getattr(sys.modules[self.path.partition(":")[0]], "__file__", None)
        # Without a file there is nothing to compare: then no run may be continued.
        content = file_fingerprint(Path(file)) if file else uuid.uuid4().hex
        return f"{self.path} {content}"

    def records(self, start: int = 0) -> Iterator[tuple[int, Record]]:
        for position, record in enumerate(self._yielded()):
            if position >= start:
                require_json(record, f"generator {self.path}, row {position + 1}")
                yield position + 1, record

    def _function(self) -> Callable[[], Any]:
        from reward_kit.reward import load_object

        try:
            function = load_object(self.path, [self._folder], what="generator")
        except RewardShapeError as error:
            raise PrepareError(str(error)) from error
        if not callable(function):
            raise PrepareError(
                f"generator {self.path!r} is {type(function).__name__}. Name a function that yields dicts"
            )
        return function  # type: ignore[no-any-return]  # callable() cannot say that it takes no arguments

    def _yielded(self) -> Iterator[Any]:
        function, position = self._function(), itertools.count(1)
        number = next(position)
        try:
            for record in function():
                yield record
                number = next(position)
        except GeneratorExit:
            raise
        except (Exception, SystemExit) as error:
            what = f"{type(error).__name__}: {error}"
            raise PrepareError(
                f"generator {self.path} failed at row {number} ({what}). Correct the function"
            ) from error


def _refuse_schema(schema: Any, where: str) -> None:
    """Refuse what would be lost or has been: two columns of one name become one key of a record; the type Json of
    `datasets` goes through ujson, which writes 0.0 for 8.854e-12."""
    for position, name in enumerate(schema.names):
        if name in schema.names[:position]:
            raise PrepareError(f"{where} has two columns named {name!r}. Rename one of them")
    declared = (schema.metadata or {}).get(b"huggingface", b"")
    if b'"Json"' in declared or "arrow.json" in str(schema):
        raise PrepareError(
            f"{where} has a column of the type Json, which `datasets` wrote with limited precision (8.854e-12 became "
            '0.0). Write the original rows as JSON lines and use kind = "jsonl"'
        )


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise PrepareError(f"{path} cannot be read ({error.strerror}). Correct the path, or write the file") from error


def shown_path(path: str) -> str:
    """A path as reports name it: never an absolute one, which would differ from machine to machine."""
    return Path(path).name if Path(path).is_absolute() else path


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
