"""HumanEval, and MBPP as MultiPL-E has it: `prompt` is the head of a function, `test` a program of assertions.

Formats: https://github.com/openai/human-eval, https://github.com/nuprl/MultiPL-E.
"""

from __future__ import annotations

import re

from reward_kit.prepare.base import Record
from reward_kit.prepare.layouts.coding.task import Task, exact_text, filled, kept, unsupported

_KEPT = {"task_id": "source_id", "name": "source_id", "entry_point": "entry_point"}
#: A name on its own line that is called, outside every function: what makes a test program test.
_CALLED = re.compile(r"^(?:test_check|check)\(.*\)\s*$", re.MULTILINE)
_CHECK = re.compile(r"^def check\(\s*\w+\s*\)", re.MULTILINE)


def read(record: Record) -> Task:
    """One record; its test program is one assertion, to which HumanEval's harness adds the call of `check`."""
    prompt, test = exact_text(record, "prompt"), exact_text(record, "test")
    name = exact_text(record, "entry_point")
    raw = {"test": test, "entry_point": name}
    if not _CALLED.search(test):
        if not _CHECK.search(test):
            raise unsupported("has a test program without a function check(candidate)")
        test = f"{test}\n\ncheck({name})\n"
    body = exact_text(record, "canonical_solution") if filled(record, "canonical_solution") else None
    program = None if body is None else prompt + body
    return Task(prompt, [{"assertion": test}], raw, program, kept(record, _KEPT))
