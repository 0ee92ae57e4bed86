"""What the kernel says of itself: for a reader who wonders why a layer is missing. No tier is decided by it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

#: landlock_create_ruleset, the same number on every architecture; with this flag it tells the ABI (landlock(7)).
_SYS_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_CREATE_RULESET_VERSION = 1
#: Where kernels and distributions forbid user namespaces to ordinary users, each with its own switch.
_NAMESPACES = {
    "max_user_namespaces": Path("/proc/sys/user/max_user_namespaces"),
    "unprivileged_userns_clone": Path("/proc/sys/kernel/unprivileged_userns_clone"),
    "apparmor_restrict_unprivileged_userns": Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
}


def kernel_facts() -> Mapping[str, str | int]:
    """Kernel, architecture, user, and what there is of each mechanism; what cannot be read is left out."""
    facts: dict[str, str | int] = {
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "uid": os.getuid(),
    }
    if sys.platform == "linux":
        facts["landlock_abi"] = _landlock_abi()
        for name, path in _NAMESPACES.items():
            with contextlib.suppress(OSError, ValueError):
                facts[name] = int(path.read_text(encoding="ascii"))
        with contextlib.suppress(OSError):
            facts["seccomp"] = Path("/proc/sys/kernel/seccomp/actions_avail").read_text(encoding="ascii").strip()
    return facts


def _landlock_abi() -> int:
    """The version of landlock that is switched on; 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(
        ctypes.c_long(_SYS_LANDLOCK_CREATE_RULESET),
        None,
        ctypes.c_size_t(0),
        ctypes.c_uint32(_LANDLOCK_CREATE_RULESET_VERSION),
    )
    return max(0, int(version))
