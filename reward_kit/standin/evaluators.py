"""Evaluators: kept in memory, and previews that really run what was posted.

Format: the Gateway_* operations on evaluators in Fireworks' OpenAPI document, as reward-kit 0.4.1 calls them.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from reward_kit.errors import DeadlineError, RewardKitError
from reward_kit.fireworks.shapes import Evaluator, PreviewResult
from reward_kit.jsonl import loads
from reward_kit.standin.replies import RefusalError, Reply, Rpc, json_reply, rpc_error

#: Runs an evaluator on samples, each within a number of seconds; one result a sample, in their order.
RunEvaluator = Callable[[Evaluator, Sequence[Mapping[str, Any]], float], list[PreviewResult]]
#: How many samples are run where a request does not say (`maxSamples`).
DEFAULT_MAX_SAMPLES = 10
#: Seconds for one sample: a symbolic comparison or a test run takes a few.
DEADLINE_S = 30.0
_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def run_packaged(evaluator: Evaluator, samples: Sequence[Mapping[str, Any]], deadline_s: float) -> list[PreviewResult]:
    """Run an evaluator in a fresh interpreter: what the stand-in does unless told otherwise."""
    from reward_kit.packaging import run_evaluator

    return run_evaluator(evaluator, samples, deadline_s)


class Evaluators:
    """The evaluators of all accounts.

    Args:
        run: what runs an evaluator on samples.
        deadline_s: seconds that one sample may take.
    """

    def __init__(self, run: RunEvaluator = run_packaged, deadline_s: float = DEADLINE_S) -> None:
        self._run = run
        self._deadline_s = deadline_s
        self._kept: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        # A run is an interpreter of its own: a hundred at once would only make each other miss the deadline.
        self._slots = threading.BoundedSemaphore(os.cpu_count() or 1)

    def preview(self, raw: bytes) -> Reply:
        """Run the posted evaluator on the posted samples.

        Raises:
            RefusalError: where the request is malformed, or the evaluator did not give one result for each sample.
        """
        body = _read(raw)
        criteria = _criteria(_evaluator_of(body))
        samples = _samples(body)
        with self._slots:
            started = time.monotonic()
            runs = {one.name: self._results(one, samples) for one in criteria}
            elapsed = round((time.monotonic() - started) * 1000)
        results = [_merged({name: run[index] for name, run in runs.items()}) for index in range(len(samples))]
        return json_reply(200, {"results": results, "totalSamples": len(samples), "totalRuntimeMs": str(elapsed)})

    def create(self, account: str, raw: bytes) -> Reply:
        """Keep a new evaluator: {"evaluator": {...}, "evaluatorId": ID}."""
        body = _read(raw)
        evaluator, evaluator_id = _evaluator_of(body), body.get("evaluatorId")
        if not isinstance(evaluator_id, str) or not _ID.fullmatch(evaluator_id):
            raise _invalid("evaluatorId: 1 to 63 lower-case letters, digits and inner dashes are required")
        _criteria(evaluator)
        name, now = _name(account, evaluator_id), _now()
        with self._lock:
            if name in self._kept:
                raise RefusalError(rpc_error(Rpc.ALREADY_EXISTS, f"evaluator {name} already exists"))
            kept = evaluator | {"name": name, "createTime": now, "updateTime": now, "state": "ACTIVE"}
            self._kept[name] = kept
        return json_reply(200, kept)

    def update(self, account: str, evaluator_id: str, raw: bytes) -> Reply:
        """Replace the posted keys of a kept evaluator; the body is the evaluator itself."""
        changes = _read(raw)
        if "criteria" in changes:
            _criteria(changes)
        fixed = ("name", "createTime", "updateTime", "state")
        with self._lock:
            kept = self._get(account, evaluator_id)
            kept = kept | {key: value for key, value in changes.items() if key not in fixed} | {"updateTime": _now()}
            self._kept[kept["name"]] = kept
        return json_reply(200, kept)

    def get(self, account: str, evaluator_id: str) -> Reply:
        """One kept evaluator."""
        with self._lock:
            return json_reply(200, self._get(account, evaluator_id))

    def delete(self, account: str, evaluator_id: str) -> Reply:
        """Forget a kept evaluator."""
        with self._lock:
            del self._kept[self._get(account, evaluator_id)["name"]]
        return json_reply(200, {})

    def all(self, account: str) -> Reply:
        """Every evaluator of an account, on one page."""
        with self._lock:
            found = [kept for name, kept in sorted(self._kept.items()) if name.startswith(_name(account, ""))]
        return json_reply(200, {"evaluators": found, "nextPageToken": "", "totalSize": len(found)})

    def _get(self, account: str, evaluator_id: str) -> dict[str, Any]:
        name = _name(account, evaluator_id)
        if name not in self._kept:
            raise RefusalError(rpc_error(Rpc.NOT_FOUND, f"evaluator {name} not found"))
        return self._kept[name]

    def _results(self, evaluator: Evaluator, samples: Sequence[Mapping[str, Any]]) -> list[PreviewResult]:
        try:
            results = self._run(evaluator, samples, self._deadline_s)
        except (DeadlineError, TimeoutError) as error:
            raise RefusalError(rpc_error(Rpc.DEADLINE_EXCEEDED, f"{evaluator.name}: {error}")) from None
        except RewardKitError as error:
            raise RefusalError(rpc_error(Rpc.FAILED_PRECONDITION, f"{evaluator.name}: {error}")) from None
        if len(results) != len(samples):
            message = f"{evaluator.name}: {len(samples)} samples gave {len(results)} results"
            raise RefusalError(rpc_error(Rpc.INTERNAL, message))
        return results


def _merged(parts: Mapping[str, PreviewResult]) -> dict[str, Any]:
    """One sample's result over all criteria: a success only where each is one; no score where one has none."""
    scores = [part.score for part in parts.values() if part.score is not None]
    metrics = {
        name: {"success": part.success, "score": part.score, "reason": part.reason, "metrics": dict(part.metrics)}
        for name, part in parts.items()
    }
    score = sum(scores) / len(scores) if len(scores) == len(parts) else None
    return {"success": all(part.success for part in parts.values()), "score": score, "perMetricEvals": metrics}


