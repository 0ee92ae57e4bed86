"""Step controls as a user meets it: what an honest reward ends in, and each way of not telling right from wrong."""

from __future__ import annotations

import json

import pytest

BOXES = r"""
import re
from fractions import Fraction

def boxes(messages):
    visible = messages[-1]["content"].rpartition("</think>")[2]
    return re.findall(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}", visible)

def value(text):
    plain = re.sub(r"\\frac\{(.*?)\}\{(.*?)\}", r"\1/\2", text).replace(",", "")
    return Fraction(plain) if re.fullmatch(r"-?\d+(\.\d+|/\d+)?", plain) else None

"""
HONEST = BOXES + (
    "def grade(messages, ground_truth, **kwargs):\n"
    "    found = boxes(messages)\n"
    "    return float(len(found) == 1 and value(found[0]) == value(ground_truth))\n"
)
ALWAYS_ONE = "def grade(messages, ground_truth, **kwargs):\n    return 1.0\n"
ALWAYS_ZERO = "def grade(messages, ground_truth, **kwargs):\n    return 0.0\n"
LAST_NUMBER = BOXES + (
    "def grade(messages, ground_truth, **kwargs):\n"
    "    text = messages[-1]['content'].replace(',', '')\n"
    "    over = re.findall(r'frac\\{(-?\\d+)\\}\\{(\\d+)\\}', text)\n"
    "    numbers = ['/'.join(over[-1])] if over else re.findall(r'-?\\d+(?:\\.\\d+)?', text)\n"
    "    return float(bool(numbers) and Fraction(numbers[-1]) == Fraction(ground_truth))\n"
)
ANY_BOX = BOXES + (
    "def grade(messages, ground_truth, **kwargs):\n"
    "    return float(any(value(text) == value(ground_truth) for text in boxes(messages)))\n"
)
READS_THINKING = HONEST.replace('.rpartition("</think>")[2]', "")
LAST_BOX = HONEST.replace("len(found) == 1 and value(found[0])", "bool(found) and value(found[-1])")
PAYS_EMPTY = HONEST.replace("return float(", "return float(found == [''] or ")


def on_a_hedge(does):
    """The honest reward, but for what it does where it finds two boxes."""
    read = "    found = boxes(messages)\n"
    return HONEST.replace(read, f"{read}    if len(found) == 2:\n        {does}\n")


#: All wrong answers of a row, and those that a reward pays for the last number it meets.
WRONG_WITH_THE_GOLD_LAST = {"hedge_reversed", "denied_gold", "only_thinking", "no_answer"}
WRONG = WRONG_WITH_THE_GOLD_LAST | {"plus_one", "times_ten", "cut_digit", "hedge", "empty_answer"}
DECLARED = "[local]\n\n[controls]\n"


@pytest.fixture
def make_math_suite(make_suite):
    """A suite whose references declare their answers, 20, 21, ..., in a box."""

    def make(reward, toml=DECLARED, rows=4, golds=None, said="It is $\\boxed{{{}}}$."):
        folder = make_suite(rows=rows, reward=reward, toml=toml)
        golds = golds or [str(20 + number) for number in range(rows)]
        with (folder / "dataset.jsonl").open("w") as file:
            for number, gold in enumerate(golds):
                messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": said.format(gold)}]
                file.write(json.dumps({"id": f"row-{number:02}", "messages": messages, "ground_truth": gold}) + "\n")
        return folder

    return make


@pytest.fixture
def controls(pytester, read_results):
    """Run the suite; its readiness and what step controls came to."""

    def run(*arguments, ret=None):
        result = pytester.runpytest("--rk-suite=small", "--rk-json=results.json", *arguments)
        suite = read_results()["suites"]["small"]
        assert result.ret == (0 if suite["steps"]["controls"]["gate"] == "passed" else 1)
        return suite["readiness"], suite["steps"]["controls"], result

    return run


def test_an_honest_reward_is_ready(make_math_suite, controls):
    make_math_suite(HONEST)
    readiness, step, result = controls()
    assert readiness == "READY"
    assert step["reason"] == "sensitivity 8/8, 100% is required; specificity 36/36, 100% is required"
    result.stdout.fnmatch_lines(["*controls*4/4*passed*", "small: READY"])


def test_without_controls_the_same_reward_stays_undecided(make_math_suite, pytester):
    make_math_suite(HONEST, toml="[local]\n")
    pytester.runpytest("--rk-suite=small").stdout.fnmatch_lines(["small: UNDECIDED - ?controls? is not declared*"])


