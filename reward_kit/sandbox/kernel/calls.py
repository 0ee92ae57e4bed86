"""The C library and bare system calls by ctypes: what Python's os module does not offer. Linux x86-64."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

#: The C library. PyDLL keeps the GIL: the fork server has one thread, and a fork must not lose the lock.
libc = ctypes.PyDLL(None, use_errno=True)

SYS_CLONE = 56
SYS_PIVOT_ROOT = 155
SYS_MOUNT_SETATTR = 442
SYS_LANDLOCK_CREATE_RULESET = 444
SYS_LANDLOCK_ADD_RULE = 445
SYS_LANDLOCK_RESTRICT_SELF = 446

CLONE_PIDFD = 0x1000
CLONE_NEWNS = 0x20000
CLONE_CHILD_CLEARTID = 0x200000
CLONE_CHILD_SETTID = 0x1000000
CLONE_NEWUTS = 0x4000000
CLONE_NEWIPC = 0x8000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
_SIGCHLD = 17

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_TID_ADDRESS = 40


def supported() -> str:
    """Why this machine cannot run the fork server, or "" where it can."""
    if sys.platform != "linux":
        return f"it needs Linux, this is {sys.platform}"
    if platform.machine() != "x86_64":
        return f"it needs x86-64, this is {platform.machine()}"
    return ""


def check(result: int, what: str) -> int:
    """`result` of a C call, or its errno as an OSError that says what was tried."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, value: int, what: str) -> None:
    """prctl(2) with one argument."""
    check(libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), what)


def no_new_privileges() -> None:
    """No program that is run from here on gains a right: landlock and seccomp ask for it."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1, "no_new_privs")


def dumpable(yes: bool) -> None:
    """Whether other processes of this user may trace this one and read its memory."""
    prctl(_PR_SET_DUMPABLE, int(yes), "dumpable")


def die_with_parent(signal: int) -> None:
    """Have the kernel send `signal` to this process when its parent ends."""
    prctl(_PR_SET_PDEATHSIG, signal, "parent death signal")


def adopt_orphans() -> None:
    """Have the kernel give this process the orphans among its descendants."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1, "child subreaper")


def unshare(flags: int) -> None:
    """Leave namespaces."""
    check(libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2)."""
    done = libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode() or None)
    check(done, f"mount {kind or source} at {target}")


def return_free_memory() -> None:
    """Give back what the C library holds in reserve: a fork copies the tables of all memory that is there."""
    libc.malloc_trim(ctypes.c_size_t(0))


class Cloner:
    """clone(2), with namespaces and a pidfd. Only for a process with one thread.

    The interpreter is not told: what it repairs after a fork are locks that other threads held, and here there are
    none. That leaves a third of the memory untouched that a child would otherwise have to copy.
    """

    def __init__(self) -> None:
        address = ctypes.c_ulong(0)
        done = libc.prctl(_PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0)
        # glibc keeps the thread's id there: a child with its parent's cannot raise a signal to itself.
        self._tid = address.value if done == 0 else 0

    def fork(self, namespaces: int) -> tuple[int, int]:
        """The child's id and its pidfd in the parent; (0, -1) in the child."""
        pidfd = ctypes.c_int(-1)
        flags = _SIGCHLD | CLONE_PIDFD | namespaces
        if self._tid:
            flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
        pid = libc.syscall(
            ctypes.c_long(SYS_CLONE),
            ctypes.c_ulong(flags),
            ctypes.c_void_p(0),
            ctypes.byref(pidfd),
            ctypes.c_void_p(self._tid),
            ctypes.c_ulong(0),
        )
        if pid == 0:
            return 0, -1
        return check(pid, "clone"), pidfd.value
