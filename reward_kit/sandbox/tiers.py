"""Tiers: what a sandbox holds on this machine, found by running the escapes, and what a user may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reward_kit.sandbox.client import ALL_LAYERS, Sandbox
from reward_kit.sandbox.errors import SandboxError, SandboxUnavailableError
from reward_kit.sandbox.escapes import ESCAPES, Attempt, try_escapes
from reward_kit.sandbox.server import LAYERS
from reward_kit.sandbox.shapes import Job, Mode


class Tier(StrEnum):
    """How much stands between a program and the machine, the most first."""

    STRONG = "strong"
    GOOD = "good"
    BASIC = "basic"
    NONE = "none"

    @property
    def layers(self) -> frozenset[str]:
        """The layers it is made of."""
        return _LAYERS[self]

    def stands_on(self, layers: Iterable[str]) -> bool:
        """True where these layers make it up; a kernel without landlock has namespaces to keep programs from files."""
        there = set(layers)
        walls = {"landlock", "namespaces"}
        if self is Tier.GOOD:
            return self.layers - walls <= there and not walls.isdisjoint(there)
        return self.layers <= there

    @property
    def closes(self) -> frozenset[str]:
        """The escapes that must all have been stopped before a sandbox is called that."""
        return _CLOSES[self]

    @property
    def leaves_open(self) -> str:
        """What a program can still do, in one line; empty where nothing is known."""
        return _LEAVES_OPEN[self]


#: The layer that every tier has, and every Linux: it is never left out.
LIMITS = "limits"
#: Seccomp stops what a program asks of the kernel by the call's name; it sees no paths.
_BY_CALL = frozenset(
    "change_file trace signal_others connect_tcp send_udp connect_unix start_process run_program "
    "enter_user_namespace".split()
)
_LAYERS: Mapping[Tier, frozenset[str]] = {
    Tier.STRONG: ALL_LAYERS,
    Tier.GOOD: frozenset({"landlock", "seccomp", LIMITS}),
    Tier.BASIC: frozenset({"seccomp", LIMITS}),
    Tier.NONE: frozenset({LIMITS}),
}
_CLOSES: Mapping[Tier, frozenset[str]] = {
    Tier.STRONG: frozenset(ESCAPES),
    Tier.GOOD: frozenset(ESCAPES),
    Tier.BASIC: _BY_CALL,
    Tier.NONE: frozenset(),
}
_FILES = "files that this user may read or write, and through /proc the environment and memory of this user's processes"
_LEAVES_OPEN: Mapping[Tier, str] = {
    Tier.STRONG: "",
    Tier.GOOD: "nothing known, but one wall stands where strong has two",
    Tier.BASIC: _FILES,
    Tier.NONE: f"{_FILES}; the network; signals to other processes, and processes that live on",
}
#: What can be asked for: the best that there is, nothing less than strong, or one tier by name.
AUTO, STRICT = "auto", "strict"
CHOICES = (AUTO, STRICT, *(tier.value for tier in Tier))
_NAMED_NONE = "To run programs with limits of time and memory only, ask for none by name: --rk-sandbox=none"


@dataclass(frozen=True, slots=True)
class Found:
    """What this machine gives: `layers` are those that stand, `refused` those that do not, each with its reason."""

    tier: Tier
    layers: Mapping[str, str]
    refused: Mapping[str, str]
    attempts: tuple[Attempt, ...] = ()

    def __str__(self) -> str:
        """As in the header of a run: `strong (namespaces, landlock 7, seccomp)`."""
        told = [f"{name} {detail}".strip() for name, detail in self.layers.items() if name != "limits"]
        return f"{self.tier} ({', '.join(told) or 'limits of time and memory only'})"

    def start(self) -> Sandbox:
        """A fork server with these layers.

        Raises:
            SandboxUnavailableError: where one of them, tried before, is refused now; on first use.
        """
        return Sandbox(frozenset(self.layers), tier=self.tier)

    def why_not(self, tier: Tier) -> str:
        """Why the sandbox is not of this tier: the layers that are missing, or the escapes that got through."""
        lost = () if tier.stands_on(self.layers) else sorted(tier.layers - self.layers.keys())
        missing = [f"{name}: {self.refused.get(name, 'not there')}" for name in lost]
        through = [f"{one.name}: {one.how}" for one in self.attempts if not one.stopped and one.name in tier.closes]
        return "; ".join(missing or through)


def find_tier(layers: Iterable[str] = ALL_LAYERS) -> Found:
    """Start a fork server with these layers, leave out those that the kernel refuses, and try to escape from it.

    The tier is the best whose layers all stand and whose escapes were all stopped.

    Raises:
        SandboxError: where no fork server can be started at all.
    """
    wanted = frozenset(layers)
    try:
        return _tried(wanted, {})
    except SandboxError:
        refused = {name: why for name in sorted(wanted - {LIMITS}) if (why := _refusal(name))}
        if not refused:
            raise
    return _tried(wanted - refused.keys(), refused)


def _tried(layers: frozenset[str], refused: Mapping[str, str]) -> Found:
    with Sandbox(layers) as sandbox:
        attempts = try_escapes(sandbox.run)
        details = {"landlock": str(sandbox.facts["landlock"])}
    standing = {name: details.get(name, "") for name in LAYERS if name in layers}
    stopped = {attempt.name for attempt in attempts if attempt.stopped}
    tier = next((tier for tier in Tier if tier.stands_on(standing) and tier.closes <= stopped), Tier.NONE)
    return Found(tier, standing, refused, attempts)


def _refusal(layer: str) -> str:
    """Why a layer cannot be had, from a fork server that has it alone; empty where it can."""
    try:
        with Sandbox(frozenset({layer, LIMITS})) as sandbox:
            sandbox.run([Job(Mode.PROGRAM, "")])
    except SandboxError as error:
        return str(error)
    return ""


def choose(asked: str = AUTO) -> Found:
    """The sandbox that was asked for.

    Args:
        asked: "auto" for the best there is, at least basic; "strict" for strong or nothing; or a tier's name, for
            exactly its layers. Only "none" gives none.

    Raises:
        SandboxUnavailableError: where this machine does not give it, saying why and what to ask for instead.
        ValueError: where that is no choice.
    """
    if asked not in CHOICES:
        raise ValueError(f"{asked!r} is no choice of sandbox: {', '.join(CHOICES)}")
    found = find_tier() if asked in (AUTO, STRICT) else find_tier(Tier(asked).layers)
    if asked == AUTO:
        if found.tier is Tier.NONE:
            raise SandboxUnavailableError(f"there is no sandbox here: {found.why_not(Tier.BASIC)}. {_NAMED_NONE}")
        return found
    wanted = Tier.STRONG if asked == STRICT else Tier(asked)
    if found.tier is not wanted:
        instead = f"This machine gives {found.tier}" if asked == STRICT else "Ask for auto: the best there is"
        raise SandboxUnavailableError(f"no sandbox of tier {wanted} here: {found.why_not(wanted)}. {instead}")
    return found
