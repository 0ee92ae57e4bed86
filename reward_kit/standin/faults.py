"""Faults on demand: what may go wrong between a client and Fireworks, at a rate or for the next few requests."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reward_kit.errors import RewardKitError


class FaultError(RewardKitError):
    """A fault that cannot be."""


class Kind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"  #: the response comes `value` seconds late
    TOO_MANY = "429"  #: refused, without Retry-After
    RETRY_AFTER = "retry-after"  #: 429 with Retry-After: `value` seconds
    ERROR = "500"
    OVERLOADED = "503"
    TRUNCATED_BODY = "truncated-body"  #: half of the body, then the connection is closed
    INVALID_JSON = "invalid-json"  #: half of the body, its Content-Length as if that were all
    WRONG_COUNT = "wrong-count"  #: the last result of a preview is left out
    DROP_BEFORE = "drop-before"  #: the connection is reset before the body is read: nothing happened
    DROP_AFTER = "drop-after"  #: the connection is closed when the request was carried out: no response
    SLOW_BODY = "slow-body"  #: the body comes in pieces, over `value` seconds


#: Kinds with a value, and its default: seconds.
DEFAULT_SECONDS = {Kind.LATENCY: 0.5, Kind.RETRY_AFTER: 1.0, Kind.SLOW_BODY: 1.0}
#: Kinds whose request is answered with an error without being carried out, and the status.
STATUS = {Kind.TOO_MANY: 429, Kind.RETRY_AFTER: 429, Kind.ERROR: 500, Kind.OVERLOADED: 503}
#: Kinds after which the client has no whole response.
SPOILS = frozenset({Kind.TRUNCATED_BODY, Kind.INVALID_JSON, Kind.DROP_AFTER})
ENDPOINTS = ("chat", "preview", "evaluators", "models")


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault, for a share of the requests (`rate`) or for the `next` ones; `on` is one endpoint or any."""

    kind: Kind
    rate: float = 0.0
    next: int = 0
    value: float | None = None
    on: str | None = None

    def __post_init__(self) -> None:
        if (self.rate > 0) == (self.next > 0) or not 0 <= self.rate <= 1 or self.next < 0:
            raise FaultError(f"a fault {self.kind} has a rate above 0 and up to 1, or a number of next requests")
        if self.value is not None and (self.kind not in DEFAULT_SECONDS or not 0 <= self.value <= 3600):
            raise FaultError(f"a fault {self.kind} has no value of {self.value:g} seconds")
        if self.on is not None and self.on not in ENDPOINTS:
            raise FaultError(f"a fault on {self.on!r}: known endpoints are {', '.join(ENDPOINTS)}")
        if self.kind is Kind.WRONG_COUNT and self.on not in (None, "preview"):
            raise FaultError(f"a fault {self.kind} can only be on preview")

    @property
    def seconds(self) -> float:
        """Its value, or the kind's default."""
        return DEFAULT_SECONDS.get(self.kind, 0.0) if self.value is None else self.value

    def hits(self, endpoint: str) -> bool:
        """Whether it is for this endpoint."""
        return endpoint == ("preview" if self.kind is Kind.WRONG_COUNT else self.on or endpoint)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """A fault as it is written on the command line: KIND[=SECONDS]:RATE or KIND[=SECONDS]:xCOUNT, then [@ENDPOINT].

        Raises:
            FaultError: where it is not of that form.
        """
        rest, _, on = text.partition("@")
        what, _, amount = rest.partition(":")
        name, equals, value = what.partition("=")
        if name not in tuple(Kind):
            raise FaultError(f"the fault {text!r} is not of a known kind: {', '.join(Kind)}")
        try:
            seconds = float(value) if equals else None
            if amount.startswith("x"):
                return cls(Kind(name), next=int(amount[1:]), value=seconds, on=on or None)
            return cls(Kind(name), rate=float(amount), value=seconds, on=on or None)
        except ValueError:
            form = "KIND[=SECONDS]:RATE[@ENDPOINT] or KIND[=SECONDS]:xCOUNT[@ENDPOINT]"
            raise FaultError(f"the fault {text!r} is not of the form {form}") from None


class Faults:
    """Decides which request meets which fault: the n-th request to an endpoint always meets the same, for one seed.

    At most one fault meets a request. Those for the next requests come first, then the first whose rate hits.
    """

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._seed = seed
        self._faults: list[Fault] = []
        self._left: list[int] = []
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """One more fault, from the next request on."""
        with self._lock:
            self._faults.append(fault)
            self._left.append(fault.next)

    def clear(self) -> None:
        """No faults from the next request on."""
        with self._lock:
            self._faults, self._left = [], []

    def draw(self, endpoint: str) -> Fault | None:
        """The fault of the next request to an endpoint, if it meets one."""
        with self._lock:
            self._seen[endpoint] += 1
            for position, fault in enumerate(self._faults):
                if self._left[position] and fault.hits(endpoint):
                    self._left[position] -= 1
                    return fault
            for position, fault in enumerate(self._faults):
                chance = random.Random(f"{self._seed} {position} {endpoint} {self._seen[endpoint]}").random()
                if fault.hits(endpoint) and chance < fault.rate:
                    return fault
        return None
