"""Step grpo as a user meets it: named defects before anything is trained, real training, and what is said of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

#: Golds of two digits: none is part of another, or of a prompt.
GOLDS = [str(37 + 7 * number) for number in range(8)]
GOOD = """
import re

def right(completion, gold):
    found = re.findall(r"\\\\boxed\\{([^{}]*)\\}", completion[0]["content"])
    return float(found == [gold])

def grade(completions, ground_truth, **kwargs):
    return [right(completion, gold) for completion, gold in zip(completions, ground_truth)]
"""
GRPO = "[local]\n[grpo]\n"


@pytest.fixture
def lessons(pytester: pytest.Pytester):
    """Write cases/lessons: eight rows, a reward, and further columns for each."""

    def make(reward: str, toml: str = GRPO, prompt: str = "Which number is it?", **columns: str) -> Path:
        folder = pytester.path / "cases" / "lessons"
        folder.mkdir(parents=True)
        (folder / "lesson_reward.py").write_text(reward)
        (folder / "suite.toml").write_text(f'reward = "lesson_reward:grade"\n{toml}')
        rows = []
        for number, gold in enumerate(GOLDS):
            said = f"The final answer is $\\boxed{{{gold}}}$."
            asked = prompt.replace("GOLD", said)
            messages = [{"role": "user", "content": f"{asked} Case {'abcdefgh'[number]}."}]
            messages.append({"role": "assistant", "content": said})
            row = {"id": f"row-{number}", "messages": messages, "ground_truth": gold}
            rows.append(row | {name: value.replace("GOLD", gold) for name, value in columns.items()})
        (folder / "dataset.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return folder

    return make


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("--rk-suite=lessons", "--rk-json=out.json", *options)


def grpo_of(pytester: pytest.Pytester) -> dict:
    return json.loads((pytester.path / "out.json").read_text())["suites"]["lessons"]["steps"]["grpo"]


#: What TRL 1.16 trains on without a word: each has its own diagnosis, in words that a reader can act on.
SILENT = {
    "constant": ("def grade(completions, **kwargs):\n    return [0.5] * len(completions)\n", "the same: 0.5"),
    "misspelt column": (
        "def grade(completions, ground_truht=None, **kwargs):\n"
        "    golds = ground_truht or [None] * len(completions)\n"
        "    return [float(c[0]['content'] == f'\\\\boxed{{{g}}}') for c, g in zip(completions, golds)]\n",
        "ground_truht",
    ),
    "messages taken for strings": (
        "def grade(completions, ground_truth, **kwargs):\n"
        "    return [float(str(g) in c) for c, g in zip(completions, ground_truth)]\n",
        "message list",
    ),
    "infinite": (
        "def grade(completions, ground_truth, **kwargs):\n"
        "    return [float('inf') if g in c[0]['content'] else 0.0 for c, g in zip(completions, ground_truth)]\n",
        "inf",
    ),
    "abstains": ("def grade(completions, **kwargs):\n    return [None] * len(completions)\n", "None"),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_trl_trains_on_in_silence_is_refused_before_training(pytester, lessons, name):
    reward, told = SILENT[name]
    lessons(reward)
    result = run(pytester, "--rk-step=grpo")
    assert result.ret == 1
    step = grpo_of(pytester)
    assert step["gates"]["calls"]["decision"] == "failed"
    assert told in step["gates"]["calls"]["reason"]
    assert step["gates"]["margins"]["decision"] == "undecided"
    assert "training" not in step


def test_a_column_that_trl_keeps_to_itself_is_named(pytester, lessons):
    lessons(
        "def grade(completions, completion=None, **kwargs):\n"
        "    wanted = completion or [''] * len(completions)\n"
        "    return [float(c[0]['content'] == w) for c, w in zip(completions, wanted)]\n",
        completion="\\boxed{GOLD}",
    )
    assert run(pytester, "--rk-step=grpo").ret == 1
    gates = grpo_of(pytester)["gates"]
    assert "completion" in gates["calls"]["reason"]
    assert "rename" in gates["calls"]["reason"].lower()


def test_a_prompt_that_gives_the_gold_away_is_refused(pytester, lessons):
    lessons(GOOD, prompt="Here is what was answered: GOLD Which number is it?")
    assert run(pytester, "--rk-step=grpo").ret == 1
    gate = grpo_of(pytester)["gates"]["prompts"]
    assert gate["decision"] == "failed"
    assert "prompt" in gate["reason"]


def test_a_reward_that_raises_is_shown_with_the_users_line(pytester, lessons):
    lessons(
        "def grade(completions, ground_truth, **kwargs):\n"
        "    return [float(c[0]['contents'] == g) for c, g in zip(completions, ground_truth)]\n"
    )
    assert run(pytester, "--rk-step=grpo").ret == 1
    reason = grpo_of(pytester)["gates"]["calls"]["reason"]
    assert "KeyError" in reason
    assert "lesson_reward.py:2" in reason


def test_a_reward_that_ends_its_process_fails_the_step(pytester, lessons):
    lessons("import os\ndef grade(completions, **kwargs):\n    os._exit(3)\n")
    assert run(pytester, "--rk-step=grpo").ret == 1
    step = grpo_of(pytester)
    assert step["outcomes"] == {"infra_error": 8}
    assert "exit code 3" in step["reason"]


def test_without_the_extra_the_step_says_what_to_install_and_the_rest_runs(pytester, lessons):
    lessons(GOOD)
    pytester.makeconftest("import sys\nsys.modules['trl'] = None\nsys.modules['torch'] = None\n")
    result = run(pytester)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*lessons: UNDECIDED - grpo: torch, trl are not installed, and training needs them: pip install '*?grpo?'*"]
    )
    document = json.loads((pytester.path / "out.json").read_text())["suites"]["lessons"]
    assert document["steps"]["local"]["gate"] == "passed"
    assert document["steps"]["grpo"]["gate"] == "undecided"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[grpo]\nsteps = 2\n", "steps"),
        ("[grpo]\nrows = 4\n", "rows"),
        ("[grpo]\ndomain = 'maths'\n", "must be one of"),
        ("[grpo]\ncompletion = '####'\n", "{answer}"),
        ("[grpo]\noptions = { output_dir = 'x' }\n", "output_dir"),
    ],
)
def test_settings_that_could_not_be_meant_are_refused(pytester, lessons, table, told):
    lessons(GOOD, table)
    result = run(pytester)
    assert result.ret == 4
    assert told in result.stderr.str()


def test_a_dataset_with_one_gold_for_all_rows_cannot_be_trained_on(pytester, lessons):
    folder = lessons(GOOD)
    lines = [json.loads(line) for line in (folder / "dataset.jsonl").read_text().splitlines()]
    (folder / "dataset.jsonl").write_text("".join(json.dumps(row | {"ground_truth": "37"}) + "\n" for row in lines))
    assert run(pytester, "--rk-step=grpo").ret == 1
    assert "there are 1" in grpo_of(pytester)["reason"]


def test_gates_left_undecided_for_one_reason_tell_it_once(pytester, lessons):
    lessons("def grade(completions, **kwargs):\n    return [0.5] * len(completions)\n")
    result = run(pytester, "--rk-step=grpo", "-p", "no:randomly", "-rN")
    shown = result.stdout.str()
    assert shown.partition("reward readiness")[0].count("nothing was trained") == 1
    assert shown.count("undecided, as gate warm_up") == 4


@pytest.mark.slow
def test_a_reward_that_teaches_passes_and_shows_its_curve_the_same_on_two_workers(pytester, lessons):
    lessons(GOOD)
    result = run(pytester, "--rk-step=local,grpo")
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["*grpo * 8/8 *passed", "*reward 0.*", "*steps of 8 rows x 16 completions*"])
    plain = (pytester.path / "out.json").read_bytes()
    training = grpo_of(pytester)["training"]
    assert training["steps"] == len(training["curve"]) >= 10
    assert training["curve"][-1]["reward"] > training["curve"][0]["reward"]
    log = pytester.path / ".rewardkit" / "lessons" / "grpo"
    assert len((log / "log.jsonl").read_text().splitlines()) == training["steps"]
    assert json.loads((log / "trainer_state.json").read_text())["global_step"] == training["steps"]
    assert run(pytester, "--rk-step=local,grpo", "-n2").ret == 0
    assert (pytester.path / "out.json").read_bytes() == plain


@pytest.mark.slow
def test_an_inverted_reward_is_live_and_refused(pytester, lessons):
    """Loss, gradient and the reward's own curve are all as in a good run: the margins tell."""
    lessons(GOOD.replace("return float(found == [gold])", "return float(found != [gold])"))
    assert run(pytester, "--rk-step=grpo").ret == 1
    step = grpo_of(pytester)
    decisions = {name: gate["decision"] for name, gate in step["gates"].items()}
    assert decisions["liveness"] == "passed"
    assert decisions["margins"] == "failed"
    assert "invert" in step["reason"] or "sign" in step["reason"]


