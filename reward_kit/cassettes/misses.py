"""What a miss says: the nearest recorded request and how it differs, in 80 columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from reward_kit.cassettes.interaction import Interaction, RecordedRequest
from reward_kit.fireworks.shapes import Tag

if TYPE_CHECKING:
    from reward_kit.cassettes.cassette import Cassette

#: Columns of a terminal; differences shown; interactions compared where no row tells which is nearest.
_WIDTH, _SHOWN, _COMPARED = 80, 5, 200
#: Characters of a text before its first difference that are shown with it.
_BEFORE = 20
#: More rows than this are recorded anew by step rather than by id.
_NAMED_ROWS = 5


def miss_text(
    cassette: Cassette, request: RecordedRequest, tag: Tag, candidates: Sequence[Interaction], known: int
) -> str:
    """The message of a miss.

    Args:
        cassette: where the request was not found.
        request: what was asked for.
        tag: for which rows.
        candidates: recorded interactions to compare with, those for the same rows where there are any.
        known: how often this very request is recorded (and was played).
    """
    whose = short_names(tag.row_ids)
    head = f"{cassette.file}: no recorded answer to {request.method} {request.path}{whose and f' for {whose}'}."
    if known:
        times = "once" if known == 1 else f"{known} times"
        reason = [f"The request is recorded {times}, and was asked for once more than that."]
        return "\n".join([head, *reason, _remedy(cassette, tag, whole_step=False)])
    if not candidates:
        return "\n".join([head, "Nothing like it is recorded.", _remedy(cassette, tag, whole_step=False)])
    nearest, found = _nearest(request, tag, candidates)
    lines = [
        head,
        f"Nearest: {short_names(nearest.provenance.row_ids) or nearest.request.target}. - recorded, + asked for:",
    ]
    for where, old, new in found[:_SHOWN]:
        lines += [f"  {_clip(where, _WIDTH - 2)}", f"    - {old}", f"    + {new}"]
    if len(found) > _SHOWN:
        lines.append(f"  ... and {len(found) - _SHOWN} more differences")
    changed_files = any("fileContents" in where for where, _, _ in found)
    if changed_files:
        lines.append("The packaged reward has changed: what was recorded says nothing about the new one.")
    return "\n".join([*lines, _remedy(cassette, tag, whole_step=changed_files)])


def _remedy(cassette: Cassette, tag: Tag, whole_step: bool) -> str:
    if cassette.command:
        return f"If this is as you want it, record it: {cassette.command}"
    command = f"reward-kit record {cassette.suite} --step {cassette.step}"
    if 0 < len(tag.row_ids) <= _NAMED_ROWS and not whole_step:
        command += f" --rk-ids {','.join(tag.row_ids)}"
    return f"If this is as you want it, record it: {command}"


def _nearest(
    request: RecordedRequest, tag: Tag, candidates: Sequence[Interaction]
) -> tuple[Interaction, list[tuple[str, str, str]]]:
    """The candidate that differs least, and how."""
    asked = _leaves(request)
    compared = [(one, _differences(_leaves(one.request), asked)) for one in islice(candidates, _COMPARED)]
    return min(
        compared,
        key=lambda pair: (
            pair[0].provenance.row_ids != tag.row_ids,
            abs(pair[0].provenance.attempt - tag.attempt),
            len(pair[1]),
        ),
    )


def _leaves(request: RecordedRequest) -> dict[str, Any]:
    """Every value of a request by its path: `messages[1].content`."""
    leaves: dict[str, Any] = {"method": request.method, "path": request.path}
    leaves |= {f"query {name}": value for name, value in request.query}
    try:
        leaves |= dict(_walk(json.loads(request.body), ""))
    except ValueError:
        leaves["body"] = request.body.decode("utf-8", "replace")
    return leaves


def _walk(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _walk(part, f"{where}.{name}" if where else name)
    elif isinstance(value, list) and value:
        for position, part in enumerate(value):
            yield from _walk(part, f"{where}[{position}]")
    else:
        yield where or "body", value


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(where, recorded, asked for) of everything that differs, each on a line."""
    found = []
    for where in dict.fromkeys([*old, *new]):
        if where not in old or where not in new or type(old[where]) is not type(new[where]) or old[where] != new[where]:
            start = _first_difference(old.get(where), new.get(where))
            found.append((where, _shown(old, where, start), _shown(new, where, start)))
    return found


def _first_difference(old: Any, new: Any) -> int:
    if not (isinstance(old, str) and isinstance(new, str)):
        return 0
    same = next((place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), None)
    place = min(len(old), len(new)) if same is None else same
    return max(0, place - _BEFORE) if max(len(old), len(new)) > _WIDTH - 8 else 0


def _shown(leaves: dict[str, Any], where: str, start: int) -> str:
    if where not in leaves:
        return "(not there)"
    value = leaves[where]
    if not isinstance(value, str):
        return _clip(json.dumps(value, ensure_ascii=False), _WIDTH - 6)
    text = json.dumps(value[start : start + _WIDTH], ensure_ascii=False)
    return _clip(f"...{text[1:]}" if start else text, _WIDTH - 6)


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def short_names(row_ids: tuple[str, ...]) -> str:
    """Row ids for people: up to three, or how many from which to which."""
    if len(row_ids) <= 3:
        return ", ".join(row_ids)
    return f"{len(row_ids)} rows ({row_ids[0]} ... {row_ids[-1]})"
