r"""Golds without loss: what may be taken off a gold's spelling, and a second reading that proves its value stayed.

A normaliser takes away what only typesets a gold: blanks, thousands separators, dollar signs, a box. It never takes
out "the number" of a gold and never repairs one. `check_normalised` shares no code with the normalisers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from reward_kit.jsonl import canonical_json
from reward_kit.prepare.base import Finding, Reason
from reward_kit.prepare.code_golds import same_tests
from reward_kit.rewards.math import Policy, answers_equal, audit_gold

# ------------------------------------------------------------------------------------------------- normalisers
# Groups of exactly three digits; 12,34 and 0,123 are something else.
_THOUSANDS = re.compile(r"[-+\u2212]?\$?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?%?", re.ASCII)
_BLANK_ENDS = re.compile(r"^(?:\s|~|\\[ ,;!:]){1,9}|(?:\s|~|(?<!\\)\\[ ,;!:]){1,9}$")
#: Longer golds are left as they are: `math_reward` reads no answer of this length.
_LONGEST = 20_000
_TEXT = re.compile(r"\\(?:text|mbox|textbf|mathrm|operatorname)\b")
_BOX = re.compile(r"\\(?:boxed|fbox)\s?\{")
_BRACE = re.compile(r"(?<!\\)[{}]")
_ABBREVIATION = re.compile(r"\.\s?[A-Za-z]\.$|\\(?:left|right)\s?\.$|\.\.$")


def number_gold(raw: str) -> str:
    """A gold as GSM8K writes them: without surrounding blanks and thousands separators.

    Signs, currency, percent and units stay: they belong to the value.
    """
    text = raw.strip()
    return text.replace(",", "") if _THOUSANDS.fullmatch(text) else text


def latex_gold(raw: str) -> str:
    r"""A gold as OpenR1 writes them: without outer `$`, `\(...\)`, `\boxed{}`, a last full stop, and blanks around.

    What is broken stays broken (`4\mathrm{~}/\mathrm{}`): the audit says so.
    """
    text = raw if len(raw) <= _LONGEST else raw.strip()
    while len(text) <= _LONGEST and (bare := _one_layer_less(text)) != text:
        text = bare
    return text if len(text) > _LONGEST or _TEXT.search(text) else re.sub(r"[ \t]+", " ", text)


def _one_layer_less(text: str) -> str:
    bare = text.strip()
    cut = bare.endswith("\\") and text.endswith(" ")  # the blank of a last "\\ " belongs to it
    text = _BLANK_ENDS.sub("", bare + " " if cut else bare)
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        inner = text[len(opening) : -len(closing)]
        whole = text.startswith(opening) and text.endswith(closing) and len(text) > len(opening + closing)
        if whole and opening not in inner and closing not in inner and not inner.endswith("\\"):
            return inner
    box = _BOX.match(text)
    if box is not None and _closes_at_end(text, box.end() - 1):
        return text[box.end() : -1]
    return text[:-1] if text.endswith(".") and len(text) > 1 and not _ABBREVIATION.search(text) else text


def _closes_at_end(text: str, opening: int) -> bool:
    """True where the brace at `opening` is closed by the last character."""
    depth = 0
    for brace in _BRACE.finditer(text, opening):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.end() == len(text)
    return False


# --------------------------------------------------------------------------------------------------- the proof
#: Nothing is waived: a unit or a percent sign that is gone is a changed gold.
_LITERAL = Policy(units="required", percent="value")
_WRAPPINGS = (("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("\\boxed{", "}"), ("\\fbox{", "}"))


def check_normalised(raw: Any, normalised: Any) -> Finding | None:
    """What a normaliser changed, by a second reading of both golds; None where the value is the same.

    Numerals of any length are compared digit by digit, other texts by the reader of `math_reward`, texts that it
    cannot read by what was cut off around them, the tests of a program by writing them back into the source's form,
    and everything else as JSON.

    Args:
        raw: the gold as the source holds it; None for a row that has none yet.
        normalised: the gold of the row.
    """
    if raw is None:
        return None
    held = raw[0] if isinstance(raw, list) and len(raw) == 1 and isinstance(normalised, str) else raw
    if isinstance(held, str) and isinstance(normalised, str):
        same = _same_text(held, normalised)
    elif isinstance(held, Mapping) and isinstance(normalised, list):
        same = same_tests(held, normalised)
    else:
        same = _same_json(held, normalised)
    if same:
        return None
    message = f"the source says {_shown(raw)}, the row {_shown(normalised)}"
    return Finding(Reason.GOLD_CHANGED_BY_NORMALISER, message)


def gold_digest(raw: Any) -> str:
    """The SHA-256, in hexadecimal, of a gold as canonical JSON: sorted keys, no blanks, UTF-8."""
    return hashlib.sha256(canonical_json(raw).encode()).hexdigest()


def _same_text(raw: str, normalised: str) -> bool:
    if raw.strip() == normalised:
        return True
    if _digits(raw) != _digits(normalised) or _currency(raw) != _currency(normalised):
        return False
    number = _numeral(raw)
    if number is not None:
        return number == _numeral(normalised)
    if any(finding.is_defect for finding in audit_gold(raw)):
        return _only_unwrapped(raw, normalised)
    return answers_equal(raw, normalised, _LITERAL)


def _digits(text: str) -> list[str]:
    return [sign for sign in text if sign.isdigit()]


def _currency(text: str) -> tuple[int, int]:
    """Dollar signs that are money: escaped ones, and the one without a partner."""
    escaped = text.count("\\$")
    return escaped, (text.count("$") - escaped) % 2


def _same_json(raw: Any, normalised: Any) -> bool:
    """True for the same JSON value, or for a value and its JSON text (42 and "42")."""
    if isinstance(normalised, str) and not isinstance(raw, str):
        try:
            normalised = json.loads(normalised, parse_constant=_refuse)
        except ValueError:
            return False
    return gold_digest(raw) == gold_digest(normalised)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _numeral(text: str) -> tuple[str, str, str] | None:
    """Sign, whole digits and decimal places of a numeral, zeros that say nothing left out; None for other texts."""
    body = text.strip().removesuffix(".")
    sign = "-" if body[:1] in ("-", "\u2212") else ""
    whole, _, places = body.lstrip("+-\u2212").partition(".")
    head, *groups = whole.split(",")
    if groups and (not 1 <= len(head) <= 3 or any(len(group) != 3 for group in groups)):
        return None
    digits = head + "".join(groups)
    if len(body) - len(body.lstrip("+-\u2212")) > 1 or not (digits + places) or not _all_digits(digits + places):
        return None
    whole, places = digits.lstrip("0"), places.rstrip("0")
    return (sign if whole or places else "", whole, places)


def _all_digits(text: str) -> bool:
    return all(sign in "0123456789" for sign in text)


def _only_unwrapped(raw: str, normalised: str) -> bool:
    """True where nothing but pairs of wrappings, blanks and a full stop stand around the same text."""
    text = _blanks_collapsed(raw)
    while text != _blanks_collapsed(normalised):
        shorter = next(
            (text[len(a) : -len(b)].strip() for a, b in _WRAPPINGS if text.startswith(a) and text.endswith(b)),
            text[:-1].strip() if text.endswith(".") else text,
        )
        if shorter == text:
            return False
        text = shorter
    return True


def _blanks_collapsed(text: str) -> str:
    return " ".join(text.replace("~", " ").split())


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:50]}...{text[-25:]}"
