"""What is wrong with a cassette beyond what keeps it from being read: its order, its form, secrets in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reward_kit.cassettes.errors import CassetteFileError
from reward_kit.cassettes.format import cassette_lines, read_cassette
from reward_kit.cassettes.scrubbing import ALLOWED_HEADERS, Scrubber
from reward_kit.errors import Defect


def lint(path: Path) -> list[Defect]:
    """Every defect of a cassette, in the order of its lines; empty where it is in order.

    Nothing is repaired: an edited line is no recording any more, and only recording it anew makes it one.
    """
    try:
        content = read_cassette(path)
    except CassetteFileError as error:
        return list(error.defects)
    written = path.read_text(encoding="utf-8").split("\n")
    ordered = cassette_lines(content.suite, content.step, content.interactions)
    defects = list(_secrets(path, written))
    for number, (line, wanted) in enumerate(zip(written, ordered, strict=False), start=1):
        if line != wanted:
            problem = "is not what a recording writes here: lines are out of order, or parts are left over"
            defects.append(Defect(path, number, problem, "Restore the file, or record it anew"))
            break
    else:
        if len(written) - 1 != len(ordered):
            defects.append(Defect(path, len(ordered) + 1, "is left over", "Delete it"))
    for number, interaction in zip(content.lines, content.interactions, strict=True):
        wrong = [name for name in interaction.response.headers if not ALLOWED_HEADERS.fullmatch(name)]
        if wrong:
            defects.append(Defect(path, number, f"holds the header {wrong[0]}", "Record the row anew"))
        if not 200 <= interaction.response.status < 300:
            problem = f"holds a failed response (HTTP {interaction.response.status})"
            defects.append(Defect(path, number, problem, "Record the row anew"))
    return sorted(defects, key=lambda defect: defect.line)


def _secrets(path: Path, lines: list[str]) -> Iterator[Defect]:
    scrubber = Scrubber()
    for number, line in enumerate(lines, start=1):
        if scrubber.leaks(line) or (line and scrubber.findings(line.encode())):
            yield Defect(path, number, "seems to hold a secret", "Revoke the key, delete the line, record the row anew")
