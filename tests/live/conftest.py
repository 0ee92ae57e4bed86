"""Tests that ask a server run only where `-m` names their mark: no other selection may spend somebody's money."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "rk_live" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("rk_live"):
            item.add_marker(pytest.mark.skip(reason="asks a server: run it with -m rk_live"))
