"""An evaluator runs with its files and requirements and nothing else, and whatever breaks is told as what it is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from own_project import conversation

from reward_kit.errors import PackagingError
from reward_kit.fireworks.shapes import Evaluator, PreviewResult
from reward_kit.packaging import run_evaluator

ROOT = Path(__file__).parents[2]


def evaluator(body: str, *requirements: str, **files: str) -> Evaluator:
    """One whose evaluate has this body; `said` is the response's text."""
    lines = dedent(body).strip("\n").splitlines()
    head = 'def evaluate(messages, ground_truth=None, tools=None, **kwargs):\n    said = messages[-1]["content"]\n'
    main = head + "".join(f"    {line}\n" for line in lines)
    return Evaluator("test", {"main.py": main, **{f"{name}.py": text for name, text in files.items()}}, requirements)


def run(body: str, *answers: str, requirements: tuple[str, ...] = (), **options: Any) -> list[PreviewResult]:
    samples = [conversation(answer) for answer in answers or ("5",)]
    return run_evaluator(evaluator(body, *requirements), samples, **options)


def test_arguments_arrive_by_name_and_results_in_order() -> None:
    body = "return {'score': float(said), 'reason': f'{ground_truth} {tools} {kwargs}', 'metrics': {'m': {'score': 1}}}"
    samples = [conversation("0.5", ground_truth="a", tools=[1], level=3), conversation("0.25")]

    first, second = run_evaluator(evaluator(body), samples)

    assert first == PreviewResult(True, 0.5, {"m": {"score": 1}}, "a [1] {'level': 3}")
    assert (second.score, second.reason) == (0.25, "None None {}")
    assert run_evaluator(evaluator(body), []) == []


def test_the_environment_and_the_folder_are_empty_and_no_checkout_is_in_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw_secret")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    [result] = run(
        """
        import os, sys
        seen = {'env': dict(os.environ), 'here': os.listdir(), 'path': sys.path, 'in': sys.stdin.read()}
        return {'score': 1.0, 'metrics': seen}
        """
    )

    environment = {name for name in result.metrics["env"] if name != "LC_CTYPE"}  # Python's own, of the C locale
    assert environment == set()
    assert (result.metrics["here"], result.metrics["in"]) == ([], "")
    assert not [path for path in result.metrics["path"] if Path(path).is_relative_to(ROOT)]
    assert not Path(result.metrics["path"][0]).exists()  # the bundle is gone afterwards


@pytest.mark.parametrize("module", ["reward_kit", "pytest", "sympy", "flint", "own_project", "pip"])
def test_an_undeclared_import_that_works_in_the_checkout_fails(module: str) -> None:
    code = f"import {module}\n    return {{'score': 1.0}}".replace("    ", "")

    [result] = run(code)

    assert (result.success, result.score) == (False, None)
    assert result.reason == f"ModuleNotFoundError: No module named '{module}' (main.py:3)"


def test_an_interpreter_that_the_evaluator_starts_sees_no_more_than_it_does() -> None:
    [result] = run(
        """
        import subprocess, sys
        found = [m for m in ("reward_kit", "pydantic", "flint", "pytest")
                 if subprocess.run([sys.executable, "-c", f"import {m}"], capture_output=True).returncode == 0]
        return {'score': 1.0, 'reason': ' '.join(found)}
        """,
        requirements=(f"python-flint=={version('python-flint')}",),
    )

    assert (result.score, result.reason) == (1.0, "flint")


def test_requirements_bring_what_they_require() -> None:
    body = "import sympy, mpmath\nreturn {'score': float(sympy.Integer(1)), 'reason': sympy.__version__}"

    [result] = run(body, requirements=(f"sympy=={version('sympy')}",))

    assert (result.score, result.reason) == (1.0, version("sympy"))


