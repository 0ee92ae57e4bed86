"""`preview_evaluation` and `create_evaluation` as reward-kit's users call them, on a server that evaluates."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from own_project import conversation

from reward_kit.errors import DatasetError, PackagingError, RewardKitError
from reward_kit.evaluation import create_evaluation, preview_evaluation
from reward_kit.fireworks.shapes import Evaluator
from reward_kit.packaging import run_evaluator

CODE = """
    from helper import near

    def evaluate(messages, ground_truth=None, tools=None, **kwargs):
        score = near(messages[-1]["content"], ground_truth)
        return {"score": score, "reason": f"near {score}", "metrics": {"near": {"score": score, "reason": "r"}}}
"""


@dataclass
class Server:
    """What was asked of it, and the status it answers with instead of evaluating."""

    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    status: int = 200

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append((method, path, body))
        if self.status != 200:
            return self.status, {"code": 3, "message": "broken on purpose", "details": []}
        if not path.endswith(":previewEvaluator"):
            return 200, {"name": f"accounts/mine/evaluators/{body.get('evaluatorId')}"}
        results = [
            {"success": r.success, "score": r.score, "perMetricEvals": dict(r.metrics), "reason": r.reason}
            for r in run_evaluator(self.evaluator(body), [json.loads(sample) for sample in body["sampleData"]])
        ]
        return 200, {"results": results, "totalSamples": len(results), "totalRuntimeMs": "12"}

    def evaluator(self, body: dict[str, Any]) -> Evaluator:
        """The evaluator that was sent."""
        sent = body["evaluator"]
        [criterion] = sent["criteria"]
        files = criterion["codeSnippets"]["fileContents"]
        return Evaluator(criterion["name"], files, tuple(filter(None, sent["requirements"].split("\n"))))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            status, answer = state.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815  # http.server calls them so

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("FIREWORKS_API_BASE", f"http://127.0.0.1:{http.server_port}")
        monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "mine")
        monkeypatch.setenv("FIREWORKS_API_KEY", "fw_0123456789abcdef")
        monkeypatch.setenv("HOME", str(tmp_path))
        yield state
        http.shutdown()
        thread.join()


@pytest.fixture
def metric(tmp_path: Path) -> Path:
    folder = tmp_path / "near"
    folder.mkdir()
    (folder / "main.py").write_text(dedent(CODE), encoding="utf-8")
    helper = "def near(said, gold):\n    return 1.0 if said == gold else 0.25\n"
    (folder / "helper.py").write_text(helper, encoding="utf-8")
    return folder


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.jsonl"
    rows = [conversation(said, ground_truth="5") for said in ("5", "6", "5", "5", "5", "5", "5")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_signatures_are_reward_kits() -> None:
    """As `inspect.signature` shows reward-kit 0.4.1's, defaults included."""
    preview = inspect.signature(preview_evaluation).parameters
    create = inspect.signature(create_evaluation).parameters

    code = ["python_code_to_evaluate", "python_file_name_for_code", "criterion_name_for_code"]
    code += ["criterion_description_for_code"]
    hub = ["huggingface_dataset", "huggingface_split", "huggingface_message_key_map", "huggingface_response_key"]
    hub += ["huggingface_prompt_key"]
    ends = ["reward_function_mode", "account_id", "api_key"]
    folders = ["metric_folders", "multi_metrics", "folder"]
    assert list(preview) == [*folders, *code, "sample_file", "max_samples", *hub, *ends]
    names = ["display_name", "description", "force"]
    assert list(create) == ["evaluator_id", *folders, *code, *names, *hub, "remote_url", *ends]
    defaults = {name: parameter.default for name, parameter in preview.items()}
    assert (defaults["max_samples"], defaults["huggingface_split"]) == (5, "train")
    assert (defaults["python_file_name_for_code"], defaults["reward_function_mode"]) == ("main.py", "pointwise")
    assert create["force"].default is False


