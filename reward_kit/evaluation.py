"""`preview_evaluation` and `create_evaluation` under reward-kit 0.4.1's names and signatures.

What they return is what the server said. Where a call fails, or an evaluator cannot be packaged, they raise: there is
no simulated result.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from reward_kit.errors import DatasetError, Defect, PackagingError
from reward_kit.jsonl import read_jsonl

if TYPE_CHECKING:
    from reward_kit.fireworks.client import FireworksClient
    from reward_kit.fireworks.shapes import Evaluator, Preview

EvaluationMode = Literal["pointwise", "batch"]
T = TypeVar("T")


@dataclass
class EvaluatorPreviewResult:
    """What a preview came to; `results` have `index`, `success`, `score`, `per_metric_evals` and `reason`.

    `source` says who ran it: "live" for Fireworks, "stand-in" for `reward-kit serve`.
    """

    results: list[SimpleNamespace] = field(default_factory=list)
    total_samples: int = 0
    total_runtime_ms: int = 0
    source: str = "live"

    def display(self) -> None:
        """Print the results."""
        where = "" if self.source == "live" else f" by {self.source}, not by Fireworks"
        print(f"{self.total_samples} samples previewed in {self.total_runtime_ms} ms{where}")
        for result in self.results:
            said = f"score {result.score}" if result.success else "failed"
            print(f"  sample {result.index + 1}: {said}{f' ({result.reason})' if result.reason else ''}")
            for name, value in result.per_metric_evals.items():
                print(f"    {name}: {value}")


def preview_evaluation(
    metric_folders: list[str] | None = None,
    multi_metrics: bool = False,
    folder: str | None = None,
    python_code_to_evaluate: str | None = None,
    python_file_name_for_code: str = "main.py",
    criterion_name_for_code: str = "default_code_criterion",
    criterion_description_for_code: str = "Python code execution",
    sample_file: str | None = None,
    max_samples: int = 5,
    huggingface_dataset: str | None = None,
    huggingface_split: str = "train",
    huggingface_message_key_map: dict[str, str] | None = None,
    huggingface_response_key: str = "response",
    huggingface_prompt_key: str = "prompt",
    reward_function_mode: EvaluationMode = "pointwise",
    account_id: str | None = None,
    api_key: str | None = None,
) -> EvaluatorPreviewResult:
    """Run an evaluator on samples, on Fireworks, without creating it.

    Args:
        metric_folders: "name=path" each, with a main.py that defines `evaluate`.
        multi_metrics: take `folder` instead, whose main.py returns all metrics.
        folder: see `multi_metrics`.
        python_code_to_evaluate: one Python text instead of folders.
        python_file_name_for_code: its file name.
        criterion_name_for_code: its name.
        criterion_description_for_code: its description.
        sample_file: JSON lines with `messages` each.
        max_samples: how many of its first lines are sent.
        huggingface_dataset: samples from a dataset of the Hugging Face hub instead.
        huggingface_split: its split.
        huggingface_message_key_map: new names of columns, by their names in the dataset.
        huggingface_response_key: its column with the response.
        huggingface_prompt_key: its column with the prompt.
        reward_function_mode: not used; reward-kit does not send it either.
        account_id: instead of FIREWORKS_ACCOUNT_ID.
        api_key: instead of FIREWORKS_API_KEY.

    Raises:
        ValueError: for arguments that contradict each other.
        RewardKitError: where the evaluator cannot be packaged, samples cannot be read, or the call fails.
    """
    evaluator = _evaluator(
        "Preview Evaluator",
        metric_folders,
        multi_metrics,
        folder,
        _Code.of(python_code_to_evaluate, python_file_name_for_code, criterion_name_for_code,
                 criterion_description_for_code),
    )  # fmt: skip
    if max_samples < 1:
        raise ValueError(f"max_samples is {max_samples}: it must be at least 1")
    if sample_file and huggingface_dataset:
        raise ValueError("sample_file and huggingface_dataset are two sources of samples: give one of them")
    if huggingface_dataset:
        columns = _HubColumns(huggingface_prompt_key, huggingface_response_key, huggingface_message_key_map or {})
        samples = _hub_samples(huggingface_dataset, huggingface_split, max_samples, columns)
    elif sample_file:
        samples = _file_samples(Path(sample_file), max_samples)
    else:
        raise ValueError("there are no samples: give sample_file or huggingface_dataset")

    async def ask(client: FireworksClient) -> Preview:
        from reward_kit.fireworks.shapes import Tag

        ids = tuple(str(sample.get("id") or f"sample {number}") for number, sample in enumerate(samples, 1))
        return await client.preview(evaluator, samples, Tag(ids))

    return _as_reward_kit_says(_with_client(ask, account_id, api_key))


def create_evaluation(
    evaluator_id: str,
    metric_folders: list[str] | None = None,
    multi_metrics: bool = False,
    folder: str | None = None,
    python_code_to_evaluate: str | None = None,
    python_file_name_for_code: str = "main.py",
    criterion_name_for_code: str = "default_code_criterion",
    criterion_description_for_code: str = "Python code execution",
    display_name: str | None = None,
    description: str | None = None,
    force: bool = False,
    huggingface_dataset: str | None = None,
    huggingface_split: str = "train",
    huggingface_message_key_map: dict[str, str] | None = None,
    huggingface_response_key: str = "response",
    huggingface_prompt_key: str = "prompt",
    remote_url: str | None = None,
    reward_function_mode: EvaluationMode = "pointwise",
    account_id: str | None = None,
    api_key: str | None = None,
) -> dict[str, Any]:
    """Create an evaluator on Fireworks and return it as the server describes it.

    Args:
        evaluator_id: its id.
        metric_folders: as for `preview_evaluation`, as are the next six.
        multi_metrics: see there.
        folder: see there.
        python_code_to_evaluate: see there.
        python_file_name_for_code: see there.
        criterion_name_for_code: see there.
        criterion_description_for_code: see there.
        display_name: how it is shown; its id by default.
        description: what it is for.
        force: delete an evaluator of that id first.
        huggingface_dataset: not used, as in reward-kit: an evaluator has no samples; nor are the next four.
        huggingface_split: not used.
        huggingface_message_key_map: not used.
        huggingface_response_key: not used.
        huggingface_prompt_key: not used.
        remote_url: instead of code: an evaluator that posts each sample there and returns the answer.
        reward_function_mode: not used; reward-kit does not send it either.
        account_id: instead of FIREWORKS_ACCOUNT_ID.
        api_key: instead of FIREWORKS_API_KEY.

    Raises:
        ValueError: for arguments that contradict each other.
        RewardKitError: where the evaluator cannot be packaged, or the call fails.
    """
    name = display_name or evaluator_id
    if remote_url:
        if metric_folders or folder or python_code_to_evaluate:
            raise ValueError("remote_url and code are two evaluators: give one of them")
        from reward_kit.packaging.folders import package_remote

        evaluator = package_remote(remote_url, name)
    else:
        code = _Code.of(python_code_to_evaluate, python_file_name_for_code, criterion_name_for_code,
                        criterion_description_for_code)  # fmt: skip
        evaluator = _evaluator(name, metric_folders, multi_metrics, folder, code)
    evaluator = replace(evaluator, name=name, description=description or f"Evaluator created from {evaluator_id}")

    async def ask(client: FireworksClient) -> Mapping[str, Any]:
        return await client.create_evaluator(evaluator, evaluator_id, force)

    return dict(_with_client(ask, account_id, api_key))


@dataclass(frozen=True, slots=True)
class _Code:
    """A Python text as an evaluator."""

    text: str
    file_name: str
    name: str
    description: str

    @classmethod
    def of(cls, text: str | None, file_name: str, name: str, description: str) -> _Code | None:
        return cls(text, file_name, name, description) if text else None


def _evaluator(
    name: str, metric_folders: Sequence[str] | None, multi_metrics: bool, folder: str | None, code: _Code | None
) -> Evaluator:
    from reward_kit.packaging.folders import package_code, package_folder, package_metrics

    if code is not None:
        if metric_folders or folder:
            raise ValueError("python_code_to_evaluate and folders are two evaluators: give one of them")
        return package_code(code.text, code.file_name, code.name, code.description)
    if multi_metrics:
        if not folder:
            raise ValueError("multi_metrics needs a folder")
        return package_folder(Path(folder), name, "Multi-metric evaluation")
    if not metric_folders:
        raise ValueError("there is no evaluator: give metric_folders, folder with multi_metrics, or a Python text")
    folders = dict(map(_named_folder, metric_folders))
    if len(folders) < len(metric_folders):
        raise ValueError(f"two metric folders have the same name: {', '.join(metric_folders)}")
    return package_metrics(folders, name, f"Metrics: {', '.join(folders)}")


def _named_folder(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise ValueError(f'the metric folder {text!r} is not of the form "name=path"')
    return name, Path(path)


def _file_samples(path: Path, most: int) -> list[dict[str, Any]]:
    """The first samples of a file that is read whole: a defect further down is one as well."""
    defects: list[Defect] = []
    samples = []
    for number, value in read_jsonl(path, defects):
        if isinstance(value.get("messages"), list) and value["messages"]:
            samples.append(value)
        else:
            defects.append(Defect(path, number, "has no messages", 'Write "messages": [{"role": ..., "content": ...}]'))
    if defects:
        raise DatasetError(defects)
    return samples[:most]


@dataclass(frozen=True, slots=True)
class _HubColumns:
    prompt: str
    response: str
    renamed: Mapping[str, str]

    def sample(self, number: int, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record as a sample; further columns come with it."""
        missing = [name for name in (self.prompt, self.response) if not record.get(name)]
        if missing:
            shown = f"record {number} has no {' and no '.join(map(repr, missing))}, only {', '.join(record)}"
            raise PackagingError(f"{shown}. Name its columns: huggingface_prompt_key, huggingface_response_key")
        messages = [
            {"role": "user", "content": record[self.prompt]},
            {"role": "assistant", "content": record[self.response]},
        ]
        further = {self.renamed.get(k, k): v for k, v in record.items() if k not in (self.prompt, self.response)}
        return {**further, "messages": messages}


