"""The parts of a smoke run's verdict: each a gate of the step, decided from what was seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reward_kit.gates import Decision, Gate, list_of
from reward_kit.grpo.curves import own_rise, zero_std_share
from reward_kit.grpo.diagnoses import diagnose
from reward_kit.grpo.shapes import Diagnosis, Smoke, Training

#: The least share of probability that must lie on gold and decoys: below it, margins say little of what is sampled.
LEAST_COVERAGE = 0.85
#: Most groups whose completions all get the same reward, over the first steps: such a group teaches nothing.
MOST_ZERO_STD = 0.5
#: Least rise of the reward trained on, as a share of its declared range.
LEAST_RISE = 0.2


def decide(smoke: Smoke) -> dict[str, Gate]:
    """Each part by name, in the order in which they build on one another.

    Defects of prompts or calls fail the run before anything is trained. A warm-up short of its coverage leaves what
    follows undecided. A process that broke fails the first part it has not reached.
    """
    gates = {name: part(smoke) for name, part in _PARTS.items()}
    if smoke.failure:
        unreached = next((name for name, gate in gates.items() if gate.decision is Decision.UNDECIDED), "calls")
        gates[unreached] = Gate(Decision.FAILED, f"{unreached}: the run broke: {smoke.failure}")
    failed = [name for name, gate in gates.items() if gate.decision is Decision.FAILED]
    if cause := likely_cause(smoke, failed):
        first = gates[failed[0]]
        gates[failed[0]] = Gate(first.decision, f"{first.reason}; likely cause: {cause}")
    return gates


def likely_cause(smoke: Smoke, failed: Sequence[str]) -> Diagnosis | None:
    """Why training failed to teach; None where it did not, or where the reason is known for certain already."""
    trained = smoke.training is not None and bool(smoke.training.logs)
    return diagnose(smoke, failed) if failed and trained and not smoke.failure else None


def defects(smoke: Smoke) -> list[Diagnosis]:
    """What is certainly wrong, found before anything was trained."""
    return [*smoke.prompts, *(smoke.probe.defects if smoke.probe else ())]


def _prompts(smoke: Smoke) -> Gate:
    if smoke.prompts:
        return Gate(Decision.FAILED, "prompts: " + "; ".join(map(str, smoke.prompts)))
    if smoke.probe is None:
        return _NOT_REACHED
    checked = f"{len(smoke.plan.rows)} prompts give nothing away"
    template = f", and {smoke.plan.tokenizer} renders them" if smoke.plan.tokenizer else ""
    return Gate(Decision.PASSED, f"prompts: {checked}{template}")


def _calls(smoke: Smoke) -> Gate:
    probe = smoke.probe
    if probe is None:
        return _NOT_REACHED
    if probe.defects:
        return Gate(Decision.FAILED, "calls: " + "; ".join(map(str, probe.defects)))
    record = probe.record
    seen = f"{record.calls} calls on {record.rows} completions" if record else "called as TRL does"
    cautions = "".join(f"; beware: {caution}" for caution in probe.cautions)
    return Gate(Decision.PASSED, f"calls: {seen} went as TRL makes them{cautions}")


def _warm_up(training: Training) -> Gate:
    reached = training.coverage >= LEAST_COVERAGE
    shown = (
        f"warm_up: coverage {training.coverage:.2f} after {training.warm_up_steps} steps, {LEAST_COVERAGE} is needed"
    )
    if reached:
        return Gate(Decision.PASSED, shown)
    return Gate(Decision.UNDECIDED, f"inconclusive: {shown}. Nothing was trained: take other rows with another seed")


def _liveness(training: Training) -> Gate:
    """Finite losses, a gradient, changed parameters. A loss near 0 is normal: on-policy it is 0 by construction."""
    losses = [log.get("loss") for log in training.logs]
    gradients = [float(log.get("grad_norm") or 0.0) for log in training.logs]
    wrong = []
    if len(training.logs) != training.steps:
        wrong.append(f"{training.steps} steps ran and {len(training.logs)} were logged")
    if not all(isinstance(loss, (int, float)) and math.isfinite(loss) for loss in losses):
        wrong.append("a loss is not finite")
    if not all(map(math.isfinite, gradients)):
        wrong.append("a gradient is not finite")
    if not any(gradient > 0.0 for gradient in gradients):
        wrong.append("every gradient is 0")
    if not training.changed:
        wrong.append(f"none of {training.parameters} parameters changed")
    if wrong:
        return Gate(Decision.FAILED, f"liveness: {', '.join(wrong)}")
    shown = f"{training.changed}/{training.parameters} parameters changed in {training.steps} steps"
    return Gate(Decision.PASSED, f"liveness: {shown}, largest gradient {max(gradients):.2f}")


def _group_signal(training: Training) -> Gate:
    share = zero_std_share(training.logs)
    shown = f"group_signal: {share:.0%} of the first groups have one reward for all, {MOST_ZERO_STD:.0%} is allowed"
    return Gate(Decision.PASSED if share <= MOST_ZERO_STD else Decision.FAILED, shown)


def _own_reward(training: Training, smoke: Smoke) -> Gate:
    rise = own_rise(training.logs, smoke.plan.scale)
    if not math.isfinite(rise):
        return Gate(Decision.FAILED, "own_reward: a step has no finite reward")
    shown = f"own_reward: {'+' if rise >= 0 else ''}{rise:.2f} of its range, {LEAST_RISE} is required"
    return Gate(Decision.PASSED if rise >= LEAST_RISE else Decision.FAILED, shown)


def _margins(training: Training) -> Gate:
    low = [f"{m.row_id} {m.decoy}" for m in training.margins if not m.rise > 0.0]
    total = len(training.margins)
    if not total:
        return Gate(Decision.FAILED, "margins: none was measured")
    shown = f"margins: gold gains on {total - len(low)}/{total} decoys, all are required"
    if low:
        return Gate(Decision.FAILED, f"{shown}; it does not on {list_of(low)}")
    return Gate(Decision.PASSED, f"{shown}; least gain {min(m.rise for m in training.margins):.2f} nats")


def _trained(part: Callable[[Training, Smoke], Gate], *, warm: bool = True) -> Callable[[Smoke], Gate]:
    """A part that needs the training, and with `warm` a warm-up that reached its coverage."""

    def decided(smoke: Smoke) -> Gate:
        training = smoke.training
        if training is None:
            return _NOT_TRAINED if defects(smoke) else _NOT_REACHED
        if warm and training.coverage < LEAST_COVERAGE:
            return _INCONCLUSIVE
        return part(training, smoke)

    return decided


#: Reasons that several parts share, and that are told once.
_NOT_REACHED = Gate(Decision.UNDECIDED, "the run did not come to its other parts")
_NOT_TRAINED = Gate(Decision.UNDECIDED, "nothing was trained")
_INCONCLUSIVE = Gate(Decision.UNDECIDED, "inconclusive: nothing was trained")


_PARTS: Mapping[str, Callable[[Smoke], Gate]] = {
    "prompts": _prompts,
    "calls": _calls,
    "warm_up": _trained(lambda training, _: _warm_up(training), warm=False),
    "liveness": _trained(lambda training, _: _liveness(training)),
    "group_signal": _trained(lambda training, _: _group_signal(training)),
    "own_reward": _trained(_own_reward),
    "margins": _trained(lambda training, _: _margins(training)),
}
#: The parts of the verdict, in order.
PARTS = tuple(_PARTS)


def curve_lines(training: Training, width: int = 55) -> Iterator[str]:
    """The reward of each step, for a terminal."""
    numbers = [_shown(log.get("reward")) for log in training.logs]
    label = "reward"
    line = ""
    for number in numbers:
        if len(line) + len(number) + 1 > width:
            yield f"{label:<7}{line}"
            label, line = "", ""
        line = f"{line} {number}".strip()
    if line:
        yield f"{label:<7}{line}"


def _shown(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, (int, float)) else str(value)


__all__ = ["LEAST_COVERAGE", "LEAST_RISE", "MOST_ZERO_STD", "PARTS", "curve_lines", "decide", "defects"]
