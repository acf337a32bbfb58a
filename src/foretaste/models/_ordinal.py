"""The ordered probit link: what a score says of the probability of each rating, and how its cutpoints are drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from foretaste._typing import Codes, Float32, Float64
from foretaste.exceptions import DataError
from foretaste.kernels.probit import add_looked_up, draw_latents, spread_over_bins
from foretaste.utils.threads import Run

# More distinct ratings than this are a continuous scale.
_MOST_CLASSES = 50
# Bins of scores by which the likelihood of cutpoints is measured: bins of a hundredth of a standard deviation or so
# change it by less than a hundred thousandth of a rating's share.
_N_BINS = 1024
# The prior of a cutpoint is normal with this standard deviation: hardly any.
_LOOSE = 10.0
# Degrees of freedom of proposals. Newton's steps to the mode: after one as small as this it is known to six digits.
_HEAVY, _STEPS, _SETTLED = 5, 20, 1e-3
# Points of the table by which scores become ratings, and how far it reaches beyond the outermost cutpoints.
_N_POINTS, _BEYOND = 4096, 7.0
# Ratings a thread takes at a time.
_RATINGS = 2**15


def classes_of(ratings: Float32) -> tuple[Float64, Codes]:
    """The distinct ratings, ascending, and which of them each rating is.

    Raises
    ------
    DataError
        There are too many.
    """
    classes, codes = np.unique(ratings, return_inverse=True)
    if classes.size > _MOST_CLASSES:
        message = (
            f"link='ordinal' of BayesianFM takes at most {_MOST_CLASSES} distinct ratings, and there are "
            f"{classes.size}. Hint: link='identity', or round the ratings."
        )
        raise DataError(message)
    return classes.astype(np.float64), codes.astype(np.int32)


class Cutpoints:
    """The latent numbers of ratings, and the cutpoints between which they fall.

    Attributes
    ----------
    cuts : float64 array of shape (n_classes - 1,)
    mean_square : float
        The mean squared error of the ratings as the last scores expect them.
    """

    def __init__(self, classes: Float64, codes: Codes, run: Run) -> None:
        self._classes, self._codes, self._run = classes, codes, run
        shares = np.cumsum(np.bincount(codes, minlength=classes.size)) / codes.size
        self.cuts: Float64 = ndtri(shares[:-1])
        self.mean_square = 0.0

    def draw(self, scores: Float32, rng: np.random.Generator) -> Float32:
        """New cutpoints given the scores, then latent numbers given both."""
        counts, centres = self._counts(scores)
        self._move(counts, centres, rng)
        expected = expectation(centres, self._classes, self.cuts)
        self.mean_square = float((counts * (self._classes[:, None] - expected) ** 2).sum()) / scores.size
        return latents(scores, self._codes, self.cuts, rng.random(scores.size), self._run)

    def _counts(self, scores: Float32) -> tuple[Float64, Float64]:
        """How many ratings of each class have about which score; exactly, where there are no more than bins."""
        if scores.size <= _N_BINS:
            one_each = np.zeros((self._classes.size, scores.size))
            one_each[self._codes, np.arange(scores.size)] = 1
            return one_each, scores.astype(np.float64)
        low, high = float(scores.min()), float(scores.max())
        width = max(high - low, 1e-6) / (_N_BINS - 1)
        counts = np.zeros((self._classes.size, _N_BINS))
        spread_over_bins(scores, self._codes, low, width, counts)
        return counts, low + width * np.arange(_N_BINS, dtype=np.float64)

    def _move(self, counts: Float64, centres: Float64, rng: np.random.Generator) -> None:
        """One step of Metropolis and Hastings: a proposal from a Student distribution around the mode.

        The latent numbers do not enter: given them, cutpoints could hardly move.
        """
        mode, curvature = _climb(self.cuts, counts, centres)
        root = np.linalg.cholesky(curvature)
        n = mode.size
        steps = rng.normal(size=n) * np.sqrt(_HEAVY / rng.chisquare(_HEAVY))
        proposal = mode + np.linalg.solve(root.T, steps)
        chance = rng.random()
        if (np.diff(proposal) <= 0).any():
            return

        def proposed(cuts: Float64) -> float:
            """Log density of proposals, but for a constant."""
            return float(-(_HEAVY + n) / 2 * np.log1p(((root.T @ (cuts - mode)) ** 2).sum() / _HEAVY))

        now, then = _likelihood(self.cuts, counts, centres), _likelihood(proposal, counts, centres)
        if np.log(max(chance, 1e-300)) < then - now + proposed(self.cuts) - proposed(proposal):
            self.cuts = proposal


def latents(scores: Float32, codes: Codes, cuts: Float64, uniforms: Float64, run: Run) -> Float32:
    """Latent numbers of ratings given their scores and the cutpoints."""
    ends, out = np.concatenate([[-np.inf], cuts, [np.inf]]), np.empty(scores.size, np.float32)
    pieces = [(first, min(first + _RATINGS, scores.size)) for first in range(0, scores.size, _RATINGS)]
    run(draw_latents, [(scores, codes, ends, uniforms, *piece, out) for piece in pieces])
    return out


def _ends(cuts: Float64, centres: Float64) -> tuple[Float64, Float64, Float64]:
    """Upper and lower end of each class around each centre, and the log probability between them."""
    whole = np.concatenate([[-np.inf], cuts, [np.inf]])
    low, high = (ends[:, None] - centres for ends in (whole[:-1], whole[1:]))
    flip = low > 0  # on the side where probabilities are small numbers
    low_side, high_side = np.where(flip, -high, low), np.where(flip, -low, high)
    top, bottom = log_ndtr(high_side), log_ndtr(low_side)
    return low, high, top + np.log1p(-np.exp(np.minimum(bottom - top, -1e-15)))


def _likelihood(cuts: Float64, counts: Float64, centres: Float64) -> float:
    """Log posterior density of cutpoints, but for a constant."""
    return float((counts * _ends(cuts, centres)[2]).sum() - (cuts**2).sum() / (2 * _LOOSE**2))


def _climb(cuts: Float64, counts: Float64, centres: Float64) -> tuple[Float64, Float64]:
    """The mode of the cutpoints' density, which is log-concave, by Newton's steps; and minus its second derivative."""
    cuts = cuts.copy()
    curvature = np.eye(cuts.size)
    for _ in range(_STEPS):
        low, high, log_share = _ends(cuts, centres)
        up = np.exp(-(high[:-1] ** 2) / 2 - log_share[:-1]) / np.sqrt(2 * np.pi)
        down = np.exp(-(low[1:] ** 2) / 2 - log_share[1:]) / np.sqrt(2 * np.pi)
        slope = (counts[:-1] * up).sum(axis=1) - (counts[1:] * down).sum(axis=1) - cuts / _LOOSE**2
        bend = (counts[:-1] * (high[:-1] * up + up**2)).sum(axis=1)
        bend += (counts[1:] * (down**2 - low[1:] * down)).sum(axis=1) + 1 / _LOOSE**2
        both = (counts[1:-1] * up[1:] * down[:-1]).sum(axis=1)
        curvature = np.diag(bend) - np.diag(both, 1) - np.diag(both, -1)
        step = np.linalg.solve(curvature, slope)
        share = 1.0
        while (np.diff(cuts + share * step) <= 0).any():
            share /= 2
        cuts += share * step
        if np.abs(step).max(initial=0.0) < _SETTLED:
            break
    return cuts, curvature


def expectation(scores: Float64, classes: Float64, cuts: Float64) -> Float64:
    """The expected rating at each score: sum of the classes by their probabilities."""
    found = np.full(scores.shape, classes[0])
    for place, step in enumerate(np.diff(classes)):
        found += step * ndtr(scores - cuts[..., place])
    return found


class Link(NamedTuple):
    """From scores in each draw to ratings.

    Attributes
    ----------
    classes : float64 array of shape (n_classes,)
    cuts : float64 array of shape (n_draws, n_classes - 1)
    """

    classes: Float64
    cuts: Float64

    def expected(self, scores: Float32, *, squared: bool = False) -> Float64:
        """The expected rating, or its square, in each draw, of scores with a column a draw."""
        return expectation(scores.astype(np.float64), self.classes**2 if squared else self.classes, self.cuts)

    def probabilities(self, scores: Float32) -> Float64:
        """Of each class, the mean over draws, a row a pair."""
        above = [np.ones(len(scores))]
        above += [ndtr(scores - self.cuts[:, place]).mean(axis=1) for place in range(self.cuts.shape[1])]
        found: Float64 = -np.diff(np.column_stack([*above, np.zeros(len(scores))]), axis=1)
        return found

    def add_expected(self, draw: int, scores: Float32, out: Float64) -> None:
        """Add the expected ratings of many scores in one draw, by a table."""
        cuts = self.cuts[draw]
        if not cuts.size:
            out += self.classes[0]
            return
        low, high = float(cuts.min()) - _BEYOND, float(cuts.max()) + _BEYOND
        points = np.linspace(low, high, _N_POINTS)
        table = expectation(points, self.classes, cuts)
        add_looked_up(scores, table, low, (high - low) / (_N_POINTS - 1), out)
