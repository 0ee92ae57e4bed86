"""Call shapes: how reward-kit, TRL, verl and OpenRLHF call a reward, recognised by its signature.

Sources: reward-kit 0.4.1 `typed_interface.reward_function`; TRL `GRPOTrainer` (`reward_funcs`); verl
`utils.reward_score` (`compute_score`); OpenRLHF remote reward function (`reward_func(queries, prompts, labels)`).
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reward_kit.errors import RewardShapeError
from reward_kit.models import Sample, text_of


@dataclass(frozen=True, slots=True)
class Signature:
    """What matters of a function's signature.

    `names` are the parameters it takes by keyword, `takes_any` says whether it has **kwargs, `strings` are the
    parameters annotated as lists of strings.
    """

    names: frozenset[str]
    takes_any: bool
    strings: frozenset[str]

    def pick(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `values` that the function accepts, as copies: what a reward changes is gone with its call."""
        return {name: _copy(value) for name, value in values.items() if self.takes_any or name in self.names}


class CallShape:
    """One way of calling a reward; a subclass says by which parameters it is known."""

    title: ClassVar[str]
    example: ClassVar[str]
    #: Parameters that this shape alone has: all must be there.
    marks: ClassVar[frozenset[str]]
    #: True where one call takes many samples.
    many: ClassVar[bool] = False

    def __init__(self, signature: Signature) -> None:
        self.signature = signature

    def arguments(self, samples: Sequence[Sample]) -> dict[str, Any]:
        """The keyword arguments of one call on these samples."""
        raise NotImplementedError

    def unpack(self, answer: Any, count: int) -> list[Any]:
        """What one call returned, as one value a sample.

        Raises:
            RewardShapeError: where it is not a list of `count` values.
        """
        return [answer]


class Pointwise(CallShape):
    """reward-kit: one conversation a call."""

    title = "reward-kit, pointwise"
    example = "f(messages, ground_truth, **kwargs)"
    marks = frozenset({"messages"})

    def arguments(self, samples: Sequence[Sample]) -> dict[str, Any]:
        sample = samples[0]
        named = {"messages": list(sample.messages), "ground_truth": sample.row.ground_truth}
        return self.signature.pick({**sample.row.columns, **named})


class Batch(CallShape):
    """reward-kit's batch mode: the conversations of one row a call; here each row brings one."""

    title = "reward-kit, batch"
    example = '@reward_function(mode="batch") f(rollouts_messages, ground_truth, **kwargs)'
    marks = frozenset({"rollouts_messages"})

    def arguments(self, samples: Sequence[Sample]) -> dict[str, Any]:
        row = samples[0].row
        named = {"rollouts_messages": [list(sample.messages) for sample in samples], "ground_truth": row.ground_truth}
        if "ground_truth_for_eval" in self.signature.names - row.columns.keys():  # as reward-kit's own examples name it
            named["ground_truth_for_eval"] = row.ground_truth
        return self.signature.pick({**row.columns, **named})

    def unpack(self, answer: Any, count: int) -> list[Any]:
        return _list_of(answer, count)


class Trl(CallShape):
    """TRL: lists over rows, every column a list; prompts and completions conversational as the dataset is."""

    title = "TRL"
    example = "f(prompts, completions, **columns) -> list[float | None]"
    marks = frozenset({"completions"})
    many = True

    def arguments(self, samples: Sequence[Sample]) -> dict[str, Any]:
        plain = "completions" in self.signature.strings
        named: dict[str, Any] = {
            "prompts": [_prompt_text(s) if plain else list(s.row.prompt) for s in samples],
            "completions": [s.response_text if plain else [s.response] for s in samples],
            "ground_truth": [sample.row.ground_truth for sample in samples],
        }
        names = dict.fromkeys(name for sample in samples for name in sample.row.columns)
        columns = {name: [sample.row.columns.get(name) for sample in samples] for name in names}
        return self.signature.pick(columns | named)  # a column named completions must not stand for the response

    def unpack(self, answer: Any, count: int) -> list[Any]:
        return _list_of(answer, count)


