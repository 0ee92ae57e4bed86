"""The command line: `reward-kit`."""

from __future__ import annotations

from pathlib import Path

import click

from reward_kit.errors import RewardKitError
from reward_kit.installation import conflict


@click.group()
@click.version_option(package_name="pytest-rewardkit")
def main() -> None:
    """Prepare the suites that `pytest --rk-suite` runs."""
    if problem := conflict():
        raise click.ClickException(problem)


@main.command()
@click.argument("suite")
@click.option("--cases", default="cases", show_default=True, type=click.Path(path_type=Path), help="Folder of suites.")
def prepare(suite: str, cases: Path) -> None:
    """Build dataset.jsonl of SUITE from the source that its suite.toml declares."""
    from reward_kit.dataset import DATASET_FILE, write_dataset
    from reward_kit.steps.data import DataStep
    from reward_kit.suite import SUITE_FILE, read_settings

    folder = cases / suite
    try:
        settings = read_settings(folder / SUITE_FILE)
        if settings.data is None:
            raise click.ClickException(f"{folder / SUITE_FILE} declares no [data] to prepare from")
        rows = DataStep(settings.data, folder, ()).rebuilt.values()
        write_dataset(folder / DATASET_FILE, rows)
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{folder / DATASET_FILE} cannot be written ({error.strerror})") from None
    click.echo(f"{folder / DATASET_FILE}: {len(rows)} rows")


if __name__ == "__main__":
    main()
