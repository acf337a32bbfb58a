"""`ApproximateIndex`: most of the best items of a model with factors, found without looking at all of them."""

from __future__ import annotations

import copy
from typing import Any, Literal, Self

import numpy as np

from foretaste._typing import Codes, Float32, Frame
from foretaste.exceptions import ConvergenceWarning, InvalidParameterError, UnsupportedError
from foretaste.models._base import Recommender
from foretaste.models._ranking import Products
from foretaste.utils.extras import load_extra
from foretaste.utils.threads import n_threads
from foretaste.utils.validation import Constraint, Float, Int, OneOf, check_parameters
from foretaste.utils.warn import warn

# Users looked up together.
_BLOCK = 1024
# Items looked at beyond those asked for, at most, in the place of those a user has.
_MOST_SEEN = 200
# How widely the graph is searched: the first and the last attempt, each twice as wide as the one before.
_NARROWEST, _WIDEST = 32, 4096
# Users whose lists the recall is measured on.
_N_SAMPLED = 200


class ApproximateIndex:
    r"""A graph of a model's items that leads to most of the best ones, for catalogues of millions.

    Items of the largest :math:`p \cdot q_i + b_i` are those nearest in angle to :math:`(p, 1, 0)` among
    :math:`(q_i, b_i, \sqrt{R^2 - |q_i|^2 - b_i^2})`, where R is the length of the longest :math:`(q_i, b_i)`
    (Bachrach et al. 2014, "Speeding up the Xbox recommender system using a Euclidean transformation for inner-product
    spaces"). They are found in a hierarchical graph (Malkov, Yashunin 2018, "Efficient and robust approximate nearest
    neighbor search using hierarchical navigable small world graphs") made by usearch, the extra `ann`.

    It is searched as widely as the recall asks for. What is found is scored exactly. Who has many items, so that fewer
    than n are left of those found, gets the exact list.

    Parameters
    ----------
    model : fitted model with factors
        The index is of the model as it is now: after another `fit` it takes another index.
    recall : float
        The share of an exact list that is to be found, on average.
    n : int
        The length of the lists it is measured on.
    n_jobs : int, optional
        Threads to build and search with; -1 for all cores. More than one may build another graph each time.

    Attributes
    ----------
    model : model
    recall_ : float
        The share of exact lists that was found when it was built, over up to 200 users of the model, less what they
        have.
    expansion_ : int
        How widely it is searched.

    Raises
    ------
    UnsupportedError
        The model has no factors.
    MissingExtraError
        usearch is not installed.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.ALS(n_factors=2, random_state=0).fit(ft.datasets.albums())
    >>> index = ft.ApproximateIndex(model)
    >>> index
    ApproximateIndex of ALS: 5 items, measured recall 1.000
    >>> index.recommend("diego", n=2)["item"].to_list() == model.recommend("diego", n=2)["item"].to_list()
    True
    """

    recall_: float
    expansion_: int

    def __init__(self, model: Recommender, *, recall: float = 0.95, n: int = 10, n_jobs: int | None = None) -> None:
        constraints: dict[str, Constraint] = {"recall": Float(0, 1), "n": Int(1)}
        check_parameters(type(self).__name__, {"recall": recall, "n": n}, constraints)
        model._check_fitted("ApproximateIndex")  # noqa: SLF001  one package
        self.model = copy.copy(model)
        self._n_threads = n_threads(n_jobs)
        directions = _directions(self._products())
        self._graph = load_extra("usearch.index", "ann", "an approximate index").Index(
            ndim=directions.shape[1], metric="ip", dtype="f32"
        )
        self._graph.add(np.arange(len(directions)), directions, threads=self._n_threads)
        self._widen(recall, n)

    def recommend(
        self,
        users: Any = None,  # noqa: ANN401  an id or many
        n: int = 10,
        *,
        exclude_seen: bool = True,
        unknown: Literal["fallback", "raise"] = "fallback",
    ) -> Frame:
        """Most of the n items of highest score for each user, best first; see `Recommender.recommend`."""
        constraints: dict[str, Constraint] = {"n": Int(1), "unknown": OneOf(("fallback", "raise"))}
        check_parameters("recommend", {"n": n, "unknown": unknown}, constraints)
        user_ids, user_codes = self.model._chosen("user", users, unknown)  # noqa: SLF001  one package
        lists = self.recommend_codes(user_codes, n, exclude_seen=exclude_seen)
        return self.model._listed(user_ids, *lists)  # noqa: SLF001  one package

    def recommend_codes(self, user_codes: Codes, n: int = 10, *, exclude_seen: bool = True) -> tuple[Codes, Float32]:
        """`recommend` below the door; see `Recommender.recommend_codes`."""
        n = min(n, len(self.model.item_vocabulary_))
        blocks = [user_codes[first : first + _BLOCK] for first in range(0, max(user_codes.size, 1), _BLOCK)]
        found = [self._best_of(block, n, exclude_seen=exclude_seen) for block in blocks]
        return np.concatenate([codes for codes, _ in found]), np.concatenate([scores for _, scores in found])

    def with_users_of(self, folded: Recommender) -> Self:
        """The same index for the users of a model that `fold_in` of this one has made.

        Raises
        ------
        InvalidParameterError
            Its items are not those of the index.
        """
        if getattr(folded, "item_factors_", None) is not self.model.item_factors_:
            message = f"the items of this {type(folded).__name__} are not those of the index. Hint: build another."
            raise InvalidParameterError(message)
        other = copy.copy(self)
        other.model = folded
        return other

    def __repr__(self) -> str:
        n_items = len(self.model.item_vocabulary_)
        return f"ApproximateIndex of {type(self.model).__name__}: {n_items} items, measured recall {self.recall_:.3f}"

    # Inside ---------------------------------------------------------------------------------------------------------

    def _widen(self, recall: float, n: int) -> None:
        """Search as widely as the recall asks for."""
        users = np.unique(np.linspace(0, len(self.model.user_vocabulary_) - 1, _N_SAMPLED).astype(np.int32))
        exact = self.model.recommend_codes(users, n)[0]
        expansion = _NARROWEST
        while True:
            self._graph.expansion_search = self.expansion_ = expansion
            found = self.recommend_codes(users, n)[0]
            hits = [
                np.isin(row[row >= 0], other).mean() for row, other in zip(exact, found, strict=True) if row[0] >= 0
            ]
            self.recall_ = float(np.mean(hits)) if hits else 1.0
            if self.recall_ >= recall or expansion >= _WIDEST:
                break
            expansion *= 2
        if self.recall_ < recall:
            message = f"the index finds {self.recall_:.3f} of exact lists, not {recall:g}, searched {expansion} wide."
            warn(f"{message} Hint: recommend of the model itself finds all.", ConvergenceWarning)

    def _best_of(self, users: Codes, n: int, *, exclude_seen: bool) -> tuple[Codes, Float32]:
        """The lists of some users."""
        known, n_items = self.model.known_, len(self.model.item_vocabulary_)
        n_seen = (
            np.where(users < 0, 0, np.diff(known.indptr)[users]) if exclude_seen else np.zeros(users.size, np.int64)
        )
        asked = min(n + min(int(n_seen.max(initial=0)), _MOST_SEEN), n_items)
        codes = self._nearest(users, asked)
        for row, user in enumerate(users if exclude_seen else ()):
            if user >= 0:
                seen = known.indices[known.indptr[user] : known.indptr[user + 1]]
                codes[row, np.isin(codes[row], seen)] = -1
        pairs = np.repeat(users, asked), np.ascontiguousarray(codes.ravel())
        scores = self.model._predict(*pairs).astype(np.float32).reshape(codes.shape)  # noqa: SLF001  one package
        scores[codes < 0] = -np.inf
        order = np.lexsort((codes, -scores))[:, :n]
        codes, scores = np.take_along_axis(codes, order, axis=1), np.take_along_axis(scores, order, axis=1)
        short = np.flatnonzero(codes[:, -1] < 0)
        if short.size:
            codes[short], scores[short] = self.model.recommend_codes(users[short], n, exclude_seen=exclude_seen)
        return codes, scores

    def _nearest(self, users: Codes, n: int) -> Codes:
        """What the graph leads to, -1 where it ends."""
        factors = self._products().factors(users)
        wanted = np.zeros((users.size, self._graph.ndim), np.float32)
        wanted[:, : factors.shape[1]] = factors
        wanted[:, factors.shape[1] : -1] = 1  # the biases
        lengths = np.linalg.norm(wanted, axis=1, keepdims=True)
        np.divide(wanted, lengths, out=wanted, where=lengths > 0)
        codes = np.full((users.size, n), -1, np.int32)
        if users.size:
            found = self._graph.search(wanted, n, threads=self._n_threads)
            keys = np.reshape(found.keys, (users.size, -1))
            counts = found.counts if users.size > 1 else [keys.size]  # usearch has another answer for a single one
            there = np.arange(keys.shape[1]) < np.reshape(counts, (-1, 1))
            codes[:, : keys.shape[1]][there] = keys[there]
        return codes

    def _products(self) -> Products:
        score = self.model._scorer()  # noqa: SLF001  one package
        if isinstance(score, Products) and score.right.shape[1]:
            return score
        message = (
            f"{type(self.model).__name__} has no factors, so there is no way from item to item that leads to the best. "
            f"Hint: ImplicitALS, HybridMF, ALS, FunkSVD, SVDpp, NMF, PureSVD and ContentRegression have."
        )
        raise UnsupportedError(message)


def _directions(products: Products) -> Float32:
    """The items as points on a sphere, nearest in angle to those they have the largest products with."""
    parts = [products.right] if products.column_part is None else [products.right, products.column_part[:, None]]
    squares = np.sum([np.einsum("nf,nf->n", part, part, dtype=np.float64) for part in parts], axis=0)
    longest = float(np.sqrt(squares.max())) or 1.0
    beyond = np.sqrt(np.maximum(longest**2 - squares, 0)).astype(np.float32)
    directions: Float32 = np.column_stack([*parts, beyond])
    directions /= np.float32(longest)
    return directions
