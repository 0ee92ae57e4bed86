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
from reward_kit.controls.code.trials import Tests, Trial, is_right, proof_of_difference, proof_of_equality, tests_of
from reward_kit.models import Polarity, Row

#: Mutants of a row, each of an operator of its own, and the rounds in which they are sought.
_MUTANTS, _ROUNDS = 3, 3
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
    changed = list(_changed(frame, program, tests, row.line))
    original, *trials = tests.run([program, *(text for _, _, text in changed)])
    if not is_right(original, tests):
        return
    yield from _spelled(frame, program, row.line)
    tried = list(zip(changed, trials, strict=True))
    yield from _preserving(frame, tried, original)
    yield from _mutated(frame, program, tests)
    yield from _pretending(frame, tried, tests)
    if row.line % 2 == 0:
        yield Control("prose_only", Polarity.FLIPPING, frame.without_program(), "there is no program in it")


#: Polarity, operator and program.
_Changed = tuple[Polarity, str, str]
#: The operator whose program stands in a fence that does not end.
_TRUNCATED = "truncated"


def _changed(frame: Frame, program: str, tests: Tests, line: int) -> Iterator[_Changed]:
    """All programs that one look shows: those that answer nothing come in two halves, one a row in turn."""
    found = [(Polarity.PRESERVING, *pair) for pair in rewrites(program, called_function(program, tests))]
    found += [(Polarity.FLIPPING, *pair) for pair in pretenders(program, tests)]
    quiet = list(silent(program, tests))
    found += [(Polarity.FLIPPING, *pair) for pair in (quiet[1::2] if line % 2 == 0 else quiet[::2])]
    if line % 2:
        found.append((Polarity.FLIPPING, _TRUNCATED, cut_program(program)))
    yield from (one for one in found if frame.can_hold(one[2]))


def _spelled(frame: Frame, program: str, line: int) -> Iterator[Control]:
    """The same program in other prose, and behind one of the other tags, each row another in turn."""
    same = "the reference's own program, executed: it passes all tests"
    other = frame.in_other_words()
    yield Control("other_prose", Polarity.PRESERVING, other.with_program(program), same)
    tags = [tag for tag in PYTHON_TAGS if tag != frame.tag.lower()]
    tag = tags[line % len(tags)]
    yield Control(_TAG_NAMES[tag], Polarity.PRESERVING, frame.tagged(tag).with_program(program), same)


def _preserving(frame: Frame, tried: Sequence[tuple[_Changed, Trial]], original: Trial) -> Iterator[Control]:
    for (polarity, operator, program), trial in tried:
        if polarity is Polarity.PRESERVING and (proof := proof_of_equality(original, trial)):
            yield Control(operator, polarity, frame.with_program(program), proof)


def _pretending(frame: Frame, tried: Sequence[tuple[_Changed, Trial]], tests: Tests) -> Iterator[Control]:
    for (polarity, operator, program), trial in tried:
        if polarity is Polarity.FLIPPING and (proof := proof_of_difference(trial, tests)):
            response = frame.cut_within(program) if operator == _TRUNCATED else frame.with_program(program)
            yield Control(operator, polarity, response, proof)


def _mutated(frame: Frame, program: str, tests: Tests) -> Iterator[Control]:
    """Mutants of as many operators as are wanted, the first of each that is proved."""
    proved = dict[str, Control]()
    queue = _in_rounds([mutant for mutant in mutants(program) if frame.can_hold(mutant.program)])
    while queue and len(proved) < _MUTANTS:
        tried = {mutant.operator: mutant for mutant in reversed(queue)}  # the first of each operator
        sought = [mutant for mutant in queue if tried[mutant.operator] is mutant][: _MUTANTS - len(proved)]
        for mutant, trial in zip(sought, tests.run([one.program for one in sought]), strict=True):
            if proof := proof_of_difference(trial, tests):
                response = frame.with_program(mutant.program)
                proved[mutant.operator] = Control(mutant.operator, Polarity.FLIPPING, response, proof)
        queue = [mutant for mutant in queue if mutant not in sought and mutant.operator not in proved]
    yield from proved.values()


def _in_rounds(found: Sequence[Mutant]) -> list[Mutant]:
    """A mutant of every operator, then another of each; those within while loops, which may never end, last."""
    ordered = sorted(found, key=lambda mutant: mutant.loops)
    by_operator = [[one for one in ordered if one.operator == operator][:_ROUNDS] for operator in OPERATORS]
    return [mutant for candidates in zip_longest(*by_operator) for mutant in candidates if mutant is not None]
