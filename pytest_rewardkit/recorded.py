"""Recorded answers in tests that people write: a cassette for each test function, a client for each test.

The cassette of `test_my_prompt`, marked rk_suite("math"), is cassettes/math/test_my_prompt.jsonl. It is opened when the
first of its rows asks for it and closed at the end of the session, which saves what was recorded.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from os.path import relpath
from pathlib import Path

import httpx
import pytest

from pytest_rewardkit.marked import suite_of
from pytest_rewardkit.options import record_mode
from reward_kit.cassettes.cassette import Cassette, Mode
from reward_kit.cassettes.errors import CassetteError, CassetteMissError
from reward_kit.cassettes.opening import cassette_path, open_cassette
from reward_kit.cassettes.transport import CassetteTransport
from reward_kit.fireworks.account import Account, find_account
from reward_kit.fireworks.client import FireworksClient
from reward_kit.fireworks.pacer import TokenPacer
from reward_kit.fireworks.retries import RetryPolicy
from reward_kit.fireworks.session import ANY_ACCOUNT
from reward_kit.fireworks.shapes import ChatRequest, Completion, Evaluator, Preview, Samples, Tag
from reward_kit.fireworks.transport import live_transport
from reward_kit.steps.provenance import ANSWERS, source_notes

_LINES = pytest.StashKey[list[str]]()
_MISSES = pytest.StashKey[list[CassetteMissError]]()


@dataclass
class _Opened:
    """A cassette of this session: whose it is, and which rows of that test ran."""

    test: str
    cassette: Cassette
    all_rows: frozenset[str]
    ran: set[str] = field(default_factory=set)

    def lines(self) -> Iterator[str]:
        """What whoever reads the session's result must know: where answers come from, and what nothing asked for."""
        counts = Counter(str(one.provenance.source) for one in self.cassette.interactions)
        yield from (f"{self.cassette.file}: {note}" for note in source_notes(counts, ANSWERS))
        if self.cassette.mode is Mode.NONE:
            # Of rows that did not run, nothing can have been asked for.
            unused = self.cassette.unused_text(None if self.ran >= self.all_rows else self.ran)
            yield from [unused] if unused else []
        yield from (f"{self.cassette.file}: not recorded: {failure}" for failure in self.cassette.failures)


