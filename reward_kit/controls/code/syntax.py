"""Programs as syntax trees, read without a word about them."""

from __future__ import annotations

import ast
import warnings


def parsed(program: str) -> ast.Module | None:
    """The tree of a program; None where it is no Python.

    What Python would warn of while it compiles (an escape that is none) is the program's own matter.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(program)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
