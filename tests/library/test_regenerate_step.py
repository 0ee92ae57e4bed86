"""Step `regenerate`: every row asks the model, every answer counts, and a cut one has a gate of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reward_kit import Outcome
from reward_kit.errors import RewardKitError
from reward_kit.fireworks.shapes import ChatRequest, Completion, Source, Tag
from reward_kit.gates import Decision
from reward_kit.models import Row, Sample
from reward_kit.steps.regenerate import Answered, RegenerateSettings, RegenerateStep
from reward_kit.verdict import Verdict, error_verdict

TOOL = {"type": "function", "function": {"name": "add", "parameters": {}}}
ROWS = [
    Row(str(n), ({"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": str(n)}), str(n), {}, n + 1)
    for n in range(4)
]


class Model:
    """A run whose model gives these answers, (content, finish reason), or raises them, by row."""

    def __init__(self, answers: dict[str, Any], obstacle: str | None = None) -> None:
        self.answers = answers
        self.obstacle = obstacle

    def fireworks(self, step: str, concurrency: int) -> Any:
        return nullcontext(self)

    def fireworks_obstacle(self, step: str) -> str | None:
        return self.obstacle and f"{step}: {self.obstacle}"

    async def __aenter__(self) -> Model:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def chat(self, request: ChatRequest, tag: Tag) -> Completion:
        answer = self.answers.get(tag.row_ids[0], (tag.row_ids[0], "stop"))
        if isinstance(answer, Exception):
            raise answer
        content, reason = answer
        return Completion({"role": "assistant", "content": content}, reason, "one", source=Source.STAND_IN)

    def grade(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
        for position, sample in reversed(list(enumerate(samples))):
            if sample.response["finish_reason"] == "length":
                outcome = Outcome.TRUNCATED
            else:
                right = sample.response["content"] == sample.row.ground_truth
                outcome = Outcome.PASSED if right else Outcome.WRONG_ANSWER
            yield position, Verdict(sample.row.id, outcome, float(outcome is Outcome.PASSED))


def regenerate(**settings: Any) -> RegenerateStep:
    return RegenerateStep(RegenerateSettings(model="one", **settings), Path(), ROWS)


def verdicts_of(step: RegenerateStep, answers: dict[str, Any]) -> list[Verdict]:
    found = {verdict.row_id: verdict for verdict in step.evaluate(ROWS, Model(answers))}  # type: ignore[arg-type]
    return [found[row.id] for row in ROWS]


def test_the_request_holds_what_suite_toml_declares_and_the_rows_prompt_without_its_answer() -> None:
    step = regenerate(system_prompt="Be short.", max_tokens=7, options={"top_p": 0.5})
    row = Row("a", ROWS[0].messages, "0", {"tools": [TOOL]}, 1)

    assert step.request_for(row).body == {
        "model": "one",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "0?"}],
        "max_tokens": 7,
        "temperature": 0.2,
        "tools": [TOOL],
        "top_p": 0.5,
    }
    assert "tools" not in regenerate().request_for(ROWS[0]).body


@pytest.mark.parametrize("key", ["model", "messages", "temperature", "max_tokens", "tools", "n", "stream"])
def test_options_do_not_replace_what_is_declared(key: str) -> None:
    with pytest.raises(ValidationError, match=f"must not hold {key}"):
        RegenerateSettings(model="one", options={key: 1})


def test_every_row_has_a_verdict_and_a_failed_call_fails_both_gates_whatever_they_tolerate() -> None:
    step = regenerate(pass_rate=0.25, max_truncated=0.9)
    verdicts = verdicts_of(step, {"2": RewardKitError("no connection. Check it")})

    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASSED] * 2 + [Outcome.INFRA_ERROR, Outcome.PASSED]
    assert verdicts[2].reason == "no connection. Check it"
    gates = step.gates(verdicts)
    assert {gate.decision for gate in gates.values()} == {Decision.FAILED}
    assert gates["max_truncated"].reason == "1 of 4 rows have no answer"
    assert not step.tolerates(verdicts[2])


def test_truncated_answers_stay_in_the_rate_and_have_a_gate_of_their_own() -> None:
    verdicts = verdicts_of(regenerate(), {"1": ("1", "length")})

    gates = regenerate(pass_rate=0.75, max_truncated=0.2).gates(verdicts)
    assert gates["pass_rate"].decision is Decision.PASSED
    assert gates["max_truncated"].decision is Decision.FAILED
    assert gates["max_truncated"].reason == "1/4 answers are cut off by the token limit, 20% is allowed"
    assert regenerate(pass_rate=0.75, max_truncated=0.25).gates(verdicts)["max_truncated"].decision is Decision.PASSED
    assert "of the 3 finished answers 3 pass (100.0%)" in gates["pass_rate"].reason
    assert regenerate(pass_rate=0.8).gates(verdicts)["pass_rate"].decision is Decision.FAILED


def test_an_answer_that_passes_though_it_was_cut_counts_as_cut() -> None:
    verdict = Verdict("a", Outcome.PASSED, 1.0, detail=Answered("live", "length"))

    assert regenerate().gates([verdict])["max_truncated"].decision is Decision.FAILED


def test_no_rows_decide_nothing() -> None:
    assert {gate.decision for gate in regenerate().gates([]).values()} == {Decision.UNDECIDED}


def test_likely_causes_come_with_what_to_do_the_most_frequent_first() -> None:
    outcomes = [Outcome.TRUNCATED, Outcome.NO_ANSWER, Outcome.BAD_FORMAT, Outcome.WRONG_ANSWER]
    verdicts = [Verdict(str(n), outcome, 0.0) for n, outcome in enumerate(outcomes)]

    reason = regenerate().gates(verdicts)["pass_rate"].reason
    assert reason.endswith(
        "likely causes: format 2 (state the format in the prompt), token budget 1 (raise max_tokens), "
        "wrong answer 1 (the model's own)"
    )


def test_an_answer_that_was_cut_is_blamed_on_the_token_budget_whatever_the_reward_said_of_it() -> None:
    verdict = Verdict("a", Outcome.WRONG_ANSWER, 0.0, detail=Answered("live", "length"))

    reason = regenerate().gates([verdict])["pass_rate"].reason
    assert reason.endswith("likely causes: token budget 1 (raise max_tokens)")


def test_a_strict_step_tolerates_no_row_and_a_lenient_one_no_error() -> None:
    wrong = Verdict("a", Outcome.WRONG_ANSWER, 0.0)

    assert not regenerate().tolerates(wrong)
    assert regenerate(pass_rate=0.9).tolerates(wrong)
    assert not regenerate(pass_rate=0.9).tolerates(error_verdict("a", "broke"))


def test_where_answers_come_from_stands_beside_the_verdict() -> None:
    step = regenerate()
    verdicts = verdicts_of(step, {"2": RewardKitError("none")})

    assert step.notes(verdicts) == ["authored answers, not this model's (3 of 4 rows)"]
    assert step.notes([Verdict("a", Outcome.PASSED, detail=Answered("live", "stop"))]) == []


def test_without_a_client_the_step_cannot_run() -> None:
    assert regenerate().obstacle(Model({})) is None  # type: ignore[arg-type]
    assert regenerate().obstacle(Model({}, "no cassette")) == "regenerate: no cassette"  # type: ignore[arg-type]
