"""The Gibbs sampler of a factorisation machine whose columns stand in blocks, and what it learns from.

The formulas are those of `foretaste.kernels.gibbs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.data.interactions import SparseRows
from foretaste.kernels._tile import TILE
from foretaste.kernels.gibbs import (
    draw_features,
    draw_plain_rows,
    draw_rows,
    find_moments,
    predict_rows,
    shift_features,
)
from foretaste.kernels.sorting import group_by_code, row_blocks, transpose_rows
from foretaste.models._described import no_features, sums_of
from foretaste.utils.threads import Run

# Ratings a thread takes at a time, and rows where there are no ratings to go by; a matter of speed alone.
_RATINGS, _ROWS = 2**17, 2**14
# Standard deviation of the first vectors (Rendle 2012, "Factorization machines with libFM").
_START = 0.1

Latent: TypeAlias = Callable[[Float32, np.random.Generator], Float32]


class Described(NamedTuple):
    """The features of the rows of a block, in groups that share a prior."""

    by_row: SparseRows
    groups: Codes
    n_groups: int

    @classmethod
    def of(cls, parts: Sequence[tuple[SparseRows, Codes]]) -> Described | None:
        """Sparse matrices side by side, each with the group of each of its columns; None where there are none."""
        if not parts:
            return None
        groups, rows, columns, n_columns, n_groups = [], [], [], 0, 0
        for part, own in parts:
            rows.append(part.row_codes())
            columns.append(part.indices + n_columns)
            groups.append(own + n_groups)
            n_columns, n_groups = n_columns + own.size, n_groups + int(own.max(initial=-1)) + 1
        order = np.argsort(np.concatenate(rows), kind="stable")
        values = np.concatenate([part.values for part, _ in parts])[order]
        entries = (np.concatenate(columns)[order].astype(np.int32), values)
        by_row = SparseRows.of_entries(np.concatenate(rows)[order], parts[0][0].indptr.size - 1, *entries)
        return cls(by_row, np.concatenate(groups).astype(np.int32), n_groups)

    def by_feature(self) -> SparseRows:
        """The same matrix, a row a feature."""
        return SparseRows(*transpose_rows(*self.by_row, self.groups.size))


@dataclass
class Block:
    """The rows of one kind, such as the users: their ratings, row by row, and their features."""

    first: int  # among the rows of all blocks
    n_rows: int
    indptr: Pointers
    order: Codes
    others: Codes
    values: Float32
    described: Described | None
    by_feature: SparseRows  # of no rows where there are none

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Rows to work on at a time, by their ratings."""
        for start, end in row_blocks(self.indptr, _RATINGS):
            for first in range(start, end, _ROWS):
                yield first, min(first + _ROWS, end)


class Design:
    """Ratings, each by its row of every block; and the rows' features.

    Parameters
    ----------
    codes : int32 arrays of shape (n_ratings,), one a block
        Rows; -1 for none.
    sizes : ints
        Of the blocks.
    described : `Described` or None, one a block
    values : float32 array of shape (n_ratings,)
    """

    def __init__(
        self, codes: Sequence[Codes], sizes: Sequence[int], described: Sequence[Described | None], values: Float32
    ) -> None:
        firsts = np.cumsum([0, *sizes])
        self.n_rows, self.codes, self.values = int(firsts[-1]), joined(codes, sizes), values
        self.blocks = []
        for place, (own, size, features) in enumerate(zip(codes, sizes, described, strict=True)):
            indptr, order = group_by_code(np.where(own < 0, np.int32(size), own).astype(np.int32), size + 1)
            indptr, order = indptr[:-1], order[: indptr[-2]]  # those without a row say nothing of any
            others = np.ascontiguousarray(np.delete(self.codes, place, axis=1)[order])
            by_feature = no_features(0) if features is None else features.by_feature()
            first = int(firsts[place])
            self.blocks.append(Block(first, size, indptr, order, others, values[order], features, by_feature))


def joined(codes: Sequence[Codes], sizes: Sequence[int]) -> Codes:
    """The rows of ratings in each block as rows among those of all blocks, a column a block."""
    firsts = np.cumsum([0, *sizes])
    shifted = [np.where(own < 0, -1, own + first) for own, first in zip(codes, firsts, strict=False)]
    return np.stack(shifted, axis=1).astype(np.int32)


