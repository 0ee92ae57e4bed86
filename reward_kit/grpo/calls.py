"""Calling a reward as TRL 1.16 will: the batch of a training step, its keywords, its thread, and what comes back.

Source: trl/trainer/grpo_trainer.py, `GRPOTrainer._calculate_rewards`.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

from pydantic import BaseModel

from reward_kit.errors import RewardKitError
from reward_kit.grpo.recorder import CallRecorder, as_number, is_async
from reward_kit.grpo.shapes import TrainingRow, TrlReward

#: Columns that TRL keeps to itself or replaces by its own.
RESERVED = ("prompt", "completion", "completion_ids")
_PACKAGE = str(Path(__file__).parents[1])


@dataclass(frozen=True, slots=True)
class Item:
    """One completion of a batch: the row it is for, and its text; `columns_of` is another row whose columns it gets."""

    row: TrainingRow
    text: str
    columns_of: TrainingRow | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to: `values` as TRL reads them, one a completion (None where the reward abstains).

    `problem` says why there are none, `error` is what the reward raised.
    """

    values: tuple[float | None, ...] = ()
    problem: str = ""
    error: BaseException | None = None
    place: str = ""

    @property
    def came(self) -> bool:
        """True where TRL would take it."""
        return not self.problem

    @property
    def numbers(self) -> tuple[float, ...]:
        return tuple(value for value in self.values if value is not None)


def batch_of(rows: Iterable[TrainingRow], generations: int) -> tuple[Item, ...]:
    """Each row's gold and decoys as one contiguous group, every group of the same size.

    The size is `generations`, or what the row with most decoys needs. Copies of a text stand together, gold first:
    a group read backwards is then never the same group.
    """
    rows = tuple(rows)
    size = max([generations, *(1 + len(row.decoys) for row in rows)])
    return tuple(Item(row, text) for row in rows for text in _spread(_texts(row), size))


def _texts(row: TrainingRow) -> list[str]:
    return [row.gold, *(decoy.text for decoy in row.decoys)]


