"""One fit seen from outside: its epochs, its learning curve, its progress bar and the decision to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from foretaste._typing import Codes, Float32, Float64, Learned, RandomState
from foretaste.data.interactions import Interactions
from foretaste.exceptions import ConvergenceWarning, DataError, DivergenceError
from foretaste.utils.pieces import mean_and_spread
from foretaste.utils.progress import progress
from foretaste.utils.random import generator
from foretaste.utils.warn import warn

PredictPairs = Callable[[Codes, Codes], Float64]

# Epochs without a better validation error before training ends.
_PATIENCE = 5
# Epochs over which the progress of the training error is judged: one alone may be luck.
_WINDOW = 3
# Where the validation error stays what it was, an epoch is better by a training error lower by this share.
_LOWER = 0.01
# A training error of this share of the ratings' spread leaves nothing to learn from.
_NOTHING = 1e-4
# Differences of this share of the largest rating are hardly more than single precision's rounding.
_ROUNDING = 1e-6
# Learned numbers beyond this size make products that leave single precision.
_LARGEST = 1e15
# The largest rating: sums of squares of as many as there may be stay within single precision, and what models learn of
# them, such as differences or singular values, within what a learned number may be.
_LARGEST_RATING = 1e12
# What to do about numbers that run away, by the parameter that does it.
_AGAINST_DIVERGENCE = {"learning_rate": "lower 'learning_rate'", "reg": "raise 'reg'"}


def largest_size(values: npt.NDArray[Any]) -> float:
    """The largest absolute value, without an array of absolute values; NaN where there is one."""
    return max(float(values.max()), -float(values.min()))


def check_sizes(ratings: Float32, name: str) -> None:
    """Raise `DataError` where a rating is too large for the model of that name to learn from."""
    if (size := largest_size(ratings)) > _LARGEST_RATING:
        message = (
            f"{name} takes ratings between {-_LARGEST_RATING:g} and {_LARGEST_RATING:g}, got one of size {size:g}. "
            f"Hint: divide all ratings by a constant."
        )
        raise DataError(message)


def negligible_error(ratings: Float32) -> float:
    """The training error that leaves nothing to learn: next to nothing of what ratings differ by."""
    largest, (_, spread) = largest_size(ratings), mean_and_spread(ratings)
    if spread <= _ROUNDING * largest:  # equal ratings differ by nothing; what is left of them is judged by their size
        spread = largest or 1.0
    return max(_NOTHING * spread, _ROUNDING * largest)


@dataclass(frozen=True)
class HeldOut:
    """Ratings kept aside to watch the learning."""

    user_codes: Codes
    item_codes: Codes
    ratings: Float32
    scale: tuple[float, float]
    times: pl.Series | None = None

    def rmse(self, predict: PredictPairs) -> float:
        """Root mean squared error of the predictions, clipped to the scale."""
        predicted = np.clip(predict(self.user_codes, self.item_codes), *self.scale)
        return float(np.sqrt(np.mean((predicted - self.ratings) ** 2)))


def hold_out(interactions: Interactions, fraction: float, random_state: RandomState) -> tuple[Interactions, HeldOut]:
    """A random share of the rows put aside; the rest keeps every id, so that codes stay as they are."""
    ratings = interactions.require_ratings("holding out")
    n_held_out = max(1, round(fraction * ratings.size))
    if n_held_out >= ratings.size:
        message = (
            f"holding out validation_fraction={fraction:g} of the ratings would take {n_held_out} of {ratings.size} "
            f"and leave none to learn from. Hint: it takes at least 2 ratings, and a fraction that leaves one."
        )
        raise DataError(message)
    order = generator(random_state).permutation(ratings.size)
    held, rest = order[:n_held_out], np.sort(order[n_held_out:])
    part = interactions.select(held, keep_ids=True)
    held_out = HeldOut(part.user_codes, part.item_codes, ratings[held], part.scale, part.times)
    return interactions.select(rest, keep_ids=True), held_out


@dataclass
class Training:
    """Iterate over it once; call `report` once an epoch.

    Ends after `n_epochs`, or before: with `held_out`, when no epoch has been better than the best for five epochs;
    else, with `tol` above 0, when the training error falls by less than this share an epoch over three epochs, and more
    slowly than before; with either, when the training error is down to what is `negligible`. A training that meets
    its ceiling first says so in one `ConvergenceWarning`. `parameters` are those of the model, by which it is advised.

    What is put on record is an error in the units of the ratings, or, of a model that orders items, whatever else it
    minimises: `measure` is its name, "rmse" or "loss".

    The better epoch is the one of lower validation error. Where that is exactly the same, the held-out ratings do not
    tell the two apart, as when both predict everything below the scale; then it is the one of lower training error.
    """

    name: str
    n_epochs: int = 1
    tol: float = 0.0
    negligible: float = 0.0
    held_out: HeldOut | None = None
    ceiling: str = "n_epochs"
    parameters: Collection[str] = ()
    first_epoch: int = 1
    measure: str = "rmse"
    started: float = field(default_factory=time.perf_counter)
    train: list[float] = field(default_factory=list)
    valid: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    more: dict[str, list[float]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[int]:
        if self.first_epoch:  # else it runs since before `report_start`
            self.started = time.perf_counter() - (self.seconds[-1] if self.seconds else 0.0)
        with progress(f"Fitting {self.name}", self.n_epochs) as advance:
            for epoch in range(1, self.n_epochs + 1):
                yield epoch
                advance(self._note())
                if self._settled():
                    return
        if self.n_epochs and (self.held_out is not None or self.tol > 0):
            self._warn()

    def go_on(self, curve: Mapping[str, Float64]) -> None:
        """Put on record first what an earlier training left, of which this one is the rest."""
        self.train, self.valid = (curve[f"{part}_{self.measure}"].tolist() for part in ("train", "valid"))
        self.more = {name: curve[name].tolist() for name in self.more}
        self.seconds = curve["seconds"].tolist()

    def report_start(self, train: float, predict: PredictPairs) -> None:
        """Put on record, as epoch 0, what there is before the first epoch."""
        self.first_epoch = 0
        self.report(train, predict)

    def report(
        self, train: float, predict: PredictPairs | None = None, *, valid: float = float("nan"), **more: float
    ) -> None:
        """Put an epoch on record: its training error, and how the model predicts, where ratings are held out.

        A model that has held out ratings itself reports their error as `valid`; `more` are columns of its own.

        Raises
        ------
        DivergenceError
            The training error is not a finite number.
        """
        if not np.isfinite(train):
            raise self.diverged(self.last_epoch + 1)
        self.train.append(float(train))
        self.valid.append(self.held_out.rmse(predict) if self.held_out and predict else valid)
        for name, value in more.items():
            self.more.setdefault(name, []).append(value)
        self.seconds.append(time.perf_counter() - self.started)

    def diverged(self, epoch: int) -> DivergenceError:
        """The error that says so."""
        advice = [words for parameter, words in _AGAINST_DIVERGENCE.items() if parameter in self.parameters]
        hint = " or ".join(advice) or "bring the ratings to a smaller scale"
        message = f"{self.name} diverged in epoch {epoch}: its numbers are no longer finite. Hint: {hint}."
        return DivergenceError(message)

    def checked(self, learned: Learned) -> Learned:
        """What was learned, if none of its numbers is beyond all measure.

        The error of an epoch is measured on the way, so that a last step astray shows only here.
        """
        for value in learned.values():
            if isinstance(value, np.ndarray) and value.size and not largest_size(value) < _LARGEST:
                raise self.diverged(self.last_epoch)
        return learned

    @property
    def last_epoch(self) -> int:
        """The epoch last put on record."""
        return len(self.train) - 1 + self.first_epoch

    @property
    def best_epoch(self) -> int:
        """The best epoch, from 1 (from 0 where there was a start on record)."""
        return self._best_place(0) + self.first_epoch

    def curve(self) -> dict[str, Float64]:
        """The learning curve, a column each."""
        return {
            "epoch": np.arange(len(self.train), dtype=np.float64) + self.first_epoch,
            f"train_{self.measure}": np.array(self.train, np.float64),
            f"valid_{self.measure}": np.array(self.valid, np.float64),
            **{name: np.array(values, np.float64) for name, values in self.more.items()},
            "seconds": np.array(self.seconds, np.float64),
        }

    def _best_place(self, first: int) -> int:
        """Where the best of the epochs on record stands, from this place on."""
        best = first
        for place in range(first + 1, len(self.valid)):
            valid, lowest = self.valid[place], self.valid[best]
            lower = self.train[place] < (1 - _LOWER) * self.train[best]
            if valid < lowest or (valid == lowest and lower):
                best = place
        return best

    def _settled(self) -> bool:
        if self.held_out is None and self.tol <= 0:
            return False
        if self.train[-1] <= self.negligible:
            return True
        if self.held_out is not None:
            # What was there before the first epoch does not count: leaving it may cost at first, and pay later.
            return len(self.valid) - 1 - self._best_place(1 - self.first_epoch) >= _PATIENCE
        if len(self.train) <= 2 * _WINDOW:
            return False
        earlier, before, now = self.train[-1 - 2 * _WINDOW :: _WINDOW]
        # Factors that start near zero fall slowly at first and then faster: a fall that still grows is no end.
        return before - now <= min(self.tol * _WINDOW * before, earlier - before)

    def _note(self) -> str:
        name = "RMSE" if self.measure == "rmse" else self.measure
        note = f"train {name} {self.train[-1]:.4f}"
        return note if np.isnan(self.valid[-1]) else f"{note}, validation {self.valid[-1]:.4f}"

    def _warn(self) -> None:
        message = (
            f"{self.name} met its ceiling of {self.n_epochs} epochs while it was still improving "
            f"({self._note()}). Hint: raise {self.ceiling!r}"
        )
        # what is stopped by held-out ratings does not look at the tolerance
        message += "." if self.held_out else f", or set tol=0 if exactly {self.n_epochs} are meant."
        warn(message, ConvergenceWarning)
