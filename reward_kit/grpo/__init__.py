"""The GRPO smoke run: real TRL training steps on a tiny model, which say whether a reward teaches its dataset.

Layers, each knowing those before it:

    shapes      values: what is trained on, what was seen, what is wrong
    domains/    a row's shortest right completion, and its decoys
    recorder    what a reward is called with and what it returns, noted call by call
    probe       the reward called as TRL would call it, before anything is trained
    prompts     what is wrong with the prompts and the user's template
    training/   tokenizer, model, warm-up, margins, trainer: the only importers of torch and trl
    process     the child process in which probe and training run
    verdict     the parts of the verdict, from what was seen
    diagnoses   the likely cause of a part that failed, and its remedy
"""
