"""Answers declared in words: "the final answer is ...", "Answer: ...", and, for the lenient profile, plain prose."""

# An alternative of an expression stays on one line.
# ruff: noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass

# Phrases are looked for in the tail only: a final answer stands at the end.
_TAIL = 20_000
_KEYWORDS = ("nswer", "ption is", "hoice is", "NSWER", "答案", "твет", "ТВЕТ", "espuesta", "éponse", "ntwort")
_KEYWORD = re.compile(
    r"answer|(?<= correct )(?:option|choice)(?= is)|答案|ответ|respuesta|réponse|antwort", re.IGNORECASE
)
_MARKER = re.compile(
    r"(?:answers?|option|choice|答案|ответ|respuesta|réponse|antwort)(?:\s(?:to|of|for)\s[^.\n:]{1,60}?)?[*_\s]{0,4}"
    r"(?:(?:is|are|=|equals|was|would be|should be|must be|will be|comes out to|是|为|es|est|ist)(?![A-Za-z])[*_ \t]{0,4}[:：]?|[:：]\s{0,3})"
    r"[*_\s]{0,6}(?:therefore|thus|then|indeed|hence|given by)?[,:]?[*_\s]{0,6}",
    re.IGNORECASE,
)
# "Checking our answer: 17 * 44 = 748" states no answer.
_CHECKED = re.compile(r"\b(?:check|verif|confirm)\w*\s(?:(?:our|the|this|that|my|final)\s){0,2}$", re.IGNORECASE)
_HEADING_MARKER = re.compile(r"final answer[*_ \t]{0,4}\n{1,3}[*_\s]{0,4}", re.IGNORECASE)
_NEGATION = re.compile(
    r"(?:definitely |certainly |clearly |simply )?(?:not|never|neither|wrong|incorrect|unknown|unclear)\b",
    re.IGNORECASE,
)
_MATH = re.compile(r"\$\$(.{1,2000}?)\$\$|\$([^$]{1,2000})\$|\\\((.{1,2000}?)\\\)|\\\[(.{1,2000}?)\\\]", re.DOTALL)
_JOINS = re.compile(r"\s{0,3}(?:,|;|and|or|,\s?and|,\s?or)\s{1,3}(?=\$|\\\()")
_LINE_END = re.compile(
    r"[.!?](?=\s|$|\*|\")|\n|。|，(?=不是|而不是|因为|所以|即)|\s\((?=[A-Za-z]{2})|,\s(?:and )?(?:not|as (?:desired|required|claimed|expected|needed|wanted|shown))\b|[,;]?\s(?:because|since|as we|which|so that|where|when|while|after|hence|thus|but|wait|however|I hope|I am|I'm)\b|</",
)


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer stated in words: where the statement starts and ends, and whether it is a negation."""

    text: str
    start: int
    end: int
    negated: bool
    value_start: int = 0


def phrase_answers(text: str) -> list[Stated]:
    """Every "answer is X" statement in the tail, in order; places count from the start of the text."""
    if not any(keyword in text for keyword in _KEYWORDS):
        return []
    offset = max(0, len(text) - _TAIL)
    answers: list[Stated] = []
    for keyword in _KEYWORD.finditer(text, offset):
        marker = _MARKER.match(text, keyword.start())
        if marker is None and text[max(0, keyword.start() - 6) : keyword.start()].lower() == "final ":
            marker = _HEADING_MARKER.match(text, keyword.start() - 6)
        if marker is None or _CHECKED.search(text, max(0, keyword.start() - 40), keyword.start()):
            continue
        if answers and marker.start() < answers[-1].end:
            _end_before(answers, text, _sentence_words_start(text, marker.start()))
        start = _sentence_words_start(text, marker.start())
        if _NEGATION.match(text, marker.end()):
            answers.append(Stated("", start, marker.end(), True))
            continue
        stated, end = _stated_at(text, marker.end())
        if stated:
            answers.append(Stated(stated, start, end, False, marker.end()))
    return answers


def _end_before(answers: list[Stated], text: str, place: int) -> None:
    """Let the last statement end where another one begins inside of it, or drop it where it then says nothing."""
    outer = answers.pop()
    value = text[outer.value_start : place].strip(" \n*_:,;.$")
    value = re.sub(r"[\s,;]*\b(?:or|and)$", "", value)
    if any(sign.isdigit() for sign in value):
        answers.append(Stated(value, outer.start, place, False, outer.value_start))


def _sentence_words_start(text: str, place: int) -> int:
    """Back over "the final", "so the correct", ...: words that only introduce the marker."""
    introduction = re.search(
        r"(?:\b(?:therefore|thus|hence|so|the|my|our|final|correct|and|right)\b[,\s*_]{0,4}){1,6}$",
        text[max(0, place - 60) : place],
        re.IGNORECASE,
    )
    return place - len(introduction.group()) if introduction else place


def _stated_at(text: str, place: int) -> tuple[str, int]:
    """The answer that starts at `place`: a math span (or several joined ones), else the words to the sentence's end."""
    math = _MATH.match(text, place)
    if math is None:
        return _words_at(text, place)
    end = math.end()
    pieces = [_inside(math)]
    while joint := _JOINS.match(text, end):
        following = _MATH.match(text, joint.end())
        if following is None:
            break
        pieces.append(joint.group() + _inside(following))
        end = following.end()
    return "".join(pieces).strip(), end


