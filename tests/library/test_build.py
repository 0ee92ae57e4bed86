"""Making a dataset: the same bytes whatever happens on the way, and never half a file in the place of a whole one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = 240
#: A source of word problems with every seventh prompt asked twice; it waits or dies where the environment says so.
MODULE = f"""
import os, signal, time

def record(n):
    told = n - 5 if n % 7 == 6 else n
    pens = told * 12
    working = f"Each of {{told}} boxes has 12: {{told}}*12=<<{{told}}*12={{pens}}>>{{pens}}."
    return {{"question": f"How many pens are in {{told}} boxes of 12?", "answer": f"{{working}}\\n#### {{pens:,}}"}}

def rows():
    for n in range({ROWS}):
        if n == int(os.environ.get("DIE_AT", -1)):
            os.kill(os.getpid(), signal.SIGKILL)
        if n == int(os.environ.get("WAIT_AT", -1)):
            open("waiting", "w").close()
            time.sleep(60)
        if n == int(os.environ.get("FAIL_AT", -1)):
            raise ValueError("the server is gone")
        yield record(n)
"""
#: The command line with a checkpoint after every row, so that every row is a place to be killed at.
EAGER = "import reward_kit.prepare.build as b; b._CHECKPOINT = 0.0; from reward_kit.cli import main; main()"
#: What the runs of this file make.
MADE = ("dataset.jsonl", "dataset.report.json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an uninterrupted run makes."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "made.py").write_text(MODULE)
    assert run(folder).returncode == 0
    return {name: (folder / name).read_bytes() for name in MADE}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "made.py").write_text(MODULE)
    return tmp_path


def command(*more: str, eager: bool = False) -> list[str]:
    start = ["-c", EAGER] if eager else ["-m", "reward_kit.cli"]
    if "--source" not in more:
        more = ("--source", "made:rows", "--layout", "gsm8k", *more)
    if "--out" not in more:
        more = ("--out", "dataset.jsonl", *more)
    return [sys.executable, *start, "prepare", *more]


def environment(**variables: int) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in variables.items()}}


def run(
    folder: Path,
    *more: str,
    eager: bool = False,
    before: Callable[[], None] | None = None,
    **variables: int,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*more, eager=eager),
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=before,
    )


@pytest.fixture
def waiting(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a run that stands still at row WAIT_AT, with all rows before it made safe."""
    started: list[subprocess.Popen[str]] = []

    def start(**variables: int) -> subprocess.Popen[str]:
        running = subprocess.Popen(
            command(eager=True), cwd=folder, env=environment(**variables), stderr=subprocess.PIPE, text=True
        )
        started.append(running)
        until = time.monotonic() + 60
        while not (folder / "waiting").exists() and time.monotonic() < until:
            time.sleep(0.02)
        return running

    yield start
    for running in started:
        running.kill()
        running.wait()
        if running.stderr is not None:
            running.stderr.close()


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what was said; before it stands how the source is read."""
    return done.stderr.splitlines()[-1]


def made(folder: Path) -> dict[str, bytes]:
    """The files of the folder that a run makes; all of them, so that nothing unfinished is overlooked."""
    others = {"made.py", "waiting", "__pycache__"}
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in others}


# ------------------------------------------------------------------------------------------------------- kill -9
@pytest.mark.parametrize("eager", [False, True], ids=["before the first checkpoint", "right after a checkpoint"])
@pytest.mark.parametrize("at", [0, 1, 120, ROWS - 1])
def test_killed_and_run_again_gives_the_bytes_of_one_run(
    folder: Path, whole: dict[str, bytes], at: int, eager: bool
) -> None:
    assert run(folder, eager=eager, DIE_AT=at).returncode == -signal.SIGKILL
    assert "dataset.jsonl" not in made(folder)

    assert run(folder).returncode == 0
    assert made(folder) == whole


def test_killed_several_times_and_from_outside(
    folder: Path, whole: dict[str, bytes], waiting: Callable[..., subprocess.Popen[str]]
) -> None:
    for at in (30, 31, 77, 200):
        assert run(folder, eager=True, DIE_AT=at).returncode == -signal.SIGKILL
    waiting(WAIT_AT=230).kill()
    time.sleep(0.1)

    assert run(folder).returncode == 0
    assert made(folder) == whole


def test_what_is_done_is_not_done_again(folder: Path) -> None:
    run(folder, eager=True, DIE_AT=120)
    with sqlite3.connect(folder / ".dataset.jsonl.journal") as journal:
        ((position,),) = journal.execute("SELECT value FROM state WHERE name = 'position'")
    journal.close()
    # A row is counted when the source is asked for the next one.
    assert position in ("119", "120")


@pytest.mark.parametrize("left", [(), (".dataset.jsonl.partial",)], ids=["journal removed too", "journal left"])
def test_killed_between_the_renaming_and_the_tidying(folder: Path, whole: dict[str, bytes], left: tuple[str]) -> None:
    run(folder, eager=True, DIE_AT=ROWS - 1)
    for name in left:
        (folder / name).unlink()
    (folder / "dataset.jsonl").write_bytes(whole["dataset.jsonl"])

    assert run(folder).returncode == 0
    assert made(folder) == whole


def test_the_journal_of_another_setting_is_not_continued(folder: Path, whole: dict[str, bytes]) -> None:
    run(folder, "--allow", "duplicate", eager=True, DIE_AT=120)

    assert run(folder).returncode == 0
    assert made(folder) == whole


def test_a_run_of_another_setting_that_dies_early_leaves_no_journal_of_the_first(
    folder: Path, whole: dict[str, bytes]
) -> None:
    """Its unfinished rows are longer than the first run's: cut to that length they would pass for its rows."""
    run(folder, eager=True, DIE_AT=101)
    run(folder, "--allow", "duplicate", DIE_AT=230)

    assert run(folder).returncode == 0
    assert made(folder) == whole


