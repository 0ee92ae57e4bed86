"""Step `controls`: right answers in another spelling must pass, and answers that are proved wrong must not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from reward_kit.controls import DOMAINS, NO_OTHER_ANSWER, Control
from reward_kit.gates import Decision, Gate, list_of, meets, percent
from reward_kit.models import Outcome, Polarity, Row, Sample
from reward_kit.settings import Settings
from reward_kit.steps.base import Context, Step
from reward_kit.verdict import Scale, Verdict

#: How much of a response a reason shows: its end, where the answer stands.
_SHOWN = 120
_NOTHING_PROVED = "no control could be proved for this gold: nothing was checked"


@dataclass(frozen=True, slots=True)
class Case:
    """One control of a row as the reward graded it; `held` where the reward did what the polarity asks for."""

    operator: str
    polarity: Polarity
    outcome: Outcome
    score: float | None
    held: bool
    response: str
    proof: str

    def as_json(self) -> Mapping[str, Any]:
        return {
            "operator": self.operator,
            "polarity": self.polarity.value,
            "outcome": self.outcome.value,
            "score": self.score,
            "held": self.held,
            "response": self.response,
            "proof": self.proof,
        }


@dataclass(frozen=True, slots=True)
class ControlCases:
    """The detail of a row that has controls: at least one."""

    cases: tuple[Case, ...]

    def as_json(self) -> Mapping[str, Any]:
        return {"controls": [case.as_json() for case in self.cases]}


class ControlsSettings(Settings):
    """The table [controls]."""

    domain: str = "math"
    #: Share of all preserving controls that must pass.
    sensitivity: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    #: Share of all flipping controls that must not pass.
    specificity: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0

    @field_validator("domain")
    @classmethod
    def _known(cls, domain: str) -> str:
        if domain not in DOMAINS:
            raise ValueError(f"unknown domain; known domains: {', '.join(sorted(DOMAINS))}")
        return domain

    def required(self, polarity: Polarity) -> float:
        """The rate that controls of this polarity must reach."""
        return self.sensitivity if polarity is Polarity.PRESERVING else self.specificity


class ControlsStep(Step[ControlsSettings]):
    """The reward tells right from wrong, both ways.

    A row passes where all its controls hold. Where one ended in an error, the row is that error. Where a wrong
    answer was paid, the row is `wrong_answer`: the reward took one for right. Where right answers alone were refused,
    or the reward abstained, the row has the outcome that the reward gave the first of them. A row without any control
    is `abstained`: nothing was checked, so that it neither passes nor fails, and the gate names it.
    """

    name: ClassVar[str] = "controls"
    settings_type: ClassVar[type[Settings]] = ControlsSettings
    gate_names: ClassVar[tuple[str, ...]] = ("sensitivity", "specificity")

    def tolerates(self, verdict: Verdict) -> bool:
        if verdict.outcome.is_error:
            return False
        return all(case.held or self.settings.required(case.polarity) < 1.0 for case in _cases_of(verdict))

    def evaluate(self, rows: Sequence[Row], context: Context) -> Iterator[Verdict]:
        graded = _Graded()
        for row in rows:
            controls = list(DOMAINS[self.settings.domain](row))
            graded.expect(row, controls)
            if not controls:
                yield Verdict(row.id, Outcome.ABSTAINED, reason=_NOTHING_PROVED)
        for position, verdict in context.grade(graded.samples):
            if (pairs := graded.settle(position, verdict)) is not None:
                yield _row_verdict(verdict.row_id, pairs, self.scale)

    def gates(self, verdicts: Sequence[Verdict]) -> Mapping[str, Gate]:
        return _gates(verdicts, self.settings)


class _Graded:
    """Controls of many rows in one list of samples, and the rows whose controls are not all graded yet."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._controls: list[Control] = []
        self._places: dict[str, range] = {}
        self._verdicts: dict[int, Verdict] = {}

    def expect(self, row: Row, controls: Sequence[Control]) -> None:
        first = len(self.samples)
        self._controls += controls
        self.samples += [Sample(row, control.response) for control in controls]
        self._places[row.id] = range(first, len(self.samples))

    def settle(self, position: int, verdict: Verdict) -> list[tuple[Control, Verdict]] | None:
        """Take note of a verdict; the row's controls with theirs, in order, once it is the row's last."""
        self._verdicts[position] = verdict
        places = self._places[self.samples[position].row.id]
        if not all(place in self._verdicts for place in places):
            return None
        return [(self._controls[place], self._verdicts.pop(place)) for place in places]


def _row_verdict(row_id: str, graded: Sequence[tuple[Control, Verdict]], scale: Scale) -> Verdict:
    """What a row's controls come to together."""
    cases = tuple(_case(control, verdict, scale) for control, verdict in graded)
    detail = ControlCases(cases)
    output = "\n".join(verdict.output for _, verdict in graded if verdict.output)[-4000:]
    survivors = [pair for pair, case in zip(graded, cases, strict=True) if not case.held]
    if not survivors:
        return Verdict(row_id, Outcome.PASSED, 1.0, f"{len(cases)} controls hold", output=output, detail=detail)
    control, verdict = min(survivors, key=_gravity)
    paid_wrong = control.polarity is Polarity.FLIPPING and _is_paid(verdict, scale)
    outcome = Outcome.WRONG_ANSWER if paid_wrong else verdict.outcome
    reason = "; ".join(_survival(*pair) for pair in sorted(survivors, key=_gravity))
    return Verdict(row_id, outcome, verdict.score, reason, verdict.extracted, verdict.gold, output, detail=detail)


