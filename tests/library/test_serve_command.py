"""`reward-kit serve` in a process of its own, as scripts and people use it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

CHAT = "/inference/v1/chat/completions"
ROW = {"id": "sum", "messages": [{"role": "user", "content": "2 + 2?"}], "ground_truth": "4"}
ASKING = {"model": "any", "messages": ROW["messages"]}
AUTH = {"Authorization": "Bearer fw_key"}


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A folder cases/sums with a dataset and answers."""
    folder = tmp_path / "cases" / "sums"
    folder.mkdir(parents=True)
    (folder / "dataset.jsonl").write_text(json.dumps(ROW) + "\n")
    (folder / "answers.jsonl").write_text(json.dumps({"id": "sum", "answers": [{"content": "4"}]}) + "\n")
    return folder.parent


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "reward_kit.cli", "serve", *arguments]


@contextmanager
def serving(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and its URL, the first line that it prints."""
    given = {**os.environ, **(env or {})}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command(*arguments, "--port", "0"), stdout=pipe, stderr=pipe, text=True, env=given
    ) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    return process.returncode, out, err


def refused(*arguments: str) -> str:
    result = subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode != 0
    assert result.stdout == ""
    return result.stderr


def post(url: str, **more: Any) -> httpx.Response:
    return httpx.post(f"{url}{CHAT}", json=ASKING, headers=AUTH, trust_env=False, **more)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_suite_is_served_until_a_signal_ends_it_with_a_summary(cases: Path, number: signal.Signals) -> None:
    with serving("sums", "--cases", str(cases), "--fault", "503:x1") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert [post(url).status_code for _ in range(2)] == [503, 200]
        code, out, err = ended(process, number)

    assert (code, out) == (0, "")
    lines = err.splitlines()
    assert [" ".join(line.split()[:3]) for line in lines[:2]] == [f"POST {CHAT} 503", f"POST {CHAT} 200"]
    assert lines[2:] == [
        "2 requests, 1 with a fault on purpose",
        f"       2 {CHAT}",
        "       1 200",
        "       1 503",
        f"       1 fault 503 on {CHAT}",
    ]
    assert "fw_key" not in err
    assert "2 + 2" not in err


def test_quiet_leaves_the_summary(cases: Path) -> None:
    files = ("--answers", str(cases / "sums/answers.jsonl"), "--dataset", str(cases / "sums/dataset.jsonl"))
    with serving(*files, "--quiet", "--key", "fw_key", "--model", "any") as (process, url):
        assert post(url).json()["choices"][0]["message"]["content"] == "4"
        assert httpx.get(f"{url}/inference/v1/models", trust_env=False).status_code == 401
        code, _, err = ended(process, signal.SIGTERM)

    assert (code, err.splitlines()[0]) == (0, "2 requests, 0 with a fault on purpose")


def test_a_request_that_takes_long_does_not_keep_it_running(cases: Path) -> None:
    with serving("sums", "--cases", str(cases), "--fault", "slow-body=600:1") as (process, url):
        with pytest.raises(httpx.ReadTimeout):
            post(url, timeout=0.5)
        assert ended(process, signal.SIGINT)[0] == 0


def test_an_upstream_is_asked_with_the_key_of_the_named_variable(cases: Path) -> None:
    with (
        serving("sums", "--cases", str(cases), "--key", "fw_up") as (_, upstream),
        serving(
            *("--upstream", f"{upstream}/inference/v1", "--upstream-key-env", "UP_KEY", "--upstream-model", "small"),
            env={"UP_KEY": "fw_up"},
        ) as (process, url),
    ):
        response = post(url)
        assert response.headers["x-rewardkit-standin"] == "proxy"
        assert response.json()["model"] == "small"
        assert "fw_up" not in ended(process, signal.SIGTERM)[2]


def test_defects_of_the_answers_are_told_at_the_start(cases: Path) -> None:
    answers = cases / "sums/answers.jsonl"
    answers.write_text(answers.read_text() * 2 + '{"id": "product", "answers": [{"content": "24"}]}\n')
    said = refused("sums", "--cases", str(cases), "--port", "0")

    assert f"{answers}:2: the id 'sum' is the id of line 1 too" in said
    assert f"{answers}:3: the id 'product' is not in {cases}/sums/dataset.jsonl" in said


def test_rows_without_an_answer_are_named(cases: Path) -> None:
    with (cases / "sums/dataset.jsonl").open("a") as file:
        file.write(json.dumps(ROW | {"id": "more", "messages": [{"role": "user", "content": "1 + 1?"}]}) + "\n")
    with serving("sums", "--cases", str(cases)) as (process, _):
        err = ended(process, signal.SIGTERM)[2]

    assert err.startswith(f"{cases}/sums/answers.jsonl: without an answer: 1 of the dataset's rows (more)\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sums", "--answers", "a.jsonl"), "SUITE names both files"),
        (("--answers", "a.jsonl"), "--answers and --dataset go together"),
        (("sums", "--upstream", "http://127.0.0.1:1/v1"), "leave SUITE"),
        (("--upstream", "ftp://127.0.0.1"), "must start with http"),
        (("--upstream-model", "small"), "go with --upstream"),
        (("--upstream", "http://127.0.0.1:1/v1", "--upstream-key-env", "NOT_THERE"), "NOT_THERE is not set"),
        (("--fault", "418:1"), "not of a known kind: latency, 429"),
        (("--key", ""), "--key is empty"),
        (("--host", "0.0.0.0"), "--host 0.0.0.0 needs --key"),
        (("nothing",), "cases/nothing/dataset.jsonl"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_message(arguments: tuple[str, ...], said: str) -> None:
    err = refused(*arguments, "--port", "0")

    assert said in err
    assert "Traceback" not in err


def test_another_host_is_served_with_a_warning() -> None:
    with serving("--host", "0.0.0.0", "--key", "fw_key") as (process, url):
        assert url.startswith("http://0.0.0.0:")
        err = ended(process, signal.SIGTERM)[2]

    assert "Warning: 0.0.0.0 can be reached from other machines" in err
    assert "fw_key" not in err


def test_a_port_that_is_taken_is_one_message() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        err = refused("--port", str(port))

    assert f"Error: cannot listen on 127.0.0.1:{port} (Address already in use)" in err
