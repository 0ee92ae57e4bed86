"""What a reward is called with and what it returns, noted call by call; nothing that passes through is changed."""

from __future__ import annotations

import functools
import inspect
import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import replace
from typing import Any, SupportsFloat

from reward_kit.grpo.shapes import CallRecord, TrlReward
from reward_kit.integrations.trl.adapters import name_in_logs
from reward_kit.integrations.trl.calls import TRLS_OWN

#: What TRL 1.16 hands over itself, beside the dataset's columns.
TRL_KEYWORDS = frozenset({"prompts", "completions"}) | TRLS_OWN


def is_async(reward: TrlReward) -> bool:
    """Whether TRL awaits this reward; its own test, in trl/trainer/utils.py `is_async_callable`."""
    while isinstance(reward, functools.partial):
        reward = reward.func
    return inspect.iscoroutinefunction(reward) or inspect.iscoroutinefunction(reward.__call__)  # type: ignore[operator]


def as_number(value: Any) -> float | None:
    """One returned value as the number TRL makes of it; None where it is none.

    Numbers are what torch.tensor takes in a flat list: whatever has __float__, but neither text nor a list.
    """
    if isinstance(value, (str, bytes)) or (getattr(value, "shape", ()) != () and getattr(value, "size", 0) != 1):
        return None
    if not isinstance(value, SupportsFloat):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


#: Noted where the whole answer is no list of values.
_NO_NUMBER = ""


class CallRecorder:
    """A reward that notes what it is called with and what it returns, and otherwise is the reward it wraps.

    Async where the reward is, for TRL awaits only what it recognises as a coroutine function. What the reward raises
    is raised again; the call counts all the same.
    """

    def __new__(cls, reward: TrlReward) -> CallRecorder:
        return object.__new__(_AsyncCallRecorder if is_async(reward) else CallRecorder)

    def __init__(self, reward: TrlReward) -> None:
        self.__name__ = name_in_logs(reward)
        self.__wrapped__ = reward
        self._lock = threading.Lock()
        self._calls = self._rows = 0
        self._columns: dict[str, set[str]] = {}
        self._conversational: bool | None = None
        self._values: Counter[str] = Counter()
        self._finite: set[float] = set()
        self._threads: set[str] = set()

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        self._note_call(keywords)
        return self._noted(self.__wrapped__(*args, **keywords))

    @property
    def record(self) -> CallRecord:
        """What was noted so far."""
        with self._lock:
            return CallRecord(
                calls=self._calls,
                rows=self._rows,
                columns={name: " or ".join(sorted(kinds)) for name, kinds in self._columns.items()},
                conversational=bool(self._conversational),
                values=dict(self._values),
                distinct=len(self._finite),
                threads=tuple(sorted(self._threads)),
            )

    def _note_call(self, keywords: Mapping[str, Any]) -> None:
        completions = keywords.get("completions", ())
        rows = len(completions) if isinstance(completions, Sized) else 0
        with self._lock:
            self._calls += 1
            self._rows += rows
            self._threads.add("main" if threading.current_thread() is threading.main_thread() else "other")
            for name in keywords.keys() - TRL_KEYWORDS:
                self._columns.setdefault(name, set()).update(_kinds(keywords[name], rows))
            if rows:
                conversational = all(isinstance(completion, list) for completion in completions)
                self._conversational = conversational and self._conversational is not False

    def _noted(self, answer: Any) -> Any:
        """The answer itself; an iterator's values are noted as TRL reads them, for reading them here would empty it."""
        if isinstance(answer, Iterator):
            return self._noting(answer)
        values = answer.tolist() if hasattr(answer, "tolist") else answer
        listed = isinstance(values, Sequence) and not isinstance(values, (str, bytes))
        for value in values if listed else [_NO_NUMBER]:
            self._note_value(value)
        return answer

    def _noting(self, values: Iterator[Any]) -> Iterator[Any]:
        for value in values:
            self._note_value(value)
            yield value

    def _note_value(self, value: Any) -> None:
        number = as_number(value)
        kind = "none" if value is None else "other" if number is None else _kind_of(number)
        with self._lock:
            self._values[kind] += 1
            if kind == "finite" and number is not None:
                self._finite.add(number)


class _AsyncCallRecorder(CallRecorder):
    async def __call__(self, *args: Any, **keywords: Any) -> Any:
        self._note_call(keywords)
        return self._noted(await self.__wrapped__(*args, **keywords))


def merged(records: Sequence[CallRecord]) -> CallRecord | None:
    """One record of a reward's components, each called with the same columns; None where there are none."""
    if not records:
        return None
    return replace(
        records[0],
        columns={name: kinds for record in records for name, kinds in record.columns.items()},
        values=dict(sum((Counter(record.values) for record in records), Counter[str]())),
        distinct=max(record.distinct for record in records),
        threads=tuple(sorted({thread for record in records for thread in record.threads})),
    )


def _kind_of(number: float) -> str:
    return "nan" if math.isnan(number) else "inf" if math.isinf(number) else "finite"


def _kinds(values: Any, rows: int) -> set[str]:
    """The types of a column's values; a column that is no list over the rows is named as it is."""
    if not isinstance(values, list):
        return {f"{type(values).__name__}, not a list"}
    if len(values) != rows:
        return {f"list of {len(values)} for {rows} rows"}
    return {"None" if value is None else type(value).__name__ for value in values}
