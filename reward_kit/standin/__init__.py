"""A stand-in for Fireworks on this machine: its paths, shapes and errors, authored answers, faults on demand."""

from __future__ import annotations

from reward_kit.standin.answers import Answers
from reward_kit.standin.faults import Fault, Kind
from reward_kit.standin.server import StandIn
from reward_kit.standin.upstream import Upstream

__all__ = ["Answers", "Fault", "Kind", "StandIn", "Upstream"]
