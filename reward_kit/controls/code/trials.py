"""A row's tests, and what a program comes to on them: executed in the sandbox, compared here.

The three forms of tests are stdin (`input`, `expected_output`), calls (`args`, `kwargs`, `expected`) and assertions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Protocol

from reward_kit.controls.code.comparison import same, texts_differ, values_differ
from reward_kit.models import Row
from reward_kit.sandbox.shapes import Arguments, End, Job, Limits, Mode, Returned

#: CPU seconds for a test where its row declares no `timeout`, as rewards have them.
_TIMEOUT = 4.0
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """What a program came to on one test: its output, or why there is none to count.

    `limited` says that it was ended by a limit: nothing is proved by that, since a slower limit may let it pass.
    """

    value: Any = None
    failure: str = ""
    limited: bool = False


#: What a program came to, test by test.
Trial = tuple[Seen, ...]


class Tests(Protocol):
    """The tests of a row, all of one form."""

    @property
    def entry_point(self) -> str:
        """The function that the tests call; empty where they give stdin."""

    @property
    def expected(self) -> Sequence[Any]:
        """What each test wants: a text, a value; True of an assertion."""

    def run(self, programs: Sequence[str]) -> list[Trial]:
        """Execute each program on all tests."""
        ...

    def last(self) -> Tests:
        """The last test alone."""
        ...

    def differs(self, value: Any, expected: Any) -> bool:
        """Whether an output is surely another than the expected one."""
        ...


@dataclass(frozen=True, slots=True)
class StdinTests:
    """Programs that read stdin and print."""

    inputs: tuple[str, ...]
    expected: tuple[str, ...]
    limits: Limits
    entry_point: str = ""

    def run(self, programs: Sequence[str]) -> list[Trial]:
        jobs = [
            Job(Mode.PROGRAM, program, stdin=text.encode("utf-8", "surrogatepass"), limits=self.limits)
            for program in programs
            for text in self.inputs
        ]
        seen = [_printed(end) for end in _ends(jobs)]
        count = len(self.inputs)
        return [tuple(seen[place * count : (place + 1) * count]) for place in range(len(programs))]

    def differs(self, value: Any, expected: Any) -> bool:
        return texts_differ(str(value), str(expected))

    def last(self) -> StdinTests:
        return replace(self, inputs=self.inputs[-1:], expected=self.expected[-1:])


@dataclass(frozen=True, slots=True)
class CallTests:
    """Functions that are called, all calls of a program in one job."""

    calls: tuple[Arguments, ...]
    expected: tuple[Any, ...]
    entry_point: str
    limits: Limits

    def run(self, programs: Sequence[str]) -> list[Trial]:
        jobs = [
            Job(Mode.CALLS, program, entry_point=self.entry_point, calls=self.calls, limits=self.limits)
            for program in programs
        ]
        return [_answered(end, len(self.calls)) for end in _ends(jobs)]

    def differs(self, value: Any, expected: Any) -> bool:
        return values_differ(value, expected)

    def last(self) -> CallTests:
        return replace(self, calls=self.calls[-1:], expected=self.expected[-1:])


@dataclass(frozen=True, slots=True)
class AssertTests:
    """Test code that calls the program from a process of its own; all that is seen of a test is whether it holds."""

    tests: tuple[str, ...]
    entry_point: str
    limits: Limits

    @property
    def expected(self) -> tuple[bool, ...]:
        return (True,) * len(self.tests)

    def run(self, programs: Sequence[str]) -> list[Trial]:
        from reward_kit.sandbox.shared import shared_sandbox

        tester = Job(Mode.TEST, "", entry_point=self.entry_point, tests=self.tests, limits=self.limits)
        trials = []
        for program in programs:
            served = Job(Mode.SERVE, program, entry_point=self.entry_point, limits=self.limits)
            candidate, tested = shared_sandbox().run_pair(served, tester)
            held = _answered(tested, len(self.tests))
            limited = bool(candidate.limit or tested.limit)
            trials.append(tuple(Seen(not seen.failure, seen.failure, limited) for seen in held))
        return trials

    def differs(self, value: Any, expected: Any) -> bool:
        return value is not expected

    def last(self) -> AssertTests:
        return replace(self, tests=self.tests[-1:])


def tests_of(row: Row) -> Tests | None:
    """The tests in a row's ground truth; None where there are none, or they are not all of one known form."""
    tests = row.ground_truth
    if isinstance(tests, str):
        try:
            tests = json.loads(tests)
        except ValueError:
            return None
    if not isinstance(tests, list) or not tests or not all(isinstance(test, Mapping) for test in tests):
        return None
    entry_point = str(row.columns.get("entry_point") or "")
    limits = _limits(row.columns.get("timeout"))
    if all("input" in test for test in tests):
        pairs = [(test["input"], test.get("expected_output", test.get("output"))) for test in tests]
        return _stdin_tests(pairs, limits)
    if all("expected" in test and {"args", "kwargs"} & test.keys() for test in tests) and entry_point:
        calls = [Arguments(tuple(test.get("args", ())), test.get("kwargs", {})) for test in tests]
        return CallTests(tuple(calls), tuple(test["expected"] for test in tests), entry_point, limits)
    if all(isinstance(test.get("assertion"), str) for test in tests):
        return AssertTests(tuple(test["assertion"] for test in tests), entry_point, limits)
    return None


