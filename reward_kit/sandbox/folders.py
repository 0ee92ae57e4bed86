"""Removes the folders of jobs, whatever a program made of them. Standard library only: the fork server uses it too.

shutil.rmtree recurses, once a level: folders nested deeper than the recursion limit end it with RecursionError, and a
folder without read permission stays. Here what lies below is moved up, so that no path is longer than two levels.
"""

from __future__ import annotations

import contextlib
import os


def remove(folder: str | os.PathLike[str]) -> None:
    """Remove a folder that nobody writes into any more, as far as it can be removed; links are not followed."""
    top = os.fsencode(folder)
    with contextlib.suppress(OSError):
        os.chmod(top, 0o700)
        while _remove_entries(top):
            pass
        os.rmdir(top)


def _remove_entries(top: bytes) -> int:
    """Remove what can be removed of a folder's entries, and say how many; what was below them lies in it then."""
    removed = 0
    for name in os.listdir(top):
        with contextlib.suppress(OSError):
            _remove_entry(top, os.path.join(top, name))
            removed += 1
    return removed


def _remove_entry(top: bytes, path: bytes) -> None:
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return
    os.chmod(path, 0o700)
    for name in os.listdir(path):
        inner = os.path.join(path, name)
        if os.path.isdir(inner) and not os.path.islink(inner):
            os.chmod(inner, 0o700)  # only who may write into a folder may move it
            os.rename(inner, os.path.join(top, os.urandom(16).hex().encode()))
        else:
            os.unlink(inner)
    os.rmdir(path)