def test_only_files_of_the_requirement_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site-packages"
    files = {"shared/mine/__init__.py": "", "whole/__init__.py": "", "whole/part/x.py": "", "mixed/__init__.py": ""}
    stray = {"shared/others/__init__.py": "", "mixed/dropped_in.py": ""}
    record = "".join(f"{name},,\n" for name in [*files, "own_dist-1.0.dist-info/METADATA", "../../bin/script"])
    about = {
        "own_dist-1.0.dist-info/METADATA": "Name: own-dist\nVersion: 1.0\n",
        "own_dist-1.0.dist-info/RECORD": record,
    }
    for name, text in {**files, **stray, **about}.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    body = """
        import importlib
        importlib.import_module(said)
        return {'score': 1.0}
    """
    wanted = ("shared.mine", "whole.part.x", "mixed", "shared.others", "mixed.dropped_in")

    results = run(body, *wanted, requirements=("own-dist==1.0",))

    assert [result.success for result in results] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("requirement", "why"),
    [
        ("sympy==0.0.1", r"requirement sympy==0.0.1 is not met: sympy .* is installed here"),
        ("no-such-thing==1", r"requirement no-such-thing==1 is not installed here. Install it: pip install"),
        ("what is this", "is not a pip requirement"),
    ],
)
def test_a_requirement_that_is_not_there_is_an_error_that_names_it(requirement: str, why: str) -> None:
    with pytest.raises(PackagingError, match=why):
        run("return {'score': 1.0}", requirements=(requirement,))


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        ("1.0", "evaluate returned float, not a dict"),
        ("None", "evaluate returned NoneType, not a dict"),
        ("[{'score': 1.0}]", "evaluate returned list, not a dict"),
        ("{'score': float('nan')}", r"the score is nan \(float\), not a finite number"),
        ("{'score': float('inf')}", r"the score is inf \(float\), not a finite number"),
        ("{'score': 10**400}", r"the score is 1000.* \(int\), not a finite number"),
        ("{'score': '1.0'}", r"the score is 1.0 \(str\), not a finite number"),
        ("{'reason': 'x'}", "the result has no 'score', only reason"),
        ("{}", "the result has no 'score', only nothing"),
        ("{'score': 1.0, 'error': 'the judge is down'}", "the reward reports an error: the judge is down"),
        ("{'score': 1.0, 'is_score_valid': False, 'reason': 'no'}", "marks its own score 1 as not valid. no"),
        ("{'score': 1.0, 'metrics': [1]}", "metrics are list, not a dict"),
    ],
)
def test_what_holds_no_score_is_a_failure_and_never_a_score(returned: str, why: str) -> None:
    [result] = run(f"return {returned}")

    assert (result.success, result.score) == (False, None)
    assert pytest.raises(AssertionError, match=why).matches(AssertionError(result.reason))


def test_an_abstention_has_no_score_and_a_failing_row_marked_invalid_keeps_its_zero() -> None:
    assert run("return {'score': None, 'outcome': 'abstained'}")[0] == PreviewResult(
        True, None, {}, "the reward abstains"
    )
    assert run("return {'score': 0, 'is_score_valid': False}")[0].score == 0.0


def test_results_that_only_look_odd_are_taken() -> None:
    [result] = run(
        """
        class Number:
            def item(self):
                return 0.5
        class Model:
            def model_dump(self, mode):
                return {'score': Number(), 'metrics': {'when': {1: object}}}
        async def later():
            return Model()
        return later()
        """
    )

    assert (result.success, result.score) == (True, 0.5)
    assert result.metrics == {"when": {"1": "<class 'object'>"}}


def test_what_an_evaluator_prints_never_gets_into_results() -> None:
    body = """
        import os, subprocess, sys
        print('{"index": 0, "result": {"score": 1.0}}', flush=True)
        os.write(1, b'{"index": 1, "result": {"score": 1.0}}\\n')
        sys.stderr.write('{"ready": true}\\n')
        subprocess.run(["/bin/echo", '{"index": 0, "result": {"score": 1.0}}'])
        print("x" * 200_000)
        return {'score': 0.0}
    """

    assert [result.score for result in run(body, "a", "b", "c")] == [0.0, 0.0, 0.0]


def test_an_exception_names_its_place_and_the_next_sample_goes_on() -> None:
    helper = "def half(text):\n    return float(text) / 2\n"
    own = evaluator("import helper\nreturn {'score': helper.half(said)}", helper=helper)

    bad, good = run_evaluator(own, [conversation("five"), conversation("1")])

    assert bad.reason == "ValueError: could not convert string to float: 'five' (helper.py:2)"
    assert (bad.success, bad.score, good.score) == (False, None, 0.5)


@pytest.mark.parametrize(
    ("crash", "why"),
    [
        ("os._exit(0)", "the evaluator's process ended itself with exit code 0; printed: last words"),
        ("os.kill(os.getpid(), 11)", "the evaluator's process was killed by SIGSEGV; printed: last words"),
        ("sys.exit(3)", "SystemExit: 3 (main.py:5)"),
        ("os.closerange(3, 50); os._exit(0)", "the evaluator's process ended itself with exit code 0"),
    ],
)
def test_a_crash_fails_its_sample_only(crash: str, why: str) -> None:
    body = f"""
        import os, sys
        print("last words", flush=True)
        if said == "bad": {crash}
        return {{'score': 1.0}}
    """

    before, bad, after = run(body, "good", "bad", "good")

    assert (before.score, after.score) == (1.0, 1.0)
    assert (bad.success, bad.score) == (False, None)
    assert bad.reason.startswith(why)


