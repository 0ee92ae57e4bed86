"""seccomp: which system calls a job may make. What is not on the list is denied, also calls of kernels to come.

A program of classic BPF over the number and the arguments (https://docs.kernel.org/userspace-api/seccomp_filter.html):
a wrong architecture and the x32 ABI kill; numbers are found by halving, so that a call costs few instructions.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import NamedTuple

from reward_kit.sandbox.kernel.calls import check, libc

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 0x00050001, 0x00050026
_LOAD, _EQUAL, _GREATER_EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X86_64, _X32 = 0xC000003E, 0x40000000
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

#: Calls without conditions, by what they are for.
FILES = (
    "read:0 write:1 open:2 close:3 stat:4 fstat:5 lstat:6 lseek:8 pread64:17 pwrite64:18 readv:19 writev:20 access:21 "
    "pipe:22 dup:32 dup2:33 sendfile:40 flock:73 fsync:74 fdatasync:75 truncate:76 ftruncate:77 getdents:78 getcwd:79 "
    "chdir:80 fchdir:81 rename:82 mkdir:83 rmdir:84 creat:85 unlink:87 readlink:89 umask:95 statfs:137 fstatfs:138 "
    "readahead:187 getdents64:217 fadvise64:221 openat:257 mkdirat:258 newfstatat:262 unlinkat:263 renameat:264 "
    "readlinkat:267 faccessat:269 fallocate:285 dup3:292 pipe2:293 preadv:295 pwritev:296 renameat2:316 "
    "copy_file_range:326 preadv2:327 pwritev2:328 statx:332 close_range:436 openat2:437 faccessat2:439"
)
MEMORY = "mmap:9 mprotect:10 munmap:11 brk:12 mremap:25 msync:26 mincore:27 madvise:28"
WAITING = (
    "poll:7 select:23 pause:34 nanosleep:35 epoll_create:213 epoll_ctl_old:214 epoll_wait_old:215 clock_nanosleep:230 "
    "epoll_wait:232 epoll_ctl:233 pselect6:270 ppoll:271 epoll_pwait:281 eventfd:284 signalfd:282 timerfd_create:283 "
    "timerfd_settime:286 timerfd_gettime:287 signalfd4:289 eventfd2:290 epoll_create1:291 epoll_pwait2:441"
)
TIME = (
    "gettimeofday:96 times:100 time:201 clock_gettime:228 clock_getres:229 getitimer:36 alarm:37 setitimer:38 "
    "timer_create:222 timer_settime:223 timer_gettime:224 timer_getoverrun:225 timer_delete:226"
)
THREADS = (
    "sched_yield:24 exit:60 gettid:186 futex:202 sched_getaffinity:204 set_tid_address:218 restart_syscall:219 "
    "exit_group:231 set_robust_list:273 get_robust_list:274 getcpu:309 getrandom:318 membarrier:324 rseq:334 "
    "arch_prctl:158"
)
SIGNALS = (
    "rt_sigaction:13 rt_sigprocmask:14 rt_sigreturn:15 rt_sigpending:127 rt_sigtimedwait:128 rt_sigsuspend:130 "
    "sigaltstack:131 wait4:61 waitid:247"
)
ASKING = (
    "getpid:39 uname:63 getrlimit:97 getrusage:98 sysinfo:99 getuid:102 getgid:104 geteuid:107 getegid:108 "
    "getppid:110 getpgrp:111 getgroups:115 getresuid:118 getresgid:120 getpgid:121 getsid:124 getpriority:140 "
    "sched_getparam:143 sched_getscheduler:145 sched_get_priority_max:146 sched_get_priority_min:147 setrlimit:160"
)
#: asyncio talks to itself over a socket pair: its two ends, and nothing that has an address.
PAIRS = "recvfrom:45 shutdown:48 getsockname:51 getpeername:52 getsockopt:55"
#: Metadata of files: harmless in a world of one's own, and beyond landlock's reach elsewhere.
METADATA = "chmod:90 fchmod:91 utime:132 utimes:235 futimesat:261 fchmodat:268 utimensat:280 fchmodat2:452"

_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
#: TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
#: PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, and PR_SET_VMA, by which malloc names its arenas.
_PRCTL = (15, 16, 3, 0x53564D41)
_CLONE_THREAD, _CLONE_NEW = 0x10000, 0x7E020080
_CLONE3, _AF_UNIX = 435, 1

#: Stands for the id of the process that the filter will hold: no process has one so large.
_OWN_ID = 0x7FFFFFF1
_STEP = struct.Struct("=HBBI")
_VALUE = 4  # where a step's value lies in it


class _Step(NamedTuple):
    code: int
    yes: int
    no: int
    value: int


def _load(offset: int) -> _Step:
    return _Step(_LOAD, 0, 0, offset)


def _return(action: int) -> _Step:
    return _Step(_RETURN, 0, 0, action)


def _one_of(argument: int, values: Sequence[int]) -> list[_Step]:
    """Allow where an argument (its lower half: these are ints to the kernel) is one of the values."""
    checks = [_Step(_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
    return [_load(_ARGUMENTS + 8 * argument), *checks, _return(_EPERM), _return(_ALLOW)]


def _threads_only() -> list[_Step]:
    return [
        _load(_ARGUMENTS),
        _Step(_ANY_BIT, 2, 0, _CLONE_NEW),
        _Step(_ANY_BIT, 0, 1, _CLONE_THREAD),
        _return(_ALLOW),
        _return(_EPERM),
    ]


def _without_address() -> list[_Step]:
    return [
        _load(_ARGUMENTS + 8 * 4),
        _Step(_EQUAL, 0, 3, 0),
        _load(_ARGUMENTS + 8 * 4 + 4),
        _Step(_EQUAL, 0, 1, 0),
        _return(_ALLOW),
        _return(_EPERM),
    ]


def _conditions(pid: int) -> dict[int, list[_Step]]:
    """Calls that are allowed with some arguments: signals and limits reach this process only."""
    return {
        16: _one_of(1, _IOCTL),
        44: _without_address(),
        53: _one_of(0, (_AF_UNIX,)),
        56: _threads_only(),
        62: _one_of(0, (pid,)),
        72: _one_of(1, _FCNTL),
        157: _one_of(0, _PRCTL),
        234: _one_of(0, (pid,)),
        302: _one_of(0, (0, pid)),
        _CLONE3: [_return(_ENOSYS)],  # its flags are behind a pointer: the C library falls back to clone
    }


def numbers(*groups: str) -> frozenset[int]:
    """The numbers of the calls in groups such as "read:0 write:1"."""
    return frozenset(int(call.rpartition(":")[2]) for group in groups for call in group.split())


class Filter:
    """A compiled filter, made once for all jobs. `own_world` is True inside namespaces."""

    def __init__(self, *, own_world: bool) -> None:
        allowed = numbers(FILES, MEMORY, WAITING, TIME, THREADS, SIGNALS, ASKING, PAIRS)
        if own_world:
            allowed |= numbers(METADATA)
        steps = _program(allowed, _conditions(_OWN_ID))
        self._own_ids = [at * _STEP.size + _VALUE for at, step in enumerate(steps) if step.value == _OWN_ID]
        self._code = ctypes.create_string_buffer(b"".join(_STEP.pack(*step) for step in steps))
        self._program = _Program(len(steps), ctypes.addressof(self._code))

    def install(self, pid: int) -> None:
        """Hold this process to the filter, for good. `pid` is its own id, as it sees it."""
        for place in self._own_ids:
            struct.pack_into("=I", self._code, place, pid)
        done = libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(self._program), 0, 0)
        check(done, "seccomp")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def _program(allowed: frozenset[int], conditions: dict[int, list[_Step]]) -> list[_Step]:
    head = [
        _load(_ARCHITECTURE),
        _Step(_EQUAL, 1, 0, _X86_64),
        _return(_KILL),
        _load(_NUMBER),
        _Step(_GREATER_EQUAL, 0, 1, _X32),
        _return(_KILL),
    ]
    leaves: list[tuple[int, list[_Step]]] = [(0, [])]
    for number in range(max(*allowed, *conditions) + 2):
        leaf = conditions.get(number) or [_return(_ALLOW if number in allowed else _EPERM)]
        if leaf != leaves[-1][1]:
            leaves.append((number, leaf))
    return head + _tree([(start, leaf) for start, leaf in leaves if leaf])


def _tree(leaves: list[tuple[int, list[_Step]]]) -> list[_Step]:
    """Halve ranges of numbers until one is left. Jumps reach 255 steps, so the longer way starts with a jump."""
    if len(leaves) == 1:
        return leaves[0][1]
    middle = len(leaves) // 2
    below, above = _tree(leaves[:middle]), _tree(leaves[middle:])
    jump = _Step(0x05, 0, 0, len(below))
    return [_Step(_GREATER_EQUAL, 0, 1, leaves[middle][0]), jump, *below, *above]
