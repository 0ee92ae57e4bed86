"""The OpenR1-Math layout: `problem`, a worked `solution`, and the gold in `answer`.

Format: https://huggingface.co/datasets/open-r1/OpenR1-Math-220k (columns of the default configuration).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from reward_kit.models import Row
from reward_kit.prepare.base import Layout, Prepared, Reason, Record, RejectedError
from reward_kit.prepare.golds import latex_gold
from reward_kit.prepare.layouts.fields import no_columns, no_images, text_column

#: Further columns that a row keeps, for those who read reports by kind of problem.
_KEPT = ("problem_type", "question_type", "source", "uuid")


class OpenR1(Layout):
    """The gold from `answer`, the reference from `solution`, which is left as it is."""

    name: ClassVar[str] = "openr1"
    domain: ClassVar[str] = "math"

    def __init__(self, columns: Mapping[str, str]) -> None:
        no_columns(self.name, columns)

    def prepare(self, record: Record, row_id: str, line: int) -> Prepared:
        no_images(record)
        messages = (
            {"role": "user", "content": text_column(record, "problem")},
            {"role": "assistant", "content": text_column(record, "solution")},
        )
        kept = {name: record[name] for name in _KEPT if record.get(name) is not None}
        text_column(record, "answer")
        gold = latex_gold(record["answer"])
        if not gold:
            raise RejectedError(
                Reason.PROOF_OR_NO_ANSWER, f"has an answer that holds nothing: {record['answer'][:40]!r}"
            )
        return Prepared(Row(row_id, messages, gold, kept, line), record["answer"])
