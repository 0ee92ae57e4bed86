"""Tables of settings, as they stand in suite.toml: typed, with every unknown key a defect."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A table of suite.toml: keys it does not know and values of another type are defects of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
