"""A machine that refuses a layer of the sandbox, for real: by the kernel's own means, for one command.

python lesser_machine.py namespaces,landlock,seccomp COMMAND...
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 38, 22
_SYS_PRCTL, _SYS_SECCOMP, _SYS_LANDLOCK_CREATE_RULESET = 157, 317, 444  # x86-64
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_LIBC = ctypes.CDLL(None, use_errno=True)


def command(refused: str, *arguments: str) -> list[str]:
    """The command that runs `arguments` on such a machine; `refused` names layers, with commas between them."""
    return [sys.executable, __file__, refused, *arguments]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def refuse_namespaces() -> None:
    """As sysctl user.max_user_namespaces=0 does, for this process and its children, which are no root any more."""
    uid, gid = os.getuid(), os.getgid()
    _check(_LIBC.unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {gid} 1")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def refuse_landlock() -> None:
    """As a kernel without it answers."""
    _install(
        (_LOAD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 0, 1, _SYS_LANDLOCK_CREATE_RULESET),
        (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
        (_RETURN, 0, 0, _ALLOW),
    )


def refuse_seccomp() -> None:
    """As a kernel without it answers: neither the call nor the older prctl."""
    _install(
        (_LOAD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 3, 0, _SYS_SECCOMP),
        (_JUMP_IF_EQUAL, 0, 3, _SYS_PRCTL),
        (_LOAD, 0, 0, 16),
        (_JUMP_IF_EQUAL, 0, 1, _PR_SET_SECCOMP),
        (_RETURN, 0, 0, _REFUSE | errno.EINVAL),
        (_RETURN, 0, 0, _ALLOW),
    )


def _install(*instructions: tuple[int, int, int, int]) -> None:
    text = b"".join(struct.pack("HBBI", *one) for one in instructions)
    program = _Program(len(instructions), ctypes.cast(ctypes.create_string_buffer(text), ctypes.c_void_p))
    _check(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _check(_LIBC.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0))


if __name__ == "__main__":
    refusals = {"namespaces": refuse_namespaces, "landlock": refuse_landlock, "seccomp": refuse_seccomp}
    for name in sys.argv[1].split(","):  # seccomp comes last: it could not refuse anything else afterwards
        refusals[name]()
    os.execv(sys.argv[2], sys.argv[2:])