def _inside(math: re.Match[str]) -> str:
    return next(group for group in math.groups() if group is not None)


def _words_at(text: str, place: int) -> tuple[str, int]:
    line = text[place : place + 400]
    stop = _LINE_END.search(line)
    # A decimal point is no full stop: _LINE_END wants white space behind it.
    words = line[: stop.start()] if stop else line
    if stop and _ONLY_YES_NO.fullmatch(words) and _BOTH.search(line[stop.start() :].partition("\n")[0]):
        words = line.partition("\n")[0]  # "Yes, but not always" is no yes
    verdict = _YES_NO.match(words)
    if verdict is not None and _BOTH.search(words, verdict.end()) is None:
        return verdict.group(1), place + (stop.end() if stop else len(line))
    cleaned = (
        _BOLD_END.sub("", words)
        .replace("$", " ")
        .replace("\\(", " ")
        .replace("\\)", " ")
        .strip()
        .strip("*_\"'` ")
        .strip()
    )
    return cleaned, place + (stop.end() if stop else len(line))


# "The answer is **48** clips": the stars before the value belong to the marker.
_BOLD_END = re.compile(r"(?<=\S)\*\*(?=\s|$)")
# "Yes, it is possible" says yes.
_YES_NO = re.compile(r"[*_]{0,2}(yes|no)[*_]{0,2}(?:\s?[,;:–—]|\s-)\s", re.IGNORECASE)
_ONLY_YES_NO = re.compile(r"\W*(?:yes|no)\W*", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:yes|no|but|or|maybe|perhaps|however|sometimes)\b", re.IGNORECASE)
_A_LINE = re.compile(r"^A:[ \t]{0,4}(\S[^\n]{0,300})", re.MULTILINE)
_IMPERATIVE = re.compile(
    r"\?|\b(?:let|suppose|assume|given|what|which|how many|how much|simplify|compute|expand|find|evaluate|solve|calculate|determine|prove|problem|either|maybe|perhaps)\b",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"\b(?:therefore|thus|hence|so|consequently|result|total|is|are|equals|get|have|=)\b|=", re.IGNORECASE
)
_TRAILING = re.compile(
    r"(?:=|\bis|\bare|\bequals|\bget|\bhave|\bthus|\btherefore|\bhence|\bso)[:,]?\s{1,3}([-+−$\\\d(\[{][^=\n]{0,200})$",
    re.IGNORECASE,
)
_CONNECTOR = re.compile(
    r"(?:(?:therefore|thus|hence|so|then|finally|and|we|get|have|find|obtain|conclude|that)\b[,:]?\s{1,3}){1,6}",
    re.IGNORECASE,
)
_PROSE = re.compile(r"^[^\d\\$(]*[A-Za-z]{2,}[^A-Za-z]+[A-Za-z]{2,}")


def concluding_answer(text: str) -> str | None:
    """What the lenient profile takes as the answer of a response that declares none, or None."""
    place = text.rfind("A:")
    while place >= 0:
        match = _A_LINE.match(text, place) if place == 0 or text[place - 1] == "\n" else None
        if match is not None:
            return match.group(1).strip()
        place = text.rfind("A:", 0, place)
    stripped = text.strip()
    if stripped.endswith("```"):
        stripped = stripped[:-3].rstrip()
    last_line = stripped[stripped.rfind("\n") + 1 :].removeprefix("> ").strip()[-600:]
    if not last_line or _IMPERATIVE.search(last_line):
        return None
    connector = _CONNECTOR.match(last_line)
    bare = last_line[connector.end() :] if connector else last_line
    if (
        ("\n" not in stripped or stripped.startswith("```"))
        and not _PROSE.search(re.sub(r"\\[A-Za-z]+", "", bare))
        and not re.search(r"\w\s*=\s*[^=]*\w=|[a-z]{4}.*=", bare)
    ):
        return _strip_delimiters(bare)
    sentence = re.split(r"(?<=[.!])\s+(?=[A-Z])", last_line.rstrip(".!* "))[-1]
    if re.search(r"\b(?:or|not)\b|n't\b", sentence, re.IGNORECASE):
        return None
    return _from_sentence(sentence)


def _from_sentence(sentence: str) -> str | None:
    spans = list(_MATH.finditer(sentence))
    if spans and not re.search(r"[A-Za-z]{4,}", sentence[spans[-1].end() :]) and _CONCLUSION.search(sentence):
        return _inside(spans[-1]).strip()
    bold = re.fullmatch(r"\*\*([^*]{1,200})\*\*", sentence.strip())
    if bold:
        return bold.group(1)
    trailing = _TRAILING.search(sentence[-260:])
    return _strip_delimiters(trailing.group(1)) if trailing else None


def _strip_delimiters(text: str) -> str:
    text = text.strip().strip("*").strip()
    math = _MATH.fullmatch(text.rstrip("."))
    return _inside(math).strip() if math else text
