"""Cassettes recorded: nothing lost on the way, the same file whoever answers first, and one line for one row."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from cassette_client import ask, ask_all, client, opened
from cassette_server import Answer, completion, serving

from reward_kit.cassettes import cassette as cassette_module
from reward_kit.cassettes.cassette import Mode
from reward_kit.cassettes.errors import CassetteBusyError, CassetteError, CassetteMissError
from reward_kit.cassettes.format import PART_LENGTH, read_cassette
from reward_kit.fireworks.shapes import RETRIES, Tag

IDS = [f"row-{number:03}" for number in range(300)]


def slow(asked):
    """Answers that overtake each other."""
    time.sleep(random.random() / 50)
    return completion(asked)


def bodies(path: Path) -> list[tuple[object, ...]]:
    return [(one.provenance.row_ids, one.request.key, one.response.body) for one in read_cassette(path).interactions]


def test_recording_all_at_once_twice_gives_the_same_order(tmp_path):
    with serving(slow) as (base, seen):
        for name in ("one", "two"):
            ask_all(tmp_path / f"{name}.jsonl", base, random.sample(IDS, 300), Mode.ALL)
    assert len(seen) == 600
    assert bodies(tmp_path / "one.jsonl") == bodies(tmp_path / "two.jsonl")
    assert [ids for ids, _, _ in bodies(tmp_path / "one.jsonl")] == [(row_id,) for row_id in IDS]


def test_one_row_recorded_anew_changes_one_line_of_three_hundred(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    with serving(completion) as (base, _):
        ask_all(path, base, IDS, Mode.ALL)
    before = path.read_text().splitlines()
    with serving(lambda asked: Answer({"choices": [{"message": {"content": "anew" * 1000}}]})) as (base, seen):
        ask_all(path, base, ["row-123"], Mode.ALL, only=["row-123"])
    after = path.read_text().splitlines()
    assert len(seen) == 1
    assert len(before) == len(after) == 301
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert '"row_ids": ["row-123"]' in changed[0]


def test_rows_outside_a_recording_of_some_are_replayed_and_never_sent(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    with serving(completion) as (base, seen):
        ask_all(path, base, ["a", "b"], Mode.ALL)
        assert ask_all(path, base, ["a", "b"], Mode.ALL, only=["a"]) == ["re: What is a?", "re: What is b?"]
        assert len(seen) == 3
        with pytest.raises(CassetteMissError):
            ask_all(path, base, ["c"], Mode.ALL, only=["a"])


def test_new_sends_only_what_is_missing(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    with serving(completion) as (base, seen):
        ask_all(path, base, ["a", "b"], Mode.NEW)
        assert ask_all(path, base, ["a", "b", "c"], Mode.NEW) == [f"re: What is {row}?" for row in "abc"]
        assert len(seen) == 3
    assert [ids for ids, _, _ in bodies(path)] == [("a",), ("b",), ("c",)]


def test_a_changed_request_takes_the_place_of_the_old_one_in_mode_new(tmp_path):
    path = tmp_path / "regenerate.jsonl"

    async def run(base, **changed):
        with opened(path, Mode.NEW) as cassette:
            async with client(cassette, base) as http:
                await ask(http, "a", **changed)

    with serving(completion) as (base, _):
        asyncio.run(run(base))
        asyncio.run(run(base, temperature=0.9))
    assert [json.loads(one.request.body)["temperature"] for one in read_cassette(path).interactions] == [0.9]


def test_an_exception_keeps_what_was_recorded_and_new_records_the_rest(tmp_path):
    path = tmp_path / "regenerate.jsonl"

    async def run(base):
        with opened(path, Mode.ALL) as cassette:
            async with client(cassette, base) as http:
                for row_id in IDS[:10]:
                    await ask(http, row_id)
                raise RuntimeError("the reward crashed")

    with serving(completion) as (base, seen):
        with pytest.raises(RuntimeError):
            asyncio.run(run(base))
        ask_all(path, base, IDS[:30], Mode.NEW)
        assert len(seen) == 30
    assert len(bodies(path)) == 30


def recording_process(path: Path, base: str, *, every: float = 10.0) -> subprocess.Popen[str]:
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from cassette_client import *
from reward_kit.cassettes import cassette
cassette.SAVE_EVERY = {every}
async def run():
    with opened(Path({str(path)!r}), Mode.ALL) as tape:
        async with client(tape, "{base}") as http:
            for number in range(300):
                await ask(http, f"row-{{number:03}}")
                print(number, flush=True)
asyncio.run(run())
"""
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def after_twenty(process: subprocess.Popen[str], sent: int) -> None:
    assert process.stdout is not None
    while process.stdout.readline().strip() != "19":
        assert process.poll() is None
    process.send_signal(sent)
    process.communicate(timeout=60)


