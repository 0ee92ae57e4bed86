"""The program that calls an evaluator: reads samples from its stdin, answers each with one tagged JSON line.

Runs in a bare interpreter, where nothing but the standard library is there for it. Its answers go to a descriptor
of their own, so that what the evaluator prints cannot be taken for one.

    python -I runner.py BUNDLE ANSWERS_FD MEMORY_BYTES
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

#: What an evaluator may write to a file, its output included: a loop that prints must not fill the disk.
_LARGEST_FILE = 64 << 20
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until the samples end."""
    bundle, answers, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    samples = _private_samples()
    os.set_inheritable(answers, False)
    _set_limits(memory)
    sys.argv = [os.path.join(bundle, "main.py")]
    sys.path.insert(0, bundle)
    try:
        evaluate = _load_evaluate()
    except BaseException as error:  # noqa: BLE001  # it becomes the reason that every sample gets
        _answer(answers, {"failure": f"main.py cannot be imported: {_describe(error, bundle)}"})
        return
    _answer(answers, {"ready": True})
    for line in samples:
        request = json.loads(line)
        answer = _evaluated(evaluate, request["sample"], bundle)
        _answer(answers, {"index": request["index"], **answer})


def _private_samples() -> Any:
    """The samples, at a descriptor that the evaluator's own stdin is not: that one is empty."""
    samples = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    return samples


def _set_limits(memory: int) -> None:
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _LARGEST_FILE)):
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _load_evaluate() -> Callable[..., Any]:
    import main as entry  # type: ignore[import-not-found]  # the bundle's

    evaluate = getattr(entry, "evaluate", None)
    if not callable(evaluate):
        raise TypeError("it defines no function evaluate(messages, ground_truth=None, tools=None, **kwargs)")
    return evaluate  # type: ignore[no-any-return]  # callable() cannot say what it returns


def _evaluated(evaluate: Callable[..., Any], sample: dict[str, Any], bundle: str) -> dict[str, Any]:
    process = os.getpid()
    try:
        result = evaluate(**sample)
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
        if hasattr(result, "model_dump"):  # reward-kit's @reward_function returns a model
            result = result.model_dump(mode="json")
        if not isinstance(result, dict):
            return {"failure": f"evaluate returned {type(result).__name__}, not a dict"}
        return {"result": json.loads(json.dumps(result, default=_plain))}
    except BaseException as error:  # noqa: BLE001  # whatever the evaluator raises is the sample's failure
        return {"failure": _describe(error, bundle)}
    finally:
        if os.getpid() != process:  # forked by the evaluator and come back here: only one may answer
            os._exit(0)


async def _awaited(result: Any) -> Any:
    return await result


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def _describe(error: BaseException, bundle: str) -> str:
    """An exception in one line, with the last place in the bundle that it passed."""
    text = " ".join(str(error).split())
    shown = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(bundle + os.sep)]
    return f"{shown} ({os.path.relpath(frames[-1].filename, bundle)}:{frames[-1].lineno})" if frames else shown


def _answer(descriptor: int, value: dict[str, Any]) -> None:
    data = memoryview(json.dumps(value).encode() + b"\n")
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    main()