def _spread(texts: Sequence[str], size: int) -> list[str]:
    return [texts[place * len(texts) // size] for place in range(size)]


def columns_of(rows: Iterable[TrainingRow]) -> tuple[str, ...]:
    """The columns of the training dataset beside the prompt, those included that TRL keeps to itself."""
    return tuple(dict.fromkeys(["ground_truth", *(name for row in rows for name in row.row.columns)]))


def column(items: Sequence[Item], name: str) -> list[Any]:
    """One column as TRL hands it over: a list over the batch."""
    rows = ((item.columns_of or item.row).row for item in items)
    return [copy.deepcopy(row.ground_truth if name == "ground_truth" else row.columns.get(name)) for row in rows]


def keywords_of(items: Sequence[Item], columns: Iterable[str], conversational: bool = True) -> dict[str, Any]:
    """The keywords of one call; fresh copies, so that what a reward changes is gone with its call.

    `conversational` False gives prompts and completions as strings, as a dataset of string prompts would.
    """
    keywords = {name: column(items, name) for name in columns if name not in RESERVED}
    prompts = [[dict(message) for message in item.row.row.prompt] for item in items]
    answers = [[{"role": "assistant", "content": item.text}] for item in items]
    return keywords | {
        "prompts": prompts if conversational else ["\n".join(str(m.get("content")) for m in p) for p in prompts],
        "completions": answers if conversational else [item.text for item in items],
        "completion_ids": [list(item.text.encode()) for item in items],
        "trainer_state": _trainer_state(),
        "log_extra": lambda column, values: None,
        "log_metric": lambda name, value: None,
    }


def _trainer_state() -> SimpleNamespace:
    """transformers.TrainerState before the first step, without transformers."""
    unset = "best_metric best_global_step best_model_checkpoint trial_name trial_params train_batch_size"
    none_yet = "global_step total_flos num_input_tokens_seen"
    yes_and_no = {"is_local_process_zero": True, "is_world_process_zero": True, "is_hyper_param_search": False}
    plan = {"epoch": 0.0, "max_steps": 10, "num_train_epochs": 1, "logging_steps": 1, "eval_steps": 500}
    fields = dict.fromkeys(unset.split()) | dict.fromkeys(none_yet.split(), 0) | yes_and_no | plan
    return SimpleNamespace(**fields, save_steps=500, log_history=[], stateful_callbacks={})


class Caller:
    """Calls a reward as TRL does: a function here, a coroutine on one event loop in a thread of its own.

    To be used in a `with`; `columns` are what every call hands over.
    """

    def __init__(self, reward: CallRecorder, columns: Sequence[str]) -> None:
        self.reward = reward
        self.columns = tuple(columns)
        self.is_async = is_async(reward)

    def __enter__(self) -> Caller:
        # One loop for all calls, as in TRL: a client that a reward keeps belongs to the loop it was made on.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __call__(
        self, items: Sequence[Item], conversational: bool = True, more: Mapping[str, Any] | None = None
    ) -> Answer:
        """One call as TRL makes it; with `more` columns or as strings, one that it would not make: not recorded."""
        reward: TrlReward = self.reward if conversational and not more else self.reward.__wrapped__
        keywords = keywords_of(items, self.columns, conversational) | dict(more or {})
        return _answer(lambda: self._awaited(reward(**keywords)), len(items))

    def elsewhere(self, items: Sequence[Item]) -> Answer:
        """The same call in the other thread: a function in a worker, a coroutine in the main thread."""
        keywords = keywords_of(items, self.columns)
        if self.is_async:
            return _answer(lambda: asyncio.run(self.reward(**keywords)), len(items))
        return _in_thread(lambda: _answer(lambda: self.reward(**keywords), len(items)))

    def _awaited(self, answer: Any) -> Any:
        if not self.is_async:
            return answer
        came = asyncio.run_coroutine_threadsafe(_outcome(answer), self._loop).result()
        if isinstance(came, _Raised):
            raise came.error
        return came


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


async def _outcome(work: Awaitable[Any]) -> Any:
    """What is awaited, or what it raised: a SystemExit would end the event loop, and nobody would hear of it."""
    try:
        return await work
    except BaseException as error:  # noqa: BLE001  # raised again where the call was made
        return _Raised(error)


def _in_thread(call: Callable[[], Answer]) -> Answer:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def _answer(call: Callable[[], Any], count: int) -> Answer:
    """What the call returned, read as TRL reads it."""
    try:
        returned = call()
        if inspect.iscoroutine(returned):
            returned.close()
            return Answer(problem="returns a coroutine without being an async function, so TRL never awaits it")
        if problem := _no_list(returned):
            return Answer(problem=problem)
        values = list(returned)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a reward raises is reported; pytest.fail raises such too
        return Answer(problem="raises", error=_root(error), place=_place(_root(error)))
    if len(values) != count:
        return Answer(problem=f"returns {len(values)} values for {count} completions")
    numbers = [as_number(value) for value in values]
    for value, number in zip(values, numbers, strict=True):
        if value is not None and number is None:
            return Answer(problem=f"returns {_called(value)} where TRL wants a number for each completion")
    return Answer(tuple(numbers))


def _no_list(returned: Any) -> str:
    """Why it is no list of values: TRL would iterate over a string, a mapping or a result as if it were one."""
    one_thing = isinstance(returned, (str, bytes, Mapping, BaseModel)) or not hasattr(returned, "__iter__")
    if one_thing or not getattr(returned, "shape", (1,)):  # a tensor or array of no dimension is one number
        return f"returns {_called(returned)} where TRL wants a list with a number for each completion"
    return ""


def _called(value: Any) -> str:
    return "None" if value is None else f"{type(value).__name__} {value!r:.60}"


def _root(error: BaseException) -> BaseException:
    """The user's own error, where an adapter wrapped it."""
    while isinstance(error, RewardKitError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _place(error: BaseException) -> str:
    """file:line where the user's code raised: the deepest frame outside this package."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)] or frames
    local = [f for f in own if "site-packages" not in f.filename and "/lib/python" not in f.filename] or own
    return f"{local[-1].filename}:{local[-1].lineno}" if local else ""
