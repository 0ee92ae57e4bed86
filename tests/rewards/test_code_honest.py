"""Programs as models write them keep what they earned: each is run in the sandbox."""

# Programs read better in one line.
# ruff: noqa: E501

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from code_answers import assertions, calls, graded, stdin

DATA = Path(os.environ.get("REWARDKIT_DATA", "/nowhere"))


def reasons(result: Any) -> str:
    return "\n".join(f"{name}: {metric.reason}" for name, metric in result.metrics.items())


@pytest.mark.parametrize(
    ("program", "tests", "share"),
    [
        ("n = int(input())\nprint(sum(map(int, input().split())))", stdin(("3\n1 2 3\n", "6"), ("1\n-4", "-4\n")), 1.0),
        ("import sys\nfor line in sys.stdin:\n    print(line.strip()[::-1])", stdin(("ab\ncd\n", "ba\ndc")), 1.0),
        ("print(10 // int(input()))", stdin(("2", "5"), ("0", "none"), ("5", "2"), ("10", "1")), 0.75),
        ("a = input()\nb = input()\nprint(a + b)", stdin(("x\ny\n", "xy"), ("x", "x")), 0.5),
        ("print(2 ** 500)", stdin(("", str(2**500))), 1.0),
        ("if __name__ == '__main__':\n    print('main')", stdin(("", "main")), 1.0),
        ("import atexit\natexit.register(print, 'bye')\nprint('hi')", stdin(("", "hi\nbye")), 1.0),
        (
            "import threading\nt = threading.Timer(0.2, print, ['late'])\nt.start()\nprint('early')",
            stdin(("", "early\nlate")),
            1.0,
        ),
        (
            "import sys, threading\nsys.setrecursionlimit(1 << 20)\nthreading.stack_size(1 << 26)\n"
            "def depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)\n"
            "def main():\n    print(depth(30000))\nt = threading.Thread(target=main)\nt.start()\nt.join()",
            stdin(("", "30000")),
            1.0,
        ),
        (
            "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import List\n"
            "@dataclass\nclass Point:\n    x: int\n    y: List[int]\nprint(Point(1, [2]))",
            stdin(("", "Point(x=1, y=[2])")),
            1.0,
        ),
        ("while True:\n    try:\n        print(int(input()) * 2)\n    except EOFError:\n        break", stdin(("1\n2\n", "2\n4")), 1.0),
        ("import sys\nprint('note', file=sys.stderr)\nprint('out')", stdin(("", "out")), 1.0),
        ("print('\\n'.join(map(str, range(100000))))", stdin(("", "\n".join(map(str, range(100000))))), 1.0),
        ("print(sum(map(int, open(0))))", stdin(("\n".join(["7"] * 200000), "1400000")), 1.0),
    ],
)  # fmt: skip
def test_programs_that_read_and_print(program: str, tests: Any, share: float) -> None:
    result = graded(program, tests)
    assert result.score == share, reasons(result)


@pytest.mark.parametrize(
    ("program", "tests", "share"),
    [
        ("def f(a, b=2, *c):\n    return a + b + sum(c)", calls(([1], 3), ([1, 1], 2), ([1, 1, 1], 3)), 1.0),
        ("def f(x):\n    return 10 // x", calls(([2], 5), ([0], 0), ([5], 2), ([1], 10)), 0.75),
        ("def f(x):\n    x.append(1)", calls(([[]], None)), 1.0),
        ("f = lambda s: {'n': len(s), 'parts': [(c, None) for c in s]}", calls((["ab"], {"n": 2, "parts": [["a", None], ["b", None]]})), 1.0),
        ("def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)", calls(([900], 900)), 1.0),
        ("import math\ndef f(x):\n    return math.factorial(x)", calls(([300], math.factorial(300))), 1.0),
        ("def f():\n    return float('nan'), float('inf'), -0.0", calls(([], [float("nan"), float("inf"), 0.0])), 1.0),
        ("class Solution:\n    def f(self, x):\n        return self.g(x)\n    def g(self, x):\n        return x * 2", calls(([4], 8), (["a"], "aa")), 1.0),
        ("def f(s):\n    return s.upper()", calls((["straße🎉"], "STRASSE🎉")), 1.0),
        ("def f(x):\n    while x == 2:\n        pass\n    return x", calls(([1], 1), ([2], 2), ([3], 3)), 2 / 3),
        ("import os\ndef f(x):\n    if x == 2:\n        os._exit(1)\n    return x", calls(([1], 1), ([2], 2), ([3], 3)), 2 / 3),
        ("import sys\ndef f(x):\n    if x == 2:\n        sys.exit(0)\n    return x", calls(([1], 1), ([2], 2), ([3], 3)), 2 / 3),
        ("def f(n):\n    return [0] * n", calls(([2], [0, 0]), ([10**10], [])), 0.5),
        ("def f(x):\n    return x\nif __name__ == '__main__':\n    print(f(int(input())))", calls(([1], 1)), 1.0),
    ],
)  # fmt: skip
def test_functions_that_are_called(program: str, tests: Any, share: float) -> None:
    result = graded(program, tests, entry_point="f", timeout=2)
    assert result.score == share, reasons(result)


