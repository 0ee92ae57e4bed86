"""suite.toml: every defect is named with its line and a remedy, and nothing that could not fail is accepted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reward_kit.errors import DatasetError, RewardShapeError, SuiteError
from reward_kit.suite import load_suite, read_settings
from reward_kit.verdict import Scale

SOURCE = 'source = { kind = "jsonl", path = "source.jsonl", layout = "gsm8k" }'
ROW = '{"id": "a", "messages": [{"role": "user", "content": "?"}], "ground_truth": "1,200"}\n'


def defects_of(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "suite.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SuiteError) as caught:
        read_settings(path)
    return [str(defect).replace(f"{tmp_path}{os.sep}", "") for defect in caught.value.defects]


HEADER = 'reward = "my_reward:grade"\n'
DEFECTS: dict[str, tuple[str, list[str]]] = {
    "no reward": ("[local]\n", ["suite.toml: 'reward' is missing. Add it"]),
    "empty": ("", ["suite.toml: 'reward' is missing. Add it"]),
    "reward without function": (
        'reward = "my_reward"\n[local]\n',
        ["suite.toml:1: reward: must be \"module:function\" (it is 'my_reward'). Correct the value"],
    ),
    "reward of another type": (
        "\nreward = 3\n[local]\n",
        ["suite.toml:2: reward: input should be a valid string (it is 3)"],
    ),
    "no step": (HEADER, ["suite.toml: declares no step. Add at least one of [data], [local]"]),
    "unknown key": (
        HEADER + "pass_mark = 1\n[local]\n",
        ["suite.toml:2: unknown key 'pass_mark'. Known here: reward, range, pass_at, data, local"],
    ),
    "unknown step": (HEADER + "[local]\n[lcoal]\n", ["suite.toml:3: unknown key 'lcoal'. Known here: reward, "]),
    "unknown key of a step": (
        HEADER + "[local]\n# pass_rat = 1\npass_rat = 0.5\n",
        ["suite.toml:4: unknown key 'local.pass_rat'. Known here: pass_rate, max_abstained, confidence"],
    ),
    "unknown key in an inline table": (
        HEADER + '[data]\n\nsource = { kind = "jsonl", path = "s", layout = "gsm8k", nmae = "x" }\n',
        ["suite.toml:4: unknown key 'data.source.nmae'. Known here: kind, path, layout"],
    ),
    "dotted key": (HEADER + "local.pass_rate = 7\n", ["suite.toml:2: local.pass_rate: input should be less than or"]),
    "quoted key": (HEADER + '[ "local" ]\n"pass_rate" = 7\n', ["suite.toml:3: local.pass_rate: input should be less"]),
    "key in a text of several lines": (
        HEADER + '[local]\nconfidence = """\npass_rate = 3\n"""\npass_rate = 7\n',
        ["suite.toml:3: local.confidence: ", "suite.toml:6: local.pass_rate: "],
    ),
    "a step that is no table": (HEADER + "local = true\n", ["suite.toml:2: local: input should be a valid dictionary"]),
    "range reversed": (
        HEADER + "range = [1, 0]\n[local]\n",
        ["suite.toml:2: range: must be [low, high] with low < high, both finite (it is [1.0, 0.0])"],
    ),
    "range of nothing": (HEADER + "range = [1.0, 1.0]\n[local]\n", ["suite.toml:2: range: must be [low, high] with"]),
    "range with NaN": (HEADER + "range = [0.0, nan]\n[local]\n", ["suite.toml:2: range: must be [low, high] with"]),
    "range without end": (HEADER + "range = [0.0, inf]\n[local]\n", ["suite.toml:2: range: must be [low, high] with"]),
    "range of three": (HEADER + "range = [0, 0.5, 1]\n[local]\n", ["suite.toml:2: range: list should have at most 2"]),
    "range as text": (HEADER + 'range = "0..1"\n[local]\n', ["suite.toml:2: range: input should be a valid list"]),
    "range of booleans": (
        HEADER + "range = [false, 1]\n[local]\n",
        ["suite.toml:2: range.0: input should be a valid number"],
    ),
    "pass_at at the bottom": (
        HEADER + "pass_at = 0.0\n[local]\n",
        ["suite.toml:2: pass_at: must be above 0 and at most 1, or every row or none could pass (it is 0.0)"],
    ),
    "pass_at out of reach": (
        HEADER + "\npass_at = 1.5\n[local]\n",
        ["suite.toml:3: pass_at: must be above 0 and at most 1"],
    ),
    "pass_at below the range": (
        HEADER + "range = [-1.0, 1.0]\npass_at = -1.0\n[local]\n",
        ["suite.toml:3: pass_at: must be above -1 and at most 1"],
    ),
    "pass_at NaN": (HEADER + "pass_at = nan\n[local]\n", ["suite.toml:2: pass_at: must be above 0 and at most 1"]),
    "pass_at true": (HEADER + "pass_at = true\n[local]\n", ["suite.toml:2: pass_at: input should be a valid number"]),
    "rate 0": (
        HEADER + "[local]\npass_rate = 0.0\n",
        ["suite.toml:3: local.pass_rate: input should be greater than 0"],
    ),
    "rate NaN": (
        HEADER + "[local]\npass_rate = nan\n",
        ["suite.toml:3: local.pass_rate: input should be less than or"],
    ),
    "rate in percent": (HEADER + "[local]\npass_rate = 85\n", ["suite.toml:3: local.pass_rate: input should be less"]),
    "rate as text": (
        HEADER + '[local]\npass_rate = "0.9"\n',
        ["suite.toml:3: local.pass_rate: input should be a valid number"],
    ),
    "all may abstain": (
        HEADER + "[local]\nmax_abstained = 1.0\n",
        ["suite.toml:3: local.max_abstained: input should be less"],
    ),
    "abstained NaN": (
        HEADER + "[local]\nmax_abstained = nan\n",
        ["suite.toml:3: local.max_abstained: input should be"],
    ),
    "confidence 1": (HEADER + "[local]\nconfidence = 1.0\n", ["suite.toml:3: local.confidence: input should be less"]),
    "confidence NaN": (
        HEADER + "[local]\nconfidence = nan\n",
        ["suite.toml:3: local.confidence: input should be less"],
    ),
    "no layout": (
        HEADER + '[data]\nsource = { kind = "jsonl", path = "source.jsonl" }\n',
        ["suite.toml:3: 'data.source.layout' is missing. Add it"],
    ),
    "unknown reason": (
        HEADER + "[data.allowed]\ngold_unpassable = 0.1\n",
        ["suite.toml:2: data.allowed: unknown reason 'gold_unpassable'; reasons that can be allowed: gold_unp"],
    ),
    "a changed gold is never allowed": (
        HEADER + "[data.allowed]\ngold_changed_by_normaliser = 0.1\n",
        ["suite.toml:2: data.allowed: unknown reason 'gold_changed_by_normaliser'"],
    ),
    "unknown layout": (
        HEADER + SOURCE.replace("source", "data.source").replace("gsm8k", "gsm9k") + "\n",
        ["suite.toml:2: data.source.layout: unknown layout 'gsm9k'; known layouts: coding, columns, gsm8k, "],
    ),
    "unknown kind": (
        HEADER + "[data]\n" + SOURCE.replace("jsonl", "csv", 1) + "\n",
        ["suite.toml:3: data.source.kind: "],
    ),
    "no row needed": (
        HEADER + f"[data]\n{SOURCE}\nmin_rows = 0\n",
        ["suite.toml:4: data.min_rows: input should be greater"],
    ),
    "half a row": (
        HEADER + f"[data]\n{SOURCE}\nmin_rows = 1.5\n",
        ["suite.toml:4: data.min_rows: input should be a valid int"],
    ),
    "TOML syntax": (HEADER + "[local\n", ["suite.toml:2: is not TOML (Expected ']' at the end of a table declaration"]),
    "TOML key twice": (HEADER + HEADER, ["suite.toml:2: is not TOML (Cannot overwrite a value"]),
    "TOML cut short": (
        HEADER + "[local]\npass_rate =",
        ["suite.toml:3: is not TOML (Invalid value (at end of document))"],
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_reported_with_its_line_and_a_remedy(name: str, tmp_path: Path) -> None:
    text, expected = DEFECTS[name]
    found = defects_of(tmp_path, text)

    assert len(found) == len(expected), found
    for shown, start in zip(found, expected, strict=True):
        assert shown.startswith(start)


def test_every_defect_is_reported_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    found = defects_of(tmp_path, "pass_at = 7\nrange = [1, 0]\n[local]\npass_rate = 0\n[dta]\n[data]\nmin_rows = 0\n")

    assert [text.split(": ")[0] for text in found] == [
        "suite.toml",  # no reward
        *(f"suite.toml:{line}" for line in (2, 4, 5, 7)),  # pass_at cannot be judged without a range
    ]


def test_windows_line_ends_do_not_shift_the_lines(tmp_path: Path) -> None:
    [found] = defects_of(tmp_path, HEADER.replace("\n", "\r\n") + "\r\n[local]\r\npass_rate = 2.0\r\n")

    assert found.startswith("suite.toml:4: local.pass_rate")


def test_a_suite_file_that_is_not_utf8_is_a_defect(tmp_path: Path) -> None:
    assert defects_of(tmp_path, HEADER.encode("utf-16")) == ["suite.toml: is not UTF-8. Save the file as UTF-8"]


def test_a_missing_suite_file_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"suite\.toml: cannot be opened \(No such file"):
        read_settings(tmp_path / "suite.toml")


def suite_in(folder: Path, suite: str, dataset: str = ROW, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.toml").write_text(suite)
    (folder / "dataset.jsonl").write_text(dataset)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_whole_numbers_do_for_the_scale_and_pass_at_is_the_top_unless_it_is_said(tmp_path: Path) -> None:
    scale = HEADER + "range = [-1, 2]\n{}[local]\n"
    suite = load_suite(suite_in(tmp_path / "whole", scale.format("")))

    assert suite.scale == Scale(-1.0, 2.0, 2.0)
    assert load_suite(suite_in(tmp_path / "said", scale.format("pass_at = 1\n"))).scale == Scale(-1.0, 2.0, 1.0)


def test_a_suite_is_named_after_its_folder_and_lists_its_declared_steps_in_running_order(tmp_path: Path) -> None:
    folder = suite_in(tmp_path / "cases" / "sums", HEADER + f"[local]\n[data]\n{SOURCE}\n")
    (folder / "source.jsonl").write_text('{"question": "?", "answer": "<<1+1=2>>2\\n#### 2"}\n')
    suite = load_suite(folder)

    assert (suite.name, list(suite.steps), [row.id for row in suite.rows]) == ("sums", ["data", "local"], ["a"])
    assert suite.rows[0].ground_truth == "1,200"


def test_a_suite_without_dataset_is_no_suite(tmp_path: Path) -> None:
    folder = suite_in(tmp_path, HEADER + "[local]\n")
    (folder / "dataset.jsonl").unlink()

    with pytest.raises(DatasetError, match=r"dataset\.jsonl: cannot be opened"):
        load_suite(folder)


@pytest.mark.parametrize(
    ("source", "problem"), [(None, "cannot be opened"), ("", "is empty"), ("[]\n", "not a JSON object")]
)
def test_a_source_that_cannot_be_rebuilt_is_found_before_anything_runs(
    source: str | None, problem: str, tmp_path: Path
) -> None:
    folder = suite_in(tmp_path, HEADER + f"[data]\n{SOURCE}\n")
    if source is not None:
        (folder / "source.jsonl").write_text(source)

    with pytest.raises(DatasetError, match=problem):
        load_suite(folder)


@pytest.fixture
def _own_modules() -> Iterator[None]:
    """What a test imports from its folders is forgotten after it."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


