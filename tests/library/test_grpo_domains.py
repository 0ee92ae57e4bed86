"""What a smoke run trains on: the shortest right completions, decoys that are wrong for sure, and the rows drawn."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from reward_kit.dataset import read_dataset
from reward_kit.grpo.domains import DOMAINS, MathDomain, TooFewRowsError, training_rows
from reward_kit.models import Row, Sample
from reward_kit.rewards.math import math_reward

CASES = Path(__file__).parents[2] / "cases"
MATH = DOMAINS["math"]


def a_row(gold: str, number: int = 0, reference: str | None = None) -> Row:
    question = {"role": "user", "content": f"Question {number}: what is the answer?"}
    answer = [] if reference is None else [{"role": "assistant", "content": reference}]
    return Row(f"row-{number}", (question, *answer), gold, {}, number + 1)


def some_rows(count: int) -> list[Row]:
    return [a_row(str(100 + number), number, f"Working.\n\\boxed{{{100 + number}}}") for number in range(count)]


def graded(text: str, row: Row) -> float:
    return math_reward([{"role": "assistant", "content": text}], ground_truth=row.ground_truth).score


def accepted(samples: Sequence[Sample]) -> list[bool]:
    return [graded(sample.response_text, sample.row) == 1.0 for sample in samples]


def test_the_shortest_right_completion_is_the_gold_in_a_box():
    row = a_row("42", reference="Six sevens.\n\nThe final answer is $\\boxed{42}$.")
    assert dict(MATH.completions(row)) == {
        "declared": "\\boxed{42}",
        "last line": "The final answer is $\\boxed{42}$.",
        "reference": "Six sevens.\n\nThe final answer is $\\boxed{42}$.",
    }


def test_a_row_without_reference_has_the_declared_completion_only():
    assert list(MATH.completions(a_row("42"))) == ["declared"]


def test_another_format_is_declared_by_a_template():
    domain = MATH.declaring("#### {answer}")
    row = a_row("42")
    gold = domain.completions(row)["declared"]
    assert gold == "#### 42"
    wrong, unboxed, _ = domain.decoys(row, gold, random.Random(0))
    assert wrong.text.startswith("#### ")
    assert wrong.text != gold
    assert unboxed.text == "42"


def test_a_template_without_a_place_for_the_answer_is_refused():
    with pytest.raises(ValueError, match=r"must hold .answer. exactly once"):
        MathDomain().declaring("The answer.")


@pytest.mark.parametrize(
    ("gold", "length"), [("7", 1), ("120", 3), ("-57", 3), ("2.75", 4), ("3/8", 3), ("\\frac{3}{8}", 11)]
)
def test_the_wrong_value_of_a_number_has_its_look(gold, length):
    for seed in range(20):
        wrong = MATH.decoys(a_row(gold), f"\\boxed{{{gold}}}", random.Random(seed))[0].text
        value = wrong.removeprefix("\\boxed{").removesuffix("}")
        assert value != gold
        assert len(value) == length
        assert value.startswith("-") == gold.startswith("-")


@pytest.mark.parametrize("suite", ["math", "math_openr1"])
def test_every_row_of_the_suites_has_a_right_completion_and_decoys_that_its_reward_refuses(suite):
    for row in read_dataset(CASES / suite / "dataset.jsonl"):
        gold = MATH.completions(row)["declared"]
        decoys = MATH.decoys(row, gold, random.Random(0))
        assert graded(gold, row) == 1.0
        assert [decoy.name for decoy in decoys] == ["wrong value", "unboxed", "empty"]
        assert [graded(decoy.text, row) for decoy in decoys] == [0.0, 0.0, 0.0]


def test_a_wrong_value_stands_where_a_whole_solution_declares_its_answer():
    row = a_row("42", reference="Six times seven is 42.\nThe final answer is $\\boxed{42}$.")
    wrong = MATH.decoys(row, MATH.completions(row)["reference"], random.Random(0))[0].text
    assert wrong.startswith("Six times seven is 42.\nThe final answer is $\\boxed{")
    assert graded(wrong, row) == 0.0


def test_a_gold_of_which_nothing_can_be_proved_wrong_has_no_decoys():
    assert MATH.decoys(a_row("the one on the left"), "\\boxed{the one on the left}", random.Random(0)) != ()
    assert MATH.decoys(a_row("?"), "\\boxed{?}", random.Random(0)) == ()


def test_rows_are_drawn_by_seed():
    rows = some_rows(60)
    first, again, other = (training_rows(rows, MATH, seed, 8, accepted) for seed in (1, 1, 2))
    assert first == again
    assert [one.row.id for one in first] != [one.row.id for one in other]
    assert len(first) == 8


def test_a_rows_decoys_do_not_depend_on_the_rows_beside_it():
    rows = some_rows(80)
    eight = {one.row.id: one.decoys for one in training_rows(rows, MATH, 3, 8, accepted)}
    sixteen = {one.row.id: one.decoys for one in training_rows(rows, MATH, 3, 16, accepted)}
    assert eight.items() <= sixteen.items()


def test_long_prompts_are_not_drawn_while_there_are_enough_short_ones():
    long = [Row(f"long-{n}", ({"role": "user", "content": f"{n}" * 500},), str(n), {}, 1) for n in range(40)]
    drawn = training_rows([*some_rows(40), *long], MATH, 0, 16, accepted)
    assert not any(one.row.id.startswith("long") for one in drawn)


def test_no_two_rows_drawn_share_a_prompt_or_a_gold():
    repeated = [a_row("5", number) for number in range(20)]
    drawn = training_rows([*repeated, *some_rows(40)], MATH, 0, 16, accepted)
    assert len({one.row.ground_truth for one in drawn}) == 16


def test_a_dataset_with_too_few_different_rows_says_so():
    with pytest.raises(TooFewRowsError, match="1 rows that a smoke run can train on, 8 are needed"):
        training_rows([a_row("5", number) for number in range(20)], MATH, 0, 8, accepted)


@pytest.mark.parametrize("count", [7, 17])
def test_a_smoke_run_has_eight_to_sixteen_rows(count):
    with pytest.raises(ValueError, match="8 to 16 rows"):
        training_rows(some_rows(40), MATH, 0, count, accepted)


def test_the_shortest_kind_that_the_reward_accepts_is_chosen_for_all_rows():
    def wants_working(samples: Sequence[Sample]) -> list[bool]:
        return [sample.response_text.startswith("Working.") for sample in samples]

    drawn = training_rows(some_rows(40), MATH, 0, 8, wants_working)
    assert all(one.gold.startswith("Working.\n") for one in drawn)


def test_a_reward_that_refuses_every_gold_is_trained_on_the_declared_one():
    drawn = training_rows(some_rows(40), MATH, 0, 8, lambda samples: [False] * len(samples))
    assert all(one.gold.startswith("\\boxed{") for one in drawn)


def test_texts_of_a_row_are_all_different():
    bare = MATH.declaring("{answer}")
    for one in training_rows(some_rows(40), bare, 0, 8, lambda samples: [True] * len(samples)):
        texts = [one.gold, *(decoy.text for decoy in one.decoys)]
        assert len(set(texts)) == len(texts)
        assert "unboxed" not in [decoy.name for decoy in one.decoys]