@pytest.mark.slow
def test_columns_that_the_users_config_drops_are_named(pytester, lessons):
    reward = GOOD.replace("ground_truth, **kwargs", "ground_truth=None, **kwargs").replace(
        "    return [right", "    ground_truth = ground_truth or [''] * len(completions)\n    return [right"
    )
    lessons(reward, "[local]\n[grpo]\noptions = { remove_unused_columns = true }\n")
    assert run(pytester, "--rk-step=grpo").ret == 1
    assert "remove_unused_columns" in grpo_of(pytester)["reason"]


def test_an_assertion_on_a_run_shows_what_went_wrong(pytester, lessons):
    lessons(GOOD)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.rk_suite("lessons")
        def test_it_teaches(rk_grpo):
            assert rk_grpo(lambda completions, **kwargs: [0.5] * len(completions))

        @pytest.mark.rk_suite("lessons")
        def test_with_a_misspelt_setting(rk_grpo):
            rk_grpo(step=6)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["E * <smoke run: calls: *the same: 0.5*>*"])
    result.stdout.fnmatch_lines(["E *rk_grpo: unknown setting 'step'. Known here: steps, rows, *"])
    result.stdout.no_fnmatch_line("*model_validate*")


def test_a_misspelt_option_is_named_before_the_warm_up(pytester, lessons):
    lessons(GOOD, "[local]\n[grpo]\noptions = { betta = 0.04 }\n")
    assert run(pytester, "--rk-step=grpo").ret == 1
    reason = grpo_of(pytester)["reason"]
    assert "GRPOConfig has no betta. Did you mean beta?" in reason


@pytest.mark.slow
def test_the_fixture_trains_once_for_a_test_and_takes_another_reward(pytester, lessons):
    lessons(GOOD)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.rk_suite("lessons")
        def test_it_teaches(rk_grpo):
            result = rk_grpo(steps=6)
            assert result.passed, result
            assert result.smoke.training.steps >= 6

        @pytest.mark.rk_suite("lessons")
        def test_a_constant_does_not(rk_grpo):
            result = rk_grpo(lambda completions, **kwargs: [1.0] * len(completions))
            assert not result.passed
            assert "the same: 1" in str(result)

        @pytest.mark.rk_suite("lessons")
        def test_unknown_settings(rk_grpo):
            with pytest.raises(pytest.UsageError, match="step_s"):
                rk_grpo(step_s=6)
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=3)
