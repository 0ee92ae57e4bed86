"""The smoke run's own process: forked, so that closures and fixtures work; torch, threads and seeds stay in it."""

from __future__ import annotations

import json
import os
import select
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, NoReturn

from pydantic import TypeAdapter

from reward_kit.grpo.shapes import Diagnosis, Plan, Probe, Smoke, Training
from reward_kit.processes import (
    dies_within,
    end_family,
    exit_reason,
    interrupt_held_back,
    leave_the_parent,
    redirect_output,
    tail,
)
from reward_kit.progress import Told
from reward_kit.reward import Reward

#: Nothing asks the hub, or a GPU, or the user's experiment trackers; set before the libraries are imported.
_SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
}
#: Read by accelerate and torch where a launcher set them for a run of its own: here one process trains alone.
_LAUNCHERS = ("ACCELERATE_", "FSDP_", "DEEPSPEED_")
_RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
#: Seconds without a word from the process after which it is given up. Imports take 10 to 40 on a busy machine; a
#: reward that takes two seconds for a completion is silent for longer, and too slow for a smoke run.
_PATIENCE = 900.0
#: How long the process may take to die once it has closed its end.
_DYING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the process told, by the time it ended."""

    prompts: tuple[Diagnosis, ...] = ()
    probe: Probe | None = None
    training: Training | None = None


_READ = TypeAdapter(_Seen)


def run_smoke(plan: Plan, reward: Reward, told: Told | None = None) -> Smoke:
    """Probe the reward and train on it, in a process of their own.

    Args:
        plan: what to train on, and how long.
        reward: the reward under test; the process inherits it by fork.
        told: is told how far the run is.
    """
    seen: dict[str, Any] = {}
    failure = phase = ""
    with _scratch() as scratch, tempfile.TemporaryFile(buffering=0) as printed:
        child = _Child(plan, reward, printed, scratch)
        try:
            for word in child.words():
                if "phase" in word:
                    phase = word["phase"]
                    if told is not None:
                        told(f"grpo {word['phase']}", word["done"], word["total"], _note(word))
                elif "failure" in word:
                    failure = word["failure"]
                else:
                    seen |= word
        finally:
            ended = child.end()
        if not failure and not seen.pop("finished", False):
            failure = f"the training process {child.broke or ended}"
        if failure and (output := tail(printed).strip()):
            failure += f"; it printed: {' '.join(output[-600:].split())}"
    found = _READ.validate_python(seen)
    return Smoke(plan, found.prompts, found.probe, found.training, failure, phase)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Where the process puts what is temporary: this process outlives it, and cleans up after one that was killed."""
    return tempfile.TemporaryDirectory(prefix="rewardkit-", ignore_cleanup_errors=True)


def _note(word: Mapping[str, Any]) -> str:
    """What there is to show beside a bar: the coverage of a warm-up, the reward of a training."""
    shown = [f"{name} {word[name]:.2f}" for name in ("coverage", "reward") if isinstance(word.get(name), float)]
    return ", ".join(shown)


class _Child:
    """The parent's end of the process."""

    def __init__(self, plan: Plan, reward: Reward, printed: BinaryIO, scratch: str) -> None:
        words_out, words_in = os.pipe()
        with interrupt_held_back(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, as Python 3.12 warns
            self._pid = os.fork()
            if self._pid == 0:
                _run_child(plan, reward, words_in, printed, scratch, words_out)
        os.close(words_in)
        self._words = words_out
        self._told_all = False
        #: Why it was given up, where it was.
        self.broke = ""

    def words(self) -> Iterator[Mapping[str, Any]]:
        """What the process tells, as it does; ends with the process, or when it is given up."""
        buffer = b""
        while True:
            readable, _, _ = select.select([self._words], [], [], _PATIENCE)
            if not readable:
                self.broke = f"said nothing for {_PATIENCE:g} s: a call of the reward hangs, or takes far too long"
                return
            chunk = os.read(self._words, 1 << 16)
            if not chunk:
                self._told_all = True
                return
            *lines, buffer = (buffer + chunk).split(b"\n")
            try:
                words = [dict(json.loads(line)) for line in lines]
            except (ValueError, TypeError):
                self.broke = "wrote to the pipe of the test run"
                return
            yield from words

    def end(self) -> str:
        """End the process with what it started; how it had ended, in words."""
        os.close(self._words)
        gone = dies_within(self._pid, _DYING_SECONDS if self._told_all else 0.0)
        end_family(self._pid)
        _, status = os.waitpid(self._pid, 0)
        return exit_reason(status) if gone else "was ended by this run"


def _run_child(plan: Plan, reward: Reward, words: int, printed: BinaryIO, scratch: str, foreign: int) -> NoReturn:
    """The whole life of the process; never returns."""
    try:
        leave_the_parent([foreign])
        redirect_output(printed)
        warnings.resetwarnings()  # pytest's filters are for the user's code, not for what is imported here
        warnings.simplefilter("ignore")
        _switch(scratch)

        def emit(word: Mapping[str, Any]) -> None:
            data = memoryview(json.dumps(word).encode() + b"\n")
            while data:
                data = data[os.write(words, data) :]

        try:
            _work(plan, reward, emit)
        except BaseException as error:  # noqa: BLE001  # told to the parent, which makes it a failure
            from reward_kit.workers import describe_exception

            emit({"failure": describe_exception(error)})
            os._exit(1)
        emit({"finished": True})
        os._exit(0)
    except BaseException:  # noqa: BLE001  # nothing may unwind into the parent's frames: the exit code tells
        os._exit(1)


def _switch(scratch: str) -> None:
    """Nobody is asked, nothing is distributed, and what is temporary goes to `scratch`."""
    for name in [name for name in os.environ if name.startswith(_LAUNCHERS) or name in _RANKS]:
        del os.environ[name]
    os.environ.update(_SWITCHES, TMPDIR=scratch)
    tempfile.tempdir = scratch
    # A conftest may have imported the hub's client before: it reads the variable but once.
    if (constants := sys.modules.get("huggingface_hub.constants")) is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]


def _work(plan: Plan, reward: Reward, emit: Callable[[Mapping[str, Any]], None]) -> None:
    """Probe, prompts, training; each is told as soon as it is known, and a certain defect ends the run."""
    from reward_kit.grpo.components import Component, probe_components
    from reward_kit.grpo.prompts import prompt_defects
    from reward_kit.grpo.templates import THINK_PREFILLED, template_defects
    from reward_kit.integrations.trl import reward_weights, to_trl
    from reward_kit.integrations.trl.adapters import adapted_rewards

    functions = to_trl(reward, range=(plan.scale.low, plan.scale.high))
    functions = functions if isinstance(functions, list) else [functions]
    weights = reward_weights(reward)
    own = [one.function for one in adapted_rewards(reward)]
    components = list(map(Component, functions, own, weights or [1.0]))
    seen = probe_components(components, plan.rows, plan.generations, plan.scale)
    emit({"probe": asdict(seen)})
    prompts = [*prompt_defects(plan.rows)]
    if plan.tokenizer is not None:
        found = template_defects(plan.tokenizer, plan.rows)
        prompts += [one for one in found if one.name != THINK_PREFILLED or not seen.reads_closed_thinking]
    emit({"prompts": [asdict(defect) for defect in prompts]})
    if seen.defects or prompts:
        return
    from reward_kit.grpo.training.trainer import train

    emit({"training": asdict(train(plan, functions, weights, emit))})
