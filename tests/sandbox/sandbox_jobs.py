"""Jobs in one line."""

from __future__ import annotations

from reward_kit.sandbox.shapes import Arguments, Job, Limits, Mode


def program(code: str, stdin: str = "", **limits: float) -> Job:
    return Job(Mode.PROGRAM, code, stdin=stdin.encode(), limits=Limits(**limits))  # type: ignore[arg-type]


def calls(code: str, *args: tuple[object, ...], entry_point: str = "f", **limits: float) -> Job:
    wanted = tuple(Arguments(one) for one in args)
    return Job(Mode.CALLS, code, entry_point=entry_point, calls=wanted, limits=Limits(**limits))  # type: ignore[arg-type]
