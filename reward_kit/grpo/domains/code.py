"""Programs: the reference's own, as short as it goes, is right; decoys change a few characters, or lack the fence."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reward_kit.controls.code.frames import framed_program
from reward_kit.controls.code.mutants import mutants
from reward_kit.controls.code.rewrites import shortest
from reward_kit.controls.code.trials import Tests, is_right, proofs_of_difference, tests_of
from reward_kit.grpo.domains.base import SHARES, Declared
from reward_kit.grpo.shapes import Decoy, Wrong
from reward_kit.models import Row, text_of

_FENCED = "```python\n{answer}\n```"
#: Characters of a right completion that a tiny model still learns to write within its warm-up.
_LONGEST = 300
#: Mutants that are executed at once, and how many times.
_AT_ONCE, _LOOKS = 6, 3


@dataclass(frozen=True, slots=True)
class CodeDomain(Declared):
    """Rows whose reference holds a program and whose ground truth is its tests; `template` declares the fence.

    What counts as wrong was executed in the sandbox: a test of the row fails.
    """

    template: str = _FENCED

    def completions(self, row: Row) -> Mapping[str, str]:
        """The shortest form of the reference's program in the declared format, and the reference as it is.

        Empty where that form is longer than a tiny model learns to write, and where there is no program or no test.
        """
        framed = framed_program(row.reference)
        if framed is None or tests_of(row) is None:
            return {}
        declared = self.declared(shortest(framed[1]))
        if len(declared) > _LONGEST:
            return {}
        return {"declared": declared, "reference": text_of((row.reference or {}).get("content")).strip()}

    def decoys(self, row: Row, gold_completion: str, rng: random.Random) -> Sequence[Decoy]:
        """A program of other outputs that differs in as few characters as can be, the right one unfenced, and nothing.

        `rng` draws nothing: of the nearest programs the first is taken.
        """
        framed, tests = framed_program(row.reference), tests_of(row)
        if framed is None or tests is None:
            return ()
        frame, program = framed
        short = shortest(program)
        is_declared = gold_completion == self.declared(short)
        right = short if is_declared else program
        wrong = _nearest_wrong(right, tests)
        if wrong is None:
            return ()
        text = self.declared(wrong) if is_declared else frame.text_with(wrong).strip()
        return (
            Decoy("wrong value", text, SHARES[Wrong.VALUE], Wrong.VALUE),
            Decoy("unfenced", right, SHARES[Wrong.FORMAT], Wrong.FORMAT),
            Decoy("empty", "", SHARES[Wrong.EMPTY], Wrong.EMPTY),
        )


def _nearest_wrong(program: str, tests: Tests) -> str | None:
    """The nearest program that fails a test; None where none is found, or where this one is not right itself."""
    nearest = sorted(mutants(program), key=lambda mutant: (mutant.loops, mutant.cost))
    if not is_right(tests.run([program])[0], tests):
        return None
    for look in range(_LOOKS):
        texts = [mutant.program for mutant in nearest[look * _AT_ONCE : (look + 1) * _AT_ONCE]]
        for text, proof in zip(texts, proofs_of_difference(texts, tests), strict=True):
            if proof is not None:
                return text
    return None
