"""The folder in which the workers of pytest-xdist share verdicts: named by the controller, made when used."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

_STORE = pytest.StashKey[Path]()
_INPUT_KEY = "rk_store"


def offer_store(node: Any) -> None:
    """In the controller: tell a worker that is about to start which folder all share."""
    stash = node.config.stash
    if _STORE not in stash:
        stash[_STORE] = Path(tempfile.gettempdir()) / f"rk-store-{os.urandom(16).hex()}"
    node.workerinput[_INPUT_KEY] = str(stash[_STORE])


def store_of(config: pytest.Config) -> Path | None:
    """The shared folder, or None in a run of one process. It need not exist yet."""
    given = getattr(config, "workerinput", None)
    return Path(given[_INPUT_KEY]) if given is not None else config.stash.get(_STORE, None)


def sharers_of(config: pytest.Config) -> int:
    """How many workers this one shares the machine with, itself included."""
    given = getattr(config, "workerinput", None)
    return 1 if given is None else int(given["workercount"])


def make_folder(store: Path, *names: str) -> Path:
    """A folder inside the store, readable by this user alone."""
    store.mkdir(mode=0o700, exist_ok=True)
    folder = store.joinpath(*names)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove_store(config: pytest.Config) -> None:
    """In the controller: delete the shared folder, if there is one."""
    if _STORE in config.stash:
        shutil.rmtree(config.stash[_STORE], ignore_errors=True)
