"""Controls for final answers: what is proved, what is dropped, and in which format responses are written."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_kit.controls import DOMAINS, NO_OTHER_ANSWER
from reward_kit.controls.math.numbers import read_number
from reward_kit.controls.math.proofs import proof_of_difference, proof_of_equality
from reward_kit.models import Polarity, Row

#: What every row has behind its wrong answers.
OF_EVERY_ROW = ["hedge", "hedge_reversed", "denied_gold", "empty_answer", "only_thinking", "no_answer"]
PROMPT = {"role": "user", "content": "?"}


def controls_of(gold, reference=None):
    turns = (PROMPT,) if reference is None else (PROMPT, {"role": "assistant", "content": reference})
    return list(DOMAINS["math"](Row("r", turns, gold, {}, 1)))


def answers(gold, polarity, reference="\\boxed{?}"):
    """Operator to the answer that its response declares in its one box, where it is another than the gold."""
    found = {}
    for control in controls_of(gold, reference):
        text = control.response["content"]
        other = control.operator not in NO_OTHER_ANSWER
        if control.polarity is polarity and other and text.count("\\boxed") == 1:
            found.setdefault(control.operator, text.partition("\\boxed{")[2].rpartition("}")[0])
    return found


def operators(gold, polarity):
    return [control.operator for control in controls_of(gold) if control.polarity is polarity]


@pytest.mark.parametrize(
    ("gold", "right", "wrong"),
    [
        ("24", ["24.0", r"\frac{48}{2}"], ["25", "240", "2"]),
        ("1200", ["1,200", "1200.0", r"\frac{2400}{2}"], ["1201", "12000", "120"]),
        ("1,200", ["1200", "1200.0", r"\frac{2400}{2}"], ["1,201", "12,000", "120"]),
        ("0", ["0.0", r"\frac{0}{2}"], ["1", "-1", "2"]),
        ("7", ["7.0", r"\frac{14}{2}"], ["8", "70", "6"]),
        ("-35", ["-35.0", r"-\frac{70}{2}"], ["-34", "-350", "-3"]),
        ("2.5", ["2.50", r"\frac{5}{2}"], ["3.5", "25", "2"]),
        ("1/3", [r"\frac{1}{3}"], ["4/3", "10/3", "-2/3"]),
        (r"\frac{5}{32}", ["0.15625", "5/32"], [r"\frac{37}{32}", r"\frac{25}{16}", r"\frac{5}{3}"]),
        (r"81^\circ", [r"81.0^\circ"], [r"82^\circ", r"810^\circ", r"8^\circ", r"81 \text{ kg}"]),
        (r"\$1350", [r"\$1,350", r"\$1350.0"], [r"\$1351", r"\$13500", r"\$135"]),
        (
            r"15 \text{ km/h}",
            [r"15.0 \text{ km/h}"],
            [r"16 \text{ km/h}", r"150 \text{ km/h}", r"1 \text{ km/h}", r"15 \text{ kg}"],
        ),
        ("B", [r"\text{B}"], ["C"]),
        (r"22\sqrt{6}", [r"\displaystyle 22\sqrt{6}"], [r"23\sqrt{6}", r"220\sqrt{6}", r"2\sqrt{6}"]),
        (r"r^2 + cr", ["r^2+cr"], ["r^2 + cr + 1", r"10 \left(r^2 + cr\right)", r"-\left(r^2 + cr\right)"]),
        ("(3, 7]", [r"\left(3, 7\right]", "(3,7]"], ["(4, 7]", "(30, 7]", "(2, 7]", "[3, 7]"]),
        (
            r"\{1, 3\}",
            [r"\{3, 1\}", r"\left\{1, 3\right\}", r"\{1,3\}"],
            [r"\{2, 3\}", r"\{10, 3\}", r"\{0, 3\}", r"\{1\}"],
        ),
        ("y = 9x + 9", ["y=9x+9"], ["y = 10x + 9", "y = 90x + 9", "y = 8x + 9"]),
        ("a = -2, b = -5", ["a=-2,b=-5"], ["a = -3, b = -5", "a = -20, b = -5", "a = -1, b = -5", "a = -2"]),
    ],
)
def test_a_gold_of_every_class_has_right_and_wrong_spellings(gold, right, wrong):
    assert list(answers(gold, Polarity.PRESERVING).values()) == right
    assert list(answers(gold, Polarity.FLIPPING).values()) == wrong
    assert operators(gold, Polarity.FLIPPING)[-6:] == OF_EVERY_ROW
    assert len(operators(gold, Polarity.FLIPPING)) == 9 + (len(wrong) > 3)


@pytest.mark.parametrize(
    ("operator", "ends"),
    [
        ("hedge", "The final answer is $\\boxed{42}$ or $\\boxed{43}$."),
        ("hedge_reversed", "The final answer is $\\boxed{43}$ or $\\boxed{42}$."),
        ("denied_gold", "The final answer is $\\boxed{\\text{The answer is not } 42}$."),
        ("empty_answer", "The final answer is $\\boxed{}$."),
    ],
)
def test_a_gold_offered_beside_another_denied_or_left_out_is_no_right_answer(operator, ends):
    (control,) = [control for control in controls_of("42") if control.operator == operator]
    assert control.response["content"].endswith(ends)


@pytest.mark.parametrize(
    ("reference", "denied", "empty", "thought"),
    [
        ("Sum.\n#### 42", "Sum.\n#### The answer is not 42", "Sum.\n#### ", "Sum. #### 42"),
        (
            "<think>6*7</think><answer>42</answer>",
            "<think>6*7</think><answer>The answer is not 42</answer>",
            "<think>6*7</think><answer></answer>",
            "<answer>42</answer>",
        ),
    ],
)
def test_denial_and_nothing_are_written_in_the_format_of_the_reference(reference, denied, empty, thought):
    by_operator = {control.operator: control.response["content"] for control in controls_of("42", reference)}
    assert (by_operator["denied_gold"], by_operator["empty_answer"]) == (denied, empty)
    block, _, visible = by_operator["only_thinking"].partition("</think>")
    assert block == f"<think>\n{thought}\n"
    assert "42" not in visible
    assert "answer" not in visible


def test_a_reference_in_plain_words_has_no_place_that_could_be_empty():
    found = [control.operator for control in controls_of("42", "The answer is 42.")]
    assert not {"denied_gold", "empty_answer", "only_thinking"} & set(found)


@pytest.mark.parametrize(
    ("gold", "operator", "text"),
    [
        ("7, 19", "dropped_item", "7"),
        (r"\left\{\frac{1}{2}, 3, 5\right\}", "dropped_item", r"\left\{\frac{1}{2}, 3\right\}"),
        (r"\{1, 2, \frac{4}{2}\}", "dropped_item", r"\{2, \frac{4}{2}\}"),  # without the last it is the same set
        ("(4, 9), (10, 3)", "dropped_item", "(4, 9)"),
        ("x = 1, x = 3", "dropped_item", "x = 1"),
        (r"\left(\frac{41}{11}, \frac{23}{11}\right)", "swapped_items", r"\left(\frac{23}{11}, \frac{41}{11}\right)"),
        ("(3, 3, 4)", "swapped_items", "(4, 3, 3)"),
        ("[1, 2)", "flipped_bracket", "[1, 2]"),  # (1, 2) could be a point
        (r"(-\infty, 3]", "flipped_bracket", r"(-\infty, 3)"),
        (r"(0, 2) \cup [2, 3]", "flipped_bracket", r"[0, 2) \cup [2, 3]"),
        (r"\left(0, 2\right) \cup \{0, 5\}", "flipped_bracket", r"\left(0, 2\right] \cup \{0, 5\}"),
        (r"120 \text{ cm}^2", "other_unit", r"120 \text{ kg}"),
        (r"3\,\mathrm{kg}", "other_unit", r"3\,\mathrm{m}"),
        ("5 cm", "other_unit", "5 kg"),
    ],
)
def test_parts_are_dropped_exchanged_turned_and_measured_otherwise(gold, operator, text):
    assert answers(gold, Polarity.FLIPPING)[operator] == text


@pytest.mark.parametrize(
    "gold",
    [
        "(2, 2)",
        "(0, 8)",  # a point or an interval: its brackets stay
        r"(-\infty, \infty)",
        r"\{2k, k\}",  # all multiples of 2 are among those of 1
        "y = 2x, x = 3, y = 6",  # two of these say the third
        "2, 2",
        r"\{2, 4, \ldots\}",
        r"5 \text{ lb}",  # a mass or a force
        "5 apples",
        "0 cm",
        r"25\%",
        "1,200",
        r"10,\!080",
        r"11,\! 111,\! 100",
    ],
)
def test_parts_whose_change_is_not_proved_stay(gold):
    found = operators(gold, Polarity.FLIPPING)
    unproved = {"dropped_item", "flipped_bracket", "other_unit"} | ({"swapped_items"} if gold != "(0, 8)" else set())
    assert not unproved & set(found)


def test_no_answer_mentions_the_gold_last_and_declares_nothing():
    (missing,) = [control for control in controls_of("42") if control.operator == "no_answer"]
    text = missing.response["content"]
    assert [word for word in text.replace("$", " ").split() if word.strip(".").isdigit()] == ["42"]
    assert not any(mark in text.lower() for mark in ("boxed", "####", "<answer>", "answer", "final"))


@pytest.mark.parametrize(
    ("reference", "response"),
    [
        ("So it is $\\boxed{42}$.", "So it is $\\boxed{43}$."),
        ("So it is \\(\\boxed{42}\\)", "So it is \\(\\boxed{43}\\)"),
        ("Tickets at $5 each.\nIn all, $\\boxed{42}$.", "Tickets at $5 each.\nIn all, $\\boxed{43}$."),
        ("It adds up.\n#### 42", "It adds up.\n#### 43"),
        ("<think>6*7</think><answer>42</answer>", "<think>6*7</think><answer>43</answer>"),
        ("<think>6*7</think><answer>\\boxed{42}</answer>", "<think>6*7</think><answer>\\boxed{43}</answer>"),
        ("42", "43"),
        ("The answer is 42.", "The answer is 43."),
    ],
)
def test_a_response_is_the_reference_with_another_answer_in_its_place(reference, response):
    assert response in [control.response["content"] for control in controls_of("42", reference)]


@pytest.mark.parametrize(
    "reference",
    [
        "So $6 \\cdot 7 = \\boxed{42}$.",
        "It is $\\boxed{42}$ cm.",
        "First $\\boxed{6}$, then $\\boxed{42}$.",
        "It is $x = -\\boxed{42}$",
        "Nothing is declared here.",
        "It is 3 + 42",
    ],
)
def test_an_answer_that_is_part_of_more_is_written_anew(reference):
    (right,) = [c.response["content"] for c in controls_of("42", reference) if c.operator == "decimal"]
    assert right.endswith("\nThe final answer is $\\boxed{42.0}$.")
    assert "6" not in right


def test_a_thinking_block_stays_where_the_answer_is_written_anew():
    (right,) = [c for c in controls_of("42", "<think>6*7</think>x = \\boxed{42}") if c.operator == "decimal"]
    assert right.response["content"].startswith("<think>6*7</think>\n")


def test_what_the_reasoning_of_the_reference_declares_is_no_part_of_a_missing_answer():
    reference = {"role": "assistant", "content": "\\boxed{42}", "reasoning_content": "The answer is 42."}
    row = Row("r", (PROMPT, reference), "42", {}, 1)
    by_operator = {control.operator: control.response for control in DOMAINS["math"](row)}
    assert "reasoning_content" in by_operator["hedge"]
    assert "reasoning_content" not in by_operator["no_answer"]


def test_a_gold_written_as_a_solution_counts_by_what_it_declares():
    assert answers("6 * 7 = 42\n#### 42", Polarity.FLIPPING)["plus_one"] == "43"


@pytest.mark.parametrize(
    "gold",
    [
        r"\text{March 5}",
        "x^2 + C",
        "Ce^{x}",
        r"\frac{\pi}{6} + 2\pi k",
        r"2 \pm \sqrt{3}",
        "1/0",
        "9^{9^{9^9}}",
        "1 000",
        r"\{2, 4, \ldots\}",
        "n!",
        r"\frac{",
    ],
)
def test_wrong_values_that_cannot_be_proved_are_dropped(gold):
    assert operators(gold, Polarity.FLIPPING) == OF_EVERY_ROW[2:]


@pytest.mark.parametrize("gold", [None, True, ["42"], {"answer": 42}, ""])
def test_a_ground_truth_that_is_no_answer_has_no_controls(gold):
    assert controls_of(gold) == []


@pytest.mark.parametrize(
    ("gold", "same"),
    [
        ("i^4", "i^8"),
        ("1", "i^4"),
        (r"\frac{2}{4}\pi", r"\frac{\pi}{2}"),
        (r"\sqrt{12}", r"2\sqrt{3}"),
        ("x^2 - 1", "(x-1)(x+1)"),
        (r"\{1, 2\}", r"\{2, 1\}"),
        ("1, 2", "2, 1"),
        ("a = 1, b = 2", "b = 2, a = 1"),
        ("x + y = 2", "2x + 2y = 4"),
        ("x^2 + y^2 = -1", "x^2 + y^2 = -2"),
        (r"[0, 1) \cup [1, 2)", "[0, 2)"),
        ("(-\\infty, 2]", r"(-\infty, 1] \cup [1, 2]"),
        ("0.5x", r"\frac{x}{2}"),
        ("50\\%", "0.5"),
        ("5", r"5 \text{ cm}"),
        ("y = 2x", "2x"),
        ("2 < x < 1", "3 < x < 1"),
        (r"\{1, 2, \frac{4}{2}\}", r"\{1, 2\}"),
        ("y = 2x, x = 3, y = 6", "y = 2x, x = 3"),
        (r"[0, 2) \cup [1, 3]", r"[0, 2] \cup [1, 3]"),
        ("0 cm", "0 kg"),
        ("5 cm", "5 mm"),
        ("5 kg", "5 apples"),
    ],
)
def test_what_may_be_the_same_answer_is_never_proved_different(gold, same):
    assert proof_of_difference(gold, same) is None
    assert proof_of_difference(same, gold) is None


@pytest.mark.parametrize(
    ("gold", "other"),
    [("3, 125", "3,125"), ("1 2", "12"), ("24", "24.5"), ("(1, 2)", "(2, 1)"), ("B", "C"), ("5 cm", "5 m"), ("x", "y")],
)
def test_what_may_be_another_answer_is_never_proved_equal(gold, other):
    assert proof_of_equality(gold, other) is None


@pytest.mark.parametrize(
    ("gold", "wrong"),
    [
        (r"\text{Yes}", {"other_word": r"\text{No}", "denied": r"\text{not Yes}"}),
        ("even", {"other_word": "odd", "denied": "not even"}),
        (r"\text{Sunday}", {"other_word": r"\text{Monday}", "denied": r"\text{not Sunday}"}),
        ("Alice", {"denied": "not Alice"}),
        (r"\text{not prime}", {"denied": r"\text{prime}"}),
    ],
)
def test_another_word_of_its_kind_and_the_denial_are_wrong(gold, wrong):
    assert answers(gold, Polarity.FLIPPING) == wrong
    assert "hedge" in operators(gold, Polarity.FLIPPING)


@pytest.mark.parametrize(("gold", "other"), [("Alice", "Alicia"), ("ellipse", "circle"), ("Yes", "yes"), ("AB", "BA")])
def test_words_that_may_mean_the_same_are_not_proved_different(gold, other):
    assert proof_of_difference(gold, other) is None


@pytest.mark.parametrize(
    ("gold", "other", "differ"),
    [
        (r"\frac{x^3}{3}+C", r"\frac{x^3}{4}+C", True),
        (r"\frac{x^2+1}{2}+C", r"\frac{x^2+2}{2}+C", False),  # one family: a constant more
        (r"x^2+C", "x^2", False),
        (r"\infty", r"\infty + 1", False),
        (r"\infty", r"-\infty", True),
    ],
)
def test_constants_of_integration_and_infinity_take_up_what_is_added(gold, other, differ):
    assert (proof_of_difference(gold, other) is not None) is differ


def test_plain_numbers_are_proved_without_sympy():
    code = (
        "import sys; from reward_kit.controls.math import math_controls; from reward_kit.models import Row; "
        "assert len(list(math_controls(Row('r', ({'role': 'user'},), '42', {}, 1)))) == 11; "
        "assert not {'sympy', 'latex2sympy2_extended'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


INTEGERS = st.integers(-(10**12), 10**12)
NUMERALS = st.one_of(
    INTEGERS.map(str),
    INTEGERS.map("{:,}".format),
    st.tuples(INTEGERS, st.integers(1, 6)).map(lambda p: f"{p[0]}.{abs(p[0]) % 10 ** p[1]:0{p[1]}}"),
    st.tuples(INTEGERS, st.integers(1, 10**6)).map(lambda p: f"{p[0]}/{p[1]}"),
    st.tuples(INTEGERS, st.integers(1, 10**6)).map(lambda p: f"\\frac{{{p[0]}}}{{{p[1]}}}"),
)


def exact(text):
    """The value of a numeral by a reading of its own: the controls' parser is what is tested."""
    text = text.replace(",", "")
    sign = -1 if text.startswith("-\\frac") else 1
    if "\\frac" in text:
        over, _, under = text.partition("\\frac{")[2].rstrip("}").partition("}{")
        return sign * Fraction(int(over), int(under))
    return Fraction(text)


