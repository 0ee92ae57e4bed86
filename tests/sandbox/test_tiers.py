"""What a sandbox is called is what was tried: layers are really refused here, and the escapes really run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import lesser_machine
import pytest

from reward_kit.sandbox.escapes import ESCAPES, try_escapes
from reward_kit.sandbox.shapes import End, Job, Returned
from reward_kit.sandbox.tiers import CHOICES, Found, Tier, choose, find_tier

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox's layers are Linux's")
#: What a process of this user can do to another of its own, whatever the kernel.
EVERYWHERE = {
    "read_file",
    "write_file",
    "change_file",
    "read_environment",
    "signal_others",
    "connect_tcp",
    "send_udp",
    "connect_unix",
    "start_process",
    "run_program",
}


@pytest.fixture(scope="module")
def full() -> Found:
    """What this machine gives, which must be everything for most of these tests to say something."""
    found = find_tier()
    if found.tier is not Tier.STRONG:
        pytest.skip(f"this machine has no strong sandbox: {found.why_not(Tier.STRONG)}")
    return found


def run_plainly(jobs: Sequence[Job]) -> list[End]:
    """Jobs without any sandbox: a fork each. Only for attacks that are harmless by construction."""
    return [_forked(job) for job in jobs]


def _forked(job: Job) -> End:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            names: dict[str, object] = {}
            exec(compile(job.code, "job", "exec"), names)
            for call in job.calls:
                os.write(writing, json.dumps(_called(names[job.entry_point], call.args)).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answers:
        returned = tuple(Returned(*json.loads(line)) for line in answers)
    os.waitpid(child, 0)
    return End(0, returned=returned)


def _called(function, args) -> tuple[bool, None, str]:
    try:
        function(*args)
    except Exception as error:  # noqa: BLE001  # it is the answer
        return False, None, f"{type(error).__name__}: {error}"
    return True, None, ""


def test_without_a_sandbox_the_escapes_get_through() -> None:
    """Else nothing could be learnt from their being stopped."""
    through = {attempt.name for attempt in try_escapes(run_plainly) if not attempt.stopped}
    assert through >= EVERYWHERE
    assert through <= set(ESCAPES)


def test_an_escape_that_gives_no_answer_was_not_stopped() -> None:
    attempts = try_escapes(lambda jobs: [End(1) for _ in jobs])
    assert {(attempt.stopped, attempt.how) for attempt in attempts} == {(False, "no answer came back")}


def test_an_escape_that_could_not_be_tried_was_not_stopped() -> None:
    broken = Returned(False, None, "ImportError: No module named '_ctypes'")
    attempts = try_escapes(lambda jobs: [End(0, returned=(broken,) * len(job.calls)) for job in jobs])
    assert {attempt.stopped for attempt in attempts} == {False}
    assert attempts[0].how == f"could not be tried: {broken.error}"


def test_what_an_escape_left_behind_counts_more_than_what_it_says() -> None:
    """A connection that was made was not stopped, though the attack says so."""

    def lying(jobs: Sequence[Job]) -> list[End]:
        run_plainly(jobs)
        refused = Returned(False, None, "PermissionError: [Errno 1] Operation not permitted")
        return [End(0, returned=(refused,) * len(job.calls)) for job in jobs]

    seen = {attempt.name for attempt in try_escapes(lying) if not attempt.stopped}
    assert seen == {"write_file", "change_file", "connect_tcp", "send_udp", "connect_unix"}


def test_with_all_layers_every_escape_is_stopped(full: Found) -> None:
    assert [attempt for attempt in full.attempts if not attempt.stopped] == []
    assert set(full.layers) == Tier.STRONG.layers
    assert str(full).startswith("strong (namespaces, landlock ")


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    ("left_out", "tier"),
    [
        ("", Tier.STRONG),
        ("namespaces", Tier.GOOD),
        ("landlock", Tier.GOOD),
        ("namespaces landlock", Tier.BASIC),
        ("seccomp", Tier.NONE),
        ("namespaces landlock seccomp", Tier.NONE),
    ],
)
def test_the_tier_falls_with_the_layers(left_out: str, tier: Tier) -> None:
    found = find_tier(Tier.STRONG.layers - set(left_out.split()))
    assert found.tier is tier, found
    assert {attempt.name for attempt in found.attempts if attempt.stopped} >= tier.closes


@pytest.mark.usefixtures("full")
def test_basic_leaves_open_what_it_says() -> None:
    through = {attempt.name for attempt in find_tier(Tier.BASIC.layers).attempts if not attempt.stopped}
    assert through >= {"read_file", "write_file"}
    assert "files" in Tier.BASIC.leaves_open


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("tier", Tier)
def test_a_tier_asked_for_by_name_has_exactly_its_layers(tier: Tier) -> None:
    found = choose(tier.value)
    assert (found.tier, set(found.layers)) == (tier, tier.layers)


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("asked", ["auto", "strict"])
def test_auto_and_strict_take_the_best(asked: str) -> None:
    assert choose(asked).tier is Tier.STRONG


def test_an_unknown_choice_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match="'strongest' is no choice of sandbox: auto, strict, strong, good, basic, none"
    ):
        choose("strongest")
    assert CHOICES == ("auto", "strict", "strong", "good", "basic", "none")


# ------------------------------------------------------------------------------------------- machines that give less
def ask(refused: str, asked: str) -> str:
    """What a process gets that asks for a sandbox on a machine that refuses these layers."""
    code = f"""
