"""Hub datasets and folders in their layout: the same rows by both, and every trap of `datasets` said aloud."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from reward_kit.errors import DatasetError, PrepareError
from reward_kit.prepare.hub import FolderSource, HubSource
from reward_kit.prepare.settings import SourceSettings

pyarrow = pytest.importorskip("pyarrow", reason="the extra data is not installed: pip install 'pytest-rewardkit[data]'")
pytest.importorskip("datasets", reason="the extra data is not installed: pip install 'pytest-rewardkit[data]'")

from hub_server import COMMIT, serving  # noqa: E402  # after the skips
from pyarrow import parquet  # noqa: E402

README = """---
configs:
- config_name: main
  data_files:
  - {split: train, path: main/train-*}
  - {split: test, path: main/test-*}
- config_name: socratic
  data_files:
  - {split: test, path: socratic/test-*}
---
"""
#: What prints the rows of a source as JSON, in a process of its own: libraries read endpoint and cache at import.
READ = """
import json, sys
from pathlib import Path
from reward_kit.errors import PrepareError
from reward_kit.prepare.settings import SourceSettings
from reward_kit.prepare.sources import open_source
source = open_source(SourceSettings(**json.loads(sys.argv[1]), layout="gsm8k"), Path(sys.argv[2]))
try:
    print(json.dumps([list(source.records()), len(source), source.description, source.fingerprint()]))
except PrepareError as error:
    sys.exit(str(error))
"""


def rows(first: int, stop: int) -> list[dict[str, str]]:
    return [
        {"question": f"What is {n} + {n}?", "answer": f"<<{n}+{n}={2 * n}>>\n#### {2 * n}"} for n in range(first, stop)
    ]


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(records), path)


@pytest.fixture
def replica(tmp_path: Path) -> Path:
    """A folder in the layout of openai/gsm8k, its train split in two files."""
    folder = tmp_path / "replica"
    write(folder / "main" / "train-00000-of-00002.parquet", rows(0, 150))
    write(folder / "main" / "train-00001-of-00002.parquet", rows(150, 250))
    write(folder / "main" / "test-00000-of-00001.parquet", rows(500, 530))
    write(folder / "socratic" / "test-00000-of-00001.parquet", rows(600, 610))
    (folder / "README.md").write_text(README)
    return folder


def folder_source(folder: Path, split: str = "train", name: str | None = "main") -> FolderSource:
    settings = SourceSettings(kind="folder", path=folder.name, layout="gsm8k", name=name, split=split)
    return FolderSource(settings, folder.parent)


def hub_source(folder: Path, **settings: Any) -> HubSource:
    given = {"path": "openai/gsm8k", "name": "main", "split": "train"} | settings
    return HubSource(SourceSettings(kind="hub", layout="gsm8k", **given), folder)


def read_apart(settings: dict[str, Any], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Read a source in a fresh process, with an empty cache, away from this repository's folders."""
    without = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", READ, json.dumps(settings), str(folder)],
        env=without | {"HF_HOME": str(folder / "cache"), "NO_PROXY": "127.0.0.1"} | environment,
        capture_output=True,
        text=True,
        cwd=folder,
    )


# ----------------------------------------------------------------------------------------------------- folders
def test_a_folder_gives_every_row_of_a_split_in_order(replica: Path) -> None:
    source = folder_source(replica)

    assert list(source.records()) == list(enumerate(rows(0, 250), start=1))
    assert len(source) == 250
    assert source.description == "replica (main), split train"


@pytest.mark.parametrize(
    ("split", "first", "stop"), [("train[:100]", 0, 100), ("train[140:160]", 140, 160), ("train[-2%:]", 245, 250)]
)
def test_a_slice_is_these_rows_with_their_place_in_the_split(replica: Path, split: str, first: int, stop: int) -> None:
    source = folder_source(replica, split)

    assert list(source.records()) == list(enumerate(rows(first, stop), start=first + 1))
    assert list(source.records(len(source) - 2)) == list(enumerate(rows(first, stop), start=first + 1))[-2:]
    assert list(source.records(len(source))) == []


