"""Small attacks on whoever started the sandbox: this file is the program of a job, and its functions what is called.

Harmless by construction: they reach for a secret, a folder and listeners that the prober made for them, send no signal
but 0, and ask ptrace for something that it refuses to everybody. An attack that the sandbox stops raises an OSError;
one that returns, with whatever it got, got through.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Callable
from typing import Any

#: What the prober laid out, see `escapes.Bait`: paths, ports, its pid, where its secret lies in memory.
Bait = dict[str, Any]

_PTRACE_SEIZE = 0x4206
_CLONE_NEWUSER = 0x10000000
#: Seconds a connection may take: on this machine it takes none.
_PATIENCE = 0.5


def read_file(bait: Bait) -> bytes:
    """A file of the user: a key, a dataset, the grader."""
    with open(bait["file"], "rb") as file:
        return file.read()


def write_file(bait: Bait) -> str:
    """A new file outside the job's own folder."""
    path = os.path.join(bait["folder"], "written")
    with open(path, "w", encoding="ascii") as file:
        file.write("got through")
    return path


def change_file(bait: Bait) -> str:
    """The mode or the times of a file: what neither reads nor writes it."""
    return _first(lambda: os.chmod(bait["file"], 0o640), lambda: os.utime(bait["file"], (1, 1)))


def read_environment(bait: Bait) -> str:
    """The environment of the parent, where keys are."""
    with open(f"/proc/{bait['pid']}/environ", "rb"):  # opening is what the kernel allows or not
        return "opened"


def read_memory(bait: Bait) -> str:
    """The parent's memory, where expected outputs are."""
    return _first(lambda: _copy_memory(bait), lambda: _read_at(bait))


def read_server(bait: Bait) -> str:
    """The memory of the process that starts the jobs, and through it that of other jobs."""
    with open(f"/proc/{os.getppid()}/mem", "rb"):
        return "opened"


def trace(bait: Bait) -> str:
    """Take over the parent with ptrace."""
    # A seizure with an address is refused by the kernel (EIO) only after it let the call in and found the process.
    error = _syscall_error("ptrace", _PTRACE_SEIZE, bait["pid"], 1, 0)
    if error != "EIO":
        raise OSError(f"ptrace: {error}")
    return "reached the parent"


def signal_others(bait: Bait) -> str:
    """Send signals: to the parent, and to everything that there is (signal 0, which asks for permission only)."""
    return _first(lambda: os.kill(bait["pid"], 0), lambda: os.kill(-1, 0))


def connect_tcp(bait: Bait) -> str:
    """A connection to a server on this machine."""
    socket.create_connection(("127.0.0.1", bait["tcp"]), _PATIENCE).close()
    return "connected"


def send_udp(bait: Bait) -> str:
    """A datagram: enough to ask a name server, and to tell it something."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"got through", ("127.0.0.1", bait["udp"]))
    return "sent"


def connect_unix(bait: Bait) -> str:
    """A socket of another program, by its path or its abstract name: an agent with keys, a desktop bus."""
    return _first(lambda: _connect_unix(bait["socket"]), lambda: _connect_unix(bait["abstract"]))


def start_process(bait: Bait) -> str:
    """A process of its own, which could live on."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


def run_program(bait: Bait) -> None:
    """Another program in the job's place. Where this works there is no answer, and the job's end tells."""
    os.execv(bait["program"], [bait["program"], "-I", "-S", "-c", "pass"])


def enter_user_namespace(bait: Bait) -> str:
    """A new user namespace, in which the job would be root, with a larger part of the kernel to attack."""
    if error := _syscall_error("unshare", _CLONE_NEWUSER):
        raise OSError(f"unshare: {error}")
    return "entered"


def attempt(name: str, bait: Bait) -> Any:
    """Try one of the attacks above by its name."""
    attack: Callable[[Bait], Any] = globals()[name]
    return attack(bait)


def _first(*ways: Callable[[], Any]) -> str:
    """Says which way works first; the error of the last where none does."""
    for number, way in enumerate(ways, start=1):
        try:
            way()
            return f"way {number} worked"
        except OSError:
            if number == len(ways):
                raise
    raise ValueError("no way to try")


def _syscall_error(name: str, *arguments: int) -> str:
    """Call a function of the C library: the name of its error, empty where it worked."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*map(ctypes.c_long, arguments)) != -1:
        return ""
    return errno.errorcode.get(ctypes.get_errno(), "unknown")


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _copy_memory(bait: Bait) -> bytes:
    """process_vm_readv: from one process to another, past any file."""
    mine = ctypes.create_string_buffer(bait["length"])
    to, source = _Piece(ctypes.addressof(mine), bait["length"]), _Piece(bait["address"], bait["length"])
    libc = ctypes.CDLL(None, use_errno=True)
    pid, one, none = bait["pid"], ctypes.c_ulong(1), ctypes.c_ulong(0)
    if libc.process_vm_readv(pid, ctypes.byref(to), one, ctypes.byref(source), one, none) == -1:
        raise OSError(ctypes.get_errno(), "process_vm_readv")
    return mine.raw


def _read_at(bait: Bait) -> bytes:
    with open(f"/proc/{bait['pid']}/mem", "rb", buffering=0) as memory:
        memory.seek(bait["address"])
        return memory.read(bait["length"])


def _connect_unix(address: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_PATIENCE)
        client.connect(address)
