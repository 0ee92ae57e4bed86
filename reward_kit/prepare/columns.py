"""Reading the columns of a source row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reward_kit.errors import PrepareError


def text_column(source: Mapping[str, Any], name: str) -> str:
    """The text in a column, stripped and otherwise untouched.

    Raises:
        PrepareError: where there is none.
    """
    value = source.get(name)
    if not isinstance(value, str) or not value.strip():
        raise PrepareError(f"has no text in column {name!r}")
    return value.strip()
