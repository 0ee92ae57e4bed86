"""Recording a suite's cassettes through pytest, from a stand-in over HTTP; replaying them without network and key.

What goes wrong while recording is an error of the rows it touches, never a pass, and loses nothing that was recorded.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Loaded here once, as in conftest.py: httpx maps the exceptions of the httpcore that it met first.
import anyio  # noqa: F401
import httpcore  # noqa: F401
import pytest

import reward_kit.fireworks.session as session
from reward_kit.fireworks.retries import RetryPolicy
from reward_kit.standin import Answers, Fault, Kind, StandIn

KEY = "fw_a-key-that-nobody-may-see-0123"
ROWS = 6
MODEL = "accounts/fireworks/models/one"
TOML = f"""
[preview]
batch = 4
pass_rate = 0.5

[regenerate]
model = "{MODEL}"
system_prompt = "Answer with a number."
max_tokens = 40
concurrency = 2
pass_rate = 0.5
"""
REGENERATE = TOML[TOML.index("[regenerate]") :]
PREVIEW = TOML[: TOML.index("[regenerate]")]
REWARD = """
def grade(messages, ground_truth, **kwargs):
    return float(messages[-1]["content"] == ground_truth)
"""

Run = Callable[..., pytest.RunResult]


def write_suite(folder: Path, toml: str = TOML, reward: str = REWARD, rows: int = ROWS) -> Path:
    """cases/small, whose rows ask for their own number, with right references; and the model's right answers."""
    suite = folder / "cases" / "small"
    suite.mkdir(parents=True, exist_ok=True)
    (suite / "reward_of_small.py").write_text(reward)
    (suite / "suite.toml").write_text(f'reward = "reward_of_small:grade"\n{toml}')
    dataset, answers = [], []
    for number in range(rows):
        asked = {"role": "user", "content": f"Which number is {number}?"}
        messages = [asked, {"role": "assistant", "content": str(number)}]
        dataset.append({"id": f"row-{number:02}", "messages": messages, "ground_truth": str(number)})
        answers.append({"id": f"row-{number:02}", "answers": [{"content": str(number)}]})
    for name, lines in (("dataset.jsonl", dataset), ("answers.jsonl", answers)):
        (suite / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return suite


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Path:
    return write_suite(pytester.path)


@pytest.fixture
def standin(suite: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in that knows the rows' answers, and the environment that leads to it."""
    with StandIn(Answers.load(suite / "answers.jsonl", suite / "dataset.jsonl"), key=KEY) as server:
        monkeypatch.setenv("FIREWORKS_API_BASE", server.url)
        monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
        monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "mine")
        yield server


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Retries that take no time, and no settings of whoever runs these tests."""
    impatient = RetryPolicy(attempts=2, waiting=0.2, first=0.01, timeout=5.0)
    monkeypatch.setattr(session, "RetryPolicy", lambda: impatient)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("FIREWORKS_API_KEY", "FIREWORKS_ACCOUNT_ID", "FIREWORKS_API_BASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def record(pytester: pytest.Pytester) -> Run:
    def run(*args: str, mode: str = "all") -> pytest.RunResult:
        return pytester.runpytest("--rk-suite=small", f"--rk-record={mode}", "--rk-json=results.json", *args)

    return run


@pytest.fixture
def replay(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that has no key, and whose only server would be one that is not there."""

    def run(*args: str) -> pytest.RunResult:
        with monkeypatch.context() as patch:
            for name in ("FIREWORKS_API_KEY", "FIREWORKS_ACCOUNT_ID"):
                patch.delenv(name, raising=False)
            patch.setenv("FIREWORKS_API_BASE", "http://127.0.0.1:1")
            return pytester.runpytest("--rk-suite=small", "--rk-json=results.json", *args)

    return run


def cassette(suite: Path, step: str) -> Path:
    return suite.parent.parent / "cassettes" / "small" / f"{step}.jsonl"


def recorded_rows(suite: Path, step: str = "regenerate") -> list[str]:
    """The rows of the interactions that a cassette holds."""
    from reward_kit.cassettes.format import read_cassette

    path = cassette(suite, step)
    if not path.exists():
        return []
    return [row_id for one in read_cassette(path).interactions for row_id in one.provenance.row_ids]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def step_of(document: dict[str, Any], step: str = "regenerate") -> dict[str, Any]:
    found: dict[str, Any] = document["suites"]["small"]["steps"][step]
    return found


# --------------------------------------------------------------------------------------------- recording and replaying
def test_what_was_recorded_replays_without_network_and_key(suite, standin, record, replay, read_results):
    assert record().ret == 0
    recorded = read_results()
    asked = standin.counts.requests
    assert asked == {"/v1/accounts/{account}/evaluators:previewEvaluator": 2, "/inference/v1/chat/completions": ROWS}

    result = replay()

    assert result.ret == 0
    assert standin.counts.requests == asked
    assert read_results() == recorded
    result.stdout.fnmatch_lines(["small: UNDECIDED*regenerate: authored answers, not this model's*"])


def test_workers_replay_to_the_same_bytes_as_one_process(pytester, suite, standin, record, replay, monkeypatch):
    record()
    replay()
    plain = (pytester.path / "results.json").read_bytes()
    monkeypatch.delenv("FIREWORKS_API_KEY")
    monkeypatch.setenv("FIREWORKS_API_BASE", "http://127.0.0.1:1")

    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-json=results.json", "-n2")

    assert result.ret == 0
    assert (pytester.path / "results.json").read_bytes() == plain


def test_new_records_what_is_missing_and_leaves_the_rest(suite, standin, record):
    record()
    path = cassette(suite, "regenerate")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "row-03" not in line))
    before = standin.counts.requests["/inference/v1/chat/completions"]

    assert record(mode="new").ret == 0

    assert standin.counts.requests["/inference/v1/chat/completions"] == before + 1
    assert recorded_rows(suite) == [f"row-{number:02}" for number in range(ROWS)]