class Verl(CallShape):
    """verl: one response text a call, the row's further columns as extra_info."""

    title = "verl"
    example = "compute_score(data_source, solution_str, ground_truth, extra_info=None)"
    marks = frozenset({"solution_str", "ground_truth"})

    def arguments(self, samples: Sequence[Sample]) -> dict[str, Any]:
        row = samples[0].row
        source = row.columns.get("data_source", row.columns.get("source", ""))
        named = {
            "data_source": source,
            "solution_str": samples[0].response_text,
            "ground_truth": row.ground_truth,
            "extra_info": dict(row.columns),
        }
        return self.signature.pick(named)


class OpenRlhf(CallShape):
    """OpenRLHF: lists of texts; a query is the prompt and the response in one."""

    title = "OpenRLHF"
    example = "reward_func(queries, prompts, labels)"
    marks = frozenset({"queries", "prompts", "labels"})
    many = True

    def arguments(self, samples: Sequence[Sample]) -> dict[str, Any]:
        prompts = [_prompt_text(sample) for sample in samples]
        queries = [prompt + sample.response_text for prompt, sample in zip(prompts, samples, strict=True)]
        labels = [sample.row.ground_truth for sample in samples]
        return self.signature.pick({"queries": queries, "prompts": prompts, "labels": labels})

    def unpack(self, answer: Any, count: int) -> list[Any]:
        if isinstance(answer, Mapping) and "rewards" in answer:
            answer = answer["rewards"]
        return _list_of(answer, count)


SHAPES: tuple[type[CallShape], ...] = (Pointwise, Batch, Trl, Verl, OpenRlhf)


def detect_shape(name: str, function: Callable[..., Any]) -> CallShape:
    """The call shape of `function`, by its parameters.

    Raises:
        RewardShapeError: showing the signature and the known shapes where none or several fit.
    """
    try:
        shown = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise RewardShapeError(f"{name} has no signature to read ({error}). {_known_shapes()}") from None
    signature = _read(function, shown)
    fitting = [shape for shape in SHAPES if shape.marks <= signature.names]
    if len(fitting) != 1:
        what = "fits no known call shape" if not fitting else "fits several call shapes"
        raise RewardShapeError(f"{name}{shown} {what}. {_known_shapes()}")
    shape = fitting[0](signature)
    if getattr(function, "_reward_function_mode", None) == "batch" and not isinstance(shape, Batch):
        raise RewardShapeError(f'{name}{shown} is marked mode="batch" but takes no rollouts_messages')
    return shape


def _known_shapes() -> str:
    return "Known shapes:" + "".join(f"\n  {shape.title}: {shape.example}" for shape in SHAPES)


def _read(function: Callable[..., Any], signature: inspect.Signature) -> Signature:
    kinds = inspect.Parameter
    named = {
        n: p for n, p in signature.parameters.items() if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    }
    takes_any = any(p.kind is kinds.VAR_KEYWORD for p in signature.parameters.values())
    return Signature(frozenset(named), takes_any, _string_lists(function))


def _string_lists(function: Callable[..., Any]) -> frozenset[str]:
    """The parameters annotated as lists of strings: their rewards want texts, not message lists."""
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    lists = (list[str], typing.List[str], Sequence[str], typing.Sequence[str])  # noqa: UP006
    return frozenset(name for name, hint in annotations_of(function).items() if hint in lists)


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's annotations as types; none where they can only be resolved by a type checker."""
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return {}


def _copy(value: Any) -> Any:
    """A deep copy of what JSON can hold; anything else is passed on."""
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_copy(part) for part in value]
    return value


def _prompt_text(sample: Sample) -> str:
    return "\n".join(text_of(message.get("content")) for message in sample.row.prompt)


def _list_of(answer: Any, count: int) -> list[Any]:
    values = answer.tolist() if hasattr(answer, "tolist") else answer
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Sequence):
        raise RewardShapeError(f"the reward returned {type(answer).__name__}, not a list of {count} rewards")
    if len(values) != count:
        raise RewardShapeError(f"the reward returned {len(values)} rewards for {count} completions")
    return list(values)
