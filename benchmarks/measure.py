"""What contestants share: a stopwatch, and the order of events in a comparison of rating models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import Events, Ratings, Split

Array = npt.NDArray[Any]


class Stopwatch:
    """Seconds by name, each measured in a `with` block."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time the block."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def median_seconds(work: Callable[[], object], calls: int) -> float:
    """Of many short calls the middle one: what interrupts a few of them does not count."""
    seconds = np.empty(calls)
    for call in range(calls):
        started = time.perf_counter()
        work()
        seconds[call] = time.perf_counter() - started
    return float(np.median(seconds))


def rate(
    split: Split,
    prepare: Callable[[Ratings], Any],
    fit: Callable[[Any], Any],
    predict: Callable[[Any, Array, Array], npt.ArrayLike],
) -> tuple[dict[str, float], Any]:
    """Prepare, fit and predict the test part, each timed; errors are those of predictions clipped to the scale.

    Returns
    -------
    figures : dict
    model
        What `fit` returned.
    """
    watch = Stopwatch()
    with watch("prepare"):
        container = prepare(split.train)
    with watch("fit"):
        model = fit(container)
    with watch("predict"):
        predicted = predict(model, split.test.users, split.test.items)
    error = np.clip(np.asarray(predicted, np.float64), *split.scale) - split.test.ratings
    seconds = watch.seconds
    sums = {f"{first} + {then}": seconds[first] + seconds[then] for first, then in _SUMS}
    errors = {"rmse": float(np.sqrt(np.mean(error**2))), "mae": float(np.mean(np.abs(error)))}
    return seconds | sums | errors, model


def order(watch: Stopwatch, events: Events, found: Array) -> dict[str, float]:
    """Seconds of `fit` and `recommend` with their sum, and how good the lists are that were found."""
    seconds = watch.seconds
    return seconds | {"fit + recommend": seconds["fit"] + seconds["recommend"]} | events.accuracy(found)


_SUMS = (("prepare", "fit"), ("fit", "predict"))
