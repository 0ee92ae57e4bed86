"""A bar for what takes long, on terminals only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: Is told what is being done, how much of it is done, how much there is (None where that is not known), and what else
#: there is to show. It is quick and does not raise.
Told = Callable[[str, int, int | None, str], None]


@contextmanager
def progress_bar(description: str, console: Console | None = None) -> Iterator[Told]:
    """A bar on a terminal, gone when the block is left; elsewhere nothing is shown.

    Args:
        description: what runs, in a word or two; what is told later stands in its place.
        console: standard error by default, so that piped output stays clean.
    """
    from rich import progress as rich_progress
    from rich.console import Console

    console = console or Console(stderr=True)
    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(bar_width=20),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TextColumn("{task.fields[note]}"),
    )
    with rich_progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=None, note="")

        def told(what: str, done: int, total: int | None, note: str) -> None:
            bar.update(task, description=what or description, completed=done, total=total, note=note)

        yield told
