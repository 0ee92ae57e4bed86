"""Calls that cross from a test to a candidate's process: plain data by value, exceptions as builtin ones.

The test names a function of the candidate; a `Proxy` sends the arguments, the candidate's process calls the function
and sends back its value, or its exception, and the arguments where it changed them in place.
"""

from __future__ import annotations

import builtins
import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from reward_kit.sandbox import codec, frames

#: The longest text of an error that crosses.
LONGEST = 2000


class CandidateGoneError(BaseException):
    """The candidate's process ended, or answered with something that is no answer. No test may catch this."""


class OpaqueError(BaseException):
    """Something crossed, or would have to, that is no plain data. No test may catch this."""


class Entry:
    """The functions of a module by name, the methods of its class Solution among them."""

    def __init__(self, namespace: Mapping[str, Any], entry_point: str) -> None:
        self._namespace = namespace
        self._entry_point = entry_point

    def find(self, name: str) -> Any:
        """The object that a test means by `name`; NameError where there is none."""
        if name == "candidate" and self._entry_point and name not in self._namespace:
            name = self._entry_point
        owner, _, method = name.rpartition(".")
        if owner:
            return getattr(self._namespace[owner](), method)
        if name in self._namespace and not (name.startswith("__") and name.endswith("__")):
            return self._namespace[name]
        solution = self._namespace.get("Solution")
        if isinstance(solution, type) and hasattr(solution, name):
            return getattr(solution(), name)
        raise NameError(f"name {name!r} is not defined")


def one_line(error: BaseException) -> str:
    """An exception as the last line of its traceback, cut."""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - an exception of the program, whose __str__ may do anything
        text = "<no text>"
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:LONGEST]


def serve(entry: Entry, incoming: int, outgoing: int) -> None:
    """Answer questions and calls until the other side closes."""
    while True:
        try:
            request = codec.loads(frames.read(incoming))
        except EOFError:
            return
        frames.write(outgoing, _answer(entry, request))


def _answer(entry: Entry, request: dict[str, Any]) -> bytes:
    if "look" in request:
        return _encoded(_looked_up(entry, request["look"]))
    args, kwargs = request["args"], request["kwargs"]
    before = codec.encode((args, kwargs))
    try:
        reply = {"value": entry.find(request["call"])(*args, **kwargs)}
        try:
            codec.encode(reply)
        except codec.NotPlainError as error:
            reply = {"opaque": f"{request['call']} returned {_what(error)}"}
    except Exception as error:  # noqa: BLE001 - it crosses to the test
        reply = _crossing(error)
    return _with_arguments(reply, before, (args, kwargs))


def _with_arguments(reply: dict[str, Any], before: Any, arguments: Any) -> bytes:
    try:
        if codec.encode(arguments) != before:
            reply["after"] = arguments
        return _encoded(reply)
    except codec.NotPlainError as error:
        return _encoded({"opaque": f"an argument was changed and now holds {_what(error)}"})


def _encoded(message: dict[str, Any]) -> bytes:
    return codec.dumps(message)


def _what(error: codec.NotPlainError) -> str:
    return f"something that is not plain data ({str(error)[:200]})"


def _looked_up(entry: Entry, name: str) -> dict[str, Any]:
    try:
        found = entry.find(name)
    except Exception:  # noqa: BLE001 - whatever the candidate's class does when it is made
        return {"kind": "missing"}
    if isinstance(found, type):
        return {"kind": "opaque", "what": f"{name} is a class of the candidate"}
    if callable(found):
        return {"kind": "function"}
    try:
        codec.encode(found)
    except codec.NotPlainError as error:
        return {"kind": "opaque", "what": f"{name} is {_what(error)}"}
    return {"kind": "value", "value": found}


def _crossing(error: Exception) -> dict[str, Any]:
    names = [kind.__name__ for kind in type(error).__mro__ if builtins.__dict__.get(kind.__name__) is kind]
    try:
        args = tuple(error.args)
        codec.encode(args)
    except Exception:  # noqa: BLE001 - not plain, or made by the program: its text is what crosses
        args = (one_line(error),)
    return {"raised": [name for name in names if name not in ("BaseException", "object")], "args": args}


