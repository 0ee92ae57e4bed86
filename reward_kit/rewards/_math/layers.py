"""The layers behind the fast path: read both answers, compare them, tell hedges from wrong answers."""

from __future__ import annotations

import re

from reward_kit.models import Outcome
from reward_kit.rewards._math.answers import Answer, Bracketed, Listing, Quantity, RealSet, SetOf, Words
from reward_kit.rewards._math.equality import Comparison
from reward_kit.rewards._math.finals import Final
from reward_kit.rewards._math.policy import Policy
from reward_kit.rewards._math.reading import Reading, read
from reward_kit.rewards._math.spelling import to_latex
from reward_kit.rewards._math.tokens import Unreadable
from reward_kit.rewards._math.verdicts import Verdict, shown
from reward_kit.rewards._math.worker import Prover, WorkerUnavailable


def compare_readings(gold: str, final: Final, policy: Policy) -> Verdict:
    """The verdict of the layers behind the fast path."""
    try:
        expected = read_gold(gold)
    except Unreadable as error:
        return Verdict(Outcome.GOLD_DEFECT, f"the gold answer {shown(gold)!r} cannot be read: {error}", "gold")
    try:
        given = read(_named_alike(gold, _unwrapped(_joined(final, expected))))
    except Unreadable as error:
        return Verdict(Outcome.WRONG_ANSWER, f"{shown(final.text)!r} cannot be read as an answer: {error}", "reading")
    prover = Prover()
    try:
        return _verdict(expected, given, final, Comparison(policy, prover), prover)
    except WorkerUnavailable as error:
        return Verdict(Outcome.INFRA_ERROR, str(error), "symbolic", str(error))


def read_gold(gold: str) -> Reading:
    """The gold answer's reading; dollar signs around it, or around its parts, only typeset it.

    Raises:
        Unreadable: where it cannot be read.
    """
    return read(_unwrapped(gold))


_BOLD = re.compile(r"^\*\*([^*\n]{1,200})\*\*")  # **42**, as Markdown writes it


def _unwrapped(text: str) -> str:
    text = _BOLD.sub(r"\1", text.strip())
    for opening, closing in (("\\[", "\\]"), ("\\(", "\\)")):
        if text.startswith(opening) and text.endswith(closing):
            text = text[2:-2].strip()
    return text


def _joined(final: Final, expected: Reading) -> str:
    """The final answer in one piece: where several boxes offer a choice of number sets, that is their union."""
    if final.offers_choice and len(final.items) > 1 and isinstance(expected.answer, RealSet):
        return " \\text{ or } ".join(final.items)
    return final.text


def _verdict(gold: Reading, given: Reading, final: Final, comparison: Comparison, prover: Prover) -> Verdict:
    equal = comparison.equal(gold, given) or _each_equal(gold, given, final, comparison)
    if not equal and final.labelled and isinstance(gold.answer, Bracketed):
        equal = _same_alternative(final.labelled, gold, comparison)  # a point, coordinate by coordinate
    equal = equal and not _contradicts(gold, given) and not _offers_less(gold, final, comparison)
    layer = "symbolic" if prover.used else "exact" if _is_single(gold.answer) else "structure"
    answer, wanted = shown(final.text), shown(gold.text)
    if equal and final.alternative is not None and not _same_alternative(final.alternative, gold, comparison):
        return Verdict(
            Outcome.AMBIGUOUS, f"{answer} is offered together with {shown(final.alternative)!r}", "extraction"
        )
    if equal:
        return Verdict(Outcome.PASSED, f"{answer} equals {wanted}", layer)
    hedge = _hedge(gold.answer, given.answer, final, comparison)
    if hedge:
        return Verdict(Outcome.AMBIGUOUS, f"{answer} {hedge}, one was asked for: {wanted}", layer)
    if prover.timed_out:
        return Verdict(Outcome.WRONG_ANSWER, f"{answer} could not be shown to equal {wanted} in time", "deadline")
    return Verdict(Outcome.WRONG_ANSWER, f"{answer} is not {wanted}", layer)


