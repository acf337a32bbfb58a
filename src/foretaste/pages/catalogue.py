"""`Catalogue`: what is known of the items, in the order of a model's codes."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from foretaste._typing import Codes, Float64, Frame, Mask
from foretaste.data.frames import frame_column, frame_columns, is_missing
from foretaste.data.interactions import SparseRows
from foretaste.data.moments import days
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError


@dataclass(frozen=True, eq=False)
class Attribute:
    """The values of one column: which item has which.

    Attributes
    ----------
    name : str
    values : tuple of str
        In the order of their names.
    of_items : SparseRows
        A row an item: the values it has.
    members : SparseRows
        A row a value: the items that have it.
    """

    name: str
    values: tuple[str, ...]
    of_items: SparseRows
    members: SparseRows

    def items_with(self, value: int) -> Codes:
        """The codes of the items that have a value, by its position."""
        return self.members.indices[self.members.indptr[value] : self.members.indptr[value + 1]]

    def values_of(self, item: int) -> Codes:
        """The positions of an item's values."""
        return self.of_items.indices[self.of_items.indptr[item] : self.of_items.indptr[item + 1]]

    def grouped(self, items: Codes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """For each value v the positions of those of some items that have it, in their order.

        Returns
        -------
        starts, positions : int arrays
            Of value v: ``positions[starts[v] : starts[v + 1]]``.
        """
        rows = self.of_items
        sizes = rows.indptr[items + 1] - rows.indptr[items]
        before = np.cumsum(sizes) - sizes
        entries = np.repeat(rows.indptr[items] - before, sizes) + np.arange(sizes.sum())
        values = rows.indices[entries]
        # numbers of 16 bits are sorted by counting, which is many times as fast
        short = values.astype(np.uint16) if len(self.values) <= np.iinfo(np.uint16).max else values
        positions = np.repeat(np.arange(items.size), sizes)[np.argsort(short, kind="stable")]
        return np.concatenate([[0], np.cumsum(np.bincount(values, minlength=len(self.values)))]), positions

    @property
    def shares(self) -> sparse.csr_array:
        """How much of each item is in each value, shape (n_items, n_values): rows add up to 1, or to 0 without any."""
        rows, shape = self.of_items, (self.of_items.indptr.size - 1, len(self.values))
        several = np.maximum(np.diff(rows.indptr), 1)[rows.row_codes()]
        return sparse.csr_array((rows.values / several, rows.indices, rows.indptr), shape)

    def counts(self, items: Codes, weights: Float64 | None = None) -> Float64:
        """How often each value occurs among some items."""
        rows, n_values = self.of_items, len(self.values)
        if weights is None:  # a few items: their own values only
            found = [rows.indices[rows.indptr[item] : rows.indptr[item + 1]] for item in items]
            return np.bincount(np.concatenate([np.zeros(0, np.int32), *found]), minlength=n_values).astype(np.float64)
        by_item = np.bincount(items, weights, rows.indptr.size - 1)
        return np.bincount(rows.indices, by_item[rows.row_codes()], n_values).astype(np.float64)


def expression(where: str) -> pl.Expr:
    """What a text says of columns, read as SQL has it.

    Raises
    ------
    InvalidParameterError
        It cannot be read.
    """
    try:
        return pl.sql_expr(where)
    except pl.exceptions.PolarsError as error:
        message = f"where = {where!r} cannot be read: {str(error).splitlines()[0]}."
        raise InvalidParameterError(message) from error


def log_odds(own: Float64, everybody: Float64, values: npt.NDArray[np.intp] | slice = slice(None)) -> Float64:
    r"""How surely each value occurs more often among one's own than among everybody's, in standard deviations.

    .. math:: z_v = \frac{\delta_v}{\sqrt{1 / (y_v + a_v) + 1 / (y'_v + a_v)}}, \qquad
        \delta_v = \log \frac{y_v + a_v}{n + a - y_v - a_v} - \log \frac{y'_v + a_v}{n' + a - y'_v - a_v}

    with y and y' the counts, n and n' their sums, and a prior shaped like everybody's counts, of as many as there are
    values (Monroe, Colaresi, Quinn 2008, "Fightin' words", equations 18, 19 and 22). `values` are those wanted.
    """
    size, total = everybody.size, everybody.sum()
    n_mine, n_theirs = own.sum() + size, total + size
    own, everybody = own[values], everybody[values]
    prior = size * (everybody + 1) / (total + size)
    mine, theirs = own + prior, everybody + prior
    delta = np.log(mine / np.maximum(n_mine - mine, 1e-9)) - np.log(theirs / np.maximum(n_theirs - theirs, 1e-9))
    surplus: Float64 = delta / np.sqrt(1 / mine + 1 / theirs)
    return surplus


class Catalogue:
    """What is known of each item of a model: titles, attributes, dates, numbers.

    Parameters
    ----------
    items : Vocabulary
        The items of the model, whose codes are the rows here.
    frame : frame, optional
        A row an item: a column `item`, and whatever else is known. Items that the model does not know are left out;
        of items without a row nothing is known.

    Attributes
    ----------
    titles : list of str
        From the column `title`, or the id as text.
    n_unknown : int
        Rows of the frame whose item the model does not know.

    Examples
    --------
    >>> from foretaste.data.vocabulary import Vocabulary
    >>> films = pl.DataFrame({"item": [1, 2], "title": ["Alien", "Brazil"], "runtime": [117, 132]})
    >>> Catalogue(Vocabulary([2, 1]), films).matching("runtime < 120").tolist()
    [False, True]
    """

    def __init__(self, items: Vocabulary, frame: Frame | None = None) -> None:
        self.items = items
        columns = [] if frame is None else [name for name in frame_columns(frame) if name != "item"]
        codes = np.zeros(0, np.int32) if frame is None else items.encode(frame_column(frame, "item"))
        known = np.flatnonzero(codes >= 0)
        if np.unique(codes[known]).size < known.size:
            codes_seen = codes[known]
            twice = items.decode_one(int(np.flatnonzero(np.bincount(codes_seen) > 1)[0]))
            message = f"item {twice!r} has more than one row in the frame of items. Hint: one row an item is needed."
            raise DataError(message)
        self.n_unknown = int(codes.size - known.size)
        place = np.full(len(items), -1, np.int64)
        place[codes[known]] = known
        rows = pl.Series(place).replace(-1, None)  # a position of null gives a row of nulls
        self.frame = pl.DataFrame({name: _listed(frame_column(frame, name)).gather(rows) for name in columns})
        self._attributes: dict[str, Attribute] = {}

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def titles(self) -> list[str]:
        """What each item is called: its `title`, or its id where that is null or blank."""
        names = [str(identity) for identity in self.items]
        if "title" not in self.frame.columns:
            return names
        given = _texts(self.frame["title"], pl.String).to_list()
        return [title if title and title.strip() else name for name, title in zip(names, given, strict=True)]

    def matching(self, where: str) -> Mask:
        """The items for which an expression over the columns is true; where a column is null it is not.

        Parameters
        ----------
        where : str
            As in SQL: ``"runtime <= 600 and not adult"``, ``"brand in ('acme', 'apex')"``, and for a column of lists
            ``"'Comedy' = any(genres)"``. Polars reads it into a comparison of columns; nothing is evaluated as code.

        Raises
        ------
        InvalidParameterError
            It is no such expression, or names a column that is not there.
        """
        condition = expression(where)
        try:
            found = self.frame.select(condition.alias("matches")).to_series()
        except pl.exceptions.ColumnNotFoundError as error:
            self._raise_unknown(str(error).split('"')[1] if '"' in str(error) else where, where)
        except pl.exceptions.PolarsError as error:
            message = f"where = {where!r} cannot be read: {str(error).splitlines()[0]}."
            raise InvalidParameterError(message) from error
        if found.dtype != pl.Boolean:
            message = f"where = {where!r} must be true or false of an item, and is a {found.dtype}."
            raise InvalidParameterError(message)
        mask: Mask = found.fill_null(value=False).to_numpy()
        if mask.size == 1:  # of no item in particular
            return np.full(len(self), bool(mask[0]))
        if mask.size != len(self):
            message = (
                f"where = {where!r} must be true or false of each of {len(self)} items, and has {mask.size} values. "
                "Hint: of a list write 'x' = any(column)."
            )
            raise InvalidParameterError(message)
        return mask

    def attribute(self, column: str) -> Attribute:
        """The values of a column of texts, or of lists of texts.

        Raises
        ------
        InvalidParameterError
            There is no such column.
        """
        if column not in self._attributes:
            self._attributes[column] = self._read_attribute(column)
        return self._attributes[column]

    def numbers(self, column: str) -> Float64:
        """A column of numbers or truth values; NaN where nothing is known."""
        series = self._column(column)
        if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
            message = f"column {column!r} of the items must hold numbers, and holds {series.dtype}."
            raise InvalidParameterError(message)
        return series.cast(pl.Float64).fill_null(np.nan).to_numpy()

    def days(self, column: str) -> Float64:
        """A column of dates, datetimes or unix seconds as days since 1970; NaN where nothing is known."""
        return days(self._column(column), f"column {column!r} of the items")

    # Inside ---------------------------------------------------------------------------------------------------------

    def _column(self, name: str) -> pl.Series:
        if name not in self.frame.columns:
            self._raise_unknown(name, None)
        return self.frame[name]

    def _raise_unknown(self, name: str, where: str | None) -> None:
        near = difflib.get_close_matches(name, self.frame.columns, 1)
        told = f"where = {where!r} names" if where else "this needs"
        hint = (
            f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(map(repr, self.frame.columns)) or 'none'}."
        )
        message = f"{told} a column {name!r} that the items do not have. {hint}"
        raise InvalidParameterError(message)

    def _read_attribute(self, column: str) -> Attribute:
        series = self._column(column)
        if isinstance(series.dtype, pl.Array):
            series = series.arr.to_list()
        listed = _texts(series, pl.List(pl.String) if series.dtype == pl.List else pl.String)
        table = pl.DataFrame({"item": np.arange(len(self), dtype=np.int32), "value": listed})
        if series.dtype == pl.List:
            table = table.explode("value")
        table = (
            table.filter(pl.col("value").str.strip_chars() != "")  # of a null that is not so either
            .unique()
            .sort("item", "value")
        )
        values, places = np.unique(table["value"].to_numpy(), return_inverse=True)
        items, codes = np.array(table["item"].to_numpy()), places.astype(np.int32)  # kernels take arrays of their own
        return Attribute(
            column,
            tuple(map(str, values)),
            SparseRows.of_entries(items, len(self), codes),
            SparseRows.of_entries(codes, values.size, items),
        )


def _listed(series: pl.Series) -> pl.Series:
    """A column as it is; one of Python's lists, as pandas and pyarrow have it, as one of lists."""
    if series.dtype != pl.Object:
        return series
    values = series.to_list()
    if not all(value is None or isinstance(value, (list, tuple, set, frozenset, np.ndarray)) for value in values):
        return series
    lists = [None if value is None else [None if is_missing(each) else each for each in value] for value in values]
    try:
        return pl.Series(series.name, lists)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return series  # of nothing that Polars knows


def _texts(series: pl.Series, kind: pl.DataType | type[pl.DataType]) -> pl.Series:
    """A column of the items as texts, or lists of texts."""
    try:
        if series.dtype != pl.Object:  # of which Polars knows nothing
            return series.cast(kind)
    except pl.exceptions.PolarsError:
        pass
    message = f"column {series.name!r} of the items must hold texts or lists of texts, and holds {series.dtype}."
    raise InvalidParameterError(message)
