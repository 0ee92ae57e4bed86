"""What secrets and e-mail addresses look like in text.

Formats of keys: the providers' own documentation, as collected by https://github.com/gitleaks/gitleaks (config).
Every expression is linear: it is tried only where a word begins, its runs are possessive or bounded.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detector:
    """One kind of secret.

    Attributes:
        kind: what its placeholder and its count are called.
        hints: texts, in lower case, of which one must occur for the expression to be tried at all.
        pattern: the expression; its group `value` is the secret, or all of it where there is no such group.
        accepts: whether a match is a secret, for expressions that also match prose and code.
    """

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    accepts: Callable[[re.Match[str]], bool] = lambda match: True

    def replace(self, text: str, placeholder: str) -> tuple[str, int]:
        """The text with every secret of this kind replaced, and how many there were."""
        count = 0

        def replaced(match: re.Match[str]) -> str:
            nonlocal count
            if not self.accepts(match):
                return match[0]
            count += 1
            if "value" not in self.pattern.groupindex:
                return placeholder
            start, end = match.start("value") - match.start(), match.end("value") - match.start()
            return match[0][:start] + placeholder + match[0][end:]

        return self.pattern.sub(replaced, text), count


#: `step-2`, `api_key_1`, `config.v2`: words with a number at the end. A random value has its digits anywhere.
_SLUG = re.compile(r"(?:[a-z]{1,20}\d{0,3}|\d{1,20})(?:[-_.](?:[a-z]{1,20}\d{0,3}|\d{1,20}))*", re.IGNORECASE)
#: Bits for each character. Words repeated and rows of x lie below, eight different signs at 3.
_LEAST_ENTROPY = 2.5
_IMAGES = frozenset("png jpg jpeg gif webp svg".split())
_COMMON_TOPS = frozenset("com org net edu gov io ai dev info eu uk de fr es it nl ch at pl in cn jp au ca br".split())
#: Characters. What is shorter is as often a word, a type or a number of something.
_SHORTEST_PASSWORD, _SHORTEST_KEY = 8, 12
_PASSWORD = r"passwords?|passwd|passphrase|pwd"
_CREDENTIAL = (
    r"secret(?:[_ -]?access)?(?:[_ -]?key)?|api[_ -]?key|(?:access|account|auth|private|signing|encryption)[_ -]?key"
    r"|(?<!page)(?<!page[_-])token"
)
# The two letters at first are there for speed: with them prose is read three times as fast.
_NAME = rf"(?=[psaet][awepcurino])(?:(?P<password>{_PASSWORD})|{_CREDENTIAL})"
_SENSITIVE_NAME = re.compile(_NAME + r"\Z", re.IGNORECASE)


def looks_random(value: str) -> bool:
    """Whether a value was rather drawn than written: letters and digits mixed, and not words with a number."""
    letters = any(sign.isalpha() for sign in value)
    if not letters or not any(sign.isdigit() for sign in value) or _SLUG.fullmatch(value):
        return False
    return _entropy(value[:200]) >= _LEAST_ENTROPY


def is_secret_named(name: str, value: str) -> bool:
    """Whether the value of a field with this name is a secret: `password`, `client_secret`, `apiKey`, `auth-token`."""
    if len(value) < _SHORTEST_PASSWORD:
        return False
    found = _SENSITIVE_NAME.search(name[-100:])
    return found is not None and not re.search(r"\s", value) and _is_given(value, found["password"] is not None, True)


def _entropy(value: str) -> float:
    return -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())


def _is_given(value: str, password: bool, literal: bool) -> bool:
    """Whether what is assigned to a password (or key) is one, not a variable, a placeholder or a type.

    People's passwords are words with a number at the end, as names of variables are: `hunter22` counts where it is
    `literal`, written as a value: in quotes, after a colon, right after `=`. `password = other1` is code.
    """
    if value.startswith(("$", "%", "*")) or len(value) < (_SHORTEST_PASSWORD if password else _SHORTEST_KEY):
        return False
    if password and literal and value.isalnum():
        return any(sign.isdigit() for sign in value) and any(sign.isalpha() for sign in value)
    return looks_random(value)


def _assigned(match: re.Match[str]) -> bool:
    literal = bool(match["quote"]) or match["sign"] is None or match["sign"].strip(" \t") == ":" or match["sign"] == "="
    return _is_given(match["value"], match["password"] is not None, literal)


def _random_value(match: re.Match[str]) -> bool:
    return looks_random(match["value"])


def _address(match: re.Match[str]) -> bool:
    """Not `logo@2x.png`, and not the matrix product `A@B.dot(c)`."""
    top, called = match["top"].lower(), match.string[match.end() : match.end() + 1] in ("(", "[")
    return top not in _IMAGES and (not called or top in _COMMON_TOPS)


def _own_password(match: re.Match[str]) -> bool:
    value = match["value"]
    return not value.startswith(("$", "{", "%(", "[")) and value.strip("*") != ""


def _key(kind: str, hint: str | tuple[str, ...], pattern: str, *, base64: bool = False) -> Detector:
    """A key that its first signs tell. `base64`: it could stand in base64 text too, where it means nothing."""
    before = r"(?<![A-Za-z0-9+/_-])" if base64 else r"(?<![A-Za-z0-9_-])"
    return Detector(kind, (hint,) if isinstance(hint, str) else hint, re.compile(before + pattern))


#: In the order they are tried: what has a kind of its own before what is only assigned, addresses at the end.
DETECTORS = (
    Detector(
        "private-key",
        ("private key",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?:[A-Za-z0-9+/=:,. \t\r\n]|\\[nr]|-(?!----))*+-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"|(?:(?:\r?\n|\\[nr])*+[A-Za-z0-9+/=]{24,}+)*+)"  # a key that was cut off
        ),
    ),
    _key("anthropic-key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{20,}+"),
    Detector(
        "openai-key",
        ("sk-",),
        re.compile(r"(?<![A-Za-z0-9_-])sk-(?P<body>[A-Za-z0-9_-]{20,}+)"),
        lambda match: looks_random(match["body"]),  # and not a name of a style sheet, `sk-folding-cube`
    ),
    _key("fireworks-key", ("fw_", "fpk_"), r"(?:fw|fpk)_[A-Za-z0-9]{20,}+"),
    _key("hugging-face-key", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,}+"),
    _key(
        "github-key",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"(?:gh[pousr]_[A-Za-z0-9]{36,}+|github_pat_[A-Za-z0-9_]{40,}+)",
    ),
    _key("gitlab-key", "glpat-", r"glpat-[A-Za-z0-9_-]{20,}+"),
    _key(
        "aws-key", ("akia", "asia", "abia", "acca"), r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])", base64=True
    ),
    _key("google-key", "aiza", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", base64=True),
    _key("google-key", ("ya29.", "gocspx-"), r"(?:ya29\.[A-Za-z0-9_-]{20,}+|GOCSPX-[A-Za-z0-9_-]{20,}+)"),
    _key("slack-key", ("xox", "xapp-"), r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}+"),
    Detector(
        "slack-key",
        ("hooks.slack.com",),
        re.compile(r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<value>[A-Za-z0-9/_-]{20,}+)"),
    ),
    _key(
        "stripe-key",
        ("k_live_", "k_test_", "whsec_"),
        r"(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,}+|whsec_[A-Za-z0-9+/]{24,}+)",
    ),
    _key(
        "api-key",
        ("gsk_", "xai-", "nvapi-", "npm_", "pypi-ageic", "sg."),
        r"(?:gsk_[A-Za-z0-9]{40,}+|xai-[A-Za-z0-9]{40,}+|nvapi-[A-Za-z0-9_-]{40,}+|npm_[A-Za-z0-9]{36}"
        r"|pypi-AgEIc[A-Za-z0-9_-]{40,}+|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64})",
    ),
    _key("jwt", "eyj", r"eyJ[A-Za-z0-9_-]{12,}+\.[A-Za-z0-9_-]*+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]++){0,2}"),
    Detector(
        "connection-password",
        ("://",),
        re.compile(
            r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}+://[^\s:/@\"'<>\\]{0,100}+:(?P<value>[^\s/?#\"'<>\\]{1,200})@"
        ),
        _own_password,
    ),
    Detector(
        "authorization",
        ("bearer", "basic"),
        re.compile(r"(?<![a-z0-9])(?:bearer|basic)[ \t]{1,4}(?P<value>[a-z0-9._~+/-]{16,}+={0,2})", re.IGNORECASE),
        _random_value,
    ),
    Detector(
        "assigned",
        ("pass", "pwd", "secret", "key", "token"),
        re.compile(
            _NAME + r"\\{0,3}[\"'`]?(?:[ \t]{0,3}:[ \t]{0,3}(?:str|string)(?=[ \t]{0,3}=))?"
            r"(?:(?P<sign>[ \t]{0,3}(?:=>|[:=])[ \t]{0,3})|[ \t]{1,3}is:?[ \t]{1,3})"
            r"(?P<quote>\\{0,3}[\"'`])?(?P<value>(?:[^\s\"'`,;<>&|{}()\[\]\\]|&(?![\w.-]{1,40}=)){8,}+)(?![(\[])",
            re.IGNORECASE,
        ),
        _assigned,
    ),
    Detector(
        "email",
        ("@",),
        re.compile(r"(?<![\w.%+-])(?!git@)[\w.%+-]{1,64}+@(?:\w[\w-]{0,62}+\.){1,8}(?P<top>[A-Za-z]{2,24}+)(?!\w)"),
        _address,
    ),
)
