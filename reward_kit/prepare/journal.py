"""What an interrupted preparation has to know to go on: a small database beside the unfinished dataset.

Everything that grows with the number of rows lives here and not in memory: the prompts that were seen, for duplicates,
and the rows that were dropped, for the report.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reward_kit.errors import PrepareError
from reward_kit.prepare.pipeline import Dropped

_TABLES = (
    "CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY, gold BLOB NOT NULL, id TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS dropped (position INTEGER PRIMARY KEY, said TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)


class Journal:
    """The unfinished dataset of one output file, and how far it is.

    What is added since the last `checkpoint` is forgotten where the process ends: the unfinished file is cut to where
    it was then. A journal of another source, layout or setting, or one whose unfinished file is not there, is started
    anew.

    Args:
        out: the dataset that is being made.
        fingerprint: what it is made from.

    Raises:
        PrepareError: where another process is making the same file, or the folder cannot be written to.
    """

    def __init__(self, out: Path, fingerprint: str) -> None:
        self.partial = out.with_name(f".{out.name}.partial")
        self._path = out.with_name(f".{out.name}.journal")
        self.out = out
        self._database = self._open()
        offset = int(self._state("offset") or 0)
        if self._state("fingerprint") != fingerprint or self._unfinished() < offset:
            self._forget(fingerprint)
            offset = 0
        self._truncate(offset)
        self.file = self.partial.open("a", encoding="utf-8", newline="\n")

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError as error:
            busy = "another process is making it" if "locked" in str(error) else "may its folder be written to?"
            raise PrepareError(f"{self.out} cannot be prepared ({error}): {busy}") from None
        except sqlite3.DatabaseError:  # cut short by a full disk or a crash of the machine: nothing to go on from
            self._remove()
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=0.0, isolation_level=None)
        # Held to the end: the lock that keeps a second process out.
        for said in ("locking_mode = EXCLUSIVE", "synchronous = NORMAL", "journal_mode = TRUNCATE"):
            database.execute(f"PRAGMA {said}")
        database.execute("BEGIN EXCLUSIVE")
        for table in _TABLES:
            database.execute(table)
        if (said := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            database.close()
            raise sqlite3.DatabaseError(said)
        return database

    def _forget(self, fingerprint: str) -> None:
        """Start anew. Committed before the unfinished file is touched: else a run that is killed before its first
        checkpoint would leave the old journal beside the new rows."""
        for name in ("seen", "dropped", "state"):
            self._database.execute(f"DELETE FROM {name}")
        self._database.execute("INSERT INTO state VALUES ('fingerprint', ?)", (fingerprint,))
        self._commit()

    def _commit(self) -> None:
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")  # the lock stays

    def _unfinished(self) -> int:
        """Bytes of the unfinished file. It is gone where an earlier run was killed just as it was done."""
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _truncate(self, offset: int) -> None:
        with self.partial.open("ab") as file:
            file.truncate(offset)

    def _state(self, name: str) -> str | None:
        found = self._database.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    @property
    def position(self) -> int:
        """How many records the last checkpoint covers."""
        return int(self._state("position") or 0)

    @property
    def counts(self) -> dict[str, Any]:
        """What was handed to the last checkpoint."""
        found: dict[str, Any] = json.loads(self._state("counts") or "{}")
        return found

    def first(self, key: bytes, gold: bytes, row_id: str) -> tuple[str, bytes] | None:
        """See `reward_kit.prepare.pipeline.Seen`."""
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (key, gold, row_id)).rowcount
        if added:
            return None
        found_id, found_gold = self._database.execute("SELECT id, gold FROM seen WHERE key = ?", (key,)).fetchone()
        return str(found_id), bytes(found_gold)

    def drop(self, position: int, dropped: Dropped) -> None:
        """Note a row that is left out."""
        finding = dropped.finding
        said = {"id": dropped.row_id, "line": dropped.line, "reason": finding.reason, "message": finding.message}
        self._database.execute("INSERT INTO dropped VALUES (?, ?)", (position, json.dumps(said, ensure_ascii=False)))

    def dropped(self) -> Iterator[str]:
        """The rows that are left out, each as JSON, in the source's order."""
        for (said,) in self._database.execute("SELECT said FROM dropped ORDER BY position"):
            yield str(said)

    def checkpoint(self, position: int, counts: dict[str, Any]) -> None:
        """Make everything so far outlive this process."""
        self.file.flush()
        os.fsync(self.file.fileno())
        state = {"position": position, "offset": self.file.tell(), "counts": json.dumps(counts)}
        self._database.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", list(state.items()))
        self._commit()

    def finish(self) -> None:
        """Let the whole file take the dataset's place, and forget the rest."""
        self.file.close()
        os.chmod(self.partial, 0o644)
        os.replace(self.partial, self.out)
        self.discard()

    def discard(self) -> None:
        """Remove what is unfinished."""
        self.file.close()
        self._database.close()
        self._remove()
        self.partial.unlink(missing_ok=True)

    def _remove(self) -> None:
        for path in (self._path, self._path.with_name(f"{self._path.name}-journal")):  # SQLite's own, beside ours
            path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.file.close()
        finally:
            self._database.close()
