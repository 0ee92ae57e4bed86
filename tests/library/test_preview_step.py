"""Step `preview`: the results from there, one a row, beside what the same reward says here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from reward_kit import Outcome
from reward_kit.errors import RewardKitError
from reward_kit.fireworks.shapes import Evaluator, Preview, PreviewResult, Source, Tag
from reward_kit.gates import Decision
from reward_kit.models import Row, Sample
from reward_kit.reward import Reward, as_reward, load_reward
from reward_kit.steps.preview import Compared, PreviewSettings, PreviewStep
from reward_kit.verdict import Scale, Verdict, to_verdict

ROWS = [
    Row(str(n), ({"role": "user", "content": "?"}, {"role": "assistant", "content": str(n)}), str(n), {}, n + 1)
    for n in range(5)
]
RIGHT = PreviewResult(True, 1.0)
_NONE: Mapping[str, Any] = {}


@pytest.fixture(autouse=True)
def _reward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reward of which nothing but its module need be packaged; what it says is made up by `Remote`."""
    (tmp_path / "reward_to_preview.py").write_text("def grade(messages, ground_truth, **kwargs):\n    return 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)


class Remote:
    """A run whose service gives these results by row, or fails; `here` are scores of the reward here."""

    def __init__(self, there: Mapping[str, Any] = _NONE, here: Mapping[str, Any] = _NONE, reward: Any = None) -> None:
        self.there, self.here, self.function = there, here, reward
        self.calls: list[tuple[str, ...]] = []

    def reward(self) -> Reward:
        return as_reward(self.function) if self.function else load_reward("reward_to_preview:grade")

    def fireworks(self, step: str, concurrency: int) -> Any:
        return nullcontext(self)

    def fireworks_obstacle(self, step: str) -> str | None:
        return None

    async def __aenter__(self) -> Remote:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def preview(self, evaluator: Evaluator, samples: Sequence[Any], tag: Tag) -> Preview:
        self.calls.append(tag.row_ids)
        results = [self.there.get(row_id, RIGHT) for row_id in tag.row_ids]
        for result in results:
            if isinstance(result, Exception):
                raise result
        return Preview(tuple(results), len(samples), 1, Source.STAND_IN)

    def grade(self, samples: Sequence[Sample]) -> Iterator[tuple[int, Verdict]]:
        for position, sample in reversed(list(enumerate(samples))):
            yield position, to_verdict(sample.row.id, self.here.get(sample.row.id, 1.0), Scale())


def preview(rows: Sequence[Row] = ROWS, **settings: Any) -> PreviewStep:
    return PreviewStep(PreviewSettings(batch=2, **settings), Path(), rows)


def run(remote: Remote, rows: Sequence[Row] = ROWS, **settings: Any) -> tuple[dict[str, Verdict], Any]:
    step = preview(rows, **settings)
    found = {verdict.row_id: verdict for verdict in step.evaluate(rows, remote)}  # type: ignore[arg-type]
    return found, step.gates([found[row.id] for row in rows])


def test_rows_go_in_batches_and_each_has_its_own_result() -> None:
    remote = Remote()
    found, gates = run(remote)

    assert remote.calls == [("0", "1"), ("2", "3"), ("4",)]
    assert {verdict.outcome for verdict in found.values()} == {Outcome.PASSED}
    assert {gate.decision for gate in gates.values()} == {Decision.PASSED}
    assert gates["parity"].reason == "5/5 rows have the same verdict there and here"
    assert preview().notes(list(found.values())) == ["run by the stand-in server, not by Fireworks"]


def test_some_rows_are_asked_for_in_the_batches_that_all_rows_have() -> None:
    remote = Remote()
    found = list(preview().evaluate(ROWS[3:4], remote))  # type: ignore[arg-type]

    assert remote.calls == [("2", "3")]
    assert [verdict.row_id for verdict in found] == ["3"]


def test_a_failed_call_is_an_error_of_its_rows_and_of_both_gates() -> None:
    found, gates = run(Remote({"2": RewardKitError("status 500. Try again")}), pass_rate=0.2)

    assert [row_id for row_id, verdict in found.items() if verdict.outcome is Outcome.INFRA_ERROR] == ["2", "3"]
    assert {gate.decision for gate in gates.values()} == {Decision.FAILED}
    assert gates["parity"].reason == "2/5 rows could not be compared: 2, 3"


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (PreviewResult(True, 0.0), 1.0),
        (PreviewResult(True, 1.0), 0.0),
        (PreviewResult(True, 0.25), 0.5),
        (PreviewResult(True, None), 1.0),
        (PreviewResult(True, None), 0.0),
        (PreviewResult(False, None, reason="it died"), None),  # a crash there is no abstention here
        (PreviewResult(False, 1.0, reason="it died"), 1.0),
        (PreviewResult(True, 2.0), 1.0),
    ],
)
def test_another_verdict_there_fails_parity_and_names_the_row(there: PreviewResult, here: Any) -> None:
    found, gates = run(Remote({"3": there}, {"3": here}), pass_rate=0.2, max_abstained=0.5)

    assert found["3"].outcome is Outcome.INFRA_ERROR
    assert found["3"].detail == Compared("stand-in", parity=False)
    assert gates["parity"].reason == "1/5 rows have another verdict here: 3"
    assert {gate.decision for gate in gates.values()} == {Decision.FAILED}


def test_a_wrong_row_there_and_here_is_a_matter_of_the_rate() -> None:
    remote = Remote({"3": PreviewResult(True, 0.0)}, {"3": 0.0})

    assert run(remote)[1]["pass_rate"].decision is Decision.FAILED
    found, gates = run(remote, pass_rate=0.8)
    assert {gate.decision for gate in gates.values()} == {Decision.PASSED}
    assert preview(pass_rate=0.8).tolerates(found["3"])
    assert not preview().tolerates(found["3"])


def test_a_reward_that_abstains_there_and_here_has_not_passed() -> None:
    remote = Remote({"3": PreviewResult(True, None)}, {"3": None})
    found, gates = run(remote)

    assert (found["3"].outcome, found["3"].detail) == (Outcome.ABSTAINED, Compared("stand-in", parity=True))
    assert gates["parity"].decision is Decision.PASSED
    assert gates["pass_rate"].decision is Decision.FAILED
    assert run(remote, max_abstained=0.2)[1]["pass_rate"].decision is Decision.PASSED


def test_a_row_without_a_reference_is_a_defect_and_is_not_sent() -> None:
    rows = [*ROWS[:1], Row("bare", ({"role": "user", "content": "?"},), "1", {}, 2)]
    remote = Remote()
    found, gates = run(remote, rows)

    assert remote.calls == [("0",)]
    assert found["bare"].outcome is Outcome.GOLD_DEFECT
    assert {gate.decision for gate in gates.values()} == {Decision.FAILED}


def test_no_rows_decide_nothing() -> None:
    assert {gate.decision for gate in preview().gates([]).values()} == {Decision.UNDECIDED}


def test_a_closure_cannot_be_previewed_and_says_why() -> None:
    wanted = os.sep

    def closure(messages: Any, ground_truth: Any, **kwargs: Any) -> float:
        return float(wanted in ground_truth)

    obstacle = preview().obstacle(Remote(reward=closure))  # type: ignore[arg-type]

    assert obstacle is not None
    assert obstacle.startswith("the reward cannot be packaged: ")
    assert "is defined inside a function, with variables of its surroundings (wanted)" in obstacle
    assert preview().obstacle(Remote()) is None  # type: ignore[arg-type]
