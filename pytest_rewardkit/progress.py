"""A bar for steps that take long, past pytest's capturing of output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from reward_kit.progress import Told, progress_bar


@contextmanager
def shown_progress(config: pytest.Config, description: str) -> Iterator[Told]:
    """A bar on the terminal while the block runs, where there is a terminal."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with ExitStack() as stack:
        if capture is not None:
            stack.enter_context(capture.global_and_fixture_disabled())
        yield stack.enter_context(progress_bar(description))
