"""What the neighbour models share: centres, the two directions of looking, likeness and reasons."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.models._base import Recommender, Side
from foretaste.models._factors import Unit
from foretaste.models._likeness import Metric, Nearest
from foretaste.models._neighbours import (
    CENTRINGS,
    SIMILARITIES,
    Asked,
    Biases,
    Centring,
    Direction,
    Finder,
    Similarity,
    moments,
    nearest_kept,
    refuse_metric,
)
from foretaste.models._ranking import Scorer
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import N_JOBS, Float, Int, OneOf

# Pairs predicted together while everything is scored: each takes about 60 bytes on the way.
_PAIRS_AT_ONCE = 2**19


class Neighbourhood(Recommender):
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

    _unique_pairs = True
    _centre_name: ClassVar[str]

    # what the rest was learned under; a parameter changed later says nothing about it
    similarity_: Similarity
    centring_: Centring
    n_neighbors_: int
    min_neighbors_: int
    damping_: float
    global_mean_: float
    spread_: float
    user_biases_: Annotated[Float32, "users"]
    item_biases_: Annotated[Float32, "items"]

    def _learn_baseline(self, interactions: Interactions) -> tuple[Learned, Biases]:
        ratings = interactions.require_ratings(type(self).__name__)
        biases = Biases.of(interactions)
        learned = {
            "similarity_": self.similarity,
            "centring_": self.centring,
            "n_neighbors_": int(self.n_neighbors),
            "min_neighbors_": int(self.min_neighbors),
            "damping_": float(self.damping),
            "global_mean_": biases.mean,
            "spread_": Unit.of(ratings, centred=True).spread,
            "user_biases_": biases.users,
            "item_biases_": biases.items,
        }
        return learned, biases

    def _user_biases(self, rows: SparseRows) -> Float32:
        return Biases(self.global_mean_, self.user_biases_, self.item_biases_).of_users(rows)

    def _finder(self, similarity: Similarity, scale: tuple[float, float]) -> Finder:
        settings = (similarity, self.min_support, self.shrinkage, self.n_kept, self.n_jobs)
        return Finder(type(self).__name__, *settings, scale)

    def _asked(self) -> Asked:
        return Asked(self.n_neighbors_, self.min_neighbors_, self.damping_)

    @staticmethod
    def _centres(
        centring: Centring, rows: SparseRows, biases: Float32, mean: float, spread: float
    ) -> tuple[Float32, Float32]:
        """How far the centre of each row lies from the mean, and the unit its ratings are measured in."""
        if centring == "baseline":
            return biases, np.ones_like(biases)
        if centring == "none":
            return np.zeros_like(biases), np.ones_like(biases)
        centres, spreads = moments(rows, mean, spread)
        return centres, spreads if centring == "zscore" else np.ones_like(biases)

    def _other_centres(self, biases: Float32) -> Float32:
        """The same of the other side, on which only the baseline depends."""
        return biases if self.centring_ == "baseline" else np.zeros_like(biases)

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

        slice_ = max(1, _PAIRS_AT_ONCE // every_item.size)

        def scores(block: Codes) -> Float32:
            result = np.empty((block.size, every_item.size), np.float32)
            with workers(None) as run:  # the blocks themselves are spread over threads
                for first in range(0, block.size, slice_):
                    users = block[first : first + slice_]
                    pairs = (np.repeat(users, every_item.size), np.tile(every_item, users.size))
                    result[first : first + slice_] = self._predicted(*pairs, run).reshape(users.size, -1)
            return result

        return scores

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        by_users, by_items = self._offsets()
        of_users, of_items = float(by_users[user_code]), float(by_items[item_code])
        if self.centring_ == "baseline":
            centre = [("global mean", self.global_mean_), ("user bias", of_users), ("item bias", of_items)]
        elif self.centring_ == "none":
            centre = [("global mean", self.global_mean_)]
        else:
            centre = [(self._centre_name, self.global_mean_ + of_users + of_items)]
        return centre + self._heard(user_code, item_code)

    # Likeness -------------------------------------------------------------------------------------------------------

    def _nearest(self, side: Side, query: Codes, n: int, metric: Metric | None) -> Nearest:
        neighbors: SparseRows | None = getattr(self, f"{side}_neighbors_", None)
        if neighbors is None:
            return super()._nearest(side, query, n, metric)
        refuse_metric(type(self).__name__, self.similarity_, metric)
        return Nearest(self._neighbor_vocabulary(side), *nearest_kept(neighbors, query, n))

    def _neighbor_vocabulary(self, side: Side) -> Vocabulary:
        vocabulary: Vocabulary = self.rater_vocabulary_ if side == "user" else self.item_vocabulary_
        return vocabulary


class ByUsers(Neighbourhood):
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
        centres, spreads = self._centres(self.centring, by_user, biases.users, biases.mean, spread)
        finder = self._finder(self.similarity, interactions.scale)
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
        centres, spreads = self._centres(self.centring_, rows, users, mean, self.spread_)
        finder = self._finder(self.similarity_, self.scale_)
        queries = finder.measured(rows, mean, users, items)
        columns = finder.measured(self.ratings_, mean, items, self.rater_biases_)
        neighbors = finder.find(queries, columns, len(self.rater_vocabulary_), own=False)
        return {"user_centres_": centres, "user_spreads_": spreads, "user_neighbors_": neighbors}

    def _user_side(self) -> Direction:
        centres = self.global_mean_ + self._other_centres(self.item_biases_).astype(np.float64)
        return Direction(self.user_neighbors_, self.ratings_, centres, self.rater_centres_, self.rater_spreads_)

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


class ByItems(Neighbourhood):
    """The side of the items: those that are like the item, and were rated by the user."""

    _centre_name = "item mean"

    item_centres_: Annotated[Float32, "items"]
    item_spreads_: Annotated[Float32, "items"]
    item_neighbors_: Annotated[SparseRows, "items", "items"]

    def _learn_items(self, interactions: Interactions, biases: Biases, spread: float) -> Learned:
        by_user, by_item = interactions.by_user(), interactions.by_item()
        centres, spreads = self._centres(self.centring, by_item, biases.items, biases.mean, spread)
        finder = self._finder(self.similarity, interactions.scale)
        queries = finder.measured(by_item, biases.mean, biases.items, biases.users)
        columns = finder.measured(by_user, biases.mean, biases.users, biases.items)
        return {
            "item_centres_": centres,
            "item_spreads_": spreads,
            "item_neighbors_": finder.find(queries, columns, interactions.n_items, own=True),
        }

    def _item_side(self) -> Direction:
        centres = self.global_mean_ + self._other_centres(self.user_biases_).astype(np.float64)
        return Direction(self.item_neighbors_, self.known_, centres, self.item_centres_, self.item_spreads_)

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
