"""Cassettes replayed: the recorded answer or an error that says what differs, never something near it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from cassette_client import CHAT, ask, ask_all, body_of, client, opened
from cassette_server import Answer, completion, serving

from reward_kit.cassettes.cassette import Mode
from reward_kit.cassettes.errors import CassetteError, CassetteMissError
from reward_kit.cassettes.transport import REPLAYED
from reward_kit.errors import RewardKitError
from reward_kit.fireworks.shapes import RETRIES, SOURCE, Tag

IDS = [f"row-{number:03}" for number in range(300)]
NOWHERE = "http://recorded.invalid"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A cassette of 300 rows, recorded over a socket with everything asked for at once."""
    path = tmp_path_factory.mktemp("cassettes") / "regenerate.jsonl"
    with serving(completion) as (base, _):
        ask_all(path, base, IDS, Mode.ALL)
    return path


def replay(path: Path, *rows: str, attempt: int = 0, **changed) -> list[httpx.Response]:
    async def run() -> list[httpx.Response]:
        with opened(path) as cassette:
            async with client(cassette, NOWHERE) as http:
                return [await ask(http, row, attempt, **changed) for row in rows]

    return asyncio.run(run())


def test_hundreds_of_requests_at_once_get_their_own_answers_without_a_server(recorded):
    assert ask_all(recorded, NOWHERE, IDS) == [f"re: What is {row_id}?" for row_id in IDS]


