"""Side by side on several cores: serial kernels that release the GIL, on a pool of plain threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
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
    with _single_threaded_blas:
        if count == 1:
            yield lambda function, arguments: [function(*args) for args in arguments]
            return
        with ThreadPoolExecutor(count) as pool:
            yield lambda function, arguments: list(pool.map(lambda args: function(*args), arguments))


class _SingleThreadedBlas:
    """BLAS on one thread as long as anybody is inside.

    The limit is one for the whole process. So the first who enters sets it and the last who leaves lifts it: were each
    to restore what it found, one who came second and left last would leave the limit of the first behind.
    """

    def __init__(self) -> None:
        self._lock, self._n_inside = Lock(), 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._n_inside:
                self._limit = _blas().limit(limits=1, user_api="blas")
            self._n_inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                self._limit.restore_original_limits()


_single_threaded_blas = _SingleThreadedBlas()


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()  # looking for the loaded libraries takes longer than many a call
