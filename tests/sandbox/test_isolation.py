# ruff: noqa: E501 - a program is read in one line
"""What a hostile program reaches: nothing. Canaries in files, the environment, memory and on sockets tell."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_jobs import calls, program

import reward_kit
from reward_kit.sandbox.client import Sandbox

CANARY = "canary-4711"


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that must be neither read nor changed, and a key in the environment."""
    monkeypatch.setenv("FIREWORKS_API_KEY", CANARY)
    tmp_path.chmod(0o777)
    path = tmp_path / "dataset.jsonl"
    path.write_text(CANARY)
    path.chmod(0o666)
    before = path.stat()
    yield path
    after = path.stat()
    assert path.read_text() == CANARY
    assert (after.st_mode, after.st_mtime_ns, after.st_uid, after.st_nlink) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_uid,
        before.st_nlink,
    )
    assert os.listdir(tmp_path) == [path.name]


FILES = [
    "print(open(P).read())",
    "open(P, 'w').write('x')",
    "open(P, 'a').write('x')",
    "import os; os.unlink(P)",
    "import os; os.rename(P, 'mine')",
    "import os; os.truncate(P, 0)",
    "import os; os.chmod(P, 0)",
    "import os; os.utime(P, (1, 1))",
    "import os; os.chown(P, 1, 1)",
    "import os; os.link(P, 'mine')",
    "import os; os.symlink(P, 'mine'); print(open('mine').read())",
    "import os; os.setxattr(P, 'user.x', b'1')",
    "import os; os.mkdir(P + '.d')",
    "import os; open(P + '.new', 'w')",
    "import os; os.mkfifo(P + '.fifo')",
    "import os; os.chroot('/')",
    "import os; os.chdir(os.path.dirname(P)); print(os.listdir())",
    "print(open('../../../../../../../../..' + P).read())",
]


@pytest.mark.parametrize("attack", FILES)
def test_no_file_outside_is_reached(walled: Sandbox, canary: Path, attack: str) -> None:
    (end,) = walled.run([program(f"P = {str(canary)!r}\n{attack}")])
    assert CANARY.encode() not in end.stdout
    assert end.exit_code == 1
    assert "Error" in end.stderr


SECRETS = [
    "import os; print(dict(os.environ))",
    "import os; print(open(f'/proc/{os.getppid()}/environ').read())",
    "print(open('/proc/self/environ').read())",
    "print(open(f'/proc/{PARENT}/environ').read())",
    "import ctypes; print(ctypes.CDLL(None).getenv(b'FIREWORKS_API_KEY'))",
    "import os; print(os.listdir('/proc'))",
    "print(open('/etc/passwd').read())",
    "import os; print(os.listdir(os.path.expanduser('~')))",
]


@pytest.mark.parametrize("attack", SECRETS)
def test_no_secret_is_found(walled: Sandbox, canary: Path, attack: str) -> None:
    (end,) = walled.run([program(f"PARENT = {os.getpid()}\n{attack}")])
    assert CANARY.encode() not in end.stdout
    assert b"root:" not in end.stdout


def test_there_is_no_proc(strong: Sandbox) -> None:
    (end,) = strong.run([program("import os; print(os.path.exists('/proc'), os.getpid())")])
    assert end.stdout == b"False 1\n"


def test_installed_packages_are_out_of_reach(walled: Sandbox) -> None:
    """They may hold datasets, with what is expected."""
    site = Path(os.__file__).parent / "site-packages"
    packages = [str(site), str(Path(pytest.__file__).parents[1]), str(Path(reward_kit.__file__).parent)]
    code = f"import os\nfor p in {packages!r}:\n  try: print(len(os.listdir(p)), open(p + '/pip/__init__.py').read())\n  except OSError: pass"
    (end,) = walled.run([program(code)])
    assert end.clean
    assert b"__version__" not in end.stdout


NETWORK = [
    "socket.create_connection(('127.0.0.1', PORT), .5)",
    "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
    "socket.socket(socket.AF_UNIX).connect(PATH)",
    "socket.socket(socket.AF_UNIX).connect(ABSTRACT)",
    "a, b = socket.socketpair(type=socket.SOCK_DGRAM); a.sendto(b'x', PATH)",
    "a, b = socket.socketpair(type=socket.SOCK_DGRAM); a.sendmsg([b'x'], [], 0, ABSTRACT)",
    "socket.socket().bind(('127.0.0.1', 0))",
    "socket.getaddrinfo('example.com', 80)[0][4][0] + 1",
]


@pytest.mark.parametrize("attack", NETWORK)
def test_no_socket_is_reached(walled: Sandbox, tmp_path: Path, attack: str) -> None:
    names = {"PATH": str(tmp_path / "socket"), "ABSTRACT": f"\0rewardkit-{os.getpid()}"}
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", tcp.getsockname()[1]))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as path, socket.socket(socket.AF_UNIX) as abstract:
            path.bind(names["PATH"])
            abstract.bind(names["ABSTRACT"])
            abstract.listen()
            (end,) = walled.run(
                [program(f"import socket\nPORT = {tcp.getsockname()[1]}\nglobals().update({names!r})\n{attack}")]
            )
            for listener in (tcp, udp, path, abstract):
                listener.setblocking(False)
                with pytest.raises(BlockingIOError):
                    listener.recv(1) if listener in (udp, path) else listener.accept()
    assert end.exit_code == 1


