"""One call of a reward function by trl.GRPOTrainer, checked, and its completions as samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reward_kit.integrations.trl.columns import ABSENT, decode_value
from reward_kit.integrations.trl.errors import RewardCallError
from reward_kit.models import Row, Sample

#: Keywords that TRL 1.16 adds to the dataset's columns (`GRPOTrainer._calculate_rewards`).
TRLS_OWN = frozenset({"completion_ids", "trainer_state", "log_extra", "log_metric", "environments"})
GROUND_TRUTH = "ground_truth"


@dataclass(frozen=True, slots=True)
class TrlCall:
    """What TRL passed: `columns` are the dataset's, decoded, with one value a completion; `own` is TRL's own."""

    reward: str
    prompts: Sequence[Any]
    completions: Sequence[Any]
    columns: Mapping[str, Sequence[Any]]
    own: Mapping[str, Any]

    def keywords(self) -> dict[str, Any]:
        """All of it as a TRL reward is called; a column that a row does not have is None there."""
        columns = {
            name: [None if value is ABSENT else value for value in values] for name, values in self.columns.items()
        }
        return {"prompts": self.prompts, "completions": self.completions, **self.own, **columns}

    def sample(self, index: int) -> Sample:
        """A completion with its row: the prompt whole, and what came before the last message of the completion."""
        *before, response = self._messages(index)
        columns = {name: value for name, values in self.columns.items() if (value := values[index]) is not ABSENT}
        gold = columns.pop(GROUND_TRUTH, None)
        # A row's prompt is what comes before its closing assistant turn: here one always stands in its place.
        row = Row(f"completions[{index}]", (*before, {"role": "assistant", "content": ""}), gold, columns, line=0)
        return Sample(row, response)

    def groups(self) -> Iterator[range]:
        """The runs of neighbouring completions with the same prompt and columns: TRL puts those of a row together."""
        start = 0
        for index in range(1, len(self.completions) + 1):
            if index == len(self.completions) or not self._same_row(index - 1, index):
                yield range(start, index)
                start = index

    def _same_row(self, one: int, other: int) -> bool:
        lists = (self.prompts, *self.columns.values())
        return all(bool(values[one] == values[other]) for values in lists)

    def _messages(self, index: int) -> list[dict[str, Any]]:
        return [
            *_conversation(self.prompts[index], "user", f"{self.reward}: prompts[{index}]"),
            *_conversation(self.completions[index], "assistant", f"{self.reward}: completions[{index}]"),
        ]


def read_call(reward: str, prompts: Any, completions: Any, keywords: Mapping[str, Any]) -> TrlCall:
    """What TRL passed, with every list as long as the completions.

    Raises:
        RewardCallError: naming the list that is not, or the value that cannot be decoded.
    """
    own = {name: value for name, value in keywords.items() if name in TRLS_OWN}
    columns = {name: value for name, value in keywords.items() if name not in TRLS_OWN}
    if not _is_list(completions):
        raise RewardCallError(f"{reward}: completions is {type(completions).__name__}, not a list")
    for name, values in {"prompts": prompts, **columns}.items():
        if not _is_list(values):
            raise RewardCallError(
                f"{reward}: the column {name!r} is {type(values).__name__}, not a list with one value a completion. "
                "Values that are the same for all are bound to the reward itself (functools.partial)"
            )
        if len(values) != len(completions):
            raise RewardCallError(
                f"{reward}: {len(completions)} completions, but {len(values)} values in {name!r}. "
                "Pass one value a completion, in the same order"
            )
    decoded = {name: [_decoded(reward, name, i, v) for i, v in enumerate(values)] for name, values in columns.items()}
    return TrlCall(reward, prompts, completions, decoded, own)


def without_none(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without the keys that Arrow filled in; `content` alone may be None on purpose."""
    return {key: value for key, value in message.items() if value is not None or key == "content"}


def _decoded(reward: str, column: str, index: int, value: Any) -> Any:
    try:
        return decode_value(value)
    except RewardCallError as error:
        raise RewardCallError(f"{reward}: {column}[{index}]: {error}") from None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _conversation(value: Any, role: str, where: str) -> list[dict[str, Any]]:
    """Text as one message of this role, messages as they are."""
    if isinstance(value, str):
        return [{"role": role, "content": value}]
    if _is_list(value) and value and all(isinstance(message, Mapping) for message in value):
        return [without_none(message) for message in value]
    shown = "an empty list" if value == [] else type(value).__name__
    raise RewardCallError(f"{where} is {shown}, neither text nor a list of messages. Look at the dataset's prompts")
