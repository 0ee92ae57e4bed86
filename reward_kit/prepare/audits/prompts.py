"""What can be wrong with a prompt: a picture that is not there, another's instructions, several questions.

Every repetition in a pattern is bounded, so that the time is linear in the length of a prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reward_kit.models import Row, text_of

# ------------------------------------------------------------------------------------------------------ images
_EMBEDDED = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]{1,2000}\)|<img\b|\\includegraphics\b", re.IGNORECASE)
_PICTURE = r"(?:figure|diagram|picture|drawing|illustration|image)"
_SHOWN = r"(?:shown|pictured|depicted|illustrated|drawn|given|indicated|marked|seen)"
_POINTED_AT = re.compile(
    rf"\b{_SHOWN} (?:in|on) the (?:(?:following|accompanying|adjoining|attached) )?(?:{_PICTURE}|graph|chart)\b"
    rf"|\b(?:in|see|from) the {_PICTURE}(?:,| below| above| shown| (?:on|to) the (?:left|right)| at right)"
    rf"|\bthe (?:accompanying|adjoining|attached) {_PICTURE}\b"
    rf"|\b{_PICTURE} (?:shown )?(?:below|above)\b",
    re.IGNORECASE,
)
# A figure in code says in text what it shows.
_DRAWN_IN_TEXT = ("[asy]", "\\begin{tikzpicture}", "\\begin{asy}", "\\begin{picture}")


def missing_image(row: Row) -> str | None:
    """The words of a prompt that need a picture which the row does not hold as text; None where there are none."""
    for message in prompt_of(row):
        content = message.get("content")
        if isinstance(content, list):
            for part in content:
                if isinstance(part, Mapping) and "image" in str(part.get("type", "")):
                    return f"a content part of type {part['type']!r}"
    text = prompt_text(row)
    found = _EMBEDDED.search(text)
    if found is None and not any(drawing in text for drawing in _DRAWN_IN_TEXT):
        found = _POINTED_AT.search(text)
    return repr(found.group()[:60]) if found else None


# ------------------------------------------------------------------------------------------ others' instructions
_LANGUAGE = r"(?:english|chinese|french|german|spanish|russian|portuguese|italian|japanese|korean)"
_FOREIGN = re.compile(
    rf"\btranslate (?:the|this|all)\b[^.\n]{{0,60}}\b(?:in)?to {_LANGUAGE}\b"
    r"|\boutput the translation\b|\bthe translation (?:preserves|retains|keeps|is as follows)\b"
    r"|\b(?:retain|keep|preserve)\w* the original text's line breaks\b|\bhere is the translation\b"
    r"|翻译|译文|翻譯|翻訳して|번역"
    r"|\btradui(?:s|re|sez) (?:le|ce) texte\b|\btraduzca el texto\b|\btraduce el texto\b|\btraduza o texto\b"
    r"|\btraduci il testo\b|\bübersetze\w*(?: Sie)? den\b|\bпереведите\b[^.\n]{0,40}\bтекст"
    r"|<\|im_start\|>|<\|im_end\|>|<<SYS>>|\[/?INST\]|\bas an ai(?: language)? model\b"
    r"|\byou are an? (?:helpful|ai|expert|large|powerful|intelligent)\b[^.\n]{0,60}"
    r"\b(?:assistant|model|translator|ai)\b",
    re.IGNORECASE,
)
# "Please ..." in Chinese; in a problem that is itself in Chinese it may well belong to the question.
_PLEASE = re.compile(r"请[^。\n]{0,40}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Words, not the commands of LaTeX.
_LATIN = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")


def foreign_instruction(row: Row) -> str | None:
    """Words in a user's turn that are meant for somebody else, such as a translator; None where there are none."""
    for message in prompt_of(row):
        if message.get("role") != "user":
            continue
        text = text_of(message.get("content"))
        found = _FOREIGN.search(text)
        if found is None and len(_CHINESE.findall(text)) < sum(map(len, _LATIN.findall(text))):
            found = _PLEASE.search(text)
        if found is not None:
            return repr(" ".join(text[found.start() : found.start() + 60].split()))
    return None


