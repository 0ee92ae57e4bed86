"""The JSON document of a run, and what it says of a suite's readiness."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from reward_kit import Outcome
from reward_kit.fireworks.shapes import Source
from reward_kit.gates import Decision, Gate
from reward_kit.models import Polarity
from reward_kit.report.results import Readiness, StepReport, SuiteReport, results_document
from reward_kit.steps.controls import Case, ControlCases
from reward_kit.steps.data import Audited
from reward_kit.steps.preview import Compared
from reward_kit.steps.regenerate import Answered
from reward_kit.verdict import Detail, Verdict

VERDICTS = (
    Verdict("b", Outcome.PASSED, 1.0, "equal", "1200", "1,200", output="debugging"),
    Verdict("a", Outcome.WRONG_ANSWER, 0.0, "24 is not 42\n\u2014 \U0001f600", "24", "42"),
    Verdict("c", Outcome.REWARD_ERROR, None, "ValueError"),
)


def report(*decisions: Decision, controls: bool = True) -> SuiteReport:
    steps = [StepReport(f"step{n}", (), {"gate": Gate(decision, "so")}) for n, decision in enumerate(decisions)]
    return SuiteReport("math", steps, controls)


def test_the_document_has_the_promised_keys_and_the_rows_in_their_order() -> None:
    gates = {"gate": Gate(Decision.FAILED, "1 row ended in an error: c")}
    step = StepReport("local", VERDICTS, gates, notes=("authored answers",))
    document = json.loads(results_document([SuiteReport("math", [step], has_controls=False)]))

    assert document["schema"] == 1
    suite = document["suites"]["math"]
    assert suite["readiness"] == "NOT READY"
    assert suite["steps"] == {
        "local": {
            "rows": 3,
            "passed": 1,
            "outcomes": {"passed": 1, "wrong_answer": 1, "reward_error": 1},
            "gate": "failed",
            "reason": "1 row ended in an error: c",
            "gates": {"gate": {"decision": "failed", "reason": "1 row ended in an error: c"}},
            "notes": ["authored answers"],
            "results": [
                {"id": "b", "outcome": "passed", "score": 1.0, "reason": "equal", "extracted": "1200"},
                {
                    "id": "a",
                    "outcome": "wrong_answer",
                    "score": 0.0,
                    "reason": "24 is not 42\n\u2014 \U0001f600",
                    "extracted": "24",
                },
                {"id": "c", "outcome": "reward_error", "score": None, "reason": "ValueError", "extracted": None},
            ],
        }
    }


CASE = Case("respell", Polarity.PRESERVING, Outcome.PASSED, 1.0, held=True, response="12.0", proof="12.0 = 12")
DETAILS = {
    "none": (None, []),
    "audited": (Audited("gold_in_prompt"), [("finding", "gold_in_prompt")]),
    "answered": (
        Answered(Source.STAND_IN, "length"),
        [("finish_reason", "length"), ("provenance", "stand-in")],
    ),
    "answered-unsaid": (Answered(Source.LIVE), [("provenance", "live")]),
    "compared": (Compared(Source.LIVE, parity=False), [("provenance", "live"), ("parity", False)]),
    "controls": (
        ControlCases((CASE,)),
        [
            (
                "controls",
                [
                    {
                        "operator": "respell",
                        "polarity": "preserving",
                        "outcome": "passed",
                        "score": 1.0,
                        "held": True,
                        "response": "12.0",
                        "proof": "12.0 = 12",
                    }
                ],
            )
        ],
    ),
}


@pytest.mark.parametrize(("detail", "told"), DETAILS.values(), ids=DETAILS)
def test_what_only_one_step_says_of_a_row_follows_what_all_say(detail: Detail | None, told: list[Any]) -> None:
    step = StepReport("x", [Verdict("a", Outcome.PASSED, detail=detail)], {"gate": Gate(Decision.FAILED, "so")})
    document = json.loads(results_document([SuiteReport("math", [step], has_controls=False)]))

    [row] = document["suites"]["math"]["steps"]["x"]["results"]
    assert list(row)[:5] == ["id", "outcome", "score", "reason", "extracted"]
    assert list(row.items())[5:] == told


@pytest.mark.parametrize("detail", [detail for detail, _ in DETAILS.values()], ids=DETAILS)
def test_verdicts_with_all_they_tell_pass_from_one_worker_to_another(detail: Detail | None) -> None:
    verdict = Verdict("a", Outcome.PASSED, detail=detail)

    assert pickle.loads(pickle.dumps(verdict)) == verdict


def test_equal_runs_give_equal_text_that_ends_in_a_newline() -> None:
    first, second = (results_document([report(Decision.PASSED), report(Decision.FAILED)]) for _ in range(2))

    assert first == second
    assert first.endswith("}\n")


def test_suites_keep_the_order_they_were_run_in() -> None:
    suites = [SuiteReport(name, [], has_controls=False) for name in ("tool-calls", "math")]

    assert list(json.loads(results_document(suites))["suites"]) == ["tool-calls", "math"]


@pytest.mark.parametrize(
    ("suite", "readiness"),
    [
        (report(Decision.PASSED, Decision.PASSED), Readiness.READY),
        (report(Decision.PASSED, Decision.FAILED), Readiness.NOT_READY),
        (report(Decision.UNDECIDED, Decision.FAILED), Readiness.NOT_READY),
        (report(Decision.FAILED, controls=False), Readiness.NOT_READY),
        (report(Decision.PASSED, Decision.UNDECIDED), Readiness.UNDECIDED),
        (report(Decision.PASSED, controls=False), Readiness.UNDECIDED),
        (report(), Readiness.UNDECIDED),
    ],
)
def test_a_suite_is_ready_only_where_every_gate_passed_and_controls_are_declared(
    suite: SuiteReport, readiness: Readiness
) -> None:
    assert suite.readiness is readiness
    assert (suite.reasons == []) == (readiness is Readiness.READY or suite.steps == [])


def test_a_step_is_what_its_gravest_gate_is_and_names_the_others_reasons_too() -> None:
    gates = {"sensitivity": Gate(Decision.PASSED, "8/8"), "specificity": Gate(Decision.FAILED, "19/20")}
    suite = SuiteReport("math", [StepReport("controls", (), gates)], has_controls=True)

    assert suite.readiness is Readiness.NOT_READY
    assert suite.reasons == ["controls: 19/20"]
    step = json.loads(results_document([suite]))["suites"]["math"]["steps"]["controls"]
    assert (step["gate"], step["reason"]) == ("failed", "8/8; 19/20")
    assert step["gates"]["sensitivity"] == {"decision": "passed", "reason": "8/8"}


def test_the_gravest_reason_comes_first() -> None:
    reasons = report(Decision.UNDECIDED, Decision.PASSED, Decision.FAILED, controls=False).reasons

    assert reasons[:2] == ["step2: so", "step0: so"]
    assert reasons[2].startswith("[controls] is not declared")
