"""Capabilities: all given up, for good. With no_new_privs and no exec there is no way back to one."""

from __future__ import annotations

import ctypes

from reward_kit.sandbox.kernel.calls import check, libc

_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def drop() -> None:
    """Empty this process's effective, permitted and inheritable sets; ambient ones go with them."""
    header = _Header(_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    check(libc.capset(ctypes.byref(header), sets), "capset")
