"""`reward-kit prepare`: a suite's dataset, or any other, from its source."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reward_kit.cli.options import allowed_reasons, pairs
from reward_kit.errors import RewardKitError

if TYPE_CHECKING:
    from reward_kit.prepare.pipeline import Pipeline


@click.command(short_help="Make a dataset.jsonl from its source.")
@click.argument("suite", required=False)
@click.option("--cases", default="cases", show_default=True, type=click.Path(path_type=Path), help="Folder of suites.")
@click.option("--source", help="Without SUITE: a file, a folder, a hub id such as openai/gsm8k, or module:function.")
@click.option("--layout", help="How a record becomes a row: gsm8k, openr1, openai-chat, coding or columns.")
@click.option("--columns", help="For --layout columns: query=COLUMN,ground_truth=COLUMN[,solution=COLUMN].")
@click.option("--name", help="Configuration of a hub dataset or folder, where it has several: main.")
@click.option("--split", help="Its split (needed), with a slice where wanted: train, 'train[:100]'.")
@click.option("--revision", help="Commit of a hub dataset; by default the present one, which the report names.")
@click.option("--allow", multiple=True, metavar="REASON", help="Keep rows that the audit drops for REASON. Repeatable.")
@click.option("--limit", type=click.IntRange(min=1), help="Take only the first LIMIT records.")
@click.option("--out", type=click.Path(path_type=Path), help="Without SUITE: the dataset to write.")
@click.option("--force", is_flag=True, help="Replace a dataset that has rows which the source does not have.")
def prepare(suite: str | None, cases: Path, out: Path | None, force: bool, **options: Any) -> None:
    """Make a dataset.jsonl from its source without losing or changing a gold.

    \b
    reward-kit prepare SUITE       the source that cases/SUITE/suite.toml declares
    reward-kit prepare --source logs.jsonl --layout openai-chat --out rows.jsonl

    Every row that is left out is reported with one reason, here and in a .report.json beside the dataset. The dataset
    is replaced once the new one is whole. Interrupted, the same command goes on where it was. Formats and reasons:
    docs/data.md.
    """
    try:
        if suite is not None:
            given = [f"--{name}" for name, value in ({"out": out} | options).items() if value]
            if given:
                raise click.UsageError(f"{', '.join(given)} cannot stand beside SUITE: suite.toml says it")
            _build(*_of_suite(cases, suite), force)
            return
        missing = [f"--{name}" for name in ("source", "layout") if not options[name]] + ["--out"] * (out is None)
        if missing or out is None:
            raise click.UsageError(f"name a SUITE, or give {', '.join(missing)} too")
        _build(_of_options(options), out, force)
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None


def _of_suite(cases: Path, suite: str) -> tuple[Pipeline, Path]:
    """The pipeline that suite.toml declares, and the suite's dataset."""
    from reward_kit.dataset import DATASET_FILE
    from reward_kit.prepare.declared import pipeline_of
    from reward_kit.suite import SUITE_FILE, read_settings

    path = cases / suite / SUITE_FILE
    if not path.is_file():
        known = ", ".join(sorted(found.parent.name for found in cases.glob(f"*/{SUITE_FILE}"))) or "none"
        raise click.ClickException(f"{path} is not there. Suites in {cases}/: {known}")
    settings = read_settings(path)
    if settings.data is None or settings.data.source is None:
        remedy = f"Add one, or write {path.parent / DATASET_FILE} yourself; 'reward-kit check-data' audits it"
        raise click.ClickException(f"{path} declares no data.source to prepare from. {remedy}")
    return pipeline_of(settings.data.source, path.parent, settings.data.reasons), path.parent / DATASET_FILE


def _of_options(options: Mapping[str, Any]) -> Pipeline:
    """The pipeline that the options describe."""
    from pydantic import ValidationError

    from reward_kit.prepare.declared import pipeline_of
    from reward_kit.prepare.kinds import guess_kind
    from reward_kit.prepare.settings import SourceSettings
    from reward_kit.settings import problem_of

    kind, note = guess_kind(options["source"])
    if note:
        click.echo(note, err=True)
    where = {name: options[name] for name in ("layout", "name", "split", "revision")}
    try:
        settings = SourceSettings(kind=kind, path=options["source"], columns=pairs(options["columns"]), **where)
    except ValidationError as error:
        said = "; ".join(problem_of(found) for found in error.errors())
        raise click.UsageError(said) from None
    return pipeline_of(settings, Path(), allowed_reasons(options["allow"]), options["limit"])


def _build(pipeline: Pipeline, target: Path, force: bool) -> None:
    from reward_kit.prepare.build import build
    from reward_kit.prepare.report import report_path

    with _progress(pipeline) as progress:
        try:
            report = build(pipeline, target, progress, force=force)
        except KeyboardInterrupt:
            said = f"interrupted; {target} is as it was. The same command goes on where this one stopped"
            raise click.ClickException(said) from None
    for line in report.lines():
        click.echo(line)
    click.echo(f"{target}: {report.kept} {'row' if report.kept == 1 else 'rows'}; all reasons in {report_path(target)}")


@contextmanager
def _progress(pipeline: Pipeline) -> Iterator[Callable[[int], None]]:
    """A bar with rate and time left on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    total = pipeline.total
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("preparing", total=total or None, rate="")

        def show(done: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, rate=f"{speed:,.0f} rows/s" if speed else "")

        yield show
