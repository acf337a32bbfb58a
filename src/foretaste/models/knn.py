"""`UserKNN`, `ItemKNN` and `UserItemKNN`: what like-minded people gave, or what like items got."""

from __future__ import annotations

import copy
from typing import ClassVar

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.models._neighbourhood import ByItems, ByUsers, Neighbourhood
from foretaste.models._neighbours import Centring, Similarity
from foretaste.models._training import Training, hold_out
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import Float

# The weights of the two sides where little or nothing is held out to learn them from: about what they come to on
# validation parts of MovieLens 100K and 1M; and how many held-out ratings the data must have to say otherwise.
_WEIGHTS = (0.4, 0.9)
_DOUBT = 100.0


class UserKNN(ByUsers):
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


class ItemKNN(ByItems):
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


class UserItemKNN(ByUsers, ByItems):
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
        **{name: each for name, each in Neighbourhood._constraints.items() if name != "centring"},  # noqa: SLF001
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
