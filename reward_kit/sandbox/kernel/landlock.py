"""Landlock: which files a job may touch, and no TCP, no abstract sockets and no signals beyond itself.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

from reward_kit.sandbox.kernel.calls import (
    SYS_LANDLOCK_ADD_RULE,
    SYS_LANDLOCK_CREATE_RULESET,
    SYS_LANDLOCK_RESTRICT_SELF,
    check,
    libc,
)

_VERSION = 1
_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_READ = _READ_FILE | _READ_DIR
_WORK = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
#: Rights that mean something for a file; a rule on a file with another is refused.
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE


def version() -> int:
    """The kernel's landlock ABI, 0 where it has none."""
    return max(0, _create(None, 0, _VERSION))


class Ruleset:
    """Files that may be used; everything else is denied. Rules are tied to the files, not to their names."""

    def __init__(self) -> None:
        self._abi = version()
        if not self._abi:
            raise OSError("landlock: this kernel has none, or it is switched off")
        self._rights = (1 << 13) - 1
        for abi, bit in ((2, 13), (3, 14), (5, 15)):
            self._rights |= (1 << bit) if self._abi >= abi else 0
        network = 0b11 if self._abi >= 4 else 0
        scopes = 0b11 if self._abi >= 6 else 0
        attributes = struct.pack("QQQ", self._rights, network, scopes)
        size = 24 if self._abi >= 6 else 16 if self._abi >= 4 else 8
        self._fd = check(_create(attributes, size, 0), "landlock ruleset")

    def read(self, paths: Iterable[str]) -> None:
        """Let these files be read, and everything below these folders."""
        for path in paths:
            self._allow(path, _READ)

    def list_folders(self, paths: Iterable[str]) -> None:
        """Let the names below these folders be read."""
        for path in paths:
            self._allow(path, _READ_DIR)

    def work(self, path: str) -> None:
        """Let files below this folder be made, changed and removed; but no sockets, devices, pipes or links."""
        self._allow(path, _WORK | _REFER | _TRUNCATE)

    def write(self, path: str) -> None:
        """Let this file be read and written."""
        self._allow(path, _READ_FILE | _WRITE_FILE | _TRUNCATE)

    def restrict(self) -> None:
        """Hold this process to the rules, for good."""
        check(libc.syscall(ctypes.c_long(SYS_LANDLOCK_RESTRICT_SELF), self._fd, 0), "landlock restrict")

    def close(self) -> None:
        os.close(self._fd)

    def _allow(self, path: str, rights: int) -> None:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            rights &= self._rights if os.path.isdir(path) else self._rights & _OF_FILES
            if not rights:
                return
            rule = struct.pack("=Qi", rights, fd)
            added = libc.syscall(ctypes.c_long(SYS_LANDLOCK_ADD_RULE), self._fd, _PATH_BENEATH, rule, 0)
            check(added, f"landlock rule for {path}")
        finally:
            os.close(fd)


def _create(attributes: bytes | None, size: int, flags: int) -> int:
    result: int = libc.syscall(
        ctypes.c_long(SYS_LANDLOCK_CREATE_RULESET), attributes, ctypes.c_size_t(size), ctypes.c_uint32(flags)
    )
    return result
