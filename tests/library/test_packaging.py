"""A reward and what it imports become files and requirements that stand by themselves."""

from __future__ import annotations

import functools
import importlib.machinery
import json
import os
import subprocess
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from own_project import Project, conversation, project

from reward_kit.errors import PackagingError
from reward_kit.fireworks.shapes import Evaluator
from reward_kit.packaging import check_bundle, package_folder, package_metrics, package_reward, run_evaluator
from reward_kit.packaging.folders import package_code, package_remote
from reward_kit.reward import Reward, as_reward, load_reward

__all__ = ["project"]  # a fixture

ROOT = Path(__file__).parents[2]
EXACT = """
    def exact(messages, ground_truth, **kwargs):
        return float(messages[-1]["content"] == ground_truth)
"""


def own_files(evaluator: Evaluator) -> list[str]:
    return [path for path in evaluator.files if not path.startswith("reward_kit/") and path != "main.py"]


def packaged(reward: Reward) -> list[str]:
    return own_files(package_reward(reward))


def test_a_reward_with_a_package_of_helpers_runs_elsewhere(project: Project) -> None:
    project.write(
        {
            "shop/__init__.py": "",
            "shop/rewards/__init__.py": "from .grading import price_reward\n",
            "shop/rewards/grading.py": """
                from __future__ import annotations
                import re
                from .. import money
                from ..text import clean

                def price_reward(messages, ground_truth, **kwargs):
                    from shop.currencies import known
                    said = money.amount(clean(messages[-1]["content"]))
                    return float(known("EUR") and said == ground_truth)
            """,
            "shop/money.py": "def amount(text):\n    return text.split()[-1]\n",
            "shop/text/__init__.py": "def clean(text):\n    return text.strip('.')\n",
            "shop/currencies.py": "def known(name):\n    return name in ('EUR', 'USD')\n",
            "shop/never_imported.py": "raise RuntimeError\n",
        }
    )
    reward = load_reward("shop.rewards:price_reward")

    evaluator = package_reward(reward)

    assert own_files(evaluator) == [
        "shop/__init__.py",
        "shop/currencies.py",
        "shop/money.py",
        "shop/rewards/__init__.py",
        "shop/rewards/grading.py",
        "shop/text/__init__.py",
    ]
    assert evaluator.name == "price_reward"
    samples = [conversation("It costs 5.", ground_truth="5"), conversation("It costs 6.", ground_truth="5")]
    assert [result.score for result in run_evaluator(evaluator, samples)] == [1.0, 0.0]
    assert check_bundle(reward, evaluator, samples) == []


def test_every_way_to_import_is_followed(project: Project) -> None:
    project.write(
        {
            "ways/__init__.py": "",
            "ways/main_one.py": """
                from __future__ import annotations
                import importlib
                from importlib import import_module
                from typing import TYPE_CHECKING
                import contextlib
                import ways.dotted.deep
                from ways import by_from
                from ways.space import inside_namespace

                if TYPE_CHECKING:
                    from ways import for_types
                    import numpy
                else:
                    import ways.for_the_run

                try:
                    import ways.optional_there
                    import ways_not_there_at_all
                except ImportError:
                    pass

                with contextlib.suppress(ModuleNotFoundError):
                    import ways_not_there_either

                SERVER = "ways.named_in_a_string"

                async def graded(messages, ground_truth, **kwargs):
                    importlib.import_module("ways.by_literal")
                    import_module(".by_relative_literal", package="ways")
                    __import__("ways.by_dunder")
                    from . import in_a_function
                    return 1.0
            """,
            **{
                f"ways/{name}.py": ""
                for name in (
                    "by_from",
                    "space/inside_namespace",
                    "for_types",
                    "for_the_run",
                    "optional_there",
                    "named_in_a_string",
                    "by_literal",
                    "by_relative_literal",
                    "by_dunder",
                    "in_a_function",
                    "dotted/__init__",
                    "dotted/deep",
                )
            },
        }
    )

    files = packaged(load_reward("ways.main_one:graded"))

    expected = {"by_from", "space/inside_namespace", "for_the_run", "optional_there", "named_in_a_string"}
    expected |= {"by_literal", "by_relative_literal", "by_dunder", "in_a_function", "dotted/__init__", "dotted/deep"}
    assert files == sorted(f"ways/{name}.py" for name in expected | {"__init__", "main_one"})


