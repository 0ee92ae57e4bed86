"""Whether a user's own tokenizer and chat template can be trained with: rendered and encoded, no model needed.

TRL 1.16 renders prompts with the generation prompt, stops at the tokenizer's end token or one of the generation
config's, and decodes completions without special tokens (trl/trainer/grpo_trainer.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reward_kit.grpo.shapes import Diagnosis, TrainingRow
from reward_kit.models import text_of

_OPENED = re.compile(r"<(think|thinking|thought|reasoning|reason)>\s*\Z", re.IGNORECASE)
_SHOWN = 60
#: A defect only for a reward that would see the tag.
THINK_PREFILLED = "think_prefilled"


def template_defects(folder: Path, rows: Sequence[TrainingRow]) -> list[Diagnosis]:
    """The certain defects of the tokenizer and chat template in `folder`, on these rows.

    A missing pad token is none: TRL then pads with the end token, and masks by length.
    """
    if not folder.is_dir():
        problem = f"{folder} is no folder"
        return [Diagnosis("tokenizer_missing", problem, "Name the folder that holds tokenizer.json")]
    try:
        tokenizer = _loaded(folder)
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError) as error:
        problem = f"no tokenizer can be loaded from {folder} ({_said(error)})"
        remedy = "Save it there with tokenizer.save_pretrained(folder): tokenizer.json and tokenizer_config.json"
        return [Diagnosis("tokenizer_missing", problem, remedy)]
    if not tokenizer.chat_template:
        remedy = "Use the tokenizer of an instruct model, or set tokenizer.chat_template"
        return [Diagnosis("no_chat_template", f"the tokenizer in {folder} has no chat template", remedy)]
    found: dict[str, Diagnosis] = {}
    for row in rows:  # one of each name: what is wrong with the first row is wrong with most
        for defect in _row_defects(_Rendered(tokenizer, row, _end_tokens(tokenizer, folder))):
            found.setdefault(defect.name, defect)
    return list(found.values())


def texts_of(row: TrainingRow) -> list[str]:
    """The text of each message of a row's prompt."""
    return [text_of(message.get("content")) for message in row.row.prompt]


def _loaded(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def _end_tokens(tokenizer: Any, folder: Path) -> tuple[str, ...]:
    """The tokens at which generation stops."""
    file = folder / "generation_config.json"
    ids = json.loads(file.read_text("utf-8")).get("eos_token_id") if file.is_file() else None
    more = tokenizer.convert_ids_to_tokens(ids if isinstance(ids, list) else [ids]) if ids is not None else []
    return tuple(dict.fromkeys(token for token in (tokenizer.eos_token, *more) if token))


@dataclass
class _Rendered:
    """One row, and how the template renders it."""

    tokenizer: Any
    row: TrainingRow
    ends: tuple[str, ...]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [dict(message) for message in self.row.row.prompt]

    def text(self, messages: Sequence[Mapping[str, Any]], begin_answer: bool = False) -> str:
        more = {"tools": self.row.row.columns["tools"]} if self.row.row.columns.get("tools") else {}
        rendered = self.tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=begin_answer, **more
        )
        return str(rendered)

    def answered(self) -> str:
        return self.text([*self.messages, {"role": "assistant", "content": self.row.gold}])

    def round_trip(self) -> str:
        ids = self.tokenizer(self.row.gold, add_special_tokens=False)["input_ids"]
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))


def _row_defects(row: _Rendered) -> Iterator[Diagnosis]:
    refused = _error_of(lambda: row.text(row.messages))
    if refused is not None:
        yield _refusal(row, refused)
        return
    yield from _dropped(row)
    yield from _generation_prompt(row)
    yield from _end_of_turn(row)
    if (back := row.round_trip()).strip() != row.row.gold.strip():
        problem = f"the right answer {_short(row.row.gold)} comes back from the tokenizer as {_short(back)}"
        remedy = "Use a tokenizer that knows all its characters, and no special tokens in answers: TRL strips those"
        yield Diagnosis("gold_not_decoded", problem, remedy)


