"""What a suite may decide about equality: tolerances, units, percent, rounding. The defaults are exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Units = Literal["optional", "required", "ignored"]
Percent = Literal["either", "value"]
Rounding = Literal["none", "to_gold"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The declared options of a comparison; docs/math.md has an example for each.

    `tolerance` is relative, `absolute_tolerance` absolute, both for single numbers and 0 by default. `units`:
    "optional" lets a response leave the unit out, "required" does not, "ignored" does not look at units at all.
    `percent`: "either" takes 25 for a gold of 25% (and 25% for 25), "value" wants 0.25 or 25%. `rounding`: "to_gold"
    takes a value that rounds to the gold's decimal places.
    """

    tolerance: float = 0.0
    absolute_tolerance: float = 0.0
    units: Units = "optional"
    percent: Percent = "either"
    rounding: Rounding = "none"

    @property
    def tolerant(self) -> bool:
        """True where numbers may differ."""
        return self.tolerance > 0 or self.absolute_tolerance > 0


EXACT = Policy()
