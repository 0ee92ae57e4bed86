"""Gates: what a pass rate may claim. An error is never tolerated, a doubt is never a pass."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reward_kit import Outcome
from reward_kit.gates import Decision, Gate, outcome_counts, rate_gate
from reward_kit.statistics import wilson_interval
from reward_kit.steps.base import RateSettings
from reward_kit.verdict import Verdict

PASSED, WRONG, ABSTAINED = Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.ABSTAINED


def verdicts(*outcomes: Outcome) -> list[Verdict]:
    return [Verdict(f"r{number}", outcome) for number, outcome in enumerate(outcomes)]


def gate(*outcomes: Outcome, **limits: Any) -> Gate:
    return rate_gate(verdicts(*outcomes), RateSettings(**limits))


def test_without_limits_every_row_must_pass() -> None:
    assert gate(*[PASSED] * 3) == Gate(Decision.PASSED, "3/3 rows pass (100.0%), 100% is required")
    assert gate(PASSED, WRONG, PASSED) == Gate(
        Decision.FAILED, "2/3 rows pass (66.7%), 100% is required; not passed: r1"
    )


def test_a_rate_that_is_met_exactly_passes_whatever_floats_make_of_it() -> None:
    assert gate(*[PASSED] * 17, *[WRONG] * 3, pass_rate=0.85).decision is Decision.PASSED
    assert gate(*[PASSED] * 16, *[WRONG] * 4, pass_rate=0.85).decision is Decision.FAILED
    for rows in range(1, 200):
        assert gate(PASSED, *[WRONG] * (rows - 1), pass_rate=1 / rows).decision is Decision.PASSED


def test_no_rows_decide_nothing() -> None:
    assert gate() == Gate(Decision.UNDECIDED, "no row was evaluated")
    assert gate(pass_rate=0.01).decision is Decision.UNDECIDED


@pytest.mark.parametrize("error", [Outcome.REWARD_ERROR, Outcome.INFRA_ERROR])
def test_one_error_fails_the_gate_whatever_the_rate(error: Outcome) -> None:
    found = gate(*[PASSED] * 99, error, pass_rate=0.01, max_abstained=0.9)

    assert found == Gate(Decision.FAILED, "1 row ended in an error: r99; ")


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {PASSED, ABSTAINED}))
def test_no_outcome_leaves_the_denominator(outcome: Outcome) -> None:
    assert gate(PASSED, outcome).decision is Decision.FAILED
    assert outcome.is_error or "1/2 rows pass" in gate(PASSED, outcome).reason


def test_abstentions_count_as_not_passed_unless_a_share_is_allowed() -> None:
    rows = [PASSED] * 9 + [ABSTAINED]

    assert gate(*rows).decision is Decision.FAILED
    assert gate(*rows, pass_rate=0.95).decision is Decision.FAILED
    assert gate(*rows, max_abstained=0.1) == Gate(
        Decision.PASSED, "9/9 rows pass (100.0%), 100% is required; 1 abstained, within max_abstained 10%"
    )
    assert gate(*rows, max_abstained=0.09).decision is Decision.FAILED


def test_more_abstentions_than_allowed_are_all_counted() -> None:
    found = gate(*[PASSED] * 8, ABSTAINED, ABSTAINED, max_abstained=0.1, pass_rate=0.9)

    assert found == Gate(Decision.FAILED, "8/10 rows pass (80.0%), 90% is required; not passed: r8, r9")


def test_excused_abstentions_do_not_excuse_wrong_answers() -> None:
    found = gate(*[PASSED] * 8, WRONG, ABSTAINED, max_abstained=0.1)

    assert found.decision is Decision.FAILED
    assert found.reason.startswith("8/9 rows pass (88.9%)")
    assert found.reason.endswith("not passed: r8")


def test_a_reward_that_always_abstains_is_not_ready() -> None:
    assert gate(*[ABSTAINED] * 5).decision is Decision.FAILED
    assert gate(*[ABSTAINED] * 5, max_abstained=0.99).decision is Decision.FAILED


def test_with_confidence_the_interval_must_clear_the_rate() -> None:
    limits = {"pass_rate": 0.85, "confidence": 0.95}

    assert gate(*[PASSED] * 10, **limits) == Gate(
        Decision.UNDECIDED,
        "10/10 rows pass (100.0%), 85% is required; the lower bound at confidence 95% is 72.2%: more rows are needed",
    )
    assert gate(*[PASSED] * 100, **limits).decision is Decision.PASSED
    assert gate(*[PASSED] * 8, WRONG, WRONG, **limits).decision is Decision.FAILED


def test_a_long_list_of_rows_is_cut_and_counted() -> None:
    found = gate(*[WRONG] * 25)

    assert found.reason.endswith("not passed: r0, r1, r2, r3, r4, r5, r6, r7, r8, r9 and 15 more")


def test_outcomes_are_counted_in_the_order_of_the_vocabulary() -> None:
    counts = outcome_counts(verdicts(ABSTAINED, WRONG, PASSED, WRONG))

    assert list(counts.items()) == [("passed", 1), ("wrong_answer", 2), ("abstained", 1)]


@pytest.mark.parametrize(
    ("passed", "rows", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3 (score without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_textbooks(passed: int, rows: int, low: float, high: float) -> None:
    assert wilson_interval(passed, rows) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    mirrored = wilson_interval(rows - passed, rows)
    assert mirrored == (pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5))


def test_the_interval_of_nothing_is_everything() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(rows=st.integers(1, 2000), data=st.data(), confidence=st.floats(0.01, 0.999))
def test_the_interval_holds_the_rate_and_widens_with_confidence(
    rows: int, data: st.DataObject, confidence: float
) -> None:
    passed = data.draw(st.integers(0, rows))
    low, high = wilson_interval(passed, rows, confidence)

    assert 0.0 <= low <= passed / rows + 1e-12
    assert passed / rows - 1e-12 <= high <= 1.0
    wider_low, wider_high = wilson_interval(passed, rows, (1 + confidence) / 2)
    assert wider_low <= low + 1e-12
    assert wider_high >= high - 1e-12


limits = st.fixed_dictionaries(
    {"pass_rate": st.floats(0.01, 0.999)},
    optional={"confidence": st.floats(0.01, 0.999), "max_abstained": st.floats(0.0, 0.99)},
)
outcome_lists = st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=40)


@given(outcomes=outcome_lists, settings=limits, where=st.integers(0))
def test_a_row_that_turns_to_passed_never_worsens_the_decision(
    outcomes: list[Outcome], settings: dict[str, float], where: int
) -> None:
    where %= len(outcomes)
    assume(outcomes[where] is not ABSTAINED)  # its excuse may end with it
    rank = [Decision.FAILED, Decision.UNDECIDED, Decision.PASSED]
    better = [*outcomes[:where], PASSED, *outcomes[where + 1 :]]

    assert rank.index(gate(*better, **settings).decision) >= rank.index(gate(*outcomes, **settings).decision)


@given(outcomes=outcome_lists, settings=limits)
def test_what_passes_has_no_error_and_clears_the_rate_over_the_rows_that_count(
    outcomes: list[Outcome], settings: dict[str, float]
) -> None:
    found = gate(*outcomes, **settings)
    if found.decision is not Decision.PASSED:
        return
    abstained = outcomes.count(ABSTAINED)
    excused = abstained if abstained <= settings.get("max_abstained", 0.0) * len(outcomes) + 1e-9 else 0
    assert not any(outcome.is_error for outcome in outcomes)
    assert outcomes.count(PASSED) > 0
    assert outcomes.count(PASSED) >= settings["pass_rate"] * (len(outcomes) - excused) - 1e-6