class Candidate:
    """The test's side of the conversation."""

    def __init__(self, outgoing: int, incoming: int) -> None:
        self._outgoing = outgoing
        self._incoming = incoming
        #: Calls of the candidate that came back.
        self.calls = 0

    def close(self) -> None:
        os.close(self._outgoing)

    def look(self, name: str) -> dict[str, Any]:
        """What the candidate has by this name."""
        return self._ask({"look": name})

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the candidate's function: its value, or its exception raised."""
        try:
            codec.encode((args, kwargs))
        except codec.NotPlainError as error:
            raise OpaqueError(f"{name} was called with {_what(error)}") from None
        reply = self._ask({"call": name, "args": args, "kwargs": kwargs})
        if "opaque" in reply:
            raise OpaqueError(str(reply["opaque"])[:LONGEST])
        self.calls += 1
        if "after" in reply:
            _change((args, kwargs), reply["after"])
        if "raised" in reply:
            raise _exception(reply["raised"], reply.get("args"))
        if "value" not in reply:
            raise CandidateGoneError("the candidate's process gave no answer to a call")
        return reply["value"]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            frames.write(self._outgoing, codec.dumps(request))
            reply = codec.loads(frames.read(self._incoming))
        except (EOFError, OSError, ValueError) as error:
            raise CandidateGoneError(f"the candidate's process gave no answer ({one_line(error)})") from None
        if type(reply) is not dict:
            raise CandidateGoneError("the candidate's process gave no answer to a call")
        return reply


def _exception(names: Any, args: Any) -> Exception:
    args = args if isinstance(args, tuple) else ()
    for name in names if isinstance(names, list) else ():
        kind = builtins.__dict__.get(name) if isinstance(name, str) else None
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return kind(*args)
            except Exception:  # noqa: BLE001, S112 - arguments that this class does not take
                continue
    return Exception(*args)


def _change(old: Any, new: Any) -> Any:
    """Make `old` what `new` is: in place where it is a container that can be changed. Returns what to keep."""
    if type(old) is not type(new):
        return new
    if isinstance(old, tuple):
        kept = tuple(_change(one, other) for one, other in zip(old, new, strict=False))
        same = len(old) == len(new) and all(one is other for one, other in zip(kept, old, strict=True))
        return old if same else kept + new[len(kept) :]
    change = _CHANGES.get(type(old))
    if change is None:
        return old if old == new else new
    change(old, new)
    return old


def _change_list(old: Any, new: Any) -> None:
    kept = [_change(one, other) for one, other in zip(old, new, strict=False)]
    rest = list(new)[len(kept) :]
    old.clear()
    old.extend(kept + rest)


def _change_dict(old: dict[Any, Any], new: dict[Any, Any]) -> None:
    kept = {key: _change(old[key], value) if key in old else value for key, value in new.items()}
    old.clear()
    old.update(kept)


def _change_set(old: set[Any], new: set[Any]) -> None:
    old.clear()
    old.update(new)


def _change_bytes(old: bytearray, new: bytearray) -> None:
    old[:] = new


_CHANGES: dict[type, Callable[[Any, Any], None]] = {
    list: _change_list,
    deque: _change_list,
    dict: _change_dict,
    set: _change_set,
    bytearray: _change_bytes,
}


class Globals(dict[str, Any]):
    """The globals of test code. A name that nothing defines is looked up in the candidate's process, when it is used.

    Builtins stay the test's own, but for the entry point: a test of `sorted` means the candidate's.
    """

    def __init__(self, candidate: Candidate, entry_point: str) -> None:
        super().__init__(__name__="__main__", __builtins__=builtins)
        self._candidate = candidate
        self._entry_point = entry_point

    def __missing__(self, name: str) -> Any:
        if name != self._entry_point and (name.startswith("__") or hasattr(builtins, name)):
            raise KeyError(name)
        found = self._candidate.look(name)
        kind = found.get("kind")
        if kind == "function":
            self[name] = proxy = self._proxy(name)
            return proxy
        if kind == "value":
            return found.get("value")
        if kind == "opaque":
            raise OpaqueError(str(found.get("what"))[:LONGEST])
        raise KeyError(name)

    def _proxy(self, name: str) -> Callable[..., Any]:
        def proxy(*args: Any, **kwargs: Any) -> Any:
            return self._candidate.call(name, args, kwargs)

        proxy.__name__ = proxy.__qualname__ = name.rpartition(".")[2]
        return proxy
