"""`UserKNN`, `ItemKNN` and `UserItemKNN`: what like-minded people gave, or what like items got."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import UnsupportedError
from foretaste.models._base import Metric, Nearest, Recommender
from foretaste.models._base import Side as SideName
from foretaste.models._factors import Unit
from foretaste.models._neighbors import (
    CENTRINGS,
    SIMILARITIES,
    Asked,
    Biases,
    Centring,
    Finder,
    Side,
    Similarity,
    moments,
)
from foretaste.models._ranking import Scorer
from foretaste.models._training import Training, hold_out
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import N_JOBS, Float, Int, OneOf

# The weights of the two sides where little or nothing is held out to learn them from: about what they come to on
# validation parts of MovieLens 100K and 1M; and how many held-out ratings the data must have to say otherwise.
_WEIGHTS = (0.4, 0.9)
_DOUBT = 100.0


class _Neighborhood(Recommender):
    """What the three share: settings, the centre of a pair, and falling back to it."""

    _constraints: ClassVar = {
        "similarity": OneOf(SIMILARITIES),
        "centring": OneOf(CENTRINGS),
        "n_neighbors": Int(1),
        "min_neighbors": Int(1),
        "n_kept": Int(1),
        "min_support": Int(1),
        "shrinkage": Float(0),
        "damping": Float(0),
        "n_jobs": N_JOBS,
    }

    similarity: Similarity
    centring: Centring
    n_neighbors: int
    min_neighbors: int
    n_kept: int
    min_support: int
    shrinkage: float
    damping: float
    n_jobs: int | None

    _centre_name: ClassVar[str]

    global_mean_: float
    spread_: float
    user_biases_: Annotated[Float32, "users"]
    item_biases_: Annotated[Float32, "items"]

    def _learn_baseline(self, interactions: Interactions) -> tuple[Learned, Biases]:
        ratings = interactions.require_ratings(type(self).__name__)
        biases = Biases.of(interactions)
        learned = {
            "global_mean_": biases.mean,
            "spread_": Unit.of(ratings, centred=True).spread,
            "user_biases_": biases.users,
            "item_biases_": biases.items,
        }
        return learned, biases

    def _user_biases(self, rows: SparseRows) -> Float32:
        return Biases(self.global_mean_, self.user_biases_, self.item_biases_).of_users(rows)

    def _finder(self, scale: tuple[float, float]) -> Finder:
        settings = (self.similarity, self.min_support, self.shrinkage, self.n_kept, self.n_jobs)
        return Finder(type(self).__name__, *settings, scale)

    def _asked(self) -> Asked:
        return Asked(self.n_neighbors, self.min_neighbors, self.damping)

    def _centres(self, rows: SparseRows, biases: Float32, mean: float, spread: float) -> tuple[Float32, Float32]:
        """How far the centre of each row lies from the mean, and the unit its ratings are measured in."""
        if self.centring == "baseline":
            return biases, np.ones_like(biases)
        if self.centring == "none":
            return np.zeros_like(biases), np.ones_like(biases)
        centres, spreads = moments(rows, mean, spread)
        return centres, spreads if self.centring == "zscore" else np.ones_like(biases)

    def _other_centres(self, biases: Float32) -> Float32:
        """The same of the other side, on which only the baseline depends."""
        return biases if self.centring == "baseline" else np.zeros_like(biases)

    @abstractmethod
    def _offsets(self) -> tuple[Float32, Float32]:
        """What users and items add to the mean in the centre of a pair."""

    @abstractmethod
    def _said(self, user_codes: Codes, item_codes: Codes, run: Run) -> Float64:
        """What neighbours add to the centres of pairs of known codes."""

    @abstractmethod
    def _heard(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        """The same as terms, a neighbour each."""

    # Ratings --------------------------------------------------------------------------------------------------------

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        with workers(self.n_jobs) as run:
            return self._predicted(user_codes, item_codes, run)

    def _predicted(self, user_codes: Codes, item_codes: Codes, run: Run) -> Float64:
        user_known, item_known = user_codes >= 0, item_codes >= 0
        known = user_known & item_known
        # of somebody unknown nobody is a neighbour: what is left is the baseline of the other
        predicted = np.where(user_known, self.user_biases_[user_codes], np.float32(0)).astype(np.float64)
        predicted += np.where(item_known, self.item_biases_[item_codes], np.float32(0))
        users, items = user_codes[known], item_codes[known]
        of_users, of_items = self._offsets()
        predicted[known] = of_users[users].astype(np.float64) + of_items[items] + self._said(users, items, run)
        return predicted + self.global_mean_

    def _scorer(self) -> Scorer:
        every_item = np.arange(len(self.item_vocabulary_), dtype=np.int32)

        def scores(block: Codes) -> Float32:
            with workers(None) as run:  # the blocks themselves are spread over threads
                pairs = self._predicted(np.repeat(block, every_item.size), np.tile(every_item, block.size), run)
            return pairs.reshape(block.size, every_item.size).astype(np.float32)

        return scores

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        by_users, by_items = self._offsets()
        of_users, of_items = float(by_users[user_code]), float(by_items[item_code])
        if self.centring == "baseline":
            centre = [("global mean", self.global_mean_), ("user bias", of_users), ("item bias", of_items)]
        elif self.centring == "none":
            centre = [("global mean", self.global_mean_)]
        else:
            centre = [(self._centre_name, self.global_mean_ + of_users + of_items)]
        return centre + self._heard(user_code, item_code)

    # Likeness -------------------------------------------------------------------------------------------------------

    def _nearest(self, side: SideName, query: Codes, n: int, metric: Metric | None) -> Nearest:
        neighbors: SparseRows | None = getattr(self, f"{side}_neighbors_", None)
        if neighbors is None:
            return super()._nearest(side, query, n, metric)
        if metric is not None:
            message = (
                f"{type(self).__name__} keeps the neighbours of its own similarity, {self.similarity!r}, and no "
                f"points to measure between; got metric={metric!r}. Hint: leave 'metric' out, or fit with another "
                f"'similarity'."
            )
            raise UnsupportedError(message)
        starts, stops = neighbors.indptr[query], neighbors.indptr[query + 1]
        width = int(min(n, max((stops - starts).max(initial=0), 1)))
        places = starts[:, None] + np.arange(width)
        there = places < stops[:, None]
        places = np.where(there, places, 0)
        codes = np.full(places.shape, -1, np.int32)
        values = np.zeros(places.shape)
        codes[there], values[there] = neighbors.indices[places[there]], neighbors.values[places[there]]
        return Nearest(self._neighbor_vocabulary(side), codes, values)

    def _neighbor_vocabulary(self, side: SideName) -> Vocabulary:
        vocabulary: Vocabulary = self.rater_vocabulary_ if side == "user" else self.item_vocabulary_
        return vocabulary


class _ByUsers(_Neighborhood):
    """The side of the users: those who are like the user, and rated the item."""

    _centre_name = "user mean"

    user_centres_: Annotated[Float32, "users"]
    user_spreads_: Annotated[Float32, "users"]
    user_neighbors_: Annotated[SparseRows, "users", "raters"]
    rater_vocabulary_: Annotated[Vocabulary, "raters"]
    rater_biases_: Annotated[Float32, "raters"]
    rater_centres_: Annotated[Float32, "raters"]
    rater_spreads_: Annotated[Float32, "raters"]
    ratings_: Annotated[SparseRows, "items", "raters"]

    def _learn_users(self, interactions: Interactions, biases: Biases, spread: float) -> Learned:
        by_user, by_item = interactions.by_user(), interactions.by_item()
        centres, spreads = self._centres(by_user, biases.users, biases.mean, spread)
        finder = self._finder(interactions.scale)
        queries = finder.measured(by_user, biases.mean, biases.users, biases.items)
        columns = finder.measured(by_item, biases.mean, biases.items, biases.users)
        return {
            "user_centres_": centres,
            "user_spreads_": spreads,
            "user_neighbors_": finder.find(queries, columns, interactions.n_users, own=True),
            "rater_vocabulary_": interactions.users,
            "rater_biases_": biases.users,
            "rater_centres_": centres,
            "rater_spreads_": spreads,
            "ratings_": by_item,
        }

    def _meet_users(self, rows: SparseRows, users: Float32) -> Learned:
        """What `_learn_users` learns about users, of new ones."""
        mean, items = self.global_mean_, self.item_biases_
        centres, spreads = self._centres(rows, users, mean, self.spread_)
        finder = self._finder(self.scale_)
        queries = finder.measured(rows, mean, users, items)
        columns = finder.measured(self.ratings_, mean, items, self.rater_biases_)
        neighbors = finder.find(queries, columns, len(self.rater_vocabulary_), own=False)
        return {"user_centres_": centres, "user_spreads_": spreads, "user_neighbors_": neighbors}

    def _user_side(self) -> Side:
        centres = self.global_mean_ + self._other_centres(self.item_biases_).astype(np.float64)
        return Side(self.user_neighbors_, self.ratings_, centres, self.rater_centres_, self.rater_spreads_)

    def _said_by_users(self, user_codes: Codes, item_codes: Codes, run: Run) -> Float64:
        found = self._user_side().deviations(user_codes, item_codes, self._asked(), run)
        return found * self.user_spreads_[user_codes]

    def _heard_from_users(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        heard = zip(*self._user_side().heard(user_code, item_code, self._asked()), strict=True)
        return [
            (
                f"rated {rating:g} by {self.rater_vocabulary_.decode_one(int(rater))!r}, similarity {similarity:.2f}",
                float(share * self.user_spreads_[user_code]),
            )
            for rater, rating, similarity, share in heard
        ]


class _ByItems(_Neighborhood):
    """The side of the items: those that are like the item, and were rated by the user."""

    _centre_name = "item mean"

    item_centres_: Annotated[Float32, "items"]
    item_spreads_: Annotated[Float32, "items"]
    item_neighbors_: Annotated[SparseRows, "items", "items"]

    def _learn_items(self, interactions: Interactions, biases: Biases, spread: float) -> Learned:
        by_user, by_item = interactions.by_user(), interactions.by_item()
        centres, spreads = self._centres(by_item, biases.items, biases.mean, spread)
        finder = self._finder(interactions.scale)
        queries = finder.measured(by_item, biases.mean, biases.items, biases.users)
        columns = finder.measured(by_user, biases.mean, biases.users, biases.items)
        return {
            "item_centres_": centres,
            "item_spreads_": spreads,
            "item_neighbors_": finder.find(queries, columns, interactions.n_items, own=True),
        }

    def _item_side(self) -> Side:
        centres = self.global_mean_ + self._other_centres(self.user_biases_).astype(np.float64)
        return Side(self.item_neighbors_, self.known_, centres, self.item_centres_, self.item_spreads_)

    def _said_by_items(self, user_codes: Codes, item_codes: Codes, run: Run) -> Float64:
        found = self._item_side().deviations(item_codes, user_codes, self._asked(), run)
        return found * self.item_spreads_[item_codes]

    def _heard_from_items(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        heard = zip(*self._item_side().heard(item_code, user_code, self._asked()), strict=True)
        return [
            (
                f"rated {self.item_vocabulary_.decode_one(int(item))!r} {rating:g}, similarity {similarity:.2f}",
                float(share * self.item_spreads_[item_code]),
            )
            for item, rating, similarity, share in heard
        ]


class UserKNN(_ByUsers):
    r"""What people like the user gave the item, each against their own centre.

    .. math::

        \hat r_{ui} = c_{ui} + s_u \frac{\sum_{v \in N} w_{uv} (r_{vi} - c_{vi}) / s_v}{
            \sum_{v \in N} w_{uv} + \delta}

    where N are the users of highest similarity w > 0 to u among those who rated i, c is the centre and s the unit
    (1 but for "zscore").

    Parameters
    ----------
    similarity : {"cosine_baseline", "pearson_baseline", "pearson", "cosine", "msd"}
        Of residuals from the baseline: the cosine of whole rows, gaps counting as 0, or over what two rows have in
        common. Of ratings, over what they have in common: Pearson's correlation, the cosine, or
        1 / (1 + mean squared difference), in quarters of the scale.
    centring : {"baseline", "mean", "zscore", "none"}
        The c: the baseline, the mean of the user (with "zscore" measured in its standard deviations), or the mean
        of everything.
    n_neighbors : int
        At most so many neighbours speak in a prediction.
    min_neighbors : int
        Where fewer can, the centre stands alone.
    n_kept : int
        Neighbours kept of each user: at most n_users * n_kept * 8 bytes.
    min_support : int
        Least number of items two users have to have in common.
    shrinkage : float
        The lambda, in common items: a similarity that rests on n counts (n - 1) / (n - 1 + lambda) of itself.
    damping : float
        The delta: the centre has a voice of this similarity.
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.

    Attributes
    ----------
    user_neighbors_ : SparseRows
        For each user the codes, in `rater_vocabulary_`, and similarities of the neighbours, best first.
    ratings_ : SparseRows
        The training ratings by item; indices are codes in `rater_vocabulary_`.
    rater_vocabulary_ : Vocabulary
        The users of the training data, also in a model that `fold_in` made.
    user_biases_, item_biases_, rater_biases_ : float32 arrays
        The baseline.
    user_centres_, user_spreads_, rater_centres_, rater_spreads_ : float32 arrays
        The user's part of c, from the mean, and s.

    References
    ----------
    Herlocker, Konstan, Borchers, Riedl 1999, "An algorithmic framework for performing collaborative filtering";
    Koren 2010, "Factor in the neighbors"; Desrosiers, Karypis 2011, "A comprehensive survey of neighborhood-based
    recommendation methods".

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.UserKNN(shrinkage=1).fit(ft.datasets.albums())
    >>> model.explain("diego", "zhou-shen")["term"].to_list()[-1]
    "rated 5 by 'cordelia', similarity 0..."
    """

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        *,
        similarity: Similarity = "cosine_baseline",
        centring: Centring = "baseline",
        n_neighbors: int = 30,
        min_neighbors: int = 1,
        n_kept: int = 500,
        min_support: int = 1,
        shrinkage: float = 60.0,
        damping: float = 0.05,
        n_jobs: int | None = None,
    ) -> None:
        self.similarity = similarity
        self.centring = centring
        self.n_neighbors = n_neighbors
        self.min_neighbors = min_neighbors
        self.n_kept = n_kept
        self.min_support = min_support
        self.shrinkage = shrinkage
        self.damping = damping
        self.n_jobs = n_jobs

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        learned, biases = self._learn_baseline(interactions)
        return learned | self._learn_users(interactions, biases, learned["spread_"])

    def _fold_in(self, rows: SparseRows) -> Learned:
        biases = self._user_biases(rows)
        return {"user_biases_": biases, **self._meet_users(rows, biases)}

    def _offsets(self) -> tuple[Float32, Float32]:
        return self.user_centres_, self._other_centres(self.item_biases_)

    def _said(self, user_codes: Codes, item_codes: Codes, run: Run) -> Float64:
        return self._said_by_users(user_codes, item_codes, run)

    def _heard(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        return self._heard_from_users(user_code, item_code)


class ItemKNN(_ByItems):
    r"""What the user gave items like this one, each against its own centre.

    .. math::

        \hat r_{ui} = c_{ui} + s_i \frac{\sum_{j \in N} w_{ij} (r_{uj} - c_{uj}) / s_j}{
            \sum_{j \in N} w_{ij} + \delta}

    where N are the items of highest similarity w > 0 to i among those that u rated, c is the centre and s the unit
    (1 but for "zscore").

    Parameters
    ----------
    similarity : {"cosine_baseline", "pearson_baseline", "pearson", "cosine", "msd"}
        Of residuals from the baseline: the cosine of whole rows, gaps counting as 0, or over what two rows have in
        common. Of ratings, over what they have in common: Pearson's correlation, the cosine, or
        1 / (1 + mean squared difference), in quarters of the scale.
    centring : {"baseline", "mean", "zscore", "none"}
        The c: the baseline, the mean of the item (with "zscore" measured in its standard deviations), or the mean
        of everything.
    n_neighbors : int
        At most so many neighbours speak in a prediction.
    min_neighbors : int
        Where fewer can, the centre stands alone.
    n_kept : int
        Neighbours kept of each item: at most n_items * n_kept * 8 bytes.
    min_support : int
        Least number of users two items have to have in common.
    shrinkage : float
        The lambda, in common users: a similarity that rests on n counts (n - 1) / (n - 1 + lambda) of itself.
    damping : float
        The delta: the centre has a voice of this similarity.
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.

    Attributes
    ----------
    item_neighbors_ : SparseRows
        For each item the codes and similarities of its neighbours, best first.
    user_biases_, item_biases_ : float32 arrays
        The baseline.
    item_centres_, item_spreads_ : float32 arrays
        The item's part of c, from the mean, and s.

    References
    ----------
    Sarwar, Karypis, Konstan, Riedl 2001, "Item-based collaborative filtering recommendation algorithms"; Koren 2010,
    "Factor in the neighbors"; Desrosiers, Karypis 2011, "A comprehensive survey of neighborhood-based recommendation
    methods".

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.ItemKNN(shrinkage=1).fit(ft.datasets.albums())
    >>> model.explain("diego", "zhou-shen")["term"].to_list()[-2:]
    ["rated 'sanam' 4, similarity 0...", "rated 'bts' 5, similarity 0..."]
    """

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        *,
        similarity: Similarity = "cosine_baseline",
        centring: Centring = "baseline",
        n_neighbors: int = 30,
        min_neighbors: int = 1,
        n_kept: int = 500,
        min_support: int = 1,
        shrinkage: float = 60.0,
        damping: float = 0.05,
        n_jobs: int | None = None,
    ) -> None:
        self.similarity = similarity
        self.centring = centring
        self.n_neighbors = n_neighbors
        self.min_neighbors = min_neighbors
        self.n_kept = n_kept
        self.min_support = min_support
        self.shrinkage = shrinkage
        self.damping = damping
        self.n_jobs = n_jobs

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        learned, biases = self._learn_baseline(interactions)
        return learned | self._learn_items(interactions, biases, learned["spread_"])

    def _fold_in(self, rows: SparseRows) -> Learned:
        return {"user_biases_": self._user_biases(rows)}

    def _offsets(self) -> tuple[Float32, Float32]:
        return self._other_centres(self.user_biases_), self.item_centres_

    def _said(self, user_codes: Codes, item_codes: Codes, run: Run) -> Float64:
        return self._said_by_items(user_codes, item_codes, run)

    def _heard(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        return self._heard_from_items(user_code, item_code)


class UserItemKNN(_ByUsers, _ByItems):
    r"""Both at once: what like-minded people gave the item, and what the user gave like items.

    .. math::

        \hat r_{ui} = \mu + b_u + b_i
        + \alpha \frac{\sum_v w_{uv} e_{vi}}{\sum_v w_{uv} + \delta}
        + \beta \frac{\sum_j w_{ij} e_{uj}}{\sum_j w_{ij} + \delta}

    with e what the baseline leaves of a rating. The two weights are a regression on ratings held out, drawn a little
    towards 0.4 and 0.9; then both sides are learned from all ratings. They may add up to more than 1: each side is
    cautious by itself, and two that agree are surer than one.

    Parameters
    ----------
    similarity : {"cosine_baseline", "pearson_baseline", "pearson", "cosine", "msd"}
        Of residuals from the baseline: the cosine of whole rows, gaps counting as 0, or over what two rows have in
        common. Of ratings, over what they have in common: Pearson's correlation, the cosine, or
        1 / (1 + mean squared difference), in quarters of the scale.
    n_neighbors : int
        At most so many neighbours speak in a prediction.
    min_neighbors : int
        Where fewer can, the centre stands alone.
    n_kept : int
        Neighbours kept of each user and item: at most (n_users + n_items) * n_kept * 8 bytes.
    min_support : int
        Least number of columns two rows have to have in common.
    shrinkage : float
        The lambda, in common columns: a similarity that rests on n counts (n - 1) / (n - 1 + lambda) of itself.
    damping : float
        The delta: the centre has a voice of this similarity.
    validation_fraction : float
        The share of the ratings that is held out to learn the weights.
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.
    random_state : int, generator or None
        Draws the part that is held out.

    Attributes
    ----------
    user_weight_, item_weight_ : float
        The alpha and the beta.

    Others as in `UserKNN` and `ItemKNN`.

    References
    ----------
    Wang, de Vries, Reinders 2006, "Unifying user-based and item-based collaborative filtering approaches by
    similarity fusion", for the idea; Breiman 1996, "Stacked regressions", for the weights.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.UserItemKNN(random_state=0).fit(ft.datasets.albums())
    >>> len(model.similar_users("diego")), len(model.similar_items("bts"))
    (1, 2)
    """

    centring: Centring = "baseline"  # of the class: both sides add to one centre

    _constraints: ClassVar = {
        **{name: each for name, each in _Neighborhood._constraints.items() if name != "centring"},  # noqa: SLF001
        "validation_fraction": Float(0, 0.9, open_low=True),
    }

    user_weight_: float
    item_weight_: float

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        *,
        similarity: Similarity = "cosine_baseline",
        n_neighbors: int = 30,
        min_neighbors: int = 1,
        n_kept: int = 500,
        min_support: int = 1,
        shrinkage: float = 60.0,
        damping: float = 0.05,
        validation_fraction: float = 0.1,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.similarity = similarity
        self.n_neighbors = n_neighbors
        self.min_neighbors = min_neighbors
        self.n_kept = n_kept
        self.min_support = min_support
        self.shrinkage = shrinkage
        self.damping = damping
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        of_users, of_items = self._weights(interactions)
        return {**self._both(interactions), "user_weight_": of_users, "item_weight_": of_items}

    def _both(self, interactions: Interactions) -> Learned:
        learned, biases = self._learn_baseline(interactions)
        learned |= self._learn_users(interactions, biases, learned["spread_"])
        return learned | self._learn_items(interactions, biases, learned["spread_"])

    def _weights(self, interactions: Interactions) -> tuple[float, float]:
        """The weights under which what the sides say explains best what the baseline leaves of held-out ratings."""
        ratings = interactions.require_ratings(type(self).__name__)
        if ratings.size == 1:
            return _WEIGHTS
        train, held = hold_out(interactions, self.validation_fraction, self.random_state)
        part = copy.copy(self)
        part.__dict__.update({**self._both(train), "known_": train.by_user()})
        pair = (held.user_codes, held.item_codes)
        with workers(self.n_jobs) as run:
            said = np.column_stack([part._said_by_users(*pair, run), part._said_by_items(*pair, run)])  # noqa: SLF001
        expected = part.global_mean_ + part.user_biases_[pair[0]].astype(np.float64) + part.item_biases_[pair[1]]
        doubt = _DOUBT * part.spread_**2 * np.eye(2)
        right = said.T @ (held.ratings - expected) + doubt @ _WEIGHTS
        of_users, of_items = np.linalg.solve(said.T @ said + doubt, right)
        return float(of_users), float(of_items)

    def _fold_in(self, rows: SparseRows) -> Learned:
        biases = self._user_biases(rows)
        return {"user_biases_": biases, **self._meet_users(rows, biases)}

    def _offsets(self) -> tuple[Float32, Float32]:
        return self.user_biases_, self.item_biases_

    def _said(self, user_codes: Codes, item_codes: Codes, run: Run) -> Float64:
        by_users = self._said_by_users(user_codes, item_codes, run)
        return self.user_weight_ * by_users + self.item_weight_ * self._said_by_items(user_codes, item_codes, run)

    def _heard(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        by_users, by_items = (hear(user_code, item_code) for hear in (self._heard_from_users, self._heard_from_items))
        return [
            *((name, self.user_weight_ * share) for name, share in by_users),
            *((name, self.item_weight_ * share) for name, share in by_items),
        ]
