"""The gsm8k layout: `question`, and an `answer` with calculator marks that ends in a line `#### gold`.

Format: Cobbe et al. 2021, https://arxiv.org/abs/2110.14168 (openai/grade-school-math).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reward_kit.errors import PrepareError
from reward_kit.models import Row
from reward_kit.prepare.columns import text_column

_GOLD_MARKER = "#### "


def to_row(source: Mapping[str, Any], row_id: str, line: int) -> Row:
    """One source row as a row: the gold from the line `####`, the reference from the worked solution.

    The reference ends in the result of the last calculator mark, boxed. It does not repeat the gold's text: the two
    come from different places, so that a wrong gold disagrees with its solution.

    Raises:
        PrepareError: where a column is missing, or the answer has no gold line or no calculator mark.
    """
    question, answer = text_column(source, "question"), text_column(source, "answer")
    working, gold = _split_answer(answer)
    steps, result = _without_marks(working)
    reference = f"{steps}\n\nThe final answer is $\\boxed{{{result}}}$."
    messages = ({"role": "user", "content": question}, {"role": "assistant", "content": reference})
    return Row(row_id, messages, gold, {}, line)


def _split_answer(answer: str) -> tuple[str, str]:
    """The working and the gold: what follows #### on the last line, stripped and otherwise untouched."""
    working, _, last = answer.rpartition("\n")
    gold = last.removeprefix(_GOLD_MARKER).strip()
    if not last.startswith(_GOLD_MARKER) or not gold:
        raise PrepareError("has an answer whose last line is not '#### <gold>'")
    return working.strip(), gold


def _without_marks(working: str) -> tuple[str, str]:
    """The working without its <<calculation=result>> marks, and the last mark's result."""
    head, *marked = working.split("<<")
    text, result = [head], ""
    for part in marked:
        mark, closed, rest = part.partition(">>")
        if not closed or "=" not in mark:
            raise PrepareError(f"has a calculator mark that is not <<calculation=result>>: <<{part[:40]}")
        result = mark.rpartition("=")[2].strip()
        text.append(rest)
    if not result:
        raise PrepareError("has no calculator mark to read the solution's result from")
    return "".join(text), result
