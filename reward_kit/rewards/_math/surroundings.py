r"""What stands around the last box: is it the answer, a part of a larger expression, an example, or taken back?"""

# An alternative of an expression stays on one line.
# ruff: noqa: E501

from __future__ import annotations

import re
from fractions import Fraction

from reward_kit.rewards._math.corrections import correction, is_confirmed

BEFORE = 90
_BEHIND = 240
# Layout between an operator and the box.
_LAYOUT = re.compile(r"(?:\s|\\[,;:! ]|\\(?:left|displaystyle|quad|qquad|bf)(?![A-Za-z])|\$)+$")
_LARGER_BEFORE = re.compile(
    r"(?:(?<=[^=:\s$([{.,*-])-|[+/^]|(?<=[\w)} $])[<>]|(?<=\w)_|(?<=[\w)])\*|(?<=\d\s)-|\\(?:cdot|times|div|pm|ne|neq|lt|gt|log|ln|sin|cos|tan|sqrt)"
    r"|(?:\\[dtc]?frac|\\sqrt|\\binom|\\sin|\\log|\^|_|\])\s?(?:\{[^{}]{0,40}\})?\s?\{)$"
)
_OPERATORS = ("-", "+", "/", "^", "<", ">", "_", "*", "{", "cdot", "times", "div", "pm", "ne", "neq", "lt", "gt", "log",
              "ln", "sin", "cos", "tan", "sqrt")  # fmt: skip
