"""One recording for each cassette: whoever holds the lock beside it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reward_kit.cassettes.errors import CassetteBusyError, CassetteError


@contextmanager
def recording_lock(path: Path) -> Iterator[None]:
    """Hold the right to record into the cassette at `path`; its folder is made where it is missing.

    The lock is the kernel's (flock): that of a recording that was killed is free. Its file is removed at the end.

    Raises:
        CassetteBusyError: where another recording, of this process or another, holds it.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _acquired(path, lock)
    except OSError as error:
        raise CassetteError(f"{path}: cannot be recorded into ({error.strerror}: {lock})") from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)  # before the lock is released: who waits for it sees that it is another file
        os.close(descriptor)


def _acquired(path: Path, lock: Path) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace")
            os.close(descriptor)
            who = f"process {holder}" if holder else "another process"
            raise CassetteBusyError(
                f"{path}: {who} is recording into it. Wait for it, and record one at a time"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        if _is_same(descriptor, lock):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor
        os.close(descriptor)  # its last holder removed the file while it was being opened


def _is_same(descriptor: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(lock))
    except FileNotFoundError:
        return False
