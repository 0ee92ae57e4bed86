"""What the stand-in sends back, and Fireworks' two forms of an error body.

Inference errors: https://docs.fireworks.ai/guides/inference-error-codes. Evaluator errors are google.rpc.Status:
https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto, codes in code.proto.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

REQUEST_ID_HEADER = "x-request-id"
#: The stand-in has no limit of its own: high enough that a client which paces itself by it is not slowed down.
RATE_LIMITS = {"X-Ratelimit-Limit-Tokens-Prompt": "100000000", "X-Ratelimit-Limit-Tokens-Generated": "10000000"}


class Rpc(IntEnum):
    """Codes of google.rpc.Status."""

    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16

    @classmethod
    def of_status(cls, status: int) -> Rpc:
        """The code that goes with an HTTP status."""
        return next((code for code, known in _STATUS_OF.items() if known == status), cls.INVALID_ARGUMENT)


#: HTTP statuses as in the comments of code.proto; the first code of a status is the one `Rpc.of_status` gives.
_STATUS_OF = {
    Rpc.INVALID_ARGUMENT: 400,
    Rpc.FAILED_PRECONDITION: 400,
    Rpc.UNAUTHENTICATED: 401,
    Rpc.NOT_FOUND: 404,
    Rpc.UNIMPLEMENTED: 405,
    Rpc.ALREADY_EXISTS: 409,
    Rpc.RESOURCE_EXHAUSTED: 429,
    Rpc.INTERNAL: 500,
    Rpc.UNAVAILABLE: 503,
    Rpc.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One response; `source` is the value of its header STAND_IN_HEADER, which every response has."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = "1"


class RefusalError(Exception):
    """A request that is answered with an error."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(status: int, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
    """A reply whose body is `value` as JSON."""
    body = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return Reply(status, body, {"Content-Type": "application/json"} | dict(headers or {}))


def inference_error(status: int, message: str, code: str = "invalid_request_error", param: str | None = None) -> Reply:
    """An error of the inference API."""
    kind = "invalid_request_error" if status < 500 else "internal_server_error"
    error = {"object": "error", "type": kind, "code": code, "message": message}
    return json_reply(status, {"error": error | ({"param": param} if param else {})})


def rpc_error(code: Rpc, message: str) -> Reply:
    """An error of the evaluator API."""
    return json_reply(_STATUS_OF[code], {"code": int(code), "message": message, "details": []})


def error_for(path: str, status: int, message: str) -> Reply:
    """An error in the form of the API that `path` belongs to."""
    if path.startswith("/v1/"):
        reply = rpc_error(Rpc.of_status(status), message)
        return Reply(status, reply.body, reply.headers)
    return inference_error(status, message, "NOT_FOUND" if status == 404 else "invalid_request_error")