_TAG_BEFORE = re.compile(r"</?[a-z]{1,10}>$|[=-]>$", re.IGNORECASE)
_DIGIT_BEFORE = re.compile(r"[\d.,]$")
# \boxed{2}\pi, \boxed{4}2, \boxed{3}^2, \boxed{17}.5, \boxed{17},000, \boxed{17}x
_LARGER_BEHIND = re.compile(
    r"\d|!\s?\$|[.,]\d|(?!(?:cm|mm|km|kg|m|g|s|ml|ft|in|mph|h|th|st|nd|rd)\b)[A-Za-z](?![A-Za-z]{3})|\s?(?:[/+^](?!\s?\{?\s?(?:\\circ|\\text))|\*(?!\*)[\w\\(]"
    r"|\\(?:pi|sqrt|[dt]?frac|times|cdot|pm)(?![A-Za-z]))|-[\d\\]"
    r"|\$?\s(?:hours?|minutes?|dollars|feet|pounds|years?|weeks?|days?|[hm]),? (?:and )?\$?\d+\$? ?(?:minutes?|mins?|seconds?|cents|inches|ounces|months?|days?|hours?)\b"
    r"|\$?\s(?:minus|plus|divided by|multiplied by|squared|cubed|times \$?\d)|(?:\\?%|\$? percent)\$? of (?:\$?\d|an? (?:hundred|[mb]illion|trillion|thousand)\b)"
)
_CHOICE = re.compile(r"\\f?boxe?d?\s?\{(?:\\\w+\s?\{)?\s?\(?[A-J]\)?\s?\}?\s?\}")
_SAYS_NOTHING = " \n\t$.)]}\\"
_STRUCK = re.compile(r"(?:~~|\\(?:sout|cancel|xcancel|st|bcancel)\s?\{)\s?\$?$")
_EXAMPLE = re.compile(
    r"(?:\be\.g\.|\b(?:for example|for instance|format is|example:|such as|tempting to (?:write|answer|say|think)"
    r"|(?:might|may|could|would) (?:think|say|guess|expect|believe|be tempted)|(?:students?|people|others?|one) "
    r"(?:answers?|answered|said|says?|wrote|writes?|thinks?|thought|claims?|claimed|get|got)"
    r"|(?:common|usual|typical|frequent) (?:mistake|error|misconception)s? (?:is|are|was|would be)"
    r"|(?:put|write|give|enclose) (?:your|the) (?:final )?answers? (?:in|within|inside|as|like)"
    r"|(?:suppose|assume|imagine|pretend|if) (?:that )?(?:the |our |my )?(?:final )?(?:answer|result|value|total|number|sum|count|it) (?:is|was|were|equals|be)"
    r"|(?:naive(?:ly)?|careless(?:ly)?|flawed|faulty|(?:the|an?) (?:wrong|incorrect) (?:formula|method|approach|way|counting|reading|interpretation|assumption))"
    r"|(?:it is|it's) (?:false|untrue|incorrect|wrong|not (?:true|the case)) that)\b)"
    r"(?:(?!\bbut\b|\bhowever\b)[^.!?\n]){0,60}$",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"\b(?:wrong|incorrect|mistake[ns]?|mistaken|extraneous|reject(?:ed)?|invalid|discard(?:ed)?|contradicts?|tempting"
    r"|not (?:right|correct|valid|true|possible|it|what)|not (?:the|an?|our|my) (?:\w+ )?(?:answer|solution|result)"
    r"|(?:does not|doesn[’']t|do not|don[’']t|fails? to) (?:satisfy|work|hold|fit|solve)"
    r"|(?:do not|don[’']t|cannot|can[’']t|can not) (?:know|solve|answer|be (?:right|correct|true))"
    r"|(?:have|has) no (?:answer|idea)|not sure|edit:|correction:|wait|however|on second thought|required format|(?:just|only|merely) (?:an?|the) (?:placeholder|example|template|format)"
    r"|oops|hold on|though (?:it|that|this) (?:might|may|could)|I (?:forgot|missed|overlooked|mis(?:counted|read|calculated))"
    r"|should (?:really |instead |actually )?be(?! (?:explained|noted|clear|emphasi[sz]ed|mentioned|obvious|able))|(?:if|unless|when|assuming|provided)\b[^.\n]{0,60}\b(?:else|otherwise|in which case))\b",
    re.IGNORECASE,
)
_NUMERAL = re.compile(r"-?\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,15})?")
_VALUE = r"\$?(?:[A-Za-z]\s?=\s?)?(-?\d[\d,.]{0,20})\$?"
_NEGATIVE_ONE = re.compile(r"\bnegative (?:roots?|solutions?|values?|one|answers?)\b", re.IGNORECASE)
_LETTER = re.compile(r"(?:\\[a-z]{4,6}\{)?\(?([A-J])\)?\}?")
_LETTERS = re.compile(r"(?<![\w\\])([A-J])(?![\w'])")
_LETTER_SUBJECT = re.compile(
    r"(?<![\w\\])[A-J](?:(?:,|,? and|,? or) [A-J]){0,5} (?:is|are|was|were|must be|would be|does|do)(?: all| both| also)? ?$"
)
_JUDGED_BEFORE = re.compile(
    rf"(?<![\w.,]){_VALUE},?\s(?:(?:is|was|would be|must be|should be|has to be|can be|are|would|because it|which|so it)\s)?"
    r"(?:an? |also |clearly |therefore )?$",
    re.IGNORECASE,
)
_JUDGED_BEHIND = re.compile(
    rf"\s(?:(?:the|that|a|an)\s)?(?:(?:negative|other|second|first)\s)?(?:(?:answers?|values?|candidates?|roots?|solutions?|choices?|options?)\s)?(?:(?:such as|like|is to (?:answer|say|write|get)|would be)\s)?"
    rf"{_VALUE}(?=[\s.,;)]|$)",
    re.IGNORECASE,
)
_VERDICT = re.compile(
    r"wrong|incorrect|mistake|extraneous|reject|discard|invalid|not|does|do|fails?|contradict", re.IGNORECASE
)
_NOT_TAKEN_BACK = re.compile(
    r"\b(?:not (?:make|made)|no|any|without) (?:an? |any )?(?:mistake|error)s?\b"
    r"|\bnot (?:an? )?(?:extraneous|wrong|incorrect|mistaken|mistake|invalid|contradict)\b(?: \w+)?"
    r"|\b(?:common|usual|typical|frequent) (?:mistake|error|pitfall)s?\W{0,3}(?::|\W(?:is|are|would|here)\b)[^.\n]{0,80}",
    re.IGNORECASE,
)
# "Checking: 41 would be wrong" says nothing against the box where it names the wrong one before the verdict.
_ABOUT_ANOTHER = re.compile(
    r"\b(?:other|all others|options?|choices?|any other|different|smaller|larger)\b", re.IGNORECASE
)
_IN_TUPLE_BEFORE, _IN_TUPLE_BEHIND = re.compile(r"[(\[,]$"), re.compile(r"\s?(?:,|\\?[)\]])")


def is_example(before: str) -> bool:
    """True where the text before a box makes it an example, or what somebody else answers."""
    return may_be_example(before.lower()) and _EXAMPLE.search(before) is not None


def may_be_example(before: str) -> bool:
    """False where a search for single words in the lower-case text shows no example and nobody else's answer."""
    return (
        "might" in before
        or "ould" in before
        or "may" in before
        or "mistake" in before
        or "error" in before
        or "misconception" in before
        or "empt" in before
        or "exampl" in before
        or "e.g" in before
        or "instance" in before
        or "format" in before
        or "uppose" in before
        or "ssume" in before
        or "magine" in before
        or "retend" in before
        or "if " in before
        or "naive" in before
        or "careless" in before
        or "flawed" in before
        or "faulty" in before
        or "wrong" in before
        or "ncorrect" in before
        or "false that" in before
        or "true that" in before
        or "case that" in before
        or "such as" in before
        or "student" in before
        or "people" in before
        or "other" in before
        or "one " in before
        or ("answer" in before and ("put " in before or "rite" in before or "give " in before or "enclose" in before))
    )