def test_a_changed_source_starts_anew(folder: Path) -> None:
    run(folder, eager=True, DIE_AT=120)
    (folder / "made.py").write_text(MODULE.replace("pens", "pins"))

    assert run(folder).returncode == 0
    assert b"pens" not in made(folder)["dataset.jsonl"]


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_journal_that_cannot_be_read_starts_anew(folder: Path, whole: dict[str, bytes], content: bytes) -> None:
    run(folder, eager=True, DIE_AT=120)
    (folder / ".dataset.jsonl.journal").write_bytes(content)

    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert made(folder) == whole


def test_a_journal_cut_short_or_overwritten_inside_never_changes_the_dataset(
    folder: Path, whole: dict[str, bytes]
) -> None:
    run(folder, eager=True, DIE_AT=200)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith(".dataset")}
    journal = before[".dataset.jsonl.journal"]
    for damaged in (journal[: len(journal) // 2], journal[:4096] + b"\0" * (len(journal) - 4096)):
        for name, content in before.items():
            (folder / name).write_bytes(content)
        (folder / ".dataset.jsonl.journal").write_bytes(damaged)

        done = run(folder)
        assert "Traceback" not in done.stderr
        assert (done.returncode, made(folder)) == (0, whole)
        for name in MADE:
            (folder / name).unlink()


# ---------------------------------------------------------------------------------------------- Ctrl-C, two at once
def test_ctrl_c_says_that_the_old_dataset_stands_and_how_to_go_on(
    folder: Path, whole: dict[str, bytes], waiting: Callable[..., subprocess.Popen[str]]
) -> None:
    (folder / "dataset.jsonl").write_text("old\n")
    running = waiting(WAIT_AT=100)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)

    assert (running.returncode, said.splitlines()[-1]) == (
        1,
        "Error: interrupted; dataset.jsonl is as it was. The same command goes on where this one stopped",
    )
    assert (folder / "dataset.jsonl").read_text() == "old\n"
    assert run(folder, "--force").returncode == 0
    assert made(folder) == whole


def test_a_second_process_on_the_same_file_is_refused_and_harms_nothing(
    folder: Path, whole: dict[str, bytes], waiting: Callable[..., subprocess.Popen[str]]
) -> None:
    first = waiting(WAIT_AT=100)
    second = run(folder)

    assert second.returncode == 1
    assert "dataset.jsonl cannot be prepared (database is locked): another process is making it" in second.stderr
    assert first.poll() is None
    first.kill()
    first.wait()
    assert run(folder).returncode == 0
    assert made(folder) == whole


# ---------------------------------------------------------------------------------------------------- where to write
def test_a_full_disk_is_one_message_and_the_old_dataset_stands(folder: Path, whole: dict[str, bytes]) -> None:
    resource = pytest.importorskip("resource", reason="limits of a process are a matter of Unix")
    (folder / "dataset.jsonl").write_text("old\n")
    for limit in (1_000, 9_000, 14_000, 20_000, 40_000):
        full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
        done = run(folder, "--force", before=full)
        assert done.returncode == 1, (limit, done.stdout)
        assert "Traceback" not in done.stderr, (limit, done.stderr)
        assert error_of(done).startswith("Error: ")
        assert (folder / "dataset.jsonl").read_text() == "old\n"

    assert run(folder, "--force").returncode == 0
    assert made(folder) == whole


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o500)
    done = run(folder, "--out", "closed/dataset.jsonl")

    assert (done.returncode, "closed/dataset.jsonl cannot be prepared" in done.stderr) == (1, True)


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    done = run(folder, "--out", "gone/dataset.jsonl")

    assert (done.returncode, error_of(done)) == (
        1,
        "Error: the folder gone is not there. Make it, or correct the path",
    )
    assert not (folder / "gone").exists()


