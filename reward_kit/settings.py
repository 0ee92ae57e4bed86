"""Tables of settings, as they stand in suite.toml: typed, with every unknown key a defect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A table of suite.toml: keys it does not know and values of another type are defects of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def problem_of(found: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says is wrong, as the middle of a sentence."""
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"
