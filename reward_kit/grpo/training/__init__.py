"""Tiny model, warm-up and the real trl.GRPOTrainer: the only importers of torch and trl.

Everything here runs in a child process whose caller has set, before the first import, HF_HUB_OFFLINE,
TRANSFORMERS_OFFLINE, CUDA_VISIBLE_DEVICES and TOKENIZERS_PARALLELISM.

Modules, each knowing those before it:

    tokenizer   made of the rows' own texts, with a chat template
    model       the tiny Qwen2 of random weights
    margins     teacher-forced log-probabilities of golds and decoys
    warmup      the supervised steps after which GRPO has a choice
    steps       what is noted at each step, and when it has seen enough
    config      what trl.GRPOConfig is told
    trainer     a smoke run's training from first to last
"""