def test_ids_record_single_rows_anew_and_change_their_lines_only(suite, standin, record):
    record()
    path = cassette(suite, "regenerate")
    before = path.read_text().splitlines()
    time.sleep(1.1)  # so that a line that is written anew says so

    assert record("--rk-ids=row-03", "--rk-step=regenerate").ret == 0

    after = path.read_text().splitlines()
    changed = [line for line, old in zip(after, before, strict=True) if line != old]
    assert len(changed) == 1
    assert "row-03" in changed[0]


def test_each_step_records_into_a_cassette_of_its_own(suite, standin, record):
    assert record("--rk-step=regenerate").ret == 0
    assert not cassette(suite, "preview").exists()
    assert len(recorded_rows(suite)) == ROWS


# -------------------------------------------------------------------------------------------------- what is refused
def test_workers_cannot_record(pytester, suite, standin, record):
    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-record=all", "-n2")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--rk-record=all writes one cassette, which workers cannot share: leave out -n"])
    assert standin.counts.requests == {}


def test_an_unknown_mode_is_a_mistake(pytester, suite):
    result = pytester.runpytest_subprocess("--rk-suite=small", "--rk-record=once")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--rk-record: invalid choice: 'once'*"])


@pytest.mark.parametrize("picked", [["-k", "row-03"], ["cases/small/suite.toml::regenerate::row-03"]])
def test_recording_all_anew_for_picked_rows_keeps_the_others(suite, standin, record, picked):
    record()

    result = record(*picked)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--rk-record=all records whole cassettes anew*--rk-ids*"])
    assert len(recorded_rows(suite)) == ROWS


# ------------------------------------------------------------------------------------------------------------- misses
@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ('"Answer with a number."', '"Answer with a word."', ["*messages?0?.content*", '*- "Answer with a number."*']),
        ("max_tokens = 40", "max_tokens = 41", ["*max_tokens*", "*- 40*", "*+ 41*"]),
        ("max_tokens = 40", "temperature = 0.7", ["*temperature*", "*- 0.2*", "*+ 0.7*"]),
        (MODEL, f"{MODEL}-b", ["*model*", f'*- "{MODEL}"*', f'*+ "{MODEL}-b"*']),
    ],
)
def test_a_changed_request_is_a_miss_that_shows_what_changed(
    suite, standin, record, replay, read_results, old, new, shown
):
    record()
    change(suite / "suite.toml", old, new)

    result = replay("--rk-step=regenerate")

    assert result.ret == 1
    assert step_of(read_results())["outcomes"] == {"infra_error": ROWS}
    result.stdout.fnmatch_lines(
        ["*no recorded answer to POST /inference/v1/chat/completions for row-00.*", *shown, "*reward-kit record small*"]
    )
    assert str(result.stdout).count("Nearest:") <= 3  # told on the first row, and by the gate