def test_third_party_imports_become_pinned_requirements_and_only_theirs(project: Project) -> None:
    reward = project.reward(
        "pinning:graded",
        pinning="""
            import json
            import antlr4
            from flint import fmpq

            def graded(messages, ground_truth, **kwargs):
                import sympy.core
                return 1.0
        """,
    )

    needed = package_reward(reward).requirements

    names = ["antlr4-python3-runtime", "pydantic", "python-flint", "sympy"]  # mpmath is sympy's business
    assert list(needed) == [f"{name}=={version(name)}" for name in names]


def test_declared_requirements_are_added_and_pinned_to_what_is_installed(project: Project) -> None:
    reward = project.reward(
        "declaring:graded",
        declaring="""
            from reward_kit import reward_function

            @reward_function(
                id="my-evaluator",
                requirements=["sympy>=1", "Python_Flint", "not-installed-here>=3", "never; python_version < '3'"],
            )
            def graded(messages, ground_truth, **kwargs):
                return {"score": 1.0}
        """,
    )

    evaluator = package_reward(reward)

    assert evaluator.name == "my-evaluator"
    pinned = [f"{name}=={version(name)}" for name in ("pydantic", "python-flint", "sympy")]
    assert evaluator.requirements == ("not-installed-here>=3", *pinned)
    with pytest.raises(PackagingError, match="not-installed-here>=3 is not installed here"):
        run_evaluator(evaluator, [conversation("5")])


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("sympy<1", r"sympy<1 is not met: sympy .* is installed here"),
        ("sym py", r"'sym py' is not a pip requirement"),
        ("pytest-rewardkit", "pytest-rewardkit is an editable install"),
    ],
)
def test_a_declared_requirement_that_cannot_be_met_is_refused(declared: str, message: str, project: Project) -> None:
    if declared == "pytest-rewardkit" and not _is_editable():
        pytest.skip("this library is not an editable install here")
    reward = project.reward("unmet:graded", unmet=EXACT.replace("exact", "graded"))
    reward.function._reward_function_requirements = [declared]  # type: ignore[attr-defined]

    with pytest.raises(PackagingError, match=message):
        package_reward(reward)


def _is_editable() -> bool:
    from importlib.metadata import distribution

    from reward_kit.packaging.requirements import is_editable

    return is_editable(distribution("pytest-rewardkit"))


def test_the_bytes_depend_on_the_sources_alone(project: Project, tmp_path: Path) -> None:
    reward = project.reward(
        "steady:exact", steady="from steady_words import WORDS\n" + dedent(EXACT), steady_words="WORDS = 1\n"
    )
    here = package_reward(reward)
    program = (
        f"import sys; sys.path[:0] = [{str(project.folder)!r}, {str(ROOT)!r}]\n"
        "import json; from reward_kit.reward import load_reward; from reward_kit.packaging import package_reward\n"
        "e = package_reward(load_reward('steady:exact')); print(json.dumps([list(e.files.items()), e.requirements]))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", program]
    there = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True, text=True).stdout

    assert json.loads(there) == [[list(item) for item in here.files.items()], list(here.requirements)]
    assert list(here.files) == sorted(here.files)
    assert not [path for path, text in here.files.items() if str(tmp_path) in text or str(ROOT) in text]


