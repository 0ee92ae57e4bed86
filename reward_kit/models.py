"""The values that flow: messages and rows in, results and outcomes out.

`Message`, `MetricResult`, `StepOutput` and `EvaluateResult` keep reward-kit 0.4.1's fields and dict-like access.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Outcome(StrEnum):
    """What became of one graded response; every result has exactly one."""

    PASSED = "passed"
    WRONG_ANSWER = "wrong_answer"
    NO_ANSWER = "no_answer"
    AMBIGUOUS = "ambiguous"
    TRUNCATED = "truncated"
    BAD_FORMAT = "bad_format"
    GOLD_DEFECT = "gold_defect"
    REWARD_ERROR = "reward_error"
    INFRA_ERROR = "infra_error"
    ABSTAINED = "abstained"

    @property
    def is_error(self) -> bool:
        """True where no verdict was reached because the reward or its surroundings broke."""
        return self in (Outcome.REWARD_ERROR, Outcome.INFRA_ERROR)


class Polarity(StrEnum):
    """What a control does to the right verdict: it must still pass, or it must now fail."""

    PRESERVING = "preserving"
    FLIPPING = "flipping"


class DictLike(BaseModel):
    """Attribute access and read-only mapping access to the same fields, as reward-kit's users write both."""

    def __getitem__(self, key: str) -> Any:
        if key in type(self).model_fields:
            return getattr(self, key)
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return key in type(self).model_fields

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # reward-kit iterates keys, pydantic pairs
        return iter(type(self).model_fields)

    def get(self, key: str, default: Any = None) -> Any:
        """The field's value, or `default` where there is no such field."""
        return self[key] if key in self else default  # noqa: SIM401  # this is what dict.get is made of

    def _fields_as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}

    def keys(self) -> KeysView[str]:
        """The field names."""
        return self._fields_as_dict().keys()

    def values(self) -> ValuesView[Any]:
        """The field values, in the order of `keys`."""
        return self._fields_as_dict().values()

    def items(self) -> ItemsView[str, Any]:
        """The fields as (name, value) pairs."""
        return self._fields_as_dict().items()


class FunctionCall(BaseModel):
    """The function a tool call names, its arguments as JSON text (or as the object some servers send)."""

    model_config = ConfigDict(extra="allow")

    name: str
    arguments: str | dict[str, Any] = "{}"


class ToolCall(BaseModel):
    """One tool call in OpenAI's shape; `id` may be missing, as it is in most datasets."""

    model_config = ConfigDict(extra="allow")

    id: str | None = None
    type: str = "function"
    function: FunctionCall


class Message(BaseModel):
    """One chat message. Fields it does not know are ignored, as in reward-kit."""

    role: str
    content: str | None = ""
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: FunctionCall | None = None
    reasoning_content: str | None = None
    finish_reason: str | None = None


class MetricResult(DictLike):
    """One named part of a result; `score` lies in [0, 1]."""

    is_score_valid: bool = True
    score: float = Field(ge=0.0, le=1.0)
    reason: str


class StepOutput(DictLike):
    """The reward of one step of a multi-step rollout."""

    step_index: int | str
    base_reward: float
    metrics: dict[str, Any] = Field(default_factory=dict)
    reason: str | None = None


class EvaluateResult(DictLike):
    """What a reward says of one response.

    `score` is not bounded here: the suite declares its range. `outcome` is None where the reward states none;
    `extracted` and `extracted_gold` are what was read as the final answer, `decided_by` the layer that compared.
    """

    score: float
    is_score_valid: bool = True
    reason: str | None = None
    metrics: dict[str, MetricResult] = Field(default_factory=dict)
    step_outputs: list[StepOutput] | None = None
    error: str | None = None
    outcome: Outcome | None = None
    extracted: str | None = None
    extracted_gold: str | None = None
    decided_by: str | None = None


def text_of(content: object) -> str:
    """The text of a message's content: the string itself, the text parts of a list joined, nothing for None."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return "" if content is None else str(content)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a dataset.jsonl.

    `messages` may end in the reference assistant turn; `line` is its 1-based line in the file; `columns` holds
    every further column (`tools`, `tests`, `components`, `source`, ...) as it was read.
    """

    id: str
    messages: tuple[Mapping[str, Any], ...]
    ground_truth: Any
    columns: Mapping[str, Any]
    line: int

    @property
    def prompt(self) -> tuple[Mapping[str, Any], ...]:
        """The messages before the reference turn."""
        return self.messages[:-1] if self.reference is not None else self.messages

    @property
    def reference(self) -> Mapping[str, Any] | None:
        """The reference assistant turn, or None where the row ends in a prompt."""
        last = self.messages[-1]
        return last if last.get("role") == "assistant" else None


@dataclass(frozen=True, slots=True)
class Sample:
    """A row with one response to grade: the reference, a regenerated one, or a control."""

    row: Row
    response: Mapping[str, Any]

    @property
    def response_text(self) -> str:
        """The response as the text a trainer decodes: reasoning given apart stands before it in think tags."""
        reasoning, content = self.response.get("reasoning_content"), text_of(self.response.get("content"))
        return f"<think>\n{reasoning}\n</think>\n\n{content}" if reasoning else content

    @property
    def messages(self) -> tuple[Mapping[str, Any], ...]:
        """The whole conversation as a reward gets it: the row's prompt, then the response."""
        return (*self.row.prompt, self.response)