class Recordings:
    """The cassettes of a session's tests; a context manager, which closes them all."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._mode = Mode(record_mode(config))
        self._files = ExitStack()
        self._opened: dict[Path, _Opened] = {}
        self._unusable: dict[Path, CassetteError] = {}

    def __enter__(self) -> Recordings:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._files.close()
        finally:
            lines = [line for opened in self._opened.values() for line in opened.lines()]
            if not hasattr(self._config, "workerinput"):  # no worker knows what the others asked for
                self._config.stash.setdefault(_LINES, []).extend(lines)

    def cassette_of(self, item: pytest.Item) -> Cassette:
        """The cassette of a test's function.

        Raises:
            UsageError: where the test is not marked rk_suite, or another function has the same cassette.
            CassetteError: where the cassette cannot be used.
        """
        test, row = _function(item), row_of(item)
        suite = suite_of(item)
        path = cassette_path(suite.folder.parent.parent, suite.name, _name(item))
        if path in self._unusable:
            raise self._unusable[path].with_traceback(None)
        if path not in self._opened:
            every_row = frozenset(one.id for one in suite.rows) if row else frozenset()
            self._opened[path] = _Opened(test, self._open(path, suite.name, item), every_row)
        opened = self._opened[path]
        if opened.test != test:
            raise pytest.UsageError(f"{test} and {opened.test} would share {path}: give one another name")
        opened.ran.update(row)
        return opened.cassette

    def _open(self, path: Path, suite: str, item: pytest.Item) -> Cassette:
        command = f"pytest {shlex.quote(_argument(item))} --rk-record=new"
        only = self._rows_to_replace(item) if self._mode is Mode.ALL else None
        try:
            return self._files.enter_context(
                open_cassette(path, suite=suite, step=_name(item), mode=self._mode, only=only, command=command)
            )
        except CassetteError as error:
            self._unusable[path] = error
            raise

    def _rows_to_replace(self, item: pytest.Item) -> frozenset[str] | None:
        """The rows that this session selects of the test, or None for all: what was not selected is kept."""
        if not row_of(item):
            return None
        chosen = {id for one in item.session.items if _function(one) == _function(item) for id in row_of(one)}
        return None if chosen >= {row.id for row in suite_of(item).rows} else frozenset(chosen)


class RowClient(FireworksClient):
    """The client of one test: files what it asks for under the test's row, in the order of its calls.

    A tag says otherwise; one without an attempt is numbered by how often the test asked for those rows before.
    """

    def __init__(
        self,
        account: Account,
        transport: httpx.AsyncBaseTransport,
        rows: tuple[str, ...],
        misses: list[CassetteMissError],
    ) -> None:
        super().__init__(account, transport)
        self._rows = rows
        self._misses = misses
        self._asked: Counter[tuple[str, ...]] = Counter()

    async def chat(self, request: ChatRequest, tag: Tag | None = None) -> Completion:
        __tracebackhide__ = True
        try:
            return await super().chat(request, self._numbered(tag))
        except CassetteMissError as miss:
            self._misses.append(miss)
            raise miss.with_traceback(None) from None  # it says what to do; frames of an HTTP library do not

    async def preview(self, evaluator: Evaluator, samples: Samples, tag: Tag | None = None) -> Preview:
        __tracebackhide__ = True
        try:
            return await super().preview(evaluator, samples, self._numbered(tag))
        except CassetteMissError as miss:
            self._misses.append(miss)
            raise miss.with_traceback(None) from None

    def _numbered(self, tag: Tag | None) -> Tag:
        tag = tag or Tag(self._rows)
        asked = self._asked[tag.row_ids]
        self._asked[tag.row_ids] += 1
        return Tag(tag.row_ids, tag.attempt or asked)


class OneRequestEach(httpx.AsyncBaseTransport):
    """Sends each request over a connection that is closed after it: a test need not close its client."""

    def __init__(self, account: Account) -> None:
        account.require_key()
        self._account = account
        self._pacer = None if account.loopback else TokenPacer()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport = live_transport(self._account, RetryPolicy(), self._pacer)
        try:
            response = await transport.handle_async_request(request)
            await response.aread()
            return response
        finally:
            await transport.aclose()


def client_of(item: pytest.Item, cassette: Cassette) -> RowClient:
    """A client for one test, which has an event loop of its own.

    Raises:
        FireworksError: where recording has no key.
    """
    recording = cassette.mode is not Mode.NONE
    account = find_account() if recording else Account(account_id=ANY_ACCOUNT)
    transport = CassetteTransport(cassette, OneRequestEach(account) if recording else None)
    return RowClient(account, transport, row_of(item), item.stash.setdefault(_MISSES, []))


def row_of(item: pytest.Item) -> tuple[str, ...]:
    """The id of the row that a test is about, as a tag has it; none for a test without rows."""
    callspec = getattr(item, "callspec", None)
    return (callspec.params["rk_row"].id,) if callspec is not None and "rk_row" in callspec.params else ()


def fail_where_missed(item: pytest.Item, report: pytest.TestReport) -> bool:
    """A test whose request had no recorded answer has not passed, whatever it made of the error; True where so."""
    misses = item.stash.get(_MISSES, [])
    if misses and report.when == "call" and report.passed:
        report.outcome = "failed"
        report.longrepr = f"a request had no recorded answer, and the test went on:\n{misses[0]}"
    return bool(misses)


def summary_lines(config: pytest.Config) -> list[str]:
    """What the session's cassettes have to say at its end."""
    return config.stash.get(_LINES, [])


def _name(item: pytest.Item) -> str:
    return getattr(item, "originalname", None) or item.name


def _function(item: pytest.Item) -> str:
    """The node id of a test without its parameters."""
    return f"{item.parent.nodeid if item.parent else ''}::{_name(item)}"


def _argument(item: pytest.Item) -> str:
    """The function as an argument of pytest, from where it was called."""
    inside = _function(item).partition("::")[2]
    return f"{relpath(item.path, item.config.invocation_params.dir)}::{inside}"