def test_reading_one_row_and_leaving_ends_in_silence(replica: Path) -> None:
    """The streams of `datasets` leave threads behind, on which the interpreter aborts at exit."""
    code = READ.replace("list(source.records())", "next(globals().setdefault('opened', source.records()))")
    settings = {"kind": "folder", "path": "replica", "name": "main", "split": "train"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, json.dumps(settings), str(replica.parent)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_files_behind_symbolic_links_are_read(replica: Path, tmp_path: Path) -> None:
    """As the cache of the hub keeps them."""
    linked = tmp_path / "snapshot"
    for file in sorted(path for path in replica.rglob("*") if path.is_file()):
        link = linked / file.relative_to(replica)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)

    assert list(folder_source(linked).records()) == list(folder_source(replica).records())
    assert folder_source(linked).fingerprint() == folder_source(replica).fingerprint()


def test_a_folder_never_touches_the_network(replica: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("the network was used")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    source = folder_source(replica, "test[:5]")

    assert [record for _, record in source.records()] == rows(500, 505)
    assert source.fingerprint()


def test_the_switches_of_datasets_are_as_before(replica: Path) -> None:
    import datasets
    import huggingface_hub

    def switches() -> tuple[object, ...]:
        bars = datasets.are_progress_bars_disabled(), huggingface_hub.utils.are_progress_bars_disabled()
        return (*bars, datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE)

    before = switches()
    list(folder_source(replica).records())
    assert switches() == before


def test_changed_content_of_one_file_changes_the_fingerprint_of_its_split_only(replica: Path) -> None:
    train, test = folder_source(replica).fingerprint(), folder_source(replica, "test").fingerprint()
    write(replica / "main" / "train-00001-of-00002.parquet", rows(151, 251))

    assert folder_source(replica).fingerprint() != train
    assert folder_source(replica, "test").fingerprint() == test


@pytest.mark.parametrize(
    ("split", "name", "message"),
    [
        ("train", None, "main.*socratic"),
        ("train", "maim", "'maim' not found.*main.*socratic"),
        ("validation", "main", "no split 'validation'. Its splits: train, test"),
        ("train", "socratic", "no split 'train'. Its splits: test"),
        ("test[:31]", "main", "does not fit split 'test', which has 30 rows"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(replica: Path, split: str, name: str | None, message: str) -> None:
    with pytest.raises(PrepareError, match=message):
        list(folder_source(replica, split, name).records())


def test_a_default_configuration_is_not_taken_silently_where_there_are_several(replica: Path) -> None:
    """`datasets` takes the one named default, or marked so, without a word."""
    (replica / "README.md").write_text(README.replace("config_name: main\n", "config_name: main\n  default: true\n"))

    with pytest.raises(
        PrepareError, match=r'configurations main, socratic, and none is named. Add e\.g\. name = "main"'
    ):
        list(folder_source(replica, name=None).records())


def test_a_missing_folder_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(PrepareError, match=r"gone is not there.*hf download .*--repo-type dataset --revision COMMIT"):
        list(folder_source(tmp_path / "gone").records())


def test_values_that_json_does_not_have_are_refused(replica: Path) -> None:
    write(
        replica / "main" / "test-00000-of-00001.parquet", [{"question": "a", "image": {"bytes": b"\x89", "path": "p"}}]
    )

    with pytest.raises(
        PrepareError,
        match=r"split test, test-00000-of-00001\.parquet, row 1, column image\.bytes: holds a value of type bytes",
    ):
        list(folder_source(replica, "test").records())


def test_a_json_feature_is_refused_because_it_loses_digits(replica: Path) -> None:
    import datasets

    records = [{"nested": [{"a": 8.854e-12}, {"b": "text"}]}, {"nested": [{"a": {"deep": 1}}]}]
    try:
        made = datasets.Dataset.from_list(records, on_mixed_types="use_json")
    except TypeError:
        pytest.skip("this version of datasets has no Json feature")
    made.to_parquet(replica / "main" / "test-00000-of-00001.parquet")

    with pytest.raises(
        PrepareError, match=r'test-00000-of-00001\.parquet has a column of the type Json.*kind = "jsonl"'
    ):
        list(folder_source(replica, "test").records())


def test_splits_with_other_types_keep_them(replica: Path) -> None:
    """`datasets` would cast the numbers of split test to the text that split train has in this column."""
    write(replica / "main" / "test-00000-of-00001.parquet", [{"question": 448000, "answer": 1}])

    assert [record for _, record in folder_source(replica, "test").records()] == [{"question": 448000, "answer": 1}]


def test_files_of_one_split_keep_the_types_that_each_has(replica: Path) -> None:
    write(replica / "main" / "train-00001-of-00002.parquet", [{"question": "a", "answer": 7}])
    write(replica / "main" / "train-00000-of-00002.parquet", [{"question": "a", "answer": 7.0}])

    answers = [record["answer"] for _, record in folder_source(replica).records()]
    assert [repr(answer) for answer in answers] == ["7.0", "7"]


def test_a_readme_that_declares_other_types_changes_no_value(replica: Path) -> None:
    write(replica / "data.parquet", [{"answer": 0.1, "count": 2**53 + 1}])
    (replica / "README.md").write_text(
        "---\ndataset_info:\n  features:\n  - {name: answer, dtype: float32}\n  - {name: count, dtype: float64}\n"
        "configs:\n- config_name: default\n  data_files: [{split: train, path: data.parquet}]\n---\n"
    )

    assert list(folder_source(replica, name=None).records()) == [(1, {"answer": 0.1, "count": 2**53 + 1})]


def test_json_files_keep_what_datasets_own_reader_changes(tmp_path: Path) -> None:
    """Its reader makes a timestamp of the date, a float of the integer, and 0.0 of 8.854e-12."""
    records = [
        {"answer": "2024-01-01", "nested": [{"a": 8.854e-12}, {"b": "text"}], "n": 1},
        {"answer": "2024-01-02", "nested": [{"a": "text"}], "n": 1.5},
    ]
    folder = tmp_path / "lines"
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    source = folder_source(folder, name=None)

    assert json.dumps([record for _, record in source.records()]) == json.dumps(records)
    assert len(source) == 2
    with (folder / "train.jsonl").open("a") as file:
        file.write('{"answer": NaN}\n')
    with pytest.raises(DatasetError, match=r"train\.jsonl:3: holds NaN"):
        list(folder_source(folder, name=None).records())


def test_formats_that_are_read_with_guesses_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "train.csv").write_text("question,answer\nAgent?,007\n")

    with pytest.raises(PrepareError, match=r"train\.csv.*guesses.*Convert the files to JSON lines"):
        list(folder_source(folder, name=None).records())


def test_a_folder_has_no_revision(replica: Path) -> None:
    settings = SourceSettings(kind="folder", path="replica", layout="gsm8k", split="train", revision="main")
    with pytest.raises(PrepareError, match="has no revision"):
        FolderSource(settings, replica.parent)


# ------------------------------------------------------------------------------------------------------ the hub
def test_the_hub_gives_the_same_rows_as_the_folder_and_says_which_commit(replica: Path) -> None:
    settings = {"kind": "hub", "path": "openai/gsm8k", "name": "main", "split": "train[100:200]"}
    with serving(replica, "openai/gsm8k") as (endpoint, requests):
        done = read_apart(settings, replica.parent, HF_ENDPOINT=endpoint)

    assert done.returncode == 0, done.stderr
    records, length, description, fingerprint = json.loads(done.stdout)
    assert [tuple(pair) for pair in records] == list(folder_source(replica, "train[100:200]").records())
    assert (length, description) == (100, f"openai/gsm8k (main), split train[100:200], revision {COMMIT}")
    assert COMMIT in fingerprint
    assert any("/resolve/" in request for request in requests)
    assert not [request for request in requests if "telemetry" in request or "agent" in request]
    assert "%|" not in done.stderr  # no progress bar


def test_json_files_of_the_hub_are_read_strictly_too(tmp_path: Path) -> None:
    folder = tmp_path / "lines"
    folder.mkdir()
    (folder / "test.jsonl").write_text('{"answer": "2024-01-01", "n": [1, 8.854e-12]}\n{"answer": "1", "n": []}\n')
    with serving(folder, "some/lines") as (endpoint, _):
        done = read_apart({"kind": "hub", "path": "some/lines", "split": "test[:1]"}, tmp_path, HF_ENDPOINT=endpoint)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0] == [[1, {"answer": "2024-01-01", "n": [1, 8.854e-12]}]]


def test_a_revision_that_is_not_there_is_refused(replica: Path) -> None:
    settings = {"kind": "hub", "path": "openai/gsm8k", "name": "main", "split": "train", "revision": "v9"}
    with serving(replica, "openai/gsm8k") as (endpoint, _):
        done = read_apart(settings, replica.parent, HF_ENDPOINT=endpoint)

    assert done.returncode == 1
    assert "openai/gsm8k at revision v9 was not found on the hub" in done.stderr


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
        ({"HF_DATASETS_OFFLINE": "1"}, "HF_DATASETS_OFFLINE is set"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "127.0.0.1:9 cannot be reached: Connection refused"),
        ({"HF_ENDPOINT": "https://hub.invalid"}, "hub.invalid:443 cannot be reached"),
        ({"HF_ENDPOINT": "https://hub.invalid", "HTTPS_PROXY": "http://127.0.0.1:9"}, "127.0.0.1:9 cannot be reached"),
    ],
    ids=["switch", "other switch", "dead endpoint", "unknown host", "dead proxy"],
)
def test_without_a_network_it_fails_in_a_second_and_names_the_remedy(
    tmp_path: Path, environment: dict[str, str], reason: str
) -> None:
    settings = {"kind": "hub", "path": "openai/gsm8k", "name": "main", "split": "train[:100]", "revision": COMMIT}
    started = time.perf_counter()
    done = read_apart(settings, tmp_path, **environment)
    seconds = time.perf_counter() - started

    assert done.returncode == 1
    assert reason in done.stderr
    command = f"hf download openai/gsm8k --repo-type dataset --revision {COMMIT} --local-dir FOLDER"
    assert command in done.stderr
    assert 'kind = "folder"' in done.stderr
    assert seconds < 2  # under 0.5 on an idle machine; `datasets` by itself retries for 23


def test_a_host_that_never_answers_costs_no_more_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*arguments: object, **named: object) -> None:
        time.sleep(3)
        raise socket.gaierror("the answer of a name server that comes too late")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.perf_counter()
    with pytest.raises(PrepareError, match=r"cannot be reached: no answer within 0\.7 s"):
        next(hub_source(tmp_path).records())
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("place", ["the working directory", "the suite's folder"])
def test_a_folder_of_the_same_name_is_not_taken_for_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "with" / "openai" / "gsm8k").mkdir(parents=True)
    (tmp_path / "without").mkdir()
    here, suite = ("with", "without") if place == "the working directory" else ("without", "with")
    monkeypatch.chdir(tmp_path / here)

    with pytest.raises(PrepareError, match=f'is a folder in {place} too.*Use kind = "folder"'):
        hub_source(tmp_path / suite)


def test_what_is_not_a_hub_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrepareError, match="is not the id of a hub dataset"):
        hub_source(tmp_path, path="../gsm8k")
