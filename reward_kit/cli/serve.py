"""`reward-kit serve`: the stand-in for Fireworks, in the foreground."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reward_kit.errors import RewardKitError

if TYPE_CHECKING:
    from reward_kit.standin import Answers, StandIn, Upstream

#: At the end, threads still at work are left behind: they are daemons, and a user who pressed Ctrl-C waits.
_GRACE_S = 0.5


@click.command()
@click.argument("suite", required=False)
@click.option("--cases", default="cases", show_default=True, type=click.Path(path_type=Path), help="Folder of suites.")
@click.option("--answers", type=click.Path(path_type=Path), help="Instead of SUITE: the file of answers.")
@click.option("--dataset", type=click.Path(path_type=Path), help="With --answers: the dataset.jsonl of their rows.")
@click.option("--upstream", metavar="URL", help="Pass chat requests on to this OpenAI-compatible server (.../v1).")
@click.option("--upstream-model", metavar="NAME", help="Ask it for this model, whatever a request names.")
@click.option("--upstream-key-env", metavar="NAME", help="Environment variable with its key.")
@click.option("--model", "models", multiple=True, metavar="ID", help="Only this model exists (can be repeated).")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", default=8600, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--key", envvar="REWARDKIT_STANDIN_KEY", help="The one API key; by default any. [$REWARDKIT_STANDIN_KEY]")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="KIND[=SECONDS]:RATE|xCOUNT[@ENDPOINT], see above; can be repeated.",
)
@click.option("--seed", default=0, show_default=True, help="Which requests a fault with a rate meets.")
@click.option(
    "--deadline",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Seconds for one sample of a preview.",
)
@click.option("--quiet", is_flag=True, help="No line for each request.")
def serve(
    suite: str | None,
    cases: Path,
    answers: Path | None,
    dataset: Path | None,
    upstream: str | None,
    upstream_model: str | None,
    upstream_key_env: str | None,
    models: tuple[str, ...],
    host: str,
    port: int,
    key: str | None,
    faults: tuple[str, ...],
    seed: int,
    deadline: float,
    quiet: bool,
) -> None:
    """Serve Fireworks' API on this machine, without Fireworks.

    Chat requests are answered from cases/SUITE/answers.jsonl, lines of {"id": ROW, "answers": [{"content": TEXT}]}; a
    prompt without an answer is refused. Evaluators that are posted are really run, in a fresh interpreter.

    The first line of standard output is the URL. In another terminal:

    \b
      export FIREWORKS_API_BASE=http://127.0.0.1:8600 FIREWORKS_API_KEY=any
      reward-kit record SUITE

    Faults, to see what a client makes of them, are written KIND:RATE for a share of the requests or KIND:xCOUNT for
    the next ones, e.g. 429:0.05, latency=2:0.1 (seconds), 503:x2@preview (chat, preview, evaluators or models only).
    Kinds: latency, 429, retry-after, 500, 503, truncated-body, invalid-json, wrong-count, drop-before, drop-after,
    slow-body.
    """
    from reward_kit.standin import Fault, StandIn

    model = _model(upstream, upstream_model, upstream_key_env)
    if model and (suite or answers or dataset or models):
        raise click.UsageError("--upstream answers every chat request: leave SUITE, --answers, --dataset, --model out")
    if key == "":
        raise click.UsageError("--key is empty")
    _warn_of(host, key)
    try:
        authored = None if model else _answers(suite, cases, answers, dataset)
        standin = StandIn(
            authored,
            upstream=model,
            models=models,
            key=key,
            faults=[Fault.parse(text) for text in faults],
            seed=seed,
            deadline_s=deadline,
            host=host,
            port=port,
            log=None if quiet else _to_stderr(),
        )
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port} ({error.strerror or error})") from None
    _until_ended(standin)


def _model(url: str | None, model: str | None, key_env: str | None) -> Upstream | None:
    from reward_kit.standin import Upstream

    if url is None:
        if model or key_env:
            raise click.UsageError("--upstream-model and --upstream-key-env go with --upstream")
        return None
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--upstream {url}: must start with http:// or https://")
    if key_env and not os.environ.get(key_env):
        raise click.UsageError(f"--upstream-key-env: {key_env} is not set")
    return Upstream(url, os.environ[key_env] if key_env else None, model)


def _answers(suite: str | None, cases: Path, answers: Path | None, dataset: Path | None) -> Answers | None:
    from reward_kit.dataset import DATASET_FILE
    from reward_kit.standin import Answers
    from reward_kit.standin.answers import ANSWERS_FILE

    if suite and (answers or dataset):
        raise click.UsageError("SUITE names both files: leave --answers and --dataset out")
    if (answers is None) != (dataset is None):
        raise click.UsageError("--answers and --dataset go together")
    if suite:
        answers, dataset = cases / suite / ANSWERS_FILE, cases / suite / DATASET_FILE
    if answers is None or dataset is None:
        click.echo("No answers: every chat request is refused. Name a SUITE, --answers or --upstream", err=True)
        return None
    found = Answers.load(answers, dataset)
    if found.missing:
        shown = ", ".join(found.missing[:5]) + (", ..." if len(found.missing) > 5 else "")
        click.echo(f"{answers}: without an answer: {len(found.missing)} of the dataset's rows ({shown})", err=True)
    return found


def _warn_of(host: str, key: str | None) -> None:
    from reward_kit.loopback import is_loopback

    if is_loopback(host):
        return
    if key is None:
        raise click.UsageError(f"--host {host} needs --key: whoever reaches the stand-in can run programs here")
    click.echo(f"Warning: {host} can be reached from other machines, and the key lets them run programs here", err=True)


def _to_stderr() -> Callable[[str], None]:
    lock = threading.Lock()

    def log(line: str) -> None:
        with lock:
            print(line, file=sys.stderr, flush=True)

    return log


def _until_ended(standin: StandIn) -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with standin:
        print(standin.url, flush=True)
        ended.wait()
        left = standin.close(_GRACE_S)
    for line in _summary(standin, left):
        click.echo(line, err=True)


def _summary(standin: StandIn, left: int) -> Sequence[str]:
    counts = standin.counts
    total, failed = sum(counts.requests.values()), sum(counts.faults.values())
    lines = [f"{total} {'request' if total == 1 else 'requests'}, {failed} with a fault on purpose"]
    if left:
        lines[0] += f", {left} more cut off"
    lines += [f"  {number:6} {path}" for path, number in sorted(counts.requests.items())]
    lines += [f"  {number:6} {status or 'no response'}" for status, number in sorted(counts.statuses.items())]
    lines += [f"  {number:6} fault {kind} on {path}" for (path, kind), number in sorted(counts.faults.items())]
    return lines
