"""Which endpoint a request is for, and what answers it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from reward_kit.standin.chat import Chat
from reward_kit.standin.evaluators import Evaluators
from reward_kit.standin.faults import STATUS, Fault, Kind
from reward_kit.standin.replies import RATE_LIMITS, RefusalError, Reply, error_for, json_reply
from reward_kit.standin.upstream import Upstream

#: What runs when a route was found: the request's body, and whether the client will get the whole response.
Call = Callable[[bytes, bool], Reply]

_CHAT = "/inference/v1/chat/completions"
_MODELS = "/inference/v1/models"
_EVALUATORS = "/v1/accounts/{account}/evaluators"
_PATH = re.compile(r"/v1/accounts/(?P<account>[^/:]+)/evaluators(?:(?P<preview>:previewEvaluator)|/(?P<id>[^/:]+))?")
_MESSAGES = {
    Kind.TOO_MANY: "rate limit exceeded, please try again later",
    Kind.RETRY_AFTER: "rate limit exceeded, please try again later",
    Kind.ERROR: "internal server error",
    Kind.OVERLOADED: "service overloaded",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked for: `endpoint` is its name among faults, `path` what logs and counts call it."""

    endpoint: str
    path: str
    call: Call


class Routes:
    """The paths of the stand-in."""

    def __init__(self, chat: Chat, evaluators: Evaluators, upstream: Upstream | None, models: Sequence[str]) -> None:
        self._chat = chat
        self._evaluators = evaluators
        self._upstream = upstream
        self._models = tuple(models)

    def find(self, method: str, target: str) -> Route:
        """The route of a request.

        Raises:
            RefusalError: 404 where there is no such path, 405 where it has no such method.
        """
        path = urlsplit(target).path
        methods = self._methods(path)
        if not methods:
            raise RefusalError(error_for(path, 404, "no such path"))
        if method not in methods:
            reply = error_for(path, 405, f"{method} is not allowed here")
            raise RefusalError(replace(reply, headers={**reply.headers, "Allow": ", ".join(methods)}))
        return methods[method]

    def _methods(self, path: str) -> dict[str, Route]:
        if path == _CHAT:
            return {"POST": Route("chat", _CHAT, self._complete)}
        if path == _MODELS:
            return {"GET": Route("models", _MODELS, lambda raw, delivered: self._list_models())}
        if found := _PATH.fullmatch(path):
            return self._on_evaluators(found["account"], found["id"], found["preview"] is not None)
        return {}

    def _on_evaluators(self, account: str, evaluator_id: str | None, preview: bool) -> dict[str, Route]:
        kept = self._evaluators
        if preview:
            path = f"{_EVALUATORS}:previewEvaluator"
            return {"POST": Route("preview", path, lambda raw, delivered: kept.preview(raw))}
        if evaluator_id is None:
            calls: dict[str, Call] = {
                "GET": lambda raw, delivered: kept.all(account),
                "POST": lambda raw, delivered: kept.create(account, raw),
            }
            return {method: Route("evaluators", _EVALUATORS, call) for method, call in calls.items()}
        calls = {
            "GET": lambda raw, delivered: kept.get(account, evaluator_id),
            "PATCH": lambda raw, delivered: kept.update(account, evaluator_id, raw),
            "DELETE": lambda raw, delivered: kept.delete(account, evaluator_id),
        }
        return {method: Route("evaluators", f"{_EVALUATORS}/{{id}}", call) for method, call in calls.items()}

    def _complete(self, raw: bytes, delivered: bool) -> Reply:
        return self._upstream.reply(raw) if self._upstream else self._chat.reply(raw, delivered=delivered)

    def _list_models(self) -> Reply:
        if self._upstream:
            return self._upstream.models()
        created = int(time.time())
        data = [{"id": name, "object": "model", "created": created, "owned_by": "stand-in"} for name in self._models]
        return json_reply(200, {"object": "list", "data": data})


def refusal(fault: Fault, path: str) -> Reply | None:
    """The error that a fault answers with in place of the endpoint, where it is one that does."""
    if fault.kind not in STATUS:
        return None
    reply = error_for(path, STATUS[fault.kind], _MESSAGES[fault.kind])
    more = dict(RATE_LIMITS) if STATUS[fault.kind] == 429 else {}
    if fault.kind is Kind.RETRY_AFTER:
        more["Retry-After"] = f"{fault.seconds:g}"
    return replace(reply, headers={**reply.headers, **more})
