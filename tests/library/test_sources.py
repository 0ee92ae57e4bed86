"""Sources: every record with its place, continued where asked, and nothing that is not JSON let through or changed."""

from __future__ import annotations

import datetime
import decimal
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reward_kit.errors import DatasetError, PrepareError
from reward_kit.prepare.kinds import guess_kind
from reward_kit.prepare.settings import SourceSettings
from reward_kit.prepare.slices import SplitSlice
from reward_kit.prepare.sources import GeneratorSource, JsonlSource, ParquetSource, open_source

RECORDS = [{"question": f"What is {n} + {n}?", "answer": f"#### {2 * n}"} for n in range(2500)]


def jsonl(folder: Path, *lines: str) -> Path:
    path = folder / "source.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def parquet(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    pyarrow = pytest.importorskip("pyarrow", reason="parquet files are written by pyarrow, of the extra data")
    from pyarrow import parquet as files

    path = folder / "source.parquet"
    table = columns if isinstance(columns, pyarrow.Table) else pyarrow.table(columns)
    files.write_table(table, path, **options)
    return path


@pytest.fixture
def generators(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """A folder to import from, and a module name that no other test has imported."""
    path_before, name = list(sys.path), f"made_{abs(hash(request.node.nodeid))}"
    yield tmp_path, name
    sys.path[:] = path_before
    sys.modules.pop(name, None)


# ---------------------------------------------------------------------------------------------- all file kinds
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("start", [0, 1, 999, 1000, 1001, 2499, 2500])
def test_records_continue_at_any_position_with_the_right_line(tmp_path: Path, kind: str, start: int) -> None:
    if kind == "jsonl":
        jsonl(tmp_path, *map(json.dumps, RECORDS))
    else:
        columns = {name: [record[name] for record in RECORDS] for name in ("question", "answer")}
        parquet(tmp_path, columns, row_group_size=700)
    source = open_source(SourceSettings(kind=kind, path=f"source.{kind}", layout="gsm8k"), tmp_path)  # type: ignore[arg-type]

    assert list(source.records(start)) == list(enumerate(RECORDS, start=1))[start:]
    assert len(source) == 2500
    assert source.description == f"source.{kind}"


def test_a_file_of_the_same_size_and_other_content_has_another_fingerprint(tmp_path: Path) -> None:
    source = JsonlSource(jsonl(tmp_path, '{"answer": "12"}'))
    before = source.fingerprint()
    assert source.fingerprint() == before
    jsonl(tmp_path, '{"answer": "21"}')

    assert source.fingerprint() != before


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_missing_file_is_named_with_a_remedy(tmp_path: Path, kind: str) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="the extra data is not installed")
    source = open_source(SourceSettings(kind=kind, path="gone.file", layout="gsm8k"), tmp_path)  # type: ignore[arg-type]

    with pytest.raises((DatasetError, PrepareError), match=r"gone\.file.*[Cc]orrect the path|gone\.file.*Check path"):
        list(source.records())
    with pytest.raises(PrepareError, match=r"gone\.file.*[Cc]orrect the path"):
        source.fingerprint()


# ------------------------------------------------------------------------------------------------- JSON lines
def test_every_broken_line_is_named_at_once(tmp_path: Path) -> None:
    path = jsonl(tmp_path, '{"a": 1}', "{broken", '{"a": NaN}', '{"a": 2}', '{"a": 1, "a": 2}')

    with pytest.raises(DatasetError) as caught:
        list(JsonlSource(path).records())
    assert [defect.line for defect in caught.value.defects] == [2, 3, 5]


def test_no_record_is_given_after_a_broken_line(tmp_path: Path) -> None:
    """A reader that wants only the first two records would otherwise take line 3 for line 2, and see no error."""
    given = JsonlSource(jsonl(tmp_path, '{"a": 1}', "{broken", '{"a": 3}')).records()

    assert next(given) == (1, {"a": 1})
    with pytest.raises(DatasetError, match=":2: is not JSON"):
        next(given)


def test_an_unfinished_last_line_counts(tmp_path: Path) -> None:
    path = tmp_path / "source.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}')

    assert len(JsonlSource(path)) == len(list(JsonlSource(path).records())) == 2


