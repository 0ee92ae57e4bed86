"""Does a bundle say what the reward says here?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reward_kit.fireworks.shapes import Evaluator, PreviewResult, Samples
from reward_kit.grading import Grader
from reward_kit.models import Outcome, Row, Sample
from reward_kit.packaging.running import run_evaluator
from reward_kit.reward import Reward
from reward_kit.verdict import Scale, Verdict

#: Scores are compared as they are: the suite's range and pass mark are the step's business.
_ANY_SCORE = Scale(-math.inf, math.inf, -math.inf)


def check_bundle(
    reward: Reward, evaluator: Evaluator, samples: Samples, deadline_s: float = 30.0, **limits: Any
) -> list[str]:
    """What the evaluator in a fresh interpreter says otherwise than the reward here; an empty list where nothing.

    A sample that neither of them can grade is a difference too: that two failures look alike proves nothing.

    Args:
        reward: the reward that was packaged.
        evaluator: what `package_reward` made of it.
        samples: as `run_evaluator` takes them; the last message of each is the response.
        deadline_s: seconds for each sample, in both places.
        **limits: as `run_evaluator` takes them.

    Raises:
        ValueError: without samples, which would agree by construction.
        PackagingError: where the evaluator cannot be run at all.
    """
    if not samples:
        raise ValueError("no samples: there is nothing to compare")
    there = run_evaluator(evaluator, samples, deadline_s, **limits)
    with Grader(reward, _ANY_SCORE, deadline_s) as grader:
        here = dict(grader.grade([_sample(number, sample) for number, sample in enumerate(samples, 1)]))
    differences = [_difference(here[position], result) for position, result in enumerate(there)]
    return [f"{here[position].row_id}: {found}" for position, found in enumerate(differences) if found]


def _sample(number: int, sample: Mapping[str, Any]) -> Sample:
    messages: Sequence[Mapping[str, Any]] = sample["messages"]
    columns = {name: v for name, v in sample.items() if name not in ("id", "messages", "ground_truth")}
    row = Row(str(sample.get("id") or f"sample {number}"), tuple(messages), sample.get("ground_truth"), columns, number)
    return Sample(row, messages[-1])


def _difference(here: Verdict, there: PreviewResult) -> str:
    graded_here = not here.outcome.is_error
    if graded_here and there.success and here.score == there.score:
        return ""
    shown_here = _shown(here.score, here.reason, graded_here, abstains=here.outcome is Outcome.ABSTAINED)
    shown_there = _shown(there.score, there.reason, there.success, abstains=there.score is None)
    return f"in the bundle {shown_there}; here {shown_here}"


def _shown(score: float | None, reason: str, graded: bool, *, abstains: bool) -> str:
    if not graded:
        return f"it fails ({reason})"
    return "it abstains" if abstains else f"it scores {score:g}"
