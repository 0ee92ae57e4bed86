"""What a smoke run can be told: the table [grpo] of a suite.toml."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from reward_kit.grpo.domains import DOMAINS
from reward_kit.grpo.domains.base import FEWEST_ROWS, MOST_ROWS
from reward_kit.settings import Settings

#: Keys of GRPOConfig that the run sets itself, for its verdict to mean what it says.
OWN_KEYS = frozenset(
    """output_dir max_steps num_train_epochs per_device_train_batch_size num_generations use_cpu bf16 fp16 report_to
    logging_steps logging_strategy save_strategy push_to_hub use_vllm seed steps_per_generation generation_batch_size
    gradient_accumulation_steps dataloader_pin_memory disable_tqdm temperature reward_weights
    learning_rate lr_scheduler_type lr_scheduler_kwargs warmup_steps warmup_ratio optim""".split()
)


class GrpoSettings(Settings):
    """The table [grpo]."""

    #: Least optimizer steps; extended to 24 where the verdict is not clear.
    steps: Annotated[int, Field(ge=4, le=1000)] = 10
    #: Rows to train on, drawn by `seed`.
    rows: Annotated[int, Field(ge=FEWEST_ROWS, le=MOST_ROWS)] = FEWEST_ROWS
    seed: Annotated[int, Field(ge=0)] = 0
    #: Completions of a row in each step.
    generations: Annotated[int, Field(ge=4, le=64)] = 16
    #: What kind of answers the rows have.
    domain: str = "math"
    #: The final answer line in the declared format: "#### {answer}"; by default the domain's own.
    completion: str = ""
    #: Further keys of trl.GRPOConfig, as the run to come will have them: `options = { beta = 0.04 }`.
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("domain")
    @classmethod
    def _known(cls, domain: str) -> str:
        if domain not in DOMAINS:
            raise ValueError(f"must be one of {', '.join(sorted(DOMAINS))}")
        return domain

    @field_validator("completion")
    @classmethod
    def _with_answer(cls, completion: str) -> str:
        if completion and completion.count("{answer}") != 1:
            raise ValueError("must hold {answer} once, where the answer stands")
        return completion

    @field_validator("options")
    @classmethod
    def _further(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(OWN_KEYS.intersection(value)):
            raise ValueError(f"must not hold {', '.join(taken)}: the step sets them")
        return value
