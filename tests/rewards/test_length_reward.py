"""`length_reward` gives reward-kit 0.4.1's scores, and refuses what makes no sense."""

from __future__ import annotations

import pytest

from reward_kit.models import Message, Outcome
from reward_kit.rewards.length import length_reward


def score(words: int, **settings) -> float:
    return length_reward(messages=[{"role": "assistant", "content": "word " * words}], **settings).score


@pytest.mark.parametrize(
    ("words", "settings", "expected"),
    [
        (10, {"target_length": 10}, 1.0),
        (5, {"target_length": 10}, 0.5),
        (15, {"target_length": 10}, 0.5),
        (40, {"target_length": 10}, 0.0),
        (15, {"target_length": 10, "scaling": "cosine"}, 0.5),
        (12, {"target_length": 10, "scaling": "cosine"}, 0.904508),
        (15, {"min_length": 10, "max_length": 20}, 1.0),
        (5, {"min_length": 10, "max_length": 20}, 0.5),
        (25, {"min_length": 10, "max_length": 20}, 0.5),
        (30, {"min_length": 10, "max_length": 20}, 0.0),
        (25, {"min_length": 10, "max_length": 20, "scaling": "cosine"}, 0.707107),
        (5, {"min_length": 10, "scaling": "cosine"}, 0.292893),
        (11, {"min_length": 10}, 1.0),
        (30, {"max_length": 20}, 0.5),
        (41, {"max_length": 20}, 0.0),
        (25, {}, 0.75),
        (200, {}, 0.0),
        (50, {"scaling": "cosine"}, 0.5),
        (5, {"target_length": 10, "min_length": 1, "max_length": 3}, 0.5),
        (5, {"target_length": 10, "reward_range": [-1.0, 1.0]}, 0.0),
        (12, {"min_length": 10, "max_length": 10}, 0.8),
    ],
)
def test_scores(words, settings, expected):
    assert score(words, **settings) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("method", "tokens"), [("whitespace", 3), ("character", 13), ("words", 4)])
def test_tokens_are_counted_by_the_declared_method(method, tokens):
    result = length_reward(messages=[Message(role="assistant", content="It's 8 words.")], token_method=method)
    assert result.metrics["token_count"].reason == f"{tokens} tokens"


@pytest.mark.parametrize("last", [{"role": "assistant", "content": None}, {"role": "user", "content": "a b c"}])
def test_where_there_is_no_response_the_score_is_lowest(last):
    result = length_reward(messages=[last], max_length=100)
    assert (result.score, result.outcome) == (0.0, Outcome.NO_ANSWER)
    assert length_reward(messages=[], max_length=100).score == 0.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target_length": 0}, "target_length is 0"),
        ({"min_length": 5, "max_length": 4}, "above max_length"),
        ({"token_method": "bpe"}, "unknown token_method"),
        ({"scaling": "square"}, "unknown token_method 'whitespace' or scaling 'square'"),
        ({"reward_range": (1.0, 0.0)}, "not .low, high."),
    ],
)
def test_settings_without_sense_are_errors(settings, message):
    with pytest.raises(ValueError, match=message):
        score(5, **settings)
