"""The math audit: each planted defect is found under its reason, and nothing is found in a row without one."""

from __future__ import annotations

from typing import Any

import pytest

from reward_kit.errors import PrepareError
from reward_kit.models import EvaluateResult, Outcome, Row
from reward_kit.prepare.audits import AUDITS, answer_class
from reward_kit.prepare.audits import math as math_audit
from reward_kit.prepare.base import Reason

OPTIONS = "What is 2 + 3?\n(A) 4\n(B) 5\n(C) 6\n(D) 7"


def row_of(prompt: str, solution: str | None, gold: Any, **columns: Any) -> Row:
    turns = [{"role": "user", "content": prompt}]
    if solution is not None:
        turns.append({"role": "assistant", "content": solution})
    return Row("row-1", tuple(turns), gold, columns, 1)


def reasons(row: Row, raw: Any = None) -> list[Reason]:
    raw_gold = row.ground_truth if raw is None else raw
    return [finding.reason for finding in AUDITS["math"](row, raw_gold)]


# -- the gold ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gold", ["t(0,4]", "\\frac{1}{", 7, ["7"], "3 \\oplus \\ldots"])
def test_a_gold_that_cannot_be_read(gold: Any) -> None:
    assert reasons(row_of("Solve it.", None, gold))[0] is Reason.GOLD_UNPARSABLE


@pytest.mark.parametrize("gold", ["proof", "Proof.", "not found", "N/A", "see solution", "?", "omitted"])
def test_a_gold_that_holds_no_answer(gold: str) -> None:
    assert reasons(row_of("Solve it.", None, gold))[0] is Reason.PROOF_OR_NO_ANSWER


def test_a_problem_that_asks_for_a_proof_has_no_answer_unless_its_gold_is_a_value() -> None:
    prompt = "Prove that the sum of two odd numbers is even."

    assert reasons(row_of(prompt, None, "the sum is even")) == [Reason.PROOF_OR_NO_ANSWER]
    assert reasons(row_of("Show that n is finite, and find the largest n.", None, "12")) == []


@pytest.mark.parametrize(
    ("prompt", "gold"),
    [
        ("a) What is the area of the square?\nb) How long is its side?", "16"),
        ("A wire is cut.\n(1) Find the longer part;\n(2) Find the shorter part.", "2.1"),
        ("Perform the calculations:\n\na) $7 \\cdot 147$\n\nb) $9 : 3$", "700"),
        ("Find the maximum and minimum values of $x^2$ on $[1, 2]$.", "4"),
        ("How many children like tea only, and how many like milk only?", "6"),
        ("What are the speeds of the two boats?", "v = 4, w = 10"),
        ("Find both.", "(1) 3; (2) 4"),
    ],
)
def test_several_answers_where_one_is_graded(prompt: str, gold: str) -> None:
    assert reasons(row_of(prompt, None, gold))[0] is Reason.MULTI_PART_GOLD


@pytest.mark.parametrize(
    ("prompt", "gold"),
    [
        ("Find the roots of $x^2 - 5x + 6 = 0$.", "2, 3"),
        ("Solve the equation.", "1 \\pm \\sqrt{19}"),
        ("Solve it.", "x_1 = 1, x_2 = 2"),
        ("Find $a$ and $v_{R}$.", "a = -2, v_R = 5"),
        ("Find the sum of the maximum and minimum values of $f$.", "4"),
        ("Find the maximum value.", "4"),
        ("How many apples and how many pears are there in total?", "6"),
        ("Find all $f$ such that:\n(i) $f(0) = 1$;\n(ii) $f$ is even.", "f(x)=1"),
        ("Tiles are placed so that (i) they cover it; (ii) none overlap. How many are there?", "7"),
        ("Calculate the limit.", "(1,2), (3,4)"),
        (OPTIONS, "5"),
    ],
)
def test_one_answer_of_several_values_is_no_defect(prompt: str, gold: str) -> None:
    assert reasons(row_of(prompt, None, gold)) == []


@pytest.mark.parametrize(
    ("gold", "solution"), [("5", "So it is \\boxed{B}."), ("B", "So it is \\boxed{5}."), ("5", "The answer is $(B)$.")]
)
def test_a_letter_on_one_side_and_a_value_on_the_other(gold: str, solution: str) -> None:
    found = reasons(row_of(OPTIONS, solution, gold))

    assert found == [Reason.CHOICE_LETTER_VS_VALUE, Reason.SOLUTION_DISAGREES]


