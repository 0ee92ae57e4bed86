"""The pipeline that suite.toml or the command line declares."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from reward_kit.prepare.base import Reason
from reward_kit.prepare.layouts import LAYOUTS
from reward_kit.prepare.pipeline import Pipeline
from reward_kit.prepare.settings import SourceSettings
from reward_kit.prepare.sources import open_source


def pipeline_of(
    settings: SourceSettings, folder: Path, allowed: Set[Reason] = frozenset(), limit: int | None = None
) -> Pipeline:
    """The pipeline that a table data.source stands for; its paths are relative to `folder`.

    Raises:
        PrepareError: where the source or its columns cannot be used.
    """
    return Pipeline(open_source(settings, folder), LAYOUTS[settings.layout](settings.columns), allowed, limit)
