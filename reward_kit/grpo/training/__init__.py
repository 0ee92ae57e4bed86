"""Tiny model, warm-up and the real trl.GRPOTrainer: the only importers of torch and trl.

Everything here runs in a child process whose caller has set, before the first import, HF_HUB_OFFLINE,
TRANSFORMERS_OFFLINE, CUDA_VISIBLE_DEVICES and TOKENIZERS_PARALLELISM.
"""
