"""Where recorded answers come from, said beside every verdict that rests on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reward_kit.verdict import Verdict

#: What each source means for whoever reads a verdict; a live recording needs no word.
_MEANING = {
    "stand-in": "authored answers, not this model's",
    "reconstructed": "imported from another tool's log; requests and finish reasons are reconstructed",
    "proxy": "answers of another server behind the stand-in",
}


def meaning_of(source: str) -> str:
    """A source in words; empty for a live recording."""
    return "" if source == "live" else _MEANING.get(source, source)


def provenance_notes(verdicts: Sequence[Verdict]) -> list[str]:
    """One note for each source that is not the live service, with its number of rows."""
    counts = Counter(verdict.provenance for verdict in verdicts if verdict.provenance)
    return [
        meaning if number == len(verdicts) else f"{meaning} ({number} of {len(verdicts)} rows)"
        for source, number in sorted(counts.items())
        if (meaning := meaning_of(source))
    ]
