"""The ridge regression of factors on features: what these say of somebody before any event is looked at."""

from __future__ import annotations

import numpy as np

from foretaste._typing import Float32, Float64
from foretaste.data.interactions import SparseRows
from foretaste.kernels.sorting import transpose_rows
from foretaste.models._described import sums_of
from foretaste.utils.threads import Run

# Steps of conjugate gradients at most, and the share of its squared residual at which a regression counts as solved:
# it begins where the last epoch's ended, and the factors move again in the next.
_STEPS, _SOLVED = 20, 1e-6


class FeatureRidge:
    r"""Vectors A of features, by which rows are expected to have the factors :math:`c_r = \sum_a f_{ra} A_a`.

    .. math:: \sum_r \lambda_r |x_r - c_r|^2 + \kappa \bar\lambda |A|^2

    is what they minimise for factors x, with the penalties lambda of the rows and their mean.

    By conjugate gradients, which need the features by products alone: beside the features, twice, it takes four arrays
    of the shape of A and one of that of x, whether there are ten features or a hundred thousand.

    Attributes
    ----------
    vectors : float32 array of shape (n_features, n_factors)
        The A; zeros until `regress`.
    """

    def __init__(self, features: SparseRows, n_features: int, n_factors: int, penalty: Float32, reg: float) -> None:
        self.vectors = np.zeros((n_features, n_factors), np.float32)
        self._rows = features
        self._typical = float(penalty.mean(dtype=np.float64))
        self._reg = np.float32(reg)
        weights = (penalty / self._typical).astype(np.float32)[features.row_codes()]
        weighted = features._replace(values=features.values * weights)
        self._weighted = SparseRows(*transpose_rows(*weighted, n_features))
        squares = np.bincount(features.indices, features.values * weighted.values, n_features)
        self._diagonal = (squares + reg).astype(np.float32)[:, None]

    def expected(self, run: Run) -> Float32:
        """The c of all rows; an array of no rows where there are no features."""
        return self._of_rows(run, self.vectors) if len(self.vectors) else self.vectors

    def loss(self) -> float:
        """The last term of the sum."""
        return float(self._reg) * self._typical * float(_products(self.vectors, self.vectors).sum())

    def regress(self, run: Run, factors: Float32) -> None:
        """Move the vectors to the minimum for these factors, from where they are; each step lowers the sum."""
        if not len(self.vectors):
            return
        residual: Float32 = self._pulled(run, factors - self._of_rows(run, self.vectors)) - self._reg * self.vectors
        direction: Float32 = residual / self._diagonal
        square = _products(residual, direction)
        enough = _SOLVED * square
        for _ in range(_STEPS):
            if not (square > enough).any():
                break
            image: Float32 = self._pulled(run, self._of_rows(run, direction)) + self._reg * direction
            step = _ratios(square, _products(direction, image))
            self.vectors += step * direction
            residual -= step * image
            scaled: Float32 = residual / self._diagonal
            before, square = square, _products(residual, scaled)
            direction = scaled + _ratios(square, before) * direction

    def _of_rows(self, run: Run, vectors: Float32) -> Float32:
        return sums_of(run, self._rows, vectors)

    def _pulled(self, run: Run, rows: Float32) -> Float32:
        """For each feature the sum of some rows' vectors, by features and weights."""
        return sums_of(run, self._weighted, rows)


def _products(one: Float32, other: Float32) -> Float64:
    """The inner products of columns: one regression a factor."""
    products: Float64 = np.einsum("af,af->f", one, other, dtype=np.float64)
    return products


def _ratios(one: Float64, other: Float64) -> Float32:
    return np.divide(one, other, out=np.zeros_like(one), where=other > 0).astype(np.float32)