from reward_kit.sandbox.errors import SandboxUnavailableError
from reward_kit.sandbox.tiers import choose
try:
    found = choose({asked!r})
except SandboxUnavailableError as error:
    print("refused:", error)
else:
    print(found.tier, sorted(found.layers), dict(found.refused))
"""
    command = lesser_machine.command(refused, sys.executable, "-c", code)
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.usefixtures("full")
def test_without_user_namespaces_auto_gives_good_and_says_why() -> None:
    told = ask("namespaces", "auto")
    assert told.startswith("good ['landlock', 'limits', 'seccomp']")
    assert "'namespaces': '" in told


@pytest.mark.usefixtures("full")
def test_without_user_namespaces_strict_refuses_with_the_reason() -> None:
    told = ask("namespaces", "strict")
    assert told.startswith("refused: no sandbox of tier strong here: namespaces: ")
    assert told.endswith("This machine gives good")


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    ("refused", "asked", "tier"),
    [
        ("landlock", "auto", "good"),
        ("namespaces,landlock", "auto", "basic"),
        ("namespaces,landlock", "basic", "basic"),
        ("namespaces,landlock,seccomp", "none", "none"),
    ],
)
def test_a_lesser_machine_gives_what_it_has(refused: str, asked: str, tier: str) -> None:
    assert ask(refused, asked).split()[0] == tier


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("refused", ["seccomp", "landlock,seccomp", "namespaces,landlock,seccomp"])
def test_none_is_never_chosen_silently(refused: str) -> None:
    told = ask(refused, "auto")
    assert told.startswith("refused: there is no sandbox here: seccomp: ")
    assert told.endswith("ask for none by name: --rk-sandbox=none")


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(("refused", "asked"), [("landlock", "good"), ("seccomp", "basic"), ("namespaces", "strong")])
def test_a_tier_asked_for_by_name_is_refused_where_a_layer_is_missing(refused: str, asked: str) -> None:
    assert ask(refused, asked).startswith(f"refused: no sandbox of tier {asked} here: {refused}: ")


# ---------------------------------------------------------------------------------------------------- one per process
SHARED = """
import os
from reward_kit.sandbox import shared
from reward_kit.sandbox.shapes import Job, Mode
from reward_kit.sandbox.client import Sandbox

def say(text):
    os.write(1, (text + "\\n").encode())

def hello():
    end, = shared.shared_sandbox().run([Job(Mode.PROGRAM, "print('hello')")])
    return end.stdout.decode().strip()
"""


def run_shared(code: str) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", SHARED + code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.usefixtures("full")
def test_a_fork_knows_what_was_found_and_has_a_sandbox_of_its_own() -> None:
    told = run_shared("""
found, mine, first = shared.found_tier(), shared.shared_sandbox(), hello()
if (child := os.fork()) == 0:
    same = shared.found_tier() is found and shared.shared_sandbox() is not mine
    say(f"child {same} {hello()}")
    os._exit(0)
os.waitpid(child, 0)
say(f"parent {shared.shared_sandbox() is mine} {first} {hello()}")
""")
    assert told == ["child True hello", "parent True hello hello"]


@pytest.mark.usefixtures("full")
def test_what_is_required_reaches_forks() -> None:
    told = run_shared("""
shared.require("basic")
if (child := os.fork()) == 0:
    say(f"{shared.found_tier().tier} {sorted(shared.shared_sandbox().layers)} {hello()}")
    os._exit(0)
os.waitpid(child, 0)
""")
    assert told == ["basic ['limits', 'seccomp'] hello"]


@pytest.mark.usefixtures("full")
def test_another_requirement_gives_another_sandbox() -> None:
    told = run_shared("""
for asked in ("none", "good", "auto"):
    shared.require(asked)
    say(f"{shared.found_tier().tier} {len(shared.shared_sandbox().layers)} {hello()}")
""")
    assert told == ["none 1 hello", "good 3 hello", "strong 4 hello"]


def test_an_unknown_requirement_is_refused_at_once() -> None:
    from reward_kit.sandbox.shared import require

    with pytest.raises(ValueError, match="no choice of sandbox"):
        require("some")


@pytest.mark.usefixtures("full")
def test_a_layer_lost_after_it_was_found_is_an_error_and_no_lesser_sandbox() -> None:
    """A worker in which namespaces are refused must not run programs without them."""
    told = run_shared(
        f"import sys; sys.path.insert(0, {os.path.dirname(lesser_machine.__file__)!r})"
        """
import lesser_machine
from reward_kit.sandbox.errors import SandboxUnavailableError
found = shared.found_tier()
lesser_machine.refuse_namespaces()
try:
    hello()
except SandboxUnavailableError as error:
    say(str(error))
"""
    )
    assert len(told) == 1
    assert told[0].startswith("the sandbox with landlock, limits, namespaces, seccomp: ")
    assert "unshare" in told[0]
