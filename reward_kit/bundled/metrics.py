"""Several metrics in one evaluator, each a folder with its own main.py, as if each were alone."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

#: Of each metric's folder: none that packaging could find, or must.
_ENTRY = "main"
#: Modules are swapped in and out of sys.modules, which is the process's: one metric at a time.
_ONE_AT_A_TIME = threading.RLock()


class Metric:
    """One metric's `evaluate`, with modules that no other metric sees: each folder may have a `helper.py`.

    Args:
        name: what the metric is called in results.
        folder: its files.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._tops = {path.name.removesuffix(".py") for path in folder.iterdir()}
        self._modules: dict[str, ModuleType] = {}
        with self._inside():
            self._evaluate: Callable[..., Any] = importlib.import_module(_ENTRY).evaluate

    def evaluate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The metric's result on one sample, as a dict.

        Raises:
            TypeError: where it returns no dict.
            Exception: whatever it raises.
        """
        with self._inside():
            result = self._evaluate(**arguments)
            if inspect.isawaitable(result):
                result = asyncio.run(_awaited(result))
        if hasattr(result, "model_dump"):
            result = result.model_dump(mode="json")
        if not isinstance(result, dict) or not isinstance(result.get("score"), (int, float)):
            raise TypeError(f"the metric {self.name} returned {repr(result)[:80]}, not a dict with a number as score")
        return result

    @contextmanager
    def _inside(self) -> Iterator[None]:
        with _ONE_AT_A_TIME:
            outside = self._take_out()
            sys.modules.update(self._modules)
            sys.path.insert(0, str(self._folder))
            try:
                yield
            finally:
                sys.path.remove(str(self._folder))
                self._modules = self._take_out()
                sys.modules.update(outside)

    def _take_out(self) -> dict[str, ModuleType]:
        names = [name for name in sys.modules if name.partition(".")[0] in self._tops]
        return {name: sys.modules.pop(name) for name in names}


def load_metrics(main: str, folders: Mapping[str, str]) -> list[Metric]:
    """The metrics of a bundle, by name and folder; `main` is the file of its main.py."""
    return [Metric(name, Path(main).resolve().parent / folder) for name, folder in folders.items()]


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def evaluate_all(metrics: Sequence[Metric], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Every metric on one sample: the score is their mean, and valid where each is; a metric that fails, fails it.

    What a metric reports itself is kept under its name, as in `accuracy/format`.
    """
    results = {metric.name: metric.evaluate(arguments) for metric in metrics}
    errors = [f"{name}: {result['error']}" for name, result in results.items() if result.get("error")]
    parts = {f"{name}/{part}": value for name, r in results.items() for part, value in (r.get("metrics") or {}).items()}
    return {
        "score": sum(float(result["score"]) for result in results.values()) / len(results),
        "is_score_valid": all(result.get("is_score_valid", True) is True for result in results.values()),
        "reason": "; ".join(f"{name}: {result.get('reason') or result['score']}" for name, result in results.items()),
        "metrics": {name: _as_metric(result) for name, result in results.items()} | parts,
        "error": "; ".join(errors) or None,
    }


def _as_metric(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "score": result["score"],
        "is_score_valid": result.get("is_score_valid", True),
        "reason": str(result.get("reason") or ""),
    }
