"""The best of many scores, tile by tile; at no time are all of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from foretaste._typing import Codes, Float32, Mask
from foretaste.data.interactions import SparseRows
from foretaste.kernels.scoring import entries_by_tile, hide, top_n
from foretaste.utils.threads import workers

Scorer: TypeAlias = Callable[[Codes], Float32]
"""From the codes of some rows (-1 is unknown) to a new array of their scores of every column.

One that is `Products` gives a few columns at a time, too.
"""

# Rows scored at a time, of all columns.
_BLOCK = 128
# Rows of `Products`, and scores made at a time: these stay in the cache from the product to the choice of the best.
_ROWS, _TILE = 256, 2**17
# Two to this power is more columns than there are.
_ALL = 31


class Products:
    """Scores of rows and columns that have factors: scale left . right, and a part of the row, of the column, a mean.

    Parameters
    ----------
    left, right : float32 arrays of shape (n_rows, k) and (n_columns, k)
    row_part, column_part : float32 arrays of shape (n_rows,) and (n_columns,), optional
    mean : float
    unknown : function, optional
        Gives the factors of a row of -1, which has no part of its own.
    scale : float
    """

    def __init__(
        self,
        left: Float32,
        right: Float32,
        *,
        row_part: Float32 | None = None,
        column_part: Float32 | None = None,
        mean: float = 0.0,
        unknown: Callable[[], Float32] | None = None,
        scale: float = 1.0,
    ) -> None:
        self._scale = np.float32(scale)
        self.left, self.right, self.column_part = left, right, column_part
        self._row_part, self._mean, self._unknown = row_part, mean, unknown

    def __call__(self, rows: Codes) -> Float32:
        return next(self.tiles(rows, _ALL))

    def tiles(self, rows: Codes, shift: int) -> Iterator[Float32]:
        """Scores of 2^`shift` columns after the other, all in one piece of memory: each is gone when the next comes."""
        left, own = self.factors(rows), self._own(rows)
        n_columns, width = len(self.right), 1 << shift
        memory = np.empty(rows.size * min(n_columns, width), np.float32)
        for first in range(0, n_columns, width):
            right = self.right[first : first + width]
            scores = memory[: rows.size * len(right)].reshape(rows.size, len(right))
            np.matmul(left, right.T, out=scores)
            if self.column_part is not None:
                scores += self.column_part[first : first + width]
            if own is not None:
                scores += own[:, None]
            yield scores

    def factors(self, rows: Codes) -> Float32:
        """The factors of some rows."""
        factors, strangers = self.left[rows], rows < 0
        if self._unknown is not None and strangers.any():
            factors[strangers] = self._unknown()
        if self._scale != 1:
            factors *= self._scale
        return factors

    def _own(self, rows: Codes) -> Float32 | None:
        if self._row_part is None:
            return np.full(rows.size, self._mean, np.float32) if self._mean else None
        return np.where(rows < 0, np.float32(0), self._row_part[rows]) + np.float32(self._mean)


def best_columns(
    score: Scorer,
    rows: Codes,
    n: int,
    n_jobs: int | None = None,
    *,
    hidden: SparseRows | None = None,
    mask: Mask | None = None,
) -> tuple[Codes, Float32]:
    """The n columns of highest score for each of `rows`, best first, and their scores; -1 where none is left.

    Left out are what a row holds in `hidden`, what is not in the `mask`, and what is at minus infinity.
    """
    barred = _barred(mask)

    def best_of(block: Codes) -> tuple[Codes, Float32]:
        codes, values = np.full((block.size, n), -1, np.int32), np.full((block.size, n), -np.inf, np.float32)
        for first, scores in _tiles(score, block, hidden, barred):
            top_n(scores, first, codes, values)
        return codes, values

    size = _ROWS if isinstance(score, Products) else _BLOCK
    blocks = [(rows[first : first + size],) for first in range(0, max(rows.size, 1), size)]
    with workers(n_jobs) as run:
        found = run(best_of, blocks)
    return np.concatenate([codes for codes, _ in found]), np.concatenate([values for _, values in found])


def scores_of(score: Scorer, rows: Codes, *, hidden: SparseRows | None, mask: Mask | None) -> Float32:
    """Scores of every column for some rows, with minus infinity for what `best_columns` would leave out."""
    ((_, scores),) = _tiles(score, rows, hidden, _barred(mask), whole=True)
    return scores


def _barred(mask: Mask | None) -> Float32 | None:
    """What added to scores leaves those in the mask as they are, and no other."""
    return None if mask is None else np.where(mask, np.float32(0), np.float32(-np.inf))


def _tiles(
    score: Scorer, rows: Codes, hidden: SparseRows | None, barred: Float32 | None, *, whole: bool = False
) -> Iterator[tuple[int, Float32]]:
    """The first column and the scores of one tile after the other, minus infinity for what is left out."""
    if isinstance(score, Products) and not whole:
        shift = max((_TILE // max(rows.size, 1)).bit_length() - 1, 0)
        tiles, n_tiles = score.tiles(rows, shift), -(-len(score.right) >> shift)  # rounded up
    else:
        tiles, shift, n_tiles = iter((score(rows),)), _ALL, 1
    if hidden is not None:
        starts, places, columns = entries_by_tile(rows, hidden.indptr, hidden.indices, shift, n_tiles)
    for tile, scores in enumerate(tiles):
        first = tile << shift
        if barred is not None:
            np.add(scores, barred[first : first + scores.shape[1]], out=scores)
        if hidden is not None:
            own = slice(starts[tile], starts[tile + 1])
            hide(scores, places[own], columns[own])
        yield first, scores
