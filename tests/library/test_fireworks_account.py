"""Whose account a call uses, found as reward-kit finds it; and a key that never shows."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from reward_kit.fireworks.account import Account, find_account
from reward_kit.fireworks.errors import AccountError, NoKeyError
from reward_kit.fireworks.secrets import Key, scrub

KEY = "fw_planted0123456789"


def found(tmp_path, ini=None, environ=(), **arguments):
    if ini is not None:
        (tmp_path / ".fireworks").mkdir()
        (tmp_path / ".fireworks" / "auth.ini").write_text(ini, encoding="utf-8")
    return find_account(environ=dict(environ), home=tmp_path, **arguments)


def test_an_argument_comes_before_the_environment_and_that_before_the_file(tmp_path):
    ini = "api_key = from-file\naccount_id = file\n"
    environ = {"FIREWORKS_API_KEY": "from-environment", "FIREWORKS_ACCOUNT_ID": "environment"}
    account = found(tmp_path, ini, environ, account_id="argument", key="from-argument")
    assert (account.account_id, account.key.reveal()) == ("argument", "from-argument")
    account = find_account(environ=environ, home=tmp_path)
    assert (account.account_id, account.key.reveal()) == ("environment", "from-environment")
    account = find_account(environ={}, home=tmp_path)
    assert (account.account_id, account.key.reveal()) == ("file", "from-file")


@pytest.mark.parametrize(
    "ini",
    [
        f"api_key={KEY}\naccount_id=mine\n",
        f"[fireworks]\napi_key = {KEY}\naccount_id = mine\n",
        f"﻿[fireworks]\r\napi_key = {KEY}\r\naccount_id = mine\r\n",
        f"api_key = {KEY}\n[fireworks]\naccount_id = mine\n[other]\napi_key = another\n",
    ],
    ids=["flat", "section", "written on Windows", "both"],
)
def test_auth_ini_is_read_flat_or_with_its_section(tmp_path, ini):
    account = found(tmp_path, ini)
    assert (account.account_id, account.key.reveal()) == ("mine", KEY)


def test_half_of_the_settings_may_come_from_the_file(tmp_path):
    account = found(tmp_path, "account_id = mine", {"FIREWORKS_API_KEY": KEY, "FIREWORKS_ACCOUNT_ID": ""})
    assert (account.account_id, account.key.reveal()) == ("mine", KEY)


def test_a_broken_auth_ini_is_named_with_its_line_and_without_the_key(tmp_path):
    with pytest.raises(AccountError, match=r"auth\.ini:2: not a line of the form") as caught:
        found(tmp_path, f"account_id = mine\n{KEY}\n")
    assert KEY not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_development_host_knows_the_account_by_another_name(tmp_path):
    environ = {"FIREWORKS_API_BASE": "https://dev.api.fireworks.ai/", "FIREWORKS_ACCOUNT_ID": "fireworks"}
    account = found(tmp_path, None, environ)
    assert account.evaluators_url == "https://dev.api.fireworks.ai/v1/accounts/pyroworks-dev/evaluators"
    assert found(tmp_path, None, {"FIREWORKS_ACCOUNT_ID": "fireworks"}).account_id == "fireworks"


def test_a_missing_key_names_the_ways_to_give_one(tmp_path):
    with pytest.raises(NoKeyError, match=r"FIREWORKS_API_KEY.*auth\.ini.*argument.*replay.*FIREWORKS_API_BASE"):
        found(tmp_path).require_key()


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:8000", "http://127.9.9.9"]
)
def test_a_server_on_this_machine_needs_no_key_and_no_account(tmp_path, base):
    account = found(tmp_path, base=base)
    account.require_key()
    assert account.evaluators_url == f"{base}/v1/accounts/local/evaluators"


@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("http://api.fireworks.ai", "unencrypted"),
        ("http://127.0.0.1.example.com", "unencrypted"),
        ("https://user:secretword@api.fireworks.ai", "a user"),
        ("https://api.fireworks.ai?key=secretword", "a query"),
        ("https://api.fireworks.ai/inference/v1", "Leave /inference/v1 out"),
        ("api.fireworks.ai", "is none"),
        ("ftp://127.0.0.1", "is none"),
        ("https://host:99999", "cannot be read"),
    ],
)
def test_base_urls_that_cannot_be_meant_are_refused(tmp_path, base, problem):
    with pytest.raises(AccountError, match=problem) as caught:
        found(tmp_path, base=base)
    assert "secretword" not in str(caught.value)


def test_an_account_id_that_would_change_the_path_is_refused(tmp_path):
    with pytest.raises(AccountError, match="letters, digits"):
        found(tmp_path, account_id="mine/../yours")
    with pytest.raises(AccountError, match="FIREWORKS_ACCOUNT_ID"):
        _ = found(tmp_path).evaluators_url


def test_a_key_shows_in_no_way_of_writing_it_out():
    account = Account(key=Key(KEY))
    key = account.key
    shown = (repr(account), str(key), f"{key:>40}", "%s %r" % (key, key), repr(dataclasses.asdict(account)))  # noqa: UP031
    assert not [text for text in shown if KEY in text]
    assert copy.deepcopy(key) is key
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(account)


@pytest.mark.parametrize("text", ["fw_two words", "fw_newline\nX-Other: 1", "fw_ключ0000", "Bearer fw_x"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(tmp_path, text):
    with pytest.raises(NoKeyError) as caught:
        found(tmp_path, key=text)
    assert "fw_" not in str(caught.value)


def test_whitespace_around_a_key_is_no_part_of_it(tmp_path):
    assert found(tmp_path, key=f" {KEY}\n").key.reveal() == KEY
    assert found(tmp_path, key=" \n").key is None


def test_what_looks_like_a_key_is_scrubbed_even_where_no_key_is_known():
    assert scrub(f"you sent Bearer abcdefgh123 and {KEY}.") == "you sent Bearer *** and ***."
    assert scrub("the word mykey", Key("mykey")) == "the word ***"
