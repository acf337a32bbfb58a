"""The best of many scores, block by block; at no time are all of them in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from foretaste._typing import Codes, Float32
from foretaste.kernels.scoring import top_n
from foretaste.utils.threads import workers

Scorer: TypeAlias = Callable[[Codes], Float32]
"""From the codes of some rows to their scores of every column; a score of minus infinity is never chosen."""

# Rows scored at a time: their block of scores stays in the cache between the product and the choice of the best.
_BLOCK = 128


def best_columns(score: Scorer, rows: Codes, n: int, n_jobs: int | None = None) -> tuple[Codes, Float32]:
    """The n columns of highest score for each of `rows`, best first, and their scores; -1 where none is left."""

    def best_of(block: Codes) -> tuple[Codes, Float32]:
        codes, values = np.empty((block.size, n), np.int32), np.empty((block.size, n), np.float32)
        top_n(score(block), codes, values)
        return codes, values

    blocks = [(rows[first : first + _BLOCK],) for first in range(0, max(rows.size, 1), _BLOCK)]
    with workers(n_jobs) as run:
        found = run(best_of, blocks)
    return np.concatenate([codes for codes, _ in found]), np.concatenate([values for _, values in found])