def taken_back(behind: str, answer: str = "") -> str:
    """The words behind an answer that take it back; an empty text where none do."""
    corrected = correction(behind, answer)
    if corrected:
        return corrected
    behind = _NOT_TAKEN_BACK.sub(lambda about: about.group() if answer and answer in about.group() else "", behind)
    back = _TAKEN_BACK.search(behind)
    if back is not None and back.group().lower() in ("wait", "hold on") and is_confirmed(behind, answer):
        return ""
    if back is None or _ABOUT_ANOTHER.search(behind[: back.end() + 20]) or _judges_another(behind, back, answer):
        return ""
    return back.group()


def _judges_another(behind: str, back: re.Match[str], answer: str) -> bool:
    """True where the verdict names a value that is not the answer: "7 does not satisfy the equation"."""
    if not _VERDICT.match(back.group()):
        return False
    letter = _LETTER.fullmatch(answer.strip())
    if letter:
        subject = _LETTER_SUBJECT.search(behind, max(0, back.start() - 60), back.start())
        return subject is not None and letter.group(1) not in _LETTERS.findall(subject.group())
    value = _numeral(answer)
    if value is not None and value > 0 and _NEGATIVE_ONE.search(behind, 0, back.end() + 20):
        return True
    before = _JUDGED_BEFORE.search(behind, max(0, back.start() - 40), back.start())
    judged = before or _JUDGED_BEHIND.match(behind, back.end())
    if value is None or judged is None or _TAKEN_BACK.search(behind, judged.end() if before is None else back.end()):
        return False
    other = _numeral(judged.group(1))
    return other is not None and other != value


def _numeral(text: str) -> Fraction | None:
    plain = text.strip(" $.")
    return Fraction(plain.replace(",", "")) if _NUMERAL.fullmatch(plain) else None


def objection(text: str, start: int, end: int) -> str:
    """Why the box from `start` to `end` is not the answer; an empty text where nothing speaks against it."""
    before = text[max(0, start - BEFORE) : start]
    near = _without_layout(before)
    behind = text[end : end + _BEHIND]
    if len(behind) < 16 and not behind.strip(_SAYS_NOTHING):
        behind = ""
    closed = near.endswith("~~") and before.rpartition("\n")[2].count("~~") % 2 == 0  # ~~\boxed{1}~~ \boxed{2}
    if near.endswith(("~~", "{")) and not closed and _STRUCK.search(near):
        return "the last box is struck out"
    operator = near.endswith(_OPERATORS) and _LARGER_BEFORE.search(near) and not _TAG_BEFORE.search(near)
    if operator or (near == before and _DIGIT_BEFORE.search(near)):
        return "the last box is a part of a larger expression"
    if _LARGER_BEHIND.match(behind) and not _CHOICE.fullmatch(text, start, end):
        return "the expression goes on behind the last box"
    if behind.startswith(("|", "\\right|", "\\rvert")) and near.endswith(
        ("$|", "=|", "= |", "(|", "\\lvert", "\\left|")
    ):
        return "the last box stands between bars"
    if _is_tuple_item(near, behind):
        return "the last box is one item of a tuple"
    if is_example(before):
        return "the last box is an example or somebody else's answer"
    if behind.lstrip(" $)\\]*}").startswith("?") or text[max(start, end - 8) : end].rstrip(" $}.").endswith("?"):
        return "the last box is put as a question"
    back = taken_back(behind, _boxed(text[start:end]))
    return f"the last box is taken back: {' '.join(back.split())!r}" if back else ""


def _boxed(box: str) -> str:
    return box[box.find("{") + 1 : -1]


def _without_layout(before: str) -> str:
    near = before.rstrip(" $\n\t")
    return _LAYOUT.sub("", near) if "\\" in near[-14:] else near


def _is_tuple_item(near: str, behind: str) -> bool:
    opened, closed = near[-1:] in "([" and near[-1:] != "", behind[:1] in ")]" and behind[:1] != ""
    follows_item, item_follows = near[-1:] == ",", behind[:1] == ","
    if near.endswith(("\\(", "\\[")) or behind.startswith(("\\)", "\\]")):
        return False
    return (opened and item_follows) or (follows_item and closed)


def is_negative(text: str, start: int) -> bool:
    r"""True for "= -\boxed{5}": the box is the size of a negative answer."""
    near = _without_layout(text[max(0, start - 40) : start])
    if not near.endswith("-"):
        return False
    rest = near[:-1].rstrip(" ")
    attached = text[start - 1 : start] != " " or "\\" in text[max(0, start - 4) : start]
    return attached and (rest[-1:] in "=$([{:" or rest.endswith(("\\(", "\\[")))
