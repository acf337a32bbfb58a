"""`ImplicitItemKNN` and `ImplicitUserKNN`: what goes with what somebody has, and what people like them have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.kernels.gram import score_sparse
from foretaste.kernels.neighbours import PRODUCT
from foretaste.kernels.sorting import transpose_rows
from foretaste.models._base import Side
from foretaste.models._implicit import RowScored
from foretaste.models._likeness import Metric, Nearest
from foretaste.models._neighbours import Search, nearest_kept, refuse_metric, row_lengths
from foretaste.models._ranking import Scorer
from foretaste.models._training import Training
from foretaste.utils.validation import N_JOBS, Float, Int, OneOf

UserSimilarity = Literal["cosine", "tfidf", "bm25"]
ItemSimilarity = Literal["cosine", "tfidf", "bm25", "rp3beta"]


class Weighting(NamedTuple):
    """How rows are weighed before they are compared: a row as a text and columns as its words, by all rows there are.

    Weights are in units of their mean, so that settings hold for clicks, plays and minutes alike.
    """

    similarity: str
    k1: float
    b: float
    unit: float
    mean_sum: float
    rarity: Float64

    @classmethod
    def of(cls, rows: SparseRows, n_columns: int, similarity: str, k1: float, b: float) -> Weighting:
        """Learn how rare each column is, and how much stands in a row on average."""
        n_rows, unit = rows.indptr.size - 1, float(rows.values.mean(dtype=np.float64))
        counts = np.bincount(rows.indices, minlength=n_columns)
        return cls(similarity, k1, b, unit, rows.indices.size / n_rows, np.log(n_rows / np.maximum(counts, 1)))

    def weighted(self, rows: SparseRows) -> tuple[SparseRows, Float32]:
        """Rows as they are compared, and the length of each, by which a product is divided."""
        n_rows, owner, values = rows.indptr.size - 1, rows.row_codes(), rows.values / self.unit
        if self.similarity == "tfidf":
            values = np.sqrt(values) * self.rarity[rows.indices]
        elif self.similarity == "bm25":
            long = self.k1 * (1 - self.b + self.b * np.bincount(owner, values, n_rows) / self.mean_sum)
            values = values * (self.k1 + 1) / (values + long[owner]) * self.rarity[rows.indices]
        single = values.astype(np.float32)
        lengths = np.ones(n_rows, np.float32) if self.similarity == "bm25" else row_lengths(owner, single, n_rows)
        return rows._replace(values=single), lengths


class ImplicitItemKNN(RowScored):
    r"""Items that go with what somebody has.

    .. math:: s_{ui} = \sum_{j \in N_i} x_{uj} w_{ij}

    where x are the events and :math:`N_i` the `n_neighbors` items of highest similarity w > 0 to i. By `similarity`:

    .. math::

        \text{cosine, tfidf, bm25:} \quad w_{ij} = \frac{\sum_v y_{vi} y_{vj}}{|y_i| |y_j| + h}, \qquad
        \text{rp3beta:} \quad w_{ij} = \frac{1}{d_i^\beta} \sum_v
            \Big(\frac{x_{vj}}{d_j}\Big)^\alpha \Big(\frac{x_{vi}}{d_v}\Big)^\alpha

    with the weighted events, :math:`n_v` being how many of the n items user v has,

    .. math::

        \text{cosine:} \; y = x, \qquad \text{tfidf:} \; y_{vi} = \sqrt{x_{vi}} \log \frac{n}{n_v}, \qquad
        \text{bm25:} \; y_{vi} = \frac{(k_1 + 1) \, x_{vi}}{x_{vi} + k_1 (1 - b + b \, d_i / \bar d)} \log \frac{n}{n_v}

    d are the sums of events of a user or item and :math:`\bar d` is their mean over items; for bm25 the lengths |y| are
    1. In all of this events count in units of their mean weight. rp3beta is a walk of three steps, from the user to an
    item they have, to somebody who has it too, and to what those have, with popular ends made less likely.

    Parameters
    ----------
    similarity : {"cosine", "tfidf", "bm25", "rp3beta"}
    n_neighbors : int
        At most so many items speak for one: at most n_items * n_neighbors * 8 bytes.
    shrinkage : float
        The h, in events; of cosine and tfidf.
    alpha, beta : float
        Of rp3beta.
    k1, b : float
        Of bm25: how soon more of the same counts no more, and how far the length of a row is held against it.
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.

    Attributes
    ----------
    item_neighbors_ : SparseRows
        For each item the codes and similarities of those that speak for it, best first.
    typical_scores_ : float32 array of shape (n_items,)
        The mean scores of all users, by which somebody unknown is served.
    similarity_ : str
        Which one.

    References
    ----------
    Deshpande, Karypis 2004, "Item-based top-N recommendation algorithms"; Robertson, Zaragoza 2009, "The probabilistic
    relevance framework: BM25 and beyond"; Paudel, Christoffel, Newell, Bernstein 2017, "Updatable, accurate, diverse,
    and scalable recommendations for interactive applications" (RP3beta).

    Examples
    --------
    >>> import foretaste as ft
    >>> events = [("an", "bts"), ("an", "sanam"), ("bo", "bts"), ("bo", "sanam"), ("cy", "ommazh")]
    >>> model = ft.ImplicitItemKNN().fit(events)
    >>> model.fold_in(["bts"]).recommend(n=1)["item"].to_list()
    ['sanam']
    """

    _constraints: ClassVar = {
        "similarity": OneOf(get_args(ItemSimilarity)),
        "n_neighbors": Int(1),
        "shrinkage": Float(0),
        "alpha": Float(0),
        "beta": Float(0),
        "k1": Float(0),
        "b": Float(0, 1),
        "n_jobs": N_JOBS,
    }

    similarity_: ItemSimilarity
    item_neighbors_: Annotated[SparseRows, "items", "items"]
    typical_scores_: Annotated[Float32, "items"]

    def __init__(
        self,
        *,
        similarity: ItemSimilarity = "rp3beta",
        n_neighbors: int = 200,
        shrinkage: float = 0.0,
        alpha: float = 0.7,
        beta: float = 0.5,
        k1: float = 100.0,
        b: float = 0.2,
        n_jobs: int | None = None,
    ) -> None:
        self.similarity = similarity
        self.n_neighbors = n_neighbors
        self.shrinkage = shrinkage
        self.alpha = alpha
        self.beta = beta
        self.k1 = k1
        self.b = b
        self.n_jobs = n_jobs

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        by_user, n_items = self._events(interactions), interactions.n_items
        by_item = SparseRows(*transpose_rows(*by_user, n_items))
        if self.similarity == "rp3beta":
            queries, rows, lengths = self._walks(by_user, by_item)
        else:
            weighting = Weighting.of(by_item, interactions.n_users, self.similarity, float(self.k1), float(self.b))
            queries, lengths = weighting.weighted(by_item)
            rows = queries
        columns = SparseRows(*transpose_rows(*rows, interactions.n_users))
        search = Search(type(self).__name__, PRODUCT, 1, float(self.shrinkage), int(self.n_neighbors), self.n_jobs)
        neighbors = search.find(queries, lengths, columns, lengths, own=True)
        means = (np.bincount(by_user.indices, by_user.values, n_items) / interactions.n_users).astype(np.float32)
        return {
            "similarity_": self.similarity,
            "item_neighbors_": neighbors,
            "typical_scores_": _one_row(means, SparseRows(*transpose_rows(*neighbors, n_items)), n_items),
        }

    def _walks(self, by_user: SparseRows, by_item: SparseRows) -> tuple[SparseRows, SparseRows, Float32]:
        """The chances of a step from users to items and of one from items to users, by item; lengths are all 1."""
        n_users, n_items = by_user.indptr.size - 1, by_item.indptr.size - 1
        unit, owner = by_item.values.mean(dtype=np.float64), by_item.row_codes()
        events = by_item.values / unit
        by_users, by_items = np.bincount(by_item.indices, events, n_users), np.bincount(owner, events, n_items)
        arriving = (events / by_users[by_item.indices]) ** self.alpha / by_items[owner] ** self.beta
        leaving = (events / by_items[owner]) ** self.alpha
        one, other = (by_item._replace(values=values.astype(np.float32)) for values in (arriving, leaving))
        return one, other, np.ones(n_items, np.float32)

    def _scorer(self) -> Scorer:
        n_items, spoken_for = len(self.item_vocabulary_), self._spoken_for()

        def scores(block: Codes) -> Float32:
            out = np.empty((block.size, n_items), np.float32)
            score_sparse(block, *self.known_, *spoken_for, self.typical_scores_, out)
            return out

        return scores

    def _nearest(self, side: Side, query: Codes, n: int, metric: Metric | None) -> Nearest:
        if side == "user":
            return super()._nearest(side, query, n, metric)
        refuse_metric(type(self).__name__, self.similarity_, metric)
        return Nearest(self.item_vocabulary_, *nearest_kept(self.item_neighbors_, query, n))

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        said = _row(self.item_neighbors_, item_code)
        return [
            (f"has {self.item_vocabulary_.decode_one(item)}", event * said[item])
            for item, event in _row(self.known_, user_code).items()
            if item in said
        ] or [("nothing they have is like it", 0.0)]

    def _fold_in(self, rows: SparseRows) -> Learned:  # noqa: ARG002  nothing to learn: scores look at what they have
        self._spoken_for()
        return {}

    def _spoken_for(self) -> SparseRows:
        """The items that each item speaks for."""
        n_items, neighbors = len(self.item_vocabulary_), self.item_neighbors_
        return self._once("spoken for", neighbors, lambda: SparseRows(*transpose_rows(*neighbors, n_items)))


class ImplicitUserKNN(RowScored):
    r"""What people have who are like the user.

    .. math:: s_{ui} = \sum_{v \in N_u} w_{uv} x_{vi}

    where x are the events and :math:`N_u` the `n_neighbors` users of highest similarity w > 0 to u:

    .. math:: w_{uv} = \frac{\sum_i y_{ui} y_{vi}}{|y_u| |y_v| + h}

    with the weighted events, :math:`n_i` being how many of the n users have item i,

    .. math::

        \text{cosine:} \; y = x, \qquad \text{tfidf:} \; y_{ui} = \sqrt{x_{ui}} \log \frac{n}{n_i}, \qquad
        \text{bm25:} \; y_{ui} = \frac{(k_1 + 1) \, x_{ui}}{x_{ui} + k_1 (1 - b + b \, d_u / \bar d)} \log \frac{n}{n_i}

    :math:`d_u` is the sum of events of a user and :math:`\bar d` its mean; for bm25 the lengths |y| are 1. In the
    similarity events count in units of their mean weight.

    Parameters
    ----------
    similarity : {"cosine", "tfidf", "bm25"}
    n_neighbors : int
        At most so many users speak to one: at most n_users * n_neighbors * 8 bytes.
    shrinkage : float
        The h, in events; of cosine and tfidf.
    k1, b : float
        Of bm25: how soon more of the same counts no more, and how far the length of a row is held against it.
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.

    Attributes
    ----------
    user_neighbors_ : SparseRows
        For each user the codes, in `rater_vocabulary_`, and similarities of the neighbours, best first.
    events_ : SparseRows
        The training events by user, in `rater_vocabulary_`.
    rater_vocabulary_ : Vocabulary
        The users of the training data, also in a model that `fold_in` made.
    typical_scores_ : float32 array of shape (n_items,)
        The mean scores of all users, by which somebody unknown is served.
    similarity_, n_neighbors_, shrinkage_, k1_, b_
        What it was fitted with, by which `fold_in` finds the neighbours of new users.

    References
    ----------
    Sarwar, Karypis, Konstan, Riedl 2000, "Analysis of recommendation algorithms for e-commerce"; Robertson, Zaragoza
    2009, "The probabilistic relevance framework: BM25 and beyond".

    Examples
    --------
    >>> import foretaste as ft
    >>> events = [("an", "bts"), ("an", "sanam"), ("bo", "bts"), ("bo", "sanam"), ("cy", "ommazh")]
    >>> model = ft.ImplicitUserKNN().fit(events)
    >>> model.fold_in(["bts"]).recommend(n=1)["item"].to_list()
    ['sanam']
    """

    _constraints: ClassVar = {
        "similarity": OneOf(get_args(UserSimilarity)),
        "n_neighbors": Int(1),
        "shrinkage": Float(0),
        "k1": Float(0),
        "b": Float(0, 1),
        "n_jobs": N_JOBS,
    }

    similarity_: UserSimilarity
    n_neighbors_: int
    shrinkage_: float
    k1_: float
    b_: float
    user_neighbors_: Annotated[SparseRows, "users", "raters"]
    rater_vocabulary_: Annotated[Vocabulary, "raters"]
    events_: Annotated[SparseRows, "raters", "items"]
    typical_scores_: Annotated[Float32, "items"]

    def __init__(
        self,
        *,
        similarity: UserSimilarity = "bm25",
        n_neighbors: int = 100,
        shrinkage: float = 0.0,
        k1: float = 100.0,
        b: float = 0.8,
        n_jobs: int | None = None,
    ) -> None:
        self.similarity = similarity
        self.n_neighbors = n_neighbors
        self.shrinkage = shrinkage
        self.k1 = k1
        self.b = b
        self.n_jobs = n_jobs

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        events, n_users = self._events(interactions), interactions.n_users
        settings: Learned = {
            "similarity_": self.similarity,
            "n_neighbors_": int(self.n_neighbors),
            "shrinkage_": float(self.shrinkage),
            "k1_": float(self.k1),
            "b_": float(self.b),
        }
        raters = _Raters.of(events, interactions.n_items, settings)
        neighbors = self._neighbors(events, raters, settings, own=True)
        voices = (np.bincount(neighbors.indices, neighbors.values, n_users) / n_users).astype(np.float32)
        return settings | {
            "user_neighbors_": neighbors,
            "rater_vocabulary_": interactions.users,
            "events_": events,
            "typical_scores_": _one_row(voices, events, interactions.n_items),
        }

    def _neighbors(self, users: SparseRows, raters: _Raters, settings: Mapping[str, Any], *, own: bool) -> SparseRows:
        """The raters nearest to each user; settings by the names under which they are learned."""
        queries, lengths = raters.weighting.weighted(users)
        search = Search(type(self).__name__, PRODUCT, 1, settings["shrinkage_"], settings["n_neighbors_"], self.n_jobs)
        return search.find(queries, lengths, raters.columns, raters.lengths, own=own)

    def _scorer(self) -> Scorer:
        n_items = len(self.item_vocabulary_)

        def scores(block: Codes) -> Float32:
            out = np.empty((block.size, n_items), np.float32)
            score_sparse(block, *self.user_neighbors_, *self.events_, self.typical_scores_, out)
            return out

        return scores

    def _nearest(self, side: Side, query: Codes, n: int, metric: Metric | None) -> Nearest:
        if side == "item":
            return super()._nearest(side, query, n, metric)
        refuse_metric(type(self).__name__, self.similarity_, metric)
        return Nearest(self.rater_vocabulary_, *nearest_kept(self.user_neighbors_, query, n))

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        near = _row(self.user_neighbors_, user_code).items()
        theirs = [(other, similarity, _row(self.events_, other).get(item_code, 0.0)) for other, similarity in near]
        return [
            (f"{self.rater_vocabulary_.decode_one(other)!r} has it, similarity {similarity:.2f}", similarity * event)
            for other, similarity, event in theirs
            if event
        ] or [("nobody like them has it", 0.0)]

    def _fold_in(self, rows: SparseRows) -> Learned:
        events, n_items = self.events_, len(self.item_vocabulary_)
        raters = self._once("raters", events, lambda: _Raters.of(events, n_items, vars(self)))
        return {"user_neighbors_": self._neighbors(rows, raters, vars(self), own=False)}


class _Raters(NamedTuple):
    """The users of the training data as new ones are compared with them: by column, and how long each row is."""

    weighting: Weighting
    columns: SparseRows
    lengths: Float32

    @classmethod
    def of(cls, events: SparseRows, n_items: int, settings: Mapping[str, Any]) -> _Raters:
        weighting = Weighting.of(events, n_items, settings["similarity_"], settings["k1_"], settings["b_"])
        rows, lengths = weighting.weighted(events)
        return cls(weighting, SparseRows(*transpose_rows(*rows, n_items)), lengths)


def _one_row(values: Float32, weights: SparseRows, n_columns: int) -> Float32:
    """The product of one row without gaps and a sparse matrix."""
    whole = SparseRows(np.array([0, values.size], np.int64), np.arange(values.size, dtype=np.int32), values)
    out = np.empty((1, n_columns), np.float32)
    score_sparse(np.zeros(1, np.int32), *whole, *weights, np.zeros(n_columns, np.float32), out)
    row: Float32 = out[0]
    return row


def _row(rows: SparseRows, row: int) -> dict[int, float]:
    """One row of a sparse matrix, by column."""
    own = slice(*rows.indptr[row : row + 2])
    return dict(zip(rows.indices[own].tolist(), rows.values[own].tolist(), strict=True))
