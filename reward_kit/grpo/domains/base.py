"""What a domain tells the smoke run of its rows, and which rows are drawn from a dataset."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

from reward_kit.errors import RewardKitError
from reward_kit.grpo.shapes import Decoy, TrainingRow, Wrong
from reward_kit.grpo.texts import prompt_texts
from reward_kit.models import Row, Sample

#: Which of these samples the user's reward accepts, in their order.
Accepts = Callable[[Sequence[Sample]], list[bool]]

#: Rows that a verdict needs: fewer margins can all rise by chance.
FEWEST_ROWS, MOST_ROWS = 8, 16


#: Shares of the warm-up that decoys have. None may be rare: with few samples in a group, one verdict turned round
#: teaches the wrong way. At 0.05 the empty completion gained on a gold in 1 of 16 seeds with 20 % of them turned round.
SHARES = {Wrong.VALUE: 0.33, Wrong.FORMAT: 0.20, Wrong.EMPTY: 0.12}
_PLACE = "{answer}"


@dataclass(frozen=True, slots=True)
class Declared:
    """A domain's declared format: `template` holds `{answer}` once, where the answer stands."""

    template: str

    def declaring(self, template: str) -> Self:
        """The same domain with another format, e.g. `#### {answer}`.

        Raises:
            ValueError: where the template does not hold `{answer}` exactly once.
        """
        if template.count(_PLACE) != 1:
            raise ValueError(f"the completion template {template!r} must hold {_PLACE} exactly once")
        return replace(self, template=template)

    def declared(self, answer: str) -> str:
        """An answer in the declared format."""
        return self.template.replace(_PLACE, answer)


class TooFewRowsError(RewardKitError):
    """A dataset with too few rows, of different prompts and golds, to train on."""


class TrainingDomain(Protocol):
    """A kind of task: what a right completion looks like, and completions that a right reward must refuse."""

    def declaring(self, template: str) -> TrainingDomain:
        """The same domain with another declared format: `template` holds `{answer}` once."""
        ...

    def completions(self, row: Row) -> Mapping[str, str]:
        """Right completions of a row by their kind, the declared format first; empty where the row has no gold.

        Kinds are the same for all rows, so that one kind can be chosen for a dataset.
        """
        ...

    def decoys(self, row: Row, gold_completion: str, rng: random.Random) -> Sequence[Decoy]:
        """Wrong completions near `gold_completion`; empty where no wrong value can be proved to be wrong.

        Their names are the domain's own, and the same for all rows.
        """
        ...


def training_rows(
    rows: Sequence[Row], domain: TrainingDomain, seed: int, count: int, accepts: Accepts
) -> tuple[TrainingRow, ...]:
    """Draw `count` rows of different prompts and golds, each with its right completion and its decoys.

    Rows are drawn by seed from the shorter half of the dataset, since what a step costs grows with its prompts; from
    the others, shortest first, only where that half does not hold enough. One kind of completion is chosen for all:
    the first that the reward accepts on most of the rows. Where it accepts none, the declared one stays, and the smoke
    run shows a reward that refuses its own golds.

    Args:
        rows: the dataset.
        domain: what completions and decoys look like.
        seed: of the draw, and of the decoys.
        count: rows wanted, from 8 to 16.
        accepts: asks the user's reward.

    Raises:
        ValueError: for a `count` outside 8 to 16.
        TooFewRowsError: where the dataset does not hold that many rows with a gold and a provably wrong value.
    """
    if not FEWEST_ROWS <= count <= MOST_ROWS:
        raise ValueError(f"a smoke run trains on {FEWEST_ROWS} to {MOST_ROWS} rows, not on {count}")
    drawn = choose_rows(rows, domain, seed, count)
    if len(drawn) < count:
        raise TooFewRowsError(
            f"the dataset has {len(drawn)} rows that a smoke run can train on, {count} are needed: "
            "rows with a gold and a provably wrong answer, of different prompts and golds. Add rows, or declare fewer"
        )
    kind = _accepted_kind(drawn, domain, accepts)
    return tuple(_training_row(row, domain, kind, seed) for row in drawn)


def choose_rows(rows: Sequence[Row], domain: TrainingDomain, seed: int, count: int) -> list[Row]:
    """The first `count` rows, in an order drawn by seed, that can be trained on and repeat no prompt and no gold.

    Fewer where the dataset does not hold that many. The reward is not asked.
    """
    chosen: list[Row] = []
    seen = set[str]()
    for row in _in_order(rows, seed, count):
        marks = {f"prompt {_prompt_text(row)}", f"gold {json.dumps(row.ground_truth, sort_keys=True, default=str)}"}
        if seen.isdisjoint(marks) and _trainable(row, domain, seed):
            chosen.append(row)
            seen |= marks
        if len(chosen) == count:
            break
    return chosen


def _in_order(rows: Sequence[Row], seed: int, count: int) -> list[Row]:
    by_length = sorted(rows, key=lambda row: (len(_prompt_text(row)), row.id))
    half = max((len(by_length) + 1) // 2, min(2 * count, len(by_length)))
    shorter = by_length[:half]
    random.Random(f"rows {seed}").shuffle(shorter)
    return shorter + by_length[half:]


def _trainable(row: Row, domain: TrainingDomain, seed: int) -> bool:
    completions = domain.completions(row)
    return bool(completions) and bool(domain.decoys(row, next(iter(completions.values())), _rng(row, seed)))


def _accepted_kind(rows: Sequence[Row], domain: TrainingDomain, accepts: Accepts) -> str:
    """The first kind of completion that the reward accepts on most rows; else the declared one."""
    kinds = list(domain.completions(rows[0]))
    for kind in kinds:
        samples = [
            Sample(row, {"role": "assistant", "content": completions[kind]})
            for row in rows
            if kind in (completions := domain.completions(row))
        ]
        # A kind that some row does not have cannot be chosen for all.
        if len(samples) == len(rows) and 2 * sum(accepts(samples)) > len(rows):
            return kind
    return kinds[0]


def _training_row(row: Row, domain: TrainingDomain, kind: str, seed: int) -> TrainingRow:
    gold = domain.completions(row)[kind]
    decoys = dict[str, Decoy]()
    for decoy in domain.decoys(row, gold, _rng(row, seed)):
        if decoy.text != gold:
            decoys.setdefault(decoy.text, decoy)
    return TrainingRow(row, gold, tuple(decoys.values()))


def _rng(row: Row, seed: int) -> random.Random:
    """Of its own for each row, so that a row's decoys do not depend on which others were drawn."""
    return random.Random(f"decoys {seed} {row.id}")


def _prompt_text(row: Row) -> str:
    return "\n".join(prompt_texts(row))
