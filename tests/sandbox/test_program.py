"""A program in the sandbox behaves as `python3 solution.py`."""

# ruff: noqa: E501 - a program and what it prints are read in one line
from __future__ import annotations

import textwrap

import pytest
from sandbox_jobs import program

from reward_kit.sandbox.client import Sandbox
from reward_kit.sandbox.shapes import End

HONEST = {
    "reads numbers": ("print(sum(map(int, input().split())))", "1 2 3\n", "6\n"),
    "reads all of stdin": ("import sys; print(len(sys.stdin.read()))", "ab\ncd", "5\n"),
    "reads lines": ("import sys\nfor line in sys.stdin: print(line.strip()[::-1])", "ab\ncd\n", "ba\ndc\n"),
    "reads bytes": ("import sys; print(sys.stdin.buffer.readline())", "é\n", "b'\\xc3\\xa9\\n'\n"),
    "opens descriptor 0": ("print(open(0).read().upper())", "hi", "HI\n"),
    "reads with os.read": ("import os; print(os.read(0, 100))", "x", "b'x'\n"),
    "writes bytes": ("import sys; sys.stdout.buffer.write(b'\\xf0\\x9f\\x98\\x80')", "", "\U0001f600"),
    "writes emoji and backslashes": ("print(input())", "\\n \U0001f600 '''\n", "\\n \U0001f600 '''\n"),
    "keeps carriage returns": ("import sys; print(repr(sys.stdin.read()))", "a\r\nb", "'a\\r\\nb'\n"),
    "meets the end of input": ("try: input()\nexcept EOFError: print('end')", "", "end\n"),
    "is __main__": ("if __name__ == '__main__': print(__name__, __file__[-11:])", "", "__main__ solution.py\n"),
    "has arguments": ("import sys; print(sys.argv)", "", "['solution.py']\n"),
    "leaves with exit": ("print(1); exit()", "", "1\n"),
    "leaves with quit": ("print(1); quit(0)", "", "1\n"),
    "leaves with sys.exit(0)": ("import sys; print(1); sys.exit(0)", "", "1\n"),
    "prints without a newline": ("print('a', end='')", "", "a"),
    "is large": ("print('x' * 588_000)", "", "x" * 588_000 + "\n"),
    "takes 96 MB": ("a = [0] * 12_000_000; print(len(a))", "", "12000000\n"),
    "recurses": ("def f(n): return n and 1 + f(n - 1)\nprint(f(980))", "", "980\n"),
    "raises the recursion limit": (
        "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(50_000))",
        "",
        "50000\n",
    ),
    "catches RecursionError": ("def f(): f()\ntry: f()\nexcept RecursionError: print('deep')", "", "deep\n"),
    "recurses in a big thread": (
        "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(2**26)\n"
        "def f(n): return n and 1 + f(n - 1)\n"
        "t = threading.Thread(target=lambda: print(f(20_000))); t.start(); t.join()",
        "",
        "20000\n",
    ),
    "waits for its threads": (
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(.05), print('late'))).start()",
        "",
        "late\n",
    ),
    "uses a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor as P\nprint(sum(P(4).map(abs, [-1, 2])))",
        "",
        "3\n",
    ),
    "runs exit functions": ("import atexit; atexit.register(print, 'bye'); print('hi')", "", "hi\nbye\n"),
    "runs finalizers": ("class A:\n  def __del__(self): print('gone')\na = A()", "", "gone\n"),
    "uses asyncio": (
        "import asyncio\nasync def f(): await asyncio.sleep(0); print('in')\nasyncio.run(f())",
        "",
        "in\n",
    ),
    "writes and reads a file": ("open('a.txt', 'w').write('hi'); print(open('a.txt').read())", "", "hi\n"),
    "uses temporary files": (
        "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b'x'); f.seek(0); print(f.read())",
        "",
        "b'x'\n",
    ),
    "removes folders": (
        "import os, shutil\nos.makedirs('a/b'); os.rename('a/b', 'c'); shutil.rmtree('a'); print(os.listdir('c'))",
        "",
        "[]\n",
    ),
    "reads its own source": ("print(open(__file__).read(5))", "", "print\n"),
    "imports rare modules": ("import hashlib, sqlite3, zlib, csv, uuid, secrets, ctypes; print('ok')", "", "ok\n"),
    "uses data classes": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n  x: int\nprint(A(1))",
        "",
        "A(x=1)\n",
    ),
    "gets random numbers, the same ones": ("import random; print(random.random())", "", "0.8444218515250481\n"),
    "gets hashes, the same ones": ("print(hash('a') == hash('a'))", "", "True\n"),
    "sets an alarm": (
        "import signal, time\nsignal.signal(signal.SIGALRM, lambda *_: print('ring'))\n"
        "signal.setitimer(signal.ITIMER_REAL, .01); time.sleep(.05)",
        "",
        "ring\n",
    ),
    "raises a signal to itself": (
        "import signal\nsignal.signal(signal.SIGUSR1, lambda *_: print('got'))\nsignal.raise_signal(signal.SIGUSR1)",
        "",
        "got\n",
    ),
    "maps memory": ("import mmap; m = mmap.mmap(-1, 4096); m[:2] = b'ab'; print(m[:2])", "", "b'ab'\n"),
    "uses time zones": ("import zoneinfo; print(zoneinfo.ZoneInfo('UTC'))", "", "UTC\n"),
    "has a byte order mark": ("\ufeffprint(1)", "", "1\n"),
    "knows its limits": (
        "import sys; print(sys.getrecursionlimit(), sys.int_info.default_max_str_digits)",
        "",
        "1000 4300\n",
    ),
    "has no surroundings": ("import os; print(dict(os.environ))", "", "{}\n"),
}

