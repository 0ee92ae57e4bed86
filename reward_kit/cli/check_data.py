"""`reward-kit check-data`: the audit of `prepare` on a finished dataset.jsonl."""

from __future__ import annotations

from pathlib import Path

import click

from reward_kit.cli.options import allowed_reasons
from reward_kit.errors import RewardKitError


@click.command("check-data", short_help="Audit a finished dataset.jsonl.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--domain", default="math", show_default=True, help="math, code, or general, which reads no answers.")
@click.option("--allow", multiple=True, metavar="REASON", help="Do not fail because of REASON. Repeatable.")
def check_data(file: Path, domain: str, allow: tuple[str, ...]) -> None:
    """Audit every row of FILE, a dataset.jsonl, as `reward-kit prepare` would today.

    FILE is not changed. The exit code is 1 where a row should not be trained on, or FILE cannot be read. With the
    raw golds that prepare keeps (gold_raw), it says too where a gold was changed since.
    """
    from reward_kit.prepare.audits import AUDITS
    from reward_kit.prepare.check import check_dataset

    if domain not in AUDITS:
        raise click.UsageError(f"--domain {domain}: known domains are {', '.join(sorted(AUDITS))}")
    try:
        report = check_dataset(file, domain, allowed_reasons(allow))
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    for line in report.lines():
        click.echo(line)
    if report.dropped:
        raise SystemExit(1)
