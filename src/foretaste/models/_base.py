"""`Recommender`: the door every model stands behind; ids outside, codes inside."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin

from foretaste._typing import Codes, Float32, Float64, Frame, Id, Learned, Mask, UnknownPolicy
from foretaste.data.coerce import as_interactions, as_newcomers, as_pairs
from foretaste.data.frames import make_frame
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Column, Vocabulary, as_column, encode_told
from foretaste.exceptions import (
    DataError,
    DataWarning,
    NotFittedError,
    UnknownIdError,
    UnknownIdWarning,
    UnsupportedError,
)
from foretaste.models import _state
from foretaste.models._likeness import Metric, Nearest, nearest_points
from foretaste.models._ranking import Scorer, best_columns, scores_of
from foretaste.models._training import Training, check_sizes, hold_out, negligible_error
from foretaste.utils.validation import Constraint, Int, OneOf, OrNone, check_parameters
from foretaste.utils.warn import warn

Side = Literal["user", "item"]


class Recommender(RegressorMixin, BaseEstimator):
    """What all models share.

    A model writes `_fit` and `_predict` in codes and returns its learned attributes; this class turns ids into codes
    and back, checks parameters, stops training, clips, ranks, explains, saves.

    Attributes
    ----------
    user_vocabulary_, item_vocabulary_ : Vocabulary
        The ids the model knows, in the order of the rows of its learned arrays.
    scale_ : tuple of float
        Lowest and highest rating of the training data (or as declared); predictions are clipped to it.
    history_ : frame
        A row an epoch: epoch, train_rmse, valid_rmse (NaN without early stopping), seconds since the start; of a model
        that orders items, train_loss and valid_loss.
    """

    # What each parameter may be; checked by `fit`.
    _constraints: ClassVar[Mapping[str, Constraint]] = {}
    # The parameter that bounds the number of epochs, where there is one.
    _ceiling: ClassVar[str] = "n_epochs"
    # Whether it takes what a user has rated for a set, so that no pair may occur twice.
    _unique_pairs: ClassVar[bool] = False
    # Whether predictions are ratings on the scale of the data; if not they are scores that only order items.
    predicts_ratings: ClassVar[bool] = True
    # What the columns of its learning curve measure, and what other columns there are.
    measure: ClassVar[Literal["rmse", "loss"]] = "rmse"
    _more_columns: ClassVar[tuple[str, ...]] = ()

    user_vocabulary_: Vocabulary
    item_vocabulary_: Vocabulary
    scale_: tuple[float, float]
    known_: Annotated[SparseRows, "users", "items"]
    curve_: dict[str, Float64]
    kind_: str

    # Learning -------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: npt.ArrayLike | None = None) -> Self:  # noqa: ANN401  see Parameters
        """Learn from ratings.

        Parameters
        ----------
        X : frame, Interactions, dict or array
            A frame with `user`, `item` and `rating` columns, `Interactions`, ``{user: {item: rating}}``, or, with
            `y`, a frame of `user` and `item`. For a model that learns from events also rows of user and item, and
            ``{user: [item, ...]}``.
        y : array-like of shape (n_ratings,), optional
            The ratings, where X does not hold them.

        Returns
        -------
        self
            The model, fitted. If anything fails on the way, it stays as it was.

        Raises
        ------
        DataError
            The data cannot be learned from: there are no rows, a rating is larger than 1e12 in size, or the model
            says what else.
        InvalidParameterError
            A parameter is out of range.
        DivergenceError
            Training ran away.
        """
        self.check_parameters()
        interactions = self._taken(X, y)
        self._check_data(interactions)
        if self._unique_pairs:
            interactions.require_unique_pairs(type(self).__name__)
        learned: Learned = {
            "user_vocabulary_": interactions.users,
            "item_vocabulary_": interactions.items,
            "scale_": interactions.scale,
            "kind_": interactions.kind,
        }
        learned |= self._train(interactions)
        learned["known_"] = self._known(interactions).extended(len(learned["user_vocabulary_"]))
        self.__dict__.update(learned)
        return self

    def check_parameters(self) -> None:
        """Raise `InvalidParameterError` for the first parameter that is out of range; `fit` does so by itself."""
        check_parameters(type(self).__name__, self.get_params(deep=False), self._constraints)

    def _taken(self, data: Any, ratings: npt.ArrayLike | None) -> Interactions:  # noqa: ANN401  see `fit`
        """What `fit` was given, as interactions."""
        return as_interactions(data, ratings)

    def _known(self, interactions: Interactions) -> SparseRows:
        """What the model keeps of what each user has: what `recommend` leaves out and `explain` names."""
        return interactions.by_user()

    def _check_data(self, interactions: Interactions) -> None:
        name = type(self).__name__
        if not len(interactions):
            message = f"{name} has nothing to learn from: there are no rows. Hint: look at how they were selected."
            raise DataError(message)
        if interactions.ratings is not None:
            check_sizes(interactions.ratings, name)

    def _train(self, interactions: Interactions) -> Learned:
        parameters = self.get_params(deep=False)
        if not parameters.get("early_stopping", False):
            training = self._training(interactions)
            learned = training.checked(self._fit(interactions, training))
            return {**learned, "curve_": training.curve()}
        # The right number of epochs is found on a part held out, then everything is learned for as long.
        train, held_out = hold_out(interactions, parameters["validation_fraction"], parameters.get("random_state"))
        negligible = self._negligible(train)
        name, about = type(self).__name__, {"parameters": parameters, "measure": self.measure}
        search = Training(name, parameters.get(self._ceiling, 1), 0.0, negligible, held_out, self._ceiling, **about)
        search.checked(self._fit(train, search))
        training = Training(name, search.best_epoch, **about)
        return {**training.checked(self._fit(interactions, training)), "curve_": search.curve()}

    def _training(self, interactions: Interactions) -> Training:
        """The record of a fit that no held-out ratings stop."""
        parameters, tol = self.get_params(deep=False), self._tolerance()
        negligible = self._negligible(interactions) if tol > 0 else 0.0
        n_epochs = parameters.get(self._ceiling, 1)
        about: Any = {"parameters": parameters, "measure": self.measure}
        return Training(type(self).__name__, n_epochs, tol, negligible, **about)

    @abstractmethod
    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        """Learn, and return what was learned by attribute name; change nothing on self."""

    def _negligible(self, interactions: Interactions) -> float:
        """The training error that leaves nothing to learn."""
        return negligible_error(interactions.values)

    def _tolerance(self) -> float:
        """The share by which an epoch must lower the training error to be worth another."""
        tol: float = self.get_params(deep=False).get("tol", 0.0)
        return tol

    @property
    def history_(self) -> Frame:
        """The learning curve: epoch, train_rmse, valid_rmse, seconds; no rows for a model without epochs.

        Of a model that orders items the two in the middle are train_loss and valid_loss.
        """
        self._check_fitted("history_")
        names = ("epoch", f"train_{self.measure}", f"valid_{self.measure}", *self._more_columns, "seconds")
        columns = {name: self.curve_[name] for name in names}
        return make_frame(columns | {"epoch": columns["epoch"].astype(np.int64)}, self.kind_)

    # Ratings --------------------------------------------------------------------------------------------------------

    def predict(self, X: Any, *, clip: bool = True, unknown: UnknownPolicy = "fallback") -> Float64:  # noqa: ANN401
        """Predicted ratings of pairs.

        Parameters
        ----------
        X : frame, list of pairs, array or Interactions
            A frame with `user` and `item` columns, or rows of (user, item).
        clip : bool
            Keep predictions within the scale of the training data.
        unknown : {"fallback", "nan", "raise"}
            For an unknown user or item: use what is known of the rest and give one `UnknownIdWarning` with the
            count, answer NaN, or raise.

        Returns
        -------
        float64 array of shape (n_pairs,)

        Raises
        ------
        UnknownIdError
            An id is unknown and ``unknown="raise"``.
        """
        self._check_fitted("predict")
        user_codes, item_codes = self._pair_codes(X, unknown)
        return self._finished(self._predict(user_codes, item_codes), user_codes, item_codes, clip=clip, unknown=unknown)

    def _pair_codes(self, pairs: Any, unknown: UnknownPolicy) -> tuple[Codes, Codes]:  # noqa: ANN401  see `predict`
        """The codes of pairs; one warning, or an error, about ids that are unknown."""
        check_parameters("predict", {"unknown": unknown}, {"unknown": OneOf(("fallback", "nan", "raise"))})
        users, items = as_pairs(pairs)
        user_codes, missing_users = self._encode("user", users)
        item_codes, missing_items = self._encode("item", items)
        if missing_users or missing_items:
            self._tell_unknown(" ".join(filter(None, (missing_users, missing_items))), unknown)
        return user_codes, item_codes

    def _finished(
        self, predicted: Float64, users: Codes, items: Codes, *, clip: bool, unknown: UnknownPolicy
    ) -> Float64:
        """Predictions within the scale, and NaN where that is the answer for somebody unknown."""
        if clip and self.predicts_ratings:
            predicted = np.clip(predicted, *self.scale_)
        if unknown == "nan":
            predicted[(users < 0) | (items < 0)] = np.nan
        return predicted

    @abstractmethod
    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        """Unclipped predictions of pairs of codes; -1 is unknown."""

    # Recommendations ------------------------------------------------------------------------------------------------

    def recommend(
        self,
        users: Any = None,  # noqa: ANN401  an id or many
        n: int = 10,
        *,
        exclude_seen: bool = True,
        items: Iterable[Id] | None = None,
        exclude: Iterable[Id] | None = None,
        unknown: Literal["fallback", "raise"] = "fallback",
        n_jobs: int | None = None,
    ) -> Frame:
        """The n items of highest score for each user, best first.

        Parameters
        ----------
        users : id, list of ids or None
            One user, many users, or everybody.
        n : int
            How many items a user; fewer where no more are left.
        exclude_seen : bool
            Leave out what the user has rated in the training data.
        items : iterable of ids, optional
            The candidates; by default every item the model knows.
        exclude : iterable of ids, optional
            Items to leave out for everybody, such as those sold out. One that the model does not know is never
            recommended anyway, and no error here.
        unknown : {"fallback", "raise"}
            For an unknown user: rank by what is known of the items, or raise.
        n_jobs : int, optional
            Threads; -1 for all cores.

        Returns
        -------
        frame with columns user, item, score, rank
            `score` is what `predict` gives for the pair; `rank` counts from 1. Of the kind of frame the model was
            fitted on.
        """
        self._check_fitted("recommend")
        chosen: Any = {"exclude_seen": exclude_seen, "items": items, "exclude": exclude, "unknown": unknown}
        return self._recommended(self._scorer, users, n, **chosen, n_jobs=n_jobs)

    def _recommended(
        self,
        scorer: Callable[[], Scorer],
        users: Any,  # noqa: ANN401  an id or many
        n: int,
        *,
        exclude_seen: bool,
        items: Iterable[Id] | None,
        exclude: Iterable[Id] | None,
        unknown: Literal["fallback", "raise"],
        n_jobs: int | None,
    ) -> Frame:
        """What `recommend` gives, by scores of one kind or another."""
        allowed: dict[str, Constraint] = {"n": Int(1), "unknown": OneOf(("fallback", "raise"))}
        check_parameters("recommend", {"n": n, "unknown": unknown}, allowed)
        user_ids, user_codes = self._chosen("user", users, unknown)
        mask = self._item_mask(items, exclude)
        return self._listed(user_ids, *self._best(scorer(), user_codes, n, n_jobs, seen=not exclude_seen, mask=mask))

    def _best(
        self, scorer: Scorer, user_codes: Codes, n: int, n_jobs: int | None, *, seen: bool, mask: Mask | None
    ) -> tuple[Codes, Float32]:
        """The n items of highest score, those that the user has seen among them or not."""
        n = min(n, len(self.item_vocabulary_))
        return best_columns(scorer, user_codes, n, n_jobs, hidden=None if seen else self.known_, mask=mask)

    def _listed(self, user_ids: Column, codes: Codes, scores: Float32) -> Frame:
        """Lists, a row a user, as the frame that `recommend` gives."""
        if self.predicts_ratings:
            scores = np.clip(scores, *self.scale_)
        place, rank = np.nonzero(codes >= 0)
        columns = {
            "user": user_ids[place],
            "item": self.item_vocabulary_.decode(codes[place, rank]),
            "score": scores[place, rank].astype(np.float64),
            "rank": rank + 1,
        }
        return make_frame(columns, self.kind_)

    def _item_mask(self, items: Iterable[Id] | None, exclude: Iterable[Id] | None) -> Mask | None:
        """Which items may be recommended; None where all may."""
        if items is None and exclude is None:
            return None
        mask = np.full(len(self.item_vocabulary_), items is None)
        if items is not None:
            codes, missing = self._encode("item", items)
            if missing:
                raise UnknownIdError(missing)
            mask[codes] = True
        if exclude is not None:
            codes = self.item_vocabulary_.encode(exclude)
            mask[codes[codes >= 0]] = False
        return mask

    def recommend_codes(
        self,
        user_codes: Codes,
        n: int = 10,
        *,
        exclude_seen: bool = True,
        item_mask: Mask | None = None,
        n_jobs: int | None = None,
    ) -> tuple[Codes, Float32]:
        """`recommend` below the door: for programs that measure or compose lists and need no ids.

        Parameters
        ----------
        user_codes : int32 array of shape (n_users,)
            Positions in `user_vocabulary_`; -1 for somebody unknown.
        n : int
        exclude_seen : bool
        item_mask : bool array of shape (n_items,), optional
            Which items may be recommended; by default every one.
        n_jobs : int, optional

        Returns
        -------
        item codes, scores : int32 and float32 arrays of shape (n_users, min(n, number of items))
            Best first; among equal scores the item of lower code, which occurs earlier in the training data. Where no
            more are left, -1 and minus infinity.
        """
        self._check_fitted("recommend_codes")
        return self._best(self._scorer(), user_codes, n, n_jobs, seen=not exclude_seen, mask=item_mask)

    def score_codes(self, user_codes: Codes, *, exclude_seen: bool = True, item_mask: Mask | None = None) -> Float32:
        """Scores of every item for some users, a row a user: pass few users at a time.

        Arguments are those of `recommend_codes`; what it would not recommend is at minus infinity. Not clipped.
        """
        self._check_fitted("score_codes")
        return scores_of(self._scorer(), user_codes, hidden=self.known_ if exclude_seen else None, mask=item_mask)

    def _scorer(self) -> Scorer:
        """A function from user codes (-1 is unknown) to their scores of every item, a row a user."""
        every_item = np.arange(len(self.item_vocabulary_), dtype=np.int32)

        def scores(block: Codes) -> Float32:
            pairs = self._predict(np.repeat(block, every_item.size), np.tile(every_item, block.size))
            return pairs.reshape(block.size, every_item.size).astype(np.float32)

        return scores

    # Likeness -------------------------------------------------------------------------------------------------------

    def similar_items(
        self,
        items: Any,  # noqa: ANN401  an id or many
        n: int = 10,
        *,
        metric: Metric | None = None,
    ) -> Frame:
        """The n items nearest to each given one, nearest first.

        Parameters
        ----------
        items : id or list of ids
        n : int
            How many for each.
        metric : {"cosine", "euclidean"}, optional
            In a model that places items in a space, the angle between two items' factors (as without it), or the
            distance between their points. A neighbour model has its own similarity and takes none.

        Returns
        -------
        frame with columns item, similar_item, similarity or distance (euclidean), rank
            A neighbour model gives those it has kept, whose similarity is above 0.

        Raises
        ------
        UnknownIdError
            The model does not know the item.
        UnsupportedError
            The model knows of no likeness among items, or not of this one.
        """
        return self._similar("item", items, n, metric)

    def similar_users(
        self,
        users: Any,  # noqa: ANN401  an id or many
        n: int = 10,
        *,
        metric: Metric | None = None,
    ) -> Frame:
        """The n users nearest to each given one; arguments and result as in `similar_items`."""
        return self._similar("user", users, n, metric)

    def _similar(self, side: Side, ids: Any, n: int, metric: Metric | None) -> Frame:  # noqa: ANN401
        self._check_fitted(f"similar_{side}s")
        allowed = OrNone(OneOf(("cosine", "euclidean")))
        check_parameters(f"similar_{side}s", {"n": n, "metric": metric}, {"n": Int(1), "metric": allowed})
        query_ids, query = self._chosen(side, ids, "raise")
        vocabulary, codes, values = self._nearest(side, query, n, metric)
        place, rank = np.nonzero(codes >= 0)
        columns = {
            side: query_ids[place],
            f"similar_{side}": vocabulary.decode(codes[place, rank]),
            "distance" if metric == "euclidean" else "similarity": values[place, rank].astype(np.float64),
            "rank": rank + 1,
        }
        return make_frame(columns, self.kind_)

    def _nearest(self, side: Side, query: Codes, n: int, metric: Metric | None) -> Nearest:
        """The users or items nearest to each of some others, here by their places in a space."""
        return nearest_points(self._vectors(side), getattr(self, f"{side}_vocabulary_"), query, n, metric)

    def _vectors(self, side: Side) -> Float32:
        """A point for each user or item, in the order of their codes."""
        name = type(self).__name__
        message = f"{name} places no {side}s in a space, so none is near another. Hint: ALS and FunkSVD do."
        raise UnsupportedError(message)

    # Reasons --------------------------------------------------------------------------------------------------------

    def explain(self, user: Id, item: Id) -> Frame:
        """Where the number comes from, term by term; the terms add up to the score.

        Returns
        -------
        frame with columns term, value
            In the units of the rating. Where the sum leaves the scale, a last term brings it back.

        Raises
        ------
        UnknownIdError
            The model does not know the user or the item.
        """
        self._check_fitted("explain")
        return self._explained(self._terms(*self._pair(user, item)))

    def _pair(self, user: Id, item: Id) -> tuple[int, int]:
        _, user_codes = self._chosen("user", [user], "raise")
        _, item_codes = self._chosen("item", [item], "raise")
        return int(user_codes[0]), int(item_codes[0])

    def _explained(self, terms: list[tuple[str, float]]) -> Frame:
        if self.predicts_ratings:
            total = sum(value for _, value in terms)
            clipped = float(np.clip(total, *self.scale_))
            if clipped != total:
                terms = [*terms, (f"kept within the scale {self.scale_[0]:g} to {self.scale_[1]:g}", clipped - total)]
        names, values = zip(*terms, strict=True)
        return make_frame({"term": list(names), "value": np.array(values, np.float64)}, self.kind_)

    @abstractmethod
    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        """Names and values that add up to the unclipped prediction of a pair."""

    # New users ------------------------------------------------------------------------------------------------------

    def fold_in(self, ratings: Any, *, user: Id = "new user") -> Self:  # noqa: ANN401  see Parameters
        """A model that knows users the training never met, without training again.

        Parameters
        ----------
        ratings : list of (item, rating), dict, frame or Interactions
            One user's ratings as pairs, ``{item: rating}`` or a frame of `item` and `rating`; or many users' as a
            frame with `user` too, or `Interactions`. For a model that learns from events: a list of items, or
            their weights as pairs, a dictionary or a frame of `item` and `weight`. Items the model does not know are
            left out and counted in one `DataWarning`.
        user : hashable
            What to call the one user.

        Returns
        -------
        model
            A fitted model of the same kind whose users are the new ones only; its items are this model's own.

        Raises
        ------
        DataError
            No rating is of an item the model knows, or one is outside the scale the model was fitted on.
        """
        self._check_fitted("fold_in")
        given = self._newcomers(ratings, user)
        item_codes = self.item_vocabulary_.encode(given.items.decode(given.item_codes))
        known = item_codes >= 0
        if not known.any():
            message = f"none of the {len(given.items)} items of the new user is known to this {type(self).__name__}."
            raise DataError(message)
        if not known.all():
            message = f"{int((~known).sum())} of {known.size} ratings are of items unknown to this model and left out."
            warn(message, DataWarning)
        # what was made here holds no ids but those of its rows
        rated = given if known.all() and given is not ratings else given.select(known)
        if self._unique_pairs:
            rated.require_unique_pairs(type(self).__name__)
        lowest, highest = self.scale_
        outside = (rated.values < lowest) | (rated.values > highest)
        if self.predicts_ratings and outside.any():
            message = (
                f"rating {rated.values[outside][0]:g} is outside the scale {lowest:g} to {highest:g} of this model. "
                f"Hint: Interactions.from_frame(..., scale=...) declares a wider one for 'fit'."
            )
            raise DataError(message)
        # the item codes of `rated` are its own: this model's instead
        rows = self._known(replace(rated, items=self.item_vocabulary_, item_codes=item_codes[known]))
        learned = {"user_vocabulary_": rated.users, "known_": rows, **self._fold_in_users(rated.users, rows)}
        folded = copy.copy(self)  # with what was made for this newcomer and will serve the next
        folded.__dict__.update(learned)
        return folded

    def _fold_in_users(self, users: Vocabulary, rows: SparseRows) -> Learned:  # noqa: ARG002  who knows more of them
        """As `_fold_in`, for a model that looks up what else it knows of users with these ids."""
        return self._fold_in(rows)

    def _newcomers(self, ratings: Any, user: Id) -> Interactions:  # noqa: ANN401  see `fold_in`
        """What `fold_in` was given, as interactions."""
        return as_newcomers(ratings, user)

    @abstractmethod
    def _fold_in(self, rows: SparseRows) -> Learned:
        """The user-side attributes of new users, from their ratings by user in this model's item codes."""

    # Keeping --------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the model to one file: parameters, ids and learned arrays; nothing executable inside.

        The file appears under its name only when it is whole. `foretaste.load` reads it.
        """
        self._check_fitted("save")
        _state.save(self, path)

    # Inside ---------------------------------------------------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "user_vocabulary_")

    def _check_fitted(self, verb: str) -> None:
        if not self.__sklearn_is_fitted__():
            message = f"This {type(self).__name__} is not fitted yet. Call 'fit' before '{verb}'."
            raise NotFittedError(message)

    def _encode(self, side: Side, ids: Iterable[Id]) -> tuple[Codes, str]:
        """Codes of ids, and a sentence about those that are unknown (empty if none)."""
        return encode_told(getattr(self, f"{side}_vocabulary_"), ids, side)

    def _chosen(self, side: Side, ids: Any, unknown: UnknownPolicy) -> tuple[Column, Codes]:  # noqa: ANN401
        """The users or items a caller means (one, many, or None for all), and their codes."""
        vocabulary: Vocabulary = getattr(self, f"{side}_vocabulary_")
        if ids is None:
            return vocabulary.ids, np.arange(len(vocabulary), dtype=np.int32)
        many = isinstance(ids, Iterable) and not isinstance(ids, (str, bytes, tuple))
        column = as_column(ids if many else [ids])
        codes, missing = self._encode(side, column)
        if missing:
            self._tell_unknown(missing, unknown)
        return column, codes

    def _tell_unknown(self, sentence: str, policy: UnknownPolicy) -> None:
        if policy == "raise":
            raise UnknownIdError(sentence)
        if policy == "fallback":
            message = f"{sentence} They are scored by what is known of the rest."
            warn(message, UnknownIdWarning)
