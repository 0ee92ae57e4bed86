"""`reward-kit doctor`: what it says of this machine, and of a lesser one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reward_kit.sandbox.escapes import ESCAPES
from reward_kit.sandbox.tiers import Tier, find_tier

sys.path.append(str(Path(__file__).parents[1] / "sandbox"))
import lesser_machine

DOCTOR = (sys.executable, "-m", "reward_kit.cli", "doctor")


@pytest.fixture(scope="module", autouse=True)
def _all_layers() -> None:
    if (found := find_tier()).tier is not Tier.STRONG:
        pytest.skip(f"this machine has no strong sandbox: {found.why_not(Tier.STRONG)}")


def run(*arguments: str, refused: str = "") -> subprocess.CompletedProcess[str]:
    command = [*DOCTOR, *arguments]
    if refused:
        command = lesser_machine.command(refused, *command)
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "--json" not in arguments:
        assert max(map(len, ran.stdout.splitlines())) <= 80, "wider than a terminal"
    return ran


def test_it_names_tier_layers_escapes_machine_and_what_is_installed() -> None:
    ran = run()
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("sandbox: strong (namespaces, landlock ")
    assert [line for line in lines if line in ("layers", "escapes tried", "machine", "installed")] == [
        "layers",
        "escapes tried",
        "machine",
        "installed",
    ]
    assert sum("stopped" in line for line in lines) == len(ESCAPES)
    assert not any("open:" in line for line in lines)


def test_the_document_holds_the_same() -> None:
    document = json.loads(run("--json").stdout)
    assert document["tier"] == "strong"
    assert set(document["layers"]) == Tier.STRONG.layers
    assert document["refused"] == {}
    assert {name for name, one in document["escapes"].items() if one["stopped"]} == set(ESCAPES)
    assert document["open"] == ""
    assert document["machine"]["architecture"] == "x86_64"
    assert document["installed"]["pytest"] == pytest.__version__


def test_a_lesser_machine_is_told_with_its_reasons() -> None:
    ran = run(refused="namespaces,landlock")
    assert ran.returncode == 0
    lines = ran.stdout.splitlines()
    assert lines[0] == "sandbox: basic (seccomp)"
    assert lines[1].startswith("  open: files that this user may read or write, ")
    assert any(line.startswith("  namespaces           refused: ") for line in lines)
    assert any(line.startswith("  landlock             refused: ") for line in lines)
    assert any(line.startswith("  read a file of the user            NOT STOPPED") for line in lines)


def test_no_sandbox_is_exit_code_1() -> None:
    ran = run(refused="seccomp")
    assert ran.returncode == 1
    assert ran.stdout.startswith("sandbox: none (")