def test_files_that_a_module_reads_from_beside_itself_come_along(project: Project) -> None:
    project.write(
        {
            "worded/__init__.py": "",
            "worded/inner/reward.py": """
                from importlib.resources import files
                from pathlib import Path

                WORDS = (Path(__file__).parent.parent / "lists" / "words.txt").read_text().split()
                UNITS = files("worded.inner").joinpath("units.json").read_text()

                def graded(messages, ground_truth, **kwargs):
                    return float(messages[-1]["content"] in WORDS)
            """,
            "worded/inner/__init__.py": "",
            "worded/inner/units.json": "{}",
            "worded/inner/other.json": "{}",
            "worded/inner/.env": "KEY=secret",
            "worded/lists/words.txt": "yes no",
            "worded/lists/.hidden": "secret",
        }
    )
    reward = load_reward("worded.inner.reward:graded")

    evaluator = package_reward(reward)

    data = [path for path in own_files(evaluator) if not path.endswith(".py")]
    assert data == ["worded/inner/units.json", "worded/lists/words.txt"]
    assert [result.score for result in run_evaluator(evaluator, [conversation("yes"), conversation("maybe")])] == [1, 0]


def test_a_text_too_long_to_be_a_file_name_is_none(project: Project) -> None:
    """As a list of names in one string, in a module that also knows its own place."""
    words = " ".join(["word"] * 100)
    project.write({"worded.py": f"HERE, WORDS = __file__, {words!r}\n" + textwrap.dedent(EXACT)})
    assert packaged(load_reward("worded:exact")) == ["worded.py"]


def test_a_data_file_that_is_no_text_is_refused(project: Project) -> None:
    reward = project.reward("tabled:exact", tabled='PLACE = __file__, "table.bin"\n' + dedent(EXACT))
    (project.folder / "table.bin").write_bytes(b"\xff\x00")

    with pytest.raises(PackagingError, match=r"table\.bin is not UTF-8 text"):
        package_reward(reward)


def _made_inside(limit: float) -> Any:
    def inner(messages: list[Any], **kwargs: Any) -> float:
        return limit

    return inner


def plain_reward(messages: list[Any], extra: int = 0, **kwargs: Any) -> float:
    return 1.0


class ObjectReward:
    def __call__(self, messages: list[Any], **kwargs: Any) -> float:
        return 1.0


def wrapped(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda messages, **kwargs: 1.0, "is a lambda"),
        (_made_inside(1.0), r"is defined inside a function, with variables of its surroundings \(limit\)"),
        (functools.partial(plain_reward, extra=1), r"is an object \(partial\) that no module holds"),
        (ObjectReward(), r"is an object \(ObjectReward\) that no module holds"),
        (wrapped(plain_reward), "is not what .*test_packaging:plain_reward holds: it was wrapped or replaced"),
    ],
    ids=["lambda", "closure", "partial", "object", "wrapped"],
)
def test_what_cannot_be_imported_elsewhere_is_refused_with_the_reason(function: Any, why: str) -> None:
    with pytest.raises(PackagingError, match=f"{why}.*Define it at the top level of a module"):
        package_reward(as_reward(function))


def test_a_reward_of_the_running_program_is_refused() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from reward_kit.packaging import package_reward; from reward_kit.reward import as_reward\n"
        "def mine(messages, **kwargs): return 1.0\n"
        "package_reward(as_reward(mine))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "PackagingError: mine is defined in the program that is running (__main__), not in a module" in ended.stderr


def test_an_object_that_a_module_holds_is_packaged_by_the_path_it_was_loaded_with(project: Project) -> None:
    reward = project.reward(
        "holder:strict.check",
        holder="""
            import functools

            def exact(messages, ground_truth, strip=False, **kwargs):
                said = messages[-1]["content"]
                return float((said.strip() if strip else said) == ground_truth)

            class strict:
                check = functools.partial(exact, strip=True)
        """,
    )

    assert check_bundle(reward, package_reward(reward), [conversation(" 5 ", ground_truth="5")]) == []


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"broken_a.py": "import broken_a_missing\n"}, "broken_a_missing, which is not found here"),
        ({"broken_a.py": "from broken_a_text import x\n", "broken_a_text.py": "x = = 1\n"}, "is not Python"),
        ({"broken_a.py": "import main\n", "main.py": ""}, "the module is called main"),
    ],
    ids=["missing", "syntax", "main"],
)
def test_a_module_that_cannot_be_carried_is_refused(files: dict[str, str], why: str, project: Project) -> None:
    helper = "def _import():\n    " + files.pop("broken_a.py")
    project.write({"broken_a.py": helper + "\n\ndef exact(messages, **kwargs):\n    return 1.0\n", **files})

    with pytest.raises(PackagingError, match=why):
        package_reward(load_reward("broken_a:exact"))


