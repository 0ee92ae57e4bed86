"""Reads what a worked solution of GSM8K comes to, from its working alone: never from the gold beside it."""

from __future__ import annotations

import re

# Every repetition that can fail is bounded: a working of any length takes linear time.
_NUMBER = r"[-\u2212]?\s?\$?\s?(?:(?:\d{1,3}(?:[, ]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
# A calculator mark, or a number behind "=" that no further operator follows ("= 12 / 4" is not computed yet).
_COMPUTED = re.compile(
    rf"<<[^<>]{{0,400}}=([^<>=]{{0,60}})>>|(?:=|≈|\bequals?\b)\s{{0,9}}({_NUMBER})(?![\d/*+×]|\s{{0,9}}(?:[-+*/×÷=x(]|<<))"
)
# What may follow in the same sentence and says the result anew: "15.36 minutes, which rounds down to 15 minutes".
_RESTATED = re.compile(
    rf"(?:\bround\w*\b\D{{0,60}}?|\b(?:which|that) is\s|\bor\s|\bmeaning\b\D{{0,60}}?"
    rf"|\bthat (?={_NUMBER} is the answer))({_NUMBER})"
)
# Sentences whose numbers are reasons, and numbers in words: what they conclude is not read.
_UNCERTAIN = re.compile(
    r"^\s*(?:since|because|as)\b|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?]\s+(?=[A-Z])|\n")
_NOT_NUMBER = re.compile(r"[$\s,]")


def worked_result(working: str) -> str | None:
    """The value a working ends in, or None where it does not say one unambiguously.

    It is the last computed number, as its sentence restates it. Where further sentences follow that hold numbers, it
    is the only number of the last of them; where that has several, nothing is certain.

    Args:
        working: the solution without its `####` line, calculator marks included.
    """
    working = working.strip()
    marks = list(_COMPUTED.finditer(working))
    computed = marks[-1] if marks else None
    rest = working[computed.end() :] if computed is not None else working
    sentence, *later = _SENTENCE_END.split(rest) if computed is not None else ["", *_SENTENCE_END.split(rest)]
    if any(_UNCERTAIN.search(part) for part in later):
        return None
    stated = [found for part in later if (found := _numbers(part))]
    if stated:
        return stated[-1][0] if len({_plain(number) for number in stated[-1]}) == 1 else None
    if computed is None:
        return None
    restated = _RESTATED.findall(sentence)
    return _tidy(restated[-1] if restated else computed.group(1) or computed.group(2) or "") or None


def _numbers(text: str) -> list[str]:
    return [_tidy(number) for number in re.findall(_NUMBER, text)]


def _tidy(number: str) -> str:
    """The number as it is written, without the blanks and the dollar sign before it; a space between thousands goes."""
    return re.sub(r"(?<=\d) (?=\d{3}\b)|[$\s]", "", number.strip())


def _plain(number: str) -> str:
    return _NOT_NUMBER.sub("", number)
