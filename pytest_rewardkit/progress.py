"""A bar for steps that take long, past pytest's capturing of output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from reward_kit.fireworks.progress import Progress


@contextmanager
def shown_progress(config: pytest.Config, description: str, wanted: bool) -> Iterator[Progress | None]:
    """A bar on the terminal while the block runs, where one is wanted and there is a terminal."""
    if not wanted:
        yield None
        return
    from reward_kit.fireworks.progress import progress_bar

    capture = config.pluginmanager.getplugin("capturemanager")
    with ExitStack() as stack:
        if capture is not None:
            stack.enter_context(capture.global_and_fixture_disabled())
        yield stack.enter_context(progress_bar(description))
