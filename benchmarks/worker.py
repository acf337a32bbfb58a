"""The process of one contestant: ``python -m benchmarks.worker ROW NUMBER``.

Reads a line a run from its standard input, "warm up" or "run", and answers with a line of JSON: the figures, the
seconds of the whole call (`call`) and the highest memory the process has held so far (`peak MB`), which includes the
interpreter, the library and the data.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
import warnings
from typing import Any

from benchmarks.rows import ROWS


def peak_megabytes() -> float:
    """Highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main(row_name: str, number: str) -> None:
    # Whatever a library prints goes to the error stream; the pipe to the parent carries answers only.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")

    def answer(reply: dict[str, Any]) -> None:
        answers.write(json.dumps(reply) + "\n")
        answers.flush()

    row = ROWS[row_name]
    contestant = row.contestants[int(number)]
    module, function = contestant.function.split(".")
    try:
        compete = getattr(importlib.import_module(f"benchmarks.contestants.{module}"), function)
    except ModuleNotFoundError as error:
        answer({"absent": f"{error.name} is not installed"})
        return
    source = importlib.import_module("benchmarks.data")
    try:
        data = [getattr(source, row.data)()] if row.data else []
    except FileNotFoundError as error:
        answer({"missing": str(error)})
        return
    small = [getattr(source, row.warm_up)(*data)] if row.warm_up else data
    for request in sys.stdin:
        given = small if request == "warm up\n" else data
        gc.collect()
        started = time.perf_counter()
        try:
            figures = compete(*given, **contestant.options)
        except ModuleNotFoundError as error:
            answer({"absent": f"{error.name} is not installed"})
            return
        answer({"call": time.perf_counter() - started, "peak MB": peak_megabytes()} | figures)


if __name__ == "__main__":
    main(*sys.argv[1:])
