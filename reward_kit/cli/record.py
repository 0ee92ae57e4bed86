"""`reward-kit record`: a suite's cassettes, recorded anew by running its steps."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from reward_kit.errors import RewardKitError

#: The steps that talk to Fireworks.
_STEPS = ("preview", "regenerate")


@click.command()
@click.argument("suite")
@click.option("--cases", default="cases", show_default=True, type=click.Path(path_type=Path), help="Folder of suites.")
@click.option("--step", "steps", multiple=True, type=click.Choice(_STEPS), help="This step only; by default all.")
@click.option("--ids", "--rk-ids", "ids", metavar="ID[,ID...]", help="Record these rows anew and keep the others.")
@click.option("--new", is_flag=True, help="Record only what is missing: goes on where a recording was interrupted.")
@click.option("--stand-in", is_flag=True, help="Record from the suite's answers.jsonl instead of from Fireworks.")
def record(suite: str, cases: Path, steps: tuple[str, ...], ids: str | None, new: bool, stand_in: bool) -> None:
    """Record the cassettes of SUITE by running its steps against Fireworks.

    Needs FIREWORKS_API_KEY and, for the step preview, FIREWORKS_ACCOUNT_ID; or FIREWORKS_API_BASE of a server on this
    machine. What was recorded before an interruption is kept.
    """
    command = [sys.executable, "-m", "pytest", f"--rk-suite={suite}", "-o", f"rk_cases={cases.resolve()}"]
    command += [f"--rk-step={','.join(steps or _declared(cases / suite))}", f"--rk-record={'new' if new else 'all'}"]
    command += [f"--rk-ids={ids}"] if ids else []
    with ExitStack() as stack:
        environment = os.environ | (_stand_in(stack, cases / suite) if stand_in else {})
        code = _run_to_its_end(command, environment)
    if code == _INTERRUPTED:
        click.echo(f"interrupted; what was recorded is kept: 'reward-kit record {suite} --new' goes on", err=True)
    raise SystemExit(code)


#: pytest's exit code after Ctrl-C.
_INTERRUPTED = 2


def _run_to_its_end(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code of a command. Ctrl-C reaches it from the terminal too, and it is given the time to save."""
    process = subprocess.Popen(command, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _declared(folder: Path) -> list[str]:
    """The steps to record: those that suite.toml declares."""
    from reward_kit.suite import SUITE_FILE, read_settings

    try:
        settings = read_settings(folder / SUITE_FILE)
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    declared = [step for step in _STEPS if getattr(settings, step) is not None]
    if not declared:
        raise click.ClickException(f"{folder / SUITE_FILE} declares neither [preview] nor [regenerate]")
    return declared


def _stand_in(stack: ExitStack, folder: Path) -> Mapping[str, str]:
    """A stand-in that answers from the suite's folder, and the environment that leads to it."""
    from reward_kit.dataset import DATASET_FILE
    from reward_kit.standin import Answers, StandIn

    try:
        answers = Answers.load(folder / "answers.jsonl", folder / DATASET_FILE)
        server = stack.enter_context(StandIn(answers))
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    key = secrets.token_hex(16)  # any will do, and no cassette may hold it
    return {"FIREWORKS_API_BASE": server.url, "FIREWORKS_API_KEY": key, "FIREWORKS_ACCOUNT_ID": "stand-in"}
