"""One pass over recommendations: every metric asked for, user by user."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl

from foretaste._typing import Codes, Float32, Float64, Frame, Id
from foretaste.data.features import ItemFeatures
from foretaste.data.frames import frame_column, frame_columns
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Column, Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError, UnknownIdError
from foretaste.kernels.ranking import mark_shared
from foretaste.metrics._lists import Catalogue, Lists, feature_table
from foretaste.metrics._names import RankingMetric
from foretaste.metrics.ranking import auc_of_rows
from foretaste.utils.threads import workers

# Users whose lists are measured together: what is made of them on the way stays small beside the data.
_BLOCK = 4096
# Users whose scores of all items are looked at together.
_SCORED = 128


class Measured(NamedTuple):
    """What each metric makes of each user, and what could not be measured.

    Attributes
    ----------
    users : polars Series
        Ids of the users measured.
    values : dict from name to float64 array of shape (n_users,)
    pooled : dict from name to float
        Of metrics that look at all lists together.
    n_dropped_users : int
        Users of the test part who have nothing left to be found.
    n_unknown_users, n_unknown_items : int
        Users measured whom the model does not know; test pairs of items that it does not know.
    n_seen : int
        Test pairs left out because the user has the item already.
    recommend_seconds : float
        What the lists themselves took.
    """

    users: Column
    values: dict[str, Float64]
    pooled: dict[str, float]
    n_dropped_users: int
    n_unknown_users: int
    n_unknown_items: int
    n_seen: int
    recommend_seconds: float

    def means(self) -> dict[str, float]:
        """Every metric's mean over the users it is defined for, or its one value."""
        return {name: mean(values) for name, values in self.values.items()} | self.pooled


