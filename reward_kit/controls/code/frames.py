"""Where a response holds its program: the fenced block, its tag, and the prose around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reward_kit.models import text_of

_THINK_END = "</think>"
_FENCE = re.compile(
    r"^(?P<mark>`{3,}|~{3,})[ \t]*(?P<tag>[^\n`]*)\n(?P<program>.*?)^(?P=mark)[ \t]*$", re.MULTILINE | re.DOTALL
)
#: Tags of a block that hold Python, the usual one first. No tag at all is one of them.
PYTHON_TAGS = ("python", "py", "python3", "")
_BEFORE = "Every case in the statement is covered by the same few lines.\n\n"
_AFTER = "\n\nNothing else is needed."
#: A response in which no program stands, in any fence or without one.
PROSE_ONLY = "The input has to be looked at once, from left to right; what was seen so far decides what comes out."


@dataclass(frozen=True, slots=True)
class Frame:
    """A response with its program taken out.

    Args:
        thinking: a thinking block before the visible text, with all to the first word behind it; mostly empty.
        before, after: the prose around the fence.
        mark: the fence itself, three backticks or more.
        tag: what stands behind the opening fence.
        message: the keys of the reference message that responses keep.
    """

    thinking: str
    before: str
    mark: str
    tag: str
    after: str
    message: Mapping[str, Any]

    def text_with(self, program: str) -> str:
        """The response's text with this program in the fence."""
        body = f"{program.rstrip()}\n" if program.strip() else ""
        return f"{self.thinking}{self.before}{self.mark}{self.tag}\n{body}{self.mark}{self.after}"

    def with_program(self, program: str) -> dict[str, Any]:
        """The response that holds this program."""
        return self._message(self.text_with(program))

    def cut_within(self, program: str) -> dict[str, Any]:
        """The response that ends within its program, as one that ran out of tokens does."""
        return self._message(f"{self.thinking}{self.before}{self.mark}{self.tag}\n{program}")

    def without_program(self) -> dict[str, Any]:
        """A response in prose alone."""
        return self._message(self.thinking + PROSE_ONLY, visible_only=True)

    def tagged(self, tag: str) -> Frame:
        """The same response with another tag behind its opening fence."""
        return replace(self, tag=tag)

    def in_other_words(self) -> Frame:
        """The same fence in other prose."""
        return replace(self, before=_BEFORE, after=_AFTER)

    def can_hold(self, program: str) -> bool:
        """False for a program with a line that would close the fence."""
        return not any(line.lstrip().startswith(self.mark) for line in program.splitlines())

    def _message(self, content: str, visible_only: bool = False) -> dict[str, Any]:
        message = {**self.message, "role": "assistant", "content": content}
        if visible_only:
            message.pop("reasoning_content", None)  # it may hold a program
        return message


def framed_program(reference: Mapping[str, Any] | None) -> tuple[Frame, str] | None:
    """The last Python block of a reference and what stands around it; None where it holds no such block.

    Further blocks are left out with the prose they stand in, so that a response has one block whichever a reward reads.
    """
    message = {key: value for key, value in (reference or {}).items() if key not in ("content", "tool_calls")}
    thought, ended, visible = text_of((reference or {}).get("content")).rpartition(_THINK_END)
    thinking = thought + ended + visible[: len(visible) - len(visible.lstrip("\n"))]
    visible = visible.lstrip("\n")
    fences = list(_FENCE.finditer(visible))
    blocks = [fence for fence in fences if fence["tag"].strip().lower() in PYTHON_TAGS]
    blocks = [block for block in blocks if block["tag"].strip()] or blocks
    if not blocks:
        return None
    block = blocks[-1]
    before, after = visible[: block.start()], visible[block.end() :]
    if len(fences) > 1:
        before, after = _BEFORE, _AFTER
    frame = Frame(thinking, before, block["mark"], block["tag"].strip(), after, message)
    return frame, block["program"].rstrip()
