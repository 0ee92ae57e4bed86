"""Rows as a dataset that trl.GRPOTrainer trains on, with every value coming back as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from reward_kit.integrations.trl.calls import GROUND_TRUTH, TRLS_OWN, without_none
from reward_kit.integrations.trl.columns import ABSENT, decode_value, encode_column, same
from reward_kit.models import Row

PROMPT = "prompt"
#: Column names that never reach a reward, or stand in the way of what TRL passes under them.
TAKEN = frozenset({PROMPT, "prompts", "completion", "completions"}) | TRLS_OWN


def to_trl_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows as plain dicts for a dataset in TRL's conversational format.

    `prompt` is a list of messages, without keys that are None (but `content`). `ground_truth` and every further column
    follow. A column that Arrow would change is JSON text behind a marker in every row; rewards from `to_trl` and
    `create_trl_adapter` get it decoded. A row without a column that others have is decoded without it too.

    Raises:
        ValueError: for a column whose name TRL uses, a row without a prompt, or values that JSON would change.
    """
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row.columns))
    _refuse_taken_names(names)
    columns = {GROUND_TRUTH: _encoded(GROUND_TRUTH, [row.ground_truth for row in rows])}
    columns |= {name: _encoded(name, [row.columns.get(name, ABSENT) for row in rows]) for name in names}
    return [
        {PROMPT: _prompt(row)} | {name: values[index] for name, values in columns.items()}
        for index, row in enumerate(rows)
    ]


def to_trl_dataset(rows: Iterable[Row]) -> Any:
    """Rows as a `datasets.Dataset` in TRL's conversational format; every value is read back and compared.

    Raises:
        ValueError: as `to_trl_rows`, where there are no rows, and where a value does not come back as it was.
        ImportError: where datasets is not installed.
    """
    rows = list(rows)
    plain = to_trl_rows(rows)
    if not plain:
        raise ValueError("there are no rows to train on")
    dataset = _dataset(plain)
    for row, before, after in zip(rows, plain, dataset, strict=True):
        for name in before:
            if not same(_as_written(row, name), decode_value(after[name])):
                raise ValueError(
                    f"row {row.id}: {name!r} does not come back from Arrow as it was: {after[name]!r}. "
                    "Numbers with many digits in messages are kept as text"
                )
    return dataset


def _dataset(rows: Sequence[Mapping[str, Any]]) -> Any:
    """The prompts as a struct where they are role and text; else as JSON, which keeps each message's own keys."""
    datasets = import_module("datasets")
    if all(_is_text(message) for row in rows for message in row[PROMPT]):
        return datasets.Dataset.from_list(rows)
    others = [{name: value for name, value in row.items() if name != PROMPT} for row in rows]
    prompts = [row[PROMPT] for row in rows]
    messages = datasets.Features({PROMPT: datasets.List(datasets.Json())})
    held = datasets.Dataset.from_dict({PROMPT: prompts}, features=messages)
    return datasets.concatenate_datasets([held, datasets.Dataset.from_list(others)], axis=1)


def _is_text(message: Mapping[str, Any]) -> bool:
    return message.keys() == {"role", "content"} and isinstance(message["content"], str)


def _as_written(row: Row, name: str) -> Any:
    if name == PROMPT:
        return _prompt(row)
    return row.ground_truth if name == GROUND_TRUTH else row.columns.get(name, ABSENT)


def _prompt(row: Row) -> list[dict[str, Any]]:
    if not row.prompt:
        raise ValueError(f"row {row.id} has no prompt, only a reference answer. Add the user's message")
    return [without_none(message) for message in row.prompt]


def _encoded(name: str, values: Sequence[Any]) -> list[Any]:
    try:
        return encode_column(values)
    except ValueError as error:
        raise ValueError(f"the column {name!r}: {error}") from None


def _refuse_taken_names(names: Iterable[str]) -> None:
    if taken := sorted(TAKEN.union({GROUND_TRUTH}).intersection(names)):
        raise ValueError(
            f"TRL uses the column name {', '.join(map(repr, taken))} itself: the reward would not get the column. "
            f"Rename it in the dataset, to {taken[0] + '_column'!r} for example"
        )
