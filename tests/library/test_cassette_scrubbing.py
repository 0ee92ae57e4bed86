"""Secrets: planted everywhere, found nowhere; and answers that only look a little like secrets stay as they are."""

from __future__ import annotations

import asyncio
import json
import logging
from urllib.parse import quote, quote_plus

import httpx
import pytest
from cassette_client import client, opened
from cassette_server import Answer, serving

from reward_kit.cassettes.cassette import Mode
from reward_kit.cassettes.errors import CassetteMissError
from reward_kit.cassettes.lint import lint
from reward_kit.cassettes.scrubbing import PLACEHOLDER, Scrubber
from reward_kit.fireworks.shapes import Tag

#: Of no form that a detector knows: it can only be known by being in use.
IN_USE = "rk+planted/In-Use=0001"
IN_ENVIRONMENT = "planted.environment.0002"
GIVEN = "planted given 0003"
FIREWORKS = "fw_" + "3ZaPlanted0004Abcdefgh99"
OPENAI = "sk-" + "Planted0005AbCdEfGh1234567"
BEARER = "PlAnTeD0006aBcDeFgHiJkLmN"
PLANTED = (
    IN_USE,
    IN_ENVIRONMENT,
    GIVEN,
    FIREWORKS,
    OPENAI,
    BEARER,
    "planted0007",
    "Planted0008xYz12345",
    "planted0009",
)
PATH = "/v1/accounts/planted0009/evaluators:previewEvaluator"


def planted_request(base: str) -> dict:
    body = {
        "messages": [{"role": "user", "content": f"My keys: {IN_USE} {FIREWORKS}\n{OPENAI} {GIVEN}"}],
        "sampleData": [json.dumps({"content": f"say {IN_USE} and {IN_ENVIRONMENT}"})],
        "api_key": "planted0007-with-a-name",
        "nested": {FIREWORKS: 1, "Authorization": f"Bearer {BEARER}"},
    }
    return {
        "url": f"{base}{PATH}",
        "params": {"api_key": "planted0007", "q": f"about {IN_USE}", "access_token": IN_ENVIRONMENT},
        "json": body,
        "headers": {
            "Authorization": f"Bearer {IN_USE}",
            "X-Api-Key": "Planted0008xYz12345",
            "Cookie": "s=planted0007xx",
        },
    }


def echo(asked):
    """A server that says everything it was told, in its headers too."""
    said = {"headers": asked.headers, "target": asked.target, "body": asked.json(), "error": f"bad key {IN_USE}"}
    said["text"] = f"Authorization: Bearer {BEARER}; {FIREWORKS}; {OPENAI}; {GIVEN}"
    headers = {"X-Request-Id": FIREWORKS, "Fireworks-Prompt-Tokens": "7", "X-Echo": IN_USE, "Set-Cookie": IN_USE}
    return Answer(said, headers=headers | {"x-rewardkit-note": f"with {IN_USE}"})


def spellings(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)}


