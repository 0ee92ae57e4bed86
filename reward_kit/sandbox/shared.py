"""This process's one sandbox, and what it and the processes forked from it ask for."""

from __future__ import annotations

import atexit
import os
import threading

from reward_kit.sandbox.client import Sandbox
from reward_kit.sandbox.tiers import AUTO, CHOICES, Found, choose


class _Shared:
    """The state of the module: one a process, because a fork server is too dear for one a reward.

    The choice and what was found cross a fork; the sandbox does not.
    """

    def __init__(self) -> None:
        self._asked = AUTO
        self._found: Found | None = None
        self._sandbox: Sandbox | None = None
        self._lock = threading.RLock()

    def require(self, asked: str) -> None:
        if asked not in CHOICES:
            raise ValueError(f"{asked!r} is no choice of sandbox: {', '.join(CHOICES)}")
        with self._lock:
            if asked != self._asked:
                self.close()
                self._asked, self._found = asked, None

    def find(self) -> Found:
        with self._lock:
            if self._found is None:
                self._found = choose(self._asked)
            return self._found

    def sandbox(self) -> Sandbox:
        with self._lock:
            if self._sandbox is None:
                self._sandbox = self.find().start()
            return self._sandbox

    def close(self) -> None:
        with self._lock:
            sandbox, self._sandbox = self._sandbox, None
            if sandbox is not None:
                sandbox.close()

    def forget(self) -> None:
        """In a forked child: the sandbox is the parent's, and a thread that stayed there may hold the lock."""
        self._sandbox, self._lock = None, threading.RLock()


_SHARED = _Shared()
atexit.register(_SHARED.close)
os.register_at_fork(after_in_child=_SHARED.forget)


def require(asked: str) -> None:
    """Say what sandbox this process and those forked from it from now on are to use.

    Nothing is started or tried before the first program is to run, or `found_tier` is called.

    Args:
        asked: "auto", "strict", or the name of a tier, see `tiers.choose`.

    Raises:
        ValueError: where that is no choice.
    """
    _SHARED.require(asked)


def found_tier() -> Found:
    """What was found for the choice made with `require`: tried once, and known to processes forked afterwards.

    Raises:
        SandboxUnavailableError: where this machine does not give what was asked for.
    """
    return _SHARED.find()


def shared_sandbox() -> Sandbox:
    """The sandbox of this process: started on first use, and closed at its end.

    Raises:
        SandboxUnavailableError: where this machine does not give what was asked for.
    """
    return _SHARED.sandbox()
