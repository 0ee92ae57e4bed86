"""rk_fireworks and rk_cassette: a model's answers in tests that people write, recorded once and replayed ever after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_rewardkit.recorded  # loaded here once: pytester forgets what an in-process run imports
from reward_kit.cassettes.format import read_cassette
from reward_kit.fireworks.shapes import Source
from reward_kit.standin import Answers, Fault, Kind, StandIn

assert pytest_rewardkit.recorded

ROWS = 5

#: Asks for its own row's answer. `CLOSES` is the way in which it leaves its client.
TEST = """
    import asyncio

    import pytest

    from reward_kit.fireworks.shapes import ChatRequest, Tag

    def request_for(row, system="Answer with a number."):
        return ChatRequest("m", ({"role": "system", "content": system}, *row.prompt), 100, 0.2)

    @pytest.mark.rk_suite("small")
    @pytest.mark.rk_pass_rate(0.8)
    def test_my_prompt(rk_row, rk_reward, rk_fireworks):
        completion = asyncio.run(rk_fireworks.chat(request_for(rk_row)))
        assert rk_reward(messages=[completion.message], ground_truth=rk_row.ground_truth) == 1.0
    """


def write_prompts(folder: Path, answer: str = "{}") -> None:
    """Give each row of the suite a prompt of its own, and two answers: the gold, then 17."""
    dataset = folder / "dataset.jsonl"
    rows = [json.loads(line) for line in dataset.read_text().splitlines()]
    for row in rows:
        row["messages"][0]["content"] = f"What is {row['id']}?"
    dataset.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [
        {"id": row["id"], "answers": [{"content": answer.format(row["ground_truth"])}, {"content": "17"}]}
        for row in rows
    ]
    (folder / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said))


@pytest.fixture
def suite(pytester, make_suite):
    """A suite of five rows with a prompt each."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    folder = make_suite(rows=ROWS)
    write_prompts(folder)
    return folder


@pytest.fixture
def stand_in(suite, monkeypatch) -> Iterator[StandIn]:
    """A stand-in with the suite's answers, where Fireworks would be."""
    with StandIn(Answers.load(suite / "answers.jsonl", suite / "dataset.jsonl")) as server:
        monkeypatch.setenv("FIREWORKS_API_BASE", server.url)
        monkeypatch.setenv("FIREWORKS_API_KEY", "a-key-of-this-test")
        yield server


@pytest.fixture
def cassette(pytester, suite):
    return pytester.path / "cassettes" / "small" / "test_my_prompt.jsonl"


def record(pytester, *args, mode="all"):
    result = pytester.runpytest(f"--rk-record={mode}", *args)
    assert result.ret == 0, result.stdout.str()
    return result


def replay(pytester, stand_in, *args):
    """A run for which there is no server."""
    stand_in.close()
    return pytester.runpytest(*args)


def test_a_test_is_recorded_and_replayed_without_a_server(pytester, stand_in, cassette):
    pytester.makepyfile(TEST)
    record(pytester).assert_outcomes(passed=ROWS + 1)
    assert [one.provenance.row_ids for one in read_cassette(cassette).interactions] == [
        (f"row-{number:02}",) for number in range(ROWS)
    ]
    assert "a-key-of-this-test" not in cassette.read_text()
    assert not list(cassette.parent.glob(".*"))
    before = cassette.read_bytes()
    result = replay(pytester, stand_in, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=ROWS + 1)
    result.stdout.fnmatch_lines(["*= cassettes =*", "*test_my_prompt.jsonl: authored answers, not this model's"])
    assert cassette.read_bytes() == before


def test_the_test_of_the_readme_runs_under_pytest_asyncio(pytester, make_suite, monkeypatch):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = [block for block in readme.split("```python\n") if "rk_fireworks" in block.partition("```")[0]]
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly -p no:hypothesispytest")
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n")
    folder = make_suite("math", rows=ROWS, reward="from reward_kit.rewards.math import math_reward as grade")
    write_prompts(folder, "\\boxed{{{}}}")
    pytester.makepyfile(example.partition("```")[0])
    with StandIn(Answers.load(folder / "answers.jsonl", folder / "dataset.jsonl")) as server:
        monkeypatch.setenv("FIREWORKS_API_BASE", server.url)
        monkeypatch.setenv("FIREWORKS_API_KEY", "any")
        assert pytester.runpytest_subprocess("--rk-record=new").ret == 0
    for spread in ([], ["-n2"]):
        result = pytester.runpytest_subprocess(*spread)
        assert result.ret == 0
        assert result.parseoutcomes()["passed"] == ROWS + 1


