"""Step `regenerate`: a model answers every prompt, and the reward grades what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, field_validator

from reward_kit.errors import RewardKitError
from reward_kit.gates import Decision, Gate, meets, percent, rate_gate
from reward_kit.models import Outcome, Row, Sample
from reward_kit.settings import Settings
from reward_kit.steps.base import Context, RateSettings, Step
from reward_kit.steps.provenance import ANSWERS, Sourced, provenance_notes
from reward_kit.verdict import Verdict, error_verdict

if TYPE_CHECKING:
    from reward_kit.fireworks.client import FireworksClient
    from reward_kit.fireworks.shapes import ChatRequest, Completion

#: What keeps an answer from passing, and what to do about it.
_TOKEN_BUDGET = "token budget"
_CAUSES: Mapping[str, tuple[frozenset[Outcome], str]] = {
    _TOKEN_BUDGET: (frozenset({Outcome.TRUNCATED}), "raise max_tokens"),
    "format": (frozenset({Outcome.NO_ANSWER, Outcome.BAD_FORMAT, Outcome.AMBIGUOUS}), "state the format in the prompt"),
    "gold": (frozenset({Outcome.GOLD_DEFECT}), "see step data"),
    "wrong answer": (frozenset({Outcome.WRONG_ANSWER}), "the model's own"),
}

#: Keys of a request that a step's options cannot replace: what is declared must be what is asked for.
_OWN_KEYS = frozenset(
    {"model", "messages", "tools", "max_tokens", "max_completion_tokens", "temperature", "n", "stream"}
)


@dataclass(frozen=True, slots=True)
class Answered(Sourced):
    """The detail of a row that was answered; `finish_reason` says why the answer ended, None where nobody said."""

    finish_reason: str | None = None

    def as_json(self) -> Mapping[str, Any]:
        ended = {} if self.finish_reason is None else {"finish_reason": self.finish_reason}
        return {**ended, "provenance": self.provenance}


class RegenerateSettings(RateSettings):
    """The table [regenerate]."""

    model: str
    system_prompt: str = ""
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] = 0.2
    max_tokens: Annotated[int, Field(ge=1)] = 4000
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 10
    #: Share of the rows whose answer the token limit may end.
    max_truncated: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    #: Further keys of the request, as Fireworks documents them: `options = { reasoning_effort = "low" }`.
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("options")
    @classmethod
    def _further(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(_OWN_KEYS.intersection(value)):
            raise ValueError(f"must not hold {', '.join(taken)}: the step sets them, or reads one whole answer a row")
        return value


class RegenerateStep(Step[RegenerateSettings]):
    """The answers of a real model clear the pass rate, over all rows, and few enough of them are cut off."""

    name: ClassVar[str] = "regenerate"
    settings_type: ClassVar[type[Settings]] = RegenerateSettings
    gate_names: ClassVar[tuple[str, ...]] = ("pass_rate", "max_truncated")

    def request_for(self, row: Row) -> ChatRequest:
        """What a row asks the model: the declared system prompt before the row's own messages, and its tools."""
        from reward_kit.fireworks.shapes import ChatRequest

        settings = self.settings
        system = [{"role": "system", "content": settings.system_prompt}] if settings.system_prompt else []
        return ChatRequest(
            settings.model,
            (*system, *row.prompt),
            settings.max_tokens,
            settings.temperature,
            tuple(row.columns.get("tools") or ()),
            settings.options,
        )

    def obstacle(self, context: Context) -> str | None:
        return context.fireworks_obstacle(self.name)

    def tolerates(self, verdict: Verdict) -> bool:
        return self.settings.tolerates(verdict)

    def notes(self, verdicts: Sequence[Verdict]) -> Sequence[str]:
        return provenance_notes(verdicts, ANSWERS)

    def evaluate(self, rows: Sequence[Row], context: Context) -> Iterator[Verdict]:
        with context.fireworks(self.name, self.settings.concurrency) as client:
            answers = asyncio.run(self._ask(client, rows))
        graded: list[tuple[Sample, Completion]] = []
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, RewardKitError):
                yield error_verdict(row.id, str(answer), Outcome.INFRA_ERROR)
            else:
                graded.append((Sample(row, answer.response), answer))
        for position, verdict in context.grade([sample for sample, _ in graded]):
            sample, answer = graded[position]
            detail = Answered(answer.source, answer.finish_reason)
            yield replace(verdict, response=sample.response_text, detail=detail)

    async def _ask(self, client: FireworksClient, rows: Sequence[Row]) -> list[Completion | RewardKitError]:
        """The model's answer to each row, or why there is none."""
        from reward_kit.fireworks.shapes import Tag

        async def answer(row: Row) -> Completion | RewardKitError:
            try:
                return await client.chat(self.request_for(row), Tag((row.id,)))
            except RewardKitError as error:
                return error

        async with client:
            return await asyncio.gather(*map(answer, rows))

    def gates(self, verdicts: Sequence[Verdict]) -> Mapping[str, Gate]:
        rate = rate_gate(verdicts, self.settings)
        notes = [rate.reason, *self._finished(verdicts), *self._causes(verdicts)]
        return {"pass_rate": Gate(rate.decision, "; ".join(notes)), "max_truncated": self._truncated(verdicts)}

    def _finished(self, verdicts: Sequence[Verdict]) -> Iterator[str]:
        """How the rows fared whose answer the token limit did not end: for information, never for the gate."""
        finished = [verdict for verdict in verdicts if not _is_cut(verdict)]
        if finished and len(finished) < len(verdicts):
            passed = sum(verdict.passed for verdict in finished)
            yield f"of the {len(finished)} finished answers {passed} pass ({passed / len(finished):.1%})"

    def _causes(self, verdicts: Sequence[Verdict]) -> Iterator[str]:
        counts = {
            f"{cause} {number} ({remedy})": number
            for cause, (_, remedy) in _CAUSES.items()
            if (number := sum(_cause_of(verdict) == cause for verdict in verdicts))
        }
        if counts:
            yield "likely causes: " + ", ".join(sorted(counts, key=lambda cause: -counts[cause]))

    def _truncated(self, verdicts: Sequence[Verdict]) -> Gate:
        rows, cut = len(verdicts), sum(map(_is_cut, verdicts))
        if not rows:
            return Gate(Decision.UNDECIDED, "no row was evaluated")
        unanswered = sum(verdict.outcome is Outcome.INFRA_ERROR for verdict in verdicts)
        if unanswered:
            return Gate(Decision.FAILED, f"{unanswered} of {rows} rows have no answer")
        shown = (
            f"{cut}/{rows} answers are cut off by the token limit, {percent(self.settings.max_truncated)} is allowed"
        )
        met = meets(rows - cut, rows, 1.0 - self.settings.max_truncated)
        return Gate(Decision.PASSED if met else Decision.FAILED, shown)


def _cause_of(verdict: Verdict) -> str | None:
    """What most likely kept an answer from passing: an answer that was cut off says nothing of the model."""
    if verdict.passed:
        return None
    if _is_cut(verdict):
        return _TOKEN_BUDGET
    return next((cause for cause, (outcomes, _) in _CAUSES.items() if verdict.outcome in outcomes), None)


def _is_cut(verdict: Verdict) -> bool:
    ended_by_limit = isinstance(verdict.detail, Answered) and verdict.detail.finish_reason == "length"
    return ended_by_limit or verdict.outcome is Outcome.TRUNCATED