FAILING = {
    "raises": ("x = 1\n1 / 0", 1, "ZeroDivisionError: division by zero"),
    "cannot be read": ("def f(:", 1, "SyntaxError: invalid syntax"),
    "exits with a text": ("import sys; sys.exit('no')", 1, "no"),
    "exits with a number": ("import sys; sys.exit(7)", 7, ""),
    "exits with a large number": ("import sys; sys.exit(256 + 3)", 3, ""),
    "exits from an exit function": ("import atexit, os; atexit.register(os._exit, 9)", 9, ""),
    "cannot flush": ("import os; print('x'); os.close(1)", 120, ""),
    "does not know a name": ("zzzzzz()", 1, "NameError: name 'zzzzzz' is not defined"),
    "fails in its own hook": (
        "import sys\ndef h(*a): print('hook', file=sys.stderr)\nsys.excepthook = h\n1/0",
        1,
        "hook",
    ),
}


def run(sandbox: Sandbox, code: str, stdin: str = "") -> End:
    (end,) = sandbox.run([program(code, stdin, wall=20.0)])
    return end


@pytest.mark.parametrize("what", HONEST)
def test_an_honest_program(sandbox: Sandbox, what: str) -> None:
    code, stdin, expected = HONEST[what]
    end = run(sandbox, code, stdin)
    assert (end.stdout.decode(), end.stderr, end.exit_code, end.limit) == (expected, "", 0, "")
    assert end.clean


@pytest.mark.parametrize("what", FAILING)
def test_a_program_that_fails(sandbox: Sandbox, what: str) -> None:
    code, status, last_line = FAILING[what]
    end = run(sandbox, code)
    assert end.exit_code == status
    assert not end.clean
    if last_line:
        assert end.stderr.rstrip().splitlines()[-1] == last_line


def test_a_traceback_shows_the_program_and_nothing_of_the_sandbox(sandbox: Sandbox) -> None:
    end = run(sandbox, "def f(x):\n    return 1 / x\n\nf(0)\n")
    shown = end.stderr
    assert "line 4, in <module>\n    f(0)\n" in shown
    assert "line 2, in f\n    return 1 / x\n" in shown
    assert "reward_kit" not in shown
    assert shown.count("File ") == 2


def test_a_chained_traceback_is_whole(sandbox: Sandbox) -> None:
    code = textwrap.dedent("""\
        try:
            {}["key"]
        except KeyError as error:
            raise ValueError("bad") from error
        """)
    shown = run(sandbox, code).stderr
    assert "KeyError: 'key'" in shown
    assert "direct cause" in shown
    assert "reward_kit" not in shown


def test_jobs_come_back_in_order_and_know_nothing_of_each_other(sandbox: Sandbox) -> None:
    code = "import os, time; n = int(input()); time.sleep((5 - n) * .02); open(f'{n}', 'w'); print(n, sorted(os.listdir()))"
    ends = sandbox.run([program(code, str(n)) for n in range(6)])
    assert [end.stdout.decode() for end in ends] == [f"{n} ['{n}', 'solution.py']\n" for n in range(6)]
