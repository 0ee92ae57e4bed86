"""The gsm8k layout: `question`, and an `answer` with calculator marks that ends in a line `#### gold`.

Format: Cobbe et al. 2021, https://arxiv.org/abs/2110.14168 (openai/grade-school-math).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from reward_kit.models import Row
from reward_kit.prepare.base import Layout, Prepared, Reason, Record, RejectedError
from reward_kit.prepare.golds import number_gold
from reward_kit.prepare.layouts.fields import no_columns, no_images, text_column
from reward_kit.prepare.layouts.worked import worked_result

_GOLD_MARKER = "#### "


class Gsm8k(Layout):
    """The gold from the line `####`, the reference from the working above it.

    The reference ends in what the working comes to, boxed. It does not repeat the gold's text: the two come from
    different places, so that a wrong gold disagrees with its solution. About one working in 125 does not say
    unambiguously what it comes to. There the reference is the source's whole solution with its own `####` line, and
    the column `reference_final` says "gold": that such a row agrees with its gold proves nothing.

    A row whose working comes to something else than its gold is kept, since the working is prose: it fails the steps
    `data` and `local` until somebody has looked at it.
    """

    name: ClassVar[str] = "gsm8k"
    domain: ClassVar[str] = "math"
    keeps: ClassVar[frozenset[Reason]] = frozenset({Reason.SOLUTION_DISAGREES})

    def __init__(self, columns: Mapping[str, str]) -> None:
        no_columns(self.name, columns)

    def prepare(self, record: Record, row_id: str, line: int) -> Prepared:
        question, answer = text_column(record, "question"), text_column(record, "answer")
        no_images(record)
        working, gold = _split_answer(answer)
        steps, result = _without_marks(working), worked_result(working)
        columns: dict[str, Any] = {}
        if result is None:
            reference, columns["reference_final"] = f"{steps}\n{_GOLD_MARKER}{gold}", "gold"
        else:
            reference = f"{steps}\n\nThe final answer is $\\boxed{{{result}}}$."
        messages = ({"role": "user", "content": question}, {"role": "assistant", "content": reference})
        return Prepared(Row(row_id, messages, number_gold(gold), columns, line), gold)


def _split_answer(answer: str) -> tuple[str, str]:
    """The working and the gold: what follows #### on the last line, stripped and otherwise untouched."""
    working, _, last = answer.rpartition("\n")
    gold = last.removeprefix(_GOLD_MARKER).strip()
    if not last.startswith(_GOLD_MARKER) or not gold:
        raise RejectedError(Reason.PROOF_OR_NO_ANSWER, "has an answer whose last line is not '#### <gold>'")
    if not working.strip():
        raise RejectedError(Reason.SOLUTION_HAS_NO_FINAL, "has a gold and no working")
    return working.strip(), gold


def _without_marks(working: str) -> str:
    """The working without its <<calculation=result>> marks."""
    head, *marked = working.split("<<")
    text = [head]
    for part in marked:
        mark, closed, rest = part.partition(">>")
        if not closed or "=" not in mark:
            problem = f"has a calculator mark that is not <<calculation=result>>: <<{part[:40]}"
            raise RejectedError(Reason.SCHEMA_VIOLATION, problem)
        text.append(rest)
    return "".join(text)