def mean(values: Float64) -> float:
    """Mean of the values that are there; NaN without any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


class Door(Protocol):
    """A fitted model as the pass sees it: user ids in, item codes out."""

    catalogue: Catalogue

    def history(self, users: Column) -> SparseRows:
        """What each user has."""
        ...

    def n_unknown(self, users: Column) -> int:
        """How many of some users the model does not know."""
        ...

    def best(self, users: Column, n: int) -> Codes:
        """The n best items of each user, best first, -1 where none is left."""
        ...

    def scores(self, users: Column) -> Float32:
        """Scores of every item, minus infinity where it is no candidate."""
        ...


def measure(
    model: Any,  # noqa: ANN401  see `evaluate`
    test: Interactions,
    metrics: Sequence[RankingMetric],
    *,
    training: Interactions | None = None,
    exclude_seen: bool = True,
    items: Iterable[Id] | None = None,
    item_features: ItemFeatures | Frame | None = None,
    n_jobs: int | None = None,
) -> Measured:
    """Measure the lists a model gives the users of a test part; arguments are those of `evaluate`."""
    candidates = None if items is None else Vocabulary.build(items)[0]
    door: Door
    if hasattr(model, "recommend_codes"):
        door = _Codes(model, training, exclude_seen=exclude_seen, items=candidates, n_jobs=n_jobs)
    elif hasattr(model, "recommend") and training is not None and candidates is None:
        door = _Frames(model, training, test)
    else:
        message = (
            f"rankings are measured of foretaste's models, or, with the training part and without 'items', of anything "
            f"with recommend(users, n); got {type(model).__name__}."
        )
        raise InvalidParameterError(message)
    if item_features is not None:
        door.catalogue = Catalogue(
            door.catalogue.items, door.catalogue.training, feature_table(item_features, door.catalogue.items)
        )
    users, wanted = test.users.ids, _wanted(test, door.catalogue.items, candidates)
    history, n_seen = door.history(users), 0
    if exclude_seen:
        seen = np.empty(wanted.indices.size, np.bool_)
        mark_shared(wanted.indptr, wanted.indices, history.indptr, history.indices, seen)
        wanted, n_seen = _entries(wanted, ~seen), int(seen.sum())
    some = np.flatnonzero(np.diff(wanted.indptr))
    if not some.size:
        message = f"nothing is left to be found: each of {len(users)} users has all of their test items already."
        raise DataError(message)
    measured, wanted, history = users.gather(some), _rows(wanted, some), _rows(history, some)
    n = max((metric.k for metric in metrics if metric.k is not None), default=0)
    started = time.perf_counter()
    lists = door.best(measured, n) if n else np.empty((len(measured), 0), np.int32)
    seconds = time.perf_counter() - started
    areas = np.empty(0, np.float64)
    if any(metric.k is None for metric in metrics):
        areas = _areas(door, measured, wanted, n_jobs)
    whole = Lists(lists, wanted, history, door.catalogue, areas)
    return Measured(
        users=measured,
        values=_values(whole, [metric for metric in metrics if not metric.pooled]),
        pooled={
            metric.name: metric.compute(lists[:, : metric.k], door.catalogue) for metric in metrics if metric.pooled
        },
        n_dropped_users=len(users) - some.size,
        n_unknown_users=door.n_unknown(measured),
        n_unknown_items=int((wanted.indices >= door.catalogue.n_items).sum()),
        n_seen=n_seen,
        recommend_seconds=seconds,
    )


def _values(lists: Lists, metrics: Sequence[RankingMetric]) -> dict[str, Float64]:
    n_users = lists.items.shape[0]
    values = {metric.name: np.empty(n_users, np.float64) for metric in metrics}
    for first, last in _blocks(n_users, _BLOCK):
        block = Lists(
            lists.items[first:last],
            _slice(lists.relevant, first, last),
            _slice(lists.history, first, last),
            lists.catalogue,
            lists.areas[first:last],
        )
        cuts = {k: block.cut(k) for k in {metric.k for metric in metrics}}
        for metric in metrics:
            values[metric.name][first:last] = metric.compute(cuts[metric.k])
    return values


def _areas(door: Door, users: Column, wanted: SparseRows, n_jobs: int | None) -> Float64:
    def areas_of(first: int, last: int) -> Float64:
        part = _slice(wanted, first, last)
        return auc_of_rows(door.scores(users[first:last]), part.indptr, part.indices)

    with workers(n_jobs) as run:
        return np.concatenate(run(areas_of, _blocks(len(users), _SCORED)))


class _Codes:
    """A model of ours: everything by codes."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401  a Recommender, which metrics do not know
        training: Interactions | None,
        *,
        exclude_seen: bool,
        items: Vocabulary | None,
        n_jobs: int | None,
    ) -> None:
        self._model, self._n_jobs = model, n_jobs
        self._options: dict[str, Any] = {"exclude_seen": exclude_seen, "item_mask": None}
        known: Vocabulary = model.item_vocabulary_
        if items is not None:
            codes = known.encode(items)
            if (codes < 0).any():
                unknown = [item for item, code in zip(items, codes, strict=True) if code < 0]
                message = (
                    f"{len(unknown)} of {len(items)} candidates are unknown to this model, such as {unknown[0]!r}."
                )
                raise UnknownIdError(message)
            self._options["item_mask"] = np.isin(np.arange(len(known)), codes)
        rows: SparseRows = model.known_
        if training is not None:
            given, own = training.by_user(), known.encode(training.items)
            rows = SparseRows(given.indptr, own[given.indices], given.values)
            rows = _entries(rows, rows.indices >= 0)
        self.catalogue = Catalogue(known, rows)

    def history(self, users: Column) -> SparseRows:
        return _rows(self._model.known_, self._model.user_vocabulary_.encode(users))

    def n_unknown(self, users: Column) -> int:
        return int((self._model.user_vocabulary_.encode(users) < 0).sum())

    def best(self, users: Column, n: int) -> Codes:
        codes = self._model.user_vocabulary_.encode(users)
        best: Codes = self._model.recommend_codes(codes, n, n_jobs=self._n_jobs, **self._options)[0]
        return best

    def scores(self, users: Column) -> Float32:
        scores: Float32 = self._model.score_codes(self._model.user_vocabulary_.encode(users), **self._options)
        return scores


