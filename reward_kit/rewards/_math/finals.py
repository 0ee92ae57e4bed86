r"""Finds the final answer of a response: boxes, `<answer>`, `####` lines and declared phrases.

Every pattern is either a plain search for a literal or a match of bounded length at a found place, so that the time is
linear in the length of the response.
"""

# Tables and expressions read better in one line.
# ruff: noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from reward_kit.models import Outcome
from reward_kit.rewards._math.boxes import Box, find_boxes, unwrap
from reward_kit.rewards._math.hedges import (
    alternative_after,
    alternative_before,
    each_in_a_case,
    given_together,
    has_or,
    is_joint,
    is_negated,
)
from reward_kit.rewards._math.phrases import concluding_answer, phrase_answers
from reward_kit.rewards._math.surroundings import is_negative, objection, taken_back
from reward_kit.rewards._math.units import is_known
from reward_kit.rewards._math.visible import visible_text

# How much text behind an answer is searched for a correction, and how soon a correction of a #### line comes.
_BEHIND = 240
_OPENING = 12
# A final answer stands at the end: what comes before the last 400,000 characters is not looked at.
_LONGEST_RESPONSE = 400_000


@dataclass(frozen=True, slots=True)
class Final:
    """A final answer as written.

    `items` holds one text, or several where they are given side by side; `alternative` another answer that is offered
    behind it ("... or 43"); `source` names the format; `labelled` writes several items with the names before their
    boxes: x = 2, y = 5.
    """

    items: tuple[str, ...]
    source: str
    alternative: str | None = None
    offers_choice: bool = False
    labelled: str = ""

    @property
    def text(self) -> str:
        """The answer in one piece."""
        return self.items[0] if len(self.items) == 1 else ", ".join(self.items)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no gradable final answer."""

    outcome: Outcome
    reason: str


def find_final(content: str, *, cut_off: bool = False, lenient: bool = False) -> Final | Missing:
    """The final answer of a response, or why it has none.

    Args:
        content: the text of the response, thinking blocks included.
        cut_off: True where the server said that the token limit ended the response.
        lenient: also accept an answer in unanchored prose ("A: 42", "so x = 42.", a bare "42").
    """
    visible = visible_text(content[-_LONGEST_RESPONSE:])
    found = _declared(visible.text) or (_lenient(visible.text) if lenient and not visible.thinking_unclosed else None)
    if found is not None and not (isinstance(found, Missing) and found.outcome is Outcome.NO_ANSWER):
        return found
    if visible.thinking_unclosed:
        return Missing(Outcome.TRUNCATED, "the response ends inside its thinking block")
    if cut_off:
        return Missing(Outcome.TRUNCATED, "the token limit ended the response before a final answer")
    if found is not None:
        return found
    return Missing(Outcome.NO_ANSWER, "the response is empty" if not content.strip() else "no final answer was found")


def _declared(text: str) -> Final | Missing | None:
    """The last of the explicit formats (by place), else the last declared phrase."""
    boxes = find_boxes(text)
    tag = _last_answer_tag(text)
    hashes = _last_hash_line(text)
    box_place = boxes[-1].start if boxes else -1
    tag_place = tag[0] if tag is not None else -1
    # A heading of one word ("#### Verification") is no answer beside a box.
    heading = hashes is not None and (boxes or tag) and _WORDS_ONLY.fullmatch(hashes[1])
    if hashes is not None and not heading and hashes[0] > max(box_place, tag_place):
        return _from_hashes(text, hashes)
    if tag is not None and tag_place > box_place:
        return _from_tag(text, tag)
    return _from_boxes(text, boxes) if boxes else _from_phrases(text)


# ---------------------------------------------------------------------------------------------------- boxes
# A unit right behind the box belongs to the answer.
_UNIT_BEHIND = re.compile(
    r"(?:\s?\$\s?|\\\)\s?)?\$?(?:\\[ ,;!]|\s)?(?:\\(?:text|mathrm|textrm|mbox)\s?\{[^{}]{1,30}\}(?:\s?\^\s?(?:\{\s?-?[1-3]\s?\}|[1-3]))?|\\?%|\^\s?\{?\s?\\circ\s?\}?|°"
    r"|(?:hundred|thousand|million|billion|trillion|dozen|percent)\b)"
)
# $\\boxed{10}$ kilograms, $\\boxed{5}$ square cm, \\boxed{60} miles per hour
_UNIT_WORDS = re.compile(
    r"(?:\s?\$|\\\))?[ ~](?P<unit>(?:(?:square|cubic|sq\.?|cu\.?) )?(?P<name>[A-Za-z]{1,12})(?:\^\{?[23]\}?|[²³])?"
    r"(?:(?:/| per | an? (?=hour|minute|second|day|week|month|year))[a-z]{1,12}(?:\^2|²)?)?)(?![A-Za-z\d])"
)
_SHORT_UNITS = frozenset(("m", "g", "s", "h", "l", "in"))
_ENDS = re.compile(r"[\s$*]{0,6}(?:[.,;)]|$)")
_UNIT_PROSE = re.compile(r"\b(?:is|are|was|the|or|and|so|as|by|if|for|which|answer)\b", re.IGNORECASE)


def given_answer(text: str, source: str) -> Final:
    """A final answer that stands alone, with nothing around it to weigh."""
    return Final((unwrap(text).strip(),), source)


def _from_boxes(text: str, boxes: list[Box]) -> Final | Missing:
    last = boxes[-1]
    if last.content is None:
        return Missing(Outcome.TRUNCATED, "the response ends inside its last box")
    group = _joined(text, boxes)
    first = group[0]
    if any(box.content is None for box in group):
        return Missing(Outcome.BAD_FORMAT, "a box that is never closed stands right before the last one")
    if is_negated(text, first.start, last.end):
        return Missing(Outcome.AMBIGUOUS, "the last box is negated: it says what the answer is not")
    before = alternative_before(text, first.start)
    if before == "":
        return Missing(Outcome.AMBIGUOUS, "the last box is offered as an alternative to something else")
    against = objection(text, first.start, last.end)
    if against:
        return Missing(Outcome.AMBIGUOUS, against)
    items = [unwrap(box.content or "").strip() for box in group]
    if not any(items):
        return Missing(Outcome.BAD_FORMAT, "the last box is empty")
    items[-1] += _unit_behind(text, last.end)
    currency = _CURRENCY_BEFORE.search(text, max(0, first.start - 6), first.start)
    if currency is not None and len(group) == 1:
        items[0] = currency.group(1) + items[0]
    if len(group) == 1 and is_negative(text, first.start):
        items[0] = "-" + items[0]
    choice = any(has_or(text[a.end : b.start]) or each_in_a_case(text, a, b.start) for a, b in pairwise(group))
    other = before or alternative_after(text, last.end) or _stated_later(text, last.end)
    return Final(tuple(dict.fromkeys(items)), "box", other, choice, _with_names(text, group, items))


_CURRENCY_BEFORE = re.compile(r"([€£¥₹])[\s$]{0,3}$")
_NAME_BEFORE = re.compile(r"(?<![A-Za-z\\])([A-Za-z])\s?=\s?\$?$")


def _with_names(text: str, group: list[Box], items: list[str]) -> str:
    """ "x = 2, y = 5" where each of several boxes has its own name before it, else an empty text."""
    names = [_NAME_BEFORE.search(text, max(0, box.start - 8), box.start) for box in group]
    written = [f"{name.group(1)} = {item}" for name, item in zip(names, items, strict=True) if name is not None]
    distinct = {name.group(1) for name in names if name is not None}
    return ", ".join(written) if 1 < len(group) == len(distinct) else ""


_STATES_VALUE = re.compile(r"\d|\\[A-Za-z]|^\(?[A-Z]\)?$|\bno solution\b")


def _stated_later(text: str, end: int) -> str | None:
    """Another answer in words behind the last box; where it differs, the response contradicts itself."""
    later = [stated for stated in phrase_answers(text[end:]) if _STATES_VALUE.search(stated.text)]
    return later[-1].text if later else None


def _joined(text: str, boxes: list[Box]) -> list[Box]:
    """The last box and those right before it that form one answer with it."""
    first = len(boxes) - 1
    while first > 0 and given_together(text, boxes[first - 1], boxes[first].start):
        first -= 1
    group = boxes[first:]
    while len(group) > 1 and group[0].content is not None and not group[0].content.strip():
        group = group[1:]  # "The format is \\boxed{}. \\boxed{6}"
    return group


def _unit_behind(text: str, end: int) -> str:
    match = _UNIT_BEHIND.match(text, end)
    if match is not None:
        return "" if _UNIT_PROSE.search(match.group()) else match.group().replace("$", " ").replace("\\)", " ")
    words = _UNIT_WORDS.match(text, end)
    if words is None or text[end - 2 : end] in (")}", "]}"):  # a point has no unit, and a text may hold its own
        return ""
    name = words.group("name")
    known = is_known(name) if len(name) > 1 and name != "in" else name in _SHORT_UNITS
    # "m", "s" and "in" are words of other kinds too: they are units where the sentence ends behind them.
    ends = len(name) > 1 and name != "in"
    unit = words.group("unit").replace(" an ", " per ").replace(" a ", " per ")
    return f"\\text{{ {unit}}}" if known and (ends or _ENDS.match(text, words.end())) else ""


# --------------------------------------------------------------------------------------------------- <answer>
def _last_answer_tag(text: str) -> tuple[int, int, str] | None:
    """Start, end and content of the last closed `<answer>` block."""
    close = text.rfind("</answer>")
    opening = text.rfind("<answer>", 0, close) if close >= 0 else -1
    return (opening, close + 9, text[opening + 8 : close]) if opening >= 0 else None


def _from_tag(text: str, tag: tuple[int, int, str]) -> Final | Missing:
    start, _, content = tag
    earlier = _last_answer_tag(text[:start])
    if earlier is not None and is_joint(text[earlier[1] : start]) and earlier[2].strip() != content.strip():
        return Missing(Outcome.AMBIGUOUS, "several <answer> blocks stand side by side")
    if not content.strip():
        return Missing(Outcome.BAD_FORMAT, "the <answer> block is empty")
    behind = text[tag[1] : tag[1] + _BEHIND]
    back = taken_back(behind, content) if behind.strip() else ""
    if back:
        return Missing(Outcome.AMBIGUOUS, f"the <answer> block is taken back: {' '.join(back.split())!r}")
    inner = _declared(content)
    if inner is not None:
        return inner
    sentence = content.strip()
    # "The total number is 204." in the tags: the value that the sentence ends with.
    stated = concluding_answer(sentence) if _SENTENCE.match(sentence) else None
    return Final((stated or sentence,), "<answer>")


_SENTENCE = re.compile(
    r"(?:(?:So|Thus|Hence|Therefore),? )?(?:[Tt]he|[Oo]ur|[Mm]y)"
    r"(?: (?!(?:whether|that|if|who|which|unless|claim|or|not|nor|no)\b)(?:[a-z]+|\d+),?){1,12} (?:is|are|equals) [^\n]{1,80}$"
)


# ------------------------------------------------------------------------------------------------------- ####
_HASHES = re.compile(r"####[ \t]{0,4}(?![#\s])([^\n#]{1,300})")
_WORDS_ONLY = re.compile(r"[A-Za-z ,:.*]+")
_HEADING = re.compile(
    r"\*{0,2}(?:\d+[.):]\s+)?\*{0,2}[A-Za-z]{3,}[^\d$\\]*\s|\*{0,2}(?:step|part|case)\b|\d+[.):]\s+\*{0,2}[A-Za-z]",
    re.IGNORECASE,
)


def _last_hash_line(text: str) -> tuple[int, str] | None:
    """The last `#### answer` line (GSM8K's format); a Markdown heading of level four is not one."""
    place = text.rfind("####")
    while place >= 0:
        match = _HASHES.match(text, place)
        if match is not None and text[place - 1 : place] != "#" and not _HEADING.match(match.group(1)):
            return place, match.group(1).strip().strip("#* ")
        place = text.rfind("####", 0, place)
    return None


def _from_hashes(text: str, hashes: tuple[int, str]) -> Final | Missing:
    line = text[text.rfind("\n", 0, hashes[0]) + 1 : hashes[0]]
    if "####" in line:
        return Missing(Outcome.AMBIGUOUS, "several #### answers stand on one line")
    behind = text[hashes[0] :].partition("\n")[2].lstrip()[:_BEHIND].partition("\n")[0]
    back = taken_back(behind, hashes[1]) if behind else ""
    # A base model goes on with the next problem: only a line that opens with the correction is one.
    if back and behind.find(back) < _OPENING:
        return Missing(Outcome.AMBIGUOUS, f"the #### answer is taken back: {' '.join(back.split())!r}")
    return Final((hashes[1],), "####")


# ---------------------------------------------------------------------------------------------------- phrases
def _from_phrases(text: str) -> Final | Missing | None:
    answers = phrase_answers(text)
    if not answers:
        return None
    last = answers[-1]
    if last.negated:
        return Missing(Outcome.AMBIGUOUS, "the last statement says what the answer is not")
    back = taken_back(text[last.end : last.end + 240], last.text)
    if back:
        return Missing(Outcome.AMBIGUOUS, f"the last statement is taken back: {' '.join(back.split())!r}")
    if len(answers) > 1 and is_joint(text[answers[-2].end : last.start]) and answers[-2].text != last.text:
        return Missing(Outcome.AMBIGUOUS, "several answers are stated one after the other")
    return Final((last.text,), "phrase", alternative_after(text, last.end))


def _lenient(text: str) -> Final | None:
    answer = concluding_answer(text)
    return Final((answer,), "prose") if answer else None
