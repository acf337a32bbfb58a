"""The one door between the caller's ids and the codes 0..n-1 used inside."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from foretaste._typing import Codes, Id
from foretaste.data.frames import is_missing
from foretaste.exceptions import DataError
from foretaste.utils.pieces import pieces

Column: TypeAlias = pl.Series
"""Ids of one kind: Int64, String, or Object for everything else that can be hashed."""

# A table from integer to code is the fastest lookup there is, as long as the integers lie close together.
_TABLE_SPAN_PER_ID = 16
_TABLE_MINIMUM_SPAN = 1_000_000
# Ids named in a message.
_SHOWN = 3
# So few strings at a time, as one user's, are looked up in a dictionary: a join goes through all ids anew each time.
_FEW = 64

_WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)


class Vocabulary:
    """Ids in the order of their codes.

    Whole numbers and strings are kept as polars columns and looked up at column speed; any other hashable (UUID,
    date, tuple) goes through a dictionary and works just the same.

    Parameters
    ----------
    ids : iterable of hashables
        Distinct ids; their positions become their codes.

    Examples
    --------
    >>> vocabulary, codes = Vocabulary.build(["an", "diego", "an"])
    >>> codes
    array([0, 1, 0], dtype=int32)
    >>> vocabulary.encode(["diego", "bhavana"])
    array([ 1, -1], dtype=int32)
    >>> vocabulary.decode(codes).to_list()
    ['an', 'diego', 'an']
    """

    def __init__(self, ids: Iterable[Id]) -> None:
        self.ids = as_column(ids)

    @classmethod
    def build(cls, values: Iterable[Id]) -> tuple[Vocabulary, Codes]:
        """Vocabulary of the distinct values in order of first appearance, and the code of each value."""
        column = _raw_column(values)
        if not _is_whole(column):
            column = as_column(column)
        if column.dtype == pl.Object:
            vocabulary = cls(dict.fromkeys(column))
            return vocabulary, vocabulary.encode(column)
        if _is_whole(column) and (empty := _empty_table(column)) is not None:
            return cls._build_by_table(column, *empty)
        column = as_column(column)
        vocabulary = cls(column.unique(maintain_order=True))
        return vocabulary, vocabulary.encode(column)

    @classmethod
    def _build_by_table(cls, column: Column, lowest: int, table: Codes) -> tuple[Vocabulary, Codes]:
        """`build` of whole numbers of any width; none is widened for longer than its piece takes."""
        from foretaste.kernels.numbering import number_integers  # noqa: PLC0415  keeps the compiler out of imports

        whole, codes = column.to_numpy(), np.empty(len(column), np.int32)
        ids, n_ids = np.empty(min(len(column), table.size), np.int64), 0
        for piece in pieces(len(column)):
            wide = whole[piece].astype(np.int64, copy=False)
            n_ids = number_integers(wide, table, lowest, ids, n_ids, codes[piece])
        vocabulary = cls(ids[:n_ids].copy())
        if table.size <= _longest_table(n_ids):  # long for its rows may be too long for its ids
            vocabulary._table = lowest, table  # filled on the way
        return vocabulary, codes

    def encode(self, values: Iterable[Id]) -> Codes:
        """Codes of many ids; -1 where an id is unknown."""
        column = as_column(values)
        if column.dtype == self.ids.dtype == pl.Int64:
            return self._encode_integers(column)
        if column.dtype == self.ids.dtype == pl.String and len(column) > _FEW:
            return self._encode_by_join(column)
        return np.fromiter((self._code_of.get(value, -1) for value in column), np.int32, len(column))

    def encode_one(self, value: Id) -> int:
        """Code of one id; -1 where it is unknown."""
        _check_hashable(value)
        return self._code_of.get(_plain(value), -1)

    def decode(self, codes: npt.NDArray[np.integer[Any]]) -> Column:
        """Ids of many codes."""
        return self.ids[codes]  # `gather` of polars takes four times as long for a few

    def decode_one(self, code: int) -> Id:
        """Id of one code."""
        return self.ids[code]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Id]:
        return iter(self.ids)

    def __contains__(self, value: Id) -> bool:
        return self.encode_one(value) >= 0

    def __reduce__(self) -> tuple[type[Vocabulary], tuple[Iterable[Id]]]:
        # What lookups have made of the ids is made again where it is needed. Polars pickles no columns of objects.
        return type(self), (self.ids.to_list() if self.ids.dtype == pl.Object else self.ids,)

    def __repr__(self) -> str:
        shown = ", ".join(repr(value) for value in self.ids.head(3))
        return f"Vocabulary({len(self)} {self.kind} ids: {shown}{', ...' if len(self) > 3 else ''})"  # noqa: PLR2004

    @property
    def kind(self) -> str:
        """Name of the ids' type, for messages."""
        if self.ids.dtype == pl.Object:
            return " or ".join(sorted({type(value).__name__ for value in self.ids})) or "hashable"
        return "int" if self.ids.dtype == pl.Int64 else "str"

    @cached_property
    def _code_of(self) -> dict[Id, int]:
        return {value: code for code, value in enumerate(self.ids)}

    @cached_property
    def _table(self) -> tuple[int, Codes] | None:
        """The smallest id, and the code of each whole number from there on; None where ids lie too far apart."""
        empty = _empty_table(self.ids)
        if empty is not None:
            lowest, table = empty
            table[self.ids.to_numpy() - lowest] = np.arange(len(self), dtype=np.int32)
        return empty

    def _encode_integers(self, column: Column) -> Codes:
        from foretaste.kernels.numbering import look_up_integers  # noqa: PLC0415  keeps the compiler out of imports

        if self._table is None:
            return self._encode_by_join(column)
        lowest, table = self._table
        return look_up_integers(column.to_numpy(), table, lowest)

    def _encode_by_join(self, column: Column) -> Codes:
        codes = pl.DataFrame({"id": self.ids, "code": np.arange(len(self), dtype=np.int32)})
        joined = column.alias("id").to_frame().join(codes, on="id", how="left", maintain_order="left")
        # A kernel is compiled anew for arrays that are read-only, as those shared with polars are.
        return joined["code"].fill_null(-1).to_numpy(writable=True)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The ids as plain arrays, for a file: numbers as they are, anything else as JSON text with its type."""
        if self.ids.dtype == pl.Int64:
            return {"int": self.ids.to_numpy()}
        text = json.dumps([_tagged(value) for value in self.ids], ensure_ascii=False)
        return {"json": np.frombuffer(text.encode(), np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Vocabulary:
        """What `to_arrays` gave, read back."""
        if "int" in arrays:
            ids = arrays["int"]
            if ids.ndim != 1 or ids.dtype != np.int64:
                message = f"ids must be one column of int64, got an array of shape {ids.shape} and {ids.dtype}."
                raise DataError(message)
            return cls(ids)
        return cls([_untagged(value) for value in json.loads(arrays["json"].tobytes())])


def _is_whole(column: Column) -> bool:
    """Whether a column holds nothing but whole numbers that fit into 64 bits with a sign, whatever they are."""
    return column.dtype in _WHOLE and not column.null_count()


def _empty_table(column: Column) -> tuple[int, Codes] | None:
    """The smallest of some whole numbers and a table of -1 for all up to the largest; None if it would be too long."""
    if not len(column):
        return None
    lowest, span = int(column.min()), int(column.max()) - int(column.min()) + 1  # type: ignore[arg-type]  # not empty
    if span > _longest_table(len(column)):
        return None
    return lowest, np.full(span, -1, np.int32)


def _longest_table(n_ids: int) -> int:
    """How many whole numbers a table may span that serves so many ids."""
    return max(_TABLE_SPAN_PER_ID * n_ids, _TABLE_MINIMUM_SPAN)


def encode_told(vocabulary: Vocabulary, ids: Iterable[Id], what: str) -> tuple[Codes, str]:
    """Codes of ids, and a sentence about those that are unknown, empty if none; `what` they are: "item"."""
    column = as_column(ids)
    codes = vocabulary.encode(column)
    if (codes >= 0).all():
        return codes, ""
    given = Vocabulary.build(column)[0]
    unknown = [value for value, code in zip(given, vocabulary.encode(given), strict=True) if code < 0]
    shown = ", ".join(map(repr, unknown[:_SHOWN])) + (", ..." if len(unknown) > _SHOWN else "")
    sentence = f"{len(unknown)} of {len(given)} {what} ids are unknown to this model: {shown}."
    if given.kind != vocabulary.kind:
        sentence += f" Hint: the model knows {vocabulary.kind} ids; these are {given.kind}."
    return codes, sentence


def as_column(values: Iterable[Id]) -> Column:
    """Ids of any origin as one column: Int64, String or Object.

    Whole numbers that come as floats (a pandas column that once held a gap) are taken as whole numbers.

    Raises
    ------
    DataError
        A value is missing (None or NaN) or cannot be hashed.
    """
    column = _raw_column(values)
    if column.dtype != pl.Object and column.null_count():
        raise DataError(_missing(column.is_null()))
    if column.dtype.is_float() and column.is_nan().any():
        raise DataError(_missing(column.is_nan()))
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if column.dtype == pl.Int64:
        return column
    if column.dtype.is_numeric():
        whole = column.cast(pl.Int64, strict=False)
        if not whole.null_count() and (column.dtype.is_integer() or (whole == column).all()):
            return whole
    plain = [_plain(value) for value in column]
    missing = pl.Series([is_missing(value) for value in plain], dtype=pl.Boolean)
    if missing.any():
        raise DataError(_missing(missing))
    for value in plain:
        _check_hashable(value)
    return pl.Series("id", plain, dtype=pl.Object)


def _raw_column(values: Iterable[Id]) -> pl.Series:
    if isinstance(values, pl.Series):
        return values
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "iuf":
            return pl.Series("id", values)
        values = values.tolist()
    plain = values if isinstance(values, list) else list(values)
    kinds = {type(value) for value in plain}
    if kinds == {str}:
        return pl.Series("id", plain, dtype=pl.String)
    if kinds and all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in kinds):
        try:
            return pl.Series("id", np.array(plain, np.int64))
        except OverflowError:
            pass  # whole numbers beyond 64 bits are ids as good as any other hashable
    return pl.Series("id", plain, dtype=pl.Object)


def _plain(value: Id) -> Id:
    """NumPy's scalars as Python's, which is how they are kept."""
    return value.item() if isinstance(value, np.generic) else value


def _check_hashable(value: Id) -> None:
    try:
        hash(value)
    except TypeError as error:
        message = f"an id must be hashable, got {type(value).__name__}: {value!r}."
        raise DataError(message) from error


def _missing(missing: pl.Series) -> str:
    return f"an id is missing in row {missing.arg_true()[0]} ({missing.sum()} in all). Hint: drop such rows first."


# What a file may hold besides numbers: the tag, how to write it and how to read it.
_KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "str": (str, str, str),
    "bool": (bool, bool, bool),
    "int": (int, str, int),
    "float": (float, float.hex, float.fromhex),
    "uuid": (uuid.UUID, str, uuid.UUID),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "tuple": (tuple, lambda v: [_tagged(x) for x in v], lambda v: tuple(_untagged(x) for x in v)),
}


def _tagged(value: Id) -> Any:  # noqa: ANN401  JSON
    if type(value) is str:
        return value  # by far the commonest kind goes without a tag
    for tag, (kind, write, _) in _KINDS.items():
        if type(value) is kind:
            return [tag, write(value)]
    message = (
        f"ids of type {type(value).__name__} cannot be written to a file, e.g. {value!r}. "
        f"Hint: use str, int, UUID, date, bytes or tuples of them."
    )
    raise DataError(message)


def _untagged(value: Any) -> Id:  # noqa: ANN401  JSON
    if isinstance(value, str):
        return value
    tag, text = value
    return _KINDS[tag][2](text)
