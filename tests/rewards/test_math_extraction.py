"""What counts as the final answer of a response, case by case: gold, response, strict verdict, lenient verdict."""

# Tables and expressions read better in one line; the signs themselves are meant.

from __future__ import annotations

from typing import Any

import pytest

from reward_kit.models import Message
from reward_kit.rewards import math as math_module
from reward_kit.rewards.math import extract_answer

grade = getattr(math_module.math_reward, "__wrapped__", math_module.math_reward)

# fmt: off
CASES = [
    ('42', '<think>maybe \\boxed{41}</think>The answer is \\boxed{42}', True, True),
    ('42', '<think>a<think>b</think>\\boxed{41}</think>\\boxed{42}', True, True),
    ('42', '<think>\\boxed{42}', False, False),
    ('42', 'blah blah</think>\n\n42', False, True),
    ('42', 'blah</think>\\boxed{41}<think>\\boxed{42}', False, False),
    ('42', '<think>x</think>**Answer:** 42', True, True),
    ('42', '**Answer: 42**', True, True),
    ('42', 'Final answer: 42.', True, True),
    ('42', 'The final answer is: $\\boxed{42}$', True, True),
    ('42', 'Final Answer: The final answer is $42$. I hope it is correct.', True, True),
    ('42', '### Final Answer\n\n$42$', True, True),
    ('42', '### Final Answer\n42', True, True),
    ('42', 'The correct answer is therefore 42.', True, True),
    ('42', 'Thus, the answer to the problem is 42.', True, True),
    ('42', 'The answer is 42, because 6*7=42.', True, True),
    ('42', 'The answer is 42 (forty-two).', True, True),
    ('42', 'So the answer = 42', True, True),
    ('42', 'ANSWER: 42', True, True),
    ('42', '答案是42', True, True),
    ('42', '答案：42', True, True),
    ('42', '#### 42', True, True),
    ('42', 'blah\n#### 42\n', True, True),
    ('42', '#### Step 3: foo\n\\boxed{42}', True, True),
    ('42', '\\boxed{42}\n\n#### Verification\nok', True, True),
    ('42', '<answer>42</answer>', True, True),
    ('42', '<answer> \\boxed{42} </answer>', True, True),
    ('42', '<answer>The answer is 42</answer>', True, True),
    ('42', '<answer>42</answer> but \\boxed{41}', False, False),
    ('41', '<answer>42</answer> but \\boxed{41}', True, True),
    ('42', 'The answer is not 41. It is \\boxed{42}.', True, True),
    ('42', 'It is not \\boxed{42}.', False, False),
    ('42', '\\boxed{42} is not the answer.', False, False),
    ('42', '\\boxed{42} is wrong.', False, False),
    ('42', "The answer isn't \\boxed{42}", False, False),
    ('42', 'We know it cannot be \\boxed{42}.', False, False),
    ('42', 'It is not hard to see that the answer is \\boxed{42}.', True, True),
    ('42', '\\boxed{42} or \\boxed{43}', False, False),
    ('42', '\\boxed{42} or 43', False, False),
    ('42', '\\boxed{42} or $43$', False, False),
    ('42', '\\boxed{42}, or maybe 43', False, False),
    ('42', '\\boxed{42}, but it could also be 43.', False, False),
    ('42', '\\boxed{42}. Alternatively, 43.', False, False),
    ('42', '43 or \\boxed{42}', False, False),
    ('42', 'Either 43 or \\boxed{42}', False, False),
    ('42', '$\\boxed{42}$ or equivalently $6\\cdot 7$', True, True),
    ('0.5', '$\\boxed{\\frac12}$ or 0.5', True, True),
    ('0.5', '$\\boxed{\\frac12}$ (or 0.5)', True, True),
    ('0.5', '$\\frac12$ or $\\boxed{0.5}$', True, True),
    ('0.5', '$\\boxed{\\frac12}$ or 50%', True, True),
    ('\\sqrt2', '$\\boxed{\\sqrt2}$ or approximately 1.414', True, True),
    ('\\sqrt2', '$\\boxed{\\sqrt{2} \\approx 1.414}$', True, True),
    ('\\sqrt2', '$\\boxed{\\sqrt{2}} \\approx 1.414$', True, True),
    ('\\sqrt2', '$\\boxed{\\sqrt{2} \\approx 1.5}$', False, False),
    ('42', '\\boxed{41} Wait, no. \\boxed{42}', True, True),
    ('42', '\\boxed{41} \\boxed{42}', False, False),
    ('42', '\\boxed{42}\n\n\\boxed{42}', True, True),
    ('42', '\\boxed{42}, \\boxed{42}', True, True),
    ('1,2', '$\\boxed{1}$ and $\\boxed{2}$', True, True),
    ('1,2', '$x=\\boxed{1}$ and $y=\\boxed{2}$', True, True),
    ('42', '$x=\\boxed{1}$ and $y=\\boxed{42}$', False, False),
    ('42', '\\boxed{x = 42}', True, True),
    ('42', '$$\\boxed{42}$$', True, True),
    ('42', '\\[\\boxed{42}\\]', True, True),
    ('42', '\\boxed{\\boxed{42}}', True, True),
    ('42', '\\boxed {42}', True, True),
    ('42', '\\boxed 42', True, True),
    ('42', '\\boxed{42', False, False),
    ('42', '\\boxed{41}\\boxed{42', False, False),
    ('42', 'Put your answer in \\boxed{}. The answer is \\boxed{42}.', True, True),
    ('42', 'I put the final answer in \\boxed{}.', False, False),
    ('42', '\\boxed{\\text{42 apples}}', True, True),
    ('42', '$\\boxed{42}^\\circ$', True, True),
    ('42', '$\\boxed{42}^2$', False, False),
    ('42', '$\\boxed{42}\\pi$', False, False),
    ('42', '$2\\boxed{42}$ ', False, False),
    ('-42', '$= -\\boxed{42}$', True, True),
    ('42', '- \\boxed{42}', True, True),
    ('42', '42', False, True),
    ('42', '$42$', False, True),
    ('42', 'So we get 42.', False, True),
    ('42', 'Therefore, x = 42', False, True),
    ('42', 'Hence the total is $42$.', False, True),
    ('42', 'We have 6*7=42.', False, True),
    ('42', 'The total cost is $42.', False, True),
    ('42', 'She has 42 apples.', False, False),
    ('42', 'What is 6*7?', False, False),
    ('42', 'Is it 42?', False, False),
    ('42', 'I think it might be 42 or 43.', False, False),
    ('B', 'The answer is (B).', True, True),
    ('B', 'Answer: B', True, True),
    ('B', 'The answer is B) 12.', True, True),
    ('B', 'The answer is A or B.', False, False),
    ('B', 'The answer is $\\boxed{\\textbf{(B) }12}$.', True, True),
    ('12', 'The answer is $\\boxed{\\textbf{(B) }12}$.', True, True),
    ('13', 'The answer is $\\boxed{\\textbf{(B) }12}$.', False, False),
    ('1,2', 'The answer is $1$ and $2$.', True, True),
    ('42', 'The answer is $41$ or $42$.', False, False),
    ('42', 'The answer is 41. The answer is 42.', False, False),
    ('42', 'The answer is 41. Wait, I made an error, so the answer is 42.', True, True),
    ('42', 'The answer is 42. No wait, the answer is 41.', False, False),
    ('(1,2)', 'The answer is (1, 2).', True, True),
    ('1.5', 'The answer is 1.5.', True, True),
    ('1.5', 'The answer is $1.5 million.', False, False),
    ('1500000', 'The answer is $1.5 million.', True, True),
    ('1500', 'The answer is $1,500.', True, True),
    ('x^2', 'The answer is x^2.', True, True),
    ('\\frac{1}{2}', 'The answer is \\frac{1}{2}.', True, True),
    ('\\frac{1}{2}', 'The answer is $\\frac{1}{2}$, not $\\frac13$.', True, True),
    ('42', 'The answer is **42**.', True, True),
    ('42', 'The answer is \n\n$$42$$', True, True),
    ('42', 'The answer is:\n\\[\n42\n\\]', True, True),
    ('\\boxed{42}', '\\boxed{42}', True, True),
    ('$42$', '\\boxed{42}', True, True),
    ('blah blah #### 42', '\\boxed{42}', True, True),
    ('42', '<|im_start|>\\boxed{42}<|im_end|>', True, True),
    ('42', 'The value is $\\boxed{42}$, and not 43.', True, True),
    ('42', 'We reject 43; answer: \\boxed{42} (checked twice: 42 = 6*7 or 7*6).', True, True),
    ('42', 'answer: 42 or so', False, False),
    ('9', '\\boxed{3^2 = 9}', True, True),
    ('9', '\\boxed{9 = 3^2}', True, True),
    ('9', '\\boxed{3^2 = 10}', False, False),
    ('\\text{Evelyn}', 'The answer is Evelyn.', True, True),
    ('\\text{Evelyn}', 'The answer is Evelyn because she is tall.', True, True),
    ('10', 'A: 10', False, True),
    ('10', 'A: 10 apples', False, True),
    ('42', '', False, False),
]
# fmt: on