def test_a_changed_prompt_is_a_miss_of_its_row_alone(suite, standin, record, replay, read_results):
    record()
    change(suite / "dataset.jsonl", "Which number is 3?", "Which number is three?")

    result = replay("--rk-step=regenerate")

    assert result.ret == 1
    step = step_of(read_results())
    assert step["outcomes"] == {"passed": ROWS - 1, "infra_error": 1}
    assert step["gate"] == "failed"
    result.stdout.fnmatch_lines(["*+ *three*", "*reward-kit record small --step regenerate --rk-ids row-03*"])


def test_a_changed_reward_must_be_previewed_anew(suite, standin, record, replay, read_results):
    record()
    change(suite / "reward_of_small.py", "return float(", "return 1.0 * float(")

    result = replay("--rk-step=preview")

    assert result.ret == 1
    assert step_of(read_results(), "preview")["outcomes"] == {"infra_error": ROWS}
    result.stdout.fnmatch_lines(["*The packaged reward has changed*", "*reward-kit record small --step preview"])


# ------------------------------------------------------------------------------------ cassettes that cannot be used
def edited(path: Path) -> None:
    change(path, '"content": "3"', '"content": "4"')


def corrupt(path: Path) -> None:
    lines = path.read_text().splitlines()
    lines[3] = lines[3][: len(lines[3]) // 2]
    path.write_text("\n".join(lines) + "\n")


def older(path: Path) -> None:
    first, rest = path.read_text().split("\n", 1)
    header = json.loads(first)
    [name] = [name for name, value in header.items() if value == 1]
    path.write_text(json.dumps(header | {name: 0}) + "\n" + rest)


def emptied(path: Path) -> None:
    path.write_text("")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Path.unlink, "*regenerate.jsonl: is not there. Record it: reward-kit record small --step regenerate*"),
        (edited, "*regenerate.jsonl:*"),
        (corrupt, "*regenerate.jsonl:4*"),
        (older, "*regenerate.jsonl:1*version*"),
        (emptied, "*regenerate.jsonl*"),
    ],
)
@pytest.mark.parametrize("narrowed", [(), ("--rk-ids=row-01",), ("-k", "row-01")], ids=["all", "ids", "keyword"])
def test_a_cassette_that_cannot_be_used_leaves_its_step_undecided(
    suite, standin, record, replay, read_results, harm, said, narrowed
):
    record()
    harm(cassette(suite, "regenerate"))

    result = replay(*narrowed)

    assert result.ret == 1
    result.stdout.fnmatch_lines([said])
    step = step_of(read_results())
    assert (step["passed"], step["gate"]) == (0, "undecided")
    if not narrowed:
        assert step_of(read_results(), "preview")["gate"] == "passed"


def test_a_cassette_that_was_never_recorded_names_the_command(suite, replay):
    result = replay()

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*preview.jsonl: is not there. Record it: reward-kit record small --step preview*",
            "*regenerate.jsonl: is not there. Record it: reward-kit record small --step regenerate*",
        ]
    )


# ------------------------------------------------------------------------------------------------ faults on the way
def always(kind: Kind, on: str | None = None) -> Fault:
    return Fault(kind, rate=1.0, on=on)


@pytest.mark.parametrize("step", ["preview", "regenerate"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Kind.TOO_MANY, "*status 429*rate limit did not free up in time*"),
        (Kind.RETRY_AFTER, "*status 429*rate limit did not free up in time*"),
        (Kind.ERROR, "*status 500*after 1 retry*The server failed; try again later*"),
        (Kind.OVERLOADED, "*status 503*after 1 retry*The server failed; try again later*"),
        (Kind.TRUNCATED_BODY, "*the connection broke*after 1 retry*"),
        (Kind.DROP_BEFORE, "*the connection broke*after 1 retry*"),
        (Kind.DROP_AFTER, "*the connection broke*after 1 retry*"),
        (Kind.INVALID_JSON, "*answer cannot be used: the body (* bytes) is not JSON*"),
    ],
)
def test_a_server_that_fails_is_an_error_of_every_row(suite, standin, record, read_results, step, fault, said):
    standin.inject(always(fault))

    result = record(f"--rk-step={step}")

    assert result.ret == 1
    found = step_of(read_results(), step)
    assert found["outcomes"] == {"infra_error": ROWS}
    assert {gate["decision"] for gate in found["gates"].values()} == {"failed"}
    result.stdout.fnmatch_lines([said])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert not cassette(suite, step).exists()


