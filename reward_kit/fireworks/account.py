"""Whose account and key a call uses, found as reward-kit finds them.

Precedence: argument, then environment (FIREWORKS_API_KEY, FIREWORKS_ACCOUNT_ID, FIREWORKS_API_BASE), then
~/.fireworks/auth.ini (`api_key`, `account_id`; flat or under [fireworks]).
"""

from __future__ import annotations

import configparser
import os
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reward_kit.fireworks.errors import AccountError, NoKeyError
from reward_kit.fireworks.secrets import Key
from reward_kit.loopback import is_loopback

DEFAULT_BASE = "https://api.fireworks.ai"
#: The development host, where the account "fireworks" goes by another name.
_DEVELOPMENT_HOST, _DEVELOPMENT_ACCOUNT = "dev.api.fireworks.ai", "pyroworks-dev"
#: Who asks a server on this machine, where nobody is named.
_LOCAL_ACCOUNT = "local"
#: Names of accounts and evaluators become part of a path.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")

_WAYS_TO_GIVE_A_KEY = (
    "Set FIREWORKS_API_KEY, or write api_key = ... into ~/.fireworks/auth.ini, or pass it as an argument. Without a "
    "key: replay recorded cassettes, or set FIREWORKS_API_BASE to a server on this machine, such as reward-kit serve"
)
_WAYS_TO_GIVE_AN_ACCOUNT = (
    "Set FIREWORKS_ACCOUNT_ID, or write account_id = ... into ~/.fireworks/auth.ini, or pass it as an argument"
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a Fireworks API.

    Args:
        base: URL of the API, without a slash at the end.
        account_id: whose evaluators; chat completions need none.
        key: None for servers on this machine and for replay, which never goes out.
    """

    base: str = DEFAULT_BASE
    account_id: str | None = None
    key: Key | None = None

    def __post_init__(self) -> None:
        _check_base(self.base)
        if self.account_id is not None and not NAME.fullmatch(self.account_id):
            raise AccountError(
                f"the account id {self.account_id!r} is none: letters, digits, - and _ only. {_WAYS_TO_GIVE_AN_ACCOUNT}"
            )

    @property
    def loopback(self) -> bool:
        """True where the server is on this machine."""
        return _is_local(self.base)

    @property
    def chat_url(self) -> str:
        return f"{self.base}/inference/v1/chat/completions"

    @property
    def evaluators_url(self) -> str:
        if self.account_id is None:
            raise AccountError(f"there is no account id, which evaluators belong to. {_WAYS_TO_GIVE_AN_ACCOUNT}")
        return f"{self.base}/v1/accounts/{self.account_id}/evaluators"

    def require_key(self) -> None:
        """See to it that calls over the network can be made.

        Raises:
            NoKeyError: where there is no key and the server is not on this machine.
        """
        if self.key is None and not self.loopback:
            raise NoKeyError(f"there is no API key for {self.base}. {_WAYS_TO_GIVE_A_KEY}")


def find_account(
    account_id: str | None = None,
    key: str | None = None,
    base: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Account:
    """The account to use. A key may be missing: `Account.require_key` says what to do, before anything is sent.

    Args:
        account_id: instead of FIREWORKS_ACCOUNT_ID.
        key: instead of FIREWORKS_API_KEY.
        base: instead of FIREWORKS_API_BASE.
        environ: instead of the process's environment.
        home: the folder of `.fireworks/auth.ini`; the user's own by default.

    Raises:
        AccountError: for settings that cannot be used.
    """
    environ = os.environ if environ is None else environ
    base = (base or environ.get("FIREWORKS_API_BASE") or DEFAULT_BASE).strip().rstrip("/")
    key, account_id = key or environ.get("FIREWORKS_API_KEY"), account_id or environ.get("FIREWORKS_ACCOUNT_ID")
    if not (key and account_id):
        stored = _stored((Path.home() if home is None else home) / ".fireworks" / "auth.ini")
        key, account_id = key or stored.get("api_key"), account_id or stored.get("account_id")
    if account_id == "fireworks" and _DEVELOPMENT_HOST in base:
        account_id = _DEVELOPMENT_ACCOUNT
    if not account_id and _is_local(base):
        account_id = _LOCAL_ACCOUNT
    return Account(base, account_id or None, _key(key))


def _is_local(url: str) -> bool:
    return is_loopback(urllib.parse.urlsplit(url).hostname or "")


def _key(text: str | None) -> Key | None:
    if not text or not text.strip():
        return None
    try:
        return Key(text)
    except ValueError as error:
        raise NoKeyError(f"the API key given is none: {error}. {_WAYS_TO_GIVE_A_KEY}") from None


def _check_base(base: str) -> None:
    """Refuse base URLs that would send a key in the clear, or where no endpoint is."""
    remedy = f"Set FIREWORKS_API_BASE to e.g. {DEFAULT_BASE} or http://127.0.0.1:PORT"
    try:
        parts = urllib.parse.urlsplit(base)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        raise AccountError(f"the base URL cannot be read. {remedy}") from None
    if parts.username is not None or parts.query or parts.fragment:
        raise AccountError(f"the base URL has a user, a query or a fragment, which would end up in logs. {remedy}")
    if not host or parts.scheme not in ("http", "https"):
        raise AccountError(f"the base URL {base!r} is none. {remedy}")
    if parts.scheme == "http" and not _is_local(base):
        raise AccountError(f"the base URL {base!r} would send the key unencrypted. Use https. {remedy}")
    if parts.path.endswith("/v1"):
        raise AccountError(f"the base URL {base!r} holds a part of the endpoints' path. Leave {parts.path} out")


def _stored(path: Path) -> dict[str, str]:
    """The settings of auth.ini; none where there is no such file. Its text is never quoted: it holds a key."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        # Flat files have no section; what stands before the first one becomes the default for all.
        parser.read_string("[DEFAULT]\n" + path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise AccountError(f"{path} cannot be read: {error.strerror}. Correct it or set FIREWORKS_API_KEY") from None
    except configparser.ParsingError as error:
        lines = ", ".join(str(line - 1) for line, _ in error.errors)
        raise AccountError(f"{path}:{lines}: not a line of the form name = value. Correct or remove it") from None
    except (configparser.Error, UnicodeDecodeError):
        raise AccountError(f"{path} is no settings file: it holds lines of the form name = value") from None
    return dict(parser["fireworks"] if parser.has_section("fireworks") else parser.defaults())
