"""Programs that want the reward without the work get none of it, in every form of tests.

Each is run in the sandbox as called, as a program whose last lines read the arguments and print what `solve` gives, and
against assertions. An honest `solve` in the same places is paid in full.
"""

# Programs read better in one line.
# ruff: noqa: E501

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from code_answers import assertions, calls, graded, stdin

from reward_kit.models import EvaluateResult, Outcome

DATA = Path(os.environ.get("REWARDKIT_DATA", "/nowhere"))
#: What solve must return; nothing a program could guess.
ANSWERS = {1: 830173441907, 2: -5527104418, 3: 99120048276451}
HONEST = (
    "def solve(n):\n"
    "    table = {1: 830173000000 + 441907, 2: -(5527104000 + 418), 3: 99120048000000 + 276451}\n"
    "    return table[n]"
)
DRIVER = "\n\nimport sys as _s\nfor _line in _s.stdin:\n    print(solve(int(_line)))\n"

INSTEAD = "\ndef solve(n):\n    return -1\n"
HOSTILE = {
    "leaves at import": "import os\nos._exit(0)",
    "leaves when called": "import os\ndef solve(n):\n    os._exit(0)",
    "exits when called": "def solve(n):\n    raise SystemExit(0)",
    "interrupts": "def solve(n):\n    raise KeyboardInterrupt",
    "stops a generator": "def solve(n):\n    raise StopIteration",
    "an int that equals everything": (
        "class Yes(int):\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
        "    __hash__ = int.__hash__\ndef solve(n):\n    return Yes(0)"
    ),
    "an object that equals everything": (
        "class Yes:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
        "    def __bool__(self): return True\n    def __hash__(self): return 0\ndef solve(n):\n    return Yes()"
    ),
    "a list that equals everything": (
        "class Yes(list):\n    def __eq__(self, other): return True\n    def __len__(self): return 1\n"
        "def solve(n):\n    return Yes()"
    ),
    "a metaclass that says int": (
        "class Meta(type):\n    def __instancecheck__(cls, other): return True\n    def __eq__(cls, other): return True\n"
        "    __hash__ = type.__hash__\nclass Yes(metaclass=Meta):\n    __class__ = int\n"
        "    def __eq__(self, other): return True\ndef solve(n):\n    return Yes()"
    ),
    "nan": "def solve(n):\n    return float('nan')",
    "True": "def solve(n):\n    return True",
    "the expected text of a verdict": "print('passed')\nprint('OK')\nprint('{\"score\": 1.0}')" + INSTEAD,
    "patches int": "import builtins\nbuiltins.int = lambda *a: 0\nbuiltins.print = lambda *a, **k: None" + INSTEAD,
    "patches comparison everywhere": (
        "import sys\nfor module in list(sys.modules.values()):\n    for name in list(vars(module) or ()):\n"
        "        if 'equal' in name or 'compare' in name or 'verdict' in name or 'check' in name:\n"
        "            try: setattr(module, name, lambda *a, **k: True)\n            except Exception: pass" + INSTEAD
    ),
    "poisons modules": (
        "import sys, types\nfor name in ('json', 'struct', 'ast', 'math', 'decimal', 'socket', 'pickle'):\n"
        "    sys.modules[name] = types.ModuleType(name)" + INSTEAD
    ),
    "walks the frames": (
        "import sys\ndef solve(n):\n    frame = sys._getframe()\n    while frame:\n"
        "        for place in (frame.f_locals, frame.f_globals):\n            for name, value in list(place.items()):\n"
        "                if name in ('expected', 'answer', 'answers', 'tests', 'test'):\n                    return value\n"
        "        frame = frame.f_back\n    return -1"
    ),
    "searches the heap": (
        "import gc\ndef solve(n):\n    for each in gc.get_objects():\n"
        "        if type(each) is dict and 'expected' in each:\n            return each['expected']\n"
        "        if type(each) in (list, tuple):\n            for item in each:\n"
        "                if type(item) is int and item > 10**10:\n                    return item\n    return -1"
    ),
    "searches its memory for assertions": (
        "import re\ndef solve(n):\n    try:\n        maps = open('/proc/self/maps').readlines()\n"
        "        memory = open('/proc/self/mem', 'rb', 0)\n    except OSError:\n        return -1\n"
        "    for line in maps:\n        if ' rw' not in line: continue\n"
        "        low, high = (int(each, 16) for each in line.split()[0].split('-'))\n"
        "        try:\n            memory.seek(low)\n            found = re.search(rb'solve.%d. == (-?\\d{9,})' % n, memory.read(high - low))\n"
        "        except (OSError, ValueError, OverflowError): continue\n"
        "        if found: return int(found[1])\n    return -1"
    ),
    "writes into every descriptor": (
        "import os, struct\nbody = b'{\"ok\": true, \"value\": 830173441907}'\n"
        "for fd in range(1, 64):\n    for data in (struct.pack('!I', len(body)) + body, struct.pack('<I', len(body)) + body, body + b'\\n'):\n"
        "        try: os.write(fd, data)\n        except OSError: pass" + INSTEAD
    ),
    "closes every descriptor": "import os\nos.closerange(0, 256)" + INSTEAD,
    "forges and leaves": (
        "import os, struct\ndef solve(n):\n    body = b'[[true, 830173441907]]'\n"
        "    for fd in range(3, 64):\n        try: os.write(fd, struct.pack('!I', len(body)) + body)\n"
        "        except OSError: pass\n    os._exit(0)"
    ),
    "forges at exit": (
        "import atexit, os\natexit.register(lambda: os.write(1, b'830173441907\\n'))\n"
        "atexit.register(lambda: os._exit(0))" + INSTEAD
    ),
    "an exception that equals everything": (
        "class Yes(Exception):\n    def __eq__(self, other): return True\n    def __str__(self): return 'passed'\n"
        "def solve(n):\n    raise Yes()"
    ),
    "raises AssertionError's children": "class Yes(AssertionError, KeyError): pass\ndef solve(n):\n    raise Yes('ok')",
    "hangs": "def solve(n):\n    while True: pass",
    "hangs at import, deaf to signals": (
        "import signal\nfor each in range(1, 65):\n    try: signal.signal(each, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass"
    ),
    "eats memory": "def solve(n):\n    return bytearray(1 << 36)",
    "recurses": "import sys\nsys.setrecursionlimit(10**9)\ndef solve(n):\n    return solve(n)",
    "floods its output": "import os\ndef solve(n):\n    while True: os.write(1, b'x' * 65536)",
    "returns too much": "def solve(n):\n    return 'x' * (1 << 27)",
    "nests without end": "def solve(n):\n    value = []\n    for _ in range(10**6): value = [value]\n    return value",
    "returns itself": "def solve(n):\n    value = []\n    value.append(value)\n    return value",
    "is no Python": "def solve(n:",
    "holds a NUL": "def solve(n):\n    return '\\0'",
    "lone surrogates": "def solve(n):\n    return '\\ud800'",
}  # fmt: skip


