"""suite.toml: a suite's reward, its scale and its steps, as typed settings with every defect named."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, create_model, field_validator

from reward_kit.dataset import DATASET_FILE, read_dataset
from reward_kit.errors import DatasetError, Defect, SuiteError
from reward_kit.models import Row
from reward_kit.reward import Reward, load_reward
from reward_kit.settings import Settings, problem_of
from reward_kit.steps import STEPS, Step
from reward_kit.verdict import Scale

SUITE_FILE = "suite.toml"


@dataclass(frozen=True)
class Suite:
    """A suite as it was read: its name is its folder's; `steps` are the declared ones, in order of `STEPS`."""

    name: str
    folder: Path
    reward: str
    scale: Scale
    rows: tuple[Row, ...]
    steps: Mapping[str, Step[Any]]

    @property
    def path(self) -> Path:
        return self.folder / SUITE_FILE

    def load_reward(self) -> Reward:
        """The declared reward; modules beside suite.toml and in the working folder can be named.

        Raises:
            RewardShapeError: where it cannot be imported or its call shape is not known.
        """
        return load_reward(self.reward, [self.folder, Path.cwd()])


class _Header(Settings):
    reward: str
    range: Annotated[list[float], Field(min_length=2, max_length=2)] = Field(default=[0.0, 1.0])
    pass_at: float | None = None

    @field_validator("reward")
    @classmethod
    def _dotted(cls, value: str) -> str:
        if not re.fullmatch(r"[^:\s]+:[^:\s]+", value):
            raise ValueError('must be "module:function"')
        return value

    @field_validator("range")
    @classmethod
    def _ordered(cls, value: list[float]) -> list[float]:
        low, high = value
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError("must be [low, high] with low < high, both finite")
        return value

    @field_validator("pass_at")
    @classmethod
    def _decisive(cls, value: float | None, info: ValidationInfo) -> float | None:
        low, high = info.data.get("range", (-math.inf, math.inf))  # a range that is wrong is reported by itself
        if value is not None and not low < value <= high:
            raise ValueError(f"must be above {low:g} and at most {high:g}, or every row or none could pass")
        return value

    @property
    def scale(self) -> Scale:
        low, high = self.range
        return Scale(low, high, high if self.pass_at is None else self.pass_at)


_step_fields: dict[str, Any] = {step.name: (step.settings_type | None, None) for step in STEPS}
_File = create_model("_File", __base__=_Header, **_step_fields)


def load_suite(folder: Path) -> Suite:
    """Read a suite's folder: suite.toml and dataset.jsonl.

    Raises:
        SuiteError: naming every defect of suite.toml, or its absence.
        DatasetError: naming every defect of dataset.jsonl or of another file that a step needs, or its absence.
    """
    path = folder / SUITE_FILE
    settings = read_settings(path)
    dataset = folder / DATASET_FILE
    if not dataset.exists() and settings.data is not None and settings.data.source is not None:
        raise DatasetError([Defect(dataset, 0, "is not there", f"Run 'reward-kit prepare {folder.resolve().name}'")])
    rows = tuple(read_dataset(dataset))
    declared = {step.name: getattr(settings, step.name) for step in STEPS}
    steps = {s.name: s(declared[s.name], folder, rows, settings.scale) for s in STEPS if declared[s.name] is not None}
    if defects := [defect for step in steps.values() for defect in step.defects()]:
        raise DatasetError(defects)
    return Suite(folder.resolve().name, folder, settings.reward, settings.scale, rows, steps)


def read_settings(path: Path) -> Any:
    """A suite.toml as typed settings: the header's keys, and one attribute a step, None where it is not declared.

    Raises:
        SuiteError: naming every defect of the file, or its absence.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise SuiteError(
            [Defect(path, 0, f"cannot be opened ({error.strerror})", "Write it, or name another")]
        ) from None
    except UnicodeDecodeError:
        raise SuiteError([Defect(path, 0, "is not UTF-8", "Save the file as UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        line = int(where.group(1)) if where else len(text.splitlines())  # "at end of document"
        raise SuiteError([Defect(path, line, f"is not TOML ({error})", "Correct the line")]) from None
    try:
        settings = _File.model_validate(_floats(values))
    except ValidationError as error:
        defects = [_defect(path, text, dict(found)) for found in error.errors()]
        raise SuiteError(sorted(defects, key=lambda defect: defect.line)) from None
    if not any(getattr(settings, step.name) for step in STEPS):
        known = ", ".join(f"[{step.name}]" for step in STEPS)
        raise SuiteError([Defect(path, 0, "declares no step", f"Add at least one of {known}")])
    return settings


def _floats(values: dict[str, Any]) -> dict[str, Any]:
    """Let the header's numbers be written as integers: `range = [0, 1]`."""
    header = dict(values)
    if isinstance(header.get("range"), list):
        header["range"] = [float(v) if type(v) is int else v for v in header["range"]]
    return header


def _defect(path: Path, text: str, found: Mapping[str, Any]) -> Defect:
    location = tuple(str(part) for part in found["loc"])
    key = ".".join(location) or "the file"
    line = _line_of(text, location)
    if found["type"] == "extra_forbidden":
        return Defect(path, line, f"unknown key {key!r}", f"Known here: {', '.join(_known_keys(location))}")
    if found["type"] == "missing":
        return Defect(path, line, f"{key!r} is missing", "Add it")
    given = f" (it is {found['input']!r})" if location and not isinstance(found["input"], dict) else ""
    return Defect(path, line, f"{key}: {problem_of(found)}{given}", "Correct the value")


def _known_keys(location: Sequence[str]) -> list[str]:
    model: Any = _File
    for part in location[:-1]:
        annotation = model.model_fields[part].annotation
        choices = [annotation, *getattr(annotation, "__args__", ())]
        model = next(choice for choice in choices if isinstance(choice, type) and issubclass(choice, Settings))
    return list(model.model_fields)


def _line_of(text: str, location: Sequence[str]) -> int:
    """The 1-based line of a key: its own where it has one, else that of the table or key around it; 0 for the file."""
    table: tuple[str, ...] = ()
    best, depth, in_text = 0, 0, False
    for number, line in enumerate(text.split("\n"), start=1):
        was_in_text = in_text
        in_text ^= (line.count('"""') + line.count("'''")) % 2 == 1
        if was_in_text:  # a prompt over several lines may hold what looks like a key
            continue
        if header := re.match(r"\s*\[+([^\[\]=]+)\]+", line):
            here = table = _parts(header.group(1))
        elif key := re.match(r"([^=#\[\]{}]+)=", line):
            here = (*table, *_parts(key.group(1)))
        else:
            continue
        if here == tuple(location[: len(here)]) and len(here) > depth:
            best, depth = number, len(here)
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


__all__ = ["DATASET_FILE", "SUITE_FILE", "DatasetError", "Suite", "SuiteError", "load_suite"]
