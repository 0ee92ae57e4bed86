"""Prompts that give the answer away or ask nothing, and chat templates that cannot be trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reward_kit.grpo.prompts import prompt_defects
from reward_kit.grpo.shapes import Decoy, TrainingRow
from reward_kit.models import Row

SYSTEM = {"role": "system", "content": "Answer in \\boxed{}."}


def row(number: int, *prompt: dict[str, Any], reference: str = "", gold: str = "", **columns: Any) -> TrainingRow:
    asked = prompt or (SYSTEM, {"role": "user", "content": f"What is {number} + 0? Not {number + 1}!"})
    turn = ({"role": "assistant", "content": reference},) if reference else ()
    gold = gold or f"\\boxed{{{number}}}"
    return TrainingRow(Row(f"row-{number}", (*asked, *turn), str(number), columns, number), gold, (Decoy("empty", ""),))


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def names(*rows: TrainingRow) -> list[str]:
    return [defect.name for defect in prompt_defects(rows)]


# -- prompts -------------------------------------------------------------------------------------------------------


def test_good_prompts_have_no_defect_though_they_hold_the_bare_number_and_the_format() -> None:
    assert names(row(21, reference="It is 21.\n\\boxed{21}"), row(34), row(55, gold="55")) == []


def test_a_reference_that_is_the_bare_value_may_be_part_of_the_problem() -> None:
    assert names(row(21, reference="21"), row(34, reference="$34$.")) == []


def test_whole_messages_as_a_prompt_give_the_answer_away() -> None:
    leaked = row(21, user("21 + 0?"), {"role": "assistant", "content": "It is\n\\boxed{21}."}, user("So?"))

    (defect,) = prompt_defects([leaked, row(34)])

    assert defect.name == "gold_in_prompt"
    assert "1 of 2 rows" in defect.problem
    assert "row-21" in defect.problem


def test_a_worked_solution_in_the_question_gives_the_answer_away() -> None:
    solution = "Adding nothing leaves it as it is, so the sum is 21."

    assert names(row(21, user(f"21 + 0? Solution: {solution}"), reference=solution), row(34)) == ["gold_in_prompt"]


def test_an_example_that_all_prompts_share_is_not_an_answer() -> None:
    example = "Example: 20 + 1? \\boxed{21}. Now: "

    assert names(*(row(number, user(f"{example}{number} + 0?")) for number in (21, 34, 55))) == []


def test_prompts_that_ask_nothing() -> None:
    string = TrainingRow(Row("text", "21 + 0?", "21", {}, 1), "\\boxed{21}", ())  # type: ignore[arg-type]

    assert names(row(21, user(" "))) == ["empty_prompt"]
    assert names(string, row(34)) == ["string_prompt"]


def test_one_prompt_with_two_answers() -> None:
    assert names(row(21, user("How many?")), row(34, user("How many?"))) == ["same_prompt"]
    assert names(row(21, user("How many?")), row(21, user("How many?"))) == []


# -- templates -----------------------------------------------------------------------------------------------------

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ROWS = (row(21), row(34))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tokenizer"


def saved(
    folder: Path, template: str | None = CHATML, alphabet: bool = True, special: tuple[str, ...] = (), **more: Any
) -> Path:
    """A byte-level tokenizer with the ChatML tokens, as its save_pretrained writes it."""
    pytest.importorskip("transformers", reason="needs the [grpo] extra")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet()) if alphabet else list("boxed{}")
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters]
    built = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, [], unk_token=None))
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    names = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"} | more
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=built, **names)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", *special]})
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return folder


def defects(folder: Path, rows: tuple[TrainingRow, ...] = ROWS) -> list[str]:
    from reward_kit.grpo.templates import template_defects

    return [defect.name for defect in template_defects(folder, rows)]


def test_a_usual_template_has_no_defect(folder: Path) -> None:
    assert defects(saved(folder)) == []


def test_a_missing_pad_token_is_no_defect(folder: Path) -> None:
    assert defects(saved(folder, pad_token=None)) == []


def test_earlier_reasoning_may_be_left_out(folder: Path) -> None:
    template = CHATML.replace("m['content'] }}", "m['content'].split('</think>')[-1] }}")
    talk = row(21, user("Hello"), {"role": "assistant", "content": "<think>hm</think>Yes?"}, user("21 + 0?"))

    assert defects(saved(folder, template), (talk,)) == []


def test_a_template_whose_answers_need_no_header(folder: Path) -> None:
    template = "{% for m in messages %}{% if m['role'] == 'assistant' %}{{ m['content'] }}<|im_end|>{% else %}[INST] "
    template += "{{ m['content'] }} [/INST]{% endif %}{% endfor %}"

    assert defects(saved(folder, template)) == []


def test_no_folder_and_nothing_in_it(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs the [grpo] extra")
    assert defects(folder) == ["tokenizer_missing"]
    assert defects(tmp_path) == ["tokenizer_missing"]
    (tmp_path / "tokenizer_config.json").write_text("{", "utf-8")
    assert defects(tmp_path) == ["tokenizer_missing"]


def test_no_chat_template(folder: Path) -> None:
    assert defects(saved(folder, None)) == ["no_chat_template"]


def test_no_generation_prompt(folder: Path) -> None:
    assert defects(saved(folder, CHATML.partition("{% if add")[0])) == ["no_generation_prompt"]


def test_think_prefilled(folder: Path) -> None:
    assert defects(saved(folder, CHATML.replace("assistant\n", "assistant\n<think>\n"))) == ["think_prefilled"]
    closed = CHATML.replace("assistant\n", "assistant\n<think>\n\n</think>\n\n")
    assert defects(saved(folder, closed)) == []


def test_an_end_token_that_ends_no_turn(folder: Path) -> None:
    assert defects(saved(folder, eos_token="<|endoftext|>")) == ["wrong_end_token"]

    (folder / "generation_config.json").write_text('{"eos_token_id": [0, 2]}', "utf-8")  # as instruct models have it

    assert defects(folder) == []


def test_no_end_token(folder: Path) -> None:
    assert defects(saved(folder, eos_token=None)) == ["no_end_token"]


def test_system_messages_refused_or_dropped(folder: Path) -> None:
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    dropping = CHATML.replace("for m in messages", "for m in messages if m['role'] != 'system'")

    assert defects(saved(folder, refusing + CHATML)) == ["system_refused"]
    assert defects(saved(folder, dropping)) == ["system_dropped"]


def test_a_template_that_changes_what_is_said(folder: Path) -> None:
    assert defects(saved(folder, CHATML.replace("m['content']", "m['content'] | upper"))) == [
        "system_dropped",
        "content_changed",
    ]


def test_a_template_that_fails(folder: Path) -> None:
    assert defects(saved(folder, "{{ messages[0]['content'] + 1 }}")) == ["template_fails"]


def test_answers_that_the_tokenizer_does_not_give_back(folder: Path) -> None:
    assert defects(saved(folder, alphabet=False)) == ["gold_not_decoded"]


def test_answers_with_a_special_token_lose_it(folder: Path) -> None:
    thought = row(21, gold="<think>hm</think>\\boxed{21}")

    assert defects(saved(folder, special=("<think>", "</think>")), (thought,)) == ["gold_not_decoded"]
