"""Masking: planted secrets leave a row and are counted, what only looks odd stays, and hostile text costs no time.

Every key is made up and put together at run time, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
import time
import uuid
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_kit.models import Row
from reward_kit.prepare.masking import mask, mask_text

RANDOM = random.Random(20)
ALPHANUMERIC = string.ascii_letters + string.digits


def drawn(length: int, signs: str = ALPHANUMERIC) -> str:
    """A random text with a digit in its middle, as `length` random signs have nearly always."""
    return (
        "".join(RANDOM.choices(signs, k=length // 2)) + "7" + "".join(RANDOM.choices(signs, k=length - length // 2 - 1))
    )


def pem(kind: str, body: str, end: bool = True) -> str:
    return f"-----BEGIN {kind}-----\n{body}\n" + (f"-----END {kind}-----" if end else "")


def masked(text: str) -> tuple[str, Counter[str]]:
    counts: Counter[str] = Counter()
    return mask_text(text, counts), counts


PREFIXED = {
    "openai": ("sk-" + drawn(48), "openai-key"),
    "openai project": ("sk-proj-" + drawn(120, ALPHANUMERIC + "_-"), "openai-key"),
    "openrouter": ("sk-or-v1-" + drawn(64, "0123456789abcdef"), "openai-key"),
    "anthropic": ("sk-ant-" + "api03-" + drawn(95, ALPHANUMERIC + "_-"), "anthropic-key"),
    "fireworks": ("fw_" + drawn(24), "fireworks-key"),
    "hugging face": ("hf_" + drawn(34), "hugging-face-key"),
    "github": ("ghp_" + drawn(36), "github-key"),
    "github, fine-grained": ("github_pat_" + drawn(22) + "_" + drawn(59), "github-key"),
    "gitlab": ("glpat-" + drawn(20), "gitlab-key"),
    "aws": ("AKIA" + drawn(16, string.ascii_uppercase + "234567"), "aws-key"),
    "aws, temporary": ("ASIA" + drawn(16, string.ascii_uppercase + "234567"), "aws-key"),
    "google": ("AIza" + drawn(35), "google-key"),
    "google oauth": ("ya29." + drawn(60), "google-key"),
    "slack": ("xoxb-" + drawn(12, string.digits) + "-" + drawn(24), "slack-key"),
    "stripe": ("sk_live_" + drawn(24), "stripe-key"),
    "stripe, restricted": ("rk_test_" + drawn(24), "stripe-key"),
    "stripe webhook": ("whsec_" + drawn(32), "stripe-key"),
    "groq": ("gsk_" + drawn(52), "api-key"),
    "sendgrid": ("SG." + drawn(22) + "." + drawn(43), "api-key"),
    "jwt": ("eyJ" + drawn(33) + ".eyJ" + drawn(80) + "." + drawn(43), "jwt"),
    "private key": (pem("RSA PRIVATE KEY", drawn(64) + "\n" + drawn(30) + "=="), "private-key"),
    "private key, one line": (pem("PRIVATE KEY", drawn(64)).replace("\n", "\\n"), "private-key"),
    "encrypted key": (pem("EC PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\n" + drawn(64)), "private-key"),
}


@pytest.mark.parametrize("name", PREFIXED)
@pytest.mark.parametrize("around", ["{}", "use {} please", "('{}')", "KEY={}\n", "https://host/?key={}&a=1", "({}),"])
def test_a_key_that_its_shape_tells_is_masked_wherever_it_stands(name: str, around: str) -> None:
    key, kind = PREFIXED[name]

    text, counts = masked(around.format(key))

    assert text == around.format(f"<secret:{kind}>")
    assert counts == {kind: 1}


SECRET = drawn(40)
IN_CONTEXT = {
    "bearer": (f"Authorization: Bearer {SECRET}", SECRET, "authorization"),
    "basic": (f"-H 'authorization: basic {SECRET}=='", SECRET + "==", "authorization"),
    "connection": ("postgres://app:hunter2@db.internal:5432/app", "hunter2", "connection-password"),
    "connection without user": ("redis://:p@ss1@cache", "p@ss1", "connection-password"),
    "environment": (f"export DB_PASSWORD={SECRET}", SECRET, "assigned"),
    "yaml": ("password: hunter22", "hunter22", "assigned"),
    "prose": ("my password is Tr0ub4dor&3", "Tr0ub4dor&3", "assigned"),
    "python": (f"client = Client(api_key='{SECRET}')", SECRET, "assigned"),
    "python, typed": (f'api_key: str = "{SECRET}"', SECRET, "assigned"),
    "python dict": (f"{{'client_secret': '{SECRET}', 'n': 1}}", SECRET, "assigned"),
    "aws": (f"aws_secret_access_key = {SECRET}", SECRET, "assigned"),
    "header": (f"x-api-key: {SECRET}", SECRET, "assigned"),
    "query": (f"GET /?access_token={SECRET}&page=2", SECRET, "assigned"),
    "azure": (f"AccountName=a;AccountKey={SECRET}==;Suffix=b", SECRET + "==", "assigned"),
    "json in prose": (f'I sent {{"token": "{SECRET}"}} to it', SECRET, "assigned"),
    "escaped json in prose": (f'I sent "{{\\"token\\": \\"{SECRET}\\"}}"', SECRET, "assigned"),
    "slack webhook": (f"https://hooks.slack.com/services/T01/B02/{SECRET}", f"T01/B02/{SECRET}", "slack-key"),
    "cut off private key": (pem("PRIVATE KEY", SECRET, False), pem("PRIVATE KEY", SECRET, False)[:-1], "private-key"),
}


@pytest.mark.parametrize("name", IN_CONTEXT)
def test_a_secret_that_its_surroundings_tell_is_masked_and_nothing_around_it(name: str) -> None:
    text, secret, kind = IN_CONTEXT[name]

    assert masked(text) == (text.replace(secret, f"<secret:{kind}>"), {kind: 1})


@pytest.mark.parametrize(
    "address",
    ["ann@example.org", "a.b+c_d@mail.example.co.uk", "José@example.org", "x@bücher.example", "1@a-b.io", "%x@y.com"],
)
@pytest.mark.parametrize("around", ["{}", "Write to {}.", "<{}>", "mailto:{}?subject=a", "[{}](b)", "{}, bob"])
def test_an_address_is_masked(address: str, around: str) -> None:
    assert masked(around.format(address)) == (around.format("<email>"), {"email": 1})


def test_an_address_before_a_bracket_is_no_matrix_product() -> None:
    assert masked("ann@example.org(work), A@B.dot(c)")[0] == "<email>(work), A@B.dot(c)"


INNOCENT = {
    "uuid": f"id {uuid.UUID(int=RANDOM.getrandbits(128))}",
    "digest": f"sha256:{hashlib.sha256(b'a').hexdigest()} commit {hashlib.sha1(b'a').hexdigest()}",
    "image": "data:image/png;base64," + base64.b64encode(RANDOM.randbytes(60_000)).decode(),
    "latex": r"Solve $\frac{1}{2}x^2 + \sqrt{3} = \boxed{a@b}$ with $x \in \{1,2\}$",
    "price": "It costs $12.50 (or 11,90 €) @ 3% off; 2@5.00",
    "decorator": "@app.route('/a')\ndef a(): return x @ y\n@pytest.mark.slow",
    "matrix product": "y = A@B.dot(c) + X@W.reshape(2)[0]",
    "image name": "logo@2x.png icon@3x.webp",
    "git": "git clone git@github.com:org/repo.git",
    "package": "npm i react@18.2.0 @types/node@20",
    "variable": "password = user_password2; token = tokens[12]; secret = other.secret_key3",
    "call": "password = getpass2('Password: ')\napi_key=os.environ['API_KEY_2']",
    "reference": "PASSWORD=$DB_PASSWORD_1 password: ${{ secrets.TOKEN_1 }} redis://:${PASSWORD_1}@host",
    "placeholder": "api_key=YOUR_API_KEY_1 password=******** token: <your-token-1> https://user:****@host.example/",
    "tokens": "max_tokens=4096, token: 50256, next_page_token=CAUQ7w9Ab3dEfG1h2J",
    "prose": "Basic understanding of tokens: the bearer internationalization2 key is important. password: required",
    "url with port": "http://host:8080/a@b and http://host:80",
    "public key": pem("PUBLIC KEY", drawn(64)) + "pk_live_" + drawn(24),
    "certificate": pem("CERTIFICATE", drawn(64)),
    "css": "sk-folding-cube sk-circle-fade-dot-animation-12",
    "ids": "chatcmpl-" + drawn(29) + " call_" + drawn(24) + " resp_" + drawn(40),
    "publishable path": "/var/lib/" + drawn(30) + "/x",
}


@pytest.mark.parametrize("name", INNOCENT)
def test_what_is_no_secret_stays(name: str) -> None:
    assert masked(INNOCENT[name]) == (INNOCENT[name], {})


def row_of(*messages: dict[str, Any], gold: Any = None, **columns: Any) -> Row:
    return Row("openai-chat-00000", messages, gold, columns, 1)


def test_every_string_of_a_row_is_read() -> None:
    key = "sk-" + drawn(48)
    call = {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": json.dumps({"a": [key]})}}
    parts = [{"type": "text", "text": key}, {"type": "image_url", "image_url": {"url": f"https://h/?a={key}"}}]
    tools = [{"type": "function", "function": {"name": "send", "description": f"e.g. {key}"}}]

    row, counts = mask(
        row_of(
            {"role": "user", "content": parts, "name": key},
            {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": key},
            {"role": "tool", "content": json.dumps({key: 1})},
            tools=tools,
            feedback={"feedback": [{"comment": key}]},
            other_choices=[{"message": {"content": key}}],
        )
    )

    assert counts == {"openai-key": 9}
    assert key not in repr(row)


def test_a_field_called_password_is_one() -> None:
    fields = {"password": "hunter22", "clientSecret": "a1!b2?c3:d4x", "user": "hunter22", "password_hint": "hunter22"}

    row, counts = mask(row_of({"role": "user", "content": json.dumps(fields)}, login=fields))

    kept = fields | {"password": "<secret:assigned>", "clientSecret": "<secret:assigned>"}
    assert counts == {"assigned": 4}
    assert row.columns["login"] == json.loads(row.messages[0]["content"]) == kept


def test_arguments_stay_json_and_change_nowhere_else() -> None:
    arguments = (
        '{ "to":"bob@example.org",\t"text": "\\nann@example.org \\u00e9 \\"x\\"", "n": 1.50, "big": 1E400, "é": 1}'
    )

    text, counts = masked(arguments)

    assert counts == {"email": 2}
    assert text == ('{ "to":"<email>",\t"text": "\\n<email> \\u00e9 \\"x\\"", "n": 1.50, "big": 1E400, "é": 1}')


def test_an_escape_hides_nothing() -> None:
    text, counts = masked('{"a": "ann\\u0040example.org", "b": "postgres:\\/\\/u:hunter2@h"}')

    assert counts == {"email": 1, "connection-password": 1}
    assert json.loads(text) == {"a": "<email>", "b": "postgres://u:<secret:connection-password>@h"}


def test_json_within_json_within_json_stays_json() -> None:
    inner = json.dumps({"text": 'a\n"ann@example.org"', "password": "hunter22"})
    outer = json.dumps({"body": json.dumps([inner])})

    text, counts = masked(outer)

    assert counts == {"email": 1, "assigned": 1}
    held = json.loads(json.loads(json.loads(text)["body"])[0])
    assert held == {"text": 'a\n"<email>"', "password": "<secret:assigned>"}


@pytest.mark.parametrize("as_text", [False, True])
def test_addresses_that_name_fields_do_not_become_one_field(as_text: bool) -> None:
    votes = {"ann@example.org": 1, "bob@example.org": 2, "<email>-2": 3, "x": 4}

    row, counts = mask(row_of({"role": "user", "content": json.dumps(votes) if as_text else "a"}, votes=votes))

    held = json.loads(row.messages[0]["content"]) if as_text else row.columns["votes"]
    assert sorted(held.values()) == [1, 2, 3, 4]
    assert "ann" not in repr(row)
    assert counts == {"email": 4 if as_text else 2}


def test_the_ground_truth_is_never_changed() -> None:
    row, counts = mask(row_of({"role": "user", "content": "Whose address?"}, gold="ann@example.org"))

    assert (row.ground_truth, counts) == ("ann@example.org", {})


def test_a_row_is_masked_the_same_whatever_came_before() -> None:
    row = row_of({"role": "user", "content": "ann@example.org, bob@example.org, ann@example.org"})
    alone = mask(row)
    mask(row_of({"role": "user", "content": "eve@example.org"}))

    assert mask(row) == alone
    assert alone[0].messages[0]["content"] == "<email>, <email>, <email>"


def test_masking_twice_is_masking_once() -> None:
    planted = [key for key, _ in PREFIXED.values()] + [text for text, _, _ in IN_CONTEXT.values()]
    row = row_of({"role": "user", "content": "\n\n".join(planted)}, fields={"password": "hunter22", "a@b.com": "x"})

    once, counts = mask(row)

    assert sum(counts.values()) >= len(planted)
    assert mask(once) == (once, {})


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["a\nb@c.de", 'x"', "pw: a1b2c3d4"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("b@c.de"), inner, max_size=4),
)


@given(json_values, st.booleans())
def test_json_text_stays_the_json_of_the_masked_value(value: Any, ascii_only: bool) -> None:
    text, _ = masked(json.dumps([value], ensure_ascii=ascii_only))

    row, _ = mask(row_of({"role": "user", "content": ""}, held=[value]))

    if "<email>-" not in text:  # fields are numbered for each object there and for the whole text here
        assert json.loads(text) == row.columns["held"]


HOSTILE = (
    'a a@ a@b. a. @ : - \\ " [ {"": sk- sk-a1- a1- eyJ eyJaaaaaaaaaaaaaaaa. xoxb- SG.aaaaaaaaaaaaaaaa a:// a://b:c a://b:c@'
    ' password= password: password\\" secret api_key token: bearer= -----BEGIN -----BEGIN-PRIVATE-KEY-----'
    " a@b.b.b.b.b.b.b.b.b.b é@ %@ AKIA ghp_ hf_ hooks.slack.com/services/ password=a&b password=a1&"
).split()


@pytest.mark.parametrize(
    "piece", [*HOSTILE, "bearer ", "password \t", "-----BEGIN PRIVATE KEY-----", "password is ", "\\n"]
)
def test_a_megabyte_of_anything_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        start = time.process_time()
        masked(text)
        masked("[" + json.dumps(text) + "]")
        return time.process_time() - start

    # A quadratic expression takes minutes for a megabyte; the slowest here takes about half a second.
    assert seconds(1_000_000) < 5


def test_text_that_is_nested_a_hundred_thousand_deep_is_survived() -> None:
    assert masked("[" * 100_000 + '"ann@example.org"' + "]" * 100_000)[1] == {"email": 1}