def _hub_samples(dataset: str, split: str, most: int, columns: _HubColumns) -> list[dict[str, Any]]:
    from reward_kit.prepare.settings import SourceSettings
    from reward_kit.prepare.sources import open_source

    part = split if "[" in split else f"{split}[:{most}]"
    settings = SourceSettings(kind="hub", path=dataset, layout="columns", split=part)
    records = itertools.islice(open_source(settings, Path()).records(), most)
    return [columns.sample(number, record) for number, record in records]


def _with_client(
    ask: Callable[[FireworksClient], Coroutine[Any, Any, T]], account_id: str | None, api_key: str | None
) -> T:
    """What a call gives, in an event loop of its own: in a thread of its own where one runs already (a notebook)."""
    from reward_kit.fireworks.account import find_account
    from reward_kit.fireworks.client import FireworksClient

    account = find_account(account_id, api_key)

    async def call() -> T:
        async with FireworksClient(account) as client:
            return await ask(client)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(call())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, call()).result()


def _as_reward_kit_says(preview: Preview) -> EvaluatorPreviewResult:
    results = [
        SimpleNamespace(
            index=index,
            success=result.success,
            score=result.score,
            per_metric_evals=dict(result.metrics),
            reason=result.reason,
        )
        for index, result in enumerate(preview.results)
    ]
    return EvaluatorPreviewResult(results, preview.total_samples, preview.total_runtime_ms, preview.source.value)
