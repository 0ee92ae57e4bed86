"""What docs/migration.md says of `length_reward`: the score of a response without text is the lowest there is."""

from __future__ import annotations

from reward_kit.rewards.length import length_reward


def test_no_text_scores_lowest_in_its_range_and_says_why():
    result = length_reward(messages=[{"role": "assistant", "content": ""}], reward_range=(-1.0, 1.0))
    assert (result.score, result.outcome) == (-1.0, "no_answer")


def test_a_length_off_target_is_a_valid_score():
    result = length_reward(messages=[{"role": "assistant", "content": "a b c"}], target_length=30)
    assert result.metrics["length"].is_score_valid
