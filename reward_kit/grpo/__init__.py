"""The GRPO smoke run: real TRL training steps on a tiny model, which say whether a reward teaches its dataset.

Layers, each knowing those before it:

    shapes      values: what is trained on, what was seen, what is wrong
    domains/    a row's shortest right completion, and its decoys
    recorder    what a reward is called with and what it returns, noted call by call
    calls       the batch and keywords of TRL's calls, and what comes back
    signatures  what a reward's parameters say of the columns it will get
    neighbours  whether a completion gets its own value, whatever its place in the batch
    probe       the reward called as TRL would call it, before anything is trained
    templates   what is wrong with the user's tokenizer and chat template
    prompts     what is wrong with the prompts
    training/   tokenizer, model, warm-up, margins, trainer: the only importers of torch and trl
    process     the child process in which probe and training run
    verdict     the parts of the verdict, from what was seen
    evidence    what a smoke run saw, as a diagnosis asks for it
    diagnoses   the likely cause of a part that failed, and its remedy
"""
