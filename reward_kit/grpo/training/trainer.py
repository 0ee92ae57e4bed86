"""A smoke run's training: tiny model, warm-up, then the real trl.GRPOTrainer with the user's reward."""

from __future__ import annotations

import resource
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import datasets  # type: ignore[import-untyped]
import torch
import transformers
from transformers import AutoTokenizer
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from reward_kit.grpo.recorder import CallRecorder
from reward_kit.grpo.shapes import CallRecord, Plan, Training, TrlReward
from reward_kit.grpo.training.margins import Batch, compared, completions_of, encode, measured
from reward_kit.grpo.training.model import build_model, save_model
from reward_kit.grpo.training.steps import StepLog
from reward_kit.grpo.training.tokenizer import build_tokenizer
from reward_kit.grpo.training.warmup import COVERAGE, warm_up
from reward_kit.integrations.trl import to_trl_dataset, to_trl_rows
from reward_kit.models import text_of

Emit = Callable[[dict[str, Any]], None]

#: The gold's share of the warm-up: room to rise by more than the bar, and often enough in a group to be found.
_GOLD_SHARE = 0.35
#: Tokens a completion may have beyond the longest one that is known: a policy that drifts to longer texts shows it.
_SPARE_TOKENS = 8
#: Measured on tiny models: 1e-3 drifts into other texts, 3e-3 destroys the policy, 4e-4 learns cleanly.
_RATE = 4e-4


@dataclass(frozen=True, slots=True)
class WarmStart:
    """A model that was warmed up, saved with its tokenizer in `folder`; `seconds` it took."""

    folder: Path
    steps: int
    coverage: float
    seconds: float


def train(
    plan: Plan,
    rewards: Sequence[TrlReward],
    weights: Sequence[float] | None,
    emit: Emit,
    start: WarmStart | None = None,
) -> Training:
    """Warm a tiny model up on the plan's rows, then train it by the real GRPOTrainer with the user's rewards.

    Writes `log.jsonl` and `trainer_state.json` to the plan's folder. Nothing is trained where the warm-up did not
    reach its coverage: `logs` is empty then, and nothing is known of the reward.

    Args:
        plan: rows, steps, seed and options of trl.GRPOConfig.
        rewards: functions as GRPOTrainer calls them, the components of a composite one by one.
        weights: one for each reward, None where all count the same.
        emit: takes progress, `{"phase": "warm-up" | "training", "done": n, "total": m, ...}`.
        start: a warm-up made before, by `prepare`, for the same rows and seed.
    """
    quiet()
    _check_options(plan.options)
    with TemporaryDirectory() as folder:
        start = start or prepare(plan, Path(folder), emit)
        training = Training(
            warm_up_steps=start.steps,
            coverage=start.coverage,
            seconds={"warm-up": start.seconds},
            memory_mb=_memory_mb(),
        )
        return training if start.coverage < COVERAGE else _trained(plan, rewards, weights, emit, start, training)


def prepare(plan: Plan, folder: Path, emit: Emit) -> WarmStart:
    """Build tokenizer and model from the plan's rows, warm the model up, and save both to `folder`."""
    began = time.monotonic()
    transformers.set_seed(plan.seed)
    tokenizer = build_tokenizer(_texts(plan))
    batch = _batch(plan, tokenizer)
    model = build_model(tokenizer, batch.longest_prompt + _completion_length(plan, batch), plan.seed)
    steps, reached = warm_up(model, batch, emit)
    save_model(model, tokenizer, folder)
    return WarmStart(folder, steps, reached, time.monotonic() - began)


def quiet() -> None:
    """One thread, and nothing on stdout or stderr that is not ours."""
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    datasets.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore", module=r"(trl|transformers|torch|accelerate|datasets)(\.|$)")


