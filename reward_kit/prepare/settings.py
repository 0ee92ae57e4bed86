"""Where rows come from, as suite.toml or the command line says it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from reward_kit.prepare.layouts import LAYOUTS
from reward_kit.settings import Settings

Kind = Literal["jsonl", "parquet", "folder", "hub", "generator"]


class SourceSettings(Settings):
    """The table data.source.

    Attributes:
        kind: how `path` is read: a file of JSON lines, a parquet file, a folder in the layout of a hub dataset, a
            dataset of the Hugging Face hub, or a generator function.
        path: a path relative to the suite's folder, a hub id such as `openai/gsm8k`, or `module:function`.
        layout: a key of LAYOUTS.
        columns: for the layout `columns`: which column holds `query`, `solution` and `ground_truth`.
        name: the configuration of a hub dataset or folder.
        split: its split, with a slice where wanted: `train`, `train[:100]`, `test[10:20]`.
        revision: the commit of a hub dataset. Pinned, so that the rows cannot change.
    """

    kind: Kind
    path: str
    layout: str
    columns: dict[str, str] = Field(default_factory=dict)
    name: str | None = None
    split: str | None = None
    revision: str | None = None

    @field_validator("layout")
    @classmethod
    def _known(cls, layout: str) -> str:
        if layout not in LAYOUTS:
            raise ValueError(f"unknown layout {layout!r}; known layouts: {', '.join(sorted(LAYOUTS))}")
        return layout

    @model_validator(mode="after")
    def _complete(self) -> Self:
        from_datasets = self.kind in ("hub", "folder")
        if not from_datasets and (self.name or self.split or self.revision):
            raise ValueError(f"name, split and revision are for the kinds hub and folder, not for {self.kind}")
        if from_datasets and self.split is None:
            raise ValueError(f'a source of kind {self.kind} needs a split, e.g. split = "train[:100]"')
        return self