def _offers_less(gold: Reading, final: Final, comparison: Comparison) -> bool:
    """True where one of several number sets that are offered is the gold by itself, and another is not."""
    if not final.offers_choice or len(final.items) < 2 or not isinstance(gold.answer, RealSet):
        return False
    return len({_same_alternative(item, gold, comparison) for item in final.items}) == 2


# \\in \\mathbb{N}: which numbers a parameter stands for. "Z^+" and its like are the natural numbers.
_DOMAIN = re.compile(
    r"\\in\s*\\(?:mathbb|mathbf|mathrm)\s*\{?\s*([NZQRC])\s*\}?\s*([_^]\s*\{?\s*(?:\+|\*|>|\\geq? ?0))?"
)


def _contradicts(gold: Reading, given: Reading) -> bool:
    """True where equal answers differ in what the values do not show: the domain of a parameter, and or or."""
    wanted, stated = _domains(gold.text), _domains(given.text)
    if wanted and stated and wanted != stated:
        return True
    sides = (gold.answer, given.answer)
    words = all(isinstance(side, Listing) and all(isinstance(item, Words) for item in side.items) for side in sides)
    return words and len({isinstance(side, Listing) and side.choice for side in sides}) == 2


# The parameter that runs through a number set, which may have any name: 2k + 1, k in Z.
_PARAMETER = re.compile(r"(?<![A-Za-z\\])([A-Za-z])\s*\\in\s*\\mathbb")


def _named_alike(gold: str, answer: str) -> str:
    """The answer with its one parameter named as in the gold, where that name is free."""
    wanted, stated = set(_PARAMETER.findall(gold)), set(_PARAMETER.findall(answer))
    if len(wanted) != 1 or len(stated) != 1 or wanted == stated:
        return answer
    (new,), (old,) = wanted, stated
    if _whole(new).search(answer) or _whole(old).search(gold) or not _runs(new, gold):
        return answer
    return _whole(old).sub(new, answer) if _runs(old, answer) else answer


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z\\]){name}(?![A-Za-z])")


def _runs(name: str, text: str) -> bool:
    """True where the parameter occurs beside its own declaration: x in R alone is an answer, not a parameter."""
    return len(_whole(name).findall(text)) > 1


def _domains(text: str) -> set[str]:
    return {"N" if letter == "Z" and positive else letter for letter, positive in _DOMAIN.findall(to_latex(text))}


def _each_equal(gold: Reading, given: Reading, final: Final, comparison: Comparison) -> bool:
    """True where boxes side by side give one answer in several spellings: \\boxed{15.5} or \\boxed{31/2}."""
    if isinstance(given.answer, Listing) and given.answer.choice and not isinstance(gold.answer, (Listing, SetOf)):
        return all(comparison.same(gold.answer, item) for item in given.answer.items)
    return len(final.items) > 1 and all(_same_alternative(item, gold, comparison) for item in final.items)


def _same_alternative(alternative: str, gold: Reading, comparison: Comparison) -> bool:
    """True where the second answer is only another spelling of the first."""
    try:
        return comparison.equal(gold, read(alternative))
    except Unreadable:
        return False


def _hedge(gold: Answer, given: Answer, final: Final, comparison: Comparison) -> str:
    """What is wrong with a response that gives several answers where the gold has one."""
    if isinstance(gold, (Listing, SetOf, RealSet)):
        return ""
    if isinstance(given, Listing) and (given.choice or final.offers_choice):
        return "leaves a choice between answers"
    if isinstance(given, (Listing, SetOf)) and any(comparison.same(gold, item) for item in given.items):
        return "lists several answers"
    return ""


def _is_single(answer: Answer) -> bool:
    return isinstance(answer, Quantity)
