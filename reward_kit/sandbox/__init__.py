"""A sandbox for programs that a model wrote: a warm fork server, one isolated process a job, and nothing secret inside.

Layers, each knowing those before it (parent: runs here; server: runs in the fork server's own fresh interpreter):

    shapes        both    jobs, limits, and how a job ended
    codec         both    plain data as tagged JSON, and back to exact builtin types
    folders       both    folders of jobs, removed whatever is in them
    frames        both    messages of a job to its parent: length-prefixed, capped
    kernel/       server  namespaces, landlock, seccomp, capabilities, rlimits: one module a mechanism
    program       server  code run as `python3 solution.py` runs it, to its exit code
    conversation  server  calls that cross from a test to a candidate in another process
    job           server  the life of one job: isolation, then the code
    server        server  the fork server
    errors        parent  what can go wrong that is not the program's doing
    connection    parent  one fork server: its process, its socket
    running       parent  jobs under a deadline: pipes drained and capped, pidfds, ends
    client        parent  the sandbox: starts a server, sends jobs, restarts
    attacks       job     small attacks, harmless by construction: the program of a job
    escapes       parent  the attacks, run in jobs against bait: what a tier is found by
    facts         parent  what the kernel says of itself
    tiers         parent  strong, good, basic, none: which there is, which is asked for
    shared        parent  this process's one sandbox, and what it and its forks ask for
"""

from reward_kit.sandbox.shared import require, shared_sandbox

__all__ = ["require", "shared_sandbox"]