def _limits(timeout: Any) -> Limits:
    """CPU seconds bound a program, which do not depend on other load; the wall only one that waits."""
    known = isinstance(timeout, (int, float)) and not isinstance(timeout, bool) and 0 < timeout < 1000
    seconds = float(timeout) if known else _TIMEOUT
    return Limits(wall=5 * seconds, cpu=ceil(seconds))


def _stdin_tests(pairs: Sequence[tuple[Any, Any]], limits: Limits) -> StdinTests | None:
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        return None
    return StdinTests(tuple(text for text, _ in pairs), tuple(text for _, text in pairs), limits)


def proof_of_equality(original: Trial, changed: Trial) -> str | None:
    """Why a changed program does what the original does; None where an output is another, or none."""
    pairs = zip(original, changed, strict=True)
    if all(not one.failure and not other.failure and same(one.value, other.value) for one, other in pairs):
        return f"executed: the outputs of the reference on all {_tests(len(original))}"
    return None


def proofs_of_difference(programs: Sequence[str], tests: Tests) -> list[str | None]:
    """Why each program is wrong: a test that it surely fails; None where there is none, or a limit ended it.

    The last test alone shows it of most programs, so that only the others are executed on all.
    """
    last, count = tests.last(), len(tests.expected)
    found: dict[int, str | None] = {}
    undecided = []
    for place, trial in enumerate(last.run(programs)):
        found[place] = _difference(trial, last, count)
        if found[place] is None and count > 1 and not trial[0].limited:
            undecided.append(place)
    for place, trial in zip(undecided, tests.run([programs[place] for place in undecided]), strict=True):
        found[place] = _difference(trial, tests)
    return list(found.values())


def _difference(trial: Trial, tests: Tests, number: int = 1) -> str | None:
    """The first test that a program surely fails, in words; `number` is the first one's."""
    if any(seen.limited for seen in trial):
        return None
    for place, (seen, expected) in enumerate(zip(trial, tests.expected, strict=True), number):
        test = f"executed: test {place} of {len(trial) + number - 1}"
        if seen.failure:
            return f"{test} fails: {_short(seen.failure)}"
        if tests.differs(seen.value, expected):
            return f"{test} gives {_shown(seen.value)}, expected {_shown(expected)}"
    return None


def is_right(trial: Trial, tests: Tests) -> bool:
    """Whether nothing speaks against a program on any test."""
    return not any(seen.limited for seen in trial) and _difference(trial, tests) is None


def _ends(jobs: Sequence[Job]) -> list[End]:
    from reward_kit.sandbox.shared import shared_sandbox

    return shared_sandbox().run(jobs)


def _printed(end: End) -> Seen:
    text = end.stdout.decode("utf-8", "backslashreplace")
    return Seen(text, "" if end.clean else _ended(end), bool(end.limit))


def _answered(end: End, count: int) -> Trial:
    """What each call returned; where the job did not end well, no answer of it counts."""
    if not end.clean:
        return (Seen(failure=_ended(end), limited=bool(end.limit)),) * count
    seen = [_returned(returned) for returned in end.returned[:count]]
    return (*seen, *(Seen(failure="no answer: it ended before"),) * (count - len(seen)))


def _returned(returned: Returned) -> Seen:
    if returned.ok and not returned.opaque:
        return Seen(returned.value)
    return Seen(failure=returned.error or "no plain data")


def _ended(end: End) -> str:
    if end.limit:
        return f"ended at its {end.limit} limit"
    if end.exit_code is None:
        return f"ended by signal {end.signal}"
    said = end.stderr.strip().splitlines()
    return f"ended with exit code {end.exit_code}" + (f" ({said[-1]})" if said else "")


def _tests(count: int) -> str:
    return f"{count} test{'' if count == 1 else 's'}"


def _shown(value: Any) -> str:
    return _short(repr(value))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
