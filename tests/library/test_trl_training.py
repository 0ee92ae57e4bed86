"""trl.GRPOTrainer takes a real step with a reward of every call shape, on rows of every kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRAINING = """
import json, sys, threading
from dataclasses import replace

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer

from reward_kit import EvaluateResult, Message, reward_function
from reward_kit.integrations import RewardCallError, create_trl_adapter, reward_weights, to_trl, to_trl_dataset
from reward_kit.models import Row

folder = sys.argv[1]
torch.set_num_threads(1)
torch.manual_seed(0)
seen = {}


def row(number, gold, **columns):
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": f"{number}+{number}?"},
                {"role": "assistant", "content": "a reference"})
    return Row(f"row-{number}", messages, gold, columns, number)


# Arrow alone would give both golds both keys, and make 1 a 1.0.
ROWS = [row(1, {"sum": 2}, source="made up", level=1), row(2, {"total": "4"}, source="made up", level=2.5)]
PLAIN = to_trl_dataset(ROWS)
# A message with a key of its own: the prompts become JSON in Arrow, and TRL gets them as they are.
NAMED = ({"role": "system", "content": "Be brief.", "name": "house"}, *ROWS[1].messages[1:])
DATASET = to_trl_dataset([ROWS[0], replace(ROWS[1], messages=NAMED)])
assert DATASET.features["prompt"] != PLAIN.features["prompt"]
GOLDS = {repr(one.ground_truth) for one in ROWS}


def score(name, text, gold, **more):
    # Noted: what arrived. Returned: something that differs between completions, so that there is a signal.
    noted = {"golds": set(), "threads": set(), "more": set()}
    mine = seen.setdefault(name, noted)
    mine["golds"].add(repr(gold))
    mine["threads"].add("main" if threading.current_thread() is threading.main_thread() else "other")
    mine["more"].add(repr(sorted(more.items())))
    return sum(map(ord, text)) % 7 / 7


def pointwise(messages, ground_truth, level, **kwargs):
    return score("pointwise", messages[-1]["content"], ground_truth, roles=[m["role"] for m in messages])


async def pointwise_async(messages, ground_truth, **kwargs):
    return score("pointwise_async", messages[-1]["content"], ground_truth, levels=type(kwargs["level"]).__name__)


@reward_function(mode="batch")
def batch(rollouts_messages: list[list[Message]], ground_truth, **kwargs):
    return [EvaluateResult(score=score("batch", one[-1].content, ground_truth, rollouts=len(rollouts_messages)))
            for one in rollouts_messages]


def trl_sync(prompts, completions, ground_truth, log_metric, **kwargs):
    log_metric("seen_by_reward", float(len(completions)))
    return [score("trl_sync", done[0]["content"], gold) for done, gold in zip(completions, ground_truth, strict=True)]


async def trl_async(prompts, completions, ground_truth, **kwargs):
    return [None if index == 0 else score("trl_async", done[0]["content"], gold)
            for index, (done, gold) in enumerate(zip(completions, ground_truth, strict=True))]


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    return score("compute_score", solution_str, ground_truth, source=data_source)


def reward_func(queries, prompts, labels):
    return {"rewards": torch.tensor([score("reward_func", query.removeprefix(prompt), gold)
                                     for query, prompt, gold in zip(queries, prompts, labels, strict=True)])}


def by_map(messages, gold, **kwargs):
    return {"score": score("by_map", messages[-1]["content"], gold, roles=[m["role"] for m in messages])}


class Part:
    def __init__(self, name, reward, weight):
        self.name, self.reward, self.weight = name, reward, weight


class Composite:
    components = [Part("exact", lambda messages, **kwargs: score("exact", messages[-1]["content"], None), 0.75),
                  Part("abstains", lambda messages, **kwargs: None, 0.25)]


def breaks(messages, ground_truth, **kwargs):
    raise LookupError("no sandbox")


async def breaks_async(messages, ground_truth, **kwargs):
    raise LookupError("no judge")


alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE(vocab={sign: number for number, sign in enumerate(alphabet)}, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
fast.chat_template = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\\n{{ message.content }}<|im_end|>\\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}"
)
model = Qwen2ForCausalLM(Qwen2Config(
    vocab_size=len(fast), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
    num_key_value_heads=2, eos_token_id=fast.eos_token_id, pad_token_id=fast.pad_token_id,
))
model.save_pretrained(folder)
fast.save_pretrained(folder)