GRADE = "def grade(messages, ground_truth, **kwargs):\n    return {}\n"


@pytest.mark.usefixtures("_own_modules")
class TestLoadingTheReward:
    def test_a_module_beside_the_suite_can_be_named(self, tmp_path: Path) -> None:
        folder = suite_in(tmp_path, HEADER + "[local]\n", my_reward=GRADE.format(0.5))
        reward = load_suite(folder).load_reward()

        assert reward.name == "my_reward:grade"
        assert reward.function([], "") == 0.5

    def test_the_module_of_another_suite_is_never_taken_for_ones_own(self, tmp_path: Path) -> None:
        generous = load_suite(suite_in(tmp_path / "a", HEADER + "[local]\n", my_reward=GRADE.format(1.0)))
        strict = load_suite(suite_in(tmp_path / "b", HEADER + "[local]\n", my_reward=GRADE.format(0.0)))
        generous.load_reward()

        with pytest.raises(RewardShapeError, match=r"not from .*b/my_reward\.py\. Rename the file"):
            strict.load_reward()
        assert generous.load_reward().function([], "") == 1.0

    def test_the_suites_folder_comes_before_the_working_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "my_reward.py").write_text(GRADE.format(1.0))
        monkeypatch.chdir(tmp_path)
        suite = load_suite(suite_in(Path("cases/mine"), HEADER + "[local]\n", my_reward=GRADE.format(0.0)))

        assert suite.load_reward().function([], "") == 0.0

    def test_a_module_in_the_working_folder_can_be_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "my_reward.py").write_text(GRADE.format(0.25))
        monkeypatch.chdir(tmp_path)

        assert load_suite(suite_in(Path("cases/mine"), HEADER + "[local]\n")).load_reward().function([], "") == 0.25

    @pytest.mark.parametrize(
        ("module", "problem"),
        [
            ("", r"'my_reward:grade': my_reward has no 'grade'$"),
            ("def grad(messages, **kwargs): ...\n", r"has no 'grade'; did you mean grad\?"),
            ("import nothing_like_it\n", r"importing my_reward failed \(ModuleNotFoundError: No module named 'nothing"),
            ("1 / 0\n", r"importing my_reward failed \(ZeroDivisionError: division by zero\)"),
            ("def grade(:\n", r"importing my_reward failed \(SyntaxError"),
            ("raise SystemExit(0)\n", r"importing my_reward failed \(SystemExit: 0\)"),
            ("grade = 3\n", r"'my_reward:grade' is int, not a function"),
            ("grade = None\n", r"'my_reward:grade' is NoneType, not a function"),
            ("def grade(x): ...\n", r"my_reward:grade\(x\) fits no known call shape"),
        ],
    )
    def test_what_cannot_be_loaded_says_why(self, module: str, problem: str, tmp_path: Path) -> None:
        suite = load_suite(suite_in(tmp_path, HEADER + "[local]\n", my_reward=module))

        with pytest.raises(RewardShapeError, match=problem):
            suite.load_reward()

    def test_a_missing_module_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(RewardShapeError, match="No module named 'my_reward'"):
            load_suite(suite_in(tmp_path, HEADER + "[local]\n")).load_reward()

    def test_a_method_of_an_object_can_be_named(self, tmp_path: Path) -> None:
        module = "class Grader:\n    def grade(self, messages, **kwargs):\n        return 1.0\n\nit = Grader()\n"
        folder = suite_in(tmp_path, 'reward = "my_reward:it.grade"\n[local]\n', my_reward=module)

        assert load_suite(folder).load_reward().describe() == "my_reward:it.grade (reward-kit, pointwise)"
