"""Namespaces: a world with the interpreter's standard library in it, read-only, and nothing else.

The fork server enters its own user, mount, network, ipc and uts namespaces once; each job gets its own pid and mount
namespaces, and a small file system of its own to work in. There is no /proc.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sysconfig
from collections.abc import Iterable

from reward_kit.sandbox.kernel import calls

#: What a job's clone adds to the fork server's own.
JOB = calls.CLONE_NEWPID | calls.CLONE_NEWNS
#: The folder that jobs work below, and the one where each has its own.
JOBS = "/jobs"
WORK = "/jobs/w"
#: The user that a job is, inside; outside it is NOBODY where we are root, else who started us.
INSIDE = 1000
NOBODY = 65534
#: Folders of installed packages: they may hold datasets with their expected outputs.
PACKAGES = ("site-packages", "dist-packages")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
#: Shared libraries that extension modules of the standard library load, and time zones.
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
ZONES = "/usr/share/zoneinfo"

_RDONLY, _NOSUID, _NODEV = 1, 2, 4
_BIND, _REC, _PRIVATE = 4096, 16384, 1 << 18
_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_OURS = calls.CLONE_NEWNS | calls.CLONE_NEWNET | calls.CLONE_NEWIPC | calls.CLONE_NEWUTS


def standard_library() -> list[str]:
    """The folders that modules of the standard library lie in."""
    paths = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.dirname(os.__file__))
    return sorted({os.path.realpath(path) for path in paths})


def enter() -> None:
    """Move this process into its own world, for good."""
    proc = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if os.geteuid() == 0 and _may_step_down():
            _enter_as_root(proc)
        else:
            _enter_as_user(proc)
    finally:
        os.close(proc)


def mount_work(size: int) -> None:
    """A file system of `size` bytes for one job, and this process in it."""
    calls.mount("tmpfs", WORK, "tmpfs", _NOSUID | _NODEV, f"size={size},nr_inodes=1024,mode=700")
    os.chdir(WORK)


def _enter_as_user(proc: int) -> None:
    user, group = os.geteuid(), os.getegid()
    calls.unshare(calls.CLONE_NEWUSER | _OURS)
    _map(proc, user, group)
    _build()


def _enter_as_root(proc: int) -> None:
    """As root, build the world first and become nobody then: what is outside of it is nobody's, too."""
    calls.unshare(_OURS)
    _build()
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    calls.dumpable(True)  # a change of user takes it away, and with it the right to write the maps
    calls.unshare(calls.CLONE_NEWUSER | calls.CLONE_NEWNS)
    _map(proc, NOBODY, NOBODY)


def _may_step_down() -> bool:
    """True where a user without rights could still read the standard library, and we may leave namespaces as root."""
    with open("/proc/self/status", encoding="ascii") as file:
        rights = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))
    administrator, set_user, set_group = (rights >> bit & 1 for bit in (21, 7, 6))
    if not (administrator and set_user and set_group and _is_known(NOBODY)):
        return False
    for folder in standard_library():
        if not os.stat(folder).st_mode & stat.S_IXOTH or not os.stat(folder).st_mode & stat.S_IROTH:
            return False
    return bool(os.stat(os.__file__).st_mode & stat.S_IROTH)


def _is_known(number: int) -> bool:
    """True where this user namespace has a user and a group of this number, and lets groups be given up."""
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/self/{name}", encoding="ascii") as file:
            ranges = [tuple(map(int, line.split())) for line in file]
        if not any(first <= number < first + count for first, _, count in ranges):
            return False
    with open("/proc/self/setgroups", encoding="ascii") as file:
        return file.read().strip() == "allow"


def _map(proc: int, user: int, group: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{INSIDE} {user} 1"), ("gid_map", f"{INSIDE} {group} 1")):
        fd = os.open(name, os.O_WRONLY, dir_fd=proc)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def _build() -> None:
    """A new root: binds, a folder for jobs; then the old one goes."""
    root = "/tmp" if os.path.isdir("/tmp") else "/mnt"
    calls.mount("none", "/", "", _REC | _PRIVATE)
    paths = [path for path in (*LIBRARIES, ZONES, *standard_library(), *DEVICES) if os.path.exists(path)]
    # Descriptors of what is bound: what lies below the mount point itself is out of reach by name from now on.
    sources = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths if not os.path.islink(path)}
    links = {path: os.readlink(path) for path in paths if os.path.islink(path)}
    calls.mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=4m,mode=755")
    for path, target in links.items():
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        os.symlink(target, root + path)
    for path, fd in sources.items():
        _bind(fd, root + path)
        os.close(fd)
    _hide_packages(root)
    os.makedirs(root + WORK)
    os.mkdir(root + "/old")
    calls.check(calls.libc.syscall(calls.SYS_PIVOT_ROOT, root.encode(), (root + "/old").encode()), "pivot_root")
    os.chdir("/")
    calls.check(calls.libc.umount2(b"/old", _DETACH), "umount")
    os.rmdir("/old")
    _read_only("/", _AT_RECURSIVE)


def _bind(fd: int, target: str) -> None:
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        with contextlib.suppress(FileExistsError):
            os.makedirs(target)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    calls.mount(f"/proc/self/fd/{fd}", target, "", _BIND | _REC)


def _hide_packages(root: str) -> None:
    for folder in _package_folders(standard_library()):
        if os.path.isdir(root + folder):
            calls.mount("tmpfs", root + folder, "tmpfs", _NOSUID | _NODEV, "size=4k,mode=755")


def _package_folders(libraries: Iterable[str]) -> list[str]:
    folders = [os.path.join(library, name) for library in libraries for name in PACKAGES]
    return [*folders, "/usr/lib/python3/dist-packages"]


def _read_only(path: str, flags: int) -> None:
    """Make a mount, and those below it, read-only; flags that are there stay (a user namespace may not drop them)."""
    attributes = (1 | 2).to_bytes(8, "little") + bytes(24)
    number, libc = calls.SYS_MOUNT_SETATTR, calls.libc
    calls.check(libc.syscall(number, _AT_FDCWD, path.encode(), flags, attributes, len(attributes)), "mount_setattr")
