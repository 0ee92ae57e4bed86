"""The command line and ini options, and what they select.

Precedence: a command-line option over its ini twin; the ini twin over the default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: As in `reward_kit.suite`, which is not loaded before a suite is named.
SUITE_FILE = "suite.toml"
#: As in `reward_kit.sandbox.tiers`, which is not loaded before a run executes code.
SANDBOXES = ("auto", "strict", "strong", "good", "basic", "none")


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("reward-kit", "reward readiness suites (pytest-rewardkit)")
    group.addoption(
        "--rk-suite",
        metavar="NAME[,NAME...]|all",
        help="Run these suites of the cases folder instead of testpaths; with path arguments, both. Ini: rk_suite.",
    )
    group.addoption(
        "--rk-step", metavar="STEP[,STEP...]", help="Run these steps only; the suite's readiness is then UNDECIDED."
    )
    group.addoption("--rk-ids", metavar="ID[,ID...]", help="Run the rows with these ids only; this decides no gate.")
    group.addoption("--rk-json", metavar="PATH", help="Write verdicts, gates and readiness to this file.")
    group.addoption(
        "--rk-record",
        choices=("none", "new", "all"),
        default="none",
        help="none replays the cassettes of suites and of tests with rk_fireworks; new records what is missing, all "
        "records anew (with --rk-ids: those rows only). "
        "Recording needs FIREWORKS_API_KEY, or FIREWORKS_API_BASE of a server on this machine.",
    )
    group.addoption(
        "--rk-tokenizer",
        metavar="DIR",
        help="Check the tokenizer and chat template of the model that will be trained, in this folder, in step grpo.",
    )
    group.addoption(
        "--rk-sandbox",
        choices=SANDBOXES,
        help="What programs that a model wrote run in: auto (default) takes the best that this machine gives and "
        "refuses less than basic; strict refuses less than strong; a tier's name asks for exactly that. "
        "`reward-kit doctor` says what there is.",
    )
    parser.addini("rk_suite", "Suites to run where --rk-suite is not given.", default="")
    parser.addini("rk_cases", "Folder that holds the suites, relative to the ini file.", default="cases")
    parser.addini("rk_timeout", "Seconds one call of a reward may take.", default="30")


@dataclass(frozen=True)
class Selection:
    """What the options ask for; empty tuples stand for no restriction."""

    suite_paths: tuple[Path, ...]
    steps: tuple[str, ...]
    ids: tuple[str, ...]
    json_path: Path | None
    timeout: float
    record: str = "none"
    tokenizer: Path | None = None


def wants_suites(config: pytest.Config) -> bool:
    """True where this run has to do with suites at all: the plugin's larger part is loaded only then."""
    if config.option.help:
        return False
    options = (config.option.rk_step, config.option.rk_ids, config.option.rk_json)
    return (
        any(option is not None for option in options)
        or bool(_suite_names(config))
        or any(_names_suite_file(arg) for arg in config.args)
    )


def read_selection(config: pytest.Config) -> Selection:
    """Read the options.

    Raises:
        pytest.UsageError: naming what is unknown and listing what is known.
    """
    paths = {path.resolve(): None for name in _suite_names(config) for path in _find_suites(config, name)}
    base = config.invocation_params.dir
    named = [base / path_part(arg) for arg in config.args if _names_suite_file(arg)]
    paths.update({path.resolve(): None for path in named if path.is_file()})
    for option in ("rk_step", "rk_ids", "rk_json"):
        if getattr(config.option, option) is not None and not paths:
            flag = f"--{option.replace('_', '-')}"
            raise pytest.UsageError(f"{flag} is about suites, and none is named: add --rk-suite=NAME")
    steps, ids = _named("--rk-step", config.option.rk_step), _named("--rk-ids", config.option.rk_ids)
    return Selection(
        tuple(paths), steps, ids, _json_path(config), timeout_of(config), record_mode(config), tokenizer_of(config)
    )


