"""`Trainset`: ratings that an algorithm learns from, with inner ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, repeat
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float64, Id, Pointers
from foretaste.exceptions import DataError
from foretaste.kernels.numbering import number_integers
from foretaste.kernels.sorting import group_by_code

if TYPE_CHECKING:
    from foretaste.data import Interactions

Lists = dict[int, list[tuple[int, float]]]


class Rows(NamedTuple):
    """A sparse matrix by rows, as `SparseRows` is, with ratings as they are: in double precision."""

    indptr: Pointers
    indices: Codes
    values: Float64


class Trainset:
    """Ratings by user and by item, with inner ids: 0, 1, 2 ... in the order in which raw ids first appear.

    Made by `Dataset.build_full_trainset` and by the iterators of `model_selection`. Ratings are kept in arrays; the
    dictionaries `ur` and `ir` are made when somebody first asks for them, and are then what counts, so that they may be
    changed.

    Parameters
    ----------
    ur, ir : dict of lists
        ``{inner user id: [(inner item id, rating), ...]}``, and the same by item.
    n_users, n_items, n_ratings : int
    rating_scale : (lowest, highest)
    raw2inner_id_users, raw2inner_id_items : dict

    Attributes
    ----------
    global_mean : float
        The mean of all ratings.
    """

    def __init__(
        self,
        ur: Mapping[int, list[tuple[int, float]]] | None,
        ir: Mapping[int, list[tuple[int, float]]] | None,
        n_users: int,
        n_items: int,
        n_ratings: int,
        rating_scale: tuple[float, float],
        raw2inner_id_users: dict[Id, int],
        raw2inner_id_items: dict[Id, int],
    ) -> None:
        self._ur, self._ir = ur, ir
        self._by_user: Rows | None = None
        self._by_item: Rows | None = None
        self.n_users = n_users
        self.n_items = n_items
        self.n_ratings = n_ratings
        self.rating_scale = rating_scale
        self._raw2inner_id_users = raw2inner_id_users
        self._raw2inner_id_items = raw2inner_id_items
        self._inner2raw_id_users: dict[int, Id] | None = None
        self._inner2raw_id_items: dict[int, Id] | None = None
        self._global_mean: np.floating[Any] | None = None

    @classmethod
    def from_columns(
        cls, users: Iterable[Id], items: Iterable[Id], ratings: Iterable[float], rating_scale: tuple[float, float]
    ) -> Self:
        """From one sequence a column; raw ids may be anything that can be hashed, and a pair may occur twice."""
        raw_users, user_codes = numbered(users)
        raw_items, item_codes = numbered(items)
        values = np.fromiter(ratings, np.float64)
        sizes = (len(raw_users), len(raw_items), values.size)
        made = cls(None, None, *sizes, rating_scale, raw_users, raw_items)
        made._by_user = _grouped(user_codes, sizes[0], item_codes, values)
        made._by_item = _grouped(item_codes, sizes[1], user_codes, values)
        return made

    @classmethod
    def from_codes(
        cls,
        raw_users: Sequence[Id],
        user_codes: Codes,
        raw_items: Sequence[Id],
        item_codes: Codes,
        values: Float64,
        rating_scale: tuple[float, float],
    ) -> Self:
        """As `from_columns`, from places in lists of raw ids, of which only some may occur."""
        user_codes, users = _renumbered(user_codes, len(raw_users))
        item_codes, items = _renumbered(item_codes, len(raw_items))
        made = cls(
            None,
            None,
            len(users),
            len(items),
            values.size,
            rating_scale,
            {raw_users[place]: inner for inner, place in enumerate(users)},
            {raw_items[place]: inner for inner, place in enumerate(items)},
        )
        made._by_user = _grouped(user_codes, len(users), item_codes, values)
        made._by_item = _grouped(item_codes, len(items), user_codes, values)
        return made

    # Ratings --------------------------------------------------------------------------------------------------------

    @property
    def ur(self) -> Lists:
        """The ratings of each user: ``{inner user id: [(inner item id, rating), ...]}``."""
        if self._by_user is not None:
            self._ur, self._by_user = _lists(self._by_user), None
        return self._ur  # type: ignore[return-value]  # the one or the other is there

    @ur.setter
    def ur(self, lists: Mapping[int, list[tuple[int, float]]]) -> None:
        self._ur, self._by_user = lists, None

    @property
    def ir(self) -> Lists:
        """The ratings of each item: ``{inner item id: [(inner user id, rating), ...]}``."""
        if self._by_item is not None:
            self._ir, self._by_item = _lists(self._by_item), None
        return self._ir  # type: ignore[return-value]  # as above

    @ir.setter
    def ir(self, lists: Mapping[int, list[tuple[int, float]]]) -> None:
        self._ir, self._by_item = lists, None

    def rows(self) -> tuple[Rows, Rows]:
        """The ratings by user and by item, a row an inner id, in the order of the lists in `ur` and `ir`.

        Raises
        ------
        DataError
            There are inner ids beyond `n_users` or `n_items`.
        """
        by_user = _rows(self.ur, self.n_users) if self._by_user is None else self._by_user
        by_item = _rows(self.ir, self.n_items) if self._by_item is None else self._by_item
        _check_bounds("by user", by_user, self.n_users, self.n_items)
        _check_bounds("by item", by_item, self.n_items, self.n_users)
        return by_user, by_item

    def all_ratings(self) -> Iterator[tuple[int, int, float]]:
        """All (inner user id, inner item id, rating), user by user."""
        if self._by_user is None:
            for user, rated in self.ur.items():
                for item, rating in rated:
                    yield user, item, rating
            return
        indptr, indices, values = self._by_user
        for user in range(self.n_users):
            row = slice(indptr[user], indptr[user + 1])
            yield from zip(repeat(user), indices[row].tolist(), values[row].tolist())

    def all_users(self) -> range:
        """All inner user ids."""
        return range(self.n_users)

    def all_items(self) -> range:
        """All inner item ids."""
        return range(self.n_items)

    @property
    def global_mean(self) -> Any:  # noqa: ANN401  numpy's float64; NaN without ratings
        """The mean of all ratings."""
        if self._global_mean is None:
            by_user = self._by_user
            ratings = [rating for _, _, rating in self.all_ratings()] if by_user is None else by_user.values
            self._global_mean = np.mean(ratings)
        return self._global_mean

    # Ids ------------------------------------------------------------------------------------------------------------

    def knows_user(self, uid: Any) -> bool:  # noqa: ANN401  any object; an inner id or not
        """Whether this is the inner id of a user with ratings."""
        return _is_inner(uid, self.n_users) if self._by_user is not None else uid in self.ur

    def knows_item(self, iid: Any) -> bool:  # noqa: ANN401  as above
        """Whether this is the inner id of an item with ratings."""
        return _is_inner(iid, self.n_items) if self._by_item is not None else iid in self.ir

    def to_inner_uid(self, ruid: Id) -> int:
        """The inner id of a user.

        Raises
        ------
        ValueError
            There is none of that raw id.
        """
        try:
            return self._raw2inner_id_users[ruid]
        except KeyError:
            message = f"User {ruid} is not part of the trainset."
            raise ValueError(message) from None

    def to_inner_iid(self, riid: Id) -> int:
        """The inner id of an item.

        Raises
        ------
        ValueError
            There is none of that raw id.
        """
        try:
            return self._raw2inner_id_items[riid]
        except KeyError:
            message = f"Item {riid} is not part of the trainset."
            raise ValueError(message) from None

    def to_raw_uid(self, iuid: int) -> Id:
        """The raw id of a user.

        Raises
        ------
        ValueError
            There is none of that inner id.
        """
        return _raw(iuid, self._raw_users())

    def to_raw_iid(self, iiid: int) -> Id:
        """The raw id of an item.

        Raises
        ------
        ValueError
            There is none of that inner id.
        """
        return _raw(iiid, self._raw_items())

    def inner_users(self, raw_ids: Iterable[Id]) -> Codes:
        """Inner ids of many users at once; -1 for one without ratings here."""
        return _inner(raw_ids, self._raw2inner_id_users, self.knows_user if self._by_user is None else None)

    def inner_items(self, raw_ids: Iterable[Id]) -> Codes:
        """Inner ids of many items at once; -1 for one without ratings here."""
        return _inner(raw_ids, self._raw2inner_id_items, self.knows_item if self._by_item is None else None)

    def _raw_users(self) -> dict[int, Id]:
        if self._inner2raw_id_users is None:
            self._inner2raw_id_users = {inner: raw for raw, inner in self._raw2inner_id_users.items()}
        return self._inner2raw_id_users

    def _raw_items(self) -> dict[int, Id]:
        if self._inner2raw_id_items is None:
            self._inner2raw_id_items = {inner: raw for raw, inner in self._raw2inner_id_items.items()}
        return self._inner2raw_id_items

    # Test sets ------------------------------------------------------------------------------------------------------

    def build_testset(self) -> list[tuple[Id, Id, float]]:
        """All ratings as (raw user id, raw item id, rating)."""
        users, items = self._raw_users(), self._raw_items()
        return [(users[user], items[item], rating) for user, item, rating in self.all_ratings()]

    def build_anti_testset(self, fill: float | None = None) -> list[tuple[Id, Id, float]]:
        """Every pair of a user and an item that has no rating, as (raw user id, raw item id, fill).

        Parameters
        ----------
        fill : float, optional
            What stands for the true rating; the mean of all ratings, if not given.
        """
        filled = self.global_mean if fill is None else float(fill)
        by_user, _ = self.rows()
        raw_items = [self.to_raw_iid(item) for item in self.all_items()]
        pairs = []
        for user in self.all_users():
            raw_user = self.to_raw_uid(user)
            rated = set(by_user.indices[by_user.indptr[user] : by_user.indptr[user + 1]].tolist())
            pairs += [(raw_user, raw, filled) for item, raw in enumerate(raw_items) if item not in rated]
        return pairs

    # To foretaste ---------------------------------------------------------------------------------------------------

    def to_interactions(self) -> Interactions:
        """The ratings as foretaste's own container, user by user; codes there are the inner ids here.

        Raises
        ------
        DataError
            A rating is missing or outside the rating scale, which a Trainset does not look at.
        """
        # not at the top: a program written for Surprise does without all that foretaste's containers load
        from foretaste.data import Interactions, Vocabulary  # noqa: PLC0415

        indptr, indices, values = self.rows()[0]
        users = np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(indptr))
        checked = Interactions.from_arrays(users, indices, values, scale=self.rating_scale, duplicates="keep")
        return replace(
            checked,
            users=Vocabulary([self.to_raw_uid(user) for user in self.all_users()]),
            items=Vocabulary([self.to_raw_iid(item) for item in self.all_items()]),
            user_codes=users,
            item_codes=indices,
        )


def numbered(raw_ids: Iterable[Id]) -> tuple[dict[Id, int], Codes]:
    """Inner ids by raw ids, in order of first appearance, and the inner id of each."""
    inner: defaultdict[Id, int] = defaultdict()
    inner.default_factory = inner.__len__  # a raw id met for the first time gets the next number
    codes = np.fromiter(map(inner.__getitem__, raw_ids), np.int32)
    return dict(inner), codes


def _renumbered(codes: Codes, n_codes: int) -> tuple[Codes, list[int]]:
    """Codes in order of first appearance, and the old code of each new one."""
    table, old, new = np.full(n_codes, -1, np.int32), np.empty(n_codes, np.int64), np.empty(codes.size, np.int32)
    n_found = number_integers(codes.astype(np.int64), table, 0, old, 0, new)
    return new, old[:n_found].tolist()


def _grouped(row_codes: Codes, n_rows: int, column_codes: Codes, values: Float64) -> Rows:
    indptr, order = group_by_code(row_codes, n_rows)
    return Rows(indptr, column_codes[order], values[order])


def _lists(rows: Rows) -> Lists:
    lists: Lists = defaultdict(list)
    ends, columns, values = rows.indptr.tolist(), rows.indices.tolist(), rows.values.tolist()
    entries = list(zip(columns, values, strict=True))
    for row, (first, last) in enumerate(pairwise(ends)):
        lists[row] = entries[first:last]
    return lists


def _rows(lists: Mapping[int, list[tuple[int, float]]], n_rows: int) -> Rows:
    # get: a dictionary that makes what it lacks is not to grow by being read
    rows = [lists.get(row) or () for row in range(n_rows)]
    indptr = np.zeros(n_rows + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=indptr[1:])
    indices = np.fromiter((column for row in rows for column, _ in row), np.int32, indptr[-1])
    return Rows(indptr, indices, np.fromiter((value for row in rows for _, value in row), np.float64, indptr[-1]))


def _check_bounds(which: str, rows: Rows, n_rows: int, n_columns: int) -> None:
    """Refuse what would send a kernel, which does not look, past the end of an array."""
    indptr, indices, values = rows
    whole = indptr.shape == (n_rows + 1,) and indices.shape == values.shape == (indices.size,)
    if not (whole and indptr[0] == 0 and indptr[-1] == indices.size and (np.diff(indptr) >= 0).all()):
        message = (
            f"the ratings {which} of a Trainset must be {n_rows} rows, as it says itself, and are not. "
            f"Hint: build it anew, by construct_trainset of a Dataset."
        )
        raise DataError(message)
    if indices.size and not (indices.min() >= 0 and indices.max() < n_columns):
        wrong = indices[(indices < 0) | (indices >= n_columns)][0]
        message = (
            f"the ratings {which} of a Trainset must have inner ids of 0 to {n_columns - 1}, got {wrong}. "
            f"Hint: what is new in 'ur' or 'ir' has to be counted in 'n_users' and 'n_items', too."
        )
        raise DataError(message)


def _is_inner(code: Any, n_codes: int) -> bool:  # noqa: ANN401  any object
    """Whether it equals one of 0, 1, ... n_codes - 1, as a key of a dictionary would."""
    if type(code) is int:  # what nearly all are
        return 0 <= code < n_codes
    number: Any = code if isinstance(code, Real) else -1
    return bool(0 <= number < n_codes and number == int(number))


def _raw(inner: int, raw_ids: Mapping[int, Id]) -> Id:
    try:
        return raw_ids[inner]
    except KeyError:
        message = f"{inner} is not a valid inner id."
        raise ValueError(message) from None


def _inner(raw_ids: Iterable[Id], known: Mapping[Id, int], has_ratings: Callable[[int], bool] | None) -> Codes:
    codes: npt.NDArray[np.int32] = np.fromiter(map(known.get, raw_ids, repeat(-1)), np.int32)
    if has_ratings is not None:
        codes[[not has_ratings(code) for code in codes.tolist()]] = -1
    return codes
