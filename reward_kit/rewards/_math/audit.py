"""Finds gold answers that no response could be graded against, or not the one that was meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from reward_kit.models import Outcome
from reward_kit.rewards._math.answers import CHOICE_LETTERS, Answer, Choice, Listing, Named, Quantity, Words
from reward_kit.rewards._math.finals import Final, Missing
from reward_kit.rewards._math.layers import read_gold
from reward_kit.rewards._math.policy import EXACT
from reward_kit.rewards._math.tokens import Unreadable
from reward_kit.rewards._math.verdicts import compare_texts

Kind = Literal["no_answer", "unreadable", "rejects_itself", "several_parts", "choice_letter", "prose"]

# "(A) 3 (B) 4", "A. 3  B. 4", "\textbf{(A)} 3": at least two options in a row make a multiple-choice problem.
_OPTION = re.compile(r"(?:^|[\s({$])\(?([A-J])[).:}]\}?\s*(\S[^\n]{0,200}?)(?=[\s${]*\(?[B-K][).:}]|\n|$)")
_LONG_PROSE = 6


@dataclass(frozen=True, slots=True)
class GoldFinding:
    """One thing that is wrong with, or worth knowing about, a gold answer."""

    kind: Kind
    message: str

    @property
    def is_defect(self) -> bool:
        """True where no response can be graded; the other findings are for a person to judge."""
        return self.kind in ("no_answer", "unreadable", "rejects_itself")


def audit(gold: str, answer: str, problem: str | None) -> list[GoldFinding]:
    """The findings about one gold.

    Args:
        gold: the gold as the dataset holds it.
        answer: the answer text that the reward takes from it.
        problem: the problem's text, to see multiple-choice options.
    """
    if not answer.strip():
        return [GoldFinding("no_answer", f"no answer was found in {gold[:80]!r}")]
    try:
        value = read_gold(answer).answer
    except Unreadable as error:
        return [GoldFinding("unreadable", f"{answer[:80]!r} cannot be read: {error}")]
    findings = _self_acceptance(answer)
    plus_minus = "\\pm" in answer or "±" in answer
    if isinstance(value, Listing) and not plus_minus and not _one_solution_set(value):
        findings.append(GoldFinding("several_parts", f"{answer[:80]!r} has {len(value.items)} parts"))
    letter = _letter(value)
    options = dict(_OPTION.findall(problem)) if letter and problem else {}
    if letter and len(options) > 1:
        text = options.get(letter, "").strip(" $}{")
        meant = f"the problem's option ({letter}) says {text!r}" if text else f"the problem has no option ({letter})"
        findings.append(GoldFinding("choice_letter", f"the gold is the letter {letter}, {meant}"))
    if isinstance(value, Words) and len(value.key.split()) >= _LONG_PROSE:
        findings.append(GoldFinding("prose", f"{answer[:80]!r} is a sentence; only the same words will pass"))
    return findings


def _self_acceptance(answer: str) -> list[GoldFinding]:
    """Compare the gold with itself, once bare and once spelled with blanks, as a model would repeat it."""
    final: Final | Missing = Final((f" {answer} ",), "box")
    verdict = compare_texts(answer, final, EXACT)
    if verdict.outcome is Outcome.PASSED:
        return []
    return [GoldFinding("rejects_itself", f"{answer[:80]!r} does not accept itself: {verdict.reason}")]


def _one_solution_set(value: Listing) -> bool:
    """x = 1 or x = 2 is one answer; "a = 2, b = 3" has two parts."""
    names = {item.names for item in value.items if isinstance(item, Named)}
    if names:
        return len(names) == 1 and all(isinstance(item, Named) for item in value.items)
    return value.choice


def _letter(value: Answer) -> str:
    if isinstance(value, Choice):
        return value.letter
    lone = isinstance(value, Quantity) and value.expr.op == "sym" and len(value.expr.name) == 1
    return value.expr.name if isinstance(value, Quantity) and lone and value.expr.name in CHOICE_LETTERS else ""
