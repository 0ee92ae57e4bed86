"""Chat completions from a model behind the stand-in: any OpenAI-compatible server (Ollama, vLLM, llama.cpp)."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import httpx

from reward_kit.loopback import is_loopback
from reward_kit.standin.chat import read_chat
from reward_kit.standin.replies import RefusalError, Reply, inference_error

#: What of the upstream's headers a client acts upon.
_PASSED_ON = ("content-type", "retry-after", "retry-after-ms")
#: A small model on a CPU writes a few tokens a second: 4,000 of them take that long.
_TIMEOUT_S = 1800.0


class Upstream:
    """A client of one OpenAI-compatible server; what it answers is passed on as it came.

    Args:
        url: its base, with the version: http://127.0.0.1:11434/v1.
        key: sent as its bearer token. The key of the stand-in's own client is never passed on.
        model: asked for instead of the model that a request names.
    """

    def __init__(self, url: str, key: str | None = None, model: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._model = model
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(_TIMEOUT_S, connect=10.0),
            limits=httpx.Limits(max_connections=100),
            trust_env=not is_loopback(urlsplit(url).hostname or ""),  # a proxy for the internet is none for loopback
        )

    def reply(self, raw: bytes) -> Reply:
        """What the upstream answers to a chat request's body.

        Raises:
            RefusalError: where the request is malformed, or the upstream cannot be reached (status 502).
        """
        body = read_chat(raw)
        if self._model:
            body["model"] = self._model
        return self._ask("POST", "/chat/completions", json.dumps(body, ensure_ascii=False).encode())

    def models(self) -> Reply:
        """The upstream's list of models."""
        return self._ask("GET", "/models", None)

    def close(self) -> None:
        """End its connections."""
        self._client.close()

    def _ask(self, method: str, path: str, content: bytes | None) -> Reply:
        headers = {"Content-Type": "application/json"} if content else {}
        try:
            response = self._client.request(method, self.url + path, content=content, headers=headers)
        except httpx.HTTPError as error:
            message = f"the upstream did not answer ({type(error).__name__})"
            raise RefusalError(inference_error(502, message, "UPSTREAM_FAILED")) from None
        passed = {name: response.headers[name] for name in _PASSED_ON if name in response.headers}
        return Reply(response.status_code, response.content, passed, "proxy")