def test_metric_folders_are_previewed_with_their_helpers(
    server: Server, metric: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preview = preview_evaluation(metric_folders=[f"near={metric}"], sample_file=str(samples), max_samples=2)

    assert (preview.total_samples, preview.total_runtime_ms) == (2, 12)
    first, second = preview.results
    assert (first.index, first.success, first.score) == (0, True, 1.0)
    assert (second.index, second.success, second.score) == (1, True, 0.25)
    assert second.per_metric_evals == {
        "near": {"score": 0.25, "is_score_valid": True, "reason": "near 0.25"},
        "near/near": {"score": 0.25, "reason": "r"},
    }
    [(method, path, body)] = server.asked
    assert (method, path) == ("POST", "/v1/accounts/mine/evaluators:previewEvaluator")
    assert (len(body["sampleData"]), body["maxSamples"]) == (2, 2)
    assert "metric_folders/near/helper.py" in server.evaluator(body).files
    assert capsys.readouterr() == ("", "")
    preview.display()
    shown = capsys.readouterr().out
    assert shown.splitlines()[:2] == ["2 samples previewed in 12 ms", "  sample 1: score 1.0 (near: near 1.0)"]


def test_one_folder_and_one_text_are_previewed(server: Server, metric: Path, samples: Path) -> None:
    of_folder = preview_evaluation(multi_metrics=True, folder=str(metric), sample_file=str(samples), max_samples=2)
    code = "def evaluate(messages, ground_truth=None, tools=None, **kwargs):\n    return {'score': 0.5}\n"
    of_text = preview_evaluation(python_code_to_evaluate=code, sample_file=str(samples))

    assert [result.score for result in of_folder.results] == [1.0, 0.25]
    assert [result.score for result in of_text.results] == [0.5] * 5
    assert server.evaluator(server.asked[1][2]).name == "default_code_criterion"


def test_a_failing_evaluator_is_a_failure_and_never_a_simulated_score(server: Server, samples: Path) -> None:
    code = "def evaluate(messages, **kwargs):\n    raise RuntimeError('always')\n"

    preview = preview_evaluation(python_code_to_evaluate=code, sample_file=str(samples), max_samples=1)

    [result] = preview.results
    assert (result.success, result.score, result.per_metric_evals) == (False, None, {})
    assert result.reason == "RuntimeError: always (main.py:2)"


def test_a_server_that_answers_with_an_error_raises(server: Server, metric: Path, samples: Path) -> None:
    server.status = 400

    with pytest.raises(RewardKitError, match=r"400.*broken on purpose"):
        preview_evaluation(metric_folders=[f"near={metric}"], sample_file=str(samples))
    with pytest.raises(RewardKitError, match=r"400.*broken on purpose"):
        create_evaluation("near", metric_folders=[f"near={metric}"])


def test_without_a_key_and_a_server_of_ones_own_nothing_is_pretended(
    server: Server, metric: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIREWORKS_API_BASE")
    monkeypatch.delenv("FIREWORKS_API_KEY")

    with pytest.raises(RewardKitError, match="FIREWORKS_API_KEY"):
        preview_evaluation(metric_folders=[f"near={metric}"], sample_file=str(samples))


def test_it_works_inside_a_running_event_loop(server: Server, metric: Path, samples: Path) -> None:
    async def notebook() -> Any:
        return preview_evaluation(metric_folders=[f"near={metric}"], sample_file=str(samples), max_samples=1)

    assert asyncio.run(notebook()).results[0].score == 1.0


def test_an_evaluator_is_created_with_its_requirements(server: Server, metric: Path) -> None:
    (metric / "requirements.txt").write_text("sympy\n", encoding="utf-8")

    created = create_evaluation("near-1", metric_folders=[f"near={metric}"], display_name="Near")

    assert created == {"name": "accounts/mine/evaluators/near-1"}
    [(method, path, body)] = server.asked
    assert (method, path, body["evaluatorId"]) == ("POST", "/v1/accounts/mine/evaluators", "near-1")
    assert body["evaluator"]["displayName"] == "Near"
    assert "sympy==" in body["evaluator"]["requirements"]


def test_force_deletes_what_is_there(server: Server, metric: Path) -> None:
    create_evaluation("near-1", multi_metrics=True, folder=str(metric), force=True)

    assert [method for method, _, _ in server.asked] == ["GET", "DELETE", "POST"]


def test_a_remote_url_becomes_an_evaluator_that_asks_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    create_evaluation("asks", remote_url="http://127.0.0.1:1/evaluate")
    sent = server.evaluator(server.asked[0][2])

    [unreachable] = run_evaluator(sent, [conversation("5")])

    assert not unreachable.success
    with pytest.raises(ValueError, match="remote_url and code are two evaluators"):
        create_evaluation("asks", remote_url="http://127.0.0.1:1/", folder="x")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "there is no evaluator"),
        ({"multi_metrics": True}, "multi_metrics needs a folder"),
        ({"metric_folders": ["near"]}, 'is not of the form "name=path"'),
        ({"metric_folders": ["near=NEAR", "near=NEAR"]}, "two metric folders have the same name"),
        ({"metric_folders": ["near=NEAR"], "python_code_to_evaluate": "x"}, "two evaluators: give one of them"),
        ({"metric_folders": ["near=NEAR"], "sample_file": None}, "there are no samples"),
        ({"metric_folders": ["near=NEAR"], "huggingface_dataset": "a/b"}, "two sources of samples"),
        ({"metric_folders": ["near=NEAR"], "max_samples": 0}, "max_samples is 0"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(
    arguments: dict[str, Any], why: str, metric: Path, samples: Path
) -> None:
    if "metric_folders" in arguments:
        named = [text.replace("NEAR", str(metric)) for text in arguments["metric_folders"]]
        arguments = arguments | {"metric_folders": named}

    with pytest.raises(ValueError, match=why):
        preview_evaluation(**{"sample_file": str(samples), **arguments})


def test_a_folder_that_is_not_there_and_samples_that_cannot_be_read_are_named(metric: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"messages": [{"role": "user"}]}\n{"prompt": "x"}\nnot json\n', encoding="utf-8")

    with pytest.raises(PackagingError, match="nowhere is not a folder"):
        preview_evaluation(metric_folders=["near=nowhere"], sample_file=str(bad))
    with pytest.raises(DatasetError, match=r"bad\.jsonl:2: has no messages(.|\n)*bad\.jsonl:3:"):
        preview_evaluation(metric_folders=[f"near={metric}"], sample_file=str(bad), max_samples=1)


def test_samples_of_a_hub_dataset_get_messages_of_the_columns_named(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    class Hub:
        def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
            yield from enumerate([{"q": "2+3?", "a": "5", "gold": "5", "level": 1}, {"q": "1+1?", "a": ""}], 1)

    def opened(settings: Any, folder: Path) -> Hub:
        asked.append((settings.kind, settings.path, settings.split))
        return Hub()

    monkeypatch.setattr("reward_kit.prepare.sources.open_source", opened)
    code = "def evaluate(messages, ground_truth=None, **kwargs):\n    return {'score': float(ground_truth == '5')}\n"
    options: dict[str, Any] = {
        "python_code_to_evaluate": code,
        "huggingface_dataset": "some/dataset",
        "huggingface_prompt_key": "q",
        "huggingface_response_key": "a",
        "huggingface_message_key_map": {"gold": "ground_truth"},
    }

    assert preview_evaluation(**options, max_samples=1).results[0].score == 1.0
    assert asked == [("hub", "some/dataset", "train[:1]")]
    with pytest.raises(RewardKitError, match="record 2 has no 'a', only q, a"):
        preview_evaluation(**options, max_samples=2)
