"""Resource limits of a job: memory, CPU seconds, file size, descriptors, threads."""

from __future__ import annotations

import resource

#: Descriptors that a job may have open, its own pipes among them.
DESCRIPTORS = 64
#: Threads of all jobs together, in the user namespace of the fork server.
TASKS = 256


def address_space() -> int:
    """Bytes of address space that this process has mapped."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def apply(*, memory: int, cpu: int, disk: int, stack: int, tasks: int | None) -> None:
    """Set the limits, hard ones: a job cannot raise them. `memory` is of the whole address space."""
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_FSIZE: disk,
        resource.RLIMIT_STACK: stack,
        resource.RLIMIT_NOFILE: DESCRIPTORS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if tasks is not None:
        wanted[resource.RLIMIT_NPROC] = tasks
    for which, value in wanted.items():
        try:
            resource.setrlimit(which, (value, value))
        except ValueError:  # whoever started us has set less
            _, hard = resource.getrlimit(which)
            resource.setrlimit(which, (hard, hard))
