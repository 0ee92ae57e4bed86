"""pytest's private API, all of it that this plugin uses, in one place.

Row items run without their own set-up and teardown phases (three times cheaper), so `SetupState` has to be kept in
step by hand; and a suite's fixtures are requested for a node that is no test function, as pytest's doctest does.
"""

from __future__ import annotations

from typing import Any

import _pytest.runner
import pytest
from _pytest.fixtures import TopRequest


def request_for(node: pytest.Item) -> TopRequest:
    """A fixture request of `node`, which becomes able to use fixtures as a test function without arguments can."""
    target: Any = node
    info = node.session._fixturemanager.getfixtureinfo(node=node, func=None, cls=None)
    target._fixtureinfo = info
    target.fixturenames = info.names_closure
    target.funcargs = {}
    request = TopRequest(target, _ispytest=True)
    target._request = request
    return request


def fill_fixtures(request: TopRequest) -> None:
    """Set up the autouse fixtures of the request's node."""
    request._fillfixtures()


def collect_report(collector: pytest.Collector) -> pytest.CollectReport:
    """Collect as pytest does, without the plugins that would have a say."""
    return _pytest.runner.pytest_make_collect_report(collector)


def set_up(node: pytest.Item) -> None:
    """Make `node` and its parents active, if they are not."""
    state = node.session._setupstate
    if not state.is_node_active(node):
        state.setup(node)


def tear_down(node: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Tear down what `nextitem` does not share with `node`, fixtures and all."""
    node.session._setupstate.teardown_exact(nextitem)
