"""The command line: `reward-kit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reward_kit.errors import DatasetError, RewardKitError
from reward_kit.installation import conflict

if TYPE_CHECKING:
    from reward_kit.models import Row


@click.group()
@click.version_option(package_name="pytest-rewardkit")
def main() -> None:
    """Prepare the suites that `pytest --rk-suite` runs."""
    if problem := conflict():
        raise click.ClickException(problem)


@main.command()
@click.argument("suite")
@click.option("--cases", default="cases", show_default=True, type=click.Path(path_type=Path), help="Folder of suites.")
@click.option("--force", is_flag=True, help="Replace a dataset that has rows which the source does not have.")
def prepare(suite: str, cases: Path, force: bool) -> None:
    """Build dataset.jsonl of SUITE from the source that its suite.toml declares."""
    from reward_kit.dataset import DATASET_FILE, write_dataset

    target = cases / suite / DATASET_FILE
    try:
        rows = _source_rows(cases, suite)
        if not force:
            _refuse_to_lose(target, {row.id for row in rows})
        write_dataset(target, rows)
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written ({error.strerror})") from None
    click.echo(f"{target}: {len(rows)} {'row' if len(rows) == 1 else 'rows'}")


def _source_rows(cases: Path, suite: str) -> list[Row]:
    """The rows that the suite's source stands for."""
    from reward_kit.prepare import rows_from_jsonl
    from reward_kit.suite import SUITE_FILE, read_settings

    path = cases / suite / SUITE_FILE
    if not path.is_file():
        known = ", ".join(sorted(found.parent.name for found in cases.glob(f"*/{SUITE_FILE}"))) or "none"
        raise click.ClickException(f"{path} is not there. Suites in {cases}/: {known}")
    settings = read_settings(path)
    if settings.data is None:
        raise click.ClickException(f"{path} declares no [data] to prepare from")
    source = settings.data.source
    return rows_from_jsonl(path.parent / source.path, source.layout)


def _refuse_to_lose(target: Path, kept: set[str]) -> None:
    """Stop where rows that somebody may have written by hand would go."""
    from reward_kit.dataset import read_dataset

    if not target.is_file():
        return
    try:
        lost = [row.id for row in read_dataset(target) if row.id not in kept]
    except DatasetError:
        raise click.ClickException(f"{target} is there and cannot be read as a dataset. --force replaces it") from None
    if lost:
        shown = ", ".join(lost[:5]) + (" ..." if len(lost) > 5 else "")
        raise click.ClickException(f"{target} has rows that the source does not have: {shown}. --force replaces them")


if __name__ == "__main__":
    main()