def _cases_of(verdict: Verdict) -> tuple[Case, ...]:
    """The row's controls; none where none could be proved, or where the step broke."""
    return verdict.detail.cases if isinstance(verdict.detail, ControlCases) else ()


def _is_paid(verdict: Verdict, scale: Scale) -> bool:
    """True where the score reaches `pass_at`, whatever else the result says: a trainer pays the score."""
    return not verdict.outcome.is_error and verdict.score is not None and verdict.score >= scale.pass_at


def _case(control: Control, verdict: Verdict, scale: Scale) -> Case:
    """A control holds where a right answer passes, or a wrong one is given a score that does not reach `pass_at`."""
    if control.polarity is Polarity.PRESERVING:
        held = verdict.passed
    else:
        answered = not verdict.outcome.is_error and verdict.score is not None
        held = answered and not _is_paid(verdict, scale)
    text = str(control.response.get("content") or "")
    return Case(control.operator, control.polarity, verdict.outcome, verdict.score, held, text, control.proof)


def _gravity(pair: tuple[Control, Verdict]) -> int:
    control, verdict = pair
    if verdict.outcome.is_error:
        return 0
    return 1 if control.polarity is Polarity.FLIPPING else 2


def _survival(control: Control, verdict: Verdict) -> str:
    """One survivor in words: what was done to the response, what the reward said of it, and why that is wrong."""
    if verdict.outcome.is_error:
        did = f"{verdict.outcome} on"
    elif verdict.score is None:
        did = "abstained on"
    elif control.polarity is Polarity.FLIPPING:
        did = f"paid {verdict.score:g} for"
    else:
        did = f"gave {verdict.score:g} ({verdict.outcome}) to"
    kind = "a wrong" if control.polarity is Polarity.FLIPPING else "a right"
    why = f"; {verdict.reason}" if verdict.outcome.is_error else ""
    text = _end_of(str(control.response.get("content") or ""))
    return f'{control.operator}: the reward {did} {kind} response "{text}" ({control.proof}){why}'


def _end_of(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"...{text[-_SHOWN:]}"


def _gates(verdicts: Sequence[Verdict], settings: ControlsSettings) -> dict[str, Gate]:
    """Decide both rates over all controls: an error fails both, and what could not be proved is said."""
    errors = [verdict.row_id for verdict in verdicts if verdict.outcome.is_error]
    if errors:
        broken = Gate(Decision.FAILED, f"controls of {_rows(len(errors))} ended in an error: {list_of(errors)}")
        return dict.fromkeys(_GATES.values(), broken)
    return {name: _gate(polarity, verdicts, settings.required(polarity)) for polarity, name in _GATES.items()}


def _gate(polarity: Polarity, verdicts: Sequence[Verdict], required: float) -> Gate:
    """Sensitivity or specificity: how many of the controls of one polarity hold."""
    kind, shows = _SHOWS[polarity]
    unproved = [verdict.row_id for verdict in verdicts if not any(map(shows, _cases_of(verdict)))]
    if len(unproved) == len(verdicts):
        return Gate(Decision.UNDECIDED, f"no {kind} could be proved for any of {_rows(len(verdicts))}")
    all_cases = [(verdict.row_id, case) for verdict in verdicts for case in _cases_of(verdict)]
    cases = [(row_id, case) for row_id, case in all_cases if case.polarity is polarity]
    survivors = [f"{row_id} {case.operator}" for row_id, case in cases if not case.held]
    held, total = len(cases) - len(survivors), len(cases)
    share = f" ({floor(1000 * held / total) / 1000:g})" if survivors else ""
    notes = [f"{_GATES[polarity]} {held}/{total}{share}, {percent(required)} is required"]
    if survivors:
        notes.append(f"survivors: {list_of(survivors)}")
    if unproved:
        notes.append(f"no {kind} could be proved for {_rows(len(unproved))}: {list_of(unproved)}")
    return Gate(Decision.PASSED if meets(held, total, required) else Decision.FAILED, "; ".join(notes))


def _rows(number: int) -> str:
    return f"{number} row{'' if number == 1 else 's'}"


#: The gate that the controls of a polarity decide.
_GATES = {Polarity.PRESERVING: "sensitivity", Polarity.FLIPPING: "specificity"}
#: What one of a row's controls must be for the row to show something of either side.
_SHOWS: Mapping[Polarity, tuple[str, Callable[[Case], bool]]] = {
    Polarity.PRESERVING: ("other spelling", lambda case: case.polarity is Polarity.PRESERVING),
    Polarity.FLIPPING: (
        "wrong answer",
        lambda case: case.polarity is Polarity.FLIPPING and case.operator not in NO_OTHER_ANSWER,
    ),
}
