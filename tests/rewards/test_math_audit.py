"""audit_gold names golds that no response could be graded against, before a run is paid for."""

# Word lists.

from __future__ import annotations

import pytest

from reward_kit.rewards import math as math_module
from reward_kit.rewards.math import audit_gold

grade = getattr(math_module.math_reward, "__wrapped__", math_module.math_reward)

SOUND = "42;\\boxed{42};work #### 42;\\frac{1}{2};1\\pm\\sqrt{2};x=1 or x=2;(1,2);\\text{even};B;$42$".split(";")


@pytest.mark.parametrize("gold", SOUND)
def test_nothing_is_found_in_a_sound_gold(gold: str):
    assert audit_gold(gold) == []


@pytest.mark.parametrize(
    ("gold", "kind"),
    [
        ("", "no_answer"),
        ("\\boxed{}", "no_answer"),
        (r"\sqrt{2", "unreadable"),
        ("4:30p..", "unreadable"),
        (r"\frac{1}{0}", "unreadable"),
        (r"1, 2, \ldots", "unreadable"),
        ("90^", "unreadable"),
    ],
)
def test_a_gold_that_cannot_be_read_is_a_defect_and_never_passes(gold: str, kind: str):
    findings = audit_gold(gold)
    assert [finding.kind for finding in findings] == [kind]
    assert findings[0].is_defect
    result = grade([{"role": "assistant", "content": f"The answer is {gold}."}], ground_truth=gold)
    assert result.score == 0.0
    result = grade([{"role": "assistant", "content": "\\boxed{42}"}], ground_truth=gold)
    assert result.outcome == "gold_defect"


def test_several_parts_and_sentences_are_told_but_are_no_defects():
    (parts,) = audit_gold("a=2, b=3")
    (prose,) = audit_gold("The sum is less than zero for all x")
    assert (parts.kind, parts.is_defect) == ("several_parts", False)
    assert (prose.kind, prose.is_defect) == ("prose", False)


def test_a_letter_is_shown_with_the_option_it_may_stand_for():
    (finding,) = audit_gold("B", problem="How many? (A) 3 (B) 4 (C) 5")
    assert finding.kind == "choice_letter"
    assert "'4'" in finding.message
    (missing,) = audit_gold("D", problem="How many? (A) 3 (B) 4 (C) 5")
    assert "no option (D)" in missing.message
    assert audit_gold("B", problem="Which point is it?") == []
