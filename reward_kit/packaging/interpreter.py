"""A fresh interpreter that runs one evaluator, seen from outside: start, ask, deadline, end."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO

#: How much of what an evaluator printed is kept, in bytes: its end says most.
_OUTPUT_KEPT = 1000
#: How long a process may take to die after its answers ended.
_DYING_SECONDS = 1.0


class EvaluatorDied(Exception):  # noqa: N818  # a signal between two modules, with the reason as its text
    """The evaluator's process ended, or was ended at a deadline, without an answer."""


class Interpreter:
    """One process with the evaluator loaded in it; samples are asked for one at a time.

    Its environment is empty, its working directory too, and it leads a process group of its own.

    Args:
        python: the interpreter of the environment to run in.
        runner: the runner's file.
        bundle: the folder of the evaluator's files.
        work: an empty folder to run in.
        memory: most bytes of address space.
    """

    def __init__(self, python: Path, runner: Path, bundle: Path, work: Path, memory: int) -> None:
        self._answers, answers = os.pipe()
        self._printed: BinaryIO = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed in stop()
        self._buffer = b""
        command = [str(python), "-I", "-B", "-X", "utf8", str(runner), str(bundle), str(answers), str(memory)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=self._printed,
                stderr=subprocess.STDOUT,
                env={},
                cwd=work,
                pass_fds=[answers],
                start_new_session=True,
                bufsize=0,
            )
        finally:
            os.close(answers)

    def wait_until_ready(self, deadline: float) -> None:
        """Wait for main.py to be imported.

        Raises:
            EvaluatorDied: where it is not, saying why.
        """
        answer = self._answer(deadline, "main.py is not imported")
        if "failure" in answer:
            raise EvaluatorDied(str(answer["failure"]) + self.output())

    def ask(self, index: int, sample: dict[str, Any], deadline: float) -> dict[str, Any]:
        """The answer to one sample: `result`, or `failure`.

        Raises:
            EvaluatorDied: where there is none by `deadline` (of time.monotonic), or ever.
        """
        self._send(json.dumps({"index": index, "sample": sample}).encode() + b"\n", deadline)
        answer = self._answer(deadline, "no result")
        if answer.get("index") != index:
            raise EvaluatorDied("the evaluator wrote to the descriptor of its answers")
        return answer

    def output(self) -> str:
        """The end of what was printed so far, for a failure's reason; empty where nothing was."""
        size = os.fstat(self._printed.fileno()).st_size
        text = os.pread(self._printed.fileno(), _OUTPUT_KEPT, max(0, size - _OUTPUT_KEPT)).decode("utf-8", "replace")
        return f"; printed: {text.strip()}" if text.strip() else ""

    def stop(self) -> int:
        """End the process and its group; its exit status, negative for a signal."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # before wait: the number cannot be another's yet
        status = self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        os.close(self._answers)
        self._printed.close()
        return status

    def _send(self, data: bytes, deadline: float) -> None:
        assert self._process.stdin is not None
        pipe = self._process.stdin.fileno()
        os.set_blocking(pipe, False)  # a sample may be larger than the pipe, and the evaluator may not read
        poll = select.poll()
        poll.register(pipe, select.POLLOUT)
        try:
            while data:
                if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    raise EvaluatorDied("the evaluator does not read its sample in time")
                data = data[os.write(pipe, data) :]
        except BrokenPipeError:
            raise EvaluatorDied(self._how_it_ended()) from None

    def _answer(self, deadline: float, late: str) -> dict[str, Any]:
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        started = time.monotonic()
        while b"\n" not in self._buffer:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise EvaluatorDied(f"{late} within {deadline - started:.3g} s{self.output()}")
            chunk = os.read(self._answers, 1 << 16)
            if not chunk:
                raise EvaluatorDied(self._how_it_ended())
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise EvaluatorDied("the evaluator wrote to the descriptor of its answers")
        return answer

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(_DYING_SECONDS)
        except subprocess.TimeoutExpired:
            return f"the evaluator closed the descriptor of its answers{self.output()}"
        if status < 0:
            known = -status in signal.Signals.__members__.values()
            how = f"was killed by {signal.Signals(-status).name if known else f'signal {-status}'}"
        else:
            how = f"ended itself with exit code {status}"
        return f"the evaluator's process {how}{self.output()}"