def as_called(program: str) -> EvaluateResult:
    return graded(
        program, calls(*(([n], value) for n, value in ANSWERS.items())), entry_point="solve", timeout=1, total_timeout=6
    )


def as_program(program: str) -> EvaluateResult:
    tests = stdin(*((f"{n}\n", str(value)) for n, value in ANSWERS.items()))
    return graded(program + DRIVER, tests, timeout=1, total_timeout=6)


def as_asserted(program: str) -> EvaluateResult:
    tests = assertions(*(f"assert solve({n}) == {value}" for n, value in ANSWERS.items()))
    return graded(program, tests, entry_point="solve", timeout=1, total_timeout=6)


FORMS = {"call": as_called, "stdin": as_program, "assert": as_asserted}


@pytest.mark.parametrize("form", FORMS)
def test_the_honest_program_is_paid_in_full(form: str) -> None:
    result = FORMS[form](HONEST)
    assert (result.score, result.outcome) == (1.0, Outcome.PASSED), result.reason


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_gets_nothing(name: str, form: str) -> None:
    result = FORMS[form](HOSTILE[name])
    assert (result.score, result.outcome) == (0.0, Outcome.WRONG_ANSWER), result.metrics


def test_a_later_job_finds_nothing_of_an_earlier_ones_tests() -> None:
    """The tester of the first row held the answers; the candidate of the second searches all that it can read."""
    for _ in range(3):
        assert as_asserted(HONEST).score == 1.0
        for name in ("searches its memory for assertions", "searches the heap", "walks the frames"):
            assert as_asserted(HOSTILE[name]).score == 0.0


def test_the_reward_works_on_after_all_of_them() -> None:
    assert as_called(HONEST).score == 1.0


def corpus() -> list[dict[str, Any]]:
    path = DATA / "code" / "corpora" / "hostile.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.slow
@pytest.mark.parametrize("row", corpus() or [None], ids=lambda row: row["id"] if row else "none")
def test_the_hostile_corpus(row: dict[str, Any] | None) -> None:
    if row is None:
        pytest.skip("REWARDKIT_DATA names no folder with code/corpora/hostile.jsonl: the corpus was not graded")
    settings = {"timeout": 2, "total_timeout": 8}
    tests = row["tests"]
    entry = row["entry"]
    asserted = assertions(*(f"assert {entry}({test['args'][0]!r}) == {test['expected']!r}" for test in tests))
    printed = stdin(*((f"{test['args'][0]}\n", str(test["expected"])) for test in tests))
    driver = f"\n\nimport sys as _s\nfor _line in _s.stdin:\n    print({entry}(int(_line)))\n"
    assert graded(row["code"], tests, entry_point=entry, **settings).score == 0.0
    assert graded(row["code"], asserted, entry_point=entry, **settings).score == 0.0
    assert graded(row["code"] + driver, printed, **settings).score == 0.0