def test_ctrl_c_keeps_what_was_recorded_and_new_records_the_rest(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    with serving(slow) as (base, seen):
        after_twenty(process := recording_process(path, base), signal.SIGINT)
        assert process.returncode != 0
        kept = len(bodies(path))
        assert 20 <= kept < 300
        seen.clear()
        ask_all(path, base, IDS, Mode.NEW)
        assert len(seen) == 300 - kept
    assert len(bodies(path)) == 300
    assert os.listdir(tmp_path) == [path.name]


def test_a_killed_recording_loses_no_more_than_the_time_between_saves(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    with serving(slow) as (base, _):
        after_twenty(recording_process(path, base, every=0.01), signal.SIGKILL)
        assert 0 < len(bodies(path)) < 300
        ask_all(path, base, IDS, Mode.NEW)  # the lock of the dead is free
    assert len(bodies(path)) == 300


def test_saves_while_recording_take_no_more_than_their_share(tmp_path, monkeypatch):
    monkeypatch.setattr(cassette_module, "SAVE_EVERY", 0.0)
    saves = []
    monkeypatch.setattr(cassette_module, "replace_file", lambda path, lines: (saves.append(path), time.sleep(0.05)))
    with serving(slow) as (base, _):
        ask_all(tmp_path / "regenerate.jsonl", base, IDS[:40], Mode.ALL)
    assert 2 <= len(saves) <= 4


def test_a_recording_that_gets_nothing_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    with serving(completion) as (base, _):
        ask_all(path, base, ["a"], Mode.ALL)
    before = path.read_bytes()
    with serving(lambda asked: Answer({"error": {}}, status=401)) as (base, _), pytest.raises(KeyError):
        ask_all(path, base, ["a"], Mode.ALL)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({"error": {"message": "quota"}}, status=429), "a: HTTP 429"),
        (Answer({"error": {}}, status=500), "a: HTTP 500"),
        (Answer(b"", status=302, headers={"Location": "/elsewhere"}), "a: HTTP 302"),
        (Answer(b'{"choices": [', status=200), "a: HTTP 200 with a body that is not JSON"),
    ],
)
def test_a_failed_response_is_passed_on_counted_and_not_stored(tmp_path, answer, said):
    path = tmp_path / "regenerate.jsonl"

    async def run(base):
        with opened(path, Mode.ALL) as cassette:
            async with client(cassette, base) as http:
                response = await ask(http, "a")
            assert cassette.failures == [said]
            return response

    with serving(lambda asked: answer) as (base, _):
        response = asyncio.run(run(base))
    assert response.status_code == answer.status
    assert not path.exists()


def test_a_connection_that_fails_is_counted_and_its_error_passed_on(tmp_path):
    async def run():
        with opened(tmp_path / "regenerate.jsonl", Mode.ALL) as cassette:
            async with client(cassette, "http://127.0.0.1:1") as http:
                with pytest.raises(httpx.ConnectError):
                    await ask(http, "a")
            return cassette.failures

    [said] = asyncio.run(run())
    assert said.startswith("a: ")


