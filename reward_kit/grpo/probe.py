"""The reward called as TRL would call it, before anything is trained: defects that are certain, and what it pays for.

A defect named here is enough to refuse the reward, whatever training would show; a reward that merely pays for the
wrong thing, or pays at random, is left to the training. Its values are kept as evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from reward_kit.call_shapes import Trl
from reward_kit.errors import RewardKitError
from reward_kit.grpo.calls import RESERVED, Answer, Caller, batch_of, column, columns_of
from reward_kit.grpo.neighbours import neighbour_defects, rows_to_compare, same
from reward_kit.grpo.recorder import CallRecorder, as_number
from reward_kit.grpo.shapes import Diagnosis, Probe, Scores, TrainingRow, TrlReward
from reward_kit.grpo.signatures import Parameters, misspelt, read_parameters, reserved, signature_defects
from reward_kit.models import Sample, text_of
from reward_kit.reward import as_reward
from reward_kit.verdict import Scale

#: Values that differ by less than this share of the declared range are one value: TRL divides by std + 1e-4, so that
#: it would train on what is no more than rounding.
_ONE_VALUE = 1e-4
#: Two equal calls of a deterministic reward differ by nothing but floating point.
_ROUNDING = 1e-6
#: Seconds for one async call made here without TRL.
_DEADLINE = 60.0


def probe(
    reward: TrlReward,
    rows: Sequence[TrainingRow],
    generations: int,
    scale: Scale,
    user_reward: Callable[..., Any] | None = None,
) -> Probe:
    """Call the reward as TRL 1.16 will, and say which defects are certain.

    Args:
        reward: as it is handed to TRL.
        rows: what is trained on; each row's gold and decoys are one group.
        generations: completions a group.
        scale: the range the reward declares.
        user_reward: the user's own function, where `reward` is an adapter around it; its parameters are checked.
    """
    recorder = CallRecorder(reward)
    columns = columns_of(rows)
    parameters = read_parameters(user_reward or reward, columns)
    with Caller(recorder, columns) as call:
        examined = _Examined(call, tuple(rows), generations, scale, parameters, user_reward)
        defects = tuple(examined.defects())
        scores, cautions, closed = examined.scores(), examined.cautions(), examined.reads_closed_thinking()
        return Probe(defects, recorder.record, examined.deterministic, scores, cautions, closed)


@dataclass
class _Examined:
    """One probe at work: the calls made so far, and what follows from them."""

    call: Caller
    rows: tuple[TrainingRow, ...]
    generations: int
    scale: Scale
    parameters: Parameters | None
    user_reward: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        # All rows once, which is what TRL's first step does; then a few rows, again and again.
        self.all_items = batch_of(self.rows, self.generations)
        self.full = self.call(self.all_items)
        self.items = batch_of(rows_to_compare(self.rows), self.generations)
        self.again = [self.call(self.items) for _ in range(3)] if self.full.came else [self.full]
        self.first = self.again[0]
        self.deterministic = all(same(self.first, other, self._rounding) for other in self.again)

    @property
    def _rounding(self) -> float:
        return _ROUNDING * (self.scale.high - self.scale.low)

    def defects(self) -> list[Diagnosis]:
        """The certain defects; a cause is named instead of what it leads to."""
        if certain := self._by_signature():
            return certain
        if failed := next((answer for answer in (self.full, *self.again) if not answer.came), None):
            return self._causes() or self._unadapted(failed) or [_refused(failed)]
        wrong = _value_defects(self.full, self.scale)
        if not self._tells(self.full):
            return self._causes() or wrong or ([_constant(self.full)] if any(row.decoys for row in self.rows) else [])
        wrong += self._kept_back() or self._misspelt() or (self._thread() if self.call.is_async else [])
        if not wrong and self.deterministic:
            wrong += neighbour_defects(self.call, self.items, self.first, self._rounding)
        return wrong

    def cautions(self) -> tuple[Diagnosis, ...]:
        """What TRL does not mind: it calls functions in the main thread, where others have workers."""
        return () if self.call.is_async or not self.full.came else tuple(self._thread())

    def reads_closed_thinking(self) -> bool:
        """Whether the reward pays a completion the same where its opening think tag stands in the prompt."""
        if not (self.full.came and self.deterministic):
            return True
        as_trl_has_it = tuple(replace(item, text=_closed_thinking(item.text)) for item in self.items)
        return same(self.first, self.call(as_trl_has_it), self._rounding)

    def scores(self) -> tuple[Scores, ...]:
        """What each text was paid in the first call, on average over its copies."""
        paid: dict[tuple[str, str], list[float | None]] = {}
        for item, value in zip(self.all_items, self.full.values, strict=False):  # no values where the call failed
            paid.setdefault((item.row.row.id, item.text), []).append(value)
        if not paid:
            return ()
        return tuple(
            Scores(
                row.row.id,
                _mean(paid[row.row.id, row.gold]),
                {decoy.name: _mean(paid[row.row.id, decoy.text]) for decoy in row.decoys},
            )
            for row in self.rows
        )

    def _tells(self, answer: Answer) -> bool:
        """Whether a reward says anything: whether it has values that differ by more than rounding."""
        numbers = [number for number in answer.numbers if math.isfinite(number)]
        return bool(numbers) and max(numbers) - min(numbers) >= _ONE_VALUE * (self.scale.high - self.scale.low)

    def _changes(self, other: Answer) -> bool:
        """Whether `other`, a call on the same items, shows that something was amiss with the first."""
        if not self._tells(self.first):
            return self._tells(other)
        return self.deterministic and other.came and not same(self.first, other, self._rounding)

    def _moves(self, other: Answer) -> bool:
        """Whether a reward of one value has another in `other`: weaker than telling completions apart.

        It is all that shows where the reward pays no format but its own, and the completions here have another.
        """
        return self.deterministic and other.came and not same(self.first, other, self._rounding)

    def _by_signature(self) -> list[Diagnosis]:
        found = signature_defects(self.parameters) if self.parameters else []
        # An adapter may hand over less than TRL does: what must fail with every call has not failed where one came.
        return [one for one in found if one.name == "reserved_column" or not self.full.came]

    def _causes(self) -> list[Diagnosis]:
        """Why a reward raises, or says nothing."""
        return self._kept_back() or self._misspelt() or self._strings() or self._thread()

    def _kept_back(self) -> list[Diagnosis]:
        """Columns of the dataset that TRL keeps to itself, and that the reward would read."""
        names = [name for name in RESERVED if name in self.call.columns]
        if self._tells(self.first) and "completion_ids" in names:
            names.remove("completion_ids")  # TRL's own may be the ones that are meant
        return [reserved(name) for name in names if self._changes(self._with(name, name))]

    def _misspelt(self) -> list[Diagnosis]:
        if not self.parameters:
            return []
        known = self.parameters
        meant = ((name, self._meant(name, known)) for name in known.optional if name not in RESERVED)
        return [misspelt(name, column, known.columns) for name, column in meant if column]

    def _meant(self, name: str, known: Parameters) -> str | None:
        """The column that changes what the reward says when it is handed over under this name; None for a setting."""
        near = known.near(name)
        if self._tells(self.first) and not self.deterministic:
            return near if known.waits(name) else None
        others = () if self._tells(self.first) else (column for column in known.columns if column not in known.named)
        candidates = dict.fromkeys([near, *others] if near else others)
        found = next((column for column in candidates if self._changes(self._with(name, column))), None)
        return found or (near if near and known.waits(name) and self._moves(self._with(name, near)) else None)

    def _with(self, name: str, source: str) -> Answer:
        """The call on the same items with a column handed over under a name."""
        return self.call(self.items, more={name: column(self.items, source)})

    def _strings(self) -> list[Diagnosis]:
        if self._tells(self.first):
            return []
        # The references too: a reward that reads their format and no other pays none of the golds here.
        items = (*self.items, *(replace(i, text=_reference_text(i.row)) for i in self.items if i.row.row.reference))
        if self._tells(self.call(items)) or not self._tells(self.call(items, conversational=False)):
            return []
        problem = "the reward takes completions for strings, but they are message lists"
        remedy = 'Read the text of each completion: completion[0]["content"]'
        return [Diagnosis("messages_as_strings", problem + _raising(self.first), remedy)]

    def _unadapted(self, failed: Answer) -> list[Diagnosis]:
        """What the user's own function does, where an adapter refused what it returned."""
        if self.user_reward is None or not isinstance(failed.error, RewardKitError):
            return []
        own = as_reward(self.user_reward)
        if isinstance(own.shape, Trl):
            return list(probe(self.user_reward, self.rows, self.generations, self.scale).defects)
        samples = [Sample(i.row.row, {"role": "assistant", "content": i.text}) for i in self.items]
        try:
            returned = [value for one in samples for value in own.call([one], _DEADLINE)]
        except (Exception, SystemExit):  # noqa: BLE001  # then the adapter's refusal stands
            return []
        numbers = [as_number(getattr(value, "score", value)) for value in returned]
        return _value_defects(Answer(tuple(numbers)), self.scale) if any(n is not None for n in numbers) else []

    def _thread(self) -> list[Diagnosis]:
        """Rewards that work in the main thread alone, such as those that use signal.alarm.

        TRL awaits async rewards in another thread, and so do other trainers and judges call all of them.
        """
        well = self._tells(self.first)
        if well == self.call.is_async:  # async and well in TRL's thread, or a function that is ill in the main one
            return []
        other = self.call.elsewhere(self.items)
        same_there = not self._tells(other) if self.call.is_async else self._tells(other) and not self._changes(other)
        if same_there:
            return []
        what = _raising(self.first if self.call.is_async else other) or ", where it gives other values"
        problem = f"the reward works in the main thread but not in a worker thread{what}"
        remedy = "Limit time without signals, and open what it needs in the call"
        return [Diagnosis("needs_main_thread", problem, remedy)]