def test_a_letter_with_its_value_agrees_with_both_and_without_options_it_is_a_variable() -> None:
    assert reasons(row_of(OPTIONS, "\\boxed{\\textbf{(B)}\\ 5}", "5")) == []
    assert reasons(row_of(OPTIONS, "\\boxed{B}", "B")) == []
    assert reasons(row_of("Which point is it?", "\\boxed{B}", "5")) == [Reason.SOLUTION_DISAGREES]


# -- the solution --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "solution", ["We add and see that it is 5.", "\\boxed{", "Either \\boxed{5} or \\boxed{6}", ""]
)
def test_a_solution_without_a_single_final_answer(solution: str) -> None:
    found = reasons(row_of("What is 2 + 3?", solution, "5"))[0]

    assert found in (Reason.SOLUTION_HAS_NO_FINAL, Reason.SOLUTION_DISAGREES)
    if "or" not in solution:
        assert found is Reason.SOLUTION_HAS_NO_FINAL


@pytest.mark.parametrize(
    ("gold", "final"),
    [
        ("448", "448000"),
        ("2", "-\\ln 2"),
        ("3", "\\sqrt{3}"),
        ("2", "f(n)=n+2"),
        ("672", ".0000672"),
        ("59", "\\frac 59"),
        ("5", "5r^5"),
        ("66", "64"),
    ],
)
def test_a_gold_cut_out_of_the_answer_disagrees_with_the_solution(gold: str, final: str) -> None:
    assert reasons(row_of("Find it.", f"It is $\\boxed{{{final}}}$.", gold)) == [Reason.SOLUTION_DISAGREES]


def test_a_row_without_a_reference_turn_has_no_finding_about_it() -> None:
    assert reasons(row_of("What is 2 + 3?", None, "5")) == []


def test_where_grading_is_impossible_no_verdict_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EvaluateResult(score=0.0, outcome=Outcome.INFRA_ERROR, error="no worker")
    monkeypatch.setattr(math_audit, "math_reward", lambda *_, **__: broken)

    with pytest.raises(PrepareError, match="row-1 cannot be audited: no worker"):
        reasons(row_of("What is 2 + 3?", "\\boxed{5}", "5"))


# -- the prompt ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prompt",
    [
        "How long is AB?\n\n![](https://example.org/figure.jpg?height=645)",
        "How long is AB? <img src='a.png'>",
        "How long is AB? \\includegraphics{a.png}",
        "As shown in the figure, the square has a side of 4. How long is AB?",
        "In the diagram, AB = BC. How long is AC?",
        "The figure below shows a square. What is its area?",
        "Use the accompanying diagram.",
    ],
)
def test_a_picture_that_is_not_there(prompt: str) -> None:
    assert reasons(row_of(prompt, None, "4")) == [Reason.IMAGE_NEEDED]


def test_a_picture_in_a_content_part() -> None:
    parts = [{"type": "text", "text": "How long is it?"}, {"type": "image_url", "image_url": {"url": "a.png"}}]

    assert reasons(Row("a", ({"role": "user", "content": parts},), "4", {}, 1)) == [Reason.IMAGE_NEEDED]


@pytest.mark.parametrize(
    "prompt",
    [
        "In the diagram below, how long is AB? [asy] draw((0,0)--(4,0)); [/asy]",
        "Is the graph of the equation below a parabola?",
        "In the picture book are 40 pages. How many are left after 36?",
        "She drew 3 pictures and 1 figure of clay. How many is that?",
    ],
)
def test_a_figure_in_code_or_a_word_for_pictures_needs_no_picture(prompt: str) -> None:
    assert reasons(row_of(prompt, None, "4")) == []


@pytest.mark.parametrize(
    "addition",
    [
        "Translate the above text into English, please keep the original text's line breaks and format, and output the "
        "translation result directly.",
        "Translate the text above into English, please retain the original text's line breaks.",
        "---\n\nThe translation preserves the original text's formatting and structure.",
        "请将上面的文本翻译成英文",
        "请保留原文的换行和格式",
        "Traduisez le texte ci-dessus en anglais.",
        "Übersetzen Sie den obigen Text.",
        "Переведите приведенный выше текст на английский.",
        "You are a helpful math assistant.",
        "<|im_start|>user",
    ],
)
def test_an_instruction_meant_for_somebody_else(addition: str) -> None:
    prompt = f"Find the last four digits of $7^{{100}}$.\n\n{addition}"

    assert reasons(row_of(prompt, None, "2001")) == [Reason.FOREIGN_INSTRUCTION_IN_PROMPT]


