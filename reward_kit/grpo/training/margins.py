"""Teacher-forced log-probabilities of golds and decoys: what a model learnt, without the noise of sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from reward_kit.grpo.shapes import Margin, TrainingRow

#: Labels that torch's cross entropy leaves out.
_IGNORED = -100

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Completion:
    """One text of a row: its gold (where `decoy` is empty) or the decoy of that name; `weight` in the warm-up."""

    row: int
    decoy: str
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Completions behind their prompts as padded tensors (completions x tokens), in the completions' order."""

    completions: tuple[Completion, ...]
    tokens: torch.Tensor
    attention: torch.Tensor
    labels: torch.Tensor
    #: Tokens of the longest prompt, and of the longest completion with its end.
    longest_prompt: int
    longest_completion: int


def completions_of(rows: Sequence[TrainingRow], gold_share: float) -> tuple[Completion, ...]:
    """Golds and decoys of all rows; a row's weights are 1 together, the gold's is `gold_share`."""
    completions = []
    for place, row in enumerate(rows):
        total = sum(decoy.weight for decoy in row.decoys)
        completions.append(Completion(place, "", row.gold, gold_share))
        completions += [
            Completion(place, decoy.name, decoy.text, (1 - gold_share) * decoy.weight / total) for decoy in row.decoys
        ]
    return tuple(completions)


def encode(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[Sequence[Message]], completions: Sequence[Completion]
) -> Batch:
    """The completions behind their rows' prompts, each with its end token, padded on the right."""
    prompt_ids = [_ids(tokenizer, _rendered(tokenizer, prompt)) for prompt in prompts]
    answer_ids = [[*_ids(tokenizer, completion.text), tokenizer.eos_token_id] for completion in completions]
    heads = [prompt_ids[completion.row] for completion in completions]
    width = max(len(head) + len(answer) for head, answer in zip(heads, answer_ids, strict=True))
    tokens = torch.full((len(completions), width), int(tokenizer.pad_token_id))
    labels, attention = torch.full_like(tokens, _IGNORED), torch.zeros_like(tokens)
    for place, (head, answer) in enumerate(zip(heads, answer_ids, strict=True)):
        end = len(head) + len(answer)
        tokens[place, :end] = torch.tensor([*head, *answer])
        labels[place, len(head) : end] = torch.tensor(answer)
        attention[place, :end] = 1
    longest = max(map(len, prompt_ids)), max(map(len, answer_ids))
    return Batch(tuple(completions), tokens, attention, labels, *longest)


def log_probs(model: Any, batch: Batch) -> torch.Tensor:
    """log p(completion, end token included | prompt) of each completion, in nats."""
    # Only what predicts a completion is worth the vocabulary-wide projection.
    kept = int((batch.labels != _IGNORED).any(0).nonzero()[0]) - 1
    logits = model(
        input_ids=batch.tokens, attention_mask=batch.attention, logits_to_keep=batch.tokens.shape[1] - kept
    ).logits
    wanted = batch.labels[:, kept + 1 :]
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().transpose(1, 2), wanted, ignore_index=_IGNORED, reduction="none"
    )
    return -losses.sum(1)


def measured(model: Any, batch: Batch) -> list[float]:
    """`log_probs` without gradients, whatever mode the model is in; it is left as it was."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        values = log_probs(model, batch).tolist()
    model.train(was_training)
    return [float(value) for value in values]


def margins(batch: Batch, log_probabilities: Sequence[float]) -> list[float]:
    """log p(gold) - log p(decoy) in nats, decoy by decoy, from what `measured` gave."""
    found = list(zip(batch.completions, log_probabilities, strict=True))
    golds = {one.row: value for one, value in found if not one.decoy}
    return [golds[one.row] - value for one, value in found if one.decoy]


def compared(
    rows: Sequence[TrainingRow], batch: Batch, before: Sequence[float], after: Sequence[float]
) -> tuple[Margin, ...]:
    """The margins of every row's decoys, from what `measured` gave before and after the training."""
    decoys = [one for one in batch.completions if one.decoy]
    pairs = zip(decoys, margins(batch, before), margins(batch, after), strict=True)
    return tuple(Margin(rows[one.row].row.id, one.decoy, then, now) for one, then, now in pairs)


def _rendered(tokenizer: PreTrainedTokenizerFast, prompt: Sequence[Message]) -> str:
    messages: Any = list(prompt)
    rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return str(rendered)


def _ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