def test_planted_keys_are_nowhere_in_cassette_log_or_error(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("FIREWORKS_API_KEY", IN_ENVIRONMENT)
    caplog.set_level(logging.DEBUG, logger="vcr")
    caplog.set_level(logging.DEBUG, logger="reward_kit")
    path = tmp_path / "preview.jsonl"

    async def run(mode, base, **changed):
        with opened(path, mode, secrets=[GIVEN]) as cassette:
            async with client(cassette, base) as http:
                request = planted_request(base) | changed
                response = await http.post(**request, extensions={Tag.KEY: Tag(("a",))})
            return response, cassette.failures

    with serving(echo) as (base, seen):
        recorded, _ = asyncio.run(run(Mode.ALL, base))
        assert IN_USE in seen[0].headers["Authorization"]  # what is sent is what was meant to be sent
        assert seen[0].json()["api_key"] == "planted0007-with-a-name"
    replayed, _ = asyncio.run(run(Mode.NONE, "http://recorded.invalid"))
    assert replayed.content == recorded.content
    changed = planted_request("http://recorded.invalid")["json"] | {"temperature": 1, "password": "planted0007"}
    with pytest.raises(CassetteMissError) as caught:
        asyncio.run(run(Mode.NONE, "http://recorded.invalid", json=changed))
    with serving(lambda asked: Answer(echo(asked).body, status=401)) as (base, _):
        refused, failures = asyncio.run(run(Mode.ALL, base))
    places = {
        "cassette": path.read_text(),
        "log": caplog.text,
        "miss": str(caught.value),
        "failures": "\n".join(failures),
        "answer": recorded.text + str(recorded.headers),
        "refusal": refused.text,
    }
    for place, text in places.items():
        if place != "miss":  # an account is no secret: it is left out of what is matched, not of what a server says
            text = text.replace(f'"target": "{PATH}', "").replace(f'"target":"{PATH}', "")
        found = [spelling for secret in PLANTED for spelling in spellings(secret) if spelling in text]
        assert found == [], (place, text)


def test_an_account_is_no_part_of_what_is_matched():
    one, other = (Scrubber().request("POST", f"/v1/accounts/{name}/evaluators", (), b"") for name in ("me", "you"))
    assert one == other
    assert one.path == "/v1/accounts/-/evaluators"


def test_a_request_matches_with_and_without_a_key(tmp_path):
    path = tmp_path / "regenerate.jsonl"

    async def run(mode, base, headers):
        with opened(path, mode) as cassette:
            async with client(cassette, base, headers=headers) as http:
                return await http.post("/chat", params={"api_key": "any"}, json={"a": 1})

    with serving(lambda asked: Answer({"n": 1})) as (base, _):
        asyncio.run(run(Mode.ALL, base, {"Authorization": f"Bearer {IN_USE}"}))
    assert asyncio.run(run(Mode.NONE, "http://recorded.invalid", {})).json() == {"n": 1}


@pytest.mark.parametrize(
    "text",
    [
        'Set `password = "hunter22"` and call check(password="Abc12345").',
        "Write to jane.doe@example.com about the token budget.",
        '{"email": "a@example.org", "password": "Tr0ub4dor9"}',
        "The basic idea: bearer of the key to api_key_1, sk-learn, fw_version.",
        "\\boxed{42}",
    ],
)
def test_what_a_model_wrote_keeps_its_words(text):
    body = {"choices": [{"message": {"content": text, "tool_calls": [{"function": {"arguments": text}}]}}]}
    content = json.dumps(body).encode()
    response, count = Scrubber().response(200, {}, content)
    assert count == 0
    assert json.loads(response.body) == body


def test_a_short_key_of_a_test_does_not_tear_texts_apart():
    scrubber = Scrubber()
    scrubber.learn_from({"Authorization": "Bearer none"})
    assert scrubber.text("none of these") == "none of these"


def test_a_scrubbed_answer_cannot_equal_a_masked_gold():
    from reward_kit.prepare.masking import mask_text

    masked = mask_text(f"key {FIREWORKS}", __import__("collections").Counter())
    assert PLACEHOLDER not in masked
    assert Scrubber().text(f"key {FIREWORKS}") == f"key {PLACEHOLDER}"


def test_scrubbing_twice_is_scrubbing_once():
    scrubber = Scrubber([GIVEN])
    request = planted_request("")["json"]
    once = scrubber.request("POST", PATH, (), json.dumps(request).encode())
    assert scrubber.request(once.method, once.path, once.query, once.body) == once


def test_two_secrets_that_name_fields_stay_two_fields():
    body = json.dumps({FIREWORKS: 1, FIREWORKS + "x": 2}).encode()
    response, count = Scrubber().response(200, {}, body)
    assert sorted(json.loads(response.body).values()) == [1, 2]
    assert count == 2


def test_only_listed_headers_are_kept():
    headers = httpx.Headers(
        {"Content-Type": "application/json", "Server": "x", "X-Amz-Token": "y", "fireworks-key-id": "z"}
    )
    assert Scrubber().response(200, headers, b"")[0].headers == {"content-type": "application/json"}


def test_lint_finds_a_key_that_somebody_wrote_in(tmp_path, monkeypatch):
    from reward_kit.cassettes.format import cassette_lines
    from reward_kit.cassettes.interaction import Interaction, Provenance, RecordedRequest, RecordedResponse, Source

    came = Provenance(("a",), 0, Source.LIVE, None, None, "by hand")
    content = json.dumps({"text": FIREWORKS}).encode()
    one = Interaction(RecordedRequest("POST", "/"), RecordedResponse(200, {}, content), came)
    path = tmp_path / "x.jsonl"
    path.write_text("".join(line + "\n" for line in cassette_lines("math", "regenerate", [one])))
    [defect] = lint(path)
    assert (defect.line, defect.problem) == (2, "seems to hold a secret")
