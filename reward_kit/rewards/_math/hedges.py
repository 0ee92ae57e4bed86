"""Tells a final answer from a hedge: alternatives, negations and conflicts around it."""

# An alternative of an expression stays on one line.
# ruff: noqa: E501

from __future__ import annotations

import re

from reward_kit.rewards._math.boxes import Box

# What may stand between two finals that are given as one: "\\boxed{1}, \\boxed{2}", "$\\boxed{1}$ and $\\boxed{2}$",
# also with a label ("x = \\boxed{1}, y = \\boxed{2}") and the same marker phrase again.
_JOINT_LENGTH = 80
_LABEL = r"(?:[A-Za-z](?:_\{?\w{1,5}\}?|')?\s{0,3}(?:=|\\in|:)\s{0,3})"
_JOINT = re.compile(
    r"(?:[\s$,;&*()\[\].?!/|-]|\bvs\b|\d{1,2}[.)]|\(?[a-dA-D]\)|\\[\[\]()\\,;: ]|\\q?quad|\b(?:and|or|and/or)\b"
    r"|\b(?:y|e|o|ou|et|und|oder|и|или)\b|[和与及或者、，]|또는|または"
    r"|\\(?:text|mathrm|textrm)\s?\{\s?,?\s?(?:and|or)\s?\}|\\lor|\\vee|" + _LABEL + r"){0,40}"
)
_OR = re.compile(
    r"\b(?:or|alternatively|otherwise|else|another|options?|candidates?|vs|versus|possibl[ey]|possibility|maybe"
    r"|perhaps|either|cases?|o|ou|oder|или)\b|[或]|또는|または|\\lor|\\vee",
    re.IGNORECASE,
)
# Behind a box: the case in which it holds. "Answer 2:" before the next one numbers the answers.
_CONDITION = re.compile(
    r"(?:[\s$.,;)\]*(]|\\[)\]])*(?:if|when|unless|provided|assuming|for (?:(?:all|any|every) )?"
    r"(?:even|odd|positive|negative|prime|composite|large|small|\$|\\\(|[a-zA-Z](?![a-zA-Z])))\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\b(?:answer|alternative|choice|guess|version|attempt|part|question|problem)\s{0,2}#?\s?(?:[2-9]|[B-D]\b|two|three)",
    re.IGNORECASE,
)
_IN_CASE = re.compile(
    r"\b(?:if|when|for (?:(?:all|any|every) )?(?:even|odd|positive|negative|prime|composite|large|small))\b"
    r"[^.\n;]{1,60}$",
    re.IGNORECASE,
)
# Between two boxes these tell that the first one was a step or a mistake.
_GOES_ON = re.compile(
    r"\b(?:wait|no|not|actually|correct\w*|mistake|instead|re-?\w*check|recompute|check|finally|therefore|thus|so|hence"
    r"|then|step|next|total|now|final|wrong)\b",
    re.IGNORECASE,
)

