"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import as_json, as_markdown, machine, summary_lines
from benchmarks.row import Row
from benchmarks.rows import ROWS
from benchmarks.runner import BenchmarkError, Outcome, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows asked for; 0 when all ran, whether or not their targets hold, 2 when one could not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="rows to run; by default those that --list marks with *"
    )
    parser.add_argument("--all", action="store_true", help="run every row, also those in which a run takes minutes")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each contestant (default 5)")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), help="folder for the results")
    parser.add_argument("--list", action="store_true", help="list the rows and exit")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(f"{'*' if row.by_default else ' '} {row.name:<24}{row.title}" for row in ROWS.values()))
        return 0
    unknown = [name for name in options.names if name not in ROWS]
    if unknown:
        parser.error(f"no row is called {', '.join(unknown)}; --list shows them all")
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    chosen = [ROWS[name] for name in options.names] or [row for row in ROWS.values() if row.by_default or options.all]
    return _run_all(chosen, options)


def _run_all(rows: Sequence[Row], options: argparse.Namespace) -> int:
    """Run, and write what there is after every row, so that an interrupted run keeps its results."""
    options.output.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    status, here = 0, machine()
    for row in rows:
        print(f"{row.name} ...", file=sys.stderr, flush=True)
        try:
            outcomes.append(run(row, options.repeats))
        except BenchmarkError as error:
            print(error, file=sys.stderr, flush=True)
            status = 2
            continue
        print("\n".join(summary_lines(outcomes[-1])), file=sys.stderr, flush=True)
        figures = json.dumps(as_json(outcomes, here, options.repeats), indent=1)
        (options.output / "results.json").write_text(figures + "\n", encoding="utf-8")
        (options.output / "results.md").write_text(as_markdown(outcomes, here, options.repeats), encoding="utf-8")
    if outcomes:
        print(as_markdown(outcomes, here, options.repeats), end="")
    return status


if __name__ == "__main__":
    sys.exit(main())