@pytest.mark.parametrize(
    ("program", "tests", "share"),
    [
        ("def f(x):\n    return x + 1", assertions("assert f(1) == 2", "assert f(1) == 3", "assert f(-1) == 0"), 2 / 3),
        ("def f(a):\n    a.sort()", assertions("a = [3, 1]\nf(a)\nassert a == [1, 3]"), 1.0),
        (
            "def f(x):\n    if x < 0:\n        raise ValueError('negative')\n    return x ** 0.5",
            assertions("try:\n    f(-1)\nexcept ValueError:\n    pass\nelse:\n    raise AssertionError", "assert f(4) == 2"),
            1.0,
        ),
        ("import math\ndef area(r):\n    return math.pi * r * r", assertions("import math\nassert math.isclose(area(1), math.pi)"), 1.0),
        ("def f(x):\n    return x, [x]", assertions("assert f(1) == (1, [1])\nassert f(1)[1][0] == 1"), 1.0),
        ("def enc(s):\n    return s[::-1]\ndef dec(s):\n    return s[::-1]", assertions("for s in ('ab', '', 'xyz'):\n    assert dec(enc(s)) == s"), 1.0),
        ("def f(x):\n    while x == 2:\n        pass\n    return x", assertions("assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3"), 2 / 3),
    ],
)  # fmt: skip
def test_programs_that_are_asserted_about(program: str, tests: Any, share: float) -> None:
    result = graded(program, tests, timeout=2)
    assert result.score == share, reasons(result)


def test_a_check_function_tests_the_entry_point() -> None:
    check = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(-1) == 1\n"
    square = "def square(x):\n    return x * x"
    for call in ("check(square)", "check(candidate)"):
        assert graded(square, assertions(f"{check}\n{call}"), entry_point="square").score == 1.0
        assert graded("def square(x): pass", assertions(f"{check}\n{call}"), entry_point="square").score == 0.0


def test_tests_that_need_objects_say_so() -> None:
    program = "class Stack:\n    def __init__(self):\n        self.items = []\n    def push(self, x):\n        self.items.append(x)"
    tests = assertions("s = Stack()\ns.push(1)\nassert s.items == [1]", "s = Stack()\nassert s.items == [0]")
    weak = graded(program, tests, integrity="weak")
    assert (weak.score, weak.decided_by) == (0.5, "assert, integrity: weak")


def corpus(name: str) -> list[dict[str, Any]]:
    """The rows of a corpus in the folder that REWARDKIT_DATA names, or none."""
    path = DATA / "code" / "corpora" / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("row", corpus("honest.jsonl") or [None], ids=lambda row: row["id"] if row else "none")
def test_the_honest_corpus(row: dict[str, Any] | None) -> None:
    if row is None:
        pytest.skip("REWARDKIT_DATA names no folder with code/corpora/honest.jsonl: the corpus was not graded")
    tests = row["tests"]
    if row["mode"] == "assert":
        tests = assertions(*tests)
    result = graded(row["code"], tests, **({"entry_point": row["entry"]} if row["mode"] == "call" else {}))
    assert result.score == pytest.approx(row["expect_fraction"]), reasons(result)
