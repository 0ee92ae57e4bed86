"""A page of docs/ as tests read it: its blocks, its tables, and its commands run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: The words before a block that make it the file of that name.
_NAMED = re.compile(r"`([\w./]+\.\w+)`:\n\n\Z")
#: What the page calls by the names of installed programs is run with this interpreter and this checkout.
_PRELUDE = """\
reward-kit() { "$PYTHON" -m reward_kit.cli "$@"; }
pytest() { "$PYTHON" -m pytest -p no:cacheprovider -p no:randomly "$@"; }
python() { "$PYTHON" "$@"; }
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file that it is, where it is one."""

    kind: str
    text: str
    file: str | None


class Page:
    """One page of docs/.

    Args:
        name: its file name.
        said: texts of the commands by what they stand for in a test: a URL, say.
        environ: further environment variables of the commands.
    """

    def __init__(
        self, name: str, said: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self.text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        self._said, self._environ = said or {}, environ or {}

    def blocks(self) -> Iterator[Block]:
        for found in _BLOCK.finditer(self.text):
            named = _NAMED.search(self.text, 0, found.start())
            yield Block(found[1], found[2], named and named.group(1))

    def table(self, *header: str) -> list[list[str]]:
        """The cells of the table with this header, without backquotes."""
        lines = self.text.splitlines()
        start = lines.index("| " + " | ".join(header) + " |") + 2
        rows = []
        for line in lines[start:]:
            if not line.startswith("|"):
                break
            rows.append([cell.strip().strip("`") for cell in line.strip("|").split(" | ")])
        return rows

    def write_files(self, folder: Path) -> None:
        """The files that the page shows, in a folder."""
        for block in self.blocks():
            if block.file is not None:
                path = folder / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")

    def run(self, folder: Path) -> int:
        """Run the page's commands and examples in a folder and compare what they print; how many ran."""
        ran = 0
        for block in self.blocks():
            if block.kind == "console":
                for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                    command, _, promised = step.partition("\n")
                    printed = self.shell(command, folder)
                    assert matches(printed, promised), f"$ {command}\n{printed}"
                    ran += 1
            elif block.kind == "python" and block.file is None:
                (folder / "example.py").write_text(block.text, encoding="utf-8")
                assert self.shell("python example.py", folder) == ""
                ran += 1
        return ran

    def shell(self, command: str, folder: Path) -> str:
        """What a command of the page prints, on a terminal 80 wide."""
        for text, stands_for in self._said.items():
            command = command.replace(text, stands_for)
        said = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        said |= {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "COLUMNS": "80"}
        ran = subprocess.run(
            ["bash", "-c", _PRELUDE + command],
            cwd=folder,
            env=said | self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return ran.stdout


def matches(printed: str, promised: str) -> bool:
    """Whether a text is what the page says, where `...` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in promised.strip().split("..."))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None