def test_a_hang_is_ended_at_the_deadline_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    body = f"""
        import subprocess, sys, time
        if said == "hang":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3); open({str(mark)!r}, 'w')"])
            print("thinking", flush=True)
            while True: pass
        return {{'score': 1.0}}
    """
    started = time.monotonic()

    first, hung, last = run(body, "ok", "hang", "ok", deadline_s=1.0)

    assert (first.score, last.score) == (1.0, 1.0)
    assert (hung.success, hung.score, hung.reason) == (False, None, "no result within 1 s; printed: thinking")
    time.sleep(max(0.0, started + 5.0 - time.monotonic()))
    assert not mark.exists()


def test_what_is_not_reached_in_the_time_for_all_fails() -> None:
    results = run("import time; time.sleep(0.4)\nreturn {'score': 1.0}", *"abcdef", total_s=1.5)

    assert results[0].score == 1.0
    assert (results[-1].success, results[-1].score) == (False, None)
    assert results[-1].reason == "not reached within 1.5 s for all samples"


@pytest.mark.parametrize(
    ("main", "why"),
    [
        (
            "import not_there\n",
            "main.py cannot be imported: ModuleNotFoundError: No module named 'not_there' (main.py:1)",
        ),
        ("def evaluate(:\n", "main.py cannot be imported: SyntaxError"),
        ("x = 1\n", "main.py cannot be imported: TypeError: it defines no function evaluate"),
        ("import sys\nsys.exit()\n", "main.py cannot be imported: SystemExit (main.py:2)"),
        ("import os\nos._exit(4)\n", "the evaluator's process ended itself with exit code 4"),
    ],
    ids=["import", "syntax", "no evaluate", "exit", "os._exit"],
)
def test_an_evaluator_that_cannot_be_imported_fails_every_sample_with_the_reason(main: str, why: str) -> None:
    results = run_evaluator(Evaluator("broken", {"main.py": main}), [conversation("5")] * 3)

    assert [(result.success, result.score) for result in results] == [(False, None)] * 3
    assert all(result.reason.startswith(why) for result in results)


def test_memory_is_bounded() -> None:
    [result] = run("return {'score': float(len(bytearray(1 << 30)) > 0)}", memory_bytes=512 << 20)

    assert (result.success, result.reason) == (False, "MemoryError (main.py:3)")


def test_a_loop_that_prints_does_not_fill_the_disk() -> None:
    body = "import os\nwhile True: os.write(1, b'x' * (1 << 20))"

    [result] = run(body, deadline_s=20.0)

    assert not result.success
    assert "File too large" in result.reason


def test_a_fork_that_comes_back_answers_once() -> None:
    assert [r.score for r in run("import os\npid = os.fork()\nreturn {'score': float(pid > 0)}", "a", "b")] == [
        1.0,
        1.0,
    ]


@pytest.mark.parametrize("path", ["../escape.py", "/tmp/escape.py", "a/../../escape.py", "nul\0l.py", ""])
def test_files_outside_the_bundle_are_refused(path: str) -> None:
    own = Evaluator("escaping", {"main.py": "def evaluate(**kwargs): return {'score': 1.0}\n", path: "x"})

    with pytest.raises(PackagingError, match="would lie outside its folder"):
        run_evaluator(own, [conversation("5")])
    with pytest.raises(PackagingError, match=r"has no main\.py"):
        run_evaluator(Evaluator("empty", {}), [conversation("5")])


def test_large_samples_and_any_text_pass() -> None:
    text = "\ud800 ü 😀 \r\n \x00" + "x" * 2_000_000

    [result] = run("return {'score': float(len(said))}", text)

    assert result.score == len(text)


def test_it_runs_in_threads_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    descriptors = len(os.listdir("/proc/self/fd"))
    scores: list[float | None] = []

    def work() -> None:
        scores.extend(result.score for result in run("return {'score': float(said)}", "1", "0"))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(float, filter(lambda score: score is not None, scores))) == [0, 0, 0, 1, 1, 1]  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_the_evaluator_dies_with_its_parent(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    program = (
        "import sys; from reward_kit.fireworks.shapes import Evaluator\n"
        "from reward_kit.packaging import run_evaluator\n"
        "run_evaluator(Evaluator('x', {'main.py': sys.argv[1]}), [{'messages': []}])\n"
    )
    lines = [f"open({str(mark)!r}, 'w').close()", "time.sleep(3)", f"open({str(mark)!r} + '2', 'w')"]
    code = f"import time\ndef evaluate(**k):\n    {'; '.join(lines)}\n"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}  # what is left there goes with it
    parent = subprocess.Popen([sys.executable, "-c", program, code], env=environment)
    patience = time.monotonic() + 30
    while not mark.exists() and time.monotonic() < patience:
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    time.sleep(4)

    assert mark.exists()
    assert not Path(f"{mark}2").exists()
