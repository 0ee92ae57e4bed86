"""Which kind of source a text on the command line means."""

from __future__ import annotations

import re
from pathlib import Path

from reward_kit.errors import PrepareError
from reward_kit.prepare.settings import Kind

#: Names of datasets on the hub: https://huggingface.co/docs/huggingface_hub/package_reference/utilities#validators
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_GENERATOR = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", re.ASCII)


def guess_kind(text: str) -> tuple[Kind, str]:
    """What `--source` means: a kind, and a note that says what was taken.

    Files and folders that are there come first; a note names the hub dataset that they hide.

    Raises:
        PrepareError: where it cannot be anything.
    """
    path = Path(text)
    if path.is_dir():
        hidden = HUB_ID.fullmatch(text) and "/" in text
        hint = f". The hub dataset {text} is not used: run in another folder if you meant it" if hidden else ""
        return "folder", f"reading the folder {text}{hint}"
    if path.suffix == ".parquet":
        return "parquet", f"reading {text} as parquet"
    if path.is_file() or path.suffix in (".jsonl", ".json"):
        return "jsonl", f"reading {text} as JSON lines"
    if _GENERATOR.fullmatch(text):
        return "generator", f"calling the function {text}"
    if HUB_ID.fullmatch(text):
        return "hub", f"reading {text} from the Hugging Face hub: there is no file or folder of that name"
    raise PrepareError(f"{text!r} is no file, no folder, no hub id and no module:function. Correct --source")
