"""Long columns a piece at a time."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

# Long enough that the pieces' number costs nothing, short enough for what is made of one to stay in the caches.
_LENGTH = 2**18


def pieces(length: int) -> Iterator[slice]:
    """Slices that cover 0..length: for steps whose intermediate results would take more memory than what they make."""
    return (slice(start, min(start + _LENGTH, length)) for start in range(0, length, _LENGTH))


def mean_and_spread(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Mean and standard deviation, in double precision."""
    mean = float(np.mean(values, dtype=np.float64))
    squares = sum(float(np.sum((values[piece] - np.float64(mean)) ** 2)) for piece in pieces(values.size))
    return mean, math.sqrt(squares / values.size)