def test_threads_with_their_own_loops_share_a_cassette(recorded):
    found: dict[str, str] = {}

    async def part(cassette, ids):
        async with client(cassette, NOWHERE) as http:
            for row_id in ids:
                found[row_id] = (await ask(http, row_id)).json()["choices"][0]["message"]["content"]

    with opened(recorded) as cassette:
        threads = [threading.Thread(target=asyncio.run, args=(part(cassette, IDS[n::8]),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert cassette.unused() == []
    assert found == {row_id: f"re: What is {row_id}?" for row_id in IDS}


def test_replay_opens_no_connection_and_looks_up_no_name(recorded):
    program = f"""
import sys
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"touched the network: {{event}} {{args}}")
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from cassette_client import ask_all
sys.addaudithook(refuse)
print(ask_all(Path({str(recorded)!r}), "{NOWHERE}", ["row-007"])[0])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "re: What is row-007?\n", done.stderr


def test_a_transport_given_for_replay_is_never_used(recorded):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError("was used")

    async def run():
        with opened(recorded) as cassette:
            async with client(cassette, NOWHERE, httpx.MockTransport(refuse)) as http:
                await ask(http, "row-001")
                with pytest.raises(CassetteMissError):
                    await ask(http, "row-001")

    asyncio.run(run())


def test_key_order_and_blanks_of_a_body_do_not_matter(recorded):
    body = b'{ "temperature": 0.2, "messages": [{"content": "Answer.", "role": "system"},\n {"content": "What is \\u0072ow-005?", "role": "user"}],"model": "accounts/fireworks/models/m"}'  # noqa: E501

    async def run():
        with opened(recorded) as cassette:
            async with client(cassette, NOWHERE) as http:
                return await http.post(CHAT, content=body)

    assert asyncio.run(run()).json()["choices"][0]["message"]["content"] == "re: What is row-005?"


@pytest.mark.parametrize(
    "changed", [{"temperature": 0.3}, {"max_tokens": 10}, {"messages": []}, {"temperature": "0.2"}]
)
def test_a_changed_parameter_or_prompt_is_a_miss(recorded, changed):
    with pytest.raises(CassetteMissError):
        replay(recorded, "row-001", **changed)


def test_a_miss_is_no_httpx_error_and_names_row_difference_and_remedy(recorded):
    with pytest.raises(CassetteMissError) as caught:
        replay(recorded, "row-012", temperature=0.7)
    assert isinstance(caught.value, RewardKitError)
    assert not isinstance(caught.value, httpx.HTTPError | OSError)
    assert caught.value.row_ids == ("row-012",)
    lines = str(caught.value).splitlines()
    assert lines[1:] == [
        "Nearest: row-012. - recorded, + asked for:",
        "  temperature",
        "    - 0.2",
        "    + 0.7",
        "If this is as you want it, record it: reward-kit record math --step regenerate --rk-ids row-012",
    ]


def test_the_difference_within_a_long_prompt_is_shown_where_it_begins(recorded):
    prompt = "Answer." + " Think well." * 50
    messages = [{"role": "system", "content": prompt}, body_of("row-012")["messages"][1]]
    with pytest.raises(CassetteMissError) as caught:
        replay(recorded, "row-012", messages=messages)
    shown = str(caught.value).splitlines()[1:-1]
    assert "  messages[0].content" in shown
    assert '    - "Answer."' in shown
    assert all(len(line) <= 80 for line in shown)


def test_a_row_that_is_not_recorded_is_compared_with_the_nearest_of_the_others(recorded):
    with pytest.raises(CassetteMissError, match=r"messages\[1\].content\n    - \"What is row-0"):
        replay(recorded, "unknown")


def test_a_changed_reward_says_that_the_step_is_to_be_recorded_anew(tmp_path):
    async def run(source: str, mode: Mode, base: str):
        body = {"evaluator": {"criteria": [{"codeSnippets": {"fileContents": {"main.py": source}}}]}}
        with opened(tmp_path / "preview.jsonl", mode) as cassette:
            async with client(cassette, base) as http:
                await http.post("/v1/previewEvaluator", json=body, extensions={Tag.KEY: Tag(("a", "b"))})

    with serving(lambda asked: Answer({"results": []})) as (base, _):
        asyncio.run(run("def evaluate(): ...", Mode.ALL, base))
    with pytest.raises(CassetteMissError) as caught:
        asyncio.run(run("def evaluate(): return 1", Mode.NONE, NOWHERE))
    assert "The packaged reward has changed" in str(caught.value)
    assert "--rk-ids" not in str(caught.value)


def test_equal_requests_are_played_by_attempt_each_once(tmp_path):
    path, count = tmp_path / "regenerate.jsonl", iter(range(9))

    async def run(mode: Mode, base: str, attempts: list[int]) -> list[int]:
        with opened(path, mode) as cassette:
            async with client(cassette, base) as http:
                return [(await ask(http, "a", attempt)).json()["n"] for attempt in attempts]

    with serving(lambda asked: Answer({"n": next(count)})) as (base, _):
        asyncio.run(run(Mode.ALL, base, [0, 1, 2]))
    assert asyncio.run(run(Mode.NONE, NOWHERE, [2, 0, 1])) == [2, 0, 1]
    assert asyncio.run(run(Mode.NONE, NOWHERE, [0, 0, 0])) == [0, 1, 2]
    with pytest.raises(CassetteMissError, match="recorded 3 times, and was asked for once more"):
        asyncio.run(run(Mode.NONE, NOWHERE, [0, 0, 0, 0]))


def test_rows_with_the_same_prompt_each_get_their_own_answer(tmp_path):
    count = iter("xyz")
    same = [{"role": "user", "content": "the same"}]

    async def run(mode: Mode, base: str, rows: str) -> list[str]:
        with opened(tmp_path / "regenerate.jsonl", mode) as cassette:
            async with client(cassette, base) as http:
                return [(await ask(http, row, messages=same)).json() for row in rows]

    with serving(lambda asked: Answer(next(count))) as (base, _):
        asyncio.run(run(Mode.ALL, base, "abc"))
    assert asyncio.run(run(Mode.NONE, NOWHERE, "cab")) == ["z", "x", "y"]


def test_unused_interactions_are_named(recorded):
    with opened(recorded) as cassette:
        assert len(cassette.unused()) == 300
        assert (
            "300 interactions that nothing asked for (row-000; row-001; row-002 and 297 more)" in cassette.unused_text()
        )
        assert len(cassette.unused(["row-001", "row-002", "other"])) == 2
        assert cassette.unused_text(["other"]) == ""


def test_a_replayed_response_says_where_it_is_from(recorded):
    [response] = replay(recorded, "row-001")
    assert (response.extensions[SOURCE], response.extensions[REPLAYED]) == ("live", True)
    assert response.extensions[RETRIES] == 0
    assert response.headers["content-type"] == "application/json"


def test_a_cassette_that_is_not_there_or_is_another_steps_is_an_error(tmp_path, recorded):
    with pytest.raises(CassetteError, match=r"is not there. Record it: reward-kit record math --step regenerate"):
        ask_all(tmp_path / "regenerate.jsonl", NOWHERE, ["a"])
    copied = tmp_path / "copied.jsonl"
    copied.write_text(recorded.read_text().replace('"suite": "math"', '"suite": "code"', 1))
    with pytest.raises(CassetteError, match="is the cassette of code, step regenerate, not of math"):
        ask_all(copied, NOWHERE, ["a"])
