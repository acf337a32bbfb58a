"""How much a mean would differ for other people."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Resamples whose rows are drawn at a time, which bounds the memory.
_DRAWN = 20


def mean_interval(
    values: npt.NDArray[np.float64], level: float, n_resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Percentiles of the means of samples drawn with replacement (Efron 1979, "Bootstrap methods")."""
    means = np.empty(n_resamples)
    for first in range(0, n_resamples, _DRAWN):
        part = means[first : first + _DRAWN]
        part[:] = values[rng.integers(values.size, size=(part.size, values.size))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
