"""Controls for rewards that execute programs: rewritten ones must pass; wrong ones, pretenders and none must not.

Every changed program is executed on the row's tests before it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from reward_kit.controls.base import Control
from reward_kit.controls.code.frames import PYTHON_TAGS, Frame, framed_program
from reward_kit.controls.code.mutants import OPERATORS, Mutant, mutants
from reward_kit.controls.code.pretenders import called_function, cut_program, pretenders, silent
from reward_kit.controls.code.rewrites import rewrites
from reward_kit.controls.code.trials import Tests, is_right, proof_of_equality, proofs_of_difference, tests_of
from reward_kit.models import Polarity, Row

#: Mutants of a row, each of an operator of its own, and the rounds in which they are sought.
_MUTANTS, _ROUNDS = 3, 3
#: The operator whose program stands in a fence that does not end.
_TRUNCATED = "truncated"
_TAG_NAMES = {"python": "tag_python", "py": "tag_py", "python3": "tag_python3", "": "no_tag"}


def code_controls(row: Row) -> Iterator[Control]:
    """The controls of a row whose reference holds a program and whose ground truth is its tests.

    None where either is missing, or where the reference's own program does not do what its tests want.
    """
    framed = framed_program(row.reference)
    tests = tests_of(row)
    if framed is None or tests is None:
        return
    frame, program = framed
    spelled = [pair for pair in rewrites(program, called_function(program, tests)) if frame.can_hold(pair[1])]
    original, *trials = tests.run([program, *(text for _, text in spelled)])
    if not is_right(original, tests):
        return
    yield from _spelled(frame, program, row.line)
    for (operator, text), trial in zip(spelled, trials, strict=True):
        if proof := proof_of_equality(original, trial):
            yield Control(operator, Polarity.PRESERVING, frame.with_program(text), proof)
    yield from _mutated(frame, program, tests)
    yield from _pretending(frame, program, tests, row.line)
    if row.line % 2 == 0:
        yield Control("prose_only", Polarity.FLIPPING, frame.without_program(), "there is no program in it")


def _spelled(frame: Frame, program: str, line: int) -> Iterator[Control]:
    """The same program in other prose, and behind one of the other tags, each row another in turn."""
    same = "the reference's own program, executed: it passes all tests"
    other = frame.in_other_words()
    yield Control("other_prose", Polarity.PRESERVING, other.with_program(program), same)
    tags = [tag for tag in PYTHON_TAGS if tag != frame.tag.lower()]
    tag = tags[line % len(tags)]
    yield Control(_TAG_NAMES[tag], Polarity.PRESERVING, frame.tagged(tag).with_program(program), same)


def _pretending(frame: Frame, program: str, tests: Tests, line: int) -> Iterator[Control]:
    """Wrong by what they do; of those that answer nothing one half a row, in turn."""
    quiet = list(silent(program, tests))
    found = [*pretenders(program, tests), *(quiet[::2] if line % 2 else quiet[1::2])]
    if line % 2:
        found.append((_TRUNCATED, cut_program(program)))
    found = [pair for pair in found if frame.can_hold(pair[1])]
    for (operator, text), proof in zip(found, proofs_of_difference([text for _, text in found], tests), strict=True):
        if proof is not None:
            response = frame.cut_within(text) if operator == _TRUNCATED else frame.with_program(text)
            yield Control(operator, Polarity.FLIPPING, response, proof)


def _mutated(frame: Frame, program: str, tests: Tests) -> Iterator[Control]:
    """Mutants of as many operators as are wanted, the first of each that is proved."""
    proved = dict[str, Control]()
    queue = _in_rounds([mutant for mutant in mutants(program) if frame.can_hold(mutant.program)])
    while queue and len(proved) < _MUTANTS:
        tried = {mutant.operator: mutant for mutant in reversed(queue)}  # the first of each operator
        sought = [mutant for mutant in queue if tried[mutant.operator] is mutant][: _MUTANTS - len(proved)]
        proofs = proofs_of_difference([mutant.program for mutant in sought], tests)
        for mutant, proof in zip(sought, proofs, strict=True):
            if proof is not None:
                response = frame.with_program(mutant.program)
                proved[mutant.operator] = Control(mutant.operator, Polarity.FLIPPING, response, proof)
        queue = [mutant for mutant in queue if mutant not in sought and mutant.operator not in proved]
    yield from proved.values()


def _in_rounds(found: Sequence[Mutant]) -> list[Mutant]:
    """A mutant of every operator, then another of each; those within while loops, which may never end, last."""
    ordered = sorted(found, key=lambda mutant: mutant.loops)
    by_operator = [[one for one in ordered if one.operator == operator][:_ROUNDS] for operator in OPERATORS]
    return [mutant for candidates in zip_longest(*by_operator) for mutant in candidates if mutant is not None]