# ---------------------------------------------------------------------------------------------------- parquet
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"\x89PNG", "bytes"),
        (datetime.date(2024, 5, 1), "date"),
        (datetime.datetime(2024, 5, 1, 12), "datetime"),
        (decimal.Decimal("0.10"), "Decimal"),
        ({"bytes": b"\x89PNG", "path": None}, "bytes"),
        ([{"when": datetime.time(12)}], "time"),
    ],
    ids=str,
)
def test_values_that_json_does_not_have_are_refused_and_not_made_text(tmp_path: Path, value: Any, kind: str) -> None:
    source = ParquetSource(parquet(tmp_path, {"question": ["a", "b"], "extra": [None, value]}))

    given = source.records()
    assert next(given) == (1, {"question": "a", "extra": None})
    with pytest.raises(PrepareError, match=rf"source\.parquet, row 2, column extra.* type {kind},.*\. \w+"):
        next(given)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_are_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(PrepareError, match=rf"row 2, column score: holds {value}.*Write null"):
        list(ParquetSource(parquet(tmp_path, {"score": [0.5, value]})).records())


def test_a_map_column_is_refused_because_it_would_come_out_as_pairs(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra data is not installed")
    column = pyarrow.array([[("a", 1)]], type=pyarrow.map_(pyarrow.string(), pyarrow.int64()))

    with pytest.raises(PrepareError, match=r"row 1, column pairs\[0\]: holds a value of type tuple"):
        list(ParquetSource(parquet(tmp_path, pyarrow.table({"pairs": column}))).records())


def test_two_columns_of_one_name_are_refused_because_one_would_be_lost(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra data is not installed")
    table = pyarrow.Table.from_arrays([pyarrow.array(["1"]), pyarrow.array(["2"])], names=["gold", "gold"])

    with pytest.raises(PrepareError, match="two columns named 'gold'"):
        list(ParquetSource(parquet(tmp_path, table)).records())


def test_tiny_and_large_numbers_stay_as_they_are(tmp_path: Path) -> None:
    values = [8.854e-12, 0.7, 1e308, -0.0]
    path = parquet(tmp_path, {"nested": [{"value": value, "big": 2**62 + 1} for value in values]})

    assert [repr(record["nested"]["value"]) for _, record in ParquetSource(path).records()] == list(map(repr, values))
    assert {record["nested"]["big"] for _, record in ParquetSource(path).records()} == {2**62 + 1}


def test_without_pyarrow_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(PrepareError, match=r"needs pyarrow.*pip install 'pytest-rewardkit\[data\]'"):
        next(ParquetSource(tmp_path / "source.parquet").records())


def test_a_file_that_is_not_parquet_is_an_error_and_not_an_empty_source(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra data is not installed")
    (tmp_path / "source.parquet").write_text('{"a": 1}\n')

    with pytest.raises(PrepareError, match=r"source\.parquet cannot be read as parquet"):
        next(ParquetSource(tmp_path / "source.parquet").records())


# -------------------------------------------------------------------------------------------------- generators
def write_module(folder: Path, name: str, code: str) -> None:
    (folder / f"{name}.py").write_text(code, encoding="utf-8")


def test_a_generator_yields_rows_and_continues(generators: tuple[Path, str]) -> None:
    folder, name = generators
    write_module(folder, name, "def rows():\n    for n in range(5):\n        yield {'question': str(n)}\n")
    source = open_source(SourceSettings(kind="generator", path=f"{name}:rows", layout="gsm8k"), folder)

    assert list(source.records(3)) == [(4, {"question": "3"}), (5, {"question": "4"})]
    assert source.description == f"{name}:rows"


def test_an_edited_generator_has_another_fingerprint(generators: tuple[Path, str]) -> None:
    folder, name = generators
    write_module(folder, name, "def rows():\n    yield {}\n")
    source = GeneratorSource(f"{name}:rows", folder)
    before = source.fingerprint()
    write_module(folder, name, "def rows():\n    yield {'n': 1}\n")

    assert source.fingerprint() != before


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def rows():\n    yield {}\n    yield 'text'\n", "row 2 is str, not a dict"),
        ("def rows():\n    yield {}\n    raise OSError('disk')\n", r"failed at row 2 \(OSError: disk\)"),
        ("def rows():\n    raise SystemExit(0)\n    yield {}\n", r"failed at row 1 \(SystemExit"),
        ("def rows(n):\n    yield {}\n", r"failed at row 1 \(TypeError.*missing"),
        ("def rows():\n    return None\n", r"failed at row 1 \(TypeError.*not iterable"),
        ("def rows():\n    yield {'when': (1, 2)}\n", "row 1, column when: holds a value of type tuple"),
        ("def rows():\n    yield {'half': '\\ud83d'}\n", "row 1, column half: holds half a surrogate pair"),
        ("def rows():\n    yield {'by': {1: 2}}\n", "row 1, column by: has the key 1"),
        ("rows = 5\n", "is int. Name a function"),
        ("lines = 5\n", "has no 'rows'"),
        ("import no_such_package_at_all\n", "no_such_package_at_all"),
    ],
)
def test_what_a_generator_does_wrong_is_named(generators: tuple[Path, str], code: str, message: str) -> None:
    folder, name = generators
    write_module(folder, name, code)

    with pytest.raises(PrepareError, match=rf"generator.*{name}:rows.*{message}"):
        list(GeneratorSource(f"{name}:rows", folder).records())


# ----------------------------------------------------------------------------------------- splits and guesses
@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("train", (0, 250)),
        ("train[:100]", (0, 100)),
        ("train[10:20]", (10, 20)),
        ("train[200:]", (200, 250)),
        ("train[-10:]", (240, 250)),
        ("train[:1%]", (0, 2)),
        ("train[50%:]", (125, 250)),
        ("train[-10%:-5%]", (225, 238)),
    ],
)
def test_slices_mean_what_datasets_means_by_them(text: str, bounds: tuple[int, int]) -> None:
    assert SplitSlice.parse(text).bounds(250) == bounds
    datasets = pytest.importorskip("datasets", reason="the extra data is not installed: nothing to compare with")
    theirs = datasets.ReadInstruction.from_spec(text).to_absolute({"train": 250})[0]
    assert (theirs.from_ or 0, 250 if theirs.to is None else theirs.to) == bounds


