"""Whether this installation can be trusted: two distributions must not own one import name."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def conflict() -> str | None:
    """What is wrong where the distribution reward-kit is installed too, with the remedy in the same line; else None."""
    try:
        installed = version("reward-kit")
    except PackageNotFoundError:
        return None
    return (
        f"reward-kit {installed} and pytest-rewardkit both own the import name reward_kit: run "
        "'pip uninstall -y reward-kit && pip install --force-reinstall --no-deps pytest-rewardkit'"
    )
