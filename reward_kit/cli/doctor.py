"""`reward-kit doctor`: what this machine gives, before a run finds out."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import click

from reward_kit.errors import RewardKitError

if TYPE_CHECKING:
    from reward_kit.sandbox.tiers import Found

#: What steps need beside the core: named with the extra that brings it.
_INSTALLED = {"pytest": "", "torch": "grpo", "trl": "grpo", "transformers": "grpo", "datasets": "data"}
#: The readable report fits a terminal of 80 columns.
_WIDTH = 80


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> None:
    """Say what sandbox this machine gives to programs that a model wrote, and what is installed.

    A fork server is started with every layer that the kernel allows, and small escapes are tried in it. Exit code 1
    where there is no sandbox: rewards that execute code then run nothing, unless `pytest --rk-sandbox=none` asks for
    it.
    """
    from reward_kit.sandbox.tiers import Tier, find_tier

    try:
        found = find_tier()
    except RewardKitError as error:
        raise click.ClickException(str(error)) from None
    document = _document(found)
    click.echo(json.dumps(document, indent=2) if as_json else "\n".join(_lines(found, document)))
    raise SystemExit(int(found.tier is Tier.NONE))


def _document(found: Found) -> dict[str, Any]:
    from reward_kit.sandbox.facts import kernel_facts

    return {
        "tier": found.tier.value,
        "layers": dict(found.layers),
        "refused": dict(found.refused),
        "escapes": {one.name: {"stopped": one.stopped, "how": one.how} for one in found.attempts},
        "open": found.tier.leaves_open,
        "machine": kernel_facts(),
        "installed": _installed(),
    }


def _installed() -> dict[str, str | None]:
    import platform

    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in _INSTALLED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _lines(found: Found, document: Mapping[str, Any]) -> Iterator[str]:
    """The report for a reader."""
    yield f"sandbox: {found}"
    if found.tier.leaves_open:
        yield from _wrapped("  open: ", found.tier.leaves_open)
    yield "\nlayers"
    for name, detail in found.layers.items():
        yield f"  {name:<20} on{f', ABI {detail}' if detail else ''}"
    for name, reason in found.refused.items():
        yield from _wrapped(f"  {name:<20} refused: ", reason)
    yield "\nescapes tried"
    for one in found.attempts:
        yield from _wrapped(
            f"  {one.tries:<34} ", f"stopped: {_short(one.how)}" if one.stopped else f"NOT STOPPED: {one.how}"
        )
    yield "\nmachine"
    for fact, value in document["machine"].items():
        yield from _wrapped(f"  {fact:<20} ", str(value))
    yield "\ninstalled"
    for name, installed in document["installed"].items():
        yield f"  {name:<20} {installed or _missing(name)}"


def _short(error: str) -> str:
    """An error without its class, its number and the name of our own bait."""
    return re.sub(r"^\w+: (\[Errno \d+\] )?|: '[^']*'$", "", error)


def _missing(name: str) -> str:
    return f"no: pip install 'pytest-rewardkit[{_INSTALLED[name]}]'"


def _wrapped(label: str, text: str) -> list[str]:
    """A labelled text, going on below its own beginning."""
    return textwrap.wrap(label + text, _WIDTH, subsequent_indent=" " * 4, break_long_words=False)
