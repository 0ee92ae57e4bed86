"""Step `local`: the reward grades every row's reference response here, and it must pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from reward_kit.gates import Gate, rate_gate
from reward_kit.models import Outcome, Row, Sample
from reward_kit.settings import Settings
from reward_kit.steps.base import GATE, Context, RateSettings, Step
from reward_kit.verdict import Verdict


class LocalStep(Step[RateSettings]):
    """Every reference passes."""

    name: ClassVar[str] = "local"
    settings_type: ClassVar[type[Settings]] = RateSettings

    def tolerates(self, verdict: Verdict) -> bool:
        return self.settings.tolerates(verdict)

    def evaluate(self, rows: Sequence[Row], context: Context) -> Iterator[Verdict]:
        samples = []
        for row in rows:
            if row.reference is None:
                yield Verdict(row.id, Outcome.GOLD_DEFECT, reason="the row ends in a prompt: no reference to grade")
            else:
                samples.append(Sample(row, row.reference))
        for _, verdict in context.grade(samples):
            yield verdict

    def gates(self, verdicts: Sequence[Verdict]) -> Mapping[str, Gate]:
        return {GATE: rate_gate(verdicts, self.settings)}
