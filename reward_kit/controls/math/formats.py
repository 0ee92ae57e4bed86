r"""Where a row's reference declares its answer, and responses of the same format with another answer in that place.

The reference's own text is kept around the answer wherever that is safe, so that a control differs from it in the
answer alone: neither a reward that wants a thinking block nor one that pays for it is misjudged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_THINK_END = "</think>"
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_HASH = re.compile(r"^[ \t]*####[ \t]*(?P<answer>[^#\n][^\n]*?)[ \t]*$", re.MULTILINE)
_TAG = re.compile(r"<answer>(?P<answer>.*?)</answer>", re.DOTALL)
_WORKING = "Working through the conditions one after the other leaves a single possibility.\n"
_UNFINISHED = (
    "The first two conditions are clear, so the third one remains.\n"
    "What the working has reached so far is {gold}.\n"
    "The remaining condition still has to be looked at before anything can be concluded."
)
_THOUGHT_ONLY = "There are three conditions, and all of them have been looked at."
#: What makes a text state a final answer, in any of the formats that rewards read.
_DECLARES = re.compile(r"\\boxed|\\fbox|####|<answer>|\banswers?\b|\bfinal\b|^A:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Slot:
    """An answer in a text: the places of its opening and its end, and the marks around it."""

    start: int
    end: int
    opening: str
    answer: str
    closing: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A response with its answer taken out.

    Args:
        before, after: the text around the answer's marks.
        opening, closing: the marks, `$\\boxed{` and `}$` or the like; empty where the answer stands in plain text.
        thinks: the response begins with a thinking block.
        message: the keys of the reference message that responses keep.
    """

    before: str
    opening: str
    closing: str
    after: str
    thinks: bool
    message: Mapping[str, Any]

    @property
    def is_boxed(self) -> bool:
        """True where answers are LaTeX by declaration."""
        return "\\boxed" in self.opening or "\\fbox" in self.opening

    @property
    def declares(self) -> bool:
        """True where the answer stands between marks, and not in plain text."""
        return bool(self.opening)

    def with_answer(self, answer: str) -> dict[str, Any]:
        """The response that declares `answer`."""
        return self._message(f"{self.before}{self.opening}{answer}{self.closing}{self.after}")

    def with_hedge(self, first: str, second: str) -> dict[str, Any]:
        """The response that offers one answer or the other."""
        if self.closing:
            both = f"{self.opening}{first}{self.closing} or {self.opening}{second}{self.closing}"
        else:
            both = f"{self.opening}{first} or {second}"
        return self._message(f"{self.before}{both}{self.after}")

    def with_denial(self, gold: str) -> dict[str, Any]:
        """The response whose declared answer says that it is not the gold."""
        said = "The answer is not "
        return self.with_answer(f"\\text{{{said}}} {gold}" if self.is_boxed else f"{said}{gold}")

    def with_thinking_only(self, gold: str) -> dict[str, Any]:
        """The response whose answer stands in its thinking block; what it says after that declares nothing."""
        shown = self.before.rpartition(_THINK_END)[2].strip()
        thought = f"{shown} {self.opening}{gold}{self.closing}{self.after}"
        return self._message(f"<think>\n{thought.strip()}\n</think>\n{_THOUGHT_ONLY}", visible_only=True)

    def without_answer(self, gold: str) -> dict[str, Any] | None:
        """A response that mentions the gold as its last number and declares nothing; None where it cannot be had."""
        shown = f"${gold}$" if self.is_boxed or "\\" in gold else gold
        text = _UNFINISHED.format(gold=shown)
        if _DECLARES.search(text):
            return None
        thought = "<think>\nThere are three conditions.\n</think>\n" if self.thinks else ""
        return self._message(thought + text, visible_only=True)

    def _message(self, content: str, visible_only: bool = False) -> dict[str, Any]:
        message = {**self.message, "role": "assistant", "content": content}
        if visible_only:
            message.pop("reasoning_content", None)  # it may declare what the text must not
        return message


