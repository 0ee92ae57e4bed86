"""Finds the program in a response: the fenced block that counts, and whether it is whole.

Fences are Markdown's (CommonMark 0.31, section 4.5): three or more backticks or tildes, closed by at least as many, and
inside a list item or a quotation as deep as that is indented. Everything is one pass over the lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from reward_kit.models import Outcome

Block = Literal["last", "first", "longest"]
BLOCKS: tuple[Block, ...] = ("last", "first", "longest")

_PYTHON = frozenset(("python", "py", "python3"))
# Possessive: a million backticks are looked at once.
_OPENING = re.compile(
    r"(?P<lead>[ \t]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++|>[ \t]?+)*+)(?P<fence>`{3,}+(?!.*`)|~{3,}+)(?P<info>.*)"
)
# "The program: ```python": a fence behind prose counts where it names Python and ends its line.
_BEHIND_PROSE = re.compile(r"(?<!`)(?P<fence>`{3,}+)(?P<info>[ \t]*+(?:python3?|py))[ \t]*+$", re.IGNORECASE)
_TAG = re.compile(r"[ \t]*(?:\{[ \t]*\.?|\.)?([^\s{},:;=]*)")
# The tags that `_math.visible` knows; a math reward reads no fences, so that it may take them wherever they stand.
_THINKING = re.compile(r"</?(?:think|thinking|reasoning|thought|seed:think)>|◁/?think▷|\[/?THINK\]", re.IGNORECASE)
_QUOTED = re.compile(r"(?: {0,3}>)++ ?")
# A closing fence is indented by at most this much more than its opening one; deeper, it is a line of the program.
_CLOSING_INDENT = 3


@dataclass(frozen=True, slots=True)
class Program:
    """A program as the response gives it, without the indentation of its fence."""

    code: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no program to run."""

    outcome: Outcome
    reason: str


@dataclass(slots=True)
class _Fenced:
    """A fenced block while its lines are read."""

    fence: str
    lead: str
    tag: str
    lines: list[str]
    closed: bool = False

    def takes(self, line: str) -> bool:
        """Take the line as one of the block, or close the block by it and say False."""
        content = _without_lead(line, self.lead)
        bare = content.lstrip(" ")
        if len(content) - len(bare) <= _CLOSING_INDENT and bare.startswith(self.fence):
            self.closed = not bare.strip(" \t\r").strip(self.fence[0])
        if not self.closed:
            self.lines.append(content)
        return not self.closed

    @property
    def code(self) -> str:
        return "\n".join(self.lines) + "\n" if self.lines else ""


def find_program(content: str, *, block: Block = "last", cut_off: bool = False) -> Program | Missing:
    """The program in a response, or why it has none.

    Args:
        content: the text of the response; thinking blocks in it are no part of the answer.
        block: which block counts where several are tagged python, py or python3. Blocks without a tag count where none
            is tagged so; blocks of other tags never do.
        cut_off: True where the server said that the token limit ended the response.
    """
    fenced, thinking = _blocks(content)
    if thinking:
        return Missing(Outcome.TRUNCATED, "the response ends inside its thinking block")
    tagged = [each for each in fenced if each.tag in _PYTHON]
    candidates = tagged or [each for each in fenced if not each.tag]
    if cut_off:
        return Missing(Outcome.TRUNCATED, "the token limit ended the response")
    if not candidates:
        if fenced and not fenced[-1].closed:
            return Missing(Outcome.TRUNCATED, "the response ends inside a fenced block")
        return Missing(Outcome.NO_ANSWER, _nothing_found(content, fenced))
    chosen = candidates[0] if block == "first" else candidates[-1]
    if not chosen.closed or (block == "longest" and not candidates[-1].closed):
        return Missing(Outcome.TRUNCATED, "the response ends inside its fenced program")
    if block == "longest":
        chosen = max(candidates, key=lambda each: len(each.code.strip()))
    if not chosen.code.strip():
        return Missing(Outcome.NO_ANSWER, "the fenced block is empty")
    return Program(chosen.code)


def _nothing_found(content: str, fenced: list[_Fenced]) -> str:
    if not content.strip():
        return "the response is empty"
    if fenced:
        return f"no fenced block is Python: the tags are {', '.join(sorted({each.tag[:20] for each in fenced})[:5])}"
    return "no fenced block was found"


def _blocks(content: str) -> tuple[list[_Fenced], bool]:
    """The blocks outside of thinking, in order, and whether a thinking block is still open at the end."""
    found: list[_Fenced] = []
    current: _Fenced | None = None
    depth, thought = 0, False
    for line in content.split("\n"):
        line = line.removesuffix("\r")
        tags = _tags(line, inside=current is not None, thought=thought)
        if tags:
            depth, line = _think(line, tags, depth, found)
            thought = thought or depth == 0
            current = None
        if depth:
            continue
        if current is not None:
            current = current if current.takes(line) else None
        elif (opened := _opened(line)) is not None:
            found.append(opened)
            current = opened
    if current is not None:
        _close_at_end(current)
    return found, depth > 0


def _tags(line: str, *, inside: bool, thought: bool) -> list[re.Match[str]]:
    """The thinking tags of a line.

    Inside a block they are texts that the program holds, except for a first closing tag that is a line by itself: the
    block is then an unfinished one of the thinking.
    """
    if not ("<" in line or "[" in line or "▷" in line):
        return []
    tags = list(_THINKING.finditer(line))
    if inside and not (len(tags) == 1 and not thought and _closes(tags[0]) and tags[0].group() == line.strip()):
        return []
    return tags


def _closes(tag: re.Match[str]) -> bool:
    return tag.group()[1] == "/"


def _think(line: str, tags: list[re.Match[str]], depth: int, found: list[_Fenced]) -> tuple[int, str]:
    """Go through a line's thinking tags: the depth behind them, and what of the line is visible.

    A closing tag without an opening one drops all before it: chat templates put the opening tag into the prompt.
    """
    visible: list[str] = []
    start = 0
    for tag in tags:
        if depth == 0:
            visible.append(line[start : tag.start()])
        if _closes(tag):
            if depth == 0:
                found.clear()
                visible.clear()
            depth = max(0, depth - 1)
        else:
            depth += 1
        start = tag.end()
    if depth == 0:
        visible.append(line[start:])
    return depth, "".join(visible)


def _opened(line: str) -> _Fenced | None:
    """The block that a line opens."""
    if "```" not in line and "~~~" not in line:
        return None
    match = _OPENING.match(line)
    lead = match["lead"].expandtabs(4) if match is not None else ""
    match = match or _BEHIND_PROSE.search(line)
    if match is None:
        return None
    tag = _TAG.match(match["info"])
    return _Fenced(match["fence"], lead, tag[1].lower() if tag is not None else "", [])


def _without_lead(line: str, lead: str) -> str:
    """The line without what stands before its fence: marks of a quotation, or as many of the blanks as it has."""
    if not lead:
        return line
    if ">" in lead:
        marks = _QUOTED.match(line)
        return line[marks.end() :] if marks is not None else line
    blanks = len(line) - len(line.lstrip(" \t"))
    indent = line[:blanks].expandtabs(4)
    return indent[len(lead) :] + line[blanks:]


def _close_at_end(block: _Fenced) -> None:
    """Close a block whose fence stands right behind the last line of the response: `print(1)```` and nothing more."""
    while block.lines and not block.lines[-1].strip():
        block.lines.pop()
    if block.lines and block.lines[-1].rstrip().endswith(block.fence):
        block.lines[-1] = block.lines[-1].rstrip().removesuffix(block.fence)
        block.closed = True
