"""The math suite's source: every step of the 100 worked solutions is recomputed with exact arithmetic."""

import ast
import json
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[2] / "cases" / "math" / "source.jsonl"

# A value as prose writes it: -7, 1080, 12,600, 2.75 or 3/8.
VALUE = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?"
# `<<48/2=24>>24`. The sum written before the mark and the value repeated after it may be absent or malformed:
# they are captured all the same, so that a defect is reported instead of overlooked.
MARK = re.compile(
    r"(?P<before>[\d.+\-*/()]+(?==\$?<<))?(?:=\$?)?"
    r"<<(?P<body>[^<>]*)>>"
    rf"(?P<after>{VALUE}(?![\d/]))?"
)
MARK_BODY = re.compile(r"(?P<left>[\d+\-*/().]+)=(?P<right>-?\d+(?:\.\d+|/\d+)?)")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
QUOTIENT = re.compile(r"(?<![\d.])\d+/\d+(?![\d.])")
FINAL = re.compile(rf"#### (?P<gold>{VALUE})")
GIVEAWAY = re.compile(r"\banswer\s+is\b", re.IGNORECASE)

OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Row(NamedTuple):
    question: str
    answer: str

    @property
    def gold(self) -> str:
        return self.answer.rpartition("#### ")[2]


def exact(expression: str) -> Fraction:
    """The exact value of a sum in + - * / and parentheses; any other expression is a ValueError."""

    def value(node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(value=int() | float()):
                # Read from the text, since the float of 0.82 is not 82/100.
                return Fraction(ast.get_source_segment(expression, node) or "")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
                return OPERATIONS[type(op)](value(left), value(right))
        raise ValueError(f"not a plain sum: {expression!r}")

    return value(ast.parse(expression, mode="eval").body)


def plain(written: str) -> Fraction:
    """The exact value of a number as prose writes it, with or without thousands commas."""
    return Fraction(written.replace(",", ""))


def mark_defects(mark: re.Match[str]) -> list[str]:
    body = MARK_BODY.fullmatch(mark["body"])
    if body is None:
        return [f"{mark[0]}: not a calculator mark"]
    left, right = body["left"], body["right"]
    defects = []
    if exact(left) != Fraction(right):
        defects.append(f"{mark[0]}: {left} is {exact(left)}, not {right}")
    if mark["before"] is not None and mark["before"] != left:
        defects.append(f"{mark[0]}: the prose reckons {mark['before']}, the mark {left}")
    if mark["after"] is None or plain(mark["after"]) != Fraction(right):
        defects.append(f"{mark[0]}: the value after the mark is not {right}")
    return defects


def idle_steps(bodies: list[str]) -> list[str]:
    """Every result but the last must be reckoned with later, or the final line does not follow from it."""
    sides = [body.split("=") for body in bodies]
    idle = []
    for step, (_, right) in enumerate(sides[:-1]):
        lefts = " ".join(left for left, _ in sides[step + 1 :])
        # A fraction counts where it is written out, as 5/12 in 5/12*3/2. A minus is not told from a sign.
        later = {Fraction(operand) for operand in NUMBER.findall(lefts) + QUOTIENT.findall(lefts)}
        if abs(Fraction(right)) not in later:
            idle.append(f"{bodies[step]}: no later step uses {right}")
    return idle


def defects(row: Row) -> list[str]:
    """Everything wrong with a row's solution, in words; an empty list when it is sound."""
    marks = list(MARK.finditer(row.answer))
    found = [defect for mark in marks for defect in mark_defects(mark)]
    if found:
        return found
    if row.answer.count("<<") != len(marks) or row.answer.count(">>") != len(marks):
        return ["a calculator mark is not closed"]
    if not 2 <= len(marks) <= 8:
        return [f"{len(marks)} steps"]
    *steps, last = row.answer.split("\n")
    final = FINAL.fullmatch(last)
    if final is None or row.answer.count("####") != 1:
        return [f"final line {last!r}"]
    if not all(len(MARK.findall(step)) == 1 for step in steps):
        return ["a line without exactly one step"]
    bodies = [mark["body"] for mark in marks]
    result = bodies[-1].split("=")[1]
    if plain(final["gold"]) != Fraction(result):
        return [f"the last step gives {result}, the final line {final['gold']}"]
    return idle_steps(bodies)


def amounts(text: str) -> set[Fraction]:
    return {plain(written) for written in re.findall(VALUE.removeprefix("-?"), text)}


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return SOURCE.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def rows(lines: list[str]) -> list[Row]:
    return [Row(**json.loads(line)) for line in lines]


def test_there_are_100_different_problems(rows: list[Row]) -> None:
    assert len(rows) == 100
    assert len({" ".join(row.question.casefold().split()) for row in rows}) == 100


def test_lines_are_canonical_json_in_gsm8ks_columns(lines: list[str], rows: list[Row]) -> None:
    assert lines == [json.dumps(row._asdict(), ensure_ascii=False) for row in rows]
    assert SOURCE.read_bytes().endswith(b"}\n")


def test_texts_carry_no_stray_space(rows: list[Row]) -> None:
    for text in (text for row in rows for text in row):
        assert text == text.strip()
        assert not re.search(r"  | \n|\n |\n\n|\t|\r", text), text


def test_every_mark_is_exact_and_the_final_line_follows(rows: list[Row]) -> None:
    assert {row.question: found for row in rows if (found := defects(row))} == {}


def test_steps_number_two_to_eight_and_both_ends_occur(rows: list[Row]) -> None:
    steps = {len(MARK.findall(row.answer)) for row in rows}
    assert (min(steps), max(steps)) == (2, 8)


@pytest.mark.parametrize(
    ("shape", "at_least"),
    [
        pytest.param(r"\d{4,}", 15, id="four or more digits without commas"),
        pytest.param(r"\d{1,3}(,\d{3})+", 5, id="thousands commas"),
        pytest.param(r"-.+", 3, id="negative"),
        pytest.param(r"-?\d+[./]\d+", 5, id="decimal or fraction"),
        pytest.param(r"\d+/\d+", 2, id="fraction"),
    ],
)
def test_every_answer_class_is_represented(rows: list[Row], shape: str, at_least: int) -> None:
    assert sum(re.fullmatch(shape, row.gold) is not None for row in rows) >= at_least


def test_no_text_announces_its_answer(rows: list[Row]) -> None:
    assert [row for row in rows if GIVEAWAY.search(row.question + "\n" + row.answer)] == []


def test_no_question_contains_its_gold(rows: list[Row]) -> None:
    """A response that repeats a number of the prompt must not be right by accident."""
    assert [row.question for row in rows if abs(plain(row.gold)) in amounts(row.question)] == []


# What follows shows that the checks above can fail: a sound solution, and the ways to spoil it.

SOUND = "Half is 48/2=<<48/2=24>>24.\nAll is 48+24=$<<48+24=72>>72.\n#### 72"


def test_a_sound_solution_has_no_defects() -> None:
    assert defects(Row("?", SOUND)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("=24>>24", "=25>>25", "48/2 is 24, not 25", id="wrong result"),
        pytest.param(">>24", ">>42", "not 24", id="prose repeats another value"),
        pytest.param(">>24.", ">> clips.", "not 24", id="prose repeats no value"),
        pytest.param("is 48/2=", "is 48/3=", "the prose reckons 48/3", id="prose reckons another sum"),
        pytest.param("#### 72", "#### 7", "final line 7", id="gold cut"),
        pytest.param("#### 72", "#### -72", "final line -72", id="gold negated"),
        pytest.param("#### 72", "#### 72 clips", "final line '#### 72 clips'", id="unit in the gold"),
        pytest.param("#### 72", "#### 72\n#### 72", "final line", id="two final lines"),
        pytest.param("<<48/2=24>>24", "<<48/2=24>24", "not closed", id="open mark"),
        pytest.param("48+24=$<<48+24=72>>", "40+32=$<<40+32=72>>", "no later step uses 24", id="idle step"),
        pytest.param("=<<48/2=24>>24", "=24", "1 steps", id="single step"),
        pytest.param("48/2=<<48/2", "48//2=<<48//2", "not a plain sum", id="floor division"),
        pytest.param("<<48/2=24>>", "<<48/2=24,000>>", "not a calculator mark", id="comma in a mark"),
    ],
)
def test_a_spoiled_solution_is_found_out(old: str, new: str, says: str) -> None:
    assert old in SOUND
    try:
        found = defects(Row("?", SOUND.replace(old, new, 1)))
    except ValueError as error:
        found = [str(error)]
    assert any(says in defect for defect in found), found


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("41/0.82", Fraction(50)),
        ("300/(3/10)", Fraction(1000)),
        ("-72+15", Fraction(-57)),
        ("1/6+1/4", Fraction(5, 12)),
        ("0.1+0.2", Fraction(3, 10)),
    ],
)
def test_sums_are_exact(expression: str, value: Fraction) -> None:
    assert exact(expression) == value


@pytest.mark.parametrize("expression", ["2**9", "7//2", "7%2", "__import__('os')", "True+1", "1j*1j", "'7'"])
def test_nothing_but_sums_is_evaluated(expression: str) -> None:
    with pytest.raises(ValueError):
        exact(expression)