def _read(raw: bytes) -> dict[str, Any]:
    try:
        body = loads(raw.decode("utf-8"))
    except ValueError as error:
        raise _invalid(f"the request body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise _invalid("the request body is not a JSON object")
    return body


def _evaluator_of(body: Mapping[str, Any]) -> dict[str, Any]:
    evaluator = body.get("evaluator")
    if not isinstance(evaluator, dict):
        raise _invalid("evaluator: an object is required")
    return evaluator


def _criteria(evaluator: Mapping[str, Any]) -> list[Evaluator]:
    """What is to be run: each criterion of type CODE_SNIPPETS, with the evaluator's requirements."""
    criteria = evaluator.get("criteria")
    if not isinstance(criteria, list) or not criteria:
        raise _invalid("evaluator.criteria: at least one criterion is required")
    requirements = evaluator.get("requirements", "")
    if not isinstance(requirements, str):
        raise _invalid("evaluator.requirements: text with one requirement a line is required")
    lines = tuple(line.strip() for line in requirements.splitlines() if line.strip())
    found = [_criterion(position, criterion, lines) for position, criterion in enumerate(criteria)]
    if len({one.name for one in found}) != len(found):
        raise _invalid("evaluator.criteria: two criteria have the same name")
    return found


def _criterion(position: int, criterion: Any, requirements: tuple[str, ...]) -> Evaluator:
    where = f"evaluator.criteria[{position}]"
    if not isinstance(criterion, dict) or criterion.get("type") != "CODE_SNIPPETS":
        raise _invalid(f"{where}: an object with type CODE_SNIPPETS is required")
    name, snippets = criterion.get("name"), criterion.get("codeSnippets")
    if not isinstance(name, str) or not name:
        raise _invalid(f"{where}.name: a non-empty string is required")
    if not isinstance(snippets, dict) or snippets.get("language") != "python":
        raise _invalid(f"{where}.codeSnippets: an object with language python is required")
    files = snippets.get("fileContents")
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        raise _invalid(f"{where}.codeSnippets.fileContents: an object of file name and source is required")
    if "main.py" not in files:
        raise _invalid(f"{where}.codeSnippets.fileContents: main.py is missing")
    return Evaluator(name, files, requirements, str(criterion.get("description") or ""))


def _samples(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    texts, most = body.get("sampleData"), body.get("maxSamples", DEFAULT_MAX_SAMPLES)
    if not isinstance(texts, list) or not texts:
        raise _invalid("sampleData: at least one sample is required")
    if type(most) is not int or most < 1:
        raise _invalid(f"maxSamples must be a number above 0: {most!r}")
    return [_sample(position, text) for position, text in enumerate(texts[:most])]


def _sample(position: int, text: Any) -> Mapping[str, Any]:
    try:
        sample = loads(text) if isinstance(text, str) else None
    except ValueError as error:
        raise _invalid(f"sampleData[{position}] is not JSON: {error}") from None
    if not isinstance(sample, dict) or not isinstance(sample.get("messages"), list):
        raise _invalid(f"sampleData[{position}]: the JSON text of an object with messages is required")
    return sample


def _invalid(message: str) -> RefusalError:
    return RefusalError(rpc_error(Rpc.INVALID_ARGUMENT, message))


def _name(account: str, evaluator_id: str) -> str:
    return f"accounts/{account}/evaluators/{evaluator_id}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
