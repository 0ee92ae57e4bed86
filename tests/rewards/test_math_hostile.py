"""Corrections, counterfactuals, units and parameters as a hostile user words them."""

# Tables read better in one line.
# ruff: noqa: E501

from __future__ import annotations

import pytest

from reward_kit.rewards import math as math_module
from reward_kit.rewards._math.finals import Final
from reward_kit.rewards._math.policy import EXACT
from reward_kit.rewards._math.quick import UNIT_WORDS
from reward_kit.rewards._math.verdicts import compare_texts

grade = getattr(math_module.math_reward, "__wrapped__", math_module.math_reward)

TAKEN_BACK = [
    "Correction: it is 12.", "Correction : 12.", "EDIT: 12", "Scratch that. The count is 12.", "Never mind, it is 12.", "Nope, 12.",
    "Sorry, I meant 12.", "My apologies, it is 12.", "I made a mistake, it is 12.", "Erratum: 12.", "Hmm, that is off by one, so 12.", "That was a typo; 12.", "Disregard this.",
    "But the problem asks for the sum, so 12.", "Rechecking, the sum is 12.", "Not quite: 12.", "The correct value is 12.",
    "Espera, es 12.", "Corrección: 12.", "Attendez, c'est 12.", "Moment, das ist falsch: 12.", "Korrektur: 12.",
    "更正：12。", "等等，应该是12。", "不对，12。", "訂正：12", "Исправление: 12.", "Нет, правильный ответ 12.", "아니, 12입니다.",
]  # fmt: skip
CONFIRMED = [
    "Wait, let me double-check: 5 + 6 = 11. Yes, correct.", "Note that 11 is prime.", "No other value works.",
    "Sorry for the long solution.", "Remark: for $n=5$ one gets 12.", "**Confidence:** 95%", "But note that 11 is the only case.",
    "答案为11。", "没错。", "I apologize for any confusion.", "I hope I have not made a mistake.", "No mistakes were found.",
    "Please let me know if this should be explained in more detail.",
]  # fmt: skip
BEFORE = [
    "Suppose that the answer is \\boxed{11}. This leads to a contradiction.", "If the answer were \\boxed{11}, then n would be even.",
    "A naive count gives \\boxed{11}, but it double counts.", "Using the wrong formula we would get \\boxed{11}.",
    "It is false that the answer is \\boxed{11}.", "We can exclude \\boxed{11} as the answer.", "An upper bound is \\boxed{11}.",
    "The answer is the square root of \\boxed{11}.", "The answer is minus \\boxed{11}.", "The answer is anything but \\boxed{11}.",
    "The answer is $> \\boxed{11}$", "~~\\boxed{11}~~",
]  # fmt: skip
CASES = [
    ("12\\text{ m}^2", "$\\boxed{12}$ meters", False),
    ("12\\text{ m}^2", "$\\boxed{12}\\ \\text{m}^2$", True),
    ("12\\text{ m}^2", "$\\boxed{12}\\text{ m}^3$", False),
    ("12\\text{ m}^2", "$\\boxed{12}$ square meters of carpet.", True),
    ("10\\text{ cm}", "The length is $\\boxed{10}$ kg.", False),
    ("10\\text{ cm}", "The length is $\\boxed{10}$ seconds.", False),
    ("10\\text{ cm}", "The length is $\\boxed{10}$ m.", False),
    ("10\\text{ cm}", "There are $\\boxed{10}$ in total.", True),
    ("60\\text{ miles per hour}", "$\\boxed{60}$ miles an hour.", True),
    ("60\\text{ miles per hour}", "$\\boxed{60}$ miles.", False),
    ("7\\text{ hours}", "$\\boxed{7}$ hours and 30 minutes", False),
    ("80\\text{ min}", "\\boxed{1\\text{ h }20\\text{ min}}", True),
    ("\\$10", "The total is $\\boxed{10}$ cents.", False),
    ("\\$10", "The total is €$\\boxed{10}$.", False),
    ("10", "The total is $\\boxed{10}$ thousand.", False),
    ("10", "The total is $\\boxed{10}$ percent of a million.", False),
    ("12", "\\boxed{12\\text{ dozens}}", False),
    ("7", "<answer>7</answer>\nSorry, it is 8.", False),
    ("7", "#### 7\nWait, that is wrong. 8", False),
    ("7", "#### 7\n\nQuestion: Tom has to wait 5 minutes.", True),
    ("7", "The answer is 7. But 8 is possible too.", False),
    ("7", "The answer is 7, not 8.", True),
    ("8", "The answer is 7, not 8.", False),
    ("7", "The answer is **7** apples.", True),
    ("7", "<answer>**7**</answer>", True),
    ("7", "<answer>The sum of 3 and 4 is 7.</answer>", True),
    ("7", "<answer>The total is not 7.</answer>", False),
    ("7", "<answer>It is impossible that x is 7.</answer>", False),
    ("B", "The correct option is **(B)**.", True),
    ("B", "The incorrect option is B.", False),
    ("**42**", "\\boxed{42}", True),
    ("\\text{true}", "\\boxed{\\text{true?}}", False),
    ("\\text{Alice, Bob}", "\\boxed{\\text{Alice or Bob}}", False),
    ("\\text{Alice, Bob}", "\\boxed{\\text{Bob and Alice}}", True),
    ("ACD", "\\boxed{C, A, D}", True),
    ("2k+1, k\\in\\mathbb{Z}", "\\boxed{2n+1, n\\in\\mathbb Z}", True),
    ("2k+1, k\\in\\mathbb{Z}", "\\boxed{2k+1, k\\in\\mathbb{N}}", False),
    ("x=2^n, n\\in\\mathbb{N}", "\\boxed{x=2^n, n\\in\\mathbb Z}", False),
    ("a^n+b, n\\in\\mathbb{N}", "\\boxed{a^b+n, b\\in\\mathbb N}", False),
    ("a^n+b, n\\in\\mathbb{N}", "\\boxed{a^m+n, m\\in\\mathbb N}", False),
    ("\\frac{\\pi}{4}+k\\pi\\ (k\\in\\mathbb{Z})", "\\boxed{\\frac{\\pi}{4}+n\\pi \\text{ for } n\\in\\mathbb{Z}}", True),
    ("n \\equiv 1, 5 \\pmod{6}", "\\boxed{n\\equiv 5\\pmod 6 \\text{ or } n\\equiv 1\\pmod 6}", True),
    ("n \\equiv 1, 5 \\pmod{6}", "\\boxed{n\\equiv 1,5\\pmod{12}}", False),
    ("\\begin{cases}1&\\text{if }x>0\\\\0&\\text{otherwise}\\end{cases}", "\\boxed{\\begin{cases}1&x>0\\\\0&\\text{otherwise}\\end{cases}}", True),
    ("\\begin{cases}1&\\text{if }x>0\\\\0&\\text{otherwise}\\end{cases}", "\\boxed{\\begin{cases}1&x<0\\\\0&\\text{otherwise}\\end{cases}}", False),
    ("\\max(a,b)", "\\boxed{\\max\\{b,a\\}}", True),
    ("\\max(a,b)", "\\boxed{\\min\\{b,a\\}}", False),
    ("\\emptyset", "\\boxed{\\text{There are no real solutions}}", True),
]  # fmt: skip
CASES += [("11", f"So we get $\\boxed{{11}}$.\n\n{behind}", False) for behind in TAKEN_BACK]
CASES += [("11", f"So we get $\\boxed{{11}}$.\n\n{behind}", True) for behind in CONFIRMED]
CASES += [("11", response, False) for response in BEFORE]


@pytest.mark.parametrize("profile", ["strict", "lenient"])
@pytest.mark.parametrize(("gold", "response", "paid"), CASES)
def test_a_hostile_wording_is_paid_only_where_it_gives_the_gold(
    gold: str, response: str, paid: bool, profile: str
) -> None:
    result = grade([{"role": "assistant", "content": response}], ground_truth=gold, profile=profile)
    assert (result.score == 1.0) is paid, result.reason


@pytest.mark.parametrize("unit", sorted(UNIT_WORDS))
def test_a_unit_in_words_changes_no_verdict_on_a_gold_that_is_a_number(unit: str) -> None:
    # The fast path compares the numbers without it.
    for answer, paid in (("5", True), ("6", False)):
        verdict = compare_texts("5", Final((f"{answer}\\text{{ {unit}}}",), "box"), EXACT)
        assert (verdict.outcome.value == "passed") is paid, verdict.reason
