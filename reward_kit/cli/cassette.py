"""`reward-kit cassette`: look at recorded interactions, check them, and import older recordings."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from reward_kit.errors import RewardKitError

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
@click.option("--suite-folder", required=True, type=_FILE, help="Folder of the suite with the rows.")
@click.option("--model", required=True, help="The model that answered, as the step's requests name it.")
@click.option("--max-tokens", default=4000, show_default=True, type=click.IntRange(min=1), help="As the step asks.")
@click.option("--temperature", default=0.2, show_default=True, type=click.FloatRange(min=0.0), help="As the step asks.")
@click.option("--system-prompt", help="As the step asks; by default none.")
@click.option("--step", default="regenerate", show_default=True, help="The step whose cassette it becomes.")
@click.option("--out", required=True, type=_FILE, help="The cassette to write.")
def import_(
    recorded: Path,
    suite_folder: Path,
    model: str,
    max_tokens: int,
    temperature: float,
    system_prompt: str | None,
    step: str,
    out: Path,
) -> None:
    """Make a cassette of RECORDED, the JSON lines that reward-kit's fireworks_regenerate.py wrote.

    Each answer is filed under the row with its prompt and marked as reconstructed. Model, token limit, temperature and
    system prompt must be those in suite.toml, or replay will not find the answers. Rows without a recording and
    recordings without a row are listed; where there are any the exit code is 1.
    """
    from reward_kit.cassettes.format import cassette_lines
    from reward_kit.cassettes.reconstruct import prompt_request, read_recordings, reconstruct, unmatched_lines
    from reward_kit.dataset import DATASET_FILE, read_dataset
    from reward_kit.files import replace_file

    request_for = partial(
        prompt_request, model=model, max_tokens=max_tokens, temperature=temperature, system_prompt=system_prompt
    )
    try:
        rows = read_dataset(suite_folder / DATASET_FILE)
        found = reconstruct(read_recordings(recorded), rows, request_for)
        lines = cassette_lines(suite_folder.resolve().name, step, found.interactions)
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    if not found.interactions:
        raise click.ClickException(f"{recorded}: none of its prompts is in {suite_folder / DATASET_FILE}")
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(out, (line + "\n" for line in lines))
    count = len(found.interactions)
    shown = f"{count} {'interaction' if count == 1 else 'interactions'} reconstructed"
    click.echo(f"{out}: {shown}, {found.truncated} of them truncated")
    for line in (unmatched := unmatched_lines(found)):
        click.echo(line, err=True)
    if unmatched:
        raise SystemExit(1)
