"""docs/migration.md lists the verdicts that differ from reward-kit 0.4.1: each is graded here."""

from __future__ import annotations

import pytest
from test_math_docs import outcome, rows

CASES = list(rows("migration.md", "gold", "response", "0.4.1", "here", "why"))


def test_the_page_names_both_kinds_of_difference():
    assert sum(here == "yes" for *_, here, _ in CASES) >= 20
    assert sum(here != "yes" for *_, here, _ in CASES) >= 12


@pytest.mark.parametrize(("gold", "response", "before", "here", "why"), CASES)
def test_a_verdict_that_differs(gold: str, response: str, before: str, here: str, why: str):
    assert outcome(gold, response) == here
    assert (before == "1.0") == (here != "yes"), "the table lists differences only"
