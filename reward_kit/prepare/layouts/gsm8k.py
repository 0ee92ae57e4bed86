"""The gsm8k layout: `question`, and an `answer` with calculator marks that ends in a line `#### gold`.

Format: Cobbe et al. 2021, https://arxiv.org/abs/2110.14168 (openai/grade-school-math).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from reward_kit.models import Row
from reward_kit.prepare.base import Layout, Prepared, Reason, Record, RejectedError
from reward_kit.prepare.layouts.fields import no_columns, text_column

_GOLD_MARKER = "#### "


class Gsm8k(Layout):
    """The gold from the line `####`, the reference from the worked solution.

    The reference ends in the result of the last calculator mark, boxed. It does not repeat the gold's text: the two
    come from different places, so that a wrong gold disagrees with its solution.
    """

    name: ClassVar[str] = "gsm8k"
    domain: ClassVar[str] = "math"

    def __init__(self, columns: Mapping[str, str]) -> None:
        no_columns(self.name, columns)

    def prepare(self, record: Record, row_id: str, line: int) -> Prepared:
        question, answer = text_column(record, "question"), text_column(record, "answer")
        working, gold = _split_answer(answer)
        steps, result = _without_marks(working)
        reference = f"{steps}\n\nThe final answer is $\\boxed{{{result}}}$."
        messages = ({"role": "user", "content": question}, {"role": "assistant", "content": reference})
        return Prepared(Row(row_id, messages, gold, {}, line), gold)


def _split_answer(answer: str) -> tuple[str, str]:
    """The working and the gold: what follows #### on the last line, stripped and otherwise untouched."""
    working, _, last = answer.rpartition("\n")
    gold = last.removeprefix(_GOLD_MARKER).strip()
    if not last.startswith(_GOLD_MARKER) or not gold:
        raise RejectedError(Reason.PROOF_OR_NO_ANSWER, "has an answer whose last line is not '#### <gold>'")
    return working.strip(), gold


def _without_marks(working: str) -> tuple[str, str]:
    """The working without its <<calculation=result>> marks, and the last mark's result."""
    head, *marked = working.split("<<")
    text, result = [head], ""
    for part in marked:
        mark, closed, rest = part.partition(">>")
        if not closed or "=" not in mark:
            problem = f"has a calculator mark that is not <<calculation=result>>: <<{part[:40]}"
            raise RejectedError(Reason.SCHEMA_VIOLATION, problem)
        result = mark.rpartition("=")[2].strip()
        text.append(rest)
    if not result:
        raise RejectedError(Reason.SOLUTION_HAS_NO_FINAL, "has no calculator mark to read the solution's result from")
    return "".join(text), result
