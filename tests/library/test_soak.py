"""The soak of benchmarks/soak.py, small: nothing lost, duplicated or graded wrong under faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


def test_nothing_is_lost_duplicated_or_graded_wrong_under_faults():
    command = [sys.executable, str(SOAK), "--requests", "200", "--concurrency", "50", "--faults", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = [line.split()[0] for line in done.stdout.splitlines()[3:]]
    assert counts == ["0"] * 8