@pytest.mark.parametrize(
    ("reward", "rates", "survivors", "outcome"),
    [
        (ALWAYS_ONE, ("8/8", "0/36 (0)"), WRONG, "wrong_answer"),
        (LAST_NUMBER, ("8/8", "20/36 (0.555)"), WRONG_WITH_THE_GOLD_LAST, "wrong_answer"),
        (ANY_BOX, ("8/8", "28/36 (0.777)"), {"hedge", "hedge_reversed"}, "wrong_answer"),
        (LAST_BOX, ("8/8", "32/36 (0.888)"), {"hedge_reversed"}, "wrong_answer"),
        (PAYS_EMPTY, ("8/8", "32/36 (0.888)"), {"empty_answer"}, "wrong_answer"),
        (READS_THINKING, ("8/8", "32/36 (0.888)"), {"only_thinking"}, "wrong_answer"),
        (ALWAYS_ZERO, ("0/8 (0)", "36/36"), {"decimal", "fraction"}, "wrong_answer"),
    ],
    ids=["always_one", "last_number", "any_box", "last_box", "pays_empty", "reads_thinking", "always_zero"],
)
def test_a_reward_that_cannot_tell_is_not_ready(make_math_suite, controls, reward, rates, survivors, outcome):
    make_math_suite(reward)
    readiness, step, result = controls()
    assert readiness == "NOT READY"
    said = {name: gate["reason"] for name, gate in step["gates"].items()}
    for (name, reason), rate in zip(said.items(), rates, strict=True):
        assert reason.startswith(f"{name} {rate}, 100% is required")
        assert ("survivors: row-00 " in reason) == ("(" in rate)
    for row in step["results"]:
        assert row["outcome"] == outcome
        assert {case["operator"] for case in row["controls"] if not case["held"]} == survivors
        assert all(operator in row["reason"] for operator in survivors)
    result.stdout.fnmatch_lines(
        ["row-00: wrong_answer", "small: the gate *ity of step controls failed", "small: NOT READY*"]
    )


def test_a_survivor_is_shown_with_the_response_and_what_it_was_paid(make_math_suite, pytester):
    make_math_suite(ANY_BOX, rows=1)
    pytester.runpytest("--rk-suite=small", "--rk-step=controls").stdout.fnmatch_lines(
        [
            "  reason    hedge: the reward paid 1 for a wrong response ?It is $?boxed{20}$ or $?boxed{21}$.?"
            " (offers 20 or 21, which are different answers: 21 is not 20); hedge_reversed: the reward paid 1 for *",
            "  rerun     pytest --rk-suite=small --rk-step=controls --rk-ids=row-00",
        ],
        consecutive=True,
    )


@pytest.mark.parametrize(
    ("does", "outcome", "said"),
    [
        ("raise ValueError('two boxes')", "reward_error", "*ValueError: two boxes*"),
        ("return float('nan')", "reward_error", "*outside its declared range*"),
        ("return None", "abstained", "hedge: the reward abstained on a wrong response *"),
        ("return {'score': 1.0, 'outcome': 'ambiguous'}", "wrong_answer", "hedge: the reward paid 1 for *"),
        ("return {'score': 1.0, 'is_score_valid': False}", "wrong_answer", "hedge: the reward paid 1 for *"),
    ],
)
def test_a_wrong_answer_must_be_refused_by_a_score(make_math_suite, controls, does, outcome, said):
    """A trainer pays the score: an error, an abstention or a remark beside a full score refuses nothing."""
    make_math_suite(on_a_hedge(does), rows=2)
    readiness, step, result = controls()
    assert readiness == "NOT READY"
    assert step["outcomes"] == {outcome: 2}
    result.stdout.fnmatch_lines([f"  reason    {said}"])


def test_an_error_is_never_tolerated(make_math_suite, controls):
    rates = "sensitivity = 0.1\nspecificity = 0.1\n"
    make_math_suite(on_a_hedge("raise ValueError('two boxes')"), toml=DECLARED + rates)
    _, step, result = controls("--rk-step=controls")
    assert step["reason"] == "controls of 4 rows ended in an error: row-00, row-01, row-02, row-03"
    result.assert_outcomes(failed=6)


@pytest.mark.parametrize(
    ("rates", "gate"),
    [
        ("specificity = 0.77", "passed"),
        ("specificity = 0.78", "failed"),
        ("sensitivity = 0.5", "failed"),
    ],
)
def test_rates_below_one_leave_survivors_to_the_gate(make_math_suite, controls, rates, gate):
    make_math_suite(ANY_BOX, toml=f"{DECLARED}{rates}\n")
    _, step, result = controls("--rk-step=controls", "-v")
    assert step["gate"] == gate
    assert "specificity 28/36 (0.777), " in step["reason"]
    shown = "FAILED" if rates.startswith("sensitivity") else "TOLERATED"
    result.stdout.fnmatch_lines([f"*controls?row-00? {shown}*"])


def test_a_rate_is_that_of_all_controls_and_not_of_rows(make_math_suite, controls):
    refuses_commas = HONEST.replace('.replace(",", "")', "")
    golds = ["1234", "5", "6", "7"]
    refuses_one = refuses_commas.replace(
        "    found = boxes(messages)\n", "    found = [t for t in boxes(messages) if ',' not in t]\n"
    )
    make_math_suite(refuses_one, golds=golds)
    _, step, _ = controls()
    assert step["reason"] == (
        "sensitivity 8/9 (0.888), 100% is required; survivors: row-00 thousands; specificity 36/36, 100% is required"
    )


