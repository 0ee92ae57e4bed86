"""`reward-kit cassette`: look at recorded interactions, check them, and import older recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reward_kit.errors import RewardKitError

if TYPE_CHECKING:
    from reward_kit.steps.regenerate import RegenerateStep

_FILE = click.Path(path_type=Path)


@click.group()
def cassette() -> None:
    """Look at cassettes, check them, and import older recordings.

    A cassette, cassettes/SUITE/STEP.jsonl, holds what a step asked Fireworks and what came back.
    `reward-kit record` writes it.
    """


@cassette.command(short_help="Print a cassette as a table.")
@click.argument("file", type=_FILE)
def show(file: Path) -> None:
    """Print FILE as a table: rows, status, finish reason, tokens, and where each answer comes from.

    200 (+1) is an answer that one retry came before.
    """
    from reward_kit.cassettes.format import read_cassette
    from reward_kit.cassettes.show import show_lines

    try:
        content = read_cassette(file)
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    for line in show_lines(content):
        click.echo(line)


@cassette.command(short_help="Check cassettes; exit code 1 where something is wrong.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
def lint(files: tuple[Path, ...]) -> None:
    """Check format, digests, order, headers and secrets of each FILE: exit code 1 where something is wrong."""
    from reward_kit.cassettes.lint import lint as defects_of

    count = 0
    for file in files:
        defects = defects_of(file)
        count += len(defects)
        click.echo("\n".join(map(str, defects)) or f"{file}: in order", err=bool(defects))
    if count:
        raise SystemExit(1)


@cassette.command("import", short_help="Make a cassette of a recording of reward-kit 0.4.1.")
@click.argument("recorded", type=_FILE)
@click.argument("suite")
@click.option("--cases", default="cases", show_default=True, type=_FILE, help="Folder of suites.")
@click.option("--out", type=_FILE, help="The cassette to write; by default the one that the step replays.")
def import_(recorded: Path, suite: str, cases: Path, out: Path | None) -> None:
    """Make the cassette of SUITE's step regenerate of RECORDED, what reward-kit's fireworks_regenerate.py wrote.

    Each answer is filed under the row with its prompt, as the answer to what [regenerate] asks, and marked as
    reconstructed. Rows without a recording and recordings without a row are listed; where there are any the exit code
    is 1. A cassette that exists is left alone.
    """
    from reward_kit.cassettes.format import cassette_lines
    from reward_kit.cassettes.opening import cassette_path
    from reward_kit.cassettes.reconstruct import read_recordings, reconstruct, unmatched_lines
    from reward_kit.files import replace_file

    try:
        step = _regenerate_step(cases / suite)
        path = out or cassette_path(cases.resolve().parent, suite, step.name)
        if path.exists():
            raise click.ClickException(f"{path}: is there already. Move or delete it first")
        found = reconstruct(read_recordings(recorded), step.rows, step.request_for)
        lines = cassette_lines(suite, step.name, found.interactions)
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    if not found.interactions:
        raise click.ClickException(f"{recorded}: none of its prompts is in the dataset of {suite}")
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, (line + "\n" for line in lines))
    count = len(found.interactions)
    shown = f"{count} {'interaction' if count == 1 else 'interactions'} reconstructed"
    click.echo(f"{path}: {shown}, {found.truncated} of them truncated")
    for line in (unmatched := unmatched_lines(found)):
        click.echo(line, err=True)
    if unmatched:
        raise SystemExit(1)


def _regenerate_step(folder: Path) -> RegenerateStep:
    """The step regenerate as a suite declares it: what it asks is what an imported answer is filed under."""
    from reward_kit.steps.regenerate import RegenerateStep
    from reward_kit.suite import load_suite

    step = load_suite(folder).steps.get(RegenerateStep.name)
    if not isinstance(step, RegenerateStep):
        raise click.ClickException(f"{folder / 'suite.toml'} declares no [regenerate]: add it, with its model")
    return step
