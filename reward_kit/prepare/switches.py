"""Switches of `datasets` and `huggingface_hub`, set while this library uses them and then put back.

Their environment variables do nothing once the libraries are imported, and tests and trainers import them early: so
the attributes that those variables decide are set.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from reward_kit.errors import PrepareError

#: Module, attribute, value. Each version has some of them; a missing one switches nothing.
_NO_TELEMETRY = (
    ("datasets.config", "HF_UPDATE_DOWNLOAD_COUNTS", False),
    ("huggingface_hub.constants", "HF_HUB_DISABLE_TELEMETRY", True),
)
_OFFLINE = (
    ("datasets.config", "HF_HUB_OFFLINE", True),
    ("datasets.config", "HF_DATASETS_OFFLINE", True),
    ("huggingface_hub.constants", "HF_HUB_OFFLINE", True),
)


def need(package: str) -> ModuleType:
    """Import a package of the extra `data`.

    Raises:
        PrepareError: with the command that installs it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        remedy = "Run: pip install 'pytest-rewardkit[data]'"
        raise PrepareError(f"reading this source needs {package.partition('.')[0]} ({error}). {remedy}") from error


@contextmanager
def quietly(*, offline: bool) -> Iterator[None]:
    """No progress bars inside, and with `offline` no request to the hub; no telemetry from here on.

    Telemetry is not switched on again: records are read after the block, and each request would report.
    """
    with _bars_off(), _set_for_now(_OFFLINE if offline else ()):
        _set(_NO_TELEMETRY)
        yield


_Switches = tuple[tuple[str, str, Any], ...]


def _set(switches: _Switches) -> list[tuple[ModuleType, str, Any]]:
    """Set the switches that this version has; what they were."""
    held = []
    for name, attribute, value in switches:
        module = need(name)
        if hasattr(module, attribute):
            held.append((module, attribute, getattr(module, attribute)))
            setattr(module, attribute, value)
    return held


@contextmanager
def _set_for_now(switches: _Switches) -> Iterator[None]:
    held = _set(switches)
    try:
        yield
    finally:
        for module, attribute, value in held:
            setattr(module, attribute, value)


@contextmanager
def _bars_off() -> Iterator[None]:
    drawing = [
        module
        for module in (need("datasets.utils"), need("huggingface_hub.utils"))
        if not module.are_progress_bars_disabled()
    ]
    for module in drawing:
        module.disable_progress_bars()
    try:
        yield
    finally:
        for module in drawing:
            module.enable_progress_bars()
