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
from transformers import PreTrainedTokenizerFast
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from reward_kit.grpo.recorder import CallRecorder, merged
from reward_kit.grpo.shapes import Plan, Training, TrlReward
from reward_kit.grpo.texts import prompt_texts
from reward_kit.grpo.training.config import completion_length, config_of
from reward_kit.grpo.training.margins import Batch, compared, completions_of, encode, measured
from reward_kit.grpo.training.model import build_model, save_model
from reward_kit.grpo.training.steps import StepLog
from reward_kit.grpo.training.tokenizer import build_tokenizer
from reward_kit.grpo.training.warmup import warm_up
from reward_kit.integrations.trl import to_trl_dataset, to_trl_rows

Emit = Callable[[dict[str, Any]], None]

#: The gold's share of the warm-up: room to rise by more than the bar, and often enough in a group to be found.
_GOLD_SHARE = 0.35


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
        return _trained(plan, rewards, weights, emit, start, training) if training.warmed_up else training


def prepare(plan: Plan, folder: Path, emit: Emit) -> WarmStart:
    """Build tokenizer and model from the plan's rows, warm the model up, and save both to `folder`."""
    began = time.monotonic()
    transformers.set_seed(plan.seed)
    tokenizer = build_tokenizer(_texts(plan))
    batch = _batch(plan, tokenizer)
    model = build_model(tokenizer, batch.longest_prompt + completion_length(plan, batch.longest_completion), plan.seed)
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
    # AutoTokenizer, which GRPOTrainer would ask, parts words as Qwen2 does where the model is one (transformers 5.23):
    # indented lines would be other tokens than those that the warm-up taught.
    tokenizer = PreTrainedTokenizerFast.from_pretrained(start.folder)
    batch = _batch(plan, tokenizer)
    recorders = [CallRecorder(reward) for reward in rewards]
    trainer = GRPOTrainer(
        model=str(start.folder),
        reward_funcs=list(recorders),
        args=GRPOConfig(**config_of(plan, batch.longest_completion, weights)),
        train_dataset=to_trl_dataset([one.row for one in plan.rows]),
        processing_class=tokenizer,
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
        record=merged([recorder.record for recorder in recorders]),
        seconds={**training.seconds, "training": time.monotonic() - began},
        memory_mb=_memory_mb(),
    )


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
    prompts = [text for one in plan.rows for text in prompt_texts(one.row)]
    return prompts + [text for one in plan.rows for text in (one.gold, *(decoy.text for decoy in one.decoys))]


def _batch(plan: Plan, tokenizer: Any) -> Batch:
    prompts = [row["prompt"] for row in to_trl_rows([one.row for one in plan.rows])]
    return encode(tokenizer, prompts, completions_of(plan.rows, _GOLD_SHARE))


def _memory_mb() -> int:
    """The largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