@pytest.mark.parametrize("closes", [True, False])
def test_a_client_may_be_closed_or_left(pytester, stand_in, closes):
    closing = """
            async def ask():
                async with rk_fireworks as client:
                    return await client.chat(request_for(rk_row))
            completion = asyncio.run(ask())"""
    line = "\n        completion = asyncio.run(rk_fireworks.chat(request_for(rk_row)))"
    test = TEST.replace(line, closing.replace("\n    ", "\n")) if closes else TEST
    pytester.makepyfile(f"{test}\n\n    def test_no_socket_is_left():\n        import gc; gc.collect()\n")
    record(pytester).assert_outcomes(passed=ROWS + 2)
    replay(pytester, stand_in).assert_outcomes(passed=ROWS + 2)


def test_a_changed_prompt_fails_with_the_difference_whatever_rate_is_declared(pytester, stand_in, cassette):
    pytester.makepyfile(TEST)
    record(pytester)
    changed = 'request_for(rk_row, "Guess." if rk_row.id == "row-01" else "Answer with a number.")'
    pytester.makepyfile(TEST.replace("request_for(rk_row)", changed))
    result = replay(pytester, stand_in)
    assert result.ret == 1
    result.assert_outcomes(passed=ROWS, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*no recorded answer to POST /inference/v1/chat/completions for row-01.",
            "*Answer with a number.*",
            "*Guess.*",
            "*record it: pytest test_a_changed*.py::test_my_prompt --rk-record=new",
            "*= cassettes =*",
            "*test_my_prompt.jsonl: 1 interaction that nothing asked for (row-01)",
        ]
    )
    result.stdout.no_fnmatch_line("*httpx*")


SWALLOWS = """
    @pytest.mark.rk_suite("small")
    @pytest.mark.rk_pass_rate(0.8)
    def test_my_prompt(rk_row, rk_fireworks):
        system = "Guess." if rk_row.id == "row-01" else "Answer with a number."
        try:
            completion = asyncio.run(rk_fireworks.chat(request_for(rk_row, system)))
        except Exception:
            THEN
    """


@pytest.mark.parametrize("then", ["pass", "pytest.fail('no answer')"])
def test_a_miss_that_the_test_caught_is_no_pass_and_is_not_tolerated(pytester, stand_in, then):
    pytester.makepyfile(TEST)
    record(pytester)
    helpers = TEST.partition("    @pytest.mark.rk_suite")[0]
    pytester.makepyfile(helpers + SWALLOWS.replace("THEN", then))
    result = replay(pytester, stand_in)
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": ROWS, "failed": 1}
    if then == "pass":
        result.stdout.fnmatch_lines(["a request had no recorded answer, and the test went on:", '*+ "Guess."*'])


def test_without_a_cassette_every_row_fails_and_names_the_command(pytester, suite):
    pytester.makepyfile(TEST)
    result = pytester.runpytest()
    assert result.ret == 1
    result.assert_outcomes(errors=ROWS, failed=1)
    result.stdout.fnmatch_lines(["*is not there. Record it: pytest *.py::test_my_prompt --rk-record=new*"])


def test_new_records_what_is_missing_and_all_with_a_selection_keeps_the_rest(pytester, stand_in, cassette):
    pytester.makepyfile(TEST)
    pytester.runpytest("--rk-record=new", "-k", "row-01")
    assert len(read_cassette(cassette).interactions) == 1
    record(pytester, mode="new")
    assert stand_in.counts.requests["/inference/v1/chat/completions"] == ROWS
    before = cassette.read_text().splitlines()
    pytester.runpytest("--rk-record=all", "-k", "row-01")
    assert stand_in.counts.requests["/inference/v1/chat/completions"] == ROWS + 1
    after = cassette.read_text().splitlines()
    assert len(after) == len(before)
    assert sum(one != other for one, other in zip(before, after, strict=True)) <= 1


