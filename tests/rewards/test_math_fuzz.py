"""Any text may come out of a model: extraction and reading neither raise nor slow down."""

# Tables and expressions read better in one line; word lists.
# ruff: noqa: E501

from __future__ import annotations

import random
import time
from itertools import product

import pytest

from reward_kit.models import Outcome
from reward_kit.rewards import math as math_module
from reward_kit.rewards._math.finals import Final, find_final
from reward_kit.rewards._math.quick import quick_answer

grade = getattr(math_module.math_reward, "__wrapped__", math_module.math_reward)

GOLDS = (
    r"42 \frac{3}{4} 2\sqrt{3} (1,2) [0,1) \{1,2\} x^2+1 25\% \$18 1011_2 12:30 1\pm\sqrt{2} 5\text{cm} \text{even} B "
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix} y=2x+1 x>2 (-\infty,2)\cup(3,\infty) 90^\circ \frac{\pi}{2} 3+4i -7"
).split()
PIECES = [
    *"{}()[]^_=<,;:$|!%-+*/.&'?xyei019\n ", r"\frac", r"\sqrt", r"\{", r"\}", r"\le", r"\cup", r"\pm", r"\text{", r"\boxed{",
    r"\\", r"\begin{pmatrix}", r"\end{pmatrix}", r"\in", r"\mathbb{R}", "cm", "°", "√", "½", "²", r"\log_2", r"\sin",
    r"\binom", r"\sum_{k=1}^{5}", "#### ", "<answer>", "</answer>", "<think>", "</think>", "The answer is ", " or ",
    " and ", " not ", r"\left", r"\right", r"\overline{3}", "for all", r"\approx", r"\equiv", r"\pmod 7", "(B)", "p.m.",
    "A: ", "23", "1,000", r"\infty", "\x00", "🙂", "\u2212", r"\pi", "12", "base 2", "...", r"\setminus", "So ",
]  # fmt: skip


def responses(count: int, seed: int) -> list[tuple[str, str]]:
    """Golds with responses of random pieces and of mutated golds."""
    source = random.Random(seed)
    pairs = []
    for _ in range(count):
        gold = source.choice(GOLDS)
        if source.random() < 0.4:
            answer = "".join(source.choices(PIECES, k=source.randint(1, 14)))
        else:
            letters = list(source.choice(GOLDS))
            for _ in range(source.randint(1, 4)):
                letters[source.randrange(len(letters))] = source.choice(PIECES)
            answer = "".join(letters)
        response = f"\\boxed{{{answer}}}" if source.random() < 0.7 else answer
        pairs.append((answer if source.random() < 0.2 else gold, response))
    return pairs


def grade_all(pairs: list[tuple[str, str]]) -> float:
    """Grade every pair in both profiles; the slowest time in seconds."""
    slowest = 0.0
    for gold, response in pairs:
        for profile in ("strict", "lenient"):
            started = time.perf_counter()
            result = grade([{"role": "assistant", "content": response}], ground_truth=gold, profile=profile)
            slowest = max(slowest, time.perf_counter() - started)
            assert (result.score == 1.0) == (result.outcome is Outcome.PASSED)
            assert result.reason
            assert "\n" not in result.reason
    return slowest


def test_no_text_raises_or_takes_long():
    assert grade_all(responses(3_000, seed=1)) < 3.0


@pytest.mark.slow
def test_a_hundred_thousand_texts_raise_nothing():
    assert grade_all(responses(100_000, seed=2)) < 5.0


@pytest.mark.parametrize(
    "piece",
    [
        "{", "}", "\\boxed{", "\\boxed", "\\boxed{1}", "\\boxed{1} or ", "<answer>", "<answer>1</answer>", "#### 1\n",
        "####", "<think>", "</think>", "The answer is ", "The answer is 1. ", "answer", "final answer\n", "$", "\\(", "A:",
        "A: 1\n", "or ", "not ", "either ", "a b ", "\\text{", "(", "-", "^{2", "\\frac", "0", "1,", ",000", " ", "\n", "*",
    ],
)  # fmt: skip
@pytest.mark.parametrize("profile", ["strict", "lenient"])
def test_time_grows_with_the_length_of_a_response_and_not_faster(piece: str, profile: str):
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        best = 1e9
        for _ in range(3):
            started = time.perf_counter()
            grade([{"role": "assistant", "content": text}], ground_truth="42", profile=profile)
            best = min(best, time.perf_counter() - started)
        return best

    short, long = seconds(20_000), seconds(320_000)
    assert long < 1.0
    assert long < 16 * 4 * max(short, 0.002), f"{short:.4f} s for 20,000 signs, {long:.4f} s for 320,000"


def test_the_fast_path_gives_the_answer_of_the_full_way():
    befores = ["So $", "It is not ", "either 3 or ", "x = -", "\\boxed{1} ", "\\boxed{1}, ", "<think>", "for ", "", "- ",
               "2\\cdot ", "e.g. ", "x = \\frac{1}{2} + ", "\\[", "A: 3\n"]  # fmt: skip
    contents = ["42", " 4 ", "x+1", "", "\\frac{1}{2}", "\\{1\\}", "{5}"]
    quick = 0
    for before, content, after in product(befores, contents, ["", "$.", "\n", ".</think>", " or 43", " is wrong"]):
        text = f"{before}\\boxed{{{content}}}{after}"
        answer = quick_answer(text, lenient=False)
        if answer is not None:
            final = find_final(text)
            assert isinstance(final, Final), text
            assert (final.items, final.alternative) == ((answer,), None), text
            quick += 1
    assert quick > 20
    for text in (
        "Work\nA: 42",
        "The answer is 41\nA: 42",
        "#### 41\nA: 42",
        "<think>\nA: 42",
        "Work\nA: 4 2",
    ):
        answer = quick_answer(text, lenient=True)
        final = find_final(text, lenient=True)
        assert answer is None or (isinstance(final, Final) and final.text == answer), text


# What the expressions for hedges, examples and joined boxes are made of.
HEDGE_PIECES = (
    "not never isn't isn’t cannot be than of rather instead other except wrong incorrect answer answers value result is are "
    "would equal to simply just the actually really either or maybe perhaps possibly even for example, e.g. such as student "
    "says might think put write in format Or NOT Wrong 42 x = : . ? ** ( $ \\( \\[ - } { \\boxed{1} \\boxed{\\frac{1}{2}} "
    "\\fbox{3} \\boxed \\boxed{ and"
).split()
LATER = ["", "$", "$.", "\\).", "\n\\]", " cm", " feet.", "}", "$ is wrong", " or 4", "\n\nThe answer is 3."]


@pytest.mark.parametrize("seed", range(4))
def test_the_fast_path_overlooks_no_hedge_and_no_other_box(seed: int):
    rng = random.Random(seed)
    quick = 0
    for _ in range(3_000):
        words = rng.choices(HEDGE_PIECES, k=rng.randrange(6))
        space = " " * rng.choice([1, 1, 1, 30, 60])
        before = space.join(words) + rng.choice([" ", "\n", "", " $", " \\(", "\n\\[\n", ": "])
        text = f"{before}\\boxed{{{rng.choice(['5', '1/2', 'x'])}}}{rng.choice(LATER)}"
        answer = quick_answer(text, lenient=False)
        if answer is not None:
            final = find_final(text)
            assert isinstance(final, Final), text
            # A unit in words behind the box is read where the gold is more than a number.
            items = (final.items[0].removesuffix("\\text{ feet}"),) if text.endswith(" feet.") else final.items
            assert (items, final.alternative, final.offers_choice) == ((answer,), None, False), text
            quick += 1
    assert quick > 300