def test_please_and_translate_can_belong_to_the_problem() -> None:
    for prompt in (
        "请问 2 加 3 等于多少?",
        "Translate the sentence into an equation: a number and 3 make 5.",
        "A translator translates 5 pages of the text an hour. How many in one hour?",
    ):
        assert reasons(row_of(prompt, None, "5")) == []


def test_a_system_message_may_speak_to_the_model() -> None:
    turns = ({"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "2 + 3?"})

    assert reasons(Row("a", turns, "5", {}, 1)) == []


@pytest.mark.parametrize(
    "leak", ["Answer: 42", "Answer. 42.", "#### 42", "[hide=Solution] $\\boxed{42}$", "The answer is $42$."]
)
def test_a_prompt_that_states_its_answer(leak: str) -> None:
    assert reasons(row_of(f"What is 6 times 7?\n\n{leak}", None, "42")) == [Reason.GOLD_IN_PROMPT]


@pytest.mark.parametrize(
    "prompt",
    ["How many of the 42 are left if none goes?", "Give your answer as a number. There are 42.", "Answer: ____"],
)
def test_a_number_that_occurs_is_no_stated_answer(prompt: str) -> None:
    assert reasons(row_of(prompt, None, "42")) == []


# -- what stops a run ----------------------------------------------------------------------------------------------


def test_a_changed_gold_comes_before_everything_else() -> None:
    found = reasons(row_of("Find it.", "\\boxed{448000}", "448"), raw="448000")

    assert found == [Reason.GOLD_CHANGED_BY_NORMALISER, Reason.SOLUTION_DISAGREES]


@pytest.mark.parametrize(
    "value", [(1, 2), {"a": (1,)}, float("nan"), {1: "a"}, "\ud800", object()], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("domain", ["math", "general"])
def test_a_row_that_does_not_survive_its_file(value: Any, domain: str) -> None:
    found = list(AUDITS[domain](row_of("2 + 3?", None, "5", extra=value), "5"))

    assert [finding.reason for finding in found] == [Reason.ROUNDTRIP_CHANGED]


def test_every_finding_names_the_value() -> None:
    (finding,) = AUDITS["math"](row_of("Find it.", "\\boxed{448000}", "448"), "448")

    assert finding.message == "by the solution, 448000 is not 448"


def test_the_general_audit_looks_at_no_answer() -> None:
    assert list(AUDITS["general"](row_of("In the diagram, ...", "no final", {"calls": []}), {"calls": []})) == []


@pytest.mark.parametrize(
    ("gold", "kind"),
    [
        ("448000", "integer"),
        ("1,234,567", "integer"),
        ("-3", "integer"),
        (".35625", "decimal"),
        ("\\frac 59", "fraction"),
        ("2\\frac13", "fraction"),
        ("\\sqrt{51}", "closed form"),
        ("-\\ln 2", "closed form"),
        ("5r^5", "expression"),
        ("(3, \\frac{\\pi}{2})", "tuple"),
        ("(1,2]", "interval"),
        ("(2,\\infty)", "interval"),
        ("\\{1, 2\\}", "set"),
        ("2, 3", "list"),
        ("x = 1, y = 2", "named parts"),
        ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "matrix"),
        ("y = 2x + 3", "equation"),
        ("\\text{(C)}", "choice letter"),
        ("90^\\circ", "number with unit"),
        ("52_8", "number in a base"),
        ("\\text{Evelyn}", "text"),
        ("t(0,4]", "unreadable"),
        (7, "not a text"),
    ],
)
def test_the_kind_of_an_answer_is_what_the_reward_reads(gold: Any, kind: str) -> None:
    assert answer_class("math", row_of("?", None, gold)) == kind


def test_outside_math_the_kind_is_the_type_of_the_gold() -> None:
    assert [answer_class("general", row_of("?", None, gold)) for gold in ("a", {"a": 1}, None)] == [
        "text",
        "object",
        "none",
    ]
