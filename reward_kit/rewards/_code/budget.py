"""How long a solution may take, over all its jobs."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from reward_kit.sandbox.shapes import Limits

# Less than this is no time for a test: it is not started.
_LEAST = 0.05


class Budget:
    """Seconds for one test and for all of them; the clock starts when it is made."""

    def __init__(self, timeout: float, total: float) -> None:
        self._timeout = timeout
        self._ends = time.monotonic() + total

    @property
    def spent(self) -> bool:
        """True where no time for another test is left."""
        return self._ends - time.monotonic() < _LEAST

    def limits(self, tests: int = 1) -> Limits:
        """What a job may take that runs so many tests: their time, or what is left of the solution's."""
        wall = max(_LEAST, min(self._timeout * tests, self._ends - time.monotonic()))
        return replace(Limits(), wall=wall, cpu=math.ceil(wall))