def _reference_text(row: TrainingRow) -> str:
    return text_of((row.row.reference or {}).get("content"))


def _closed_thinking(text: str) -> str:
    """The text as TRL decodes it where the template has opened the thinking: it holds the closing tag alone."""
    opened, tag, rest = text.partition("<think>")
    return rest if tag and not opened.strip() else f"I think.\n</think>\n\n{text}"


def _value_defects(answer: Answer, scale: Scale) -> list[Diagnosis]:
    """Values that TRL would train on, or silently drop."""
    numbers = answer.numbers
    if not numbers:
        problem = "the reward returns None for every completion, gold included"
        return [Diagnosis("abstains_everywhere", problem, "Return a number; None is for rows it cannot judge")]
    found = []
    for kind, odd in (("NaN", math.isnan), ("an infinite value", math.isinf)):
        if count := sum(map(odd, numbers)):
            problem = f"the reward returns {kind} for {count} of {len(answer.values)} completions"
            found.append(Diagnosis("not_finite", problem, "Return a finite number, or None to abstain"))
    low, high = scale.low, scale.high
    slack = _ROUNDING * (high - low)
    outside = [n for n in numbers if math.isfinite(n) and not low - slack <= n <= high + slack]
    if outside:
        problem = f"the reward returns {outside[0]:g}, outside its declared range [{low:g}, {high:g}]"
        found.append(Diagnosis("out_of_range", problem, "Scale the reward, or declare its range in suite.toml"))
    return found


