"""What is wrong with the prompts, before a reward is even asked: an answer that stands in one, or no question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from reward_kit.grpo.shapes import Diagnosis, TrainingRow
from reward_kit.grpo.templates import texts_of
from reward_kit.models import text_of


def prompt_defects(rows: Sequence[TrainingRow]) -> list[Diagnosis]:
    """The certain defects of the prompts, each shown by its first row.

    An answer counts as given away where the right completion, or the whole reference, stands in the prompt; the bare
    value may well be part of a problem, and a system prompt may well describe the format.
    """
    asked = [row for row in rows if not _no_messages(row)]
    string = [row.row.id for row in rows if _no_messages(row)]
    empty = [row.row.id for row in asked if not "".join(texts_of(row)).strip()]
    return [
        *_shown("string_prompt", string, rows, "prompts that are strings, not message lists", _AS_MESSAGES),
        *_shown("empty_prompt", empty, rows, "prompts without any text", "Put the question into a user message"),
        *_shown("gold_in_prompt", _leaks(asked), rows, "prompts that hold their own right answer", _NO_ANSWER),
        *_shown("same_prompt", _same_prompt(asked), rows, "prompts that another row asks for another answer", _ONE_ROW),
    ]


_AS_MESSAGES = 'Write them as [{"role": "user", "content": ...}]: TRL applies no chat template to a string'
_NO_ANSWER = "Train on the messages before the reference turn, and keep worked solutions out of the question"
_ONE_ROW = "Keep one row of each prompt, with the right ground truth"


def _no_messages(row: TrainingRow) -> bool:
    messages = cast(Any, row.row.messages)  # rows built by hand hold what they were given
    return isinstance(messages, str) or not all(isinstance(message, Mapping) for message in messages)


def _shown(name: str, ids: Sequence[str], rows: Sequence[TrainingRow], what: str, remedy: str) -> list[Diagnosis]:
    if not ids:
        return []
    return [Diagnosis(name, f"{len(ids)} of {len(rows)} rows have {what}, first {ids[0]}", remedy)]


def _leaks(rows: Sequence[TrainingRow]) -> list[str]:
    prompts = {row.row.id: _squeezed("\n".join(texts_of(row))) for row in rows}
    found = []
    for row in rows:
        # What stands in the prompts of other answers too is an example of the format, not this row's answer.
        others = [prompts[other.row.id] for other in rows if _squeezed(other.gold) != _squeezed(row.gold)]
        answers = _answers(row)
        if any(a in prompts[row.row.id] and not any(a in other for other in others) for a in answers):
            found.append(row.row.id)
    return found


def _answers(row: TrainingRow) -> Iterable[str]:
    """The row's whole right answers, except where one is no more than the value: that may be part of the problem."""
    reference = text_of(row.row.reference.get("content")) if row.row.reference else ""
    bare = _squeezed(_written(row.row.ground_truth)).strip(" .$")
    answers = (_squeezed(row.gold), _squeezed(reference))
    return [answer for answer in answers if answer and answer.strip(" .$") != bare]


def _same_prompt(rows: Sequence[TrainingRow]) -> list[str]:
    first: dict[str, TrainingRow] = {}
    found = []
    for row in rows:
        prompt = json.dumps([[m.get("role"), m.get("content")] for m in row.row.prompt], default=str)
        one = first.setdefault(prompt, row)
        if one.gold != row.gold and _written(one.row.ground_truth) != _written(row.row.ground_truth):
            found.append(row.row.id)
    return found


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