WORDS_TOO = """
def read(text):
    text = text.replace("\\\\displaystyle ", "")
    return text if text.isalpha() else value(text)

def grade(messages, ground_truth, **kwargs):
    found = boxes(messages)
    return float(len(found) == 1 and read(found[0]) == read(ground_truth))
"""


#: Whatever one box declares is paid, nothing and "The answer is not ..." excepted.
PAYS_ANY_BOX = BOXES + (
    "def grade(messages, ground_truth, **kwargs):\n"
    "    found = boxes(messages)\n"
    "    return float(len(found) == 1 and found[0] != '' and 'answer is not' not in found[0])\n"
)


def test_a_gold_of_which_no_wrong_answer_is_proved_is_named(make_math_suite, controls):
    make_math_suite(BOXES + WORDS_TOO, golds=["20", "May"])
    readiness, step, _ = controls()
    assert readiness == "READY"
    assert step["reason"].endswith("; no wrong answer could be proved for 1 row: row-01")


def test_a_row_without_any_control_neither_passes_nor_fails(make_math_suite, controls):
    folder = make_math_suite(HONEST, golds=["20", "21"])
    text = (folder / "dataset.jsonl").read_text()
    (folder / "dataset.jsonl").write_text(text.replace('"ground_truth": "21"', '"ground_truth": ["21"]'))
    _, step, result = controls("--rk-step=controls", "-v")
    assert step["outcomes"] == {"passed": 1, "abstained": 1}
    assert step["gates"]["sensitivity"]["reason"].endswith("; no other spelling could be proved for 1 row: row-01")
    assert step["gates"]["specificity"]["reason"].endswith("; no wrong answer could be proved for 1 row: row-01")
    result.stdout.fnmatch_lines(["*controls?row-01? TOLERATED*"])


def test_where_no_wrong_answer_is_proved_the_suite_is_undecided(make_math_suite, controls):
    make_math_suite(PAYS_ANY_BOX, golds=["May", "Dec"])
    readiness, step, _ = controls()
    assert (readiness, step["gate"]) == ("UNDECIDED", "undecided")
    assert step["gates"]["specificity"]["reason"] == "no wrong answer could be proved for any of 2 rows"
    assert step["gates"]["sensitivity"]["decision"] == "passed"


def test_a_reward_that_pays_for_any_word_is_not_ready(make_math_suite, controls):
    make_math_suite(PAYS_ANY_BOX, golds=["Monday", "Alice"])
    readiness, step, _ = controls()
    assert readiness == "NOT READY"
    assert "row-00 other_word" in step["reason"]


def test_the_answers_format_is_that_of_the_reference(make_math_suite, controls):
    reads_hashes = (
        "import re\nfrom fractions import Fraction\n"
        "def grade(messages, ground_truth, **kwargs):\n"
        "    found = re.search(r'^#### (\\S+)$', messages[-1]['content'], re.MULTILINE)\n"
        "    return float(found is not None and Fraction(found[1]) == Fraction(ground_truth))\n"
    )
    make_math_suite(reads_hashes, said="It adds up.\n#### {}")
    assert controls()[0] == "READY"


def test_an_unknown_domain_is_a_defect_that_lists_the_known(make_math_suite, pytester):
    make_math_suite(HONEST, toml='[controls]\ndomain = "maths"\n')
    result = pytester.runpytest("--rk-suite=small")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*suite.toml:3*domain*unknown domain; known domains: *math*maths*"])


@pytest.mark.parametrize("rate", ["0.0", "1.5"])
def test_a_rate_outside_0_to_1_is_a_defect(make_math_suite, pytester, rate):
    make_math_suite(HONEST, toml=f"[controls]\nspecificity = {rate}\n")
    assert pytester.runpytest("--rk-suite=small").ret == 4


def test_controls_are_the_same_under_xdist(make_math_suite, pytester, read_results):
    make_math_suite(ANY_BOX)
    for name, spread in (("plain.json", ()), ("spread.json", ("-n2",))):
        pytester.runpytest_subprocess("--rk-suite=small", f"--rk-json={name}", *spread)
    assert read_results("plain.json") == read_results("spread.json")
    (first, *_) = read_results("spread.json")["suites"]["small"]["steps"]["controls"]["results"]
    assert [case["operator"] for case in first["controls"] if not case["held"]] == ["hedge", "hedge_reversed"]


def test_one_row_is_rerun_alone(make_math_suite, pytester):
    make_math_suite(ANY_BOX)
    result = pytester.runpytest("--rk-suite=small", "--rk-step=controls", "--rk-ids=row-02")
    result.assert_outcomes(failed=1)