def cases_folder(config: pytest.Config) -> Path:
    """The folder that holds the suites."""
    base = config.inipath.parent if config.inipath else config.rootpath
    return base / str(config.getini("rk_cases"))


def known_suites(config: pytest.Config) -> dict[str, Path]:
    """Every suite of the cases folder: its name and its suite.toml."""
    return {path.parent.name: path for path in sorted(cases_folder(config).glob(f"*/{SUITE_FILE}"))}


def _suite_names(config: pytest.Config) -> tuple[str, ...]:
    if config.option.rk_suite is None:
        return _split(config.getini("rk_suite"))
    return _named("--rk-suite", config.option.rk_suite)


def find_suite(config: pytest.Config, name: str) -> Path:
    """The suite.toml of the suite `name`.

    Raises:
        pytest.UsageError: listing the known suites.
    """
    known = known_suites(config)
    if name in known:
        return known[name]
    folder = os.path.relpath(cases_folder(config), config.invocation_params.dir)
    listed = f"known suites: {', '.join(known)}" if known else f"there is no suite in {folder}/ (ini rk_cases)"
    raise pytest.UsageError(f"unknown suite {name!r}; {listed}")


def _find_suites(config: pytest.Config, name: str) -> list[Path]:
    known = known_suites(config)
    return list(known.values()) if name == "all" and known else [find_suite(config, name)]


def path_part(arg: str) -> str:
    """The path of an argument such as `cases/math/suite.toml::local[row]`."""
    return arg.partition("[")[0].partition("::")[0]


def _names_suite_file(arg: str) -> bool:
    return os.path.basename(path_part(arg)) == SUITE_FILE


def _named(option: str, value: str | None) -> tuple[str, ...]:
    """What an option names; given without a name (an unset variable of a script, say) it is a mistake."""
    names = _split(value)
    if value is not None and not names:
        raise pytest.UsageError(f"{option}={value} names nothing")
    return names


def _split(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in (value or "").split(",") if part.strip()))


def _json_path(config: pytest.Config) -> Path | None:
    if not config.option.rk_json:
        return None
    path = config.invocation_params.dir / str(config.option.rk_json)
    if path.is_dir() or not path.parent.is_dir():
        problem = "is a folder" if path.is_dir() else f"lies in {path.parent}, which does not exist"
        raise pytest.UsageError(f"--rk-json={config.option.rk_json} {problem}: name a file in an existing folder")
    return path


def clear_json(path: Path) -> None:
    """Remove what an earlier run left, so that a run that ends early leaves no verdict of another; try to write.

    Raises:
        pytest.UsageError: where the file cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
        path.touch()
        path.unlink()
    except OSError as error:
        raise pytest.UsageError(f"--rk-json={path} cannot be written ({error.strerror})") from None


def record_mode(config: pytest.Config) -> str:
    """What --rk-record says.

    Raises:
        pytest.UsageError: where workers would have to share what is recorded.
    """
    mode = str(config.option.rk_record)
    if mode != "none" and (hasattr(config, "workerinput") or getattr(config.option, "numprocesses", None)):
        raise pytest.UsageError(f"--rk-record={mode} writes one cassette, which workers cannot share: leave out -n")
    return mode


def tokenizer_of(config: pytest.Config) -> Path | None:
    """What --rk-tokenizer names.

    Raises:
        pytest.UsageError: where that is no folder.
    """
    given = config.option.rk_tokenizer
    if given is None:
        return None
    folder = config.invocation_params.dir / str(given)
    if not given or not folder.is_dir():
        raise pytest.UsageError(f"--rk-tokenizer={given} is not a folder: name one that save_pretrained wrote")
    return folder


def timeout_of(config: pytest.Config) -> float:
    """Seconds one call of a reward may take.

    Raises:
        pytest.UsageError: where the ini file says something else.
    """
    given = config.getini("rk_timeout")
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise pytest.UsageError(f"ini rk_timeout is {given!r}: write the seconds one call may take, e.g. 30")
    return seconds
