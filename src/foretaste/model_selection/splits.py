"""Ways to hold out a part of the data: each an honest rehearsal of another question."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from foretaste._typing import RandomState
from foretaste.data.coerce import as_pairs
from foretaste.data.frames import frame_column, frame_columns, is_frame
from foretaste.data.interactions import Interactions
from foretaste.exceptions import DataError, DataWarning, UnsupportedError
from foretaste.kernels.sorting import group_by_code
from foretaste.utils.random import generator
from foretaste.utils.validation import Constraint, Float, Int, check_parameters
from foretaste.utils.warn import warn

Rows = npt.NDArray[np.int64]
"""Positions of rows."""


class Fold(NamedTuple):
    """A part to learn from and a part to be tested on.

    Attributes
    ----------
    name : str
    train, test : Interactions
    known : Interactions or None
        What is known of the users of the test part where the training part does not hold them: a fitted model learns
        of it by `fold_in`.
    dropped : dict from str to int
        What was left out of all parts, or could not be tested, and how often.
    """

    name: str
    train: Interactions
    test: Interactions
    known: Interactions | None = None
    dropped: dict[str, int] = {}  # noqa: RUF012  a fold is never written to


class Parts(NamedTuple):
    """Positions of the rows of a fold; each row is in one part at most."""

    train: Rows
    test: Rows
    known: Rows | None = None
    dropped: dict[str, int] = {}  # noqa: RUF012  as in Fold


class Splitter:
    """What all ways to hold out share: folds of interactions, and scikit-learn's `split`.

    Anything of this kind serves as `cv` of `compare`, and, `NewUsers` apart, of scikit-learn's functions.
    """

    _constraints: ClassVar[dict[str, Constraint]] = {}
    n_repeats: int = 1

    def folds(self, data: Interactions) -> Iterator[Fold]:
        """The parts, as interactions.

        Raises
        ------
        InvalidParameterError
            A parameter is out of range.
        DataError
            A part would be empty, or there are no times to go by.
        """
        for number, parts in enumerate(self._checked_parts(data), start=1):
            known = None if parts.known is None else data.select(parts.known)
            yield Fold(str(number), data.select(parts.train), data.select(parts.test), known, parts.dropped)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:  # noqa: ANN401, ARG002  scikit-learn's own signature
        """Positions of training and test rows, as scikit-learn asks for them.

        Parameters
        ----------
        X : frame, list of pairs, array or Interactions
            Columns `user` and `item`, and `time` for those that go by it.
        y, groups : object
            Not looked at.
        """
        data = X if isinstance(X, Interactions) else _as_events(X)
        for parts in self._checked_parts(data):
            if parts.dropped:
                told = "; ".join(f"{count} {what}" for what, count in parts.dropped.items())
                warn(f"{type(self).__name__}: {told}.", DataWarning)
            yield parts.train, parts.test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ANN401, ARG002  as above
        """How many folds there will be, whatever `X`, `y` and `groups` are."""
        return self.n_repeats

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def _checked_parts(self, data: Interactions) -> Iterator[Parts]:
        name = type(self).__name__
        check_parameters(name, vars(self), self._constraints)
        for parts in self._parts(data):
            sizes = {"training": parts.train.size, "test": parts.test.size}
            if parts.known is not None:
                sizes["known"] = parts.known.size
            if not all(sizes.values()):
                which = next(part for part, size in sizes.items() if not size)
                message = f"{name} leaves no row for the {which} part of {data!r}."
                raise DataError(message)
            yield parts

    @abstractmethod
    def _parts(self, data: Interactions) -> Iterator[Parts]:
        """The rows of each fold."""


class _RandomSplitter(Splitter):
    """What those that draw at random share."""

    _constraints: ClassVar = {"share": Float(0, 1, open_low=True), "n_repeats": Int(1)}

    def __init__(self, share: float = 0.2, *, n_repeats: int = 1, random_state: RandomState = 0) -> None:
        self.share = share
        self.n_repeats = n_repeats
        self.random_state = random_state

    def _parts(self, data: Interactions) -> Iterator[Parts]:
        rng = generator(self.random_state)
        for _ in range(self.n_repeats):
            yield self._draw(data, rng)

    @abstractmethod
    def _draw(self, data: Interactions, rng: np.random.Generator) -> Parts:
        """The rows of one fold."""


class RandomHoldout(_RandomSplitter):
    """A share of all rows, at random.

    Who has many rows has many test rows; somebody may have none in either part.

    Parameters
    ----------
    share : float
        Of the rows, for the test part.
    n_repeats : int
        How many folds, each drawn anew.
    random_state : int, Generator or None

    Examples
    --------
    >>> import foretaste as ft
    >>> data = ft.Interactions.from_frame(ft.datasets.albums())
    >>> [(len(fold.train), len(fold.test)) for fold in RandomHoldout(0.25, n_repeats=2).folds(data)]
    [(12, 4), (12, 4)]
    """

    def _draw(self, data: Interactions, rng: np.random.Generator) -> Parts:
        chosen = np.zeros(len(data), np.bool_)
        chosen[rng.permutation(len(data))[: _count(self.share, len(data))]] = True
        return Parts(np.flatnonzero(~chosen), np.flatnonzero(chosen))


class UserHoldout(_RandomSplitter):
    """A share of each user's rows, at random.

    What else would they like? A user with n rows gives the whole part of share times n; one with too few for a single
    row stays in the training part and is counted.

    Parameters
    ----------
    share : float
        Of each user's rows, for the test part.
    n_repeats : int
        How many folds, each drawn anew.
    random_state : int, Generator or None

    Examples
    --------
    >>> import foretaste as ft
    >>> data = ft.Interactions.from_frame(ft.datasets.albums())
    >>> fold = next(UserHoldout(0.25).folds(data))
    >>> len(fold.test), fold.test.n_users
    (3, 3)
    """

    def _draw(self, data: Interactions, rng: np.random.Generator) -> Parts:
        chosen, n_without = _share_of_each(data.user_codes, data.n_users, self.share, rng)
        return Parts(np.flatnonzero(~chosen), np.flatnonzero(chosen), dropped=_untested(n_without))


class LeaveLastOut(Splitter):
    """The last rows of each user by time.

    What came next? Of rows at the same moment the later in the data is the last. A user with no more than n rows stays
    in the training part and is counted.

    Parameters
    ----------
    n : int
        How many rows of each user.

    Examples
    --------
    >>> import foretaste as ft
    >>> data = ft.Interactions.from_arrays(["an", "an", "bo"], ["x", "y", "x"], times=[2, 1, 1])
    >>> fold = next(LeaveLastOut().folds(data))
    >>> fold.test.to_frame()["item"].to_list(), fold.dropped
    (['x'], {'users have too few rows to be tested': 1})
    """

    _constraints: ClassVar = {"n": Int(1)}

    def __init__(self, n: int = 1) -> None:
        self.n = n

    def _parts(self, data: Interactions) -> Iterator[Parts]:
        by_time = _time_order(data, "LeaveLastOut")
        indptr, order = group_by_code(data.user_codes[by_time], data.n_users)
        counts = np.diff(indptr)
        last = np.repeat(np.where(counts > self.n, indptr[1:] - self.n, indptr[1:]), counts)
        chosen = np.zeros(len(data), np.bool_)
        chosen[by_time[order]] = np.arange(len(data)) >= last
        yield Parts(np.flatnonzero(~chosen), np.flatnonzero(chosen), dropped=_untested(int((counts <= self.n).sum())))


class TimeSplit(Splitter):
    """Everything from one moment on.

    What will happen next? The only split that never learns from the future. The moment is chosen such that at most the
    share of the rows, and all rows of one moment together, are in the test part. Users who arrive after it are unknown
    to the model; they are counted.

    Parameters
    ----------
    share : float
        Of the rows, for the test part.

    Examples
    --------
    >>> import foretaste as ft
    >>> data = ft.Interactions.from_arrays(list("aabb"), list("xyxz"), times=[1, 2, 3, 4])
    >>> next(TimeSplit(0.5).folds(data)).test.to_frame()["item"].to_list()
    ['x', 'z']
    """

    _constraints: ClassVar = {"share": Float(0, 1, open_low=True)}

    def __init__(self, share: float = 0.2) -> None:
        self.share = share

    def _parts(self, data: Interactions) -> Iterator[Parts]:
        by_time = _time_order(data, "TimeSplit")
        moments = data.times.rank("dense").to_numpy()  # type: ignore[union-attr]  # _time_order has seen to it
        n_train = len(data) - _count(self.share, len(data))
        # rows of the last training moment go with it
        last = moments[by_time[n_train - 1]] if n_train else 0
        train, test = np.flatnonzero(moments <= last), np.flatnonzero(moments > last)
        new = np.setdiff1d(data.user_codes[test], data.user_codes[train]).size
        yield Parts(train, test, dropped={"users of the test part are not in the training part": new} if new else {})


class NewUsers(_RandomSplitter):
    """All rows of a share of the users.

    What would somebody like whom the training never met? A part of their rows is known and goes to `Fold.known`, the
    rest is to be found: strong generalisation (Marlin 2004, "Collaborative filtering: a machine learning perspective",
    section 3.3; Liang et al. 2018 with these shares). The fitted model is told of the known part by `fold_in`. A new
    user with too few rows for both parts is left out and counted, and so is a known row of an item that the training
    part does not hold.

    Parameters
    ----------
    share : float
        Of the users.
    held_out : float
        Of each new user's rows, for the test part.
    n_repeats : int
        How many folds, each drawn anew.
    random_state : int, Generator or None

    Examples
    --------
    >>> import foretaste as ft
    >>> data = ft.Interactions.from_frame(ft.datasets.albums())
    >>> fold = next(NewUsers(0.25, held_out=0.5).folds(data))
    >>> fold.train.n_users, len(fold.known), len(fold.test)
    (3, 2, 2)
    """

    _constraints: ClassVar = {
        "share": Float(0, 1, open_low=True),
        "held_out": Float(0, 1, open_low=True),
        "n_repeats": Int(1),
    }

    def __init__(
        self, share: float = 0.2, *, held_out: float = 0.2, n_repeats: int = 1, random_state: RandomState = 0
    ) -> None:
        super().__init__(share, n_repeats=n_repeats, random_state=random_state)
        self.held_out = held_out

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:  # noqa: ANN401, ARG002  as above
        """Not possible: scikit-learn knows two parts, and this makes three of `X`, whatever `y` and `groups` are."""
        message = (
            "NewUsers makes three parts, and scikit-learn knows two. "
            "Hint: foretaste.compare takes it as 'cv', and NewUsers.folds gives the parts."
        )
        raise UnsupportedError(message)

    def _draw(self, data: Interactions, rng: np.random.Generator) -> Parts:
        new = np.zeros(data.n_users, np.bool_)
        new[rng.permutation(data.n_users)[: _count(self.share, data.n_users)]] = True
        of_new = new[data.user_codes]
        chosen, _ = _share_of_each(data.user_codes, data.n_users, self.held_out, rng)
        n_test = np.bincount(data.user_codes[chosen], minlength=data.n_users)
        n_known = np.bincount(data.user_codes[~chosen], minlength=data.n_users)
        whole = (new & (n_test > 0) & (n_known > 0))[data.user_codes]
        in_train = np.zeros(data.n_items, np.bool_)
        in_train[data.item_codes[~of_new]] = True
        usable, known = in_train[data.item_codes], whole & ~chosen
        n_short = (new & ((n_test == 0) | (n_known == 0))).sum()
        dropped = {
            "new users have too few rows for two parts and are left out": n_short,
            "known rows are of items that are not in the training part and are left out": (known & ~usable).sum(),
        }
        return Parts(
            np.flatnonzero(~of_new),
            np.flatnonzero(whole & chosen),
            np.flatnonzero(known & usable),
            {what: int(count) for what, count in dropped.items() if count},
        )


class NewItems(_RandomSplitter):
    """All rows of a share of the items.

    Who would like what nobody has had yet? Only a model that knows the new items by their features can find them. Users
    who have nothing but new items are not in the training part; they are counted.

    Parameters
    ----------
    share : float
        Of the items.
    n_repeats : int
        How many folds, each drawn anew.
    random_state : int, Generator or None

    Examples
    --------
    >>> import foretaste as ft
    >>> data = ft.Interactions.from_frame(ft.datasets.albums())
    >>> fold = next(NewItems(0.25).folds(data))
    >>> fold.train.n_items, fold.test.n_items
    (4, 1)
    """

    def _draw(self, data: Interactions, rng: np.random.Generator) -> Parts:
        new = np.zeros(data.n_items, np.bool_)
        new[rng.permutation(data.n_items)[: _count(self.share, data.n_items)]] = True
        of_new = new[data.item_codes]
        train, test = np.flatnonzero(~of_new), np.flatnonzero(of_new)
        unknown = np.setdiff1d(data.user_codes[test], data.user_codes[train]).size
        counts = {"users of the test part are not in the training part": unknown} if unknown else {}
        return Parts(train, test, dropped=counts)


def _as_events(X: Any) -> Interactions:  # noqa: ANN401  whatever `predict` takes
    users, items = as_pairs(X)
    times = frame_column(X, "time") if is_frame(X) and "time" in frame_columns(X) else None
    return Interactions.from_arrays(users, items, times=times, duplicates="keep")


def _count(share: float, n: int) -> int:
    """The whole part of a share, such that 0.3 of 10 is 3 in spite of rounding."""
    return int(share * n + 1e-9)


def _share_of_each(
    codes: npt.NDArray[np.int32], n_codes: int, share: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.bool_], int]:
    """A share of the rows of each code, at random, as a mask; and how many codes are left without one."""
    shuffled = rng.permutation(codes.size)
    indptr, order = group_by_code(codes[shuffled], n_codes)
    counts = np.diff(indptr)
    n_chosen = (share * counts + 1e-9).astype(np.int64)
    chosen = np.zeros(codes.size, np.bool_)
    chosen[shuffled[order]] = np.arange(codes.size) < np.repeat(indptr[:-1] + n_chosen, counts)
    return chosen, int((n_chosen == 0).sum())


def _untested(n_users: int) -> dict[str, int]:
    return {"users have too few rows to be tested": n_users} if n_users else {}


def _time_order(data: Interactions, who: str) -> Rows:
    """Rows from the first to the last moment, those of one moment in their order."""
    if data.times is None or data.times.null_count():
        what = "there are none" if data.times is None else f"{data.times.null_count()} rows have none"
        message = f"{who} goes by times, and {what}. Hint: add a column 'time'."
        raise DataError(message)
    return np.argsort(data.times.rank("dense").to_numpy(), kind="stable")