def test_fewer_results_than_samples_is_an_error_of_the_batch_and_is_not_stored(
    suite, standin, record, replay, read_results
):
    standin.inject(Fault(Kind.WRONG_COUNT, next=1))

    result = record("--rk-step=preview")

    assert result.ret == 1
    step = step_of(read_results(), "preview")
    assert step["outcomes"]["infra_error"] in (2, 4)
    assert step["gate"] == "failed"
    result.stdout.fnmatch_lines(["*samples were sent, * results came back*"])

    assert record("--rk-step=preview", mode="new").ret == 0
    assert step_of(read_results(), "preview")["gate"] == "passed"


def test_a_wrong_key_is_named_and_told_once(suite, standin, record, monkeypatch, read_results):
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw_another-key-0123456789")

    result = record("--rk-step=regenerate")

    assert result.ret == 1
    assert step_of(read_results())["outcomes"] == {"infra_error": ROWS}
    result.stdout.fnmatch_lines(["*status 401*The key is wrong or expired: check FIREWORKS_API_KEY*"])
    result.stdout.fnmatch_lines(["row-01: infra_error, as on row row-00"])


def test_an_unknown_model_is_named(suite, standin, record, monkeypatch, read_results):
    answers = Answers.load(suite / "answers.jsonl", suite / "dataset.jsonl")
    with StandIn(answers, models=["accounts/fireworks/models/other"]) as server:
        monkeypatch.setenv("FIREWORKS_API_BASE", server.url)
        result = record("--rk-step=regenerate")

    assert result.ret == 1
    assert step_of(read_results())["outcomes"] == {"infra_error": ROWS}
    result.stdout.fnmatch_lines([f"*status 404*the model asked for is {MODEL}*"])


def test_nobody_at_home_is_an_error_of_every_row(suite, record, monkeypatch, read_results):
    monkeypatch.setenv("FIREWORKS_API_BASE", "http://127.0.0.1:1")

    result = record()

    assert result.ret == 1
    assert step_of(read_results())["outcomes"] == {"infra_error": ROWS}
    result.stdout.fnmatch_lines(["*no connection*Check that 127.0.0.1:1 can be reached*"])


def test_no_key_is_said_before_anything_is_sent(suite, record, read_results):
    result = record()

    assert result.ret == 1
    assert step_of(read_results())["gate"] == "undecided"
    result.stdout.fnmatch_lines(["*there is no API key for https://api.fireworks.ai. Set FIREWORKS_API_KEY*"])


def test_what_was_recorded_before_a_fault_stays_and_new_goes_on(suite, standin, record, read_results):
    change(suite / "suite.toml", "concurrency = 2", "concurrency = 1")
    standin.inject(Fault(Kind.LATENCY, next=3, value=0.0), always(Kind.ERROR, on="chat"))

    assert record("--rk-step=regenerate").ret == 1
    assert step_of(read_results())["outcomes"] == {"passed": 3, "infra_error": 3}
    assert len(recorded_rows(suite)) == 3

    standin.faults.clear()
    record("--rk-step=regenerate", mode="new")
    assert step_of(read_results())["outcomes"] == {"passed": ROWS}
    assert standin.counts.statuses[200] == ROWS


def test_a_failed_recording_leaves_the_cassette_that_was_there(suite, standin, record, replay):
    record()
    before = cassette(suite, "regenerate").read_bytes()
    standin.inject(always(Kind.ERROR))

    assert record().ret == 1
    assert cassette(suite, "regenerate").read_bytes() == before
    assert replay().ret == 0


def test_two_recordings_at_once_are_refused(suite, standin, record, read_results):
    from reward_kit.cassettes.lock import recording_lock

    with recording_lock(cassette(suite, "regenerate")):
        result = record()

    assert result.ret == 1
    assert step_of(read_results())["gate"] == "undecided"
    result.stdout.fnmatch_lines(["*is recording into it. Wait for it, and record one at a time*"])