def test_a_request_that_failed_and_is_asked_again_keeps_its_attempt(tmp_path):
    answers = iter([Answer({"error": {}}, status=503), Answer({"n": 1})])

    async def run(base):
        with opened(tmp_path / "regenerate.jsonl", Mode.ALL) as cassette:
            async with client(cassette, base) as http:
                await ask(http, "a")
                await ask(http, "a")

    with serving(lambda asked: next(answers)) as (base, _):
        asyncio.run(run(base))
    assert [one.provenance.attempt for one in read_cassette(tmp_path / "regenerate.jsonl").interactions] == [0]


def test_provenance_says_who_when_how_often_and_whether_it_was_the_stand_in(tmp_path):
    path = tmp_path / "regenerate.jsonl"

    class Retried(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            response.extensions[RETRIES] = 2
            return response

    def answer(asked):
        headers = (
            {"x-rewardkit-standin": "1", "x-rewardkit-note": "authored answers"} if b"row a?" in asked.body else {}
        )
        return Answer({"n": 1}, headers=headers | {"Set-Cookie": "session=1"})

    async def run(base):
        with opened(path, Mode.ALL) as cassette:
            async with client(cassette, base, Retried()) as http:
                for row in ("row a", "row b"):
                    await ask(http, row)
            return cassette.origins()

    with serving(answer) as (base, _):
        origins = asyncio.run(run(base))
    stand_in, live = (one.provenance for one in read_cassette(path).interactions)
    host = base.removeprefix("http://")
    assert (stand_in.source, stand_in.note, stand_in.host, stand_in.retries) == (
        "stand-in",
        "authored answers",
        host,
        2,
    )
    assert (live.source, live.note) == ("live", "")
    assert live.recorded_at is not None
    assert live.recorded_at.endswith("Z")
    assert live.recorder.startswith("pytest-rewardkit ")
    assert set(origins) == {("stand-in", host, "authored answers"), ("live", host, "")}
    assert "session=1" not in path.read_text()


def test_a_second_recording_is_refused_and_a_replay_is_not(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    with serving(completion) as (base, _):
        ask_all(path, base, ["a"], Mode.ALL)
        with opened(path, Mode.NEW):
            with pytest.raises(CassetteBusyError, match=f"process {os.getpid()} is recording into it"):
                ask_all(path, base, ["a"], Mode.NEW)
            assert ask_all(path, base, ["a"]) == ["re: What is a?"]
        ask_all(path, base, ["a"], Mode.NEW)


def test_of_many_who_want_to_record_one_at_a_time_does(tmp_path):
    inside, most, refused = [0], [0], [0]
    counting = threading.Lock()

    def attempt():
        for _ in range(100):
            try:
                with opened(tmp_path / "regenerate.jsonl", Mode.NEW):
                    with counting:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    time.sleep(0.0005)
                    with counting:
                        inside[0] -= 1
            except CassetteBusyError:
                refused[0] += 1

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert refused[0] > 0


def test_a_large_text_that_repeats_stands_once(tmp_path):
    path = tmp_path / "preview.jsonl"
    source = "def evaluate(messages): ...\n" * 1000
    long_prompt = "x" * PART_LENGTH

    async def run(mode, base):
        with opened(path, mode) as cassette:
            async with client(cassette, base) as http:
                for number in range(20):
                    body = {"files": {"fileContents": {"main.py": source}}, "sampleData": [f"{number}", long_prompt]}
                    await http.post("/preview", json=body, extensions={Tag.KEY: Tag((f"{number:02}",))})

    with serving(lambda asked: Answer({"results": [source]})) as (base, _):
        asyncio.run(run(Mode.ALL, base))
    text = path.read_text()
    assert text.count('{"part": ') == 2
    assert text.count(json.dumps(long_prompt)) == 1
    assert text.count(json.dumps(source)) == 21  # once as a part; answers stay whole
    asyncio.run(run(Mode.NONE, "http://recorded.invalid"))


def test_an_exchange_too_large_for_a_line_fails_alone(tmp_path):
    path = tmp_path / "regenerate.jsonl"

    def answer(asked):
        return Answer({"text": "x" * (9 << 20)}) if b"is big?" in asked.body else completion(asked)

    async def run(base):
        with opened(path, Mode.ALL) as cassette:
            async with client(cassette, base) as http:
                await ask(http, "a")
                with pytest.raises(CassetteError, match="longer than the 8 MB"):
                    await ask(http, "big")

    with serving(answer) as (base, _):
        asyncio.run(run(base))
    assert [ids for ids, _, _ in bodies(path)] == [("a",)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b"\xff\xfe\x00",
        "naïve \u2028 text".encode(),
        b"",
        b"[" * 99 + b"]" * 99,
        b'{"$part": "0"}',
        b'{"\\u0024part": "0"}',
        b'"\\ud800"',
        b'{"b": 1.10, "a": [12345678901234567890, 1e-7, true, null]}',
    ],
)
def test_any_body_comes_back_as_it_was(tmp_path, body):
    path = tmp_path / "any.jsonl"

    async def run(mode, base):
        with opened(path, mode) as cassette:
            async with client(cassette, base) as http:
                return (await http.post("/echo", content=body)).content

    with serving(lambda asked: Answer(asked.body, headers={"Content-Type": "text/plain"})) as (base, _):
        recorded = asyncio.run(run(Mode.ALL, base))
    replayed = asyncio.run(run(Mode.NONE, "http://recorded.invalid"))
    assert recorded == replayed
    try:
        assert json.loads(replayed) == json.loads(body)
    except ValueError:
        assert replayed == body


def test_a_batch_that_holds_a_row_to_record_is_recorded_whole_and_the_others_are_kept(tmp_path):
    path, count = tmp_path / "preview.jsonl", iter(range(9))

    async def run(mode, base, batches, only=None):
        with opened(path, mode, only) as cassette:
            async with client(cassette, base) as http:
                for batch in batches:
                    tag = {Tag.KEY: Tag(tuple(batch))}
                    await http.post("/preview", json={"sampleData": list(batch)}, extensions=tag)

    with serving(lambda asked: Answer({"results": [next(count)]})) as (base, _):
        asyncio.run(run(Mode.ALL, base, ["abc", "def"]))
        asyncio.run(run(Mode.ALL, base, ["abc", "def"], only=["e"]))
    found = [(one.provenance.row_ids, json.loads(one.response.body)) for one in read_cassette(path).interactions]
    assert found == [(("a", "b", "c"), {"results": [0]}), (("d", "e", "f"), {"results": [2]})]


def test_attempts_that_are_asked_for_no_more_go_when_their_row_is_recorded_anew(tmp_path):
    path = tmp_path / "regenerate.jsonl"

    async def run(base, attempts, **options):
        with opened(path, Mode.ALL, **options) as cassette:
            async with client(cassette, base) as http:
                for row in "ab":
                    for attempt in range(attempts):
                        if options.get("only") in (None, [row]):
                            await ask(http, row, attempt)

    with serving(completion) as (base, _):
        asyncio.run(run(base, 3))
        asyncio.run(run(base, 2, only=["b"]))
    filed = [(one.provenance.row_ids[0], one.provenance.attempt) for one in read_cassette(path).interactions]
    assert filed == [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1)]


def test_equal_requests_at_once_are_numbered_in_the_order_they_start(tmp_path):
    path = tmp_path / "regenerate.jsonl"
    order = []

    async def answer(request):
        order.append(len(order))
        number = order[-1]
        await asyncio.sleep(0.02 * (3 - number))
        return httpx.Response(200, json={"n": number})

    async def run(mode):
        with opened(path, mode) as cassette:
            async with client(cassette, "http://recorded.invalid", httpx.MockTransport(answer)) as http:
                return [answered.json()["n"] for answered in await asyncio.gather(*(ask(http, "a") for _ in range(3)))]

    assert asyncio.run(run(Mode.ALL)) == [0, 1, 2]
    assert asyncio.run(run(Mode.NONE)) == [0, 1, 2]
    assert asyncio.run(run(Mode.NEW)) == [0, 1, 2]
