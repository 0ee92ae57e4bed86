"""What a reward returned becomes a verdict: a score in range that reaches the mark, or the reason why not."""

from __future__ import annotations

import decimal
import fractions
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_kit import EvaluateResult, Outcome
from reward_kit.verdict import Scale, Verdict, to_verdict

UNIT = Scale()


class ZeroDimensional:
    """A 0-d array or tensor."""

    ndim = 0

    def __init__(self, value: Any) -> None:
        self._value = value

    def item(self) -> Any:
        return self._value


class NumpyBool(ZeroDimensional):
    """numpy's bool is neither `True` nor `False`, only equal to one of them."""

    def __eq__(self, other: object) -> bool:
        return bool(self._value == other)

    def __hash__(self) -> int:
        return hash(self._value)


def verdict(returned: Any, scale: Scale = UNIT) -> Verdict:
    return to_verdict("a", returned, scale)


@pytest.mark.parametrize("full", [1.0, 1, True, fractions.Fraction(3, 3), ZeroDimensional(1.0), NumpyBool(True)])
def test_a_full_score_passes_whatever_number_it_is(full: Any) -> None:
    for returned in (full, {"score": full}):
        assert (verdict(returned).outcome, verdict(returned).score) == (Outcome.PASSED, 1.0)


@pytest.mark.parametrize("low", [0.0, 0, False, 0.999999, ZeroDimensional(0.5), NumpyBool(False)])
def test_a_score_below_the_mark_is_a_wrong_answer(low: Any) -> None:
    assert verdict(low).outcome is Outcome.WRONG_ANSWER
    assert "is below pass_at 1" in verdict(low).reason


@pytest.mark.parametrize(
    "bad",
    ["1.0", "", b"1", [1.0], (1.0,), 1j, object(), decimal.Decimal(1), ZeroDimensional("1"), int, {1.0}, ...],
)
def test_what_is_no_number_is_an_error_of_the_reward(bad: Any) -> None:
    for returned in (bad, {"score": bad}):
        found = verdict(returned)
        assert (found.outcome, found.score) == (Outcome.REWARD_ERROR, None)
        assert "not a number" in found.reason


@pytest.mark.parametrize(
    "outside", [1.0000001, -0.0001, math.inf, -math.inf, math.nan, 10**400, ZeroDimensional(math.nan)]
)
def test_a_score_outside_the_declared_range_is_an_error_and_never_a_pass(outside: Any) -> None:
    for returned in (outside, {"score": outside}):
        found = verdict(returned)
        assert found.outcome is Outcome.REWARD_ERROR
        assert "outside its declared range [0, 1]" in found.reason
        assert found.score is None or math.isfinite(found.score)  # the JSON report holds no NaN


def test_the_declared_range_and_mark_decide() -> None:
    scale = Scale(-1.0, 2.0, 0.5)

    assert verdict(-1.0, scale).outcome is Outcome.WRONG_ANSWER
    assert verdict(0.5, scale).outcome is Outcome.PASSED
    assert verdict(2.0, scale).outcome is Outcome.PASSED
    assert verdict(2.1, scale).outcome is Outcome.REWARD_ERROR


@pytest.mark.parametrize("nothing", [None, {"score": None}, {"score": None, "outcome": "passed"}])
def test_none_is_an_abstention(nothing: Any) -> None:
    assert (verdict(nothing).outcome, verdict(nothing).score) == (Outcome.ABSTAINED, None)


@pytest.mark.parametrize("empty", [{}, {"scores": 1.0}, {"reward": 1}])
def test_a_dict_without_a_score_is_an_error(empty: Any) -> None:
    assert verdict(empty).outcome is Outcome.REWARD_ERROR
    assert "has no 'score'" in verdict(empty).reason


@pytest.mark.parametrize("make", [dict, EvaluateResult])
class TestWhatTheResultSaysOfItself:
    def test_a_reported_error_is_an_error_whatever_the_score(self, make: Any) -> None:
        found = verdict(make(score=1.0, error="judge unreachable"))

        assert found.outcome is Outcome.REWARD_ERROR
        assert "judge unreachable" in found.reason

    @pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.PASSED, Outcome.WRONG_ANSWER}))
    def test_an_outcome_other_than_passed_never_passes(self, make: Any, outcome: Outcome) -> None:
        found = verdict(make(score=1.0, outcome=outcome, reason="so"))

        assert found.outcome is outcome
        assert found.reason == "so (yet its score 1 reaches pass_at 1)"

    def test_an_outcome_of_passed_does_not_make_up_for_the_score(self, make: Any) -> None:
        assert verdict(make(score=0.5, outcome="passed")).outcome is Outcome.WRONG_ANSWER

    def test_a_score_marked_invalid_does_not_pass_and_stays_in_the_count(self, make: Any) -> None:
        found = verdict(make(score=1.0, is_score_valid=False, reason="parse failed"))

        assert found.outcome is Outcome.WRONG_ANSWER
        assert found.reason == "the reward marks its own score 1 as not valid. parse failed"

    def test_what_was_compared_is_kept(self, make: Any) -> None:
        found = verdict(make(score=0.0, extracted="24", extracted_gold="42", reason="24 is not 42"))

        assert (found.extracted, found.gold, found.reason) == ("24", "42", "24 is not 42")


@pytest.mark.parametrize("invalid", [False, 0, None, "false", "", NumpyBool(False), [True]])
def test_a_score_is_valid_only_where_the_result_says_true(invalid: Any) -> None:
    assert verdict({"score": 1.0, "is_score_valid": invalid}).outcome is Outcome.WRONG_ANSWER


@pytest.mark.parametrize("valid", [True, 1, NumpyBool(True)])
def test_validity_may_be_numpys(valid: Any) -> None:
    assert verdict({"score": 1.0, "is_score_valid": valid}).outcome is Outcome.PASSED


def test_an_unknown_outcome_is_an_error() -> None:
    found = verdict({"score": 1.0, "outcome": "fine"})

    assert found.outcome is Outcome.REWARD_ERROR
    assert "unknown outcome 'fine'" in found.reason


def test_a_reason_is_the_same_in_every_run() -> None:
    assert verdict(object()).reason == "the reward returned <object object> (object), not a number"


def test_half_a_surrogate_in_a_reason_does_not_break_the_report() -> None:
    found = verdict({"score": 0.0, "reason": "\udc80", "extracted": "\ud83d", "extracted_gold": "\udfff"})

    assert (found.reason, found.extracted, found.gold) == ("\\udc80", "\\ud83d", "\\udfff")
    assert "\\udc80" in verdict({"score": 0.0, "error": "\udc80"}).reason
    assert "\\udc80" in verdict({"score": 0.0, "outcome": "\udc80"}).reason


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.floats()),
    st.fixed_dictionaries(
        {},
        optional={
            "score": st.none() | st.floats() | st.booleans() | st.text(max_size=3),
            "is_score_valid": st.none() | st.booleans() | st.integers(0, 1),
            "error": st.none() | st.text(max_size=3),
            "outcome": st.none() | st.sampled_from([str(outcome) for outcome in Outcome]) | st.text(max_size=3),
            "reason": st.none() | st.text(max_size=3),
        },
    ),
)


@given(returned=anything)
def test_nothing_passes_without_a_score_that_reaches_the_mark(returned: Any) -> None:
    found = verdict(returned)
    score = returned.get("score") if isinstance(returned, dict) else returned

    assert found.row_id == "a"
    assert found.passed == (found.outcome is Outcome.PASSED)
    assert found.score is None or math.isfinite(found.score)
    if found.passed:
        assert isinstance(score, (int, float))
        assert score == 1.0