_FILLER = r"(?:\s|\$|\\\(|\\\[|\*|(?:equal to|be|simply|just|the answer|the value|actually|really)\b|:)"
_NEGATED_BEFORE = re.compile(
    r"(?:\bnot\b|\bnever\b|n't\b|n’t\b|\bcannot be\b|\brather than\b|\binstead of\b|\bother than\b|\bexcept\b"
    r"|\bnor\b|\b(?:wrong|incorrect) (?:answer|value|result)s?(?: is| are| would be)?"
    # a bound or a multiple is not the answer either
    r"|\b(?:less|greater|more|fewer|smaller|larger|higher|lower) than|\bdiffer(?:s|ent)? from|\b(?:twice|half of|anything but|close to|far from|short of|rule out|ruled out|no way (?:it|that) is|minus|negative"
    r"|exclude|eliminate|(?:square|cube) root of|(?:square|cube|negative|opposite|reciprocal|inverse|double|triple|third|quarter) of|an (?:upper|lower) bound is)\b"
    r"|\b(?:answer|value|result|number) (?:is|must be|would be) (?:at (?:most|least)|below|above|under|over|up to)"
    r"|不是|不为|并非|不等于|ではなく|\bнет?\b|\bno (?:es|son|é)\b|\bn['’]est pas\b|\bnicht\b|\bnon è\b|\bnão é\b)"
    + _FILLER
    + r"{0,12}$",
    re.IGNORECASE,
)
_NEGATED_AFTER = re.compile(
    r"(?:[\s$.)\]*]|\\[)\]]){0,6}(?:\b(?:is|was|would be|are)\s(?:definitely |certainly |clearly |probably )?"
    r"(?:(?:only |just |merely )?an? (?:upper|lower) bound|not|wrong|incorrect|false|never)\b"
    r"|\bis(?:n't|n’t)\b|\bcan(?:not|'t|’t) be\b)",
    re.IGNORECASE,
)
_OR_BEFORE = re.compile(
    r"(?:\bor|\beither|\boder|\bou?|\bили|或者?|또는|または)(?:\s|\$|\\\(|\\\[|\*|(?:maybe|perhaps|possibly|just|even)\b){0,12}$",
    re.IGNORECASE,
)
_FOREIGN_OR = (" o", " ou", "oder")
_OR_AFTER = re.compile(
    r"(?:[\s$,;.)\]*(]|\\[)\],]|\\text\s?\{\s?){0,8}"
    r"((?:\bor(?: maybe| perhaps| possibly| else)?"
    r"(?: (?:it|that|this|the answer) (?:could|might|may|can|is|would)(?: also| even)?(?: be)?)?"
    r"|\balternatively|\b(?:but )?(?:maybe|perhaps|possibly)|\b(?:oder|o|ou|или)"
    r"|\bbut (?:it )?(?:could|might|may)(?: also)?(?: be)?|\b(?:it )?(?:could|might|may) also be)\b"
    r"|或者?|또는|または),?\s?\}?[\s$(*]{0,4}",
    re.IGNORECASE,
)
# "or equivalently 0.5" gives another spelling, "or more" a bound, "or about 3.1" a rounded one.
_ANOTHER_SPELLING = re.compile(
    r"(?:equivalently|approximately|about|roughly|around|simply|more|less|fewer|higher|lower|so|in other words|"
    r"in (?:decimal|fraction|simplest|interval|expanded|factored|mixed|exact)\b|\\approx|≈|~)",
    re.IGNORECASE,
)
_ALTERNATIVE = re.compile(r"\\?(?:boxed|fbox)?[\s{(]{0,3}((?:\\[A-Za-z]+|[-+−]?[\d(\[])[^\n]{0,80})")
_MAY_BE_OR = re.compile(r"\bor\b|ither", re.IGNORECASE)
_LAST_VALUE = re.compile(r"(?:\$([^$]{1,150})\$|\\\(([^$]{1,150}?)\\\)|(?:^|[\s=:])([-+]?[\d.,/]{1,40}))[.,]?$")
_ALTERNATIVE_END = re.compile(r"\.(?:\s|$)|\$|\\\)|\\\]|;|!|\?|\*\*|\s(?:because|since|if|depending|which|as|for)\b")


def is_joint(gap: str) -> bool:
    """True where the text between two finals only joins them into one answer."""
    if len(gap) > _JOINT_LENGTH:
        return False
    if _JOINT.fullmatch(gap) is not None:
        return True
    offered = _OR.search(gap) is not None or _CONDITION.match(gap) is not None or _NUMBERED.search(gap) is not None
    return offered and _GOES_ON.search(gap) is None


def has_or(gap: str) -> bool:
    """True where the text offers a choice."""
    return any(offer is not None for offer in (_OR.search(gap), _CONDITION.match(gap), _NUMBERED.search(gap)))


def given_together(text: str, first: Box, start: int) -> bool:
    """True where a box and the next one, which starts at `start`, are given as one answer or as a choice."""
    return is_joint(text[first.end : start]) or each_in_a_case(text, first, start)


