"""The command line: `reward-kit`. Commands import what they need when they run, so that --help is quick."""

from __future__ import annotations

import click

from reward_kit.cli.cassette import cassette
from reward_kit.cli.check_data import check_data
from reward_kit.cli.doctor import doctor
from reward_kit.cli.prepare import prepare
from reward_kit.cli.record import record
from reward_kit.cli.serve import serve
from reward_kit.installation import conflict


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pytest-rewardkit")
def main() -> None:
    """Prepare, audit and record what `pytest --rk-suite=SUITE` runs."""
    if problem := conflict():
        raise click.ClickException(problem)


main.add_command(prepare)
main.add_command(check_data)
main.add_command(record)
main.add_command(cassette)
main.add_command(serve)
main.add_command(doctor)
