"""Which fenced block of a response is its program."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_kit.models import Outcome
from reward_kit.rewards._code.fences import Block, Missing, Program, find_program


def code(response: str, block: Block = "last") -> str | None:
    found = find_program(response, block=block)
    return found.code if isinstance(found, Program) else None


def outcome(response: str, block: Block = "last", *, cut_off: bool = False) -> Outcome | None:
    found = find_program(response, block=block, cut_off=cut_off)
    return found.outcome if isinstance(found, Missing) else None


@pytest.mark.parametrize(
    "tag", ["python", "py", "python3", "", "Python", "PY", " python ", 'python title="a.py"', "{.python}"]
)
@pytest.mark.parametrize("fence", ["```", "~~~", "`````", "~~~~"])
def test_every_fence_and_spelling_of_the_tag_is_a_program(fence: str, tag: str) -> None:
    assert code(f"Here it is:\n\n{fence}{tag}\nprint(1)\n{fence}\n") == "print(1)\n"


@pytest.mark.parametrize("tag", ["javascript", "json", "text", "cpp", "pycon", "output", "python2"])
def test_blocks_of_other_tags_are_no_program(tag: str) -> None:
    assert outcome(f"```{tag}\nprint(1)\n```") is Outcome.NO_ANSWER


def test_which_of_several_blocks_counts_is_declared() -> None:
    response = "```python\nfirst = 1\n```\nthen\n```py\nthe_longest_of_all = 2\n```\n```python3\nlast = 3\n```"
    assert code(response) == "last = 3\n"
    assert code(response, "first") == "first = 1\n"
    assert code(response, "longest") == "the_longest_of_all = 2\n"


def test_a_block_without_a_tag_counts_only_where_none_names_python() -> None:
    assert code("```\nprint(5)\n```") == "print(5)\n"
    assert code("```python\nprint(5)\n```\nIt prints\n```\n5\n```") == "print(5)\n"
    assert code("```json\n{}\n```\n```\nprint(5)\n```\n```text\n5\n```") == "print(5)\n"


def test_a_longer_fence_holds_a_shorter_one_and_the_other_kind() -> None:
    inner = 's = """\n```\nx\n```\n"""\n'
    assert code(f"````python\n{inner}````") == inner
    assert code(f"~~~python\n{inner}~~~") == inner


def test_a_fence_deep_inside_a_docstring_does_not_close_the_block() -> None:
    program = 'def f():\n    """\n    ```\n    f()\n    ```\n    """\n    return 1\n'
    assert code(f"```python\n{program}```") == program


def test_a_block_in_a_list_or_a_quotation_loses_its_indentation() -> None:
    assert code("1. Do this:\n\n   ```python\n   if 1:\n       print(1)\n   ```\n") == "if 1:\n    print(1)\n"
    assert code("- ```python\n  if 1:\n      print(1)\n  ```\n") == "if 1:\n    print(1)\n"
    assert code("\t```python\n\tif 1:\n\t    print(1)\n\t```\n") == "if 1:\n    print(1)\n"
    assert code("> ```python\n> if 1:\n>     print(1)\n> ```\n") == "if 1:\n    print(1)\n"
    assert code("    ```python\nprint(1)\n```") == "print(1)\n", "an indented fence around a program at the margin"


def test_windows_line_ends_are_line_ends() -> None:
    assert code("```python\r\nprint(1)\r\n```\r\n") == "print(1)\n"


def test_a_fence_behind_prose_counts_where_it_names_python() -> None:
    assert code("The program: ```python\nprint(1)\n```") == "print(1)\n"
    assert outcome("Write ```python``` or ``` in prose.") is Outcome.NO_ANSWER


def test_a_fence_right_behind_the_last_line_closes_the_response() -> None:
    assert code("```python\nprint(1)```\n") == "print(1)\n"


def test_a_fence_that_is_not_closed_is_truncated() -> None:
    assert outcome("```python\nprint(1)\n") is Outcome.TRUNCATED
    assert outcome("```python\nprint(1)\n```\nBetter:\n```python\nprint(") is Outcome.TRUNCATED
    assert outcome("```json\n{") is Outcome.TRUNCATED
    assert code("```python\nprint(1)\n```\nBetter:\n```python\nprint(", "first") == "print(1)\n"
    assert outcome("```python\nprint(1)\n```", cut_off=True) is Outcome.TRUNCATED


def test_a_stray_fence_behind_the_program_takes_nothing_away() -> None:
    assert code("```python\nprint(1)\n```\n```") == "print(1)\n"


@pytest.mark.parametrize("response", ["", "   ", "print(1)", "`print(1)`", "The answer is 5.", "```python\n\n```"])
def test_text_without_a_fenced_program_is_no_answer(response: str) -> None:
    assert outcome(response) is Outcome.NO_ANSWER


def test_thinking_is_not_the_answer() -> None:
    draft, final = "```python\ndraft = 1\n```", "```python\nfinal = 2\n```"
    assert code(f"<think>\n{draft}\n</think>\n{final}", "first") == "final = 2\n"
    assert code(f"{draft}\n</think>\n{final}", "longest") == "final = 2\n", "the template opened the block"
    assert outcome(f"<think>\n{draft}\n</think>\nDone.") is Outcome.NO_ANSWER
    assert outcome(f"<think>\n{draft}\n") is Outcome.TRUNCATED
    assert code(f"{final}\n<think>\n{draft}\n</think>") == "final = 2\n"


def test_an_unfinished_block_of_the_thinking_ends_with_it() -> None:
    assert code("So\n```python\ndraft = 1\n</think>\n```python\nfinal = 2\n```") == "final = 2\n"
    assert code("<think>\n```python\ndraft = 1\n</think>\n```python\nfinal = 2\n```") == "final = 2\n"


def test_a_program_may_hold_the_tags_as_text() -> None:
    program = 'text = "<think>a</think>b"\nprint(text.split("</think>")[1])\n'
    assert code(f"```python\n{program}```") == program
    assert code('<think>\nhm\n</think>\n```python\nT = """\n</think>\n"""\n```') == 'T = """\n</think>\n"""\n'


@pytest.mark.parametrize(
    "piece",
    ["`", "```", "```\n", "```python\n", "``` ", "`` `", "~~~x", "> ", "- ", "1. ", "<think>", "</think>\n", "\t"],
)
def test_a_megabyte_of_anything_takes_no_time(piece: str) -> None:
    start = time.process_time()
    find_program(piece * (1_000_000 // len(piece)))
    find_program("```python\n" + piece * (1_000_000 // len(piece)) + "\n```")
    assert time.process_time() - start < 6


@given(st.text(alphabet="ab #=\t\n\\'\"<>/éß☃", max_size=200), st.sampled_from(["```", "~~~~", "`````"]))
def test_what_stands_between_fences_is_the_program(text: str, fence: str) -> None:
    found = find_program(f"Text\n{fence}python\n{text}\n{fence}\nText", block="last")
    if text.strip():
        assert isinstance(found, Program)
        assert found.code == f"{text}\n"
    else:
        assert isinstance(found, Missing)


@given(st.text(alphabet="`~ \npython<>/think-1.>\r\t", max_size=300))
def test_no_text_breaks_the_search(text: str) -> None:
    for block in ("last", "first", "longest"):
        assert isinstance(find_program(text, block=block), (Program, Missing))