PROCESSES = [
    "os.fork()",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "import subprocess; subprocess.run([sys.executable, '-c', 'pass'])",
    "os.execv(sys.executable, ['python3', '-c', 'print(1)'])",
    "import multiprocessing; multiprocessing.get_context('fork').Process(target=print).start()",
    "os.kill(OTHER, 0)",
    "os.kill(-1, 0)",
    "os.kill(1 if os.getpid() > 1 else 2, 0)",
    "os.killpg(0, 0)",
    "signal.pidfd_send_signal(os.pidfd_open(OTHER), 0)",
    "call(101, 16, OTHER, 0, 0)",
    "call(310, OTHER, ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0)",
    "call(272, 0x10000000)",
    "call(165, b'none', b'/', b'tmpfs', 0, 0)",
    "call(308, 0, 0)",
    "call(321, 0, 0, 0)",
    "call(425, 8, ctypes.create_string_buffer(256))",
    "call(323, 0)",
    "call(248, b'user', b'a', b'b', 1, -3)",
    "call(319, b'x', 0)",
    "call(298, 0, 0, -1, -1, 0)",
    "call(227, 0, ctypes.create_string_buffer(16))",
    "call(29, 0, 4096, 0o1666)",
    "call(240, b'/q', 0o102, 0o666, 0)",
    "call(135, 0x40000)",
    "call(157, 1, 0)",
    "call(157, 4, 1)",
    "call(72, 0, 8, OTHER)",
    "call(16, 0, 0x5412, b'x')",
    "call(317, 0, 0, 0)",
    "call(161, b'/')",
    "call(133, b'dev', 0o20666, 0x103)",
    "call(434, OTHER, 0)",
    "call(141, 0, 0, -5)",
    "call(203, 0, 8, ctypes.create_string_buffer(8))",
    "call(999, 0)",
    "resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))",
    "resource.prlimit(OTHER, resource.RLIMIT_CPU)",
    "os.setuid(0) or os.setresuid(0, 0, 0) or 1 / 0",
]
TOOLS = """\
import ctypes, os, resource, signal, sys
OTHER = {pid}
libc = ctypes.CDLL(None, use_errno=True)
def call(*a):
    if libc.syscall(*[ctypes.c_long(x) if isinstance(x, int) else x for x in a]) < 0:
        raise OSError(ctypes.get_errno(), 'denied')
"""


@pytest.mark.parametrize("attack", PROCESSES)
def test_no_process_and_no_kernel_door_is_opened(walled: Sandbox, attack: str) -> None:
    (end,) = walled.run([program(TOOLS.format(pid=os.getpid()) + attack, wall=5.0)])
    assert end.exit_code == 1
    assert "Error" in end.stderr


def test_other_abis_of_the_kernel_kill(walled: Sandbox) -> None:
    (end,) = walled.run([program("import ctypes; print(ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000 + 39)))")])
    assert (end.signal, end.stdout) == (31, b"")


def test_nothing_of_an_earlier_job_is_left_for_a_later_one(walled: Sandbox) -> None:
    """The fork server never sees code, inputs or tests: it has nothing to pass on."""
    secret = "left" + "over" + "77"
    walled.run([calls(f"def f(x): return '{secret}'", (secret,)), program(f"x = '{secret}'", secret)])
    code = (
        "import gc, sys\nwanted = '77revotfel'\n"
        "found = [o for o in gc.get_objects() if type(o) in (list, dict, tuple) and wanted[::-1] in repr(o)]\n"
        "frame, seen = sys._getframe(), []\nwhile frame: seen.append(repr(frame.f_locals) if frame.f_back else ''); frame = frame.f_back\n"
        "print(len(found), sum(wanted[::-1] in s for s in seen[1:]))"
    )
    (end,) = walled.run([program(code)])
    assert end.stdout == b"0 0\n", end.stderr


def test_descriptors_are_the_jobs_own(walled: Sandbox) -> None:
    code = "import os\nopen_ = []\nfor fd in range(4096):\n  try: os.fstat(fd)\n  except OSError: pass\n  else: open_.append(fd)\nprint(open_)"
    (end,) = walled.run([program(code)])
    assert end.stdout == b"[0, 1, 2]\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("layers", ["namespaces,landlock,seccomp,limits", "landlock,seccomp,limits"])
def test_an_ordinary_user_has_the_same_sandbox(layers: str) -> None:
    """Run by an interpreter that this user may read: the system's, where ours lies in a closed folder."""
    root = Path(reward_kit.__file__).parents[1]
    site = Path(pytest.__file__).parents[1]
    code = (
        "import sys; from reward_kit.sandbox.client import Sandbox; from reward_kit.sandbox.shapes import Job, Mode\n"
        f"with Sandbox(frozenset({layers!r}.split(','))) as s:\n"
        "    ends = s.run([Job(Mode.PROGRAM, 'print(6 * 7)'), Job(Mode.PROGRAM, 'import os; os.fork()'),\n"
        "                  Job(Mode.PROGRAM, \"open('/etc/passwd')\")])\n"
        "    print([(e.exit_code, e.stdout) for e in ends], s.facts['user'])"
    )
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [python, "-c", code],
                user=12345,
                group=12345,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                text=True,
                env={"PYTHONPATH": f"{root}:{site}"},
                timeout=60,
                check=False,
            )
        except OSError:
            continue
        if "pydantic" in done.stderr:
            continue  # another minor version than the packages were installed for
        assert done.stdout == "[(0, b'42\\n'), (1, b''), (1, b'')] 12345\n", done.stderr
        return
    pytest.skip("no interpreter here that an ordinary user may run")
