"""Runs the contestants of a row: each in a process of its own, turn by turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from benchmarks.row import Contestant, Row

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class BenchmarkError(Exception):
    """A row cannot be run; the message says why."""


@dataclass
class Result:
    """What one contestant did: the figures of the warm-up, then those of each timed run."""

    contestant: Contestant
    first: dict[str, Any]
    runs: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Outcome:
    """A row, what its contestants did, and who could not take part and why."""

    row: Row
    results: list[Result] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def run(row: Row, repeats: int) -> Outcome:
    """Run a row.

    Every contestant's process loads its data and does one run that counts for nothing, on a small part of the data if
    the row has one, so that compiled code is loaded and memory is there; then they take turns, A B C A B C, so that a
    machine that slows down slows all.

    Raises
    ------
    BenchmarkError
        Data are missing, or a contestant failed.
    """
    outcome = Outcome(row)
    with ExitStack() as stack:
        workers = []
        for number, contestant in enumerate(row.contestants):
            worker = stack.enter_context(_Worker(row, number))
            reply = worker.ask(warm_up=True)
            if "absent" in reply:
                outcome.absent[contestant.name] = reply["absent"]
                continue
            workers.append(worker)
            outcome.results.append(Result(contestant, reply))
        for _ in range(min(repeats, row.most_runs or repeats)):
            for worker, result in zip(workers, outcome.results, strict=True):
                result.runs.append(worker.ask())
    return outcome


class _Worker:
    """The process of one contestant; idle until asked for a run."""

    def __init__(self, row: Row, number: int) -> None:
        self._name = f"{row.name}, {row.contestants[number].name}"
        threads = str(row.contestants[number].threads)
        self._errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8")  # noqa: SIM115  closed on exit
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", row.name, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=os.environ | dict.fromkeys(_THREAD_VARIABLES, threads),
        )

    def ask(self, *, warm_up: bool = False) -> dict[str, Any]:
        """One run, or the one before all others; its figures."""
        try:
            self._process.stdin.write("warm up\n" if warm_up else "run\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._errors.seek(0)
            message = f"{self._name} failed:\n{self._errors.read()[-3000:]}"
            raise BenchmarkError(message)
        reply: dict[str, Any] = json.loads(line)
        if "missing" in reply:
            raise BenchmarkError(reply["missing"])
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()
