"""What a control is, and what a domain of controls has to offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reward_kit.models import Polarity, Row


@dataclass(frozen=True, slots=True)
class Control:
    """A row's response changed so that its right verdict is known.

    `operator` names the change; `response` is the assistant message to grade; `proof` says in words why a right
    reward must pass a preserving one or must not pass a flipping one. A change without a proof is no control.
    """

    operator: str
    polarity: Polarity
    response: Mapping[str, Any]
    proof: str


#: Operators whose responses declare no other answer. Alone they show nothing: a reward that pays every answer that is
#: one refuses them; a reward that pays every program that runs refuses those that answer nothing.
NO_OTHER_ANSWER = frozenset(
    [
        *("denied_gold", "empty_answer", "only_thinking", "no_answer"),
        *("sys_exit", "os_exit", "empty_program", "raises", "fails_at_end", "truncated", "prose_only"),
    ]
)

#: The controls of one row, none where nothing can be proved. Called once a row, for many rows: import heavy
#: libraries inside, and never ask the reward under test, or what it is made of, for a proof.
Domain = Callable[[Row], Iterator[Control]]