def test_calls_of_one_test_are_filed_in_their_order_and_equal_ones_get_an_answer_each(pytester, stand_in, cassette):
    pytester.makepyfile(
        TEST.replace(
            "completion = asyncio.run(rk_fireworks.chat(request_for(rk_row)))",
            """
        async def three():
            tag = Tag((rk_row.id,))
            said = [await rk_fireworks.chat(request_for(rk_row, "Z"), tag)]
            said += [await rk_fireworks.chat(request_for(rk_row, "A"), tag) for _ in range(2)]
            return said
        completions = asyncio.run(three())
        assert [one.message["content"] for one in completions] == [rk_row.ground_truth, rk_row.ground_truth, "17"]
        completion = completions[0]""".strip(),
        )
    )
    result = pytester.runpytest("--rk-record=all")
    kept = [one for one in read_cassette(cassette).interactions if one.provenance.row_ids == ("row-02",)]
    said = [json.loads(one.request.body)["messages"][0]["content"] for one in kept]
    assert ([one.provenance.attempt for one in kept], said) == ([0, 1, 2], ["Z", "A", "A"])
    assert result.ret == replay(pytester, stand_in).ret


def test_a_failed_request_fails_its_test_and_the_others_are_kept(pytester, stand_in, cassette):
    pytester.makepyfile(TEST)
    stand_in.inject(Fault(Kind.INVALID_JSON, next=1))
    result = pytester.runpytest("--rk-record=all")
    assert result.ret == 1
    result.assert_outcomes(passed=ROWS, failed=1)
    result.stdout.fnmatch_lines(["*test_my_prompt.jsonl: not recorded: row-00: *"])
    assert len(read_cassette(cassette).interactions) == ROWS - 1


def test_ctrl_c_keeps_what_was_recorded(pytester, stand_in, cassette):
    pytester.makepyfile(
        TEST.replace("        assert", "        if rk_row.id == 'row-03': raise KeyboardInterrupt\n        assert")
    )
    assert pytester.runpytest_subprocess("--rk-record=all").ret == pytest.ExitCode.INTERRUPTED
    assert len(read_cassette(cassette).interactions) == 4
    assert not list(cassette.parent.glob(".*"))


def test_rk_cassette_is_the_open_cassette(pytester, stand_in):
    pytester.makepyfile(
        TEST.replace("rk_fireworks):", "rk_fireworks, rk_cassette):").replace(
            "        assert",
            "        assert (rk_cassette.suite, rk_cassette.step) == ('small', 'test_my_prompt')\n        assert",
        )
    )
    record(pytester)
    source = read_cassette(pytester.path / "cassettes/small/test_my_prompt.jsonl").interactions[0].provenance.source
    assert source is Source.STAND_IN


def test_without_the_mark_the_fixture_says_what_is_missing(pytester, suite):
    pytester.makepyfile("def test_plain(rk_fireworks): ...")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_plain uses rk_fireworks or rk_cassette: mark it with @pytest.mark.rk_suite*"])


def test_a_test_without_rows_has_a_cassette_too(pytester, stand_in):
    pytester.makepyfile(
        TEST.replace(
            "@pytest.mark.rk_pass_rate(0.8)\n    def test_my_prompt(rk_row, rk_reward", "def test_one(rk_suite"
        )
        .replace("request_for(rk_row)", "request_for(rk_suite.rows[2])")
        .replace("assert rk_reward(messages=[completion.message], ground_truth=rk_row.ground_truth) == 1.0", "")
    )
    record(pytester).assert_outcomes(passed=1)
    replay(pytester, stand_in).assert_outcomes(passed=1)


def test_two_functions_of_one_name_do_not_share_a_cassette(pytester, stand_in):
    pytester.makepyfile(test_one=TEST, test_two=TEST)
    result = pytester.runpytest("--rk-record=all")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*test_two.py::test_my_prompt and test_one.py::test_my_prompt would share *"])


def test_workers_do_not_record(pytester, suite):
    pytester.makepyfile(TEST)
    result = pytester.runpytest_subprocess("-n2", "--rk-record=new")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--rk-record=new writes one cassette, which workers cannot share: leave out -n*"])


def test_recording_without_a_key_says_where_to_put_one(pytester, suite, monkeypatch):
    for name in ("FIREWORKS_API_KEY", "FIREWORKS_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(pytester.path))
    pytester.makepyfile(TEST)
    result = pytester.runpytest("--rk-record=all")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*NoKeyError: there is no API key for https://api.fireworks.ai*"])