def test_a_compiled_extension_of_ones_own_is_refused(project: Project) -> None:
    (project.folder / f"speedups{importlib.machinery.EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    helper = "def fast():\n    import speedups\n\n\ndef exact(messages, **kwargs):\n    return 1.0\n"
    project.write({"with_speedups.py": helper})

    with pytest.raises(PackagingError, match="a compiled extension of your own: a bundle holds sources only"):
        package_reward(load_reward("with_speedups:exact"))


def test_math_reward_is_small_and_says_the_same() -> None:
    reward = load_reward("reward_kit.rewards.math:math_reward")
    evaluator = package_reward(reward)

    outside = {path for path in evaluator.files if not path.startswith("reward_kit/rewards/")}
    assert outside == {
        "main.py",
        "reward_kit/__init__.py",
        "reward_kit/bundled/__init__.py",
        "reward_kit/bundled/entry.py",
        "reward_kit/call_shapes.py",
        "reward_kit/errors.py",
        "reward_kit/models.py",
        "reward_kit/reward.py",
    }
    assert "reward_kit/rewards/_math/server.py" in evaluator.files  # the worker's, known by a string only
    assert sum(map(len, evaluator.files.values())) < 500_000
    assert evaluator.requirements == (f"pydantic=={version('pydantic')}", f"python-flint=={version('python-flint')}")
    golds = ["7", "0.5", r"2\sqrt{3}", r"\frac{1}{\sqrt{2}}", "(1, 2)", r"\sin^2 x + 1", "x = 3", "C", "25\\%"]
    said = ["7", "1/2", r"\sqrt{12}", r"\frac{\sqrt{2}}{2}", "(2, 1)", r"2 - \cos^2 x", "3", "D", "0.25"]
    pairs = zip(golds, said, strict=True)
    samples = [conversation(f"\\boxed{{{answer}}}", ground_truth=gold) for gold, answer in pairs]
    samples.append(conversation("I give up.", ground_truth="1"))

    assert check_bundle(reward, evaluator, samples) == []
    scores = [result.score for result in run_evaluator(evaluator, samples)]
    assert scores == [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0]


SHAPES = {
    "pointwise": """
        from reward_kit.models import Message
        from reward_kit.reward import reward_function

        @reward_function
        def graded(messages: list[Message], ground_truth: str, **kwargs):
            return {"score": float(messages[-1].content == ground_truth), "metrics": {"m": {"score": 1, "reason": "r"}}}
    """,
    "batch": """
        from reward_kit.reward import reward_function

        @reward_function(mode="batch")
        def graded(rollouts_messages, ground_truth, **kwargs):
            return [{"score": float(m[-1]["content"] == ground_truth)} for m in rollouts_messages]
    """,
    "trl": """
        def graded(prompts, completions, ground_truth, level, **kwargs):
            return [float(c[0]["content"] == g and l == 3) for c, g, l in zip(completions, ground_truth, level)]
    """,
    "verl": """
        def graded(data_source, solution_str, ground_truth, extra_info=None):
            return float(solution_str == ground_truth and extra_info["level"] == 3 and data_source == "made")
    """,
    "openrlhf": """
        def graded(queries, prompts, labels):
            return {"rewards": [float(q == p + l) for q, p, l in zip(queries, prompts, labels)]}
    """,
    "async": """
        import asyncio

        async def graded(messages, ground_truth, **kwargs):
            await asyncio.sleep(0)
            return float(messages[-1]["content"] == ground_truth)
    """,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_call_shape_is_called_as_it_is_here(shape: str, project: Project) -> None:
    reward = project.reward(f"shape_{shape}:graded", **{f"shape_{shape}": SHAPES[shape]})
    evaluator = package_reward(reward)
    columns = {"ground_truth": "5", "level": 3, "source": "made", "tools": [{"type": "function"}]}
    samples = [conversation("5", id="a", **columns), conversation("6", id="b", **columns)]

    assert [result.score for result in run_evaluator(evaluator, samples)] == [1.0, 0.0]
    assert check_bundle(reward, evaluator, samples) == []


def test_a_reward_that_sees_the_machine_differs_and_the_difference_can_be_read(
    project: Project, monkeypatch: Any
) -> None:
    monkeypatch.setenv("MY_SECRET_ANSWER", "5")
    reward = project.reward(
        "peeking:graded",
        peeking="""
            import os

            def graded(messages, **kwargs):
                return float(messages[-1]["content"] == os.environ.get("MY_SECRET_ANSWER"))
        """,
    )
    evaluator = package_reward(reward)

    assert check_bundle(reward, evaluator, [conversation("5", id="row-1"), conversation("6")]) == [
        "row-1: in the bundle it scores 0; here it scores 1"
    ]
    with pytest.raises(ValueError, match="nothing to compare"):
        check_bundle(reward, evaluator, [])


def test_an_import_by_a_computed_name_fails_in_the_bundle_and_not_silently(project: Project) -> None:
    project.write({"plugins_of_mine.py": "VALUE = 1.0\n"})
    reward = project.reward(
        "computed:graded",
        computed="""
            import importlib

            def graded(messages, **kwargs):
                return importlib.import_module("_".join(("plugins", "of", "mine"))).VALUE
        """,
    )

    [difference] = check_bundle(reward, package_reward(reward), [conversation("5")])

    assert "in the bundle it fails (ModuleNotFoundError: No module named 'plugins_of_mine'" in difference
    assert difference.endswith("here it scores 1")


def test_two_failures_are_no_agreement(project: Project) -> None:
    reward = project.reward("raising:graded", raising="def graded(messages, **kwargs):\n    raise KeyError('x')\n")

    [difference] = check_bundle(reward, package_reward(reward), [conversation("5")])

    assert difference.startswith("sample 1: in the bundle it fails (KeyError: 'x' (raising.py:2)); here it fails")


def metric_folder(project: Project, name: str, helper: str, decorator: str = "") -> Path:
    project.write(
        {
            f"{name}/main.py": f"""
                from helper import weight
                from words.lists import WORDS
                from reward_kit import reward_function

                @reward_function{decorator}
                def evaluate(messages, ground_truth=None, tools=None, **kwargs):
                    from late import LATE
                    return {{"score": weight() if messages[-1]["content"] in WORDS else 0.0, "reason": LATE}}
            """,
            f"{name}/helper.py": helper,
            f"{name}/late.py": f"LATE = {name!r}\n",
            f"{name}/words/lists.py": "WORDS = ['yes']\n",
            f"{name}/words/notes.txt": "text\n",
            f"{name}/.env": "KEY=secret\n",
        }
    )
    return project.folder / name


def test_metric_folders_keep_all_their_files_and_do_not_see_each_other(project: Project) -> None:
    heavy = metric_folder(project, "heavy", "def weight():\n    return 1.0\n", "(requirements=['sympy'])")
    light = metric_folder(project, "light", "import flint\ndef weight():\n    return 0.5\n")
    (light / "requirements.txt").write_text("# a comment\nmpmath>=1  # another\n\n", encoding="utf-8")

    evaluator = package_metrics({"heavy": heavy, "light": light}, "both")

    own = [path for path in evaluator.files if path.startswith("metric_folders/light/")]
    names = ["helper.py", "late.py", "main.py", "requirements.txt", "words/lists.py", "words/notes.txt"]
    assert own == [f"metric_folders/light/{name}" for name in names]
    wanted = ("mpmath", "pydantic", "python-flint", "sympy")
    assert evaluator.requirements == tuple(f"{name}=={version(name)}" for name in wanted)
    yes, no, again = run_evaluator(evaluator, [conversation("yes"), conversation("no"), conversation("yes")])
    assert (yes.success, yes.score, no.score, again.score) == (True, 0.75, 0.0, 0.75)
    assert yes.metrics["light"] == {"score": 0.5, "is_score_valid": True, "reason": "light"}
    assert yes.metrics["heavy"]["reason"] == "heavy"


def test_a_metric_that_fails_fails_the_sample(project: Project) -> None:
    good = metric_folder(project, "good", "def weight():\n    return 1.0\n")
    bad = metric_folder(project, "bad", "def weight():\n    raise ValueError('no weight')\n")

    [result] = run_evaluator(package_metrics({"good": good, "bad": bad}, "both"), [conversation("yes")])

    assert not result.success
    assert result.score is None
    assert "no weight" in result.reason


def test_an_async_metric_is_awaited_among_the_others(project: Project) -> None:
    project.write(
        {
            "slow/main.py": """
                import asyncio

                async def evaluate(messages, **kwargs):
                    await asyncio.sleep(0)
                    return {"score": 1.0, "is_score_valid": False}
            """
        }
    )
    other = metric_folder(project, "other", "def weight():\n    return 1.0\n")

    [result] = run_evaluator(
        package_metrics({"slow": project.folder / "slow", "other": other}, "two"), [conversation("yes")]
    )

    assert not result.success  # one of its metrics is marked as not valid
    assert result.metrics["slow"] == {"score": 1.0, "is_score_valid": False, "reason": ""}


def test_a_module_that_no_import_statement_can_name_is_refused(project: Project) -> None:
    reward = project.reward("my-reward:exact", **{"my-reward": dedent(EXACT)})

    with pytest.raises(PackagingError, match="my-reward:exact cannot be written in an import statement"):
        package_reward(reward)


def test_one_folder_is_an_evaluator_as_it_stands(project: Project) -> None:
    folder = metric_folder(project, "alone", "def weight():\n    return 1.0\n")

    evaluator = package_folder(folder)

    assert evaluator.name == "alone"
    assert {"main.py", "helper.py", "words/lists.py", "reward_kit/reward.py"} <= evaluator.files.keys()
    assert not [path for path in evaluator.files if ".env" in path]
    assert [r.score for r in run_evaluator(evaluator, [conversation("yes"), conversation("no")])] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"helper.py": ""}, "has no main.py"),
        ({"main.py": "def grade(): ...\n"}, "defines no function evaluate"),
        ({"main.py": "from nowhere_to_be_found import evaluate\n"}, "imports nowhere_to_be_found, which is not found"),
        (
            {"main.py": "@reward_function(requirements=[X])\ndef evaluate(): ...\n"},
            "requirements is not a list of texts",
        ),
        (
            {"main.py": "def evaluate(): ...\n", "requirements.txt": "-r more.txt\n"},
            r"requirements.txt:1: options .* -r",
        ),
    ],
    ids=["no main", "no evaluate", "missing import", "computed requirements", "options"],
)
def test_a_folder_that_is_no_evaluator_is_refused(files: dict[str, str], why: str, project: Project) -> None:
    project.write({f"folder/{name}": text for name, text in files.items()})

    with pytest.raises(PackagingError, match=why):
        package_metrics({"one": project.folder / "folder"}, "evaluator")


def test_one_text_is_an_evaluator() -> None:
    code = "def evaluate(messages, ground_truth=None, tools=None, **kwargs):\n    return {'score': 1}\n"

    for file_name in ("main.py", "my_metric.py"):
        assert run_evaluator(package_code(code, file_name), [conversation("5")])[0].score == 1.0
    with pytest.raises(PackagingError, match="is not the name of a Python module"):
        package_code(code, "my metric.py")


@pytest.mark.parametrize("url", ["ftp://x/y", "not a url", "https://user:secret@example.org/"])
def test_a_remote_url_that_cannot_be_used_is_refused_without_showing_secrets(url: str) -> None:
    with pytest.raises(PackagingError) as refused:
        package_remote(url)
    assert "secret" not in str(refused.value)


def test_a_remote_evaluator_that_cannot_be_reached_fails_the_sample() -> None:
    [result] = run_evaluator(package_remote("http://127.0.0.1:9/evaluate"), [conversation("5")])

    assert (result.success, result.score) == (False, None)
    assert "URLError" in result.reason