class _Frames:
    """Anything with ``recommend(users, n)``: ids in, a frame out, taken as it comes."""

    def __init__(self, model: Any, training: Interactions, test: Interactions) -> None:  # noqa: ANN401  any object
        self._model, self._training, self._new = model, training, test.items
        self.catalogue = Catalogue(training.items, training.by_user())

    def history(self, users: Column) -> SparseRows:
        return _rows(self._training.by_user(), self._training.users.encode(users))

    def n_unknown(self, users: Column) -> int:
        return int((self._training.users.encode(users) < 0).sum())

    def best(self, users: Column, n: int) -> Codes:
        best = np.full((len(users), n), -1, np.int32)
        for first, last in _blocks(len(users), _BLOCK):
            asked = Vocabulary(users[first:last])
            frame = self._model.recommend(asked.ids.to_list(), n)
            listed = frame_column(frame, "item")
            rows, codes = asked.encode(frame_column(frame, "user")), self._item_codes(listed)
            if "rank" in frame_columns(frame):
                rank = frame_column(frame, "rank").to_numpy().astype(np.int64) - 1
            else:  # best first: the places of a user's rows among each other
                rank = pl.DataFrame({"row": rows}).select(rank=pl.int_range(pl.len()).over("row"))["rank"].to_numpy()
            kept = (rows >= 0) & (rank >= 0) & (rank < n)
            best[first + rows[kept], rank[kept]] = codes[kept]
        return best

    def scores(self, users: Column) -> Float32:
        message = f"'auc' needs the scores of all {self.catalogue.n_items} items for {len(users)} users, which "
        message += f"{type(self._model).__name__} does not give."
        raise InvalidParameterError(message)

    def _item_codes(self, items: Column) -> Codes:
        """Codes of the catalogue; those of other items lie beyond it, where the test part knows them, or further."""
        codes, others = self.catalogue.items.encode(items), self._new.encode(items)
        beyond = np.where(others >= 0, others, len(self._new)) + self.catalogue.n_items
        return np.where(codes >= 0, codes, beyond).astype(np.int32)


# Sparse rows ---------------------------------------------------------------------------------------------------------


def _wanted(test: Interactions, items: Vocabulary, candidates: Vocabulary | None) -> SparseRows:
    """What each user of a test part wanted, each item once, codes ascending, those of unknown items at the end.

    Of ratings the highest counts, weights add up.
    """
    own = items.encode(test.items)
    own = np.where(own >= 0, own, np.arange(own.size) + len(items)).astype(np.int64)
    width = len(items) + len(test.items)
    pairs = test.user_codes * np.int64(width) + own[test.item_codes]
    order = np.argsort(pairs, kind="stable")
    pairs, first = np.unique(pairs[order], return_index=True)
    if test.ratings is None and test.weights is not None:
        values = np.add.reduceat(test.weights[order], first)
    else:
        values = np.maximum.reduceat(test.values[order], first)
    indptr = np.searchsorted(pairs, np.arange(test.n_users + 1) * np.int64(width))
    rows = SparseRows(indptr.astype(np.int64), (pairs % width).astype(np.int32), values.astype(np.float32))
    if candidates is None:
        return rows
    chosen = np.zeros(width, np.bool_)
    chosen[items.encode(candidates)] = True
    return _entries(rows, chosen[rows.indices])


def _entries(rows: SparseRows, kept: Any) -> SparseRows:  # noqa: ANN401  an array of bool
    """Some of the entries."""
    counts = np.concatenate([[0], np.cumsum(kept)])
    return SparseRows(counts[rows.indptr].astype(np.int64), rows.indices[kept], rows.values[kept])


def _rows(rows: SparseRows, codes: Any) -> SparseRows:  # noqa: ANN401  an array of whole numbers
    """Some of the rows; an empty one for the code -1."""
    lengths = np.where(codes >= 0, np.diff(rows.indptr)[codes], 0)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    places = np.arange(indptr[-1]) + np.repeat(rows.indptr[codes] - indptr[:-1], lengths)
    return SparseRows(indptr, rows.indices[places], rows.values[places])


def _slice(rows: SparseRows, first: int, last: int) -> SparseRows:
    """Rows that follow each other."""
    start, end = rows.indptr[first], rows.indptr[last]
    return SparseRows(rows.indptr[first : last + 1] - start, rows.indices[start:end], rows.values[start:end])


def _blocks(n_rows: int, size: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + size, n_rows)) for first in range(0, n_rows, size))