def _constant(answer: Answer) -> Diagnosis:
    low, high = min(answer.numbers), max(answer.numbers)
    value = f"{low:g}" if low == high else f"{low:g} to {high:g}, which is one value"
    problem = f"the reward gives right and wrong completions of all rows the same: {value}"
    return Diagnosis("constant_reward", problem, "Check that it reads the text of the completion and the ground truth")


def _refused(answer: Answer) -> Diagnosis:
    if answer.error is None:
        return Diagnosis("wrong_return", f"the reward {answer.problem}", "Return a list of floats, one a completion")
    if isinstance(answer.error, RewardKitError):  # an adapter's own words, which hold their remedy
        return Diagnosis("wrong_return", str(answer.error), "Return one number a completion, None to abstain")
    where = answer.place or "the line it names"
    raised = _raising(answer).removeprefix(", it ")
    return Diagnosis("reward_raises", f"the reward {raised}", f"Mend {where}; an error ends the training")


def _raising(answer: Answer) -> str:
    if answer.error is None:
        return ""
    at = f" at {answer.place}" if answer.place else ""
    return f", it raises {type(answer.error).__name__}: {answer.error}{at}"


def _mean(values: Sequence[float | None]) -> float | None:
    """None where the reward abstains on any copy, or gives one that is not finite."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return fmean(finite) if finite and len(finite) == len(values) else None