@pytest.mark.parametrize("text", ["train[:251]", "train[250:]", "train[20:10]", "train[-251:]", "train[:0]"])
def test_a_slice_with_rows_that_are_not_there_is_refused(text: str) -> None:
    with pytest.raises(PrepareError, match="does not fit split 'train', which has 250 rows"):
        SplitSlice.parse(text).bounds(250)


@pytest.mark.parametrize("text", ["", "train+test", "train[:10][:5]", "train[:ten]", "train[10]", "train[::2]"])
def test_a_split_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(PrepareError, match="cannot be read"):
        SplitSlice.parse(text)


def test_rows_and_percentages_in_one_slice_are_refused() -> None:
    with pytest.raises(PrepareError, match="mixes rows and percentages"):
        SplitSlice.parse("train[10:50%]")


def test_a_text_on_the_command_line_is_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert guess_kind("openai/gsm8k")[0] == "hub"
    (tmp_path / "openai" / "gsm8k").mkdir(parents=True)
    kind, note = guess_kind("openai/gsm8k")

    assert kind == "folder"
    assert "The hub dataset openai/gsm8k is not used" in note
    assert guess_kind("logs/today.jsonl")[0] == "jsonl"
    assert guess_kind("rows.parquet")[0] == "parquet"
    assert guess_kind("my_rows.math:easy")[0] == "generator"
    with pytest.raises(PrepareError, match="no file, no folder, no hub id"):
        guess_kind("../no/such/thing")


@pytest.mark.slow
def test_a_million_rows_take_no_more_memory_than_ten_thousand(tmp_path: Path) -> None:
    # Not ru_maxrss, in which a child starts with the peak of its parent
    code = (
        "import sys; from pathlib import Path; from reward_kit.prepare.sources import JsonlSource; "
        "rows = sum(1 for _ in JsonlSource(Path(sys.argv[1])).records()); "
        "status = Path('/proc/self/status').read_text(); print(rows, status.split('VmHWM:')[1].split()[0])"
    )
    peaks = {}
    for count in (10_000, 1_000_000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as file:
            file.writelines(f'{{"question": "What is {n} + 1?", "answer": "#### {n + 1}"}}\n' for n in range(count))
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        rows, peaks[count] = map(int, done.stdout.split())
        assert rows == count
    assert peaks[1_000_000] < peaks[10_000] + 5 * 1024  # kilobytes
