"""Recordings of reward-kit as a cassette: what was kept of each answer is its text, and the rest is said to be missing.

Format: JSON lines with user_prompt and regenerated_content (fw-ai-external/reward-kit c850196,
examples/math_example/fireworks_regenerate.py); no HTTP envelope, finish reason, usage or time was kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reward_kit.cassettes.cassette import recorder
from reward_kit.cassettes.errors import CassetteError, CassetteFileError
from reward_kit.cassettes.interaction import (
    Interaction,
    Provenance,
    compact,
)
from reward_kit.cassettes.scrubbing import Scrubber
from reward_kit.errors import Defect
from reward_kit.fireworks.shapes import ChatRequest, Source
from reward_kit.jsonl import read_jsonl
from reward_kit.models import Row

CHAT_PATH = "/inference/v1/chat/completions"
NOTE = (
    "reconstructed from message text recorded by reward-kit: request as this suite sends it, finish_reason from the "
    "closing think tag; usage, headers and time were not kept"
)
RequestFor = Callable[[Row], ChatRequest]


@dataclass(frozen=True, slots=True)
class Recording:
    """One line of reward-kit's recording."""

    line: int
    prompt: str
    text: str


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """A cassette's interactions, and what could not become one: rows without a recording, recordings without a row."""

    interactions: tuple[Interaction, ...]
    rows_without_recording: tuple[str, ...]
    lines_without_row: tuple[int, ...]

    @property
    def truncated(self) -> int:
        """How many answers ended within their thinking."""
        return sum(b'"finish_reason":"length"' in one.response.body for one in self.interactions)


def read_recordings(path: Path) -> list[Recording]:
    """Read reward-kit's recording whole.

    Raises:
        CassetteFileError: naming every line that is not one of its rows.
    """
    defects: list[Defect] = []
    found = []
    for line, value in read_jsonl(path, defects):
        prompt, text = value.get("user_prompt"), value.get("regenerated_content")
        if isinstance(prompt, str) and isinstance(text, str):
            found.append(Recording(line, prompt, text))
        else:
            problem = "has no user_prompt or no regenerated_content"
            defects.append(Defect(path, line, problem, "Name a recording of reward-kit's fireworks_regenerate.py"))
    if defects:
        raise CassetteFileError(sorted(defects, key=lambda defect: defect.line))
    return found


def reconstruct(recordings: Sequence[Recording], rows: Sequence[Row], request_for: RequestFor) -> Reconstruction:
    """Interactions that answer each row's request with the text recorded for its prompt.

    Args:
        recordings: what reward-kit recorded.
        rows: the suite's dataset; matched by the text of the last user message.
        request_for: what the step would ask for a row.

    Raises:
        CassetteError: where rows share a prompt and it was not recorded once for each: whose answer it is, is unknown.
    """
    recorded: defaultdict[str, list[Recording]] = defaultdict(list)
    asked: defaultdict[str, list[Row]] = defaultdict(list)
    for recording in recordings:
        recorded[recording.prompt.strip()].append(recording)
    for row in rows:
        asked[prompt_of(row)].append(row)
    scrubber = Scrubber()
    interactions: list[Interaction] = []
    bare: list[str] = []
    for prompt, same in asked.items():
        texts = recorded.pop(prompt, [])
        if texts and len(texts) != len(same):
            names = ", ".join(row.id for row in same)
            lines = ", ".join(str(text.line) for text in texts)
            raise CassetteError(f"lines {lines}: {len(texts)} answers to the prompt of {names}. Keep one answer a row")
        bare += [] if texts else [row.id for row in same]
        pairs = zip(same, texts, strict=False)  # as many, or no text at all
        interactions += [_interaction(row, text, request_for(row), scrubber) for row, text in pairs]
    left = sorted(recording.line for texts in recorded.values() for recording in texts)
    return Reconstruction(tuple(interactions), tuple(bare), tuple(left))


def prompt_of(row: Row) -> str:
    """The text of a row's last user message; empty where it has none."""
    said = [message["content"] for message in row.messages if message["role"] == "user"]
    return said[-1].strip() if said and isinstance(said[-1], str) else ""


def finish_reason(text: str) -> str:
    """How an answer ended, from its text: one that began to think and never stopped was cut off."""
    return "length" if "<think>" in text and "</think>" not in text else "stop"


def _interaction(row: Row, recording: Recording, request: ChatRequest, scrubber: Scrubber) -> Interaction:
    message = {"role": "assistant", "content": recording.text}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason(recording.text)}
    body = {"id": f"reconstructed-{row.id}", "object": "chat.completion", "model": request.model, "choices": [choice]}
    headers = {"content-type": "application/json"}
    response, scrubbed = scrubber.response(200, headers, compact(body))
    provenance = Provenance(
        row_ids=(row.id,),
        attempt=0,
        source=Source.RECONSTRUCTED,
        host=None,
        recorded_at=None,
        recorder=recorder(),
        scrubbed=scrubbed,
        note=NOTE,
    )
    return Interaction(scrubber.request("POST", CHAT_PATH, (), compact(request.body)), response, provenance)


def unmatched_lines(found: Reconstruction) -> list[str]:
    """What could not become part of the cassette, a line each."""
    said = [f"row {row_id}: no recording, its request will be a miss" for row_id in found.rows_without_recording]
    return said + [f"line {line}: no row of the dataset has its prompt" for line in found.lines_without_row]
