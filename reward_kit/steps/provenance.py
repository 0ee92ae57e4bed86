"""Where recorded answers come from, said beside every verdict that rests on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reward_kit.verdict import Verdict

#: What each source of a model's answers means for whoever reads a verdict; a live recording needs no word.
ANSWERS = {
    "stand-in": "authored answers, not this model's",
    "reconstructed": "answers of an imported log: requests and finish reasons are reconstructed",
    "proxy": "answers of another server behind the stand-in",
}
#: The same for results of a packaged reward.
RESULTS = {
    "stand-in": "run by the stand-in server, not by Fireworks",
    "reconstructed": "results of an imported log",
    "proxy": "run by the stand-in server, not by Fireworks",
}


@dataclass(frozen=True, slots=True)
class Sourced:
    """The detail of a verdict on what came from elsewhere: `provenance` is the source that it came from."""

    provenance: str

    def as_json(self) -> Mapping[str, Any]:
        return {"provenance": self.provenance}


def provenance_notes(verdicts: Sequence[Verdict], meaning: Mapping[str, str]) -> list[str]:
    """One note for each source that is not the live service, with its number of rows where it is not that of all."""
    details = [verdict.detail for verdict in verdicts]
    counts = Counter(detail.provenance for detail in details if isinstance(detail, Sourced))
    return source_notes(counts, meaning, "rows", len(verdicts))


def source_notes(
    counts: Mapping[str, int], meaning: Mapping[str, str], of_what: str = "answers", total: int | None = None
) -> list[str]:
    """One note for each source that is not the live service; `total` is that of `counts` unless it is given."""
    total = sum(counts.values()) if total is None else total
    return [
        meaning[source] if number == total else f"{meaning[source]} ({number} of {total} {of_what})"
        for source, number in sorted(counts.items())
        if source in meaning
    ]
