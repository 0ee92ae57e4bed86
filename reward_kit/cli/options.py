"""Reading option values that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reward_kit.prepare.base import Reason


def pairs(text: str | None) -> dict[str, str]:
    """`a=x,b=y` as a mapping."""
    found: dict[str, str] = {}
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        if not equals or not key.strip() or not value.strip() or key.strip() in found:
            raise click.UsageError(f"--columns: {part!r} is not NAME=COLUMN, or a name stands twice")
        found[key.strip()] = value.strip()
    return found


def allowed_reasons(names: Iterable[str]) -> frozenset[Reason]:
    """Reasons by name, each of which may be allowed."""
    from reward_kit.prepare.base import Reason

    known = [reason.value for reason in Reason if not reason.stops]
    if wrong := [name for name in names if name not in known]:
        raise click.UsageError(f"--allow {wrong[0]}: reasons that can be allowed are {', '.join(known)}")
    return frozenset(map(Reason, names))
