"""math_reward inside TRL's own reward calls: async rewards run on TRL's daemon thread, others on the main one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRAINING = """
import json, signal, sys, threading

from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer

from reward_kit.rewards.math import math_reward

folder = sys.argv[1]
CASES = [
    [r"2\\sqrt{3}", r"\\sqrt{12}", True],
    [r"2\\sqrt{3}", r"\\sqrt{13}", False],
    [r"\\sin 2x", r"2\\sin x\\cos x", True],
    [r"\\sin 2x", r"\\sin x\\cos x", False],
    ["42", "42", True],
]
seen = {}


def verdicts():
    results = [math_reward([{"role": "assistant", "content": f"\\\\boxed{{{answer}}}"}], ground_truth=gold)
               for gold, answer, _ in CASES]
    return [result.score == 1.0 for result in results] == [right for *_, right in CASES]


def note(name, count):
    seen[name] = {
        "right": verdicts(),
        "main_thread": threading.current_thread() is threading.main_thread(),
        "timer": signal.getitimer(signal.ITIMER_REAL)[0],
    }
    return [float(i % 2) for i in range(count)]


def plain(completions, **kwargs):
    return note("plain", len(completions))


async def asynchronous(completions, **kwargs):
    return note("async", len(completions))


alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE(vocab={sign: number for number, sign in enumerate(alphabet)}, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
model = Qwen2ForCausalLM(Qwen2Config(
    vocab_size=len(fast), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
    num_key_value_heads=2, eos_token_id=fast.eos_token_id, pad_token_id=fast.pad_token_id,
))
model.save_pretrained(folder)
fast.save_pretrained(folder)
config = GRPOConfig(
    output_dir=folder, max_steps=1, per_device_train_batch_size=4, num_generations=4, max_completion_length=4,
    use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none", save_strategy="no",
    dataloader_pin_memory=False, disable_tqdm=True,
)
signal.signal(signal.SIGALRM, lambda number, frame: None)
signal.setitimer(signal.ITIMER_REAL, 500)
trainer = GRPOTrainer(folder, reward_funcs=[plain, asynchronous], args=config, processing_class=fast,
                      train_dataset=Dataset.from_list([{"prompt": "one"}, {"prompt": "two"}]))
trainer.train()
print("seen=" + json.dumps(seen))
"""


@pytest.mark.slow
def test_verdicts_are_the_same_in_trls_reward_calls_and_a_timer_stays_armed(tmp_path: Path):
    for package in ("torch", "trl"):
        pytest.importorskip(package, reason="the extra 'grpo' is not installed")
    offline = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", TRAINING, str(tmp_path)],
        env=os.environ | offline,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    told = next(line for line in run.stdout.splitlines() if line.startswith("seen="))
    seen = json.loads(told.removeprefix("seen="))
    assert {name: (one["right"], one["main_thread"]) for name, one in seen.items()} == {
        "plain": (True, True),
        "async": (True, False),
    }
    assert all(one["timer"] > 100 for one in seen.values())
