"""A sandbox that runs nothing: it ends each job as the test's script says, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reward_kit.sandbox.shapes import End, Job, Returned


def printed(text: str) -> End:
    return End(exit_code=0, stdout=text.encode())


def answered(*values: object) -> End:
    return End(exit_code=0, returned=tuple(Returned(ok=True, value=value) for value in values))


@dataclass
class ScriptedSandbox:
    """`script` gives each job its end."""

    script: Callable[[Job], End]
    jobs: list[Job] = field(default_factory=list)

    def run(self, jobs: Sequence[Job]) -> list[End]:
        self.jobs += jobs
        return [self.script(job) for job in jobs]

    def run_pair(self, candidate: Job, tester: Job) -> tuple[End, End]:
        first, second = self.run([candidate, tester])
        return first, second
