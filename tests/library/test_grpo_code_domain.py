"""What a smoke run trains on where rows hold programs: short right ones, and decoys that were executed."""

from __future__ import annotations

import random

import pytest
from coding_rows import COUNT, COUNT_TESTS, SUM, SUM_TESTS, a_row, answer, printed, rows_of_every_form

from reward_kit.grpo.domains import DOMAINS, training_rows
from reward_kit.grpo.shapes import Wrong
from reward_kit.models import Row, Sample

CODE = DOMAINS["code"]
RNG = random.Random(0)


def times(factor: int) -> Row:
    program = f"# times {factor}\nprint(int(input()) * {factor})"
    tests = [{"input": f"{number}\n", "expected_output": f"{number * factor}\n"} for number in (1, 2, 30)]
    return a_row(program, tests, line=factor)


def test_the_shortest_right_completion_is_the_program_without_its_comments():
    row = times(7)
    assert dict(CODE.completions(row)) == {
        "declared": "```python\nprint(int(input()) * 7)\n```",
        "reference": answer("# times 7\nprint(int(input()) * 7)"),
    }


@pytest.mark.parametrize("form", ["stdin", "calls", "method", "assertions"])
def test_decoys_of_every_form_are_a_wrong_program_no_fence_and_nothing(form):
    row = rows_of_every_form()[form]
    gold = CODE.completions(row)["declared"]
    wrong, unfenced, empty = CODE.decoys(row, gold, RNG)
    assert [wrong.wrong, unfenced.wrong, empty.wrong] == [Wrong.VALUE, Wrong.FORMAT, Wrong.EMPTY]
    assert wrong.text.startswith("```python\n")
    assert wrong.text != gold
    assert abs(len(wrong.text) - len(gold)) <= 2
    assert gold == f"```python\n{unfenced.text}\n```"
    assert empty.text == ""


def test_a_wrong_program_is_wrong_on_the_row_s_own_tests():
    row = a_row(SUM, SUM_TESTS)
    wrong = CODE.decoys(row, CODE.completions(row)["declared"], RNG)[0]
    program = wrong.text.removeprefix("```python\n").removesuffix("\n```")
    outputs = [end.stdout.decode() for end in printed(program, SUM_TESTS)]
    assert outputs != [test["expected_output"] for test in SUM_TESTS]


def test_where_the_reward_wants_the_reference_its_decoys_are_like_it():
    row = a_row(COUNT, COUNT_TESTS, "count_down")
    wrong, unfenced, _ = CODE.decoys(row, CODE.completions(row)["reference"], RNG)
    assert wrong.text.startswith("Read it once.\n\n```python\n")
    assert unfenced.text == COUNT


def test_another_fence_is_declared_by_a_template():
    row = times(7)
    domain = CODE.declaring("```\n{answer}\n```")
    gold = domain.completions(row)["declared"]
    assert gold == "```\nprint(int(input()) * 7)\n```"
    assert domain.decoys(row, gold, RNG)[0].text.startswith("```\n")
    with pytest.raises(ValueError, match="exactly once"):
        CODE.declaring("```python```")


def test_a_long_program_is_not_trained_on():
    steps = "\n".join(f"total = total + {number} * 100" for number in range(40))
    row = a_row(f"total = int(input())\n{steps}\nprint(total)", [{"input": "0\n", "expected_output": "78000\n"}])
    assert CODE.completions(row) == {}


@pytest.mark.parametrize("tests", [[], [{"input": "1\n", "expected_output": "8\n"}]])
def test_a_row_without_tests_or_with_a_wrong_reference_has_no_decoys(tests):
    row = a_row("print(int(input()) * 7)", tests)
    assert CODE.decoys(row, "```python\nprint(int(input()) * 7)\n```", RNG) == ()


def test_eight_rows_are_drawn_from_a_dataset_of_programs():
    def accepts(samples: list[Sample]) -> list[bool]:
        return ["```python" in sample.response_text for sample in samples]

    rows = training_rows([times(factor) for factor in range(2, 14)], CODE, 0, 8, accepts)
    assert len({row.gold for row in rows}) == 8
    assert all([decoy.name for decoy in row.decoys] == ["wrong value", "unfenced", "empty"] for row in rows)
