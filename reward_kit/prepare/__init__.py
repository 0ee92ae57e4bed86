"""Preparing a dataset: source rows in, checked rows out, nothing lost or changed on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reward_kit.errors import DatasetError, Defect, PrepareError
from reward_kit.jsonl import read_jsonl
from reward_kit.models import Row
from reward_kit.prepare import gsm8k, openr1

#: A layout turns one source row into a row; the arguments are the source row, the row's id and its 1-based line.
Layout = Callable[[Mapping[str, Any], str, int], Row]
LAYOUTS: dict[str, Layout] = {"gsm8k": gsm8k.to_row, "openr1": openr1.to_row}


def rows_from_jsonl(path: Path, layout: str) -> list[Row]:
    """Build the dataset rows of a source file.

    Args:
        path: a file of JSON lines in the columns of the layout.
        layout: a key of `LAYOUTS`.

    Raises:
        DatasetError: naming every line that cannot be read or turned into a row.
    """
    defects: list[Defect] = []
    rows = []
    for position, (number, source) in enumerate(read_jsonl(path, defects)):
        try:
            rows.append(LAYOUTS[layout](source, f"{layout}-{position:05d}", number))
        except PrepareError as error:
            remedy = "Correct the source row, or remove it"
            defects.append(Defect(path, number, str(error), remedy))
    if defects:
        raise DatasetError(sorted(defects, key=lambda defect: defect.line))
    return rows