TRUNCATED = {
    "role": "assistant",
    "content": "",
    "reasoning_content": "\\boxed{42}",
    "finish_reason": "length",
}
MESSAGES: list[tuple[list[dict[str, Any]], str]] = [
    ([TRUNCATED], "truncated"),
    ([{"role": "assistant", "content": "", "reasoning_content": "\\boxed{42}"}], "no_answer"),
    ([{"role": "assistant", "content": None}], "no_answer"),
    ([{"role": "assistant", "content": "We compute", "finish_reason": "length"}], "truncated"),
    ([{"role": "assistant", "content": "\\boxed{42}", "finish_reason": "length"}], "passed"),
    ([{"role": "user", "content": "\\boxed{42}"}], "no_answer"),
    ([{"role": "assistant", "content": "\\boxed{42}"}, {"role": "user", "content": "\\boxed{41}"}], "passed"),
    ([{"role": "assistant", "content": "\\boxed{}"}], "bad_format"),
    ([], "no_answer"),
]


@pytest.mark.parametrize(("gold", "response", "strict", "lenient"), CASES)
def test_verdict(gold: str, response: str, strict: bool, lenient: bool):
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": response}]
    for profile, passes in (("strict", strict), ("lenient", lenient)):
        result = grade(messages, ground_truth=gold, profile=profile)
        assert (result.score == 1.0) is passes, f"{profile}: {result.outcome}, {result.reason}"


@pytest.mark.parametrize(("messages", "outcome"), MESSAGES)
def test_which_message_is_graded_and_what_its_fields_say(messages: list[dict[str, Any]], outcome: str):
    assert grade(messages, ground_truth="42").outcome == outcome
    assert grade([Message(**message) for message in messages], ground_truth="42").outcome == outcome


def test_the_answer_can_be_had_without_a_verdict():
    assert extract_answer("So $\\boxed{x+1}$.") == "x+1"
    assert extract_answer("A: 7") is None
    assert extract_answer("A: 7", profile="lenient") == "7"


def test_a_result_says_what_was_read_and_which_layer_decided():
    result = grade([{"role": "assistant", "content": "\\boxed{0.5}"}], ground_truth="#### \\frac12")
    assert (result.extracted, result.extracted_gold, result.decided_by) == ("0.5", "\\frac12", "exact")
    assert result.get("score") == 1.0
    assert dict(result.items())["reason"] == result.reason
    assert type(result).model_validate(result.model_dump()) == result
