"""New users of a `BayesianFM`: in each draw, one of what their ratings leave possible."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64
from foretaste.data.interactions import SparseRows
from foretaste.kernels._tile import TILE
from foretaste.kernels.gibbs import draw_plain_rows, predict_rows
from foretaste.models._blocks import Described
from foretaste.models._described import sums_of
from foretaste.models._ordinal import Link, latents
from foretaste.models._samples import Samples
from foretaste.utils.threads import workers

# Draws of latent numbers and users in turn, from the prior on, before one counts.
_TURNS = 20


class Prior(NamedTuple):
    """What each draw says of users before they rate: what is expected, and how far they are from it; and of the rest.

    `means` and `spreads` are of shape (n_draws, n_factors + 1), `others`, of items and days together, of
    (n_draws, n_factors), `features` of (n_features, n_draws, n_factors + 1), `noise` of (n_draws,).
    """

    means: Float32
    spreads: Float32
    others: Float32
    features: Float32
    noise: Float64


def newcomers(
    samples: Samples, prior: Prior, rows: SparseRows, described: Described | None, link: Link | None, seed: int
) -> tuple[Float32, Float32]:
    """Factors and biases of new users in each draw, given their ratings by item and their features.

    All users are drawn with the same normal numbers, so that nobody depends on the company they come in; and in units
    of the noise of each draw, so that ratings of any size do.
    """
    n_draws, n_users, k = samples.means.size, rows.indptr.size - 1, prior.others.shape[1]
    items, places = np.unique(rows.indices, return_inverse=True)
    ratings = rows._replace(indices=places.astype(np.int32))
    classes = None if link is None else np.abs(rows.values[:, None] - link.classes).argmin(axis=1).astype(np.int32)
    turns = 1 if link is None else _TURNS
    rng = np.random.default_rng([seed, 0, 1])
    normals = rng.standard_normal((n_draws, turns, k + 1), dtype=np.float32)
    longest = int(np.diff(rows.indptr).max())
    uniforms = rng.random((longest, n_draws, turns)) if link is not None else np.zeros((longest, 1, 1))
    place_in_row = np.arange(rows.indices.size) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr))
    factors, biases = np.empty((n_users, n_draws, k), np.float32), np.empty((n_users, n_draws), np.float32)
    with workers(None) as run:
        for draw in range(n_draws):
            mean, _, item_biases, _, item_factors = samples.of_draw(draw)
            noise = np.float32(prior.noise[draw])
            units = np.append(np.full(k, np.sqrt(noise)), noise)
            expected = np.tile(prior.means[draw] / units, (n_users, 1))
            if described is not None:
                expected += sums_of(run, described.by_row, prior.features[:, draw] / units)
            others = (item_factors[items] + prior.others[draw]) / units[:k]
            new = _Rows(ratings, others, item_biases[items] / noise, mean / float(noise), expected)
            settings = (np.float32(1), (units / prior.spreads[draw]) ** 2)
            for turn in range(turns):
                values = rows.values / noise
                if link is not None and classes is not None:
                    chance = uniforms[place_in_row, draw, turn]
                    values = latents(new.scores(), classes, link.cuts[draw], chance, run)
                new.draw(values, settings, np.tile(normals[draw, turn], (n_users, 1)))
            own = new.q[len(items) :, :k] * units[:k]
            factors[:, draw], biases[:, draw] = own, new.t[len(items) :] * noise + own @ prior.others[draw]
    return factors.reshape(n_users, -1), biases


class _Rows:
    """New users beside the items they rated, as the kernels take them: two blocks, the first of which stays."""

    def __init__(
        self, ratings: SparseRows, items: Float32, item_biases: Float32, mean: float, expected: Float32
    ) -> None:
        (n_items, k), n_users = items.shape, len(expected)
        self._ratings, self._mean, self._expected, self._n_items = ratings, np.float32(mean), expected, n_items
        self.q = np.zeros((n_items + n_users, -(-k // TILE) * TILE), np.float32)
        self.q[:n_items, :k], self.q[n_items:, :k] = items, expected[:, :k]
        self.t = np.concatenate([item_biases, expected[:, k]])

    def scores(self) -> Float32:
        """Of the ratings, as the users stand."""
        codes: Codes = np.column_stack([self._ratings.indices, self._ratings.row_codes() + self._n_items])
        out = np.empty(len(codes), np.float32)
        predict_rows(codes.astype(np.int32), self._mean, self.q, self.t, 0, len(codes), out)
        return out

    def draw(self, values: Float32, settings: tuple[np.float32, Float32], normals: Float32) -> None:
        """The users given their ratings."""
        n_users = len(self._expected)
        others = np.ascontiguousarray(self._ratings.indices[:, None])
        place = (self._n_items, 0, n_users)
        errors = np.empty((n_users, 2))
        ratings = (self._ratings.indptr, others, values, self._mean, self.q, self.t)
        draw_plain_rows(*ratings, *settings, self._expected, normals, *place, errors)
