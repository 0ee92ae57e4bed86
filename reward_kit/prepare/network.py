"""Whether the Hugging Face hub can be reached, answered before anything heavy is imported or retried."""

from __future__ import annotations

import os
import socket
import sys
import threading
import urllib.parse
import urllib.request

#: Seconds for name lookup and connection together. `datasets` retries for 23 s; a user should know in under one.
CONNECT_LIMIT = 0.7
_DEFAULT_ENDPOINT = "https://huggingface.co"
_PORTS = {"http": 80, "https": 443}
_SWITCHES = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
_ON = {"1", "ON", "YES", "TRUE"}


def why_offline() -> str | None:
    """Why the hub cannot be used, in half a sentence, or None where a connection to it could be made.

    Reads the switches and the endpoint that huggingface_hub reads (HF_HUB_OFFLINE, HF_ENDPOINT, ...), and the
    proxies of the environment. The connection is closed again; nothing is sent.
    """
    for name in _SWITCHES:
        if os.environ.get(name, "").upper() in _ON:
            return f"{name} is set"
    constants = sys.modules.get("huggingface_hub.constants")  # decided at its import, whatever the environment says now
    if getattr(constants, "HF_HUB_OFFLINE", False):
        return "huggingface_hub was imported with HF_HUB_OFFLINE set"
    host, port = _address(os.environ.get("HF_ENDPOINT") or _DEFAULT_ENDPOINT)
    problem = _connection_problem(host, port, CONNECT_LIMIT)
    return problem and f"{host}:{port} cannot be reached: {problem}"


def _address(endpoint: str) -> tuple[str, int]:
    """Whom to connect to for an endpoint: its host, or the proxy that stands before it."""
    parts = urllib.parse.urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(f"{host}:{port}"):
        return host, port
    before = urllib.parse.urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return before.hostname or "", before.port or _PORTS.get(before.scheme, 80)


def _connection_problem(host: str, port: int, limit: float) -> str | None:
    """What keeps from connecting within `limit` seconds; None where a connection was made.

    In a thread, because a name lookup takes no time limit: a daemon, so that one that hangs holds up no exit.
    """
    answers: list[str | None] = []

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=limit).close()
        except (OSError, UnicodeError, OverflowError) as error:
            answers.append(getattr(error, "strerror", None) or str(error) or type(error).__name__)
        else:
            answers.append(None)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(limit)
    return answers[0] if answers else f"no answer within {limit:g} s"
