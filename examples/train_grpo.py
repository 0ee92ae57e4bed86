"""Train your model by GRPO on a suite: the reward and the rows that `pytest --rk-suite` checked, in trl.GRPOTrainer.

    python examples/train_grpo.py --suite cases/math --model Qwen/Qwen3-0.6B --output grpo-output/math

Needs `pip install 'pytest-rewardkit[grpo]'`; `--lora-rank` needs `trl[peft]`, `--vllm` needs `trl[vllm]`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reward_kit.errors import RewardKitError
from reward_kit.integrations.trl import reward_weights, to_trl, to_trl_dataset
from reward_kit.models import Row
from reward_kit.suite import Suite, load_suite


def main() -> None:
    """Read the command line, load suite and model, train."""
    options = command_line()
    try:
        require(options)
        suite = load_suite(options.suite)
        reward = suite.load_reward()
        functions = to_trl(reward, range=(suite.scale.low, suite.scale.high))
        dataset = to_trl_dataset(prompted(suite, options.system_prompt))
    except (RewardKitError, ValueError) as error:
        sys.exit(str(error))
    print(f"{suite.name}: {len(dataset)} rows, {reward.describe()}", flush=True)
    trainer = trainer_of(options, functions, reward_weights(reward), dataset)
    trainer.train()
    trainer.save_model()
    trainer.save_state()
    if trainer.is_world_process_zero():
        rewards = [log["reward"] for log in trainer.state.log_history if "reward" in log]
        print(f"{trainer.state.global_step} steps, reward {rewards[0]:.3f} -> {rewards[-1]:.3f}: {options.output}")


def command_line(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options; their defaults are a first run on one GPU."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--suite", type=Path, default=Path("cases/math"), help="folder with suite.toml and dataset.jsonl")
    add("--model", required=True, help="name on the hub, or a folder")
    add("--output", type=Path, required=True, help="folder for the model, its checkpoints and trainer_state.json")
    add("--system-prompt", help="stands before every prompt; by default what the suite's [regenerate] declares")
    add("--steps", type=int, default=200, help="optimizer steps")
    add("--generations", type=int, default=8, help="completions a prompt: the group that an advantage is taken in")
    add("--prompts", type=int, default=4, help="prompts a step, on each device")
    add("--max-completion-length", type=int, default=1024, help="tokens a completion may have")
    add("--learning-rate", type=float, default=None, help="by default 1e-6, with LoRA 1e-5")
    add("--beta", type=float, default=0.0, help="weight of the KL divergence from the model as it was")
    add("--lora-rank", type=int, default=0, help="train adapters of this rank on all linear layers; 0: all weights")
    add("--vllm", choices=("colocate", "server"), help="generate with vLLM: on the training GPUs, or on a server")
    add("--vllm-server-url", default="http://localhost:8000", help="of `trl vllm-serve`, for --vllm server")
    add("--vllm-memory", type=float, default=0.3, help="share of GPU memory for vLLM, for --vllm colocate")
    add("--report-to", default="none", help="experiment tracker: wandb, tensorboard, trackio")
    add("--seed", type=int, default=0)
    add("--cpu", action="store_true", help="train on the CPU in 32 bits: for tiny models")
    return parser.parse_args(arguments)


def require(options: argparse.Namespace) -> None:
    """Exit with what to install where something that the options ask for is missing."""
    needed = {"trl": "pytest-rewardkit[grpo]"}
    if options.lora_rank:
        needed["peft"] = "trl[peft]"
    if options.vllm:
        needed["vllm"] = "trl[vllm]"
    for package, install in needed.items():
        if find_spec(package) is None:
            sys.exit(f"{package} is not installed: pip install '{install}'")


def prompted(suite: Suite, system_prompt: str | None) -> list[Row]:
    """The suite's rows behind the system prompt that a model was asked with in step regenerate, or another."""
    regenerate = suite.steps.get("regenerate")
    text = system_prompt if system_prompt is not None else regenerate and regenerate.settings.system_prompt
    if not text:
        return list(suite.rows)
    return [replace(row, messages=({"role": "system", "content": text}, *row.messages)) for row in suite.rows]


def trainer_of(options: argparse.Namespace, functions: Any, weights: list[float] | None, dataset: Any) -> Any:
    """A trl.GRPOTrainer for the model; importing it takes ten seconds."""
    from transformers import AutoConfig
    from trl import GRPOConfig, GRPOTrainer  # type: ignore[attr-defined]

    try:
        AutoConfig.from_pretrained(options.model)
    except (OSError, ValueError) as error:
        sys.exit(f"--model {options.model} cannot be loaded: {error}")
    config = GRPOConfig(
        output_dir=str(options.output),
        max_steps=options.steps,
        # One prompt's group at a time through the model, so that memory does not grow with --prompts.
        per_device_train_batch_size=options.generations,
        gradient_accumulation_steps=options.prompts,
        num_generations=options.generations,
        max_completion_length=options.max_completion_length,
        learning_rate=options.learning_rate or (1e-5 if options.lora_rank else 1e-6),
        beta=options.beta,
        reward_weights=weights,
        logging_steps=1,
        report_to=options.report_to,
        seed=options.seed,
        use_cpu=options.cpu,
        bf16=not options.cpu,
        **vllm_options(options),
    )
    return GRPOTrainer(
        model=options.model,
        reward_funcs=functions,
        args=config,
        train_dataset=dataset,
        peft_config=lora(options.lora_rank),
    )


def vllm_options(options: argparse.Namespace) -> dict[str, Any]:
    """The keys of GRPOConfig that have completions generated by vLLM."""
    if not options.vllm:
        return {}
    place = (
        {"vllm_server_base_url": options.vllm_server_url}
        if options.vllm == "server"
        else {"vllm_gpu_memory_utilization": options.vllm_memory}
    )
    return {"use_vllm": True, "vllm_mode": options.vllm, **place}


def lora(rank: int) -> Any:
    """Adapters on all linear layers; None for rank 0, where all weights are trained."""
    if not rank:
        return None
    from peft import LoraConfig  # type: ignore[import-not-found, unused-ignore]

    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")


if __name__ == "__main__":
    main()
