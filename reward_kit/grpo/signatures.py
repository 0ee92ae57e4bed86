"""What a reward's parameters say of the columns it will get: missing ones, reserved ones, misspelt ones."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reward_kit.call_shapes import Batch, CallShape, OpenRlhf, Pointwise, Trl, Verl, detect_shape
from reward_kit.errors import RewardShapeError
from reward_kit.grpo.calls import RESERVED
from reward_kit.grpo.recorder import TRL_KEYWORDS
from reward_kit.grpo.shapes import Diagnosis

#: What each call shape hands over beside, or instead of, the columns of a row.
_HANDED: dict[type[CallShape], frozenset[str]] = {
    Pointwise: frozenset({"messages", "ground_truth"}),
    Batch: frozenset({"rollouts_messages", "ground_truth", "ground_truth_for_eval"}),
    Trl: TRL_KEYWORDS,
    Verl: frozenset({"data_source", "solution_str", "ground_truth", "extra_info"}),
    OpenRlhf: frozenset({"queries", "prompts", "labels"}),
}
_NO_COLUMNS = (Verl, OpenRlhf)
#: difflib's ratio from which two names are one misspelt: `groundtruth`, `ground_truths`, `grund_truth` are above it.
_NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Parameters:
    """A reward's parameters as they meet the columns of a dataset.

    `required` and `optional` are those that nothing provides; `defaults` the values the optional ones keep.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    defaults: dict[str, Any]
    named: frozenset[str]
    #: True where the reward takes TRL's keywords but not all of them.
    needs_kwargs: tuple[str, ...]
    columns: tuple[str, ...]

    def waits(self, name: str) -> bool:
        """Whether an optional parameter's default is nothing, as a column's is and a setting's mostly is not."""
        return self.defaults[name] is None or self.defaults[name] in ("", [], (), {})

    def near(self, name: str) -> str | None:
        """The column that `name` misspells; None where there is none, or where the reward takes that column as well."""
        found = difflib.get_close_matches(name, [c for c in self.columns if c not in self.named], n=1, cutoff=_NEAR)
        return found[0] if found else None


def read_parameters(function: Callable[..., Any], columns: Sequence[str]) -> Parameters | None:
    """The parameters of a reward of any call shape; None where its signature cannot be read."""
    try:
        parameters = inspect.signature(function).parameters.values()
        shape = type(detect_shape("reward", function))
    except (RewardShapeError, TypeError, ValueError):
        return None
    by_name = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY, p.POSITIONAL_ONLY)]
    usable = tuple(name for name in columns if name not in RESERVED)
    handed = _HANDED[shape] | (frozenset() if shape in _NO_COLUMNS else frozenset(usable))
    unknown = [p for p in by_name if p.name not in handed]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    names = frozenset(p.name for p in by_name)
    given = [*sorted(TRL_KEYWORDS - {"environments"}), *usable]
    return Parameters(
        required=tuple(p.name for p in unknown if p.default is p.empty),
        optional=tuple(p.name for p in unknown if p.default is not p.empty),
        defaults={p.name: p.default for p in unknown if p.default is not p.empty},
        named=names,
        needs_kwargs=() if shape is not Trl or open_ended else tuple(name for name in given if name not in names),
        columns=tuple(sorted(handed - TRL_KEYWORDS)) if shape in _NO_COLUMNS else usable,
    )


def signature_defects(parameters: Parameters) -> list[Diagnosis]:
    """What must go wrong with every call, whatever the reward does."""
    found = []
    if parameters.needs_kwargs:
        names = ", ".join(parameters.needs_kwargs)
        problem = f"the reward has no **kwargs, but TRL also hands it {names}"
        found.append(Diagnosis("needs_kwargs", problem, "Add **kwargs to its parameters"))
    found += [reserved(name) if name in RESERVED else _missing(name, parameters) for name in parameters.required]
    # An optional one that waits for a value can never get it; one with a value of its own may be a setting.
    waiting = [name for name in parameters.optional if parameters.waits(name)]
    return found + [reserved(name) for name in waiting if name in RESERVED]


def reserved(name: str) -> Diagnosis:
    """A column or parameter of a name that TRL keeps to itself."""
    if name == "completion_ids":
        problem = "a column is called completion_ids, which TRL replaces by the token ids of the completions"
        return Diagnosis("reserved_column", problem, "Rename the column")
    problem = f"the reward wants {name}, which TRL never hands over, not even where the dataset has such a column"
    remedy = f"Read {name}s, which TRL provides, or rename the column"
    return Diagnosis("reserved_column", problem, remedy)


def misspelt(name: str, column: str | None, columns: Iterable[str]) -> Diagnosis:
    """An optional parameter that was meant to be a column."""
    problem = f"the reward's parameter {name} is no column of the dataset, so it always has its default"
    return Diagnosis("misspelt_column", problem, _rename(column, columns))


def _missing(name: str, parameters: Parameters) -> Diagnosis:
    near = difflib.get_close_matches(name, parameters.columns, n=1, cutoff=0.6)
    problem = f"the reward requires {name}, and no column of the dataset has that name"
    return Diagnosis("missing_column", problem, _rename(near[0] if near else None, parameters.columns))


def _rename(column: str | None, columns: Iterable[str]) -> str:
    if column:
        return f"Did you mean {column}? Rename the parameter"
    return f"Rename the parameter, or add the column; the dataset has {', '.join(columns)}"
