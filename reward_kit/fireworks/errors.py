"""What can go wrong with a call to Fireworks, each as a type that can be caught.

Statuses: https://docs.fireworks.ai/guides/inference-error-codes. Every message names the call, the status, the
request's id where there is one, what the server said, and what to do. None holds a key.
"""

from __future__ import annotations

from dataclasses import dataclass

from reward_kit.errors import RewardKitError


class FireworksError(RewardKitError):
    """A call that did not do what was asked; `status` is None where no answer came.

    Args:
        message: the whole text, as a user reads it.
        status: the HTTP status.
        request_id: what the server calls the request, for its support.
        endpoint: method, host and path, without query.
    """

    def __init__(
        self, message: str, *, status: int | None = None, request_id: str | None = None, endpoint: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.endpoint = endpoint


class AccountError(FireworksError):
    """Settings of the account that cannot be used."""


class NoKeyError(AccountError):
    """No API key, or none that could be one."""


class UnauthorizedError(FireworksError):
    """401 and 403: the key is wrong, or may not do this."""


class PaymentRequiredError(FireworksError):
    """402: the account's credit or spending limit is used up."""


class NotFoundError(FireworksError):
    """404: no such model, account or evaluator."""


class RateLimitedError(FireworksError):
    """429 that outlasted the waiting this client is allowed to do."""


class ServerError(FireworksError):
    """5xx, on every attempt."""


class RequestError(FireworksError):
    """A request that will not do as it is: refused by the server (400, 409, 412, 422, ...) or before it is sent."""


class RequestTimeoutError(FireworksError):
    """No whole answer within the time limit, on every attempt."""


class ConnectionFailedError(FireworksError):
    """No connection, or one that broke, on every attempt."""


class ResponseError(FireworksError):
    """An answer that is not what the endpoint promises: half a body, no choices, wrong types."""


class CountMismatchError(ResponseError):
    """A preview that did not bring back one result for each sample."""


@dataclass(frozen=True, slots=True)
class Call:
    """The call that an error is about, as far as it got."""

    endpoint: str
    status: int | None = None
    request_id: str | None = None
    retries: int = 0

    def error(self, kind: type[FireworksError], problem: str, remedy: str) -> FireworksError:
        """An error of `kind` about this call: what is wrong, then what to do."""
        facts = [f"request id {self.request_id}"] if self.request_id else []
        if self.retries:
            facts.append("after 1 retry" if self.retries == 1 else f"after {self.retries} retries")
        after = f" ({', '.join(facts)})" if facts else ""
        message = f"{self.endpoint}: {problem}{after}. {remedy}"
        return kind(message, status=self.status, request_id=self.request_id, endpoint=self.endpoint)


def status_error(call: Call, said: str, model: str | None = None) -> FireworksError:
    """The error for an answer that is not a 2xx.

    Args:
        call: the call, with its status.
        said: the server's own message, scrubbed and shortened; may be empty.
        model: the model that was asked for.
    """
    status = call.status or 0
    if status == 404 and model:
        said = f"{said}; the model asked for is {model}" if said else f"the model asked for is {model}"
        return call.error(NotFoundError, _problem(status, said), _UNKNOWN_MODEL)
    if 300 <= status < 400:
        return call.error(ResponseError, f"status {status}, a redirection", "Correct FIREWORKS_API_BASE")
    kind, remedy = _BY_STATUS.get(status) or (_SERVER if status >= 500 else _OTHER)
    return call.error(kind, _problem(status, said), remedy)


def _problem(status: int, said: str) -> str:
    return f"status {status}, {said}" if said else f"status {status}, without a message"


_UNKNOWN_MODEL = (
    "Correct the model's name: accounts/fireworks/models/NAME. Those that exist are listed at "
    "https://app.fireworks.ai/models and by 'firectl list models --account fireworks'"
)
_SERVER = (ServerError, "The server failed; try again later, and quote the request id to its support if it goes on")
_OTHER = (RequestError, "The request itself was refused: correct what the message names")
_BY_STATUS: dict[int, tuple[type[FireworksError], str]] = {
    401: (
        UnauthorizedError,
        "The key is wrong or expired: check FIREWORKS_API_KEY, or api_key in ~/.fireworks/auth.ini; "
        "keys are listed at https://app.fireworks.ai/settings/users/api-keys",
    ),
    403: (
        UnauthorizedError,
        "The key may not do this: use a key of that account (FIREWORKS_ACCOUNT_ID) with the permission for it",
    ),
    402: (
        PaymentRequiredError,
        "The account's credit or spending limit is used up: see https://app.fireworks.ai/account/billing",
    ),
    404: (NotFoundError, "Check the account id (FIREWORKS_ACCOUNT_ID), the base URL (FIREWORKS_API_BASE) and the name"),
    408: (RequestTimeoutError, "The server gave up waiting; try again, with fewer requests at once"),
    412: (RequestError, "The account is suspended or the model could not be loaded: see https://app.fireworks.ai"),
    429: (
        RateLimitedError,
        "The account's rate limit did not free up in time: lower concurrency or max_tokens, or try again later",
    ),
}
