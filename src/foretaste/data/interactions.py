"""`Interactions`: who rated, played or bought what; the one container every model learns from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from foretaste._typing import Codes, DuplicatePolicy, Float32, Float64, Frame, Id, Pointers
from foretaste.data.frames import (
    DEFAULT_KIND,
    frame_column,
    frame_columns,
    frame_kind,
    is_missing,
    make_frame,
    plain_series,
)
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.utils.pieces import pieces

if TYPE_CHECKING:
    from foretaste.surprise.dataset import DatasetAutoFolds

_DUPLICATE_POLICIES = ("error", "last", "mean", "keep")


class SparseRows(NamedTuple):
    """A sparse matrix by rows: the entries of row r are `indptr[r]:indptr[r + 1]`, in the order of the data."""

    indptr: Pointers
    indices: Codes
    values: Float32

    def extended(self, n_rows: int) -> SparseRows:
        """The same with empty rows at the end, `n_rows` in all."""
        empty = np.full(n_rows + 1 - self.indptr.size, self.indptr[-1])
        return self._replace(indptr=np.concatenate([self.indptr, empty]))

    def taken(self, rows: Codes) -> SparseRows:
        """Some of the rows, in the order asked for; an empty one for -1."""
        counts = np.diff(self.indptr, append=self.indptr[-1])[rows]  # the last, of nothing, is that of -1
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        places = np.repeat(self.indptr[rows] - indptr[:-1], counts) + np.arange(indptr[-1])
        return SparseRows(indptr, self.indices[places], self.values[places])

    def row_codes(self) -> Codes:
        """The row of each entry."""
        return np.repeat(np.arange(self.indptr.size - 1, dtype=np.int32), np.diff(self.indptr))

    @classmethod
    def of_entries(
        cls, row_codes: Codes, n_rows: int, column_codes: Codes, values: Float32 | None = None
    ) -> SparseRows:
        """From entries in any order, ones where there are no values; those that come sorted by row are not copied."""
        from foretaste.kernels.sorting import (  # noqa: PLC0415  keeps the compiler out of `import foretaste`
            is_sorted,
            row_starts,
            sparse_rows,
        )

        values = np.ones(column_codes.size, np.float32) if values is None else values
        if is_sorted(row_codes):
            return cls(row_starts(row_codes, n_rows), column_codes, values)
        return cls(*sparse_rows(row_codes, n_rows, column_codes, values))

    @classmethod
    def stacked(cls, parts: Sequence[SparseRows]) -> SparseRows:
        """The rows of several matrices below each other."""
        starts = np.cumsum([0] + [part.indices.size for part in parts])
        indptr = [part.indptr[1:] + start for part, start in zip(parts, starts, strict=False)]
        return cls(
            np.concatenate([[0], *indptr]).astype(np.int64),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.values for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Interactions:
    """Ratings, plays or purchases, with ids outside and int32 codes inside.

    Made by one of the `from_` methods, or by `read_interactions` from a file, which check everything once: ids
    present, ratings finite and inside the scale, pairs unique unless told otherwise. Immutable; the sparse forms are
    built on first use and kept.

    Attributes
    ----------
    users, items : Vocabulary
        The ids, in the order of their codes (first appearance).
    user_codes, item_codes : int32 arrays of shape (n_ratings,)
        One entry a row, in the order of the data.
    ratings : float32 array of shape (n_ratings,) or None
        None for events without a rating. Seven significant digits are kept.
    times : polars Series of length n_ratings or None
        Whatever orders the rows: unix seconds, dates, datetimes.
    weights : float32 array of shape (n_ratings,) or None
        How much an event counts.
    scale : tuple of float
        Lowest and highest possible rating: as declared, else as seen in the data.
    kind : str
        The frame library the data came from; results come back in it.

    Examples
    --------
    >>> ratings = Interactions.from_dict({"an": {"ommazh": 5, "bts": 0}, "diego": {"bts": 5}})
    >>> ratings.n_users, ratings.n_items, ratings.n_ratings
    (2, 2, 3)
    >>> ratings.scale
    (0.0, 5.0)
    """

    users: Vocabulary
    items: Vocabulary
    user_codes: Codes
    item_codes: Codes
    ratings: Float32 | None = None
    times: pl.Series | None = None
    weights: Float32 | None = None
    scale: tuple[float, float] = (0.0, 1.0)
    kind: str = DEFAULT_KIND

    # Making ---------------------------------------------------------------------------------------------------------

    @classmethod
    def from_arrays(
        cls,
        users: Iterable[Id],
        items: Iterable[Id],
        ratings: npt.ArrayLike | None = None,
        *,
        times: Iterable[Any] | None = None,
        weights: npt.ArrayLike | None = None,
        scale: tuple[float, float] | None = None,
        duplicates: DuplicatePolicy = "error",
        kind: str = DEFAULT_KIND,
    ) -> Interactions:
        """From one sequence a column.

        Parameters
        ----------
        users, items : iterables of hashables
            One id a row.
        ratings, weights : array-like of numbers, optional
        times : iterable, optional
            Anything that can be ordered.
        scale : (lowest, highest), optional
            Possible ratings; a rating outside is an error. By default what the data hold.
        duplicates : {"error", "last", "mean", "keep"}
            What to do with a pair of user and item that occurs more than once: refuse, keep the last row (the latest,
            where there are times), average the ratings, or keep every event.
        kind : str
            Frame library for results.

        Raises
        ------
        DataError
            No rows, columns of unequal length, a missing id, a rating that is not a finite number or outside the
            scale, a duplicate pair under ``duplicates="error"``.
        InvalidParameterError
            An unknown policy, or a scale whose ends are not in order.
        """
        if duplicates not in _DUPLICATE_POLICIES:
            message = f"'duplicates' must be one of {', '.join(map(repr, _DUPLICATE_POLICIES))}, got {duplicates!r}."
            raise InvalidParameterError(message)
        user_vocabulary, user_codes = _build("user", users)
        item_vocabulary, item_codes = _build("item", items)
        given = None if ratings is None else _numbers("rating", ratings)
        moments = None if times is None else pl.Series("time", times, strict=False)
        counts = None if weights is None else _numbers("weight", weights)
        columns = {"users": user_codes, "items": item_codes, "ratings": given, "times": moments, "weights": counts}
        lengths = {name: len(column) for name, column in columns.items() if column is not None}
        if len(set(lengths.values())) > 1:
            message = f"columns must be of equal length, got {lengths}."
            raise DataError(message)
        if not user_codes.size:
            message = "there are no rows. Hint: at least one user and item is needed to learn from."
            raise DataError(message)
        scale = _checked_scale(given, scale)
        made = cls(user_vocabulary, item_vocabulary, user_codes, item_codes, given, moments, counts, scale, kind)
        return made._without_duplicates(duplicates)

    @classmethod
    def from_frame(
        cls,
        frame: Frame,
        *,
        user: str = "user",
        item: str = "item",
        rating: str | None = "rating",
        time: str | None = "time",
        weight: str | None = "weight",
        scale: tuple[float, float] | None = None,
        duplicates: DuplicatePolicy = "error",
    ) -> Interactions:
        """From any frame narwhals understands (polars, pandas, pyarrow), one row an interaction.

        `user`, `item`, `rating`, `time` and `weight` name the columns. The last three may be absent under their
        default names, or be switched off with None; a name given otherwise must exist. `scale` and `duplicates` are
        as in `from_arrays`.
        """
        present = set(frame_columns(frame))

        def optional(name: str | None, default: str) -> pl.Series | None:
            absent = name is None or (name == default and name not in present)
            return None if absent else frame_column(frame, name)  # type: ignore[arg-type]  # not None here

        return cls.from_arrays(
            frame_column(frame, user),
            frame_column(frame, item),
            optional(rating, "rating"),
            times=optional(time, "time"),
            weights=optional(weight, "weight"),
            scale=scale,
            duplicates=duplicates,
            kind=frame_kind(frame),
        )

    @classmethod
    def from_dict(
        cls, ratings: Mapping[Id, Mapping[Id, float]], *, scale: tuple[float, float] | None = None
    ) -> Interactions:
        """From ``{user: {item: rating}}``."""
        rows = [(user, item, rating) for user, rated in ratings.items() for item, rating in rated.items()]
        users, items, values = zip(*rows, strict=True) if rows else ((), (), ())
        return cls.from_arrays(list(users), list(items), list(values), scale=scale)

    # Looking --------------------------------------------------------------------------------------------------------

    @property
    def n_users(self) -> int:
        """Number of distinct users."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """Number of distinct items."""
        return len(self.items)

    @property
    def n_ratings(self) -> int:
        """Number of rows."""
        return int(self.user_codes.size)

    def __len__(self) -> int:
        return self.n_ratings

    def __repr__(self) -> str:
        return f"Interactions({self.n_ratings} rows, {self.n_users} users, {self.n_items} items)"

    @property
    def values(self) -> Float32:
        """The ratings, or ones where there are none."""
        return np.ones(self.n_ratings, np.float32) if self.ratings is None else self.ratings

    def by_user(self) -> SparseRows:
        """The interactions of each user: rows are users, indices are item codes."""
        return self._by_user

    def by_item(self) -> SparseRows:
        """The interactions of each item: rows are items, indices are user codes."""
        return self._by_item

    def events(self) -> SparseRows:
        """What each user has, whatever the ratings: an entry a pair of user and item, items ascending in a row.

        The value of a pair is the sum of the weights of its rows, or their number where there are no weights.
        """
        return self._events

    @cached_property
    def _events(self) -> SparseRows:
        from foretaste.kernels.sorting import (  # noqa: PLC0415  keeps the compiler out of `import foretaste`
            add_repeats,
            sparse_rows,
            transpose_rows,
        )

        weights = np.ones(self.n_ratings, np.float32) if self.weights is None else self.weights
        by_item = sparse_rows(self.item_codes, self.n_items, self.user_codes, weights)
        indptr, indices, values = transpose_rows(*by_item, self.n_users)
        n_pairs = add_repeats(indptr, indices, values)
        if n_pairs < indices.size:  # not a view of the longer arrays, which would stay in memory
            indices, values = indices[:n_pairs].copy(), values[:n_pairs].copy()
        return SparseRows(indptr, indices, values)

    @cached_property
    def _by_user(self) -> SparseRows:
        return SparseRows.of_entries(self.user_codes, self.n_users, self.item_codes, self.values)

    @cached_property
    def _by_item(self) -> SparseRows:
        return SparseRows.of_entries(self.item_codes, self.n_items, self.user_codes, self.values)

    def _repeated_pair(self) -> tuple[int, int]:
        """User and item of a pair that occurs more than once, or (-1, -1)."""
        from foretaste.kernels.sorting import BLOCK, first_repeat  # noqa: PLC0415  keeps the compiler out of imports

        if self.n_ratings <= BLOCK or "_by_user" in self.__dict__:
            return first_repeat(self._by_user.indptr, self._by_user.indices, self.n_items)
        for first, rows in self._row_blocks():
            user, item = first_repeat(rows.indptr, rows.indices, self.n_items)
            if user >= 0:
                return first + user, item
        return -1, -1

    def _row_blocks(self) -> Iterator[tuple[int, SparseRows]]:
        """The first user and the sparse rows of one block of users after another: all of them never stand at once."""
        from foretaste.kernels.sorting import BLOCK, gather_rows, row_blocks, row_starts  # noqa: PLC0415  as above

        columns, starts = (self.user_codes, self.item_codes, self.values), row_starts(self.user_codes, self.n_users)
        for first, last in row_blocks(starts, BLOCK):
            indptr = starts[first : last + 1] - starts[first]
            indices, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
            gather_rows(*columns, first, indptr[:-1].copy(), indices, values)
            yield first, SparseRows(indptr, indices, values)

    def describe(self) -> dict[str, Any]:
        """The figures one looks at first: sizes, density, the scale and its mean, activity of users and items."""
        per_user = np.bincount(self.user_codes, minlength=self.n_users)
        per_item = np.bincount(self.item_codes, minlength=self.n_items)
        figures: dict[str, Any] = {
            "rows": self.n_ratings,
            "users": self.n_users,
            "items": self.n_items,
            "density": self.n_ratings / (self.n_users * self.n_items),
            "rows per user (min, median, max)": _spread(per_user),
            "rows per item (min, median, max)": _spread(per_item),
        }
        if self.ratings is not None:
            ratings = self.ratings.astype(np.float64)
            figures |= {"scale": self.scale, "mean rating": ratings.mean(), "standard deviation": ratings.std()}
        if self.times is not None:
            figures["time"] = (self.times.min(), self.times.max())
        return figures

    def to_frame(self) -> Frame:
        """The rows as a frame of the kind they came in: user, item, and rating, time, weight where there are any."""
        return make_frame(self._pair_columns() | self._value_columns(), self.kind)

    def to_xy(self, *, times: bool = False) -> tuple[Frame, Float64]:
        """What scikit-learn takes: a frame of user and item, and the ratings as an array.

        With `times` the frame has a column `time` too, if there are any.

        Raises
        ------
        DataError
            There are no ratings.
        """
        columns = self._pair_columns()
        if times and self.times is not None:
            columns["time"] = self.times
        return make_frame(columns, self.kind), self.require_ratings("to_xy").astype(np.float64)

    def to_surprise(self) -> DatasetAutoFolds:
        """The ratings as a `Dataset` of `foretaste.surprise`, for programs written for Surprise.

        A rating becomes the shortest decimal number that it stands for: 4.1, not the 4.099999905 that single precision
        makes of it.

        Raises
        ------
        DataError
            There are no ratings.
        """
        from foretaste.surprise.dataset import Dataset  # noqa: PLC0415  the room stands above this one
        from foretaste.surprise.reader import Reader  # noqa: PLC0415  as above

        distinct, place = np.unique(self.require_ratings("to_surprise"), return_inverse=True)
        ratings = distinct.astype(str).astype(np.float64)[place]
        frame = pl.DataFrame(self._pair_columns() | {"rating": ratings})
        return Dataset.load_from_df(frame, Reader(rating_scale=self.scale))

    def require_ratings(self, who: str) -> Float32:
        """The ratings; an error that names `who` needs them where there are none."""
        if self.ratings is None:
            message = f"{who} needs ratings, and these interactions have none. Hint: add a 'rating' column."
            raise DataError(message)
        return self.ratings

    def require_unique_pairs(self, who: str) -> None:
        """Raise a `DataError` that names a pair that occurs more than once, where `who` needs pairs to be unique."""
        user, item = self._repeated_pair()
        if user >= 0:
            message = (
                f"{who} needs one rating at most of each pair, and user {self.users.decode_one(user)!r} has item "
                f"{self.items.decode_one(item)!r} more than once. "
                f"Hint: duplicates='mean' or 'last', when the Interactions are made, keeps one of them."
            )
            raise DataError(message)

    # Choosing rows --------------------------------------------------------------------------------------------------

    def select(
        self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.integer[Any]], *, keep_ids: bool = False
    ) -> Interactions:
        """Some rows (a mask or positions) as interactions of their own.

        Ids that no longer occur are forgotten, unless `keep_ids`: then codes mean what they meant before.
        """
        users, user_codes = self.users, self.user_codes[rows]
        items, item_codes = self.items, self.item_codes[rows]
        if not keep_ids:
            users, user_codes = _compact(users, user_codes)
            items, item_codes = _compact(items, item_codes)
        positions = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return replace(
            self,
            users=users,
            items=items,
            user_codes=user_codes,
            item_codes=item_codes,
            ratings=None if self.ratings is None else self.ratings[rows],
            times=None if self.times is None else self.times.gather(positions),
            weights=None if self.weights is None else self.weights[rows],
        )

    def at_least(self, rating: float) -> Interactions:
        """The rows whose rating is at least so much, as events without ratings; ids without such a row are forgotten.

        Raises
        ------
        DataError
            There are no ratings.
        """
        chosen = self.select(self.require_ratings("at_least") >= rating)
        return replace(chosen, ratings=None, scale=(0.0, 1.0))

    # Inside ---------------------------------------------------------------------------------------------------------

    def _pair_columns(self) -> dict[str, Any]:
        return {"user": self.users.decode(self.user_codes), "item": self.items.decode(self.item_codes)}

    def _value_columns(self) -> dict[str, Any]:
        columns = {"rating": self.ratings, "time": self.times, "weight": self.weights}
        return {name: column for name, column in columns.items() if column is not None}

    def _without_duplicates(self, policy: DuplicatePolicy) -> Interactions:
        if policy == "keep":
            return self
        user, item = self._repeated_pair()
        if user < 0:
            return self
        pairs = self.user_codes.astype(np.int64) * self.n_items + self.item_codes
        if policy == "error":
            message = (
                f"user {self.users.decode_one(user)!r} and item {self.items.decode_one(item)!r} occur together more "
                f"than once ({self.n_ratings - np.unique(pairs).size} of {self.n_ratings} rows repeat a pair). "
                f"Hint: choose duplicates='last', 'mean' or 'keep'."
            )
            raise DataError(message)
        frame = pl.DataFrame({"pair": pairs, "row": np.arange(self.n_ratings), "value": self.values})
        if policy == "mean":
            frame = frame.with_columns(pl.col("value").mean().over("pair"))
        if self.times is not None:
            frame = frame[self.times.arg_sort()]
        kept = frame.unique("pair", keep="last", maintain_order=True).sort("row")
        chosen = self.select(kept["row"].to_numpy())
        return chosen if self.ratings is None else replace(chosen, ratings=kept["value"].to_numpy())


def _build(name: str, ids: Iterable[Id]) -> tuple[Vocabulary, Codes]:
    try:
        return Vocabulary.build(ids)
    except DataError as error:
        message = f"column {name!r}: {error}"
        raise DataError(message) from error


def _numbers(name: str, values: npt.ArrayLike) -> Float32:
    """A column of finite numbers as float32; anything else is named with its row."""
    column = values if isinstance(values, pl.Series) else _one_column(name, values)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        numbers = pl.Series(name, [_number(value) for value in column], dtype=pl.Float64)
        row = numbers.is_null().arg_true()
        if len(row):
            message = f"row {row[0]}: {name} {column[row[0]]!r} is not a number ({len(row)} such rows)."
            raise DataError(message)
        column = numbers
    narrow = np.empty(len(column), np.float32)
    with np.errstate(over="ignore"):
        for piece in pieces(len(column)):
            narrow[piece] = _wide(column[piece])
    if np.isfinite(narrow).all():
        return narrow
    array = _wide(column)
    wrong = np.flatnonzero(~np.isfinite(array))
    if wrong.size:
        message = (
            f"row {wrong[0]}: {name} must be a finite number, got {array[wrong[0]]} ({wrong.size} such rows). "
            f"Hint: drop rows without a {name} first."
        )
        raise DataError(message)
    message = f"a {name} of {np.abs(array).max():g} is beyond the range of float32 (3.4e38)."
    raise DataError(message)


def _wide(column: pl.Series) -> Float64:
    """Numbers in double precision; a missing one is NaN."""
    return column.cast(pl.Float64).to_numpy()


def _one_column(name: str, values: npt.ArrayLike) -> pl.Series:
    try:
        array = np.asarray(values)
    except ValueError as error:
        message = f"{name}s must be one column of numbers, got lists of unequal length."
        raise DataError(message) from error
    if array.ndim != 1 or array.dtype.kind == "c":
        message = f"{name}s must be one column of real numbers, got an array of shape {array.shape} and {array.dtype}."
        raise DataError(message)
    return pl.Series(name, array) if array.dtype.kind in "iufb" else plain_series(name, array.tolist())


def _number(value: object) -> float | None:
    """A number, or a text that is one; NaN for a gap, None for anything else."""
    if is_missing(value):
        return float("nan")
    try:
        return float(value) if isinstance(value, (str, int, float, Decimal)) else None
    except ValueError:
        return None


def _checked_scale(ratings: Float32 | None, scale: tuple[float, float] | None) -> tuple[float, float]:
    if scale is not None and not scale[0] < scale[1]:
        message = f"'scale' must be (lowest, highest) with lowest < highest, got {scale!r}."
        raise InvalidParameterError(message)
    if ratings is None:
        return scale or (0.0, 1.0)
    lowest, highest = float(ratings.min()), float(ratings.max())
    if scale is None:
        return lowest, highest
    if lowest < scale[0] or highest > scale[1]:
        outside = np.flatnonzero((ratings < scale[0]) | (ratings > scale[1]))
        message = (
            f"row {outside[0]}: rating {ratings[outside[0]]:g} is outside the scale {scale[0]:g} to {scale[1]:g} "
            f"({outside.size} such rows). Hint: the data run from {lowest:g} to {highest:g}."
        )
        raise DataError(message)
    return float(scale[0]), float(scale[1])


def _compact(vocabulary: Vocabulary, codes: Codes) -> tuple[Vocabulary, Codes]:
    """The part of a vocabulary that occurs among `codes`, in order of first appearance, and the codes within it."""
    present, first, position = np.unique(codes, return_index=True, return_inverse=True)
    by_appearance = np.argsort(first)
    rank = np.empty(present.size, np.int32)
    rank[by_appearance] = np.arange(present.size, dtype=np.int32)
    return Vocabulary(vocabulary.decode(present[by_appearance])), rank[position]


def _spread(counts: npt.NDArray[np.integer[Any]]) -> tuple[int, float, int]:
    return int(counts.min()), float(np.median(counts)), int(counts.max())
