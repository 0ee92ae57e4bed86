"""Corrections: what a response says behind its final answer to replace it, in words and in several languages."""

# Tables and expressions read better in one line; the signs themselves are meant.
# ruff: noqa: E501

from __future__ import annotations

import re
from fractions import Fraction

# These take an answer back wherever they stand behind it.
_CORRECTS = re.compile(
    r"\b(?:scratch (?:that|this)|strike (?:that|this)|never ?mind|nope|erratum|corrigendum|off[- ]by[- ]one|typo"
    r"|disregard|ignore (?:the above|that|this|my)|I retract|take (?:that|this|it|my answer) back|not quite"
    r"|(?:I|we) meant|I (?:should|must) have|(?:revised|updated|corrected|amended) (?:final )?(?:answer|value|result)"
    r"|let(?:[’']?s| me) (?:redo|recompute|recalculate|re-?count|rethink|start over|try again)"
    r"|me equivoqu[eé]|perd[oó]n|(?:corr?ec[ct]i[oó]n|corre[cç][aã]o|correzione|korrektur|corre[ck]ted|correction|update|edit)\s?[:：]"
    r"|(?:das|es) (?:ist|war) falsch|je me suis tromp|c['’]est faux|è sbagliat|est[aá] errad|es incorrect)"
    r"|更正|訂正|修正|等等[，,]|不对|不對|(?<![不没])错(?!过)|应该是|間違|아니[,，]|아니요|틀렸|정정"
    r"|\b(?:исправление|неверно|неправильно|ошибк|ошибся|поправка|точнее)",
    re.IGNORECASE,
)
# These open a second thought; whether they take the answer back shows in the value that follows.
_SECOND_THOUGHT = re.compile(
    r"(?:(?:but|no|hmm+|sorry|(?:(?:my|I) )?apolog(?:y|ies|i[sz]e)|actually|rather|oh|ah|well|wait|i think|nein|moment|espera|espere|aspetta|scusa|attendez|attends|pardon|désolé|нет|стоп|подождите)\b"
    r"|re-?(?:check|calculat|comput|count|read|consider|examin)ing\b|(?:up)?on (?:re-?\w+|reflection|second|closer|further)\b"
    r"|(?:final|new) answer (?:after|on|upon)\b)",
    re.IGNORECASE,
)
_TRUE_VALUE = re.compile(
    r"\b(?:correct|right|true|real|actual) (?:answer|value|total|count|result|number|one|sum)\b(?: is| was| should be|:|,)",
    re.IGNORECASE,
)
_CONFIRMS = re.compile(
    r"\b(?:yes|correct|right|match(?:es)?|confirm(?:s|ed)?|consistent|holds|works)\b|✓|✔", re.IGNORECASE
)
_DENIES = re.compile(r"\b(?:not|no|wrong|mistake|error|incorrect|instead|forgot|missed)\b|n['’]t\b", re.IGNORECASE)
_BEFORE_WORDS = " \n\t$.)]}*\\(_;,-–—"
_VALUES = re.compile(r"(?<![\w.,])-?\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,15})?(?![\w])")
_REACH = 140


def correction(behind: str, answer: str) -> str:
    """The words behind an answer that correct it; an empty text where none do."""
    found = _CORRECTS.search(behind)
    if found is not None:
        return found.group()
    words = behind.lstrip(_BEFORE_WORDS)
    thought = _SECOND_THOUGHT.match(words)
    given = _values(answer)
    if thought is None:
        true = _TRUE_VALUE.search(behind)
        named = _values(behind[true.end() :].partition("\n")[0][:40]) if true is not None else []
        return true.group() if true is not None and len(given) == 1 and named and named[0] != given[0] else ""
    stated = _values(words[:_REACH])
    return thought.group() if len(given) == 1 and stated and stated[-1] != given[0] else ""


def is_confirmed(behind: str, answer: str) -> bool:
    """True for "Wait, let me check: 5 + 6 = 11. Yes": a second look that ends at the same answer."""
    given, stated = _values(answer), _values(behind)
    same = len(given) == 1 and bool(stated) and stated[-1] == given[0]
    return same and _CONFIRMS.search(behind) is not None and _DENIES.search(behind) is None


def _values(text: str) -> list[Fraction]:
    return [Fraction(value.replace(",", "")) for value in _VALUES.findall(text)]