@pytest.mark.parametrize(
    "command",
    [
        ["pytest", "--rk-suite=small", "--rk-step=regenerate", "--rk-record=all"],
        ["reward_kit.cli", "record", "small", "--step", "regenerate"],
    ],
    ids=["pytest", "reward-kit record"],
)
def test_ctrl_c_keeps_what_was_recorded_and_new_goes_on(command, pytester, suite, standin, record, read_results):
    change(suite / "suite.toml", "concurrency = 2", "concurrency = 1")
    standin.inject(Fault(Kind.LATENCY, rate=1.0, value=0.2))
    running = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a terminal sends Ctrl-C to every process of the command
    )
    until = time.monotonic() + 30
    while standin.counts.statuses.get(200, 0) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=30)

    assert running.returncode == pytest.ExitCode.INTERRUPTED, output
    if "record" in command:
        assert "what was recorded is kept: 'reward-kit record small --new' goes on" in output
    kept = recorded_rows(suite)
    assert 1 <= len(kept) < ROWS
    assert not list(cassette(suite, "regenerate").parent.glob(".*.lock"))

    standin.faults.clear()
    before = standin.counts.requests["/inference/v1/chat/completions"]
    record("--rk-step=regenerate", mode="new")
    assert step_of(read_results())["outcomes"] == {"passed": ROWS}
    assert standin.counts.requests["/inference/v1/chat/completions"] == before + ROWS - len(kept)


# --------------------------------------------------------------------------------------------------- rewards and keys
def test_a_reward_that_cannot_be_packaged_leaves_preview_undecided_and_the_rest_running(
    pytester, suite, standin, record, read_results
):
    (suite / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef rk_reward():\n    wanted = 'content'\n\n"
        "    def grade(messages, ground_truth, **kwargs):\n"
        "        return float(messages[-1][wanted] == ground_truth)\n\n    return grade\n"
    )

    result = record()

    assert result.ret == 1
    assert step_of(read_results(), "preview")["gate"] == "undecided"
    assert step_of(read_results())["outcomes"] == {"passed": ROWS}
    result.stdout.fnmatch_lines(["*the reward cannot be packaged*is defined inside a function*wanted*"])


@pytest.mark.parametrize("leave", ["pytest.skip('not today')", "raise SystemExit(0)"])
def test_a_reward_fixture_that_leaves_does_not_end_green(suite, standin, record, read_results, leave):
    (suite / "conftest.py").write_text(f"import pytest\n\n@pytest.fixture\ndef rk_reward():\n    {leave}\n")

    assert record().ret == 1
    assert {step["gate"] for step in read_results()["suites"]["small"]["steps"].values()} <= {"failed", "undecided"}


def test_a_reward_that_says_something_else_elsewhere_fails_parity(suite, standin, record, read_results, monkeypatch):
    monkeypatch.setenv("LENIENT", "1")
    (suite / "reward_of_small.py").write_text(
        "import os\n\n\ndef grade(messages, ground_truth, **kwargs):\n"
        "    lenient = os.environ.get('LENIENT') == '1'\n"
        "    return float(lenient or ground_truth != '3')\n"
    )

    result = record("--rk-step=preview")

    assert result.ret == 1
    step = step_of(read_results(), "preview")
    assert step["gates"]["parity"]["decision"] == "failed"
    assert step["gates"]["parity"]["reason"] == f"1/{ROWS} rows have another verdict here: row-03"
    result.stdout.fnmatch_lines(["*there 0 (wrong_answer), here 1 (passed)*"])


def test_the_key_is_nowhere(pytester, suite, standin, record, replay):
    standin.inject(Fault(Kind.ERROR, next=1, on="chat"))

    result = record("-o", "log_level=DEBUG", "-rA", "--showlocals", "--log-file=run.log", "--log-file-level=DEBUG")

    assert result.ret == 0
    written = [path.read_bytes() for path in pytester.path.rglob("*") if path.is_file()]
    assert any(b"HTTP Request" in content for content in written)  # the log is there to be searched
    texts = [str(result.stdout).encode(), str(result.stderr).encode(), *written]
    assert not any(KEY.encode() in text for text in texts)


def test_a_key_in_an_error_of_the_server_is_not_shown(pytester, suite, record, monkeypatch, read_results):
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Echo(BaseHTTPRequestHandler):
        """Refuses every request and quotes its headers, as a proxy in debug mode might."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"error": {"message": f"refused: {self.headers['authorization']}"}}).encode()
            self.send_response(400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.send_header("x-request-id", KEY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
        monkeypatch.setenv("FIREWORKS_API_BASE", f"http://127.0.0.1:{server.server_port}")
        result = record("--rk-step=regenerate", "-o", "log_level=DEBUG", "-rA")
    finally:
        server.shutdown()
        server.server_close()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*status 400, refused: *"])
    written = [path.read_bytes() for path in pytester.path.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in text for text in [str(result.stdout).encode(), *written])


def test_the_command_records_from_a_stand_in_of_its_own(pytester, suite, replay):
    command = [sys.executable, "-m", "reward_kit.cli", "record", "small", "--stand-in"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert replay().ret == 0
