"""Step `controls`: right answers in another spelling must pass, and answers that are proved wrong must not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from reward_kit.controls import DOMAINS, Control
from reward_kit.gates import Decision, Gate, list_of, meets
from reward_kit.models import Outcome, Polarity, Row, Sample
from reward_kit.steps.base import Grade, Settings, Step
from reward_kit.verdict import Case, Verdict

#: How much of a response a reason shows: its end, where the answer stands.
_SHOWN = 120
_NOTHING_PROVED = "no control could be proved for this gold: nothing was checked"


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
    the row has the outcome that the reward gave the first of them. A row without any control is `abstained`: nothing
    was checked, so that it neither passes nor fails, and the gate names it.
    """

    name: ClassVar[str] = "controls"
    settings_type: ClassVar[type[Settings]] = ControlsSettings

    def tolerates(self, verdict: Verdict) -> bool:
        if verdict.outcome.is_error:
            return False
        return all(case.held or self.settings.required(case.polarity) < 1.0 for case in verdict.cases)

    def evaluate(self, rows: Sequence[Row], grade: Grade) -> Iterator[Verdict]:
        controls_of = DOMAINS[self.settings.domain]
        controls: list[Control] = []
        samples: list[Sample] = []
        open_cases: dict[str, int] = {}
        for row in rows:
            own = list(controls_of(row))
            if not own:
                yield Verdict(row.id, Outcome.ABSTAINED, reason=_NOTHING_PROVED)
                continue
            open_cases[row.id] = len(own)
            controls += own
            samples += [Sample(row, control.response) for control in own]
        graded: dict[str, dict[int, Verdict]] = {row_id: {} for row_id in open_cases}
        for position, verdict in grade(samples):
            row_id = samples[position].row.id
            graded[row_id][position] = verdict
            if len(graded[row_id]) == open_cases[row_id]:
                yield _row_verdict(row_id, [(controls[i], found) for i, found in sorted(graded.pop(row_id).items())])

    def gate(self, verdicts: Sequence[Verdict]) -> Gate:
        return _gate(verdicts, self.settings)


def _row_verdict(row_id: str, graded: Sequence[tuple[Control, Verdict]]) -> Verdict:
    """What a row's controls come to together."""
    cases = tuple(_case(control, verdict) for control, verdict in graded)
    output = "\n".join(verdict.output for _, verdict in graded if verdict.output)[-4000:]
    survivors = [pair for pair, case in zip(graded, cases, strict=True) if not case.held]
    if not survivors:
        return Verdict(row_id, Outcome.PASSED, 1.0, f"{len(cases)} controls hold", output=output, cases=cases)
    control, verdict = min(survivors, key=_gravity)
    paid_wrong = control.polarity is Polarity.FLIPPING and not verdict.outcome.is_error
    outcome = Outcome.WRONG_ANSWER if paid_wrong else verdict.outcome
    reason = "; ".join(_survival(*pair) for pair in sorted(survivors, key=_gravity))
    return Verdict(row_id, outcome, verdict.score, reason, verdict.extracted, verdict.gold, output, cases=cases)


def _case(control: Control, verdict: Verdict) -> Case:
    """A control holds where a right answer passes, or a wrong one is given a score that does not reach `pass_at`."""
    if control.polarity is Polarity.PRESERVING:
        held = verdict.passed
    else:
        answered = not verdict.outcome.is_error and verdict.score is not None
        held = answered and not verdict.passed and not verdict.reached
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
    return f"{control.operator}: the reward {did} {kind} response {text!r} ({control.proof}){why}"


def _end_of(text: str) -> str:
    return text if len(text) <= _SHOWN else f"...{text[-_SHOWN:]}"


def _gate(verdicts: Sequence[Verdict], settings: ControlsSettings) -> Gate:
    """Decide both rates over all controls: an error fails, and what could not be proved is said."""
    errors = [v.row_id for v in verdicts if v.outcome.is_error]
    if errors:
        return Gate(Decision.FAILED, f"controls of {len(errors)} rows ended in an error: {list_of(errors)}")
    shown, met, missing = [], True, []
    for name, polarity in (("sensitivity", Polarity.PRESERVING), ("specificity", Polarity.FLIPPING)):
        cases = [case for verdict in verdicts for case in verdict.cases if case.polarity is polarity]
        held = sum(case.held for case in cases)
        without = [v.row_id for v in verdicts if not any(case.polarity is polarity for case in v.cases)]
        required = settings.required(polarity)
        if not cases:
            return Gate(Decision.UNDECIDED, f"no {polarity} control could be proved for any of {len(verdicts)} rows")
        met = met and meets(held, len(cases), required)
        rate = "" if held == len(cases) else f" ({held / len(cases):.3g})"
        shown.append(f"{name} {held}/{len(cases)}{rate}, {required:.4g} is required")
        if without:
            missing.append(f"no {polarity} control could be proved for {len(without)} rows: {list_of(without)}")
    survivors = [f"{v.row_id} {case.operator}" for v in verdicts for case in v.cases if not case.held]
    named = [f"survivors: {list_of(survivors)}"] if survivors else []
    return Gate(Decision.PASSED if met else Decision.FAILED, "; ".join([*shown, *named, *missing]))
