"""Side by side on several cores: serial kernels that release the GIL, on a pool of plain threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

from threadpoolctl import ThreadpoolController

Run: TypeAlias = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], list[Any]]


def n_threads(n_jobs: int | None) -> int:
    """How many threads: None is one, -1 is every core this process may use (scikit-learn's convention)."""
    if n_jobs is None:
        return 1
    if n_jobs > 0:
        return n_jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(n_jobs: int | None) -> Iterator[Run]:
    """A function ``run(kernel, arguments)`` that calls the kernel once a tuple and gives the results in their order.

    What is computed never depends on the number of threads: the caller cuts the work by the data alone, into pieces
    that do not write the same memory.
    """
    count = n_threads(n_jobs)
    # A matrix product split over BLAS's own threads would add up in another order, and fight the pool for cores.
    with _blas().limit(limits=1, user_api="blas"):
        if count == 1:
            yield lambda function, arguments: [function(*args) for args in arguments]
            return
        with ThreadPoolExecutor(count) as pool:
            yield lambda function, arguments: list(pool.map(lambda args: function(*args), arguments))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()  # looking for the loaded libraries takes longer than many a call
