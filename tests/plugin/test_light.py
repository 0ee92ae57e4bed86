"""Installing the plugin costs a test run nothing: what it loads, and what it refuses to run beside."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "trl", "transformers", "datasets", "vcr", "httpx", "sympy", "flint", "pydantic", "click", "rich")
#: Prints which of the heavy packages are loaded, at the end of whatever ran before it.
SHOW = f"import sys; print('loaded:', sorted(set(sys.modules) & set({HEAVY!r})))"


def test_importing_the_plugin_loads_nothing_heavy():
    code = f"import pytest_rewardkit, pytest_rewardkit.plugin, reward_kit; {SHOW}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "loaded: []\n"


def test_collecting_an_unrelated_test_loads_nothing_heavy(pytester):
    pytester.makepyfile("def test_plain(): ...")
    code = f"import pytest; pytest.main(['--collect-only', '-p', 'no:hypothesispytest', '-p', 'no:anyio']); {SHOW}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=pytester.path)
    assert "1 test collected" in run.stdout
    assert run.stdout.endswith("loaded: []\n")


@pytest.fixture
def reward_kit_beside(pytester, monkeypatch):
    """A folder on the path in which the distribution reward-kit seems to be installed."""
    folder = pytester.mkdir("site")
    (folder / "reward_kit-0.4.1.dist-info").mkdir()
    (folder / "reward_kit-0.4.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: reward-kit\nVersion: 0.4.1\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_the_plugin_stops_beside_reward_kit(pytester, reward_kit_beside):
    pytester.makepyfile("def test_plain(): ...")
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*reward-kit 0.4.1 and pytest-rewardkit both own*pip uninstall -y reward-kit*"])


def test_the_command_line_stops_beside_reward_kit(pytester, reward_kit_beside):
    run = subprocess.run([sys.executable, "-m", "reward_kit.cli", "prepare", "x"], capture_output=True, text=True)
    assert run.returncode == 1
    assert "pip uninstall -y reward-kit" in run.stderr
    assert len(run.stderr.splitlines()) == 1