def train(reward, weights=None, dataset=DATASET):
    functions = reward if isinstance(reward, list) else [reward]
    config = GRPOConfig(
        output_dir=folder, max_steps=1, per_device_train_batch_size=8, num_generations=4, max_completion_length=4,
        use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none", save_strategy="no", logging_steps=1,
        dataloader_pin_memory=False, disable_tqdm=True, learning_rate=1e-3, reward_weights=weights,
    )
    trainer = GRPOTrainer(folder, reward_funcs=functions, args=config, processing_class=fast, train_dataset=dataset)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.train()
    log = trainer.state.log_history[0]
    return {
        "steps": trainer.state.global_step,
        "logged": sorted(key.split("/")[1] for key in log if key.startswith("rewards/") and key.endswith("/mean")),
        "reward": log["reward"], "grad_norm": log["grad_norm"], "metric": log.get("seen_by_reward"),
        "changed": any(not torch.equal(before[name], value) for name, value in trainer.model.state_dict().items()),
    }


shapes = [pointwise, pointwise_async, batch, trl_sync, trl_async, compute_score, reward_func]
told = {one.__name__: train(to_trl(one, range=(0, 1))) for one in shapes}
told["by_map"] = train(create_trl_adapter(by_map, {"ground_truth": "gold"}))
told["composite"] = train(to_trl(Composite()), reward_weights(Composite()), PLAIN)
for name, note in seen.items():
    told.setdefault(name, {}).update(
        right_golds=note["golds"] == GOLDS, threads=sorted(note["threads"]), more=sorted(note["more"])
    )
for broken in (breaks, breaks_async):
    try:
        train(to_trl(broken))
    except RewardCallError as error:
        told[broken.__name__] = str(error)
print("told=" + json.dumps(told))
"""
SHAPES = ["pointwise", "pointwise_async", "batch", "trl_sync", "trl_async", "compute_score", "reward_func", "by_map"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    for package in ("torch", "trl"):
        pytest.importorskip(package, reason="the extra 'grpo' is not installed")
    folder = tmp_path_factory.mktemp("training")
    offline = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", TRAINING, str(folder)],
        env=os.environ | offline,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    line = next(line for line in run.stdout.splitlines() if line.startswith("told="))
    return json.loads(line.removeprefix("told="))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_a_reward_of_every_call_shape_trains(told: dict[str, dict], shape: str):
    seen = told[shape]
    assert seen["steps"] == 1
    assert seen["logged"] == [shape]
    assert 0 < seen["reward"] < 1
    assert seen["grad_norm"] > 0
    assert seen["changed"]
    assert seen["right_golds"], "the rewards got the golds of the rows, each with its own keys"


@pytest.mark.slow
def test_what_each_shape_is_told_in_training(told: dict[str, dict]):
    roles = "[('roles', ['system', 'user', 'assistant'])]"
    assert told["pointwise"]["more"] == told["by_map"]["more"] == [roles]
    assert told["pointwise_async"]["more"] == ["[('levels', 'float')]", "[('levels', 'int')]"]
    assert told["batch"]["more"] == ["[('rollouts', 4)]"]
    assert told["compute_score"]["more"] == ["[('source', 'made up')]"]
    assert told["trl_sync"]["metric"] == 8.0, "TRL's own log_metric reaches a TRL reward"


@pytest.mark.slow
def test_async_rewards_run_on_trls_own_thread_and_the_others_on_the_main_one(told: dict[str, dict]):
    for shape in SHAPES:
        assert told[shape]["threads"] == (["other"] if shape.endswith("_async") else ["main"])


@pytest.mark.slow
def test_a_composite_trains_with_a_logged_reward_and_a_weight_for_each_component(told: dict[str, dict]):
    assert told["composite"]["logged"] == ["abstains", "exact"]
    assert 0 < told["composite"]["reward"] < 0.75
    assert told["composite"]["changed"]


@pytest.mark.slow
def test_a_reward_that_raises_stops_the_trainer(told: dict[str, dict]):
    for name, what in (("breaks", "no sandbox"), ("breaks_async", "no judge")):
        assert f"{name}, completion 0 of 0-7: the reward raised LookupError: {what}" in told[name]
