"""Draws from a posterior, kept for what a model is asked later."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned
from foretaste.kernels.posterior import sample_scores
from foretaste.models._blocks import Sampler
from foretaste.models._factors import Unit

# What draws may take where nobody says how many to keep, and how many there are at least.
_BYTES, _FEWEST = 2**28, 16
# Pairs scored at a time, in all draws.
_PAIRS = 4096


class Samples(NamedTuple):
    r"""Draws of the mean, of biases and factors, each around its average; on the scale of the ratings.

    A draw predicts :math:`\mu + b_u + b_i + b_d + p_u \cdot q_i + (p_u + q_i) \cdot e_d`. All factors of a user are one
    row, draw by draw.
    """

    means: Float64
    user_biases: Float32
    item_biases: Float32
    day_biases: Float32
    user_factors: Float32
    item_factors: Float32
    day_factors: Float32

    def scores(self, user_codes: Codes, item_codes: Codes, day_codes: Codes | None = None) -> Float32:
        """Scores of pairs in each draw, a row a pair; -1 for somebody, or a day, unknown."""
        days = np.full(user_codes.size, -1, np.int32) if day_codes is None else day_codes
        out = np.empty((user_codes.size, self.means.size), np.float32)
        sample_scores(user_codes, item_codes, days, *self, out)
        return out

    def strangers(self, user_codes: Codes, item_codes: Codes, seed: int) -> tuple[Samples, Codes, Codes]:
        """Draws, and codes of pairs, in which whoever is unknown (-1) is one of those known, in each draw another."""
        rng = np.random.default_rng([seed, 0, 2])
        *users, user_codes = _with_stranger(self.user_biases, self.user_factors, user_codes, rng)
        *items, item_codes = _with_stranger(self.item_biases, self.item_factors, item_codes, rng)
        biases, factors = zip(users, items, strict=True)
        return Samples(self.means, *biases, self.day_biases, *factors, self.day_factors), user_codes, item_codes

    def pieces(self, n_pairs: int) -> list[slice]:
        """Pairs to score at a time, so that their scores in all draws stay small."""
        return [slice(first, first + _PAIRS) for first in range(0, n_pairs, _PAIRS)]

    def of_draw(self, draw: int) -> tuple[float, Float32, Float32, Float32, Float32]:
        """Mean, biases and factors of users and items in one draw."""
        k = self.user_factors.shape[1] // self.means.size
        own = slice(draw * k, (draw + 1) * k)
        factors = (self.user_factors[:, own], self.item_factors[:, own])
        return (float(self.means[draw]), self.user_biases[:, draw], self.item_biases[:, draw], *factors)


def thinning(n_draws: int, n_chains: int, bytes_a_draw: int, n_kept: int | None) -> int:
    """Every how manieth draw of a chain is kept: a power of two, so that a longer one keeps some of a shorter one's."""
    most = max(_FEWEST, _BYTES // bytes_a_draw) if n_kept is None else n_kept
    thin = 1
    while thin < n_draws and -(-n_draws // thin) * n_chains > most:
        thin *= 2
    return thin


class Keeper:
    """Takes draws from a sampler and keeps them.

    Parameters
    ----------
    shares : float64 arrays, of users, items and days
        How much each counts in their average; of no days where there are none.
    n_features : int
        Of users.
    n_factors, n_kept : int
    unit : Unit
        What the sampler's ratings are measured in.
    """

    def __init__(
        self, shares: tuple[Float64, Float64, Float64], n_features: int, n_factors: int, n_kept: int, unit: Unit
    ) -> None:
        self._shares, self._k, self._unit = shares, n_factors, unit
        self.n = 0
        n_users, n_items, n_days = (own.size for own in shares)
        by_row, by_number = {"user": n_users, "item": n_items, "day": n_days}, n_factors + 1
        self._arrays: Learned = {
            "mean_samples_": np.empty(n_kept),
            "noise_samples_": np.empty(n_kept),
            "prior_means_": np.empty((n_kept, by_number), np.float32),
            "prior_spreads_": np.empty((n_kept, by_number), np.float32),
            "centres_": np.empty((n_kept, by_number), np.float32),
            "centres_of_others_": np.empty((n_kept, n_factors), np.float32),
            "vectors_of_user_features_": np.empty((n_features, n_kept, by_number), np.float32),
        }
        for side, n in by_row.items():
            self._arrays[f"{side}_bias_samples_"] = np.empty((n, n_kept), np.float32)
            self._arrays[f"{side}_factors_"] = np.empty((n, n_kept * n_factors), np.float32)

    @staticmethod
    def bytes_a_draw(n_rows: int, n_features: int, n_factors: int) -> int:
        """What a draw takes, of rows and features of users."""
        return 4 * (n_factors + 1) * (n_rows + n_features)

    def take_over(self, kept: Learned, chosen: Codes) -> None:
        """Begin with some of the draws that a model holds."""
        k, n_before, self.n = self._k, kept["mean_samples_"].size, chosen.size
        for name, array in self._arrays.items():
            old = kept[name]
            if name.endswith("_factors_"):
                here = array.reshape(len(array), array.shape[1] // k, k)
                here[:, : self.n] = old.reshape(len(old), n_before, k)[:, chosen]
            elif name.endswith("_bias_samples_") or name == "vectors_of_user_features_":
                array[:, : self.n] = old[:, chosen]
            else:
                array[: self.n] = old[chosen]

    def keep(self, sampler: Sampler) -> None:
        """Keep the draw at which a sampler stands."""
        k, s, arrays, spread = self._k, self.n, self._arrays, self._unit.spread
        root = np.float32(np.sqrt(spread))
        ends = np.cumsum([own.size for own in self._shares])[:-1]
        factors = np.split(sampler.q[:, :k], ends)
        biases = np.split(sampler.t, ends)
        centres = [own @ rows for own, rows in zip(self._shares, factors, strict=True)]
        levels = [own @ rows for own, rows in zip(self._shares, biases, strict=True)]
        total = sum(centres)
        pairs = sum(centres[a] @ centres[b] for a in range(3) for b in range(a))
        arrays["mean_samples_"][s] = self._unit.mean + spread * (sampler.w0 + sum(levels) + pairs)
        arrays["noise_samples_"][s] = spread / np.sqrt(sampler.precision)
        for side, rows, bias, centre, level in zip(
            ("user", "item", "day"), factors, biases, centres, levels, strict=True
        ):
            around = rows - centre.astype(np.float32)
            own = bias - np.float32(level) + around @ (total - centre).astype(np.float32)
            arrays[f"{side}_bias_samples_"][:, s] = np.float32(spread) * own
            arrays[f"{side}_factors_"][:, s * k : (s + 1) * k] = root * around
        scale = np.append(np.full(k, root), np.float32(spread))
        block = sampler.blocks[0]
        arrays["prior_means_"][s] = scale * block.means[0]
        arrays["prior_spreads_"][s] = scale / np.sqrt(block.precisions[0])
        arrays["centres_"][s] = scale * np.append(centres[0], levels[0])
        arrays["centres_of_others_"][s] = root * (total - centres[0])
        arrays["vectors_of_user_features_"][:, s] = scale * block.w
        self.n += 1

    def learned(self) -> Learned:
        """The draws, and their averages of mean and biases."""
        return self._arrays | {
            "global_mean_": float(self._arrays["mean_samples_"].mean()),
            "user_biases_": averages(self._arrays["user_bias_samples_"]),
            "item_biases_": averages(self._arrays["item_bias_samples_"]),
        }


def _with_stranger(
    biases: Float32, factors: Float32, codes: Codes, rng: np.random.Generator
) -> tuple[Float32, Float32, Codes]:
    """The rows of some codes, then one that is made of a row by chance in each draw: that of -1."""
    n_rows, n_draws = biases.shape
    rows, places = np.unique(np.append(codes[codes >= 0], -1), return_inverse=True)
    found, draws = np.empty(codes.size, np.int32), np.arange(n_draws)
    found[codes >= 0], found[codes < 0] = places[:-1], places[-1]
    chosen = rng.integers(n_rows, size=n_draws)
    of_rows, by_draw = factors[rows], factors.reshape(n_rows, n_draws, -1)
    own = biases[rows]
    own[0], of_rows[0] = biases[chosen, draws], by_draw[chosen, draws].ravel()
    return own, of_rows, found


def averages(draws: Float32) -> Float32:
    """The mean of each row."""
    found: Float32 = draws.astype(np.float64).mean(axis=1).astype(np.float32)
    return found
