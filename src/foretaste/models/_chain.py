"""A fit of `BayesianFM`: what it learns from, and a chain of draws from start to end, or from where it stood."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.exceptions import DataError
from foretaste.models._blocks import Described, Design, Sampler, joined
from foretaste.models._factors import Unit
from foretaste.models._ordinal import Cutpoints, classes_of, expectation
from foretaste.models._samples import Keeper, thinning
from foretaste.models._training import HeldOut, Training
from foretaste.utils.threads import Run, workers

# Of ratings that are all equal, the noise in units of their size.
_NO_NOISE = 1e-3


class Data(NamedTuple):
    """Ratings by their rows of each block, and the features of these; the ratings held out, likewise."""

    ratings: Float32
    codes: tuple[Codes, ...]
    sizes: tuple[int, ...]
    described: tuple[Described | None, ...]
    days: Codes
    names: tuple[str, ...]
    held_out: HeldOut | None
    held_codes: Codes

    @classmethod
    def of(
        cls,
        interactions: Interactions,
        held_out: HeldOut | None,
        names: tuple[str, ...],
        described: tuple[Described | None, Described | None],
        moments: tuple[Float64, Float64 | None] | None,
    ) -> Data:
        """Of ratings and, where days are looked at, the days of those to learn from and of those held out."""
        codes = [interactions.user_codes, interactions.item_codes]
        sizes = [interactions.n_users, interactions.n_items]
        held = [] if held_out is None else [held_out.user_codes, held_out.item_codes]
        known = np.zeros(0, np.int32)
        if moments is not None:
            own, held_days = moments
            known = np.unique(own[np.isfinite(own)]).astype(np.int32)
            codes, sizes = [*codes, day_codes(known, own)], [*sizes, known.size]
            if held_days is not None:
                held.append(day_codes(known, held_days))
        held_codes = joined(held, sizes) if held else np.zeros((0, len(sizes)), np.int32)
        features = (*described, None)[: len(sizes)]
        ratings = interactions.require_ratings("BayesianFM")
        return cls(ratings, tuple(codes), tuple(sizes), features, known, names, held_out, held_codes)

    def shares(self) -> tuple[Float64, Float64, Float64]:
        """How much each user, item and day counts in an average: those rated alike, days by their ratings."""
        counts = [np.bincount(own[own >= 0], minlength=size) for own, size in zip(self.codes, self.sizes, strict=True)]
        users, items, *days = (np.asarray(own, np.float64) for own in counts)
        rated = [(own > 0) / np.count_nonzero(own) for own in (users, items)]
        return rated[0], rated[1], days[0] / max(days[0].sum(), 1.0) if days else np.zeros(0)


class Chain:
    """Sweeps of a sampler, of which some draws are kept.

    Parameters
    ----------
    data : Data
    n_factors, seed : int
    link : {"identity", "ordinal"}
    sweeps : (int, int)
        Those of which nothing is kept, and those after.
    n_kept : int or None
    """

    def __init__(
        self,
        data: Data,
        n_factors: int,
        seed: int,
        link: Literal["identity", "ordinal"],
        sweeps: tuple[int, int],
        n_kept: int | None,
    ) -> None:
        self._data, self._k, self._seed, self._sweeps = data, n_factors, seed, sweeps
        self._n_kept = n_kept
        self._classes: Float64 = np.zeros(0)
        self._class_codes: Codes | None = None
        if link == "ordinal":
            self._classes, self._class_codes = classes_of(data.ratings)
        self._unit = Unit.of(data.ratings, centred=True) if link == "identity" else Unit(0.0, 1.0)

    def run(self, training: Training, n_jobs: int | None, begun: Learned | None) -> Learned:
        """What a model learns, by going on from what it had learned before, or from the start."""
        data, unit, (burn_in, n_samples) = self._data, self._unit, self._sweeps
        values = np.zeros_like(data.ratings) if self._class_codes is not None else unit.measure(data.ratings)
        n_features = 0 if data.described[0] is None else data.described[0].groups.size
        thin = self._thin(n_samples, n_features)
        done = 0 if begun is None else begun["n_sweeps_"]
        all_equal = data.ratings.min() == data.ratings.max()
        n_kept = 1 if all_equal else -(-n_samples // thin)
        keeper = Keeper(data.shares(), n_features, self._k, n_kept, unit)
        sums = np.zeros(len(data.held_codes)) if begun is None else begun["validation_sums_"].copy()
        cut_samples = np.zeros((n_kept, max(self._classes.size - 1, 0)))
        with workers(n_jobs) as run:
            cutpoints = self._cutpoints(run)
            latent = None if cutpoints is None else cutpoints.draw
            design = Design(data.codes, data.sizes, data.described, values)
            sampler = Sampler(design, self._k, self._seed, run, latent)
            if all_equal:  # there is nothing to sample: everything is as expected
                sampler.precision = _NO_NOISE**-2
                keeper.keep(sampler)
            elif begun is None:
                sampler.start()
            else:
                self._restore(sampler, cutpoints, keeper, cut_samples, begun, thin)
            for epoch in () if all_equal else training:
                number = done + epoch
                sampler.sweep(number)
                n, valid = number - burn_in, float("nan")
                if n > 0 and (n - 1) % thin == 0:
                    if cutpoints is not None:
                        cut_samples[keeper.n] = cutpoints.cuts
                    keeper.keep(sampler)
                if n > 0 and data.held_out is not None:
                    sums += self._expected(sampler.predict(data.held_codes), cutpoints)
                    errors = np.clip(sums / n, *data.held_out.scale) - data.held_out.ratings
                    valid = float(np.sqrt(np.mean(errors**2)))
                square = sampler.errors[1] / data.ratings.size if cutpoints is None else cutpoints.mean_square
                train = unit.spread * float(np.sqrt(square))
                training.report(train, valid=valid, precision=float(sampler.precision / unit.spread**2))
        return keeper.learned() | {
            "classes_": self._classes,
            "cutpoint_samples_": cut_samples,
            "validation_sums_": sums,
            "n_sweeps_": 0 if all_equal else burn_in + n_samples,
            **self._state(sampler, cutpoints),
        }

    def _thin(self, n_samples: int, n_features: int) -> int:
        return thinning(n_samples, Keeper.bytes_a_draw(sum(self._data.sizes), n_features, self._k), self._n_kept)

    def _cutpoints(self, run: Run) -> Cutpoints | None:
        return None if self._class_codes is None else Cutpoints(self._classes, self._class_codes, run)

    def _expected(self, scores: Float32, cutpoints: Cutpoints | None) -> Float64:
        """Ratings by scores in the draw at which the chain stands."""
        if cutpoints is not None:
            return expectation(scores.astype(np.float64), self._classes, cutpoints.cuts)
        return self._unit.mean + self._unit.spread * scores.astype(np.float64)

    # Where it stands ------------------------------------------------------------------------------------------------

    def _state(self, sampler: Sampler, cutpoints: Cutpoints | None) -> Learned:
        """All that the next sweep depends on."""
        return {
            "last_rows_": np.column_stack([sampler.q[:, : self._k], sampler.t]),
            "last_features_": np.concatenate([learned.w for learned in sampler.blocks]),
            "last_means_": np.concatenate([learned.means for learned in sampler.blocks]),
            "last_cutpoints_": np.zeros(0) if cutpoints is None else cutpoints.cuts,
            "last_mean_and_errors_": np.array([sampler.w0, *sampler.errors]),
        }

    def _restore(
        self,
        sampler: Sampler,
        cutpoints: Cutpoints | None,
        keeper: Keeper,
        cut_samples: Float64,
        begun: Learned,
        thin: int,
    ) -> None:
        """Go back to where a model's chain ended, with the draws it has kept."""
        sampler.q[:, : self._k], sampler.t[:] = begun["last_rows_"][:, : self._k], begun["last_rows_"][:, self._k]
        sampler.w0, *errors = begun["last_mean_and_errors_"].tolist()
        sampler.errors = np.array(errors)
        features = group = 0
        for learned in sampler.blocks:
            learned.w[:] = begun["last_features_"][features : features + len(learned.w)]
            learned.means[:] = begun["last_means_"][group : group + len(learned.means)]
            features, group = features + len(learned.w), group + len(learned.means)
        if cutpoints is not None:
            cutpoints.cuts = begun["last_cutpoints_"].copy()
        before = begun["n_sweeps_"] - self._sweeps[0]
        step = thin // self._thin(before, len(begun["vectors_of_user_features_"])) if before > 0 else 1
        kept = begun["mean_samples_"].size
        if before <= 0 or -(-before // (thin // step)) != kept:
            message = "warm_start=True goes on with the last fit, which had another 'burn_in' or 'n_kept'."
            raise DataError(message)
        keeper.take_over(begun, step)
        cut_samples[: keeper.n] = begun["cutpoint_samples_"][::step]


def as_set(rows: SparseRows) -> SparseRows:
    """What each row holds, whatever the values: n entries at 1 / sqrt(n)."""
    counts = np.diff(rows.indptr)
    weights = (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)
    return rows._replace(values=np.repeat(weights, counts))


def day_codes(known: Codes, moments: Float64) -> Codes:
    """Positions of days among those known, -1 for another or none."""
    if not known.size:
        return np.full(moments.size, -1, np.int32)
    there = np.isfinite(moments)
    wanted = np.where(there, moments, 0)
    places = np.minimum(np.searchsorted(known, wanted), known.size - 1)
    return np.where(there & (known[places] == wanted), places, -1).astype(np.int32)
