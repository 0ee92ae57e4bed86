"""The answers file: which authored answers the stand-in gives to which row's prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from reward_kit.dataset import read_dataset
from reward_kit.errors import DatasetError, Defect
from reward_kit.jsonl import canonical_json, read_jsonl
from reward_kit.models import Row
from reward_kit.settings import Settings, problem_of

ANSWERS_FILE = "answers.jsonl"
#: Messages that a client may put in front of a row's own prompt.
_PREFIX_ROLES = ("system", "developer")


class _Function(Settings):
    name: str
    #: JSON as text, as the API has it; not parsed, so that an author can write a broken call.
    arguments: str


class ToolCall(Settings):
    """One call as the model would make it; a missing id is filled in."""

    function: _Function
    id: str | None = None
    type: Literal["function"] = "function"


class Usage(Settings):
    """How many tokens the answer is said to have."""

    completion_tokens: Annotated[int, Field(ge=1)]
    prompt_tokens: Annotated[int, Field(ge=1)] | None = None


class Answer(Settings):
    """One authored answer."""

    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: Annotated[list[ToolCall], Field(min_length=1)] | None = None
    finish_reason: Literal["stop", "length", "tool_calls"] | None = None
    usage: Usage | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Answer:
        if self.content is None and self.reasoning_content is None and self.tool_calls is None:
            raise ValueError("an answer has content, reasoning_content or tool_calls")
        return self


class _Line(Settings):
    id: str
    answers: Annotated[list[Answer], Field(min_length=1)]


@dataclass(frozen=True)
class Answers:
    """Authored answers by prompt; `missing` are the ids of rows for which there is none."""

    by_prompt: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path, dataset: Path) -> Answers:
        """Read an answers file, lines of {"id": ROW, "answers": [{"content": ...}, ...]}, and the dataset it is for.

        Raises:
            DatasetError: naming every defect of either file, an id twice or unknown to the dataset among them.
        """
        rows = {row.id: row for row in read_dataset(dataset)}
        defects: list[Defect] = []
        lines: dict[str, tuple[int, tuple[Answer, ...]]] = {}
        for number, value in read_jsonl(path, defects):
            line = _parse(path, number, value)
            if isinstance(line, Defect):
                defects.append(line)
            elif problem := _id_problem(line.id, lines, rows, dataset):
                defects.append(Defect(path, number, *problem))
            else:
                lines[line.id] = (number, tuple(line.answers))
        defects += _same_prompts(path, lines, rows)
        if defects:
            raise DatasetError(sorted(defects, key=lambda defect: defect.line))
        found = {canonical_json(rows[row_id].prompt): answers for row_id, (_, answers) in lines.items()}
        return cls(found, tuple(row_id for row_id, row in rows.items() if canonical_json(row.prompt) not in found))

    def find(self, messages: Sequence[Mapping[str, Any]]) -> tuple[Answer, ...] | None:
        """The answers to a request's messages: a row's prompt, behind system messages where the client adds some."""
        for start in range(len(messages)):
            if answers := self.by_prompt.get(canonical_json(messages[start:])):
                return answers
            if messages[start].get("role") not in _PREFIX_ROLES:
                return None
        return None


def _parse(path: Path, number: int, value: Mapping[str, Any]) -> _Line | Defect:
    try:
        return _Line.model_validate(value)
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"])) or "the line"
        remedy = 'Write {"id": ROW, "answers": [{"content": ...}]}'
        return Defect(path, number, f"{where}: {problem_of(found)}", remedy)


def _id_problem(
    row_id: str, lines: Mapping[str, tuple[int, Any]], rows: Mapping[str, Row], dataset: Path
) -> tuple[str, str] | None:
    if row_id in lines:
        problem = f"the id {row_id!r} is the id of line {lines[row_id][0]} too"
        return problem, "Put all answers to a row on one line"
    if row_id not in rows:
        return f"the id {row_id!r} is not in {dataset}", "Correct the id, or delete the line"
    return None


def _same_prompts(path: Path, lines: Mapping[str, tuple[int, Any]], rows: Mapping[str, Row]) -> Iterator[Defect]:
    """Rows with one prompt cannot have answers each: a request does not say which row it is for."""
    first: dict[str, str] = {}
    for row_id, (number, _) in lines.items():
        other = first.setdefault(canonical_json(rows[row_id].prompt), row_id)
        if other != row_id:
            problem = f"the row {row_id!r} has the same prompt as {other!r} (line {lines[other][0]})"
            yield Defect(path, number, problem, "Keep the answers of one of the two: a request names no row")
