"""Reading the columns of a record."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reward_kit.errors import PrepareError
from reward_kit.prepare.base import Reason, Record, RejectedError

_IMAGES = re.compile(r"(?:decoded_)?(?:image|picture|figure)s?(?:_(?:\d+|path|bytes|url))?", re.IGNORECASE)


def text_column(record: Record, name: str) -> str:
    """The text in a column, stripped and otherwise untouched.

    Raises:
        RejectedError: where there is none.
    """
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RejectedError(Reason.SCHEMA_VIOLATION, f"has no text in column {name!r}")
    return value.strip()


def no_columns(layout: str, columns: Mapping[str, str]) -> None:
    """Refuse a column mapping where the layout says which columns there are.

    Raises:
        PrepareError: where there is one.
    """
    if columns:
        raise PrepareError(f"the layout {layout} has its own columns. Leave columns out, or use the layout 'columns'")


def no_images(record: Record) -> None:
    """Refuse a record with a picture beside its text: rewards and models of this project read text.

    Raises:
        RejectedError: where a column for images is filled.
    """
    for name, value in record.items():
        if value and _IMAGES.fullmatch(name):
            raise RejectedError(Reason.IMAGE_NEEDED, f"has an image in column {name!r}")
