"""The layouts that sources come in, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reward_kit.prepare.base import Layout
from reward_kit.prepare.layouts.chat import OpenAIChat
from reward_kit.prepare.layouts.coding import Coding
from reward_kit.prepare.layouts.columns import Columns
from reward_kit.prepare.layouts.gsm8k import Gsm8k
from reward_kit.prepare.layouts.openr1 import OpenR1

#: Makes a layout from the source's `columns` mapping, which most of them have no use for.
LAYOUTS: dict[str, Callable[[Mapping[str, str]], Layout]] = {
    "gsm8k": Gsm8k,
    "openr1": OpenR1,
    "openai-chat": OpenAIChat,
    "coding": Coding,
    "columns": Columns,
}
