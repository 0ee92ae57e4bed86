"""A throwaway world for hostile programs: a bubblewrap container with canary files, keys and listeners.

    from hostile_world import run_world

Hostile programs run nowhere else. Outside, `run_world` starts a container (namespaces of its own, no network, files of
the host read-only, a cgroup or rlimit against bombs) with this file as its program; inside, each case is graded by
`fractional_code_reward`, and after each the world is looked over: canary files, new files, connections, processes.
Its user is `root`, `rootless` (root of a user namespace that knows no other user), or `ordinary` (uid 12345, outside
too).
"""

from __future__ import annotations

import sys

if sys.path[0].endswith("benchmarks"):
    sys.path.append(sys.path.pop(0))  # first, this folder's math.py would hide the standard library's

import contextlib
import hashlib
import json
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from programs import FORMS, honest_answers, hostile_case

ROOT = Path(__file__).resolve().parents[1]
ORDINARY = 12345
PORT = 18999
ABSTRACT = "\0rk-canary"
KEY = "fw_canary_0123456789abcdef"
#: What a world holds besides the project: path -> text. `~` is the user's home.
CANARIES = {
    "/repo/grader.py": "EXPECTED = {1: 7919481236507, 2: -44120987311, 3: 603117729912345, 4: 18}\n",
    "/repo/dataset.jsonl": "".join(
        json.dumps({"args": [number], "expected": answer}) + "\n"
        for number, answer in ((1, 7919481236507), (2, -44120987311), (3, 603117729912345), (4, 18))
    ),
    "/repo/cassettes/a.yaml": "CASSETTE-CANARY: [7919481236507, -44120987311, 603117729912345, 18]\n",
    "~/.ssh/id_rsa": "KEY-CANARY\n",
    "~/.bashrc": "# canary\n",
}
WATCHED = ("/repo", "/tmp", "/dev/shm", "/var/tmp", "/run", "~")
#: Processes and bytes that the world may take; a bomb that gets out hits these and not the machine.
PROCESSES, MEMORY = 400, 6 << 30
#: Seconds that survivors of a program get to be reaped.
GRACE = 2.0
#: Seconds after which a world that says nothing is over.
SILENCE = 120.0


@dataclass(frozen=True)
class Outcome:
    """What a hostile program got, and what it did: `breaches` is empty where it got nothing and did nothing."""

    id: str
    form: str
    score: float | None
    seconds: float
    breaches: list[str] = field(default_factory=list)
    why: str = ""


# ------------------------------------------------------------------------------------------------------ outside
def unavailable() -> str:
    """Why there can be no world here; empty where there can."""
    return "" if shutil.which("bwrap") else "bubblewrap is not installed (apt-get install bubblewrap)"


def run_world(cases: Sequence[Any], tier: str, user: str, timeout: float) -> Iterator[Outcome]:
    """Grade `cases` in worlds: one for all, and a new one after each case that ended its world."""
    left, barren = list(cases), 0
    while left:
        seen = 0
        for outcome in one_world(left, tier, user, timeout):
            seen += 1
            yield outcome
        barren = 0 if seen else barren + 1
        if barren > 2:
            raise SystemExit("three worlds in a row ended before their first program did")
        if seen < len(left):
            yield Outcome(left[seen].id, left[seen].form, None, 0.0, ["the world ended or fell silent"])
        left = left[seen + 1 :]


