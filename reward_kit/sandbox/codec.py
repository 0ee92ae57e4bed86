"""Plain data as tagged JSON, and back to exact builtin types.

Plain data is None, bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, range, deque,
Decimal, Fraction, date, datetime, time and timedelta. A subclass crosses as the builtin type that it extends, so what
comes out never brings behaviour along: no `__eq__`, no `__hash__`, no pickle. Input is taken to be hostile: a malformed
value is a ValueError, depth and size are capped, and no set or dict is built from keys made to collide.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

#: How deep values may be nested: JSON takes up to three levels for one of ours, under a recursion limit of 1,000.
DEPTH = 150
#: How many values one message may hold.
NODES = 1_000_000
#: How many keys of one set or dict may share a hash: more than a few is an attack on whoever builds the table.
COLLISIONS = 64
#: How large the exponent of a Decimal may be: exact arithmetic with larger ones takes the memory of the machine.
EXPONENT = 10_000
#: Integers up to this size are written as JSON numbers; larger ones in hexadecimal, which has no limit of digits.
SMALL = 1 << 62

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


class NotPlainError(Exception):
    """A value that is no plain data: the message names its type, or says what is too large."""


def dumps(value: Any) -> bytes:
    """Plain data as bytes. Lone surrogates survive: the text is not escaped, where two of them would become one."""
    return written(encode(value))


def written(data: Any) -> bytes:
    """JSON data as bytes: what `parse` reads."""
    return _JSON.encode(data).encode("utf-8", "surrogatepass")


def loads(data: bytes) -> Any:
    """The value of `dumps`; a ValueError where the bytes hold none."""
    return decode(parse(data))


def parse(data: bytes) -> Any:
    """JSON as it comes from a job: everything that can be wrong with it is a ValueError."""
    try:
        return json.loads(data.decode("utf-8", "surrogatepass"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def encode(value: Any) -> Any:
    """`value` as JSON data; NotPlainError where it is no plain data."""
    return _Encoder().encode(value, 0)


def decode(data: Any, *, depth: int = 0) -> Any:
    """The plain data that `encode` made this JSON data of, as exact builtin types; ValueError for anything else."""
    if depth > DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(data, list):
        return [decode(item, depth=depth + 1) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) != 1:
        raise ValueError("a tagged value has one tag")
    ((tag, body),) = data.items()
    reader = _READERS.get(tag)
    if reader is None:
        raise ValueError(f"unknown tag {tag[:20]!r}")
    try:
        return reader(body, depth + 1)
    except (TypeError, ArithmeticError, AttributeError, KeyError, IndexError) as error:
        raise ValueError(f"malformed {tag!r}: {type(error).__name__}") from None


class _Encoder:
    """Writes one value. Methods of the builtin types are called, never those of a subclass."""

    def __init__(self) -> None:
        self.left = NODES

    def encode(self, value: Any, depth: int) -> Any:
        if depth > DEPTH:
            raise NotPlainError("nested too deeply, or holds itself")
        self.left -= 1
        if self.left < 0:
            raise NotPlainError(f"more than {NODES:,} values")
        if value is None or value is True or value is False:
            return value
        for kind in type(value).__mro__:
            writer = _WRITERS.get(kind)
            if writer is not None:
                return writer(self, value, depth + 1)
        raise NotPlainError(type(value).__name__)

    def items(self, values: Iterable[Any], depth: int) -> list[Any]:
        return [self.encode(value, depth) for value in values]

    def pairs(self, values: Any, depth: int) -> list[Any]:
        return [[self.encode(key, depth), self.encode(value, depth)] for key, value in dict.items(values)]


def _number(value: int) -> Any:
    plain = int.__index__(value)
    return plain if -SMALL < plain < SMALL else {"i": hex(plain)}


def _decimal(value: Decimal) -> Any:
    if Decimal.is_finite(value) and abs(Decimal.adjusted(value)) > EXPONENT:
        raise NotPlainError("Decimal with a very large exponent")
    return {"n": Decimal.__str__(value)}


def _deque(writer: _Encoder, value: deque[Any], depth: int) -> Any:
    return {"q": [writer.items(deque.__iter__(value), depth), value.maxlen]}


def _moment(value: datetime) -> Any:
    return {"m": datetime.isoformat(value)}


_WRITERS: dict[type, Callable[[_Encoder, Any, int], Any]] = {
    bool: lambda _, value, __: bool(value),
    int: lambda _, value, __: _number(value),
    float: lambda _, value, __: float.__add__(value, -0.0),
    complex: lambda _, value, __: {"c": [float(value.real), float(value.imag)]},
    str: lambda _, value, __: str.__str__(value),
    bytes: lambda _, value, __: {"b": bytes.hex(value)},
    bytearray: lambda _, value, __: {"B": bytearray.hex(value)},
    list: lambda writer, value, depth: writer.items(list.__iter__(value), depth),
    tuple: lambda writer, value, depth: {"t": writer.items(tuple.__iter__(value), depth)},
    set: lambda writer, value, depth: {"s": writer.items(set.__iter__(value), depth)},
    frozenset: lambda writer, value, depth: {"z": writer.items(frozenset.__iter__(value), depth)},
    dict: lambda writer, value, depth: {"d": writer.pairs(value, depth)},
    deque: _deque,
    range: lambda _, value, __: {"r": [_number(value.start), _number(value.stop), _number(value.step)]},
    Decimal: lambda _, value, __: _decimal(value),
    Fraction: lambda _, value, __: {"f": [_number(value.numerator), _number(value.denominator)]},
    datetime: lambda _, value, __: _moment(value),
    date: lambda _, value, __: {"D": date.isoformat(value)},
    time: lambda _, value, __: {"h": time.isoformat(value)},
    timedelta: lambda _, value, __: {"l": [value.days, value.seconds, value.microseconds]},
}


def _whole(data: Any) -> int:
    number = decode(data)
    if type(number) is not int:
        raise ValueError("an integer is wanted")
    return number


def _text(data: Any) -> str:
    if type(data) is not str:
        raise ValueError("a text is wanted")
    return data


def _list(data: Any) -> list[Any]:
    if type(data) is not list:
        raise ValueError("a list is wanted")
    return data


def _hashable(keys: list[Any]) -> list[Any]:
    most = Counter(map(hash, keys)).most_common(1)
    if most and most[0][1] > COLLISIONS:
        raise ValueError("keys made to collide")
    return keys


def _items(data: Any, depth: int) -> list[Any]:
    return [decode(item, depth=depth) for item in _list(data)]


def _read_dict(data: Any, depth: int) -> dict[Any, Any]:
    pairs = [(decode(key, depth=depth), decode(value, depth=depth)) for key, value in _list(data)]
    _hashable([key for key, _ in pairs])
    return dict(pairs)


def _read_decimal(data: Any, _: int) -> Decimal:
    value = Decimal(_text(data))
    if value.is_finite() and abs(value.adjusted()) > EXPONENT:
        raise ValueError("an exponent that large is not taken")
    return value


def _read_deque(data: Any, depth: int) -> deque[Any]:
    items, limit = _list(data)
    return deque(_items(items, depth), None if limit is None else _whole(limit))


_READERS: dict[str, Callable[[Any, int], Any]] = {
    "i": lambda data, _: int(_text(data), 16),
    "c": lambda data, _: complex(float(data[0]), float(data[1])),
    "b": lambda data, _: bytes.fromhex(_text(data)),
    "B": lambda data, _: bytearray.fromhex(_text(data)),
    "t": lambda data, depth: tuple(_items(data, depth)),
    "s": lambda data, depth: set(_hashable(_items(data, depth))),
    "z": lambda data, depth: frozenset(_hashable(_items(data, depth))),
    "d": _read_dict,
    "q": _read_deque,
    "r": lambda data, _: range(_whole(data[0]), _whole(data[1]), _whole(data[2])),
    "n": _read_decimal,
    "f": lambda data, _: Fraction(_whole(data[0]), _whole(data[1])),
    "m": lambda data, _: datetime.fromisoformat(_text(data)),
    "D": lambda data, _: date.fromisoformat(_text(data)),
    "h": lambda data, _: time.fromisoformat(_text(data)),
    "l": lambda data, _: timedelta(_whole(data[0]), _whole(data[1]), _whole(data[2])),
}
