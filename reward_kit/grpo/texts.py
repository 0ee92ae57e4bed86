"""The texts of a row's prompt, and how texts are compared."""

from __future__ import annotations

from reward_kit.models import Row, text_of


def prompt_texts(row: Row) -> list[str]:
    """The text of each message of a row's prompt."""
    return [text_of(message.get("content")) for message in row.prompt]


def squeezed(text: str) -> str:
    """The text with every run of white space as one blank, for templates and authors set it as they like."""
    return " ".join(text.split())
