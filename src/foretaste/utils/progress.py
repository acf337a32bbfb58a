"""A progress bar on a terminal or in a notebook, and silence in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Work that is over sooner shows no bar: one that only flickers helps nobody.
_PATIENCE_SECONDS = 0.7


@contextmanager
def progress(description: str, total: int, *, at_once: bool = False) -> Iterator[Callable[[str], None]]:
    """Within the context, call ``advance(note)`` once for each of `total` steps; the bar goes when the work is done.

    With `at_once` it is there from the first step on, however soon that comes: for steps of minutes.
    """
    from rich.console import Console  # noqa: PLC0415  only long work pays for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        yield lambda note: None  # noqa: ARG005
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(description, total=total, note="")
    started = time.perf_counter()
    shown = False

    def advance(note: str = "") -> None:
        nonlocal shown
        bar.update(task, advance=1, note=note)
        if not shown and (at_once or time.perf_counter() - started > _PATIENCE_SECONDS):
            bar.start()
            shown = True

    try:
        yield advance
    finally:
        bar.stop()
