"""What can go wrong with a cassette. None of these is an httpx error: no retry loop may swallow them."""

from __future__ import annotations

from reward_kit.errors import FileDefectsError, RewardKitError


class CassetteError(RewardKitError):
    """A cassette that cannot be used, or not in this way."""


class CassetteFileError(CassetteError, FileDefectsError):
    """A cassette file with defects, each with its line, in `defects`."""


class CassetteBusyError(CassetteError):
    """A cassette that another recording holds."""


class CassetteMissError(CassetteError):
    """A request that the cassette has no answer for; `row_ids` are the rows it was for."""

    def __init__(self, message: str, row_ids: tuple[str, ...] = ()) -> None:
        self.row_ids = row_ids
        super().__init__(message)
