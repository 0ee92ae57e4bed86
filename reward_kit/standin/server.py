"""The stand-in as a server: a thread a connection, kept alive, ended at once."""

from __future__ import annotations

import hmac
import itertools
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self

from reward_kit.loopback import is_loopback
from reward_kit.standin.answers import Answers
from reward_kit.standin.chat import Chat
from reward_kit.standin.evaluators import DEADLINE_S, Evaluators, RunEvaluator, run_packaged
from reward_kit.standin.faults import Fault, Faults
from reward_kit.standin.http import Handler
from reward_kit.standin.routes import Routes
from reward_kit.standin.upstream import Upstream

#: Seconds that closing waits for requests that are being carried out; the threads left behind are daemons.
GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What was asked so far: requests by path, responses by status, faults by path and kind."""

    requests: Mapping[str, int]
    statuses: Mapping[int, int]
    faults: Mapping[tuple[str, str], int]


class StandIn:
    """Fireworks on a loopback address, as a context manager; `url` is the base of its paths.

    Args:
        answers: the authored answers to chat requests; without any, every prompt is refused.
        upstream: in place of answers, the model that chat requests are passed on to.
        models: the models that exist; where none is named, every model does.
        key: the one API key; by default any that is not empty.
        faults: what goes wrong; `inject` adds to them later.
        seed: which requests a fault with a rate meets.
        preview: runs a posted evaluator; by default in a fresh interpreter.
        deadline_s: seconds that one sample of a preview may take.
        host: the address to listen on.
        port: its port; 0 takes a free one.
        log: gets one line a request, without keys and bodies.
    """

    def __init__(
        self,
        answers: Answers | None = None,
        *,
        upstream: Upstream | None = None,
        models: Sequence[str] = (),
        key: str | None = None,
        faults: Sequence[Fault] = (),
        seed: int = 0,
        preview: RunEvaluator = run_packaged,
        deadline_s: float = DEADLINE_S,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._upstream = upstream
        self.routes = Routes(Chat(answers or Answers(), models), Evaluators(preview, deadline_s), upstream, models)
        self.faults = Faults(faults, seed)
        self.stopping = threading.Event()
        self._key = None if key is None else key.encode()
        self._log = log
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._faults: Counter[tuple[str, str]] = Counter()
        self._closed = False
        self._guarded = is_loopback(host)
        self._server = _Server(host, port, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="stand-in", daemon=True)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self, grace_s: float = GRACE_S) -> int:
        """End every connection and thread; requests that are being carried out have `grace_s` seconds.

        Returns:
            How many requests were cut off. Closing again does nothing.
        """
        if self._closed:
            return 0
        self._closed = True
        self.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        left = self._server.end(grace_s)
        if self._upstream:
            self._upstream.close()
        return left

    def inject(self, *faults: Fault) -> None:
        """Add faults, from the next request on."""
        for fault in faults:
            self.faults.add(fault)

    @property
    def counts(self) -> Counts:
        """What was asked so far."""
        with self._lock:
            return Counts(dict(self._requests), dict(self._statuses), dict(self._faults))

    def knows(self, authorization: str) -> bool:
        """Whether an Authorization header carries the key; without a key of its own the server asks for none."""
        if self._key is None:
            return True
        scheme, _, given = authorization.partition(" ")
        key = given.strip().encode("latin-1", "replace")  # the bytes that came: headers are read as Latin-1
        return scheme.lower() == "bearer" and hmac.compare_digest(key, self._key)

    def is_host(self, host: str) -> bool:
        """Whether a Host header names this machine: a page in a browser can reach loopback under a name of its own."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return not self._guarded or is_loopback(name.strip("[]"))

    def next_id(self) -> str:
        """The id of one more request."""
        return f"standin-{next(self._numbers):08d}"

    def note(self, method: str, path: str, status: int, fault: Fault | None, seconds: float, request_id: str) -> None:
        """Count and log one request; status 0 where no response was sent."""
        with self._lock:
            self._requests[path] += 1
            self._statuses[status] += 1
            if fault:
                self._faults[path, str(fault.kind)] += 1
        if self._log:
            said = f" fault {fault.kind}" if fault else ""
            self._log(f"{method} {path} {status or 'no response'} {seconds * 1000:.1f} ms {request_id}{said}")


class _Server(ThreadingHTTPServer):
    """Knows its connections and their threads, so that both can be ended."""

    daemon_threads = True
    request_queue_size = 1024  # a client with 1,000 connections opens them at once

    def __init__(self, host: str, port: int, standin: StandIn) -> None:
        self.standin = standin
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's asks a name server for the name of the address, which may take long
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        arguments = (request, client_address)
        thread = threading.Thread(target=self.process_request_thread, args=arguments, name="stand-in", daemon=True)
        with self._lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours; anything else is shown."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def end(self, grace_s: float) -> int:
        """Close all sockets and wait for the threads; gives how many of them are left."""
        self.server_close()
        with self._lock:
            left = dict(self._open)
        for connection in left.values():
            with suppress(OSError):  # it may have been closed meanwhile
                connection.shutdown(socket.SHUT_RD)
        until = time.monotonic() + grace_s
        for thread in left:
            thread.join(max(0.0, until - time.monotonic()))
        return sum(thread.is_alive() for thread in left)