def test_a_folder_is_no_file(folder: Path) -> None:
    done = run(folder, "--out", ".")
    assert (done.returncode, "is a folder. Name a file" in done.stderr) == (1, True)


@pytest.mark.parametrize("named", ["same", "link", "report"])
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_the_source_is_never_overwritten(tmp_path: Path, named: str, force: tuple[str]) -> None:
    source = tmp_path / ("out.report.json" if named == "report" else "rows.jsonl")
    source.write_text(json.dumps({"question": "6*4?", "answer": "6*4=<<6*4=24>>24\n#### 24"}) + "\n")
    out = {"same": "rows.jsonl", "link": "out.jsonl", "report": "out.jsonl"}[named]
    if named == "link":
        (tmp_path / out).symlink_to(source)
    before = source.read_bytes()
    done = run(tmp_path, "--source", source.name, "--layout", "gsm8k", "--out", out, *force)

    assert (done.returncode, "is the source itself" in done.stderr) == (1, True), done.stderr
    assert source.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


# ----------------------------------------------------------------------------------------------- what is there already
def test_rows_that_would_go_are_named_and_force_replaces_them(folder: Path, whole: dict[str, bytes]) -> None:
    mine = json.dumps({"id": "mine", "messages": [{"role": "user", "content": "?"}], "ground_truth": "1"}) + "\n"
    (folder / "dataset.jsonl").write_bytes(whole["dataset.jsonl"] + mine.encode())
    refused = run(folder)

    assert refused.returncode == 1
    assert error_of(refused) == (
        "Error: dataset.jsonl has rows that the new one would not have: mine. --force replaces it"
    )
    assert (folder / "dataset.jsonl").read_bytes().endswith(mine.encode())
    assert "dataset.report.json" not in made(folder)
    assert run(folder, "--force").returncode == 0
    assert made(folder) == whole


def test_a_file_that_is_no_dataset_is_not_replaced_without_force(folder: Path) -> None:
    (folder / "dataset.jsonl").write_text("my notes\n")
    done = run(folder)

    assert (done.returncode, "cannot be read as a dataset. --force replaces it" in done.stderr) == (1, True)
    assert (folder / "dataset.jsonl").read_text() == "my notes\n"


def test_a_longer_run_replaces_a_shorter_one_without_force(folder: Path, whole: dict[str, bytes]) -> None:
    assert run(folder, "--limit", "50").returncode == 0
    assert run(folder).returncode == 0
    assert made(folder) == whole


def test_a_limit_asks_the_source_for_no_record_more(folder: Path) -> None:
    done = run(folder, "--limit", "50", FAIL_AT=50)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("50 read, 43 kept, 7 dropped (made:rows, first 50, layout gsm8k)\n")


def test_a_source_that_breaks_leaves_the_old_dataset_and_goes_on_once_it_works(
    folder: Path, whole: dict[str, bytes]
) -> None:
    (folder / "dataset.jsonl").write_bytes(whole["dataset.jsonl"])
    done = run(folder, eager=True, FAIL_AT=100)

    assert done.returncode == 1
    assert "generator made:rows failed at row 101 (ValueError: the server is gone)" in done.stderr
    assert (folder / "dataset.jsonl").read_bytes() == whole["dataset.jsonl"]
    assert run(folder).returncode == 0
    assert made(folder) == whole


def test_an_empty_source_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("def rows():\n    yield from ()\n")
    done = run(tmp_path)

    assert (done.returncode, error_of(done)) == (1, "Error: made:rows has no record. Nothing was written")
    assert made(tmp_path) == {}


def test_copying_half_done_files_elsewhere_goes_on_there(folder: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    run(folder, eager=True, DIE_AT=120)
    other = tmp_path / "other"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("other"))

    assert run(other).returncode == 0
    assert made(other) == whole


def test_a_report_that_cannot_be_written_leaves_the_old_dataset(folder: Path) -> None:
    (folder / "dataset.report.json").mkdir()
    (folder / "dataset.jsonl").write_text("old\n")
    done = run(folder, "--force")

    assert (done.returncode, error_of(done)) == (
        1,
        "Error: dataset.report.json cannot be written or read (Is a directory)",
    )
    assert (folder / "dataset.jsonl").read_text() == "old\n"
