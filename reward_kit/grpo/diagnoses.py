"""The likely cause of a smoke run that failed though nothing was certain before: one, by the strongest evidence.

What a reward pays for (its scores on golds and decoys) is stronger evidence than what training made of it, and what
TRL was handed is stronger than both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from reward_kit.grpo.evidence import (
    declared,
    lengths,
    mean_of,
    means,
    on_most,
    paid_as_gold,
    pays_gold,
    rank_correlation,
    record_of,
    scores_of,
    unpaid,
    width,
)
from reward_kit.grpo.shapes import Diagnosis, Smoke, Wrong

#: Means of gold and decoys nearer than this share of the range are no preference, over 8 rows of few copies each.
_NO_PREFERENCE = 0.3
_TRUNCATED = 0.5
#: A mean reward that moves by less than this share of the range while single rewards spread by more is held there.
_FIXED = 0.05
#: Rank correlation from which length explains the score; counting tokens or words instead of characters stays above.
_MONOTONE = 0.95


def diagnose(smoke: Smoke, failed: Collection[str]) -> Diagnosis:
    """The one most likely cause of the parts that failed.

    Args:
        smoke: what the run saw.
        failed: names of the parts: warm_up, liveness, group_signal, own_reward, margins.
    """
    return next(found for rule in _RULES if (found := rule(smoke, failed)))


def _not_finite(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    values = record.values if (record := record_of(smoke)) else {}
    total = sum(values.values())
    for kind, what in (("nan", "NaN"), ("inf", "infinite values"), ("other", "values that are no numbers")):
        if count := values.get(kind):
            problem = f"in training the reward returned {what}, {count} of {total} times"
            return Diagnosis("not_finite", problem, "Return a finite number, or None to abstain")
    if total and values.get("none", 0) == total:
        return Diagnosis("abstains_everywhere", "in training the reward returned None every time", _NONE_REMEDY)
    if values.get("none", 0) > total / 2:
        problem = (
            f"in training the reward returned None {values['none']} of {total} times; TRL learns nothing from those"
        )
        return Diagnosis("abstains_often", problem, _NONE_REMEDY)
    return None


_NONE_REMEDY = "Return a number wherever there is a completion to judge; an unusable one gets the lowest"


def _dropped_column(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    record = record_of(smoke)
    if record is None or not record.calls:
        return None
    dropped = sorted(declared(smoke) - set(record.columns))
    if not dropped:
        return None
    set_so = bool(smoke.plan.options.get("remove_unused_columns"))
    remedy = "Leave remove_unused_columns at False" if set_so else "Keep it in the dataset that the trainer is given"
    problem = f"in training the reward was not handed {', '.join(dropped)}, which the dataset has"
    return Diagnosis("dropped_column", problem, remedy)


def _constant(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    record = record_of(smoke)
    if record is None or not record.values or record.distinct > 1:
        return None
    problem = "in training the reward had one value for every completion"
    return Diagnosis("constant_reward", problem, "Check that it reads the text of the completion and the ground truth")


def _not_warmed_up(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    if "warm_up" not in failed:
        return None
    seen = f" (coverage {smoke.training.coverage:.2f})" if smoke.training else ""
    problem = f"the tiny model did not learn to write golds and decoys before the training{seen}"
    return Diagnosis("not_warmed_up", problem, "Choose rows with shorter right completions, or fewer rows")


def _truncated(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    clipped = mean_of(smoke, "completions/clipped_ratio")
    if clipped is None or clipped < _TRUNCATED:
        return None
    problem = f"{clipped:.0%} of the completions were cut off before they ended"
    return Diagnosis("truncated_completions", problem, "Raise max_completion_length, or check the end-of-turn token")


def _inverted(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    gold, decoys = means(smoke)
    if gold is None or not decoys or gold >= min(decoys.values()) - 0.1 * width(smoke):
        return None
    problem = "the reward gives right completions less than wrong ones"
    return Diagnosis("inverted_sign", problem, "Turn its sign: higher must be better")


def _length(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    pairs = list(lengths(smoke))
    if len(pairs) < 4:
        return None
    rank = rank_correlation(*zip(*pairs, strict=True))
    # Two values are a format or a threshold: right boxes are longer than bare answers, which is no length reward.
    if abs(rank) < _MONOTONE or len({value for _, value in pairs}) < 3:
        return None
    what = "longer" if rank > 0 else "shorter"
    problem = f"the reward rises as completions get {what}, right or wrong (rank correlation {rank:.2f})"
    return Diagnosis("length_rewarded", problem, "Pay length only on top of a right answer, or drop that part")


def _random(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    if smoke.probe is None or smoke.probe.deterministic:
        return None
    gold, decoys = means(smoke)
    if gold is None or not decoys:
        return None
    seen = [gold, *decoys.values()]
    if max(seen) - min(seen) >= _NO_PREFERENCE * width(smoke):
        return None
    problem = "the reward changes from call to call and does not tell right completions from wrong ones"
    return Diagnosis("random_reward", problem, "Remove the randomness, or average it out over several judgements")


def _first_row_only(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    paid = [pays_gold(smoke, score) for score in scores_of(smoke)]
    if len(paid) < 3 or not paid[0] or any(paid[1:]):
        return None
    problem = "the reward pays the right completion of the first row only"
    remedy = "Columns come as lists over the batch: zip(completions, ground_truth), not ground_truth[0]"
    return Diagnosis("first_ground_truth", problem, remedy)


def _gold_refused(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    mean, decoys = means(smoke)
    refused = on_most(smoke, lambda score: not pays_gold(smoke, score))
    if mean is not None and decoys:  # noise pays some of them, and pays decoys as well
        refused |= mean <= smoke.plan.scale.low + _NO_PREFERENCE * width(smoke) and mean <= max(decoys.values())
    if not refused:
        return None
    gold = smoke.plan.rows[0].gold if smoke.plan.rows else ""
    problem = f"the reward refuses right completions, such as {gold!r:.80}"
    return Diagnosis("gold_refused", problem, "Accept the declared format, or declare the format that it accepts")


def _decoy_paid(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    """A decoy that gets what the gold gets; a wrong value before a wrong format before nothing at all."""
    paid = paid_as_gold(smoke)
    wrong = {decoy.wrong for row in smoke.plan.rows for decoy in row.decoys if decoy.name in paid}
    for known, diagnosis in _PAID.items():
        if known in wrong:
            return diagnosis
    if not paid:
        return None
    problem = f"the reward pays wrong completions ({', '.join(paid)}) as it pays right ones"
    return Diagnosis("decoy_paid", problem, "Refuse them: reward-kit's controls show which")


#: By what is wrong with the decoy that is paid, the most telling first.
_PAID = {
    Wrong.VALUE: Diagnosis(
        "format_rewarded",
        "the reward pays a wrong value in the right format as it pays the right one",
        "Compare the value with the ground truth; pay format only on top of it",
    ),
    Wrong.EMPTY: Diagnosis(
        "empty_paid",
        "the reward pays an empty completion as it pays a right one",
        "Refuse an empty answer first: an empty string is a substring of every ground truth",
    ),
    Wrong.FORMAT: Diagnosis(
        "format_ignored",
        "the reward pays the right answer anywhere in the text, as a lenient substring test does",
        "Extract the answer from the declared format and compare that alone",
    ),
}


def _decoy_not_judged(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    """Abstaining on wrong completions takes them out of their group: nothing makes them rarer."""
    names = {name for score in scores_of(smoke) for name in score.decoys}
    fell = {m.decoy for m in smoke.training.margins if m.rise <= 0} if smoke.training else set[str]()
    for name in sorted(names & fell):
        if on_most(smoke, lambda score, name=name: name in score.decoys and score.decoys[name] is None):  # type: ignore[misc]
            problem = f"the reward returns None for wrong completions ({name}); TRL learns nothing from those"
            return Diagnosis("abstains_often", problem, _NONE_REMEDY)
    return None


def _rows_not_taught(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    """Single rows that the reward does not pay: too few for the rules before."""
    rows = dict(unpaid(smoke))
    if "margins" not in failed or not rows:
        return None
    row, decoy = next(iter(rows.items()))
    gold = next(one.gold for one in smoke.plan.rows if one.row.id == row)
    problem = f"the reward pays {gold!r:.80}, which is right in {row}, no more than its decoy {decoy!r}"
    problem += f", and so in {len(rows)} of {len(smoke.plan.rows)} rows" if len(rows) > 1 else ""
    return Diagnosis("rows_not_taught", problem, "Grade that row by itself: an error caught and scored 0 looks so")


def _no_group_signal(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    if "group_signal" not in failed and mean_of(smoke, "frac_reward_zero_std") != 1.0:
        return None
    reward = mean_of(smoke, "reward")
    middle = (smoke.plan.scale.low + smoke.plan.scale.high) / 2
    easy = reward is not None and reward > middle
    problem = f"most groups have one reward for all their completions: the rows are too {'easy' if easy else 'hard'}"
    remedy = "Use harder rows" if easy else "Use easier rows, or give part of the reward for partial success"
    return Diagnosis("no_group_signal", problem, f"{remedy}; more generations a row also help")


def _mean_fixed(smoke: Smoke, failed: Collection[str]) -> Diagnosis | None:
    """Margins rose and the reward did not: its mean is the same whatever the completions are."""
    if "own_reward" not in failed or "margins" in failed or not smoke.training:
        return None
    rewards = [float(log.get("reward") or 0.0) for log in smoke.training.logs]
    spread = mean_of(smoke, "reward_std") or 0.0
    if max(rewards) - min(rewards) >= _FIXED * width(smoke) or spread < _FIXED * width(smoke):
        return None
    problem = "right completions became likelier and the mean reward did not rise: it is normalised over its batch"
    return Diagnosis("mean_fixed", problem, "Return the values as they are: TRL normalises them over each group itself")


def _not_learnt(smoke: Smoke, failed: Collection[str]) -> Diagnosis:
    fell = sorted({m.decoy for m in smoke.training.margins if m.rise <= 0}) if smoke.training else []
    against = f" (against: {', '.join(fell)})" if fell else ""
    problem = f"the training did not make right completions likelier than wrong ones{against}"
    return Diagnosis("not_learnt", problem, "Take more steps or generations, or make the reward less noisy")


_Rule = Callable[[Smoke, Collection[str]], Diagnosis | None]
#: In order of evidence; the last always has an answer.
_RULES: tuple[_Rule, ...] = (
    _not_finite,
    _dropped_column,
    _constant,
    _not_warmed_up,
    _truncated,
    _random,
    _inverted,
    _length,
    _first_row_only,
    _gold_refused,
    _decoy_paid,
    _decoy_not_judged,
    _rows_not_taught,
    _no_group_signal,
    _mean_fixed,
    _not_learnt,
)