def _error_of(call: Callable[[], Any]) -> Exception | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001  # a template raises what it likes: jinja's errors, TypeError, ...
        return error
    return None


def _refusal(row: _Rendered, error: Exception) -> Diagnosis:
    others = [message for message in row.messages if message.get("role") != "system"]
    if len(others) < len(row.messages) and _error_of(lambda: row.text(others)) is None:
        problem = f"the chat template refuses system messages ({_said(error)})"
        return Diagnosis("system_refused", problem, "Put the instruction into the user message")
    problem = f"the chat template fails on row {row.row.row.id} ({_said(error)})"
    return Diagnosis("template_fails", problem, "Use messages of the roles and fields that the template knows")


def _dropped(row: _Rendered) -> Iterator[Diagnosis]:
    rendered = _squeezed(row.text(row.messages))
    for message, text in zip(row.messages, texts_of(row.row), strict=True):
        role = message.get("role")
        if role == "assistant":  # templates strip earlier reasoning, which is right
            text = text.rpartition("</think>")[2]
        if _squeezed(text) in rendered:
            continue
        if role == "system":
            remedy = "Put the instruction into the user message"
            yield Diagnosis("system_dropped", "the chat template leaves out the system message", remedy)
        else:
            problem = f"the chat template changes or leaves out the text of {role} messages, such as {_short(text)}"
            yield Diagnosis("content_changed", problem, "Mend the template, so that the model reads what rows hold")


def _generation_prompt(row: _Rendered) -> Iterator[Diagnosis]:
    plain, begun = row.text(row.messages), row.text(row.messages, begin_answer=True)
    if opened := _OPENED.search(begun):
        tag = opened.group().strip()
        problem = f"the chat template ends the prompt with {tag}, so completions never hold {tag} themselves"
        remedy = f"Take {tag} out of its generation prompt, or let the reward expect what comes after it alone"
        yield Diagnosis(THINK_PREFILLED, problem, remedy)
    if plain == begun and not _answer_follows(row, plain):
        problem = "the chat template has no generation prompt: the model is not told that the answer begins"
        remedy = "Add {% if add_generation_prompt %} with the header of an assistant turn to the template"
        yield Diagnosis("no_generation_prompt", problem, remedy)


def _answer_follows(row: _Rendered, plain: str) -> bool:
    """Whether answers need no header: some templates end a user turn with a mark after which the answer stands."""
    if _error_of(row.answered) is not None:
        return False
    answered = row.answered()
    return answered.startswith(plain) and answered[len(plain) :].lstrip().startswith(row.row.gold.strip())


def _end_of_turn(row: _Rendered) -> Iterator[Diagnosis]:
    if not row.ends:
        remedy = "Set tokenizer.eos_token to the token that ends a turn"
        yield Diagnosis("no_end_token", "the tokenizer has no end token, so completions never end", remedy)
        return
    if (error := _error_of(row.answered)) is not None:
        problem = f"the chat template fails on an assistant turn ({_said(error)})"
        yield Diagnosis("template_fails", problem, "Use a template that renders answers as well")
        return
    gold = row.row.gold.strip()
    _, found, tail = row.answered().rpartition(gold)
    if not found:
        problem = f"the chat template changes the right answer {_short(gold)}"
        yield Diagnosis("content_changed", problem, "Mend the template, so that the model reads what rows hold")
    elif not any(end in tail for end in row.ends):
        ends = " or ".join(row.ends)
        problem = f"the template ends an answer with {tail.strip() or 'nothing'!r}, but generation stops at {ends} only"
        remedy = (
            "Set tokenizer.eos_token to the token that ends a turn; else completions run into max_completion_length"
        )
        yield Diagnosis("wrong_end_token", problem, remedy)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]:.160}"


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _squeezed(text: str) -> str:
    return " ".join(text.split())