def one_world(cases: Sequence[Any], tier: str, user: str, timeout: float) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory(prefix="world-") as folder:
        os.chmod(folder, 0o755)
        spec = Path(folder) / "cases.jsonl"
        spec.write_text("".join(case.to_json() + "\n" for case in cases), encoding="utf-8")
        results, writing = os.pipe()
        program = [sys.executable, "-B", str(Path(__file__).resolve()), str(writing), tier, str(timeout)]
        command = container(spec, user, Path(folder)) + program
        with bounded_group() as enter, open(f"{folder}/errors", "w+b") as errors:
            world = subprocess.Popen(
                command,
                pass_fds=[writing],
                preexec_fn=lambda: enter(),
                env={"PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                cwd="/",
            )
            os.close(writing)
            try:
                yield from read_outcomes(results)
            finally:
                ended(world)
                os.close(results)
                show_errors(errors)


def ended(world: subprocess.Popen[bytes]) -> None:
    """A world that is done ends by itself within a moment; any other is ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        world.wait(3)
    world.kill()
    world.wait()


def show_errors(errors: Any) -> None:
    errors.seek(0)
    if text := errors.read(4000).decode(errors="replace").strip():
        print("  the world said:", text[-2000:].replace("\n", "\n    "))


def read_outcomes(results: int) -> Iterator[Outcome]:
    import select

    waiting = b""
    while select.select([results], [], [], SILENCE)[0]:
        if not (some := os.read(results, 1 << 16)):
            return
        *lines, waiting = (waiting + some).split(b"\n")
        for line in lines:
            yield Outcome(**json.loads(line))


def container(spec: Path, user: str, folder: Path) -> list[str]:
    """The command for the world: the host's interpreter and this project read-only, everything else new."""
    number, home = (ORDINARY, "/home/u") if user == "ordinary" else (0, "/root")
    arguments = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    if user != "root":
        arguments += ["--unshare-user", "--uid", str(number), "--gid", str(number)]
    arguments += [] if user == "ordinary" else ["--cap-add", "ALL"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for path in ("/tmp", "/repo", "/var/tmp", "/run", home):
        arguments += ["--size", str(64 << 20), "--tmpfs", path]
    for path in ("/usr", "/etc/ld.so.cache", "/etc/passwd", "/etc/ssl"):
        arguments += ["--ro-bind-try", path, path]
    for path in ("/bin", "/lib", "/lib64", "/sbin"):
        arguments += ["--symlink", "usr" + path, path]
    seen = {path: str(folder / f"seen{at}") if user == "ordinary" else path for at, path in enumerate(needed_folders())}
    for path, at in seen.items():
        arguments += ["--ro-bind", at, path]
    arguments += ["--ro-bind", str(spec), "/cases.jsonl", "--chdir", "/repo", "--clearenv"]
    for name, value in {
        "HOME": home,
        "FIREWORKS_API_KEY": KEY,
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
    }.items():
        arguments += ["--setenv", name, value]
    return [*as_ordinary(seen), *arguments] if user == "ordinary" else arguments


def needed_folders() -> list[str]:
    """The project, the environment and the interpreter, where they are not below /usr."""
    interpreter = Path(sys.executable).resolve().parents[1]
    found = {str(ROOT), sys.prefix, sys.base_prefix, str(interpreter)}
    return sorted(path for path in found if not f"{path}/".startswith("/usr/"))


def as_ordinary(seen: dict[str, str]) -> list[str]:
    """What comes before the command for it to be an ordinary user's.

    An interpreter below root's home is not to be seen by others: in a mount namespace of its own it is bound to a
    folder that is.
    """
    steps = [f"mkdir -p {at} && mount --bind {path} {at}" for path, at in seen.items()]
    drop = f'exec setpriv --reuid {ORDINARY} --regid {ORDINARY} --clear-groups --inh-caps=-all -- "$@"'
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", " && ".join([*steps, drop]), "sh"]


@contextlib.contextmanager
def bounded_group() -> Iterator[Any]:
    """A function for the container's first process that bounds it and all that come of it."""
    folders = [*cgroup_folders()] if os.getuid() == 0 else []

    def enter() -> None:
        for folder in folders:
            (folder / "cgroup.procs").write_text("0")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    try:
        yield enter
    finally:
        for folder in folders:
            for _ in range(50):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.1)


def cgroup_folders() -> Iterator[Path]:
    for controller, name, value in (("pids", "pids.max", PROCESSES), ("memory", "memory.limit_in_bytes", MEMORY)):
        base = Path("/sys/fs/cgroup") / controller
        if not (base / name).exists() and controller == "memory":
            own = [
                line.split(":")[2] for line in Path("/proc/self/cgroup").read_text().splitlines() if ":memory:" in line
            ]
            base = base / own[0].lstrip("/") if own and (base / own[0].lstrip("/")).exists() else base
        folder = base / f"rk-world-{os.getpid()}-{time.monotonic_ns()}"
        try:
            folder.mkdir()
            (folder / name).write_text(str(value))
        except OSError as error:
            print(f"  no {controller} cgroup ({error.strerror}): a bomb that gets out is not bounded by one")
            continue
        yield folder


# ------------------------------------------------------------------------------------------------------- inside
class Listeners:
    """Sockets that a program must not reach."""

    def __init__(self) -> None:
        self.sockets = {
            "TCP": listening(socket.AF_INET, ("127.0.0.1", PORT)),
            "unix": listening(socket.AF_UNIX, "/repo/sock"),
            "abstract unix": listening(socket.AF_UNIX, ABSTRACT),
        }
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", PORT))
        self.datagrams.setblocking(False)

    def met(self) -> list[str]:
        """Which were reached since the last look."""
        found = []
        for name, one in self.sockets.items():
            with contextlib.suppress(BlockingIOError):
                one.accept()[0].close()
                found.append(f"connected to {name}")
        with contextlib.suppress(BlockingIOError):
            self.datagrams.recv(100)
            found.append("sent a datagram")
        return found


def listening(family: int, address: Any) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    one.bind(address)
    one.listen(8)
    one.setblocking(False)
    return one


def files() -> dict[str, str]:
    """Every file and folder that is watched, with its mode, owner and content."""
    found = {}
    for top in WATCHED:
        for folder, below, names in os.walk(os.path.expanduser(top)):
            below[:] = [name for name in below if not os.path.ismount(os.path.join(folder, name))]
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                with contextlib.suppress(FileNotFoundError):
                    found[path] = described(path)
    return found


def described(path: str) -> str:
    stat = os.lstat(path)
    text = f"{stat.st_mode:o} {stat.st_uid} {stat.st_nlink if not os.path.isdir(path) else ''}"
    if os.path.islink(path):
        return f"{text} -> {os.readlink(path)}"
    if not os.path.isfile(path):
        return text
    with open(path, "rb") as file:
        return f"{text} {hashlib.file_digest(file, 'sha256').hexdigest()} {stat.st_mtime_ns}"


def changed_files(before: dict[str, str]) -> list[str]:
    now = files()
    found = [f"{path} is gone" for path in before.keys() - now.keys()]
    found += [f"{path} is new" for path in now.keys() - before.keys()]
    return found + [f"{path} was changed" for path in before.keys() & now.keys() if before[path] != now[path]]


def processes() -> dict[int, int]:
    """Every process here but this one and its direct children that are no zombies: pid -> parent."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                _, _, rest = Path(f"/proc/{name}/stat").read_text().rpartition(")")
                found[int(name)] = int(rest.split()[1])
    return found


def survivors(before: dict[int, int]) -> list[str]:
    """Processes that were not here before and are no fork server of this process's: looked for until there are none."""
    end = time.monotonic() + GRACE
    while new := {pid: parent for pid, parent in processes().items() if pid not in before and parent != os.getpid()}:
        if time.monotonic() > end:
            return [f"process {pid} survives" for pid in new]
        time.sleep(0.02)
    return []


def grade(case: dict[str, Any], timeout: float) -> tuple[float | None, list[str], str]:
    """The score, what was wrong with the grading itself, and the reason given."""
    from reward_kit.rewards.code_execution import fractional_code_reward

    answer = f"```python\n{case['code']}\n```"
    messages = [{"role": "user", "content": "Write the program."}, {"role": "assistant", "content": answer}]
    try:
        result = fractional_code_reward(
            messages, case["ground_truth"], timeout=timeout, total_timeout=timeout * 3, **case["options"]
        )
    except Exception as error:  # noqa: BLE001  # the grader must not fall over a program: whatever it raised is a breach
        return None, [f"the grader raised {type(error).__name__}: {error}"[:400]], ""
    breaches = [] if result.score == case["wanted"] else [f"reward {result.score}, not {case['wanted']}"]
    return float(result.score), breaches, f"{result.reason}"[:200]


def examine(case: dict[str, Any], timeout: float, listeners: Listeners) -> Outcome:
    """Grade one case, and say what it left in the world."""
    before, around = files(), processes()
    descriptors, start = len(os.listdir("/proc/self/fd")), time.monotonic()
    score, breaches, why = grade(case, timeout)
    seconds = time.monotonic() - start
    breaches += survivors(around) + changed_files(before) + listeners.met()
    if seconds > timeout * 3 + 8:
        breaches.append(f"took {seconds:.1f} s")
    if (now := len(os.listdir("/proc/self/fd"))) > descriptors:
        breaches.append(f"{now - descriptors} descriptors leaked")
    if os.environ.get("FIREWORKS_API_KEY") != KEY:
        breaches.append("the key is gone")
    return Outcome(case["id"], case["form"], score, round(seconds, 2), breaches, why)


def furnish() -> None:
    for path, text in CANARIES.items():
        file = Path(os.path.expanduser(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def warm_up(timeout: float) -> None:
    """Start the fork server and fill every cache that has files: only what a case leaves behind is to count."""
    for form in FORMS:
        case = asdict(hostile_case(honest_answers(), form)) | {"wanted": 1.0}
        if breaches := grade(case, timeout)[1]:
            raise SystemExit(f"the same driver around an honest program: {form} form: {breaches}")


def inside(results: int, tier: str, timeout: float) -> None:
    """Grade every case of /cases.jsonl; one line of JSON for each into `results`."""
    from reward_kit.sandbox import require

    os.set_inheritable(results, False)
    furnish()
    listeners = Listeners()
    require(tier)
    with open("/cases.jsonl", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    warm_up(timeout)
    for case in cases:
        os.write(results, (json.dumps(asdict(examine(case, timeout, listeners))) + "\n").encode())


if __name__ == "__main__":
    inside(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
