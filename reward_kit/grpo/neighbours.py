"""Whether a completion gets its own value: in its own place, and for its own row's ground truth.

A value may depend on the rest of its batch (rewards normalised over a group do), so a difference between a completion
alone and the same in a batch says nothing yet. Only what a known mistake predicts for every completion is a defect.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

from reward_kit.grpo.calls import Answer, Caller, Item
from reward_kit.grpo.shapes import Diagnosis, TrainingRow

#: Rows that are compared; rows of different ground truths, where there are.
ROWS = 3


def rows_to_compare(rows: Sequence[TrainingRow]) -> tuple[TrainingRow, ...]:
    """A few rows, of different ground truths first: a mix-up of rows only shows between those."""
    different = {json.dumps(row.row.ground_truth, sort_keys=True, default=str): row for row in reversed(rows)}
    chosen = list(reversed(different.values()))[:ROWS]
    return tuple(chosen + [row for row in rows if row not in chosen][: ROWS - len(chosen)])


def same(one: Answer, other: Answer, tolerance: float) -> bool:
    """Whether two answers hold the same values, None and NaN equal to themselves."""
    return one.came and other.came and _same(one.values, other.values, tolerance)


def _same(one: Sequence[float | None], other: Sequence[float | None], tolerance: float) -> bool:
    return len(one) == len(other) and all(_equal(a, b, tolerance) for a, b in zip(one, other, strict=True))


def _equal(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=0, abs_tol=tolerance) or (math.isnan(one) and math.isnan(other))


def neighbour_defects(call: Caller, items: Sequence[Item], batch: Answer, tolerance: float) -> list[Diagnosis]:
    """What the values of a batch have to do with the values its completions get one by one.

    Args:
        call: the reward, which must be deterministic.
        items: the batch.
        batch: what the reward gave for it.
        tolerance: up to which two values are the same.
    """
    alone = _one_by_one(call, items)
    if alone is None or _same(alone, batch.values, tolerance):
        return []
    for place, what in ((0, "first"), (-1, "last")):
        swapped = _one_by_one(call, items, items[place].row)
        if swapped is not None and _same(swapped, batch.values, tolerance):
            return [_one_ground_truth(what)]
    # A normalised reward changes the values themselves; here the very same values stand at other completions.
    if not _same(sorted(alone), sorted(number for number in batch.numbers), tolerance):
        return []
    return [_permuted(_same(list(reversed(alone)), batch.values, tolerance))]


def _one_by_one(call: Caller, items: Sequence[Item], columns_of: TrainingRow | None = None) -> list[float] | None:
    """The value of each completion in a call of its own, with its row's columns or another's; None if one has none."""
    values: dict[tuple[str, str], float] = {}
    for item in items:
        if (item.row.row.id, item.text) in values:
            continue
        answer = call([replace(item, columns_of=columns_of)])
        if not answer.came or answer.values[0] is None or not math.isfinite(answer.values[0]):
            return None
        values[item.row.row.id, item.text] = answer.values[0]
    return [values[item.row.row.id, item.text] for item in items]


def _one_ground_truth(what: str) -> Diagnosis:
    index = "0" if what == "first" else "-1"
    problem = f"every completion of a batch is graded against the {what} row's columns, such as ground_truth[{index}]"
    remedy = "Columns come as lists over the batch: zip(completions, ground_truth)"
    return Diagnosis(f"{what}_ground_truth", problem, remedy)


def _permuted(backwards: bool) -> Diagnosis:
    how = "in reversed order" if backwards else "in another order than the completions"
    problem = f"the reward returns its values {how}, so each completion is paid for another"
    return Diagnosis("reversed_order", problem, "Return one value a completion, in the order of completions")