# ----------------------------------------------------------------------------------------------- several questions
_LABEL = re.compile(r"(?:^|\n|(?<=[.;:?]))\s{0,9}\(?([a-h]|[1-9]|i{1,3}|iv|vi?)\)\s")
_SERIES = (tuple("abcdefgh"), tuple("123456789"), ("i", "ii", "iii", "iv", "v", "vi"))
_ASKS = re.compile(
    r"\?|^\s*(?:find|determine|calculate|compute|what|how|which|prove|show|solve|evaluate|write|express|is|are|does|can)\b",
    re.IGNORECASE,
)
_ORDERS_ALL = re.compile(
    r"\b(?:perform|calculate|compute|evaluate|simplify|solve|factori[sz]e|factor)\b[^.?!]{0,100}:$", re.I
)
_CONDITIONS = re.compile(r"such that|satisf|condition|where|given|propert|following hold", re.I)
_EXTREMES = re.compile(
    r"\b(?:find|determine|calculate|compute|what are) (?:the )?(max|min|larg|small|great|least)\w* and (?:the )?"
    r"(max|min|larg|small|great|least)\w*(?: possible)? values?\b",
    re.I,
)
_TWO_COUNTS = re.compile(r"\bhow (?:many|much)\b[^.?!]{0,200}? and how (?:many|much)\b[^.?!]{0,200}\?", re.I)
_ONE_VALUE_OF_BOTH = re.compile(
    r"total|altogether|together|combined|in all|sum|difference|product|ratio|average|more|fewer|less|than", re.I
)


def labelled_questions(text: str) -> list[str]:
    """The labels of parts that are asked one by one: a), b) or (1), (2); empty for conditions and options."""
    found = list(_LABEL.finditer(text))
    for series in _SERIES:
        run = _in_order(found, series)
        if len(run) < 2:
            continue
        ends = [mark.start() for mark in run[1:]] + [len(text)]
        asking = [bool(_ASKS.search(text[mark.end() : end])) for mark, end in zip(run, ends, strict=True)]
        head = text[: run[0].start()].rstrip()
        ordered = _ORDERS_ALL.search(head[-120:]) is not None and not _CONDITIONS.search(head[-200:])
        if sum(asking) >= 2 or (ordered and not any("?" in text[mark.end() :] for mark in run[-1:])):
            return [mark.group(1) for mark in run]
    return []


def _in_order(found: list[re.Match[str]], series: tuple[str, ...]) -> list[re.Match[str]]:
    """The marks that count up from the first of a series."""
    run: list[re.Match[str]] = []
    for mark in found:
        if len(run) < len(series) and mark.group(1) == series[len(run)]:
            run.append(mark)
    return run


def paired_questions(text: str) -> str | None:
    """A question for two values at once ("the maximum and minimum values"); None where one value is asked."""
    extremes = _EXTREMES.search(text)
    if extremes is not None:
        return " ".join(extremes.group().split())
    counts = _TWO_COUNTS.search(text)
    if counts is not None and not _ONE_VALUE_OF_BOTH.search(counts.group() + text[counts.end() :]):
        return " ".join(counts.group().split())[:80]
    return None


# ------------------------------------------------------------------------------------------------------ the prompt
def prompt_of(row: Row) -> Iterator[Mapping[str, object]]:
    """The messages before the reference turn."""
    messages = row.messages[:-1] if row.messages[-1].get("role") == "assistant" else row.messages
    return (message for message in messages if message.get("role") != "assistant")


def prompt_text(row: Row) -> str:
    """The text of the prompt in one piece."""
    return "\n".join(text_of(message.get("content")) for message in prompt_of(row))
