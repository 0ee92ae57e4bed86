"""The audits of rows by domain: what each finds wrong with a row, the gravest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from reward_kit.models import Row
from reward_kit.prepare.audits import code, general, math
from reward_kit.prepare.base import Finding

#: An audit: a row and its raw gold in, findings out. The first finding is the reason for which the row is left out.
Audit = Callable[[Row, Any], Iterator[Finding]]
AUDITS: dict[str, Audit] = {"code": code.audit, "general": general.audit, "math": math.audit}
#: For each domain, the kind of answer that a row's gold is, as reports count it.
CLASSES: dict[str, Callable[[Row], str]] = {
    "code": code.answer_class,
    "general": general.answer_class,
    "math": math.answer_class,
}


def answer_class(domain: str, row: Row) -> str:
    """The kind of answer that a row of this domain has: integer, tuple, text, ..."""
    return CLASSES[domain](row)
