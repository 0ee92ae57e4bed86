"""The OpenR1-Math layout: `problem`, a worked `solution` that ends in a box, and the gold in `answer`.

Format: https://huggingface.co/datasets/open-r1/OpenR1-Math-220k (columns of the default configuration).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reward_kit.models import Row
from reward_kit.prepare.columns import text_column

#: Further columns that a row keeps, for those who read reports by kind of problem.
_KEPT = ("problem_type", "question_type", "source", "uuid")


def to_row(source: Mapping[str, Any], row_id: str, line: int) -> Row:
    """One source row as a row: the gold from `answer`, the reference from `solution`.

    Raises:
        PrepareError: where a column is missing or empty.
    """
    messages = (
        {"role": "user", "content": text_column(source, "problem")},
        {"role": "assistant", "content": text_column(source, "solution")},
    )
    kept = {name: source[name] for name in _KEPT if source.get(name) is not None}
    return Row(row_id, messages, text_column(source, "answer"), kept, line)