def each_in_a_case(text: str, first: Box, start: int) -> bool:
    """True for "If x > 0, then \\boxed{1}; if x < 0, then \\boxed{2}": each box holds in its own case."""
    gap = text[first.end : start]
    if len(gap) > _JOINT_LENGTH or "\n\n" in gap or _IN_CASE.search(gap) is None:
        return False
    return _IN_CASE.search(text[max(0, first.start - _JOINT_LENGTH) : first.start]) is not None


def may_be_hedge(before: str) -> bool:
    """False where a search for single words in the lower-case text shows no negation and no choice.

    It takes a tenth of the time of the expressions, and most boxes have none of these words before them.
    """
    return (
        "not" in before
        or " or" in before
        or "\nor" in before
        or "(or" in before
        or "n't" in before
        or "n’t" in before
        or "ither" in before
        or "ever" in before
        or "wrong" in before
        or "incorrect" in before
        or "other" in before
        or "rather" in before
        or "instead" in before
        or "except" in before
        or " than" in before
        or "twice" in before
        or "half of" in before
        or " nor" in before
        or " at " in before
        or " under " in before
        or " below " in before
        or " above " in before
        or " over " in before
        or " up to " in before
        or " from " in before
        or "no es" in before
        or "no way" in before
        or "minus" in before
        or "negative" in before
        or " to" in before
        or " of" in before
        or " but" in before
        or " out" in before
        or "exclude" in before
        or "eliminate" in before
        or "bound" in before
        or "n'est" in before
        or "nicht" in before
        or not before.isascii()
        or _has_foreign_or(before)
    )


def _has_foreign_or(before: str) -> bool:
    return before.rstrip(" $").endswith(_FOREIGN_OR) or not before.isascii()


def is_negated(text: str, start: int, end: int) -> bool:
    """True where the words right before or behind say that this is not the answer."""
    before = text[max(0, start - 60) : start]
    worded = may_be_hedge(before.lower()) and _NEGATED_BEFORE.search(before) is not None
    return worded or _NEGATED_AFTER.match(text, end, end + 60) is not None


def alternative_before(text: str, start: int) -> str | None:
    """The answer that "or" right before `start` makes this one an alternative to; empty where it has no clear form."""
    before = text[max(0, start - 40) : start]
    offered = ("r" in before[-24:] and _MAY_BE_OR.search(before)) or _has_foreign_or(before)
    match = _OR_BEFORE.search(before) if offered else None
    if match is None:
        return None
    place = max(0, start - 40) + match.start()
    earlier = text[max(0, place - 160) : place].rstrip(" ,;:.\n")
    found = _LAST_VALUE.search(earlier)
    return next((group for group in found.groups() if group), "").rpartition("=")[2].strip() if found else ""


def alternative_after(text: str, end: int) -> str | None:
    """The other answer that is offered right behind this one, if any."""
    match = _OR_AFTER.match(text, end, end + 80)
    if match is None:
        return None
    rest = text[match.end() : match.end() + 120]
    if _ANOTHER_SPELLING.match(rest.lstrip()):
        return None
    found = _ALTERNATIVE.match(rest)
    if found is None:
        return None
    stop = _ALTERNATIVE_END.search(found.group(1))
    return (found.group(1)[: stop.start()] if stop else found.group(1)).strip(" {}()") or None


# The words that can end a negation or an "or" before an answer, but for "is" and "are" behind "wrong answer". A word
# too many here costs time only.
_HEDGE_ENDS = frozenset(
    "not never nor be than of from except answer answers value values result results to out exclude eliminate minus negative but way simply just actually really"
    " twice most least below above under over or either maybe perhaps possibly even no es son pas nicht o ou"
    " oder".split()
)


def may_lead_from_hedge(word: str, before: str) -> bool:
    """False where `word`, the last one of the lower-case text before an answer, ends no negation and no choice."""
    word = word.rstrip(":")
    if word in ("is", "are"):
        return "wrong" in before or "incorrect" in before or "bound" in before or "no way" in before
    return word in _HEDGE_ENDS or not (word.isascii() and word.isalpha())
