"""Splits with a slice, as `datasets` writes them: `train`, `train[:100]`, `test[10:20]`, `train[-10%:]`.

Syntax: https://huggingface.co/docs/datasets/loading#slice-splits. Streaming refuses slices, so they are read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reward_kit.errors import PrepareError

_SPLIT = re.compile(r"(?P<name>\w[\w.-]*)(\[(?P<start>-?\d+%?)?:(?P<stop>-?\d+%?)?\])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SplitSlice:
    """A split and the rows wanted of it; bounds are numbers of rows or percentages, as written."""

    name: str
    start: str | None
    stop: str | None

    @classmethod
    def parse(cls, text: str) -> SplitSlice:
        """Read a split as suite.toml names it.

        Raises:
            PrepareError: where it is neither a split nor a split with one slice, or the slice mixes rows and
                percentages (`datasets` takes both bounds as percentages then).
        """
        if not (match := _SPLIT.fullmatch(text)):
            raise PrepareError(
                f"the split {text!r} cannot be read. Write one split, with a slice where wanted: train, train[:100], "
                "test[10:20], train[:5%]. Two splits are two suites"
            )
        if len({bound.endswith("%") for bound in (match["start"], match["stop"]) if bound}) > 1:
            raise PrepareError(f"the slice of {text!r} mixes rows and percentages. Write both bounds in one unit")
        return cls(match["name"], match["start"], match["stop"])

    def bounds(self, rows: int) -> tuple[int, int]:
        """The positions from and up to which rows are wanted, out of `rows`.

        Percentages are rounded to the closest row, as `datasets` does.

        Raises:
            PrepareError: where the split has fewer rows than asked for, or the slice is empty.
        """
        start = 0 if self.start is None else _position(self.start, rows)
        stop = rows if self.stop is None else _position(self.stop, rows)
        if not 0 <= start < stop <= rows:
            raise PrepareError(
                f"the slice [{self.start or ''}:{self.stop or ''}] does not fit split {self.name!r}, which has {rows} "
                "rows. Ask for rows that are there"
            )
        return start, stop


def _position(bound: str, rows: int) -> int:
    value = round(int(bound[:-1]) * rows / 100) if bound.endswith("%") else int(bound)
    return value + rows if bound.startswith("-") else value
