"""A fork server that dies is an infrastructure error: restarted and retried once, then reported, never a score."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest
from sandbox_jobs import program

from reward_kit.sandbox import connection
from reward_kit.sandbox.client import ALL_LAYERS, Sandbox
from reward_kit.sandbox.errors import SandboxDiedError, SandboxUnavailableError


def test_a_dead_server_is_started_again() -> None:
    with Sandbox() as sandbox:
        first = sandbox.pid
        os.kill(first, signal.SIGKILL)
        (end,) = sandbox.run([program("print(1)")])
        assert end.stdout == b"1\n"
        assert sandbox.pid != first


def test_a_server_that_dies_under_its_jobs_has_them_run_again() -> None:
    with Sandbox(at_once=2) as sandbox:
        server = sandbox.pid
        threading.Timer(0.3, os.kill, (server, signal.SIGKILL)).start()
        ends = sandbox.run([program("import time; time.sleep(.6); print(1)", wall=20.0)] * 2)
        assert [end.stdout for end in ends] == [b"1\n"] * 2
        assert sandbox.pid != server


def test_a_server_that_dies_twice_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    start = connection.Connection.start

    def killing(self: connection.Connection, *args: Any) -> tuple[int, int]:
        os.kill(self.pid, signal.SIGKILL)
        time.sleep(0.1)
        return start(self, *args)

    monkeypatch.setattr(connection.Connection, "start", killing)
    with Sandbox() as sandbox, pytest.raises(SandboxDiedError, match="not judged"):
        sandbox.run([program("print(1)")])


def test_a_layer_that_is_not_there_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_BOOTSTRAP", "raise SystemExit('no kernel for this')")
    monkeypatch.setattr(connection, "_OPTIONS", ("-S", "-c", "raise SystemExit('no kernel for this')"))
    with pytest.raises(SandboxUnavailableError, match="no kernel for this"):
        Sandbox(ALL_LAYERS).run([])


def test_an_unknown_layer_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no such layer: chains"):
        Sandbox(frozenset({"chains"}))


def test_a_forked_process_has_a_server_of_its_own() -> None:
    with Sandbox() as sandbox:
        server = sandbox.pid
        child = os.fork()
        if child == 0:
            try:
                ok = sandbox.run([program("print(1)")])[0].stdout == b"1\n" and sandbox.pid != server
                sandbox.close()
            finally:
                os._exit(0 if ok else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert sandbox.run([program("print(2)")])[0].stdout == b"2\n"
        assert sandbox.pid == server


def test_a_closed_sandbox_says_so() -> None:
    sandbox = Sandbox()
    sandbox.close()
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.run([program("print(1)")])