def frame_of(reference: Mapping[str, Any] | None, gold: str) -> Frame:
    """The frame of a row's reference response; a boxed answer in short prose where there is none to go by."""
    content = (reference or {}).get("content")
    message = {key: value for key, value in (reference or {}).items() if key not in ("content", "tool_calls")}
    if not isinstance(content, str) or not content.strip():
        return Frame(f"{_WORKING}The final answer is ", "$\\boxed{", "}$", ".", False, message)
    thought, ended, visible = content.rpartition(_THINK_END)
    head = thought + ended
    slots = list(_slots(visible))
    if not slots:
        return _plain(head, visible, gold, message)
    slot = _widened(visible, slots[-1]) if len(slots) == 1 else None
    if slot is not None:
        before, after = head + visible[: slot.start], visible[slot.end :]
        return Frame(before, slot.opening, slot.closing, after, bool(head), message)
    return _short(head, slots[-1].opening, message)


def declared_answer(text: str) -> str:
    """The answer that a gold written as a response declares (`... #### 42`), else the text itself."""
    slots = list(_slots(text))
    return slots[-1].answer.strip() if slots else text.strip()


def _plain(head: str, visible: str, gold: str, message: Mapping[str, Any]) -> Frame:
    """A text that ends in the gold keeps its words; any other is replaced by a boxed answer in short prose."""
    core = visible.rstrip(" \t\n.!*$")
    before = core.removesuffix(gold)
    if core.endswith(gold) and re.search(r"(?:^|\n|[A-Za-z:*]\s+)\s*\$?$", before):
        return Frame(head + before, "", "", visible[len(core) :], bool(head), message)
    return _short(head, "\\boxed{", message)


def _short(head: str, opening: str, message: Mapping[str, Any]) -> Frame:
    gap = "\n" if head else ""
    if opening == "#### ":
        return Frame(f"{head}{gap}{_WORKING}", opening, "", "", bool(head), message)
    if opening == "<answer>":
        return Frame(f"{head}{gap}{_WORKING}", opening, "</answer>", "", bool(head), message)
    return Frame(f"{head}{gap}{_WORKING}The final answer is ", "$\\boxed{", "}$", ".", bool(head), message)


def _slots(text: str) -> Iterator[Slot]:
    """Every declared answer, in order of place; a box inside a tag or a `####` line is the one that counts."""
    boxes = list(_boxes(text))
    found = list(boxes)
    for pattern, opening, closing in ((_HASH, "#### ", ""), (_TAG, "<answer>", "</answer>")):
        found += [
            Slot(match.start(), match.end(), opening, match["answer"], closing)
            for match in pattern.finditer(text)
            if not any(match.start() <= box.start < match.end() for box in boxes)
        ]
    yield from sorted(found, key=lambda slot: slot.start)


def _boxes(text: str) -> Iterator[Slot]:
    place = 0
    while match := _BOX.search(text, place):
        depth, place = 1, match.end()
        while place < len(text) and depth:
            escaped = text[place] == "\\"
            depth += 0 if escaped else {"{": 1, "}": -1}.get(text[place], 0)
            place += 2 if escaped else 1
        if not depth:
            yield Slot(match.start(), place, match.group(), text[match.end() : place - 1], "}")


_OPENERS = {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]"}


def _widened(text: str, slot: Slot) -> Slot | None:
    """The slot with its math delimiters; None where it is part of a larger expression or words follow on its line."""
    if slot.opening in ("#### ", "<answer>"):
        return slot
    before, after = text[: slot.start].rstrip(" "), text[slot.end :]
    for opener, closer in _OPENERS.items():
        closing = re.match(r"\s*[.,]?\s*" + re.escape(closer), after)
        if before.endswith(opener) and closing and _outside_math(before.removesuffix(opener)):
            slot = Slot(
                len(before) - len(opener),
                slot.end + closing.end(),
                text[len(before) - len(opener) : slot.start] + slot.opening,
                slot.answer,
                slot.closing + closing.group(),
            )
            break
    else:
        if not _outside_math(before) or not re.search(r"(?:^|[\w:*>\n])$", before):
            return None
    rest_of_line = text[slot.end :].partition("\n")[0]
    return slot if re.fullmatch(r"[\s.!*]*(?:</answer>)?\s*", rest_of_line) else None


def _outside_math(before: str) -> bool:
    plain = before.replace("\\\\", "").replace("\\$", "")
    balanced = plain.count("\\(") == plain.count("\\)") and plain.count("\\[") == plain.count("\\]")
    line = plain.rpartition("\n")[2]  # dollars of earlier lines may be money
    return balanced and plain.count("$$") % 2 == 0 and line.count("$") % 2 == 0
