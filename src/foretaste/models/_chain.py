"""A fit of `BayesianFM`: what it learns from, and chains of draws from start to end, or from where they stood."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned
from foretaste.data.interactions import Interactions, SparseRows
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

    def fingerprint(self, settings: Settings) -> str:
        """The same for the same data and settings but for the number of draws."""
        arrays: list[Any] = [self.ratings, *self.codes, self.days, self.held_codes]
        for described in filter(None, self.described):
            arrays += [described.by_row.indptr, described.by_row.indices, described.by_row.values, described.groups]
        if self.held_out is not None:
            arrays.append(self.held_out.ratings)
        found = hashlib.blake2b(repr((self.names, self.sizes, settings._replace(n_draws=0))).encode(), digest_size=16)
        for array in arrays:
            found.update(f"{array.shape}".encode())
            found.update(array.tobytes())
        return found.hexdigest()

    def shares(self) -> tuple[Float64, Float64, Float64]:
        """How much each user, item and day counts in an average: those rated alike, days by their ratings."""
        counts = [np.bincount(own[own >= 0], minlength=size) for own, size in zip(self.codes, self.sizes, strict=True)]
        users, items, *days = (np.asarray(own, np.float64) for own in counts)
        rated = [(own > 0) / np.count_nonzero(own) for own in (users, items)]
        return rated[0], rated[1], days[0] / max(days[0].sum(), 1.0) if days else np.zeros(0)


class Settings(NamedTuple):
    """Of a fit; `n_draws` are those of each chain, after `burn_in` of which nothing is kept."""

    n_factors: int
    link: Literal["identity", "ordinal"]
    n_chains: int
    burn_in: int
    n_draws: int
    n_kept: int | None
    seed: int


class Chains:
    """Samplers side by side, a sweep of each at a time; of their draws some are kept.

    Each begins elsewhere. What is left possible has many summits that one chain hardly goes between, so that several
    short ones see more of it than a long one.
    """

    def __init__(self, data: Data, settings: Settings) -> None:
        self._data, self._settings = data, settings
        self._classes: Float64 = np.zeros(0)
        self._class_codes: Codes | None = None
        self._unit = Unit(0.0, 1.0)
        if settings.link == "ordinal":
            self._classes, self._class_codes = classes_of(data.ratings)
        else:
            self._unit = Unit.of(data.ratings, centred=True)
        self._n_features = 0 if data.described[0] is None else data.described[0].groups.size

    def run(self, training: Training, n_jobs: int | None, begun: Learned | None) -> Learned:
        """What a model learns, by going on from what it had learned before, or from the start."""
        data, settings = self._data, self._settings
        all_equal = bool(data.ratings.min() == data.ratings.max())
        n_chains, thin = (1, 1) if all_equal else (settings.n_chains, self._thin(settings.n_draws))
        n_kept = 1 if all_equal else -(-settings.n_draws // thin) * n_chains
        keeper = Keeper(data.shares(), self._n_features, settings.n_factors, n_kept, self._unit)
        cuts = np.zeros((n_kept, max(self._classes.size - 1, 0)))
        sums = np.zeros(len(data.held_codes)) if begun is None else begun["validation_sums_"].copy()
        with workers(n_jobs) as run:
            chains = self._chains(n_chains, run if n_chains == 1 else _one_by_one)
            if all_equal:  # there is nothing to sample: everything is as expected
                chains[0].sampler.precision = _NO_NOISE**-2
                keeper.keep(chains[0].sampler)
            elif begun is None:
                run(_start, [(chain,) for chain in chains])
            else:
                self._restore(chains, keeper, cuts, begun, thin)
            done = 0 if begun is None else begun["n_sweeps_"]
            for epoch in () if all_equal else training:
                if n_chains == 1:  # threads are of use within it
                    _sweep(chains[0], done + epoch)
                else:
                    run(_sweep, [(chain, done + epoch) for chain in chains])
                n = done + epoch - settings.burn_in
                if n > 0 and (n - 1) % thin == 0:
                    for chain in chains:
                        if chain.cutpoints is not None:
                            cuts[keeper.n] = chain.cutpoints.cuts
                        keeper.keep(chain.sampler)
                if n > 0 and data.held_out is not None:
                    sums += sum(self._expected(chain) for chain in chains)
                self._report(training, chains, sums, n)
        return keeper.learned() | {
            "classes_": self._classes,
            "cutpoint_samples_": cuts,
            "validation_sums_": sums,
            "n_sweeps_": 0 if all_equal else settings.burn_in + settings.n_draws,
            **_state(chains, settings.n_factors),
        }

    def _report(self, training: Training, chains: list[Chain], sums: Float64, n: int) -> None:
        """Put a sweep on record; n is how many there were after the first."""
        held_out, squares = self._data.held_out, []
        for chain in chains:
            own = chain.sampler.errors[1] / self._data.ratings.size
            squares.append(own if chain.cutpoints is None else chain.cutpoints.mean_square)
        valid = float("nan")
        if n > 0 and held_out is not None:
            errors = np.clip(sums / (n * len(chains)), *held_out.scale) - held_out.ratings
            valid = float(np.sqrt(np.mean(errors**2)))
        precision = float(np.mean([chain.sampler.precision for chain in chains])) / self._unit.spread**2
        training.report(self._unit.spread * float(np.sqrt(np.mean(squares))), valid=valid, precision=precision)

    def _thin(self, n_draws: int) -> int:
        settings = self._settings
        bytes_a_draw = Keeper.bytes_a_draw(sum(self._data.sizes), self._n_features, settings.n_factors)
        return thinning(n_draws, settings.n_chains, bytes_a_draw, settings.n_kept)

    def _chains(self, n_chains: int, run: Run) -> list[Chain]:
        data, settings = self._data, self._settings
        ratings = data.ratings
        values = np.zeros_like(ratings) if self._class_codes is not None else self._unit.measure(ratings)
        design = Design(data.codes, data.sizes, data.described, values)
        chains = []
        for number in range(n_chains):
            cutpoints = None if self._class_codes is None else Cutpoints(self._classes, self._class_codes, run)
            latent = None if cutpoints is None else cutpoints.draw
            chains.append(Chain(Sampler(design, settings.n_factors, (settings.seed, number), run, latent), cutpoints))
        return chains

    def _expected(self, chain: Chain) -> Float64:
        """What the draw at which a chain stands predicts for the ratings held out."""
        scores = chain.sampler.predict(self._data.held_codes).astype(np.float64)
        if chain.cutpoints is not None:
            return expectation(scores, self._classes, chain.cutpoints.cuts)
        return self._unit.mean + self._unit.spread * scores

    def _restore(self, chains: list[Chain], keeper: Keeper, cuts: Float64, begun: Learned, thin: int) -> None:
        """Go back to where a model's chains ended, with the draws it has kept."""
        k, n = self._settings.n_factors, len(chains)
        parts = [np.split(begun[name], n) for name in ("last_rows_", "last_features_", "last_means_")]
        for place, chain in enumerate(chains):
            sampler = chain.sampler
            rows, vectors, means = (part[place] for part in parts)
            sampler.q[:, :k], sampler.t[:] = rows[:, :k], rows[:, k]
            sampler.w0, *errors = begun["last_mean_and_errors_"][place].tolist()
            sampler.errors = np.array(errors)
            features = group = 0
            for learned in sampler.blocks:
                learned.w[:] = vectors[features : features + len(learned.w)]
                learned.means[:] = means[group : group + len(learned.means)]
                features, group = features + len(learned.w), group + len(learned.means)
            if chain.cutpoints is not None:
                chain.cutpoints.cuts = begun["last_cutpoints_"][place].copy()
        earlier, kept = self._thin(begun["n_sweeps_"] - self._settings.burn_in), begun["mean_samples_"].size
        chosen = np.arange(kept, dtype=np.int32).reshape(-1, n)[:: thin // earlier].ravel()
        keeper.take_over(begun, chosen)
        cuts[: keeper.n] = begun["cutpoint_samples_"][chosen]


class Chain(NamedTuple):
    """A sampler and, of classes, the cutpoints it draws."""

    sampler: Sampler
    cutpoints: Cutpoints | None


def _start(chain: Chain) -> None:
    chain.sampler.start()


def _sweep(chain: Chain, number: int) -> None:
    chain.sampler.sweep(number)


def _one_by_one(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    """What `workers` gives for one thread: within a chain, where the chains have the threads."""
    return [function(*each) for each in arguments]


def _state(chains: list[Chain], k: int) -> Learned:
    """All that the next sweep depends on."""
    samplers = [chain.sampler for chain in chains]
    return {
        "last_rows_": np.concatenate([np.column_stack([own.q[:, :k], own.t]) for own in samplers]),
        "last_features_": np.concatenate([learned.w for own in samplers for learned in own.blocks]),
        "last_means_": np.concatenate([learned.means for own in samplers for learned in own.blocks]),
        "last_cutpoints_": np.stack([np.zeros(0) if cut is None else cut.cuts for _, cut in chains]),
        "last_mean_and_errors_": np.array([[own.w0, *own.errors] for own in samplers]),
    }


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
