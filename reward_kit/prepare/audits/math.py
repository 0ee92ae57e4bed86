"""The audit of math rows: gold, reference turn and prompt against each other, by the reader of `math_reward`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reward_kit.errors import PrepareError
from reward_kit.models import EvaluateResult, Outcome, Row
from reward_kit.prepare.audits import general
from reward_kit.prepare.audits.prompts import (
    foreign_instruction,
    labelled_questions,
    missing_image,
    paired_questions,
    prompt_text,
)
from reward_kit.prepare.base import Finding, Reason
from reward_kit.rewards.math import answer_kind, answers_equal, audit_gold, extract_answer, gold_names, math_reward

_NO_ANSWER = re.compile(
    r"(?:the )?(?:proof|proven|proved|not (?:found|given|available|provided)|no answer"
    r"|see (?:the )?(?:solution|proof|above)|n/?a|null|nan|omitted|unknown|q\.?e\.?d|to be proved|notfound|\?+|-+)",
    re.IGNORECASE,
)
_ASKS_PROOF = re.compile(r"\b(?:prove|show)(?: that|,|:| the\b)|\bdemonstrate that\b", re.IGNORECASE)
_LABELLED_GOLD = re.compile(r"^\W*(?:1|a|i)\).*\W\(?(?:2|b|ii)\)\s", re.DOTALL)
_SINGLE = frozenset(
    ("integer", "fraction", "decimal", "closed form", "expression", "number with unit", "text", "approximation")
)
_WITHOUT_FINAL = frozenset((Outcome.NO_ANSWER, Outcome.TRUNCATED, Outcome.BAD_FORMAT))
_STATES_ANSWER = re.compile(r"answer|\\boxed|####|ответ|答案|réponse|respuesta|antwort", re.IGNORECASE)
_FULL_STOP_FOR_COLON = re.compile(r"\b(answer)\.(?=\s)", re.IGNORECASE)


def audit(row: Row, raw_gold: Any) -> Iterator[Finding]:
    """What is wrong with a math row, the gravest first; nothing for a row to train on.

    A row whose reference turn is missing gets no finding about it. A reference turn is graded as it stands: nothing
    is written into it to make it agree.

    Args:
        row: the row as it would be written.
        raw_gold: the gold as the source holds it.

    Raises:
        PrepareError: where `math_reward` cannot work here; no verdict is made up.
    """
    yield from general.audit(row, raw_gold)
    if not isinstance(row.ground_truth, str):
        yield Finding(Reason.GOLD_UNPARSABLE, f"the gold is {repr(row.ground_truth)[:60]}, not a text")
        return
    gold, prompt = row.ground_truth, prompt_text(row)
    yield from _gold_findings(gold, prompt)
    if row.messages[-1].get("role") == "assistant":
        yield from _solution_findings(row, gold, prompt)
    yield from _prompt_findings(row, gold, prompt)


def answer_class(row: Row) -> str:
    """The kind of answer the gold is, as `math_reward` reads it."""
    return answer_kind(row.ground_truth) if isinstance(row.ground_truth, str) else "not a text"


# ------------------------------------------------------------------------------------------------------------ gold
def _gold_findings(gold: str, prompt: str) -> Iterator[Finding]:
    kind = answer_kind(gold)
    if _NO_ANSWER.fullmatch(gold.strip(" .$!*")) or not gold.strip():
        yield Finding(Reason.PROOF_OR_NO_ANSWER, f"the gold is {gold[:60]!r}")
        return
    for found in audit_gold(gold, prompt):
        if found.is_defect:
            reason = Reason.PROOF_OR_NO_ANSWER if found.kind == "no_answer" else Reason.GOLD_UNPARSABLE
            yield Finding(reason, found.message)
    if kind == "text" and _ASKS_PROOF.search(prompt):
        yield Finding(Reason.PROOF_OR_NO_ANSWER, f"the problem asks for a proof, the gold is {gold[:60]!r}")
    parts = _several_parts(gold, kind, prompt)
    if parts:
        yield Finding(Reason.MULTI_PART_GOLD, parts)


def _several_parts(gold: str, kind: str, prompt: str) -> str:
    """Why there are several answers where one is graded.

    A list of solutions is one answer, and so are values of unknowns that the problem names ("find a and b").
    """
    if _LABELLED_GOLD.match(gold):
        return f"the gold {gold[:60]!r} has several labelled parts"
    unknown = [name for name in gold_names(gold) if not _occurs(name, prompt)]
    if unknown:
        return f"the gold {gold[:60]!r} has several parts, and the problem does not name {', '.join(unknown)}"
    asked = labelled_questions(prompt)
    if asked:
        return f"the problem asks {len(asked)} questions ({', '.join(asked)}), the gold is {gold[:60]!r}"
    pair = paired_questions(prompt) if kind in _SINGLE else None
    return f"the problem asks for several values ({pair!r}), the gold is {gold[:60]!r}" if pair else ""


def _occurs(name: str, prompt: str) -> bool:
    """True where a prompt holds a name, in whatever braces: v_R in v_{R}."""
    bare = re.sub(r"[{}\s\\]", "", name)
    return re.search(rf"(?<![A-Za-z]){re.escape(bare)}(?![A-Za-z])", re.sub(r"[{}\\]", "", prompt)) is not None


# -------------------------------------------------------------------------------------------------------- solution
def _solution_findings(row: Row, gold: str, prompt: str) -> Iterator[Finding]:
    result = math_reward(row.messages, ground_truth=gold)
    if result.outcome is Outcome.INFRA_ERROR:
        raise PrepareError(f"{row.id} cannot be audited: {result.error}")
    if result.outcome in (Outcome.PASSED, Outcome.GOLD_DEFECT):
        return
    if result.extracted is not None and (mixed := _letter_beside_value(gold, result.extracted, prompt)):
        yield Finding(Reason.CHOICE_LETTER_VS_VALUE, mixed)
    yield _solution_finding(result)


def _solution_finding(result: EvaluateResult) -> Finding:
    if result.outcome in _WITHOUT_FINAL or result.extracted is None:
        return Finding(Reason.SOLUTION_HAS_NO_FINAL, f"the solution has no single final answer: {result.reason}")
    return Finding(Reason.SOLUTION_DISAGREES, f"by the solution, {result.reason}")


def _letter_beside_value(gold: str, final: str, prompt: str) -> str:
    """What is said where one of gold and final answer is the letter of an option and the other is no letter."""
    letters = [answer_kind(gold) == "choice letter", answer_kind(final) == "choice letter"]
    if letters[0] == letters[1]:
        return ""
    letter = gold if letters[0] else final
    if not any(found.kind == "choice_letter" for found in audit_gold(letter, prompt)):
        return ""
    return f"the gold is {gold[:40]!r}, the solution ends in {final[:40]!r}: one is an option's letter, one a value"


# ---------------------------------------------------------------------------------------------------------- prompt
def _prompt_findings(row: Row, gold: str, prompt: str) -> Iterator[Finding]:
    if (image := missing_image(row)) is not None:
        yield Finding(Reason.IMAGE_NEEDED, f"the problem needs a picture: {image}")
    if (words := foreign_instruction(row)) is not None:
        yield Finding(Reason.FOREIGN_INSTRUCTION_IN_PROMPT, f"the prompt holds {words}")
    if (line := _stated_answer(gold, prompt)) is not None:
        yield Finding(Reason.GOLD_IN_PROMPT, f"the prompt states the gold {gold[:40]!r}: {line!r}")


def _stated_answer(gold: str, prompt: str) -> str | None:
    """The line of a prompt that declares the gold as the answer; that the number occurs somewhere is no matter."""
    for line in prompt.splitlines():
        if not _STATES_ANSWER.search(line):
            continue
        stated = extract_answer(_FULL_STOP_FOR_COLON.sub(r"\1:", line))
        if stated is not None and answers_equal(gold, stated):
            return " ".join(line.split())[:80]
    return None
