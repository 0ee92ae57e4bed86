"""HTTP/1.1 of the stand-in: reading requests within limits, sending responses, and spoiling them on demand."""

from __future__ import annotations

import json
import socket
import struct
import time
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reward_kit.fireworks.shapes import STAND_IN_HEADER
from reward_kit.standin.faults import SPOILS, Fault, Kind
from reward_kit.standin.replies import REQUEST_ID_HEADER, RefusalError, Reply, error_for
from reward_kit.standin.routes import Route, refusal

if TYPE_CHECKING:
    from reward_kit.standin.server import StandIn

MAX_BODY_BYTES = 64 * 1024 * 1024
#: Seconds without a byte after which a connection is closed; longer than clients keep one to use it again.
IDLE_S = 120.0
#: How long a refused body is read on, so that the client gets to read the refusal.
_DRAIN_S = 1.0
_PIECES = 10
UNKNOWN_PATH = "(unknown path)"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_S
    server: Any  # the standard library has a class here that does not know of the stand-in

    @property
    def standin(self) -> StandIn:
        """Whose connection it is."""
        found: StandIn = self.server.standin
        return found

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the stand-in writes its own log, without what a request line may hold."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library refuses, in our form."""
        self.close_connection = True
        request_id = self.standin.next_id()
        self.standin.note("?", UNKNOWN_PATH, code, None, 0.0, request_id)
        self._send(error_for("", code, message or HTTPStatus(code).phrase), request_id)

    def do_POST(self) -> None:
        """Answer any request."""
        started, request_id = time.perf_counter(), self.standin.next_id()
        path, fault, status = UNKNOWN_PATH, None, 0
        try:
            try:
                length = self._length()
                route = self._route()
                path, fault = route.path, self.standin.faults.draw(route.endpoint)
                status = self._answer(route, fault, length, request_id)
            except RefusalError as refused:
                status = refused.reply.status
                self._refuse(refused.reply, request_id)
        finally:
            took = time.perf_counter() - started
            self.standin.note(self.command, path, status, fault, took, request_id)
        if self.standin.stopping.is_set():
            self.close_connection = True

    do_GET = do_PATCH = do_DELETE = do_PUT = do_POST  # noqa: N815 - the standard library's names

    def _length(self) -> int:
        if "Transfer-Encoding" in self.headers:
            raise RefusalError(error_for(self.path, 411, "a Content-Length is required"))
        text = self.headers.get("Content-Length", "0")
        if not (text.isascii() and text.isdigit()):
            raise RefusalError(error_for(self.path, 400, "the Content-Length is not a number"))
        if len(text) > 18 or int(text) > MAX_BODY_BYTES:
            message = f"the body is larger than {MAX_BODY_BYTES >> 20} MB"
            raise RefusalError(error_for(self.path, 413, message))
        return int(text)

    def _route(self) -> Route:
        path = urlsplit(self.path).path
        if not self.standin.is_host(self.headers.get("Host", "localhost")):
            raise RefusalError(error_for(path, 421, "this host name is not the stand-in's"))
        if not self.standin.knows(self.headers.get("Authorization", "")):
            message = "Unauthorized: invalid API key or insufficient permissions"
            raise RefusalError(error_for(path, 401, message))
        return self.standin.routes.find(self.command, path)

    def _answer(self, route: Route, fault: Fault | None, length: int, request_id: str) -> int:
        """Carry out a request and send the response, as the fault leaves it; gives the status that was sent or 0."""
        if fault and fault.kind is Kind.DROP_BEFORE:
            self._reset()
            return 0
        raw = self._body(length)
        if fault and fault.kind is Kind.LATENCY:
            self.standin.stopping.wait(fault.seconds)
        reply = self._reply(route, fault, raw)
        if fault and fault.kind is Kind.DROP_AFTER:
            self.close_connection = True
            return 0
        self._send(reply, request_id, fault)
        return reply.status

    def _reply(self, route: Route, fault: Fault | None, raw: bytes) -> Reply:
        if fault and (error := refusal(fault, route.path)):
            return error
        try:
            reply = route.call(raw, not (fault and fault.kind in SPOILS))
        except RefusalError as refused:
            return refused.reply
        except Exception as error:  # noqa: BLE001 - a server says 500 and lives on; the kind of the error is told
            return error_for(route.path, 500, f"the stand-in failed ({type(error).__name__}: {error})")
        return _one_less(reply) if fault and fault.kind is Kind.WRONG_COUNT and reply.status == 200 else reply

    def _body(self, length: int) -> bytes:
        raw = self.rfile.read(length)
        if len(raw) < length:
            raise ConnectionResetError("the client left before its request was whole")
        return raw

    def _refuse(self, reply: Reply, request_id: str) -> None:
        """Refuse a request whose body was not read; a small one is read so that the connection can be used on."""
        text = self.headers.get("Content-Length", "0")
        if reply.status in (400, 411, 413):
            self.close_connection = True
            self._send(reply, request_id)
            self._drain()
        else:
            self._body(int(text))
            self._send(reply, request_id)

    def _drain(self) -> None:
        """Read what the client still sends, for a while: closing on unread bytes would take our response from it."""
        until = time.monotonic() + _DRAIN_S
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_S)
            while time.monotonic() < until and self.connection.recv(1 << 16):
                pass

    def _send(self, reply: Reply, request_id: str, fault: Fault | None = None) -> None:
        kind = fault.kind if fault else None
        half = reply.body[: len(reply.body) // 2]
        body = half if kind is Kind.INVALID_JSON else reply.body
        head = self._head(reply, len(body), request_id)
        if kind is Kind.TRUNCATED_BODY:
            self.close_connection = True
            self.wfile.write(head + half)
        elif fault and kind is Kind.SLOW_BODY:
            self.wfile.write(head)
            self._trickle(body, fault.seconds)
        else:
            self.wfile.write(head + body)  # in one packet: headers alone would wait for the client's acknowledgement

    def _head(self, reply: Reply, length: int, request_id: str) -> bytes:
        phrase = HTTPStatus(reply.status).phrase if reply.status in list(HTTPStatus) else ""
        lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Date: {self.date_time_string()}"]
        own = {STAND_IN_HEADER: reply.source, REQUEST_ID_HEADER: request_id, "Content-Length": str(length)}
        if self.close_connection:
            own["Connection"] = "close"
        lines += [f"{name}: {value}" for name, value in {**reply.headers, **own}.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _trickle(self, body: bytes, seconds: float) -> None:
        step = max(1, -(-len(body) // _PIECES))
        for start in range(0, len(body), step):
            self.standin.stopping.wait(seconds / _PIECES)
            self.wfile.write(body[start : start + step])

    def _reset(self) -> None:
        """Close the connection at once: unsent data are discarded and the client is told so (RST)."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _one_less(reply: Reply) -> Reply:
    value = json.loads(reply.body)
    value["results"] = value["results"][:-1]
    return replace(reply, body=json.dumps(value).encode())