def _trained(
    plan: Plan,
    rewards: Sequence[TrlReward],
    weights: Sequence[float] | None,
    emit: Emit,
    start: WarmStart,
    training: Training,
) -> Training:
    began = time.monotonic()
    batch = _batch(plan, AutoTokenizer.from_pretrained(start.folder))
    recorders = [CallRecorder(reward) for reward in rewards]
    trainer = GRPOTrainer(
        model=str(start.folder),
        reward_funcs=list(recorders),
        args=_config(plan, batch, weights),
        train_dataset=to_trl_dataset([one.row for one in plan.rows]),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    model: Any = trainer.model
    before = measured(model, batch)
    weights_before = {name: value.detach().clone() for name, value in model.named_parameters()}
    plan.folder.mkdir(parents=True, exist_ok=True)
    with (plan.folder / "log.jsonl").open("w", encoding="utf-8") as file:
        steps = StepLog(plan, batch, before, file, emit)
        trainer.add_callback(steps)
        trainer.train()
    trainer.state.save_to_json(str(plan.folder / "trainer_state.json"))
    changed = sum(not torch.equal(value, weights_before[name]) for name, value in model.named_parameters())
    return replace(
        training,
        steps=trainer.state.global_step,
        logs=tuple(steps.logs),
        margins=compared(plan.rows, batch, before, measured(model, batch)),
        changed=changed,
        parameters=len(weights_before),
        record=_merged([recorder.record for recorder in recorders]),
        seconds={**training.seconds, "training": time.monotonic() - began},
        memory_mb=_memory_mb(),
    )


def _config(plan: Plan, batch: Batch, weights: Sequence[float] | None) -> GRPOConfig:
    """What the recipe needs, the user's options over it, and last what the measurement depends on."""
    generations = int(plan.options.get("num_generations", plan.generations))
    recipe = {
        "learning_rate": _RATE,
        "lr_scheduler_type": "constant",
        "temperature": 1.0,
        "num_generations": generations,
        "per_device_train_batch_size": len(plan.rows) * generations,
        "max_completion_length": _completion_length(plan, batch),
        "bf16": False,
        "gradient_checkpointing": False,
        "reward_weights": None if weights is None else list(weights),
    }
    measurement = {
        "output_dir": str(plan.folder),
        "max_steps": plan.most_steps,
        "seed": plan.seed,
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    return GRPOConfig(**{**recipe, **plan.options, **measurement})


def _check_options(options: Mapping[str, Any]) -> None:
    """Before the warm-up, which takes longer than a name.

    Raises:
        ValueError: naming options that trl.GRPOConfig does not have.
    """
    known = [field.name for field in fields(GRPOConfig)]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            guess = f". Did you mean {near[0]}?" if near else ""
            raise ValueError(f"options of [grpo]: trl.GRPOConfig has no {name}{guess}")


def _texts(plan: Plan) -> list[str]:
    """All that the model is to read or write; repeated for each decoy, as it will be."""
    prompts = [text_of(message.get("content")) for one in plan.rows for message in one.row.prompt]
    return prompts + [text for one in plan.rows for text in (one.gold, *(decoy.text for decoy in one.decoys))]


def _batch(plan: Plan, tokenizer: Any) -> Batch:
    prompts = [row["prompt"] for row in to_trl_rows([one.row for one in plan.rows])]
    return encode(tokenizer, prompts, completions_of(plan.rows, _GOLD_SHARE))


def _completion_length(plan: Plan, batch: Batch) -> int:
    return int(plan.options.get("max_completion_length", batch.longest_completion + _SPARE_TOKENS))


def _merged(records: Sequence[CallRecord]) -> CallRecord:
    """One record of all components: each was called with the same columns."""
    values = dict[str, int]()
    for record in records:
        for kind, count in record.values.items():
            values[kind] = values.get(kind, 0) + count
    columns: Mapping[str, str] = {key: text for record in records for key, text in record.columns.items()}
    return replace(
        records[0],
        columns=columns,
        values=values,
        distinct=max(record.distinct for record in records),
        threads=tuple(sorted({thread for record in records for thread in record.threads})),
    )


def _memory_mb() -> int:
    """The largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
