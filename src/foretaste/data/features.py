"""`ItemFeatures` and `UserFeatures`: what is known of items and users besides who had what, as sparse numbers."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from foretaste._typing import Codes, Float32, Frame
from foretaste.data.frames import frame_column, frame_columns, is_missing
from foretaste.data.interactions import SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError

# A value that fewer ids have tells nothing of one by another.
_FEWEST = 2


@dataclass(frozen=True, eq=False)
class _Column:
    """How one column of a frame becomes numbers: learned from the frame it came in, the same for every later one."""

    name: str
    kind: str  # "number", "category", "tags" or "text"
    values: tuple[str, ...] = ()
    centre: float = 0.0
    spread: float = 1.0
    separator: str | None = None
    vectorizer: Any = field(default=None, repr=False)

    @property
    def features(self) -> list[str]:
        return [self.name] if self.kind == "number" else [f"{self.name}={value}" for value in self.values]

    def described(self) -> dict[str, Any]:
        """All but the vectoriser, as JSON can hold it."""
        kept = ("name", "kind", "values", "centre", "spread", "separator")
        return {key: getattr(self, key) for key in kept}


@dataclass(frozen=True, eq=False, repr=False)
class Features:
    """What `ItemFeatures` and `UserFeatures` are: ids, names of features, and a sparse row of numbers an id.

    Attributes
    ----------
    ids : Vocabulary
        The items or users, in the order of the frame.
    names : tuple of str
        The features: "year" of a column of numbers, "genres=Comedy" of one of categories, tags or words.
    rows : SparseRows
        The numbers, a row an id and a column a feature.
    kinds : tuple of str
        What the column of each feature is: "number", "category", "tags" or "text".
    missing : dict
        By column: how many ids have nothing there.
    """

    ids: Vocabulary
    rows: SparseRows
    missing: dict[str, int]
    _columns: tuple[_Column, ...]

    side: ClassVar[str] = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features, in the order of the columns of `rows`."""
        return tuple(name for column in self._columns for name in column.features)

    @property
    def groups(self) -> Codes:
        """Of each feature the place of its column in the frame, ids apart."""
        return np.repeat(np.arange(len(self._columns)), [len(column.features) for column in self._columns]).astype(
            np.int32
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of the features, in the same order: what their columns are, "number", "category", "tags" or "text"."""
        return tuple(column.kind for column in self._columns for _ in column.features)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} {self.side}s, {len(self.names)} features)"

    @classmethod
    def from_frame(
        cls,
        frame: Frame,
        *,
        ids: str | None = None,
        categories: Collection[str] = (),
        separators: Mapping[str, str] | None = None,
        vectorizers: Mapping[str, Any] | None = None,
    ) -> Self:
        """From any frame, a row an id; what a column becomes follows from its type.

        ============================  ====================================================================
        column                        becomes
        ============================  ====================================================================
        numbers, booleans             one feature: deviations from the mean in units of the standard deviation;
                                      a missing number is taken to be the mean
        texts, anything else          a category: one feature a value
        lists of texts                tags: one feature a tag, each of n tags of an id at 1 / sqrt(n)
        named in `separators`         tags, written in one text
        named in `categories`         a category, though it holds numbers
        named in `vectorizers`        text: what the vectoriser makes of it
        ============================  ====================================================================

        A category or tag that only one id has is left out: it tells nothing of another.

        Parameters
        ----------
        frame : frame
        ids : str, optional
            The column of ids; "item" or "user" by default.
        categories : names of columns
        separators : dict, optional
            By column, what stands between its tags, as in ``{"genres": "|"}``.
        vectorizers : dict, optional
            By column, anything with scikit-learn's `fit_transform`, `transform` and `get_feature_names_out`, such as a
            `TfidfVectorizer`. A copy is fitted. A vectoriser is not written to a model file.

        Raises
        ------
        DataError
            There is nothing but ids, an id occurs twice, or a column is not there.
        """
        ids = cls.side if ids is None else ids
        separators, vectorizers = dict(separators or {}), dict(vectorizers or {})
        given = [name for name in frame_columns(frame) if name != ids]
        unknown = [name for name in (*categories, *separators, *vectorizers) if name not in given]
        if unknown or not given:
            what = f"no column {unknown[0]!r}" if unknown else f"no column besides {ids!r}"
            message = f"{cls.__name__} found {what} in the frame; it has {', '.join(map(repr, frame_columns(frame)))}."
            raise DataError(message)
        vocabulary = _unique_ids(cls, frame_column(frame, ids))
        columns, parts = [], []
        for name in given:
            series = frame_column(frame, name)
            column = _learned(name, series, name in categories, separators.get(name), vectorizers.get(name))
            columns.append(column)
            parts.append(_encoded(column, series))
        return cls(vocabulary, *_side_by_side(len(vocabulary), columns, parts), tuple(columns))

    def transform(self, frame: Frame, *, ids: str | None = None) -> Self:
        """The same features of other ids: what is not among them is ignored.

        Raises
        ------
        DataError
            A column is not there, an id occurs twice, or a text's vectoriser was lost on the way through a file.
        """
        vocabulary = _unique_ids(type(self), frame_column(frame, self.side if ids is None else ids))
        parts = [_encoded(column, frame_column(frame, column.name)) for column in self._columns]
        return type(self)(vocabulary, *_side_by_side(len(vocabulary), self._columns, parts), self._columns)

    def of(self, vocabulary: Vocabulary) -> SparseRows:
        """The rows of some ids, in their order; an id without features has an empty one."""
        return self.rows.taken(self.ids.encode(vocabulary.ids))

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but vectorisers as plain arrays, for a file."""
        about = {"side": self.side, "missing": self.missing, "columns": [c.described() for c in self._columns]}
        named = {f"ids/{part}": array for part, array in self.ids.to_arrays().items()}
        return named | self.rows._asdict() | {"features": np.frombuffer(json.dumps(about).encode(), np.uint8)}


class ItemFeatures(Features):
    """What is known of items: categories, tags, numbers and texts, from a frame of any kind.

    See `Features` for its attributes, and `Features.from_frame` for what a column becomes.

    Examples
    --------
    >>> import polars as pl
    >>> films = pl.DataFrame({"item": ["a", "b", "c"], "genres": [["Drama"], ["Drama", "Comedy"], ["Comedy"]]})
    >>> features = ItemFeatures.from_frame(films)
    >>> features
    ItemFeatures(3 items, 2 features)
    >>> features.names
    ('genres=Drama', 'genres=Comedy')
    """

    side: ClassVar[str] = "item"


class UserFeatures(Features):
    """What is known of users, as `ItemFeatures` has it of items.

    Examples
    --------
    >>> import polars as pl
    >>> people = pl.DataFrame({"user": ["an", "bhavana", "diego"], "age": [20, 30, 40]})
    >>> UserFeatures.from_frame(people).rows.values.astype(float).round(2).tolist()
    [-1.22, 0.0, 1.22]
    """

    side: ClassVar[str] = "user"


def features_from_arrays(arrays: dict[str, Any]) -> Features:
    """What `Features.to_arrays` gave, read back (its names split at the first stroke)."""
    about = json.loads(arrays["features"].tobytes())
    kind = {"item": ItemFeatures, "user": UserFeatures}[about["side"]]
    columns = tuple(_Column(**{**column, "values": tuple(column["values"])}) for column in about["columns"])
    rows = SparseRows(arrays["indptr"], arrays["indices"], arrays["values"])
    made = kind(Vocabulary.from_arrays(arrays["ids"]), rows, about["missing"], columns)
    fits = rows.indptr.size == len(made) + 1 and rows.indptr[0] == 0 and (np.diff(rows.indptr) >= 0).all()
    fits = fits and rows.indptr[-1] == rows.indices.size == rows.values.size and bool(np.isfinite(rows.values).all())
    if not (fits and (rows.indices >= 0).all() and (rows.indices < len(made.names)).all()):
        message = "the parts of its features do not fit each other"
        raise DataError(message)
    return made


def as_features(given: Features | Frame, kind: type[Features]) -> Features:
    """Features as they are, or those of a frame.

    Raises
    ------
    InvalidParameterError
        They are those of the other side.
    """
    if not isinstance(given, Features):
        return kind.from_frame(given)
    if not isinstance(given, kind):
        message = f"'{kind.side}_features' must be a frame or {kind.__name__}, got {type(given).__name__}."
        raise InvalidParameterError(message)
    return given


# Columns -------------------------------------------------------------------------------------------------------------

_Entries = tuple[Codes, Codes, Float32]  # rows, features of the column, numbers


def _unique_ids(kind: type[Features], column: pl.Series) -> Vocabulary:
    vocabulary, codes = Vocabulary.build(column)
    if len(vocabulary) < codes.size:
        message = f"{kind.__name__} found {codes.size - len(vocabulary)} {kind.side} ids described more than once."
        raise DataError(message)
    return vocabulary


def _learned(name: str, series: pl.Series, is_category: bool, separator: str | None, vectorizer: Any) -> _Column:  # noqa: ANN401, FBT001  a vectoriser has no type; called in one place
    """What a column becomes, and what of it has to be remembered."""
    if vectorizer is not None:
        fitted = copy.deepcopy(vectorizer)
        fitted.fit_transform(_texts(series))
        return _Column(name, "text", tuple(map(str, fitted.get_feature_names_out())), vectorizer=fitted)
    is_number = series.dtype.is_numeric() or series.dtype == pl.Boolean
    if is_number and not is_category and separator is None:
        known = _numbers(series)
        known = known[np.isfinite(known)]
        spread = float(known.std()) if known.size else 0.0
        return _Column(name, "number", centre=float(known.mean()) if known.size else 0.0, spread=spread or 1.0)
    lists = _lists(series, separator)
    kind = "tags" if separator is not None or _holds_lists(series) else "category"
    counts: dict[str, int] = {}
    for tags in lists:
        for tag in tags:
            counts[tag] = counts.get(tag, 0) + 1
    values = tuple(tag for tag, count in counts.items() if count >= _FEWEST)
    return _Column(name, kind, values, separator=separator)


def _encoded(column: _Column, series: pl.Series) -> _Entries:
    """The entries of a column: its rows, its features and their numbers."""
    if column.kind == "number":
        numbers = (_numbers(series) - column.centre) / column.spread
        rows = np.flatnonzero(np.isfinite(numbers))
        return rows.astype(np.int32), np.zeros(rows.size, np.int32), numbers[rows].astype(np.float32)
    if column.kind == "text":
        if column.vectorizer is None:
            message = (
                f"the vectoriser of column {column.name!r} is not kept in a model file, so that new texts cannot be "
                f"read. Hint: make the features with the vectoriser at hand, and fit again or pass them as features."
            )
            raise DataError(message)
        sparse = column.vectorizer.transform(_texts(series)).tocoo()
        return sparse.row.astype(np.int32), sparse.col.astype(np.int32), sparse.data.astype(np.float32)
    code_of = {value: code for code, value in enumerate(column.values)}
    codes = [[code_of[tag] for tag in tags if tag in code_of] for tags in _lists(series, column.separator)]
    lengths = np.array([len(own) for own in codes], np.int64)
    owners: Codes = np.repeat(np.arange(lengths.size, dtype=np.int32), lengths)
    flat = np.array([code for own in codes for code in own], np.int32)
    return owners, flat, (1 / np.sqrt(np.repeat(lengths, lengths))).astype(np.float32)


def _side_by_side(n_rows: int, columns: Iterable[_Column], parts: list[_Entries]) -> tuple[SparseRows, dict[str, int]]:
    """The entries of all columns as one sparse matrix, and how many rows each column leaves out."""
    first, missing = 0, {}
    shifted = []
    for column, (rows, features, _) in zip(columns, parts, strict=True):
        shifted.append(features + np.int32(first))
        first += len(column.features)
        missing[column.name] = n_rows - int(np.unique(rows).size)
    rows, features, values = (
        np.concatenate(entries) for entries in ([p[0] for p in parts], shifted, [p[2] for p in parts])
    )
    order = np.lexsort((features, rows))
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=n_rows)))).astype(np.int64)
    return SparseRows(indptr, features[order].astype(np.int32), values[order].astype(np.float32)), missing


def _numbers(series: pl.Series) -> npt.NDArray[np.float64]:
    return series.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _texts(series: pl.Series) -> list[str]:
    return ["" if is_missing(value) else str(value) for value in series]


def _holds_lists(series: pl.Series) -> bool:
    if series.dtype == pl.Object:
        return any(isinstance(value, (list, tuple, set, np.ndarray)) for value in series)
    return isinstance(series.dtype, (pl.List, pl.Array))


def _lists(series: pl.Series, separator: str | None) -> list[list[str]]:
    """The distinct values of each row as texts: one of a category, many of tags, none where it is missing."""
    several = _holds_lists(series)
    found: list[list[str]] = []
    for value in series.to_list():  # of lists, not a Series each
        if not several and is_missing(value):
            found.append([])
            continue
        if value is None:
            own: Iterable[Any] = ()
        elif separator is not None:
            own = (part.strip() for part in str(value).split(separator))
        else:
            own = value if several else (value,)
        texts = (str(tag) for tag in own if not is_missing(tag))
        found.append([tag for tag in dict.fromkeys(texts) if tag])
    return found
