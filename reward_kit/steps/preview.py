"""Step `preview`: the packaged reward grades the references on Fireworks, and agrees with the reward here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from reward_kit.errors import PackagingError, RewardKitError
from reward_kit.gates import Decision, Gate, list_of, rate_gate
from reward_kit.models import Outcome, Row, Sample
from reward_kit.settings import Settings
from reward_kit.steps.base import Context, RateSettings, Step
from reward_kit.steps.provenance import RESULTS, Sourced, provenance_notes
from reward_kit.verdict import Verdict, error_verdict, to_verdict

if TYPE_CHECKING:
    from reward_kit.fireworks.client import FireworksClient
    from reward_kit.fireworks.shapes import Evaluator, Preview, PreviewResult
    from reward_kit.reward import Reward

_NO_REFERENCE = "the row ends in a prompt: no reference to grade"


@dataclass(frozen=True, slots=True)
class Compared(Sourced):
    """The detail of a row that was graded there and here; `parity` where the verdict from there is the local one."""

    parity: bool

    def as_json(self) -> Mapping[str, Any]:
        return {"provenance": self.provenance, "parity": self.parity}


class PreviewSettings(RateSettings):
    """The table [preview]."""

    #: Rows in one call.
    batch: Annotated[int, Field(ge=1, le=1000)] = 50
    concurrency: Annotated[int, Field(ge=1, le=100)] = 4


class PreviewStep(Step[PreviewSettings]):
    """Every reference passes on Fireworks, with the verdict that it has here."""

    name: ClassVar[str] = "preview"
    settings_type: ClassVar[type[Settings]] = PreviewSettings
    gate_names: ClassVar[tuple[str, ...]] = ("pass_rate", "parity")

    _packaged: tuple[Reward, Evaluator] | None = None

    def _evaluator(self, context: Context) -> Evaluator:
        """The reward under test, packaged once; xdist asks for its rows in many pieces.

        Raises:
            PackagingError: where it cannot be packaged.
        """
        from reward_kit.packaging import package_reward

        reward = context.reward()
        if self._packaged is None or self._packaged[0] is not reward:
            self._packaged = (reward, package_reward(reward))
        return self._packaged[1]

    def obstacle(self, context: Context) -> str | None:
        try:
            context.reward()
        except Exception:  # noqa: BLE001  # a reward that cannot be loaded is an error of every row
            return None
        try:
            self._evaluator(context)
        except PackagingError as error:
            return f"the reward cannot be packaged: {error}"
        return context.fireworks_obstacle(self.name)

    def tolerates(self, verdict: Verdict) -> bool:
        return self.settings.tolerates(verdict)

    def notes(self, verdicts: Sequence[Verdict]) -> Sequence[str]:
        return provenance_notes(verdicts, RESULTS)

    def evaluate(self, rows: Sequence[Row], context: Context) -> Iterator[Verdict]:
        wanted = {row.id for row in rows}
        yield from (Verdict(row.id, Outcome.GOLD_DEFECT, reason=_NO_REFERENCE) for row in rows if row.reference is None)
        evaluator = self._evaluator(context)
        batches = [batch for batch in self._batches() if any(row.id in wanted for row in batch)]
        with context.fireworks(self.name, self.settings.concurrency) as client:
            previews = asyncio.run(_preview_all(client, evaluator, batches))
        graded = [row for batch in batches for row in batch if row.id in wanted]
        here = {graded[position].id: verdict for position, verdict in context.grade(_samples(graded))}
        for batch, preview in zip(batches, previews, strict=True):
            for position, row in enumerate(batch):
                if row.id not in wanted:
                    continue
                if isinstance(preview, RewardKitError):
                    yield error_verdict(row.id, str(preview), Outcome.INFRA_ERROR)
                else:
                    yield self._compared(here[row.id], preview.results[position], preview.source)

    def _batches(self) -> list[list[Row]]:
        """All rows with a reference, in batches that do not depend on which rows are asked for."""
        rows = [row for row in self.rows if row.reference is not None]
        return [rows[start : start + self.settings.batch] for start in range(0, len(rows), self.settings.batch)]

    def _compared(self, here: Verdict, there: PreviewResult, source: str) -> Verdict:
        """The verdict from there; an error where the same reward said something else here."""
        returned: dict[str, Any] = {"score": there.score, "reason": there.reason}
        remote = to_verdict(here.row_id, returned, self.scale)
        if not there.success:
            remote = error_verdict(here.row_id, f"the evaluator failed there: {there.reason}")
        said = f"there {_said(remote)}, here {_said(here)}"
        if _essence(remote) != _essence(here):
            why = f"{said}: {remote.reason or here.reason}"
            return replace(error_verdict(here.row_id, why, Outcome.INFRA_ERROR), detail=Compared(source, False))
        detail = Compared(source, True)
        return replace(remote, reason=said, extracted=here.extracted, gold=here.gold, detail=detail)

    def gates(self, verdicts: Sequence[Verdict]) -> Mapping[str, Gate]:
        return {"pass_rate": rate_gate(verdicts, self.settings), "parity": _parity(verdicts)}


def _parity(verdicts: Sequence[Verdict]) -> Gate:
    """Local and remote verdicts agree on every row."""
    differ = [verdict.row_id for verdict in verdicts if _parity_of(verdict) is False]
    if differ:
        return Gate(Decision.FAILED, f"{len(differ)}/{len(verdicts)} rows have another verdict here: {list_of(differ)}")
    unknown = [verdict.row_id for verdict in verdicts if _parity_of(verdict) is None]
    if unknown or not verdicts:
        shown = f"{len(unknown)}/{len(verdicts)} rows could not be compared: {list_of(unknown)}"
        return Gate(Decision.FAILED if unknown else Decision.UNDECIDED, shown)
    return Gate(Decision.PASSED, f"{len(verdicts)}/{len(verdicts)} rows have the same verdict there and here")


def _parity_of(verdict: Verdict) -> bool | None:
    """None where there was nothing to compare."""
    return verdict.detail.parity if isinstance(verdict.detail, Compared) else None


def _essence(verdict: Verdict) -> tuple[bool, bool, bool, float | None]:
    """What must be the same there and here. Outcomes in detail need not: a service passes on a score and a reason."""
    return verdict.passed, verdict.outcome is Outcome.ABSTAINED, verdict.outcome.is_error, verdict.score


def _said(verdict: Verdict) -> str:
    return f"{verdict.score:g} ({verdict.outcome})" if verdict.score is not None else str(verdict.outcome)


def _samples(rows: Sequence[Row]) -> list[Sample]:
    return [Sample(row, row.reference) for row in rows if row.reference is not None]


async def _preview_all(
    client: FireworksClient, evaluator: Evaluator, batches: Sequence[Sequence[Row]]
) -> list[Preview | RewardKitError]:
    """The results of each batch, or why there are none."""
    from reward_kit.fireworks.shapes import Tag

    async def preview(batch: Sequence[Row]) -> Preview | RewardKitError:
        samples = [{"messages": list(row.messages), "ground_truth": row.ground_truth, **row.columns} for row in batch]
        try:
            return await client.preview(evaluator, samples, Tag(tuple(row.id for row in batch)))
        except RewardKitError as error:
            return error

    async with client:
        return await asyncio.gather(*map(preview, batches))