@dataclass
class Learned:
    """What is drawn of one block besides its rows: the w of its features, and the normal priors.

    The first prior is that of the rows around what is expected of them, its mean the mu; then comes one a group of
    features.
    """

    w: Float32
    means: Float64
    precisions: Float64


class Sampler:
    """A chain of draws from the posterior; `sweep` makes the next.

    All draws of a sweep come from the seed, the chain's number and the sweep's, so that a chain taken up again goes on
    as it would have gone on.

    Parameters
    ----------
    design : Design
    n_factors : int
    seed : pair of int
        And the number of the chain.
    run : function, of `workers`
    latent : function, optional
        Where ratings are classes: draws numbers of variance 1 in their place, given how they are predicted.

    Attributes
    ----------
    q, t : float32 arrays of shape (n_rows, width) and (n_rows,)
        Of the rows of all blocks; the width is the number of factors, filled up with zeros to a multiple of 8.
    w0, precision : float
    errors : float64 array of shape (2,)
        The sums of errors and of squared errors.
    blocks : list of `Learned`
    """

    def __init__(
        self, design: Design, n_factors: int, seed: tuple[int, int], run: Run, latent: Latent | None = None
    ) -> None:
        self._design, self._k, self._seed, self._run, self._latent = design, n_factors, seed, run, latent
        width = -(-n_factors // TILE) * TILE
        self.q, self.t = np.zeros((design.n_rows, width), np.float32), np.zeros(design.n_rows, np.float32)
        self.w0, self.precision = 0.0, 1.0
        self._values = design.values, [block.values for block in design.blocks]
        values = design.values.astype(np.float64)
        self.errors = np.array([-values.sum(), (values**2).sum()])  # as if nothing were predicted yet
        self.blocks = []
        for block in design.blocks:
            n_features = 0 if block.described is None else block.described.groups.size
            n_groups = 0 if block.described is None else block.described.n_groups
            priors = (1 + n_groups, n_factors + 1)
            w = np.zeros((n_features, n_factors + 1), np.float32)
            self.blocks.append(Learned(w, np.zeros(priors), np.ones(priors)))

    # The chain ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Random vectors of features and of what rows have besides, and no biases."""
        rng, k = np.random.default_rng([*self._seed, 0]), self._k
        self.q[:, :k] = rng.normal(0, _START, (len(self.q), k))
        for block, learned in zip(self._design.blocks, self.blocks, strict=True):
            learned.w[:, :k] = rng.normal(0, _START, (len(learned.w), k))
            self.q[block.first : block.first + block.n_rows, :k] += self._by_features(block, learned)[:, :k]

    def sweep(self, number: int) -> None:
        """The draws of sweep `number`, from 1: everything once, given all else as it stands."""
        rng, blocks = np.random.default_rng([*self._seed, number]), self._design.blocks
        if self._latent is None:
            self._draw_level(rng)
        else:
            values = self._latent(self.predict(self._design.codes), rng)
            self._values = values, [values[block.order] for block in blocks]
        for block, learned, values in zip(blocks, self.blocks, self._values[1], strict=True):
            self._draw(block, learned, values, rng)

    def _draw_level(self, rng: np.random.Generator) -> None:
        """The precision of the ratings around their predictions, and w0."""
        n_ratings, (error, square) = self._values[0].size, self.errors
        self.precision = rng.gamma((1 + n_ratings) / 2) / ((1 + square) / 2)
        pooled = 1 + self.precision * n_ratings
        self.w0 = self.precision * (n_ratings * self.w0 - error) / pooled + rng.normal() / np.sqrt(pooled)

    def _draw(self, block: Block, learned: Learned, values: Float32, rng: np.random.Generator) -> None:
        own, k = slice(block.first, block.first + block.n_rows), self._k
        q, t = self.q[own], self.t[own]
        by_features = self._by_features(block, learned)
        self._draw_prior(learned, 0, np.column_stack([q[:, :k], t]) - by_features, rng)
        expected = by_features + learned.means[0].astype(np.float32)
        normals = rng.standard_normal((block.n_rows, k + 1), dtype=np.float32)
        settings = (np.float32(self.precision), learned.precisions[0].astype(np.float32), expected, normals)
        ratings = (block.indptr, block.others, values, np.float32(self.w0), self.q, self.t)
        errors = np.empty((block.n_rows, 2))
        chunks = list(block.chunks())
        if block.described is None:
            self._run(draw_plain_rows, [(*ratings, *settings, block.first, *chunk, errors) for chunk in chunks])
        else:
            n, width = q.shape
            moments: Any = tuple(
                np.empty(shape, np.float32) for shape in ((n, width, width), (n, width), (n, width), (n, 3))
            )
            parts = [(chunk, tuple(part[slice(*chunk)] for part in moments)) for chunk in chunks]
            self._run(find_moments, [(*ratings, *chunk, *part) for chunk, part in parts])
            self._run(draw_rows, [(*part, *settings, *chunk, q, t, errors) for chunk, part in parts])
            self._draw_features(block, block.described, learned, moments, errors, rng)
        self.errors = self._outside(block) + errors.sum(axis=0)

    def _draw_features(
        self,
        block: Block,
        described: Described,
        learned: Learned,
        moments: tuple[Float32, Float32, Float32, Float32],
        errors: Float64,
        rng: np.random.Generator,
    ) -> None:
        """Twice: with the rows moving along, which the data decide, and with the rows as they are.

        Where the data say much of the rows the second mixes fast and the first hardly, and the other way round (Yu,
        Meng 2011, "To center or not to center: that is not the question").
        """
        own, k = slice(block.first, block.first + block.n_rows), self._k
        groups, by_feature = described.groups, block.by_feature
        for group in range(described.n_groups):
            self._draw_prior(learned, 1 + group, learned.w[groups == group], rng)
        row_prior, *priors = learned.precisions.astype(np.float32)[[0]], learned.precisions[1:], learned.means[1:]
        prior, mean = (each.astype(np.float32) for each in priors)
        normals = rng.standard_normal((groups.size, k + 1), dtype=np.float32)
        rows = (self.q[own], self.t[own])
        precision = np.float32(self.precision)
        shift_features(*by_feature, groups, *moments, precision, prior, mean, normals, *rows, learned.w, errors)
        deviations = np.column_stack([rows[0][:, :k], rows[1]]) - learned.means[0].astype(np.float32)
        deviations -= self._by_features(block, learned)
        normals = rng.standard_normal((groups.size, k + 1), dtype=np.float32)
        draw_features(*by_feature, groups, row_prior[0], prior, mean, normals, deviations, learned.w)

    def _draw_prior(self, learned: Learned, group: int, numbers: Float32, rng: np.random.Generator) -> None:
        """Precision and mean of a group's prior, for each factor and the bias, given what it is the prior of.

        With N(0, 1 / lambda) as the prior of the mean and a Gamma of shape and rate a half as that of lambda.
        """
        values, mean, n = numbers.astype(np.float64), learned.means[group], len(numbers)
        rate = (1 + ((values - mean) ** 2).sum(axis=0) + mean**2) / 2
        precision = rng.gamma((2 + n) / 2, 1, self._k + 1) / rate
        spread = 1 / np.sqrt((n + 1) * precision)
        learned.means[group] = values.sum(axis=0) / (n + 1) + spread * rng.normal(size=self._k + 1)
        learned.precisions[group] = precision

    # What follows from the numbers ----------------------------------------------------------------------------------

    def _by_features(self, block: Block, learned: Learned) -> Float32:
        """What the rows' features add up to; zeros where there are none."""
        if block.described is None:
            return np.zeros((block.n_rows, self._k + 1), np.float32)
        return sums_of(self._run, block.described.by_row, learned.w)

    def _outside(self, block: Block) -> Float64:
        """The errors' sums over the ratings that have no row in a block."""
        values = self._values[0]
        if block.order.size == values.size:
            return np.zeros(2)
        outside = np.ones(values.size, np.bool_)
        outside[block.order] = False
        errors = self.predict(self._design.codes[outside]) - values[outside].astype(np.float64)
        return np.array([errors.sum(), (errors**2).sum()])

    def predict(self, codes: Codes) -> Float32:
        """Predictions of this draw, for the rows of some ratings as `joined` gives them."""
        predicted = np.empty(len(codes), np.float32)
        chunks = [(first, min(first + _RATINGS, len(codes))) for first in range(0, len(codes), _RATINGS)]
        fixed = (codes, np.float32(self.w0), self.q, self.t)
        self._run(predict_rows, [(*fixed, *chunk, predicted) for chunk in chunks])
        return predicted