@settings(max_examples=3000, deadline=None)
@given(NUMERALS)
def test_no_wrong_control_equals_its_gold_and_no_right_one_differs(gold):
    right, wrong = answers(gold, Polarity.PRESERVING), answers(gold, Polarity.FLIPPING)
    assert right
    assert len(wrong) == 3
    assert all(exact(text) == exact(gold) for text in right.values())
    assert all(exact(text) != exact(gold) for text in wrong.values())
    assert len(operators(gold, Polarity.FLIPPING)) == 9


@settings(max_examples=500, deadline=None)  # the first call imports sympy
@given(st.text(max_size=40))
def test_any_gold_is_taken_without_an_exception(gold):
    for control in controls_of(gold):
        assert control.proof
        assert isinstance(control.response["content"], str)


LATEX = st.lists(st.sampled_from([*"0123xyn+-=(){}[],^ ", "\\frac", "\\sqrt", "\\pi", "\\cup", "\\infty", "\\{"]))


@settings(max_examples=300, deadline=None)
@given(LATEX.map("".join))
def test_any_latex_is_taken_without_an_exception(gold):
    controls_of(gold)


@given(st.text(alphabet="0123456789.,/-\\{}frac $", max_size=20))
def test_a_number_is_read_without_an_exception(text):
    read_number(text)
