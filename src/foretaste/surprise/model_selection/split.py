"""Iterators over folds: the same folds as Surprise's for the same `random_state`."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from itertools import pairwise
from math import ceil, floor
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from foretaste._typing import Id
from foretaste.surprise.dataset import Dataset, DatasetAutoFolds, DatasetUserFolds
from foretaste.surprise.trainset import Trainset, numbered
from foretaste.surprise.utils import get_rng

Testset: TypeAlias = list[tuple[Id, Id, float]]
Fold: TypeAlias = tuple[Trainset, Testset]
Seed: TypeAlias = int | np.random.RandomState | None
Places: TypeAlias = npt.NDArray[np.int64]

_FEWEST_FOLDS = 2
_TEST_SIZE = 0.2


class Splitter(Protocol):
    """What cross-validation takes for `cv`."""

    def split(self, data: Any) -> Iterator[Fold]:  # noqa: ANN401  each takes its kind of dataset
        """The folds."""
        ...

    def get_n_folds(self) -> int:
        """How many folds there are."""
        ...


def get_cv(cv: Any) -> Splitter:  # noqa: ANN401  checked here
    """The iterator that `cv` stands for.

    Parameters
    ----------
    cv : None, int or iterator
        None is `KFold` with 5 folds, a number `KFold` with as many; what has a method `split` is returned as it is.

    Raises
    ------
    ValueError
        It is something else.
    """
    if cv is None:
        return KFold()
    if isinstance(cv, numbers.Integral):
        return KFold(n_splits=int(cv))
    if hasattr(cv, "split") and not isinstance(cv, str):
        splitter: Splitter = cv
        return splitter
    message = f"cv must be None, an int or an iterator over folds, got {type(cv).__name__}."
    raise ValueError(message)


class KFold:
    """Each rating is in the test part of one of `n_splits` folds.

    Parameters
    ----------
    n_splits : int
    random_state : int, numpy.random.RandomState or None
        Shuffles; with an int the folds are the same at every call.
    shuffle : bool
        Without it the folds follow the order of the ratings.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import Dataset, Reader
    >>> from foretaste.surprise.model_selection import KFold
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> [len(testset) for _, testset in KFold(3, random_state=0).split(data)]
    [6, 5, 5]
    """

    def __init__(self, n_splits: int = 5, random_state: Seed = None, shuffle: bool = True) -> None:
        self.n_splits = n_splits
        self.random_state = random_state
        self.shuffle = shuffle

    def split(self, data: DatasetAutoFolds) -> Iterator[Fold]:
        """The folds, (trainset, testset) each.

        Raises
        ------
        ValueError
            There are fewer than 2 folds, or more than ratings.
        """
        folds = _Folds(data)
        places = np.arange(folds.size)
        if not _FEWEST_FOLDS <= self.n_splits <= places.size:
            message = (
                f"n_splits must be at least 2 and at most the number of ratings, {places.size}, got {self.n_splits}."
            )
            raise ValueError(message)
        if self.shuffle:
            get_rng(self.random_state).shuffle(places)
        size, larger = divmod(places.size, self.n_splits)
        ends = [fold * size + min(fold, larger) for fold in range(self.n_splits + 1)]
        for first, last in pairwise(ends):
            yield folds.fold(np.concatenate([places[:first], places[last:]]), places[first:last])

    def get_n_folds(self) -> int:
        """How many folds there are."""
        return self.n_splits


class RepeatedKFold:
    """`KFold` several times, shuffled anew each time.

    Parameters
    ----------
    n_splits : int
    n_repeats : int
    random_state : int, numpy.random.RandomState or None
    """

    def __init__(self, n_splits: int = 5, n_repeats: int = 10, random_state: Seed = None) -> None:
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.random_state = random_state

    def split(self, data: DatasetAutoFolds) -> Iterator[Fold]:
        """The folds, (trainset, testset) each."""
        rng = get_rng(self.random_state)
        for _ in range(self.n_repeats):
            yield from KFold(self.n_splits, rng).split(data)

    def get_n_folds(self) -> int:
        """How many folds there are, over all repetitions."""
        return self.n_repeats * self.n_splits


class ShuffleSplit:
    """Test parts drawn at random, each time from all ratings.

    Parameters
    ----------
    n_splits : int
    test_size, train_size : float, int or None
        Share (float) or number (int) of the ratings; None is what the other leaves. Both None: a fifth to test on.
    random_state : int, numpy.random.RandomState or None
    shuffle : bool
        Without it the trainset is the first ratings, and the testset those that follow.

    Raises
    ------
    ValueError
        A number is not above 0.
    """

    def __init__(
        self,
        n_splits: int = 5,
        test_size: float | None = _TEST_SIZE,
        train_size: float | None = None,
        random_state: Seed = None,
        shuffle: bool = True,
    ) -> None:
        for name, value in (("n_splits", n_splits), ("test_size", test_size), ("train_size", train_size)):
            if value is not None and value <= 0:
                message = f"{name} must be above 0, got {value}."
                raise ValueError(message)
        self.n_splits = n_splits
        self.test_size = test_size
        self.train_size = train_size
        self.random_state = random_state
        self.shuffle = shuffle

    def validate_train_test_sizes(
        self, test_size: float | None, train_size: float | None, n_ratings: int
    ) -> tuple[int, int]:
        """The numbers of ratings in the trainset and in the testset.

        Parameters
        ----------
        test_size, train_size : float, int or None
        n_ratings : int

        Raises
        ------
        ValueError
            The sizes are more than there is.
        """
        for name, value in (("test_size", test_size), ("train_size", train_size)):
            if value is not None and value >= n_ratings:
                message = f"{name} must be less than the number of ratings, {n_ratings}, got {value}."
                raise ValueError(message)
        if test_size is None and train_size is None:
            test_size = _TEST_SIZE
        n_test = None if test_size is None else _number(test_size, n_ratings, ceil)
        n_train = None if train_size is None else _number(train_size, n_ratings, floor)
        if n_train is None:
            n_train = n_ratings - (n_test or 0)
        if n_test is None:
            n_test = n_ratings - n_train
        if n_train + n_test > n_ratings:
            message = (
                f"train_size and test_size must together be at most the number of ratings, {n_ratings}, and are "
                f"{n_train} and {n_test}."
            )
            raise ValueError(message)
        return n_train, n_test

    def split(self, data: DatasetAutoFolds) -> Iterator[Fold]:
        """The folds, (trainset, testset) each."""
        folds = _Folds(data)
        places = np.arange(folds.size)
        n_train, n_test = self.validate_train_test_sizes(self.test_size, self.train_size, places.size)
        rng = get_rng(self.random_state)
        for _ in range(self.n_splits):
            chosen = rng.permutation(places.size) if self.shuffle else places
            yield folds.fold(chosen[:n_train], chosen[n_train : n_train + n_test])

    def get_n_folds(self) -> int:
        """How many folds there are."""
        return self.n_splits


def train_test_split(
    data: DatasetAutoFolds,
    test_size: float | None = _TEST_SIZE,
    train_size: float | None = None,
    random_state: Seed = None,
    shuffle: bool = True,
) -> Fold:
    """One fold of `ShuffleSplit`: a trainset and a testset.

    Parameters
    ----------
    data : Dataset
    test_size, train_size, random_state, shuffle
        As those of `ShuffleSplit`.
    """
    return next(ShuffleSplit(1, test_size, train_size, random_state, shuffle).split(data))


class LeaveOneOut:
    """One rating of each user is in the testset, drawn at random.

    Parameters
    ----------
    n_splits : int
    random_state : int, numpy.random.RandomState or None
    min_n_ratings : int
        Users need more ratings than this; the others are in neither part.
    """

    def __init__(self, n_splits: int = 5, random_state: Seed = None, min_n_ratings: int = 0) -> None:
        self.n_splits = n_splits
        self.random_state = random_state
        self.min_n_ratings = min_n_ratings

    def split(self, data: DatasetAutoFolds) -> Iterator[Fold]:
        """The folds, (trainset, testset) each; ratings stand user by user, as users first appear.

        Raises
        ------
        ValueError
            No rating is left to learn from.
        """
        folds = _Folds(data)
        rows: dict[Id, list[int]] = {}
        for place, rating in enumerate(folds.ratings):
            rows.setdefault(rating[0], []).append(place)
        long_enough = [row for row in rows.values() if len(row) > self.min_n_ratings]
        sizes = np.array([len(row) for row in long_enough], np.int64)
        places = np.array([place for row in long_enough for place in row], np.int64)
        starts = np.cumsum(sizes) - sizes
        rng = get_rng(self.random_state)
        for _ in range(self.n_splits):
            # one by one, as many numbers at once would be other numbers
            drawn = np.array([rng.randint(0, size) for size in sizes.tolist()], np.int64)
            left_out = starts + drawn
            if left_out.size == places.size:
                message = (
                    f"no user has a rating to learn from beside the one left out and more than {self.min_n_ratings} in "
                    f"all. Hint: lower min_n_ratings."
                )
                raise ValueError(message)
            yield folds.fold(np.delete(places, left_out), places[left_out])

    def get_n_folds(self) -> int:
        """How many folds there are."""
        return self.n_splits


class PredefinedKFold:
    """The folds of a dataset that `Dataset.load_from_folds` has made."""

    n_splits: int

    def split(self, data: DatasetUserFolds) -> Iterator[Fold]:
        """The folds, (trainset, testset) each."""
        self.n_splits = len(data.folds_files)
        for train_file, test_file in data.folds_files:
            train, test = data.read_ratings(train_file), data.read_ratings(test_file)
            yield data.construct_trainset(train), data.construct_testset(test)

    def get_n_folds(self) -> int:
        """How many folds there are; known once `split` has begun."""
        return self.n_splits


def _number(size: float, n_ratings: int, whole: Any) -> int:  # noqa: ANN401  floor or ceil
    """A size as a number of ratings: that of a float is a share."""
    return int(whole(size * n_ratings) if np.asarray(size).dtype.kind == "f" else size)


class _Folds:
    """Makes folds of a dataset from places in its raw ratings, whose ids are looked up only once for all of them."""

    def __init__(self, data: DatasetAutoFolds) -> None:
        self.data = data
        # a dataset that makes its trainsets itself is asked for each
        self._own = getattr(data.construct_trainset, "__func__", None) is not Dataset.construct_trainset
        self._look_up()

    def _look_up(self) -> None:
        self.ratings = self.data.raw_ratings
        self.size = len(self.ratings)
        if not self._own:
            users, self._user_codes = numbered([user for user, _, _, _ in self.ratings])
            items, self._item_codes = numbered([item for _, item, _, _ in self.ratings])
            self._values = np.fromiter((rating for _, _, rating, _ in self.ratings), np.float64, self.size)
            self._users, self._items = list(users), list(items)

    def fold(self, train: Places, test: Places) -> Fold:
        """The trainset and the testset of the ratings at some places."""
        if self.data.raw_ratings is not self.ratings:
            self._look_up()  # others were put there since the last fold
        testset = self.data.construct_testset([self.ratings[place] for place in test.tolist()])
        if self._own:
            return self.data.construct_trainset([self.ratings[place] for place in train.tolist()]), testset
        trainset = Trainset.from_codes(
            self._users,
            self._user_codes[train],
            self._items,
            self._item_codes[train],
            self._values[train],
            self.data.reader.rating_scale,
        )
        return trainset, testset
