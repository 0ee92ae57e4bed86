"""docs/migration.md lists where the code rewards differ from reward-kit 0.4.1: each line is shown in a sandbox."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
from code_answers import calls, graded, stdin
from test_math_docs import rows

from reward_kit.models import Outcome
from reward_kit.rewards.code_execution import deepcoder_code_reward, fractional_code_reward

CASES = [case for _, _, _, case in rows("migration.md", "", "0.4.1", "here", "case") if case.startswith("test_")]


def test_the_page_names_tests_that_exist_and_leaves_none_out() -> None:
    shown = {name for name in globals() if name.startswith("test_")} - {
        "test_the_page_names_tests_that_exist_and_leaves_none_out"
    }
    assert shown == set(CASES)


@pytest.mark.parametrize("ground_truth", [None, [], "", "[]"])
def test_a_row_without_tests_pays_nothing(ground_truth: object) -> None:
    result = graded("print(1)", ground_truth)
    assert (result.score, result.outcome) == (0.0, Outcome.GOLD_DEFECT)


def test_a_text_that_is_similar_is_wrong() -> None:
    assert graded("print('hello worl')", "hello world").score == 0.0
    assert graded("print(105)", "100").score == 0.0
    assert graded("print('hello world')", "hello world").score == 1.0


def test_lines_count() -> None:
    assert graded("print(1, 2)", stdin(("", "1\n2"))).score == 0.0


def test_an_object_that_looks_like_the_answer_is_wrong() -> None:
    program = (
        "class Six:\n    def __repr__(self): return '6'\n    def __eq__(self, other): return True\n"
        "def f(x): return Six()"
    )
    assert graded(program, stdin(("5", "6")), function_to_call="f").score == 0.0
    assert graded(program, calls(([5], 6)), entry_point="f").score == 0.0


def test_a_program_sees_nothing_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs print what they found: nothing."""
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw_canary")
    (tmp_path / "gold.txt").write_text("canary")
    program = "import os\nprint('|'.join(v for v in os.environ.values() if 'canary' in v))"
    assert graded(program, stdin(("", ""))).score == 1.0
    program = f"try:\n    print(open({str(tmp_path / 'gold.txt')!r}).read())\nexcept OSError:\n    print('none')"
    assert graded(program, stdin(("", "none"))).score == 1.0
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        program = (
            "import socket\ntry:\n"
            f"    socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 1)\n    print('open')\n"
            "except OSError:\n    print('closed')"
        )
        assert graded(program, stdin(("", "closed"))).score == 1.0
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_process_that_is_left_behind_is_ended() -> None:
    """What cannot be started cannot be left behind; what could, would hold its parent's name in /proc."""
    name = f"left-behind-{os.getpid()}"
    program = (
        "import os, time\ntry:\n    pid = os.fork()\nexcept OSError:\n    pid = 1\n"
        f"if pid == 0:\n    open('/proc/self/comm', 'w').write({name[:15]!r})\n    time.sleep(30)\nprint('done')"
    )
    graded(program, stdin(("", "done")))
    time.sleep(0.2)
    names = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            names.append((folder / "comm").read_text().strip())
        except OSError:
            continue
    assert name[:15] not in names


def test_the_last_block_counts_unless_another_is_asked_for() -> None:
    messages = [{"role": "assistant", "content": "```python\nprint(1)\n```\nNo:\n```python\nprint(2)\n```"}]
    assert fractional_code_reward(messages, stdin(("", "2"))).score == 1.0
    assert fractional_code_reward(messages, stdin(("", "1")), block="first").score == 1.0


@pytest.mark.parametrize("tag", ["py", "python3", "Python", ""])
def test_other_spellings_of_the_tag_run(tag: str) -> None:
    messages = [{"role": "assistant", "content": f"```{tag}\nprint(1)\n```"}]
    assert fractional_code_reward(messages, stdin(("", "1"))).score == 1.0


@pytest.mark.parametrize(
    ("program", "given", "printed"),
    [
        ("import sys\nprint(input())\nsys.exit(0)", "a", "a"),
        ("print(input())\nexit()", "a", "a"),
        ("print(open(0).read().upper())", "a", "A"),
        ("import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])", "ab", "ba"),
        ("print(input())", "a\\n'''b🎉", "a\\n'''b🎉"),
        ("print(len([0] * 12_000_000))", "", "12000000"),
    ],
)
def test_what_python_runs_is_run(program: str, given: str, printed: str) -> None:
    result = graded(program, stdin((given, printed)))
    assert result.score == 1.0, result.metrics["test_1"].reason


def test_a_method_of_solution_is_called() -> None:
    program = "class Solution:\n    def add(self, a, b):\n        return a + b"
    assert graded(program, calls(([1, 2], 3)), entry_point="add").score == 1.0


def test_what_a_function_prints_is_not_its_result() -> None:
    program = "print('loading')\ndef f(x):\n    print('working')\n    return x + 1"
    assert graded(program, calls(([1], 2)), entry_point="f").score == 1.0


def test_a_tuple_is_a_list() -> None:
    program = "def f(x):\n    return [(x, (x,))]"
    assert graded(program, calls(([1], [[1, [1]]])), entry_point="f").score == 1.0


def test_a_float_has_a_tolerance_and_an_integer_none() -> None:
    assert graded("print(0.1 + 0.2)", stdin(("", "0.3"))).score == 1.0
    assert graded("print(2)", stdin(("", "2.0"))).score == 1.0
    assert graded("print(2.0)", stdin(("", "2"))).score == 0.0


def test_other_languages_and_places_are_refused() -> None:
    with pytest.raises(ValueError, match="only Python"):
        graded("print(1)", stdin(("", "1")), language="javascript")
    with pytest.raises(ValueError, match="'local'"):
        graded("print(1)", stdin(("", "1")), environment="e2b")


@pytest.mark.parametrize("test", [{"input": "1"}, {"expected_output": ""}, {}])
def test_a_test_that_lacks_a_part_is_a_defect(test: dict[str, str]) -> None:
    assert graded("print(1)", [test]).outcome is Outcome.GOLD_DEFECT


def test_a_failed_row_stays_in_the_mean() -> None:
    messages = [{"role": "assistant", "content": "```python\nprint(1)\n```"}]
    result = deepcoder_code_reward(messages, stdin(("", "1"), ("", "2")), "python")
    assert (result.score, result.is_score_valid) == (0.0, True)
    assert all(metric.is_score_valid for metric in result.metrics.values())


def test_a_quoted_number_is_a_text() -> None:
    assert graded("def f(x):\n    return type(x).__name__", stdin(('"5"', "str")), function_to_call="f").score == 1.0
