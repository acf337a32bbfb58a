"""`BayesianFM`: not one set of factors but draws from all that the ratings leave possible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import polars as pl

from foretaste._typing import Codes, Float32, Float64, Frame, Id, Learned, RandomState, UnknownPolicy
from foretaste.data.coerce import times_of
from foretaste.data.features import ItemFeatures, UserFeatures
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.moments import days
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError, UnsupportedError
from foretaste.models._base import Recommender, Side
from foretaste.models._blocks import Described
from foretaste.models._chain import Chains, Data, Settings, as_set, day_codes
from foretaste.models._described import features_given
from foretaste.models._newcomers import Prior, newcomers
from foretaste.models._ordinal import Link
from foretaste.models._ranking import Products, Scorer
from foretaste.models._samples import Samples, averages
from foretaste.models._training import HeldOut, Training, hold_out
from foretaste.utils.random import generator
from foretaste.utils.validation import (
    BOOL,
    N_JOBS,
    Constraint,
    Float,
    Int,
    OneOf,
    OrNone,
    SomeOf,
    check_parameters,
)

_NAMES = ("user", "item", "implicit", "implicit_items", "time")
# That of year 9999, the last that a date may be.
_LAST_DAY = 2_932_896


class BayesianFM(Recommender):
    r"""A factorisation machine whose posterior is sampled: ratings as accurate as any known, and how sure they are.

    .. math:: \hat r = \mu + \sum_b t_b + \sum_{b < b'} q_b \cdot q_{b'}, \qquad r \sim N(\hat r, 1 / \alpha)

    over the blocks b: the user, the item and the day of the rating. Each has a vector and a bias, normal around what
    its features let expect:

    .. math:: (q_u, t_u) \sim N\Big( m + \sum_j x_{uj} w_j, \; \mathrm{diag}(1 / \lambda) \Big)

    The features of a user are the items rated, each of n at :math:`1 / \sqrt n`, whatever the ratings ("implicit"), and
    the `user_features`; those of an item are the users who rated it ("implicit_items") and the `item_features`. Means m
    and precisions lambda of each group of features, for each factor, are drawn like everything else, and so is alpha:
    there is no penalty to choose.

    Each sweep of a Gibbs sampler draws everything once given all else, each user's, item's and day's numbers all at
    once; several chains begin in different places, since one hardly goes from summit to summit. A prediction is the
    mean over draws; `predict(return_std=True)` says how far they spread.

    Parameters
    ----------
    n_factors : int
    n_samples : int
        Draws of all chains together, an equal share of each.
    n_chains : int
        Chains that begin in different places and run side by side.
    burn_in : int
        The first sweeps of each chain, of which nothing is kept.
    features : tuple of some of "user", "item", "implicit", "implicit_items", "time", or None
        What a rating is explained by: "user" and "item", and what else. "time" is the day of the rating, one of a test
        part that the training part does not hold is an average day. None: all of them, time where there are times.
    link : {"identity", "ordinal"}
        Ratings are numbers; or classes in their order, by an ordered probit: the score plus a standard normal number
        falls between two cutpoints. Somewhat more accurate on stars, about twice the time, and `predict_proba`.
    user_features, item_features : UserFeatures, ItemFeatures or frame, optional
        Each column of the frame is a group with a prior of its own.
    n_kept : int or None
        The most draws kept in the model: every one, every second, every fourth and so on. None: as many as take 256
        MiB, and at least 16.
    validation_fraction : float
        Share of the ratings held out to see in `history_` when there are draws enough; not learned from.
    warm_start : bool
        Whether `fit` goes on with the chain of the last `fit` on the same data, to `n_samples` in all: the same draws
        as in one run.
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.
    random_state : int, generator or None

    Attributes
    ----------
    global_mean_ : float
    user_biases_, item_biases_ : float32 arrays of shape (n_users,) and (n_items,)
        The mean over draws of what users and items add for the average of the others.
    user_factors_, item_factors_, day_factors_ : float32 arrays of shape (n, n_draws * n_factors)
        Around their averages, draw by draw.
    mean_samples_, noise_samples_ : float64 arrays of shape (n_draws,)
        The mean, and the standard deviation of a rating around its prediction.
    features_ : tuple of str
        Those used.
    history_ : frame
        A row a sweep: train_rmse of its draw, valid_rmse of the mean of the draws so far, precision (the alpha).

    References
    ----------
    Rendle 2012, "Factorization machines with libFM". Salakhutdinov, Mnih 2008, "Bayesian probabilistic matrix
    factorization using Markov chain Monte Carlo". Rendle, Zhang, Koren 2019, "On the difficulty of evaluating
    baselines". Yu, Meng 2011, "To center or not to center: that is not the question".

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.BayesianFM(n_factors=2, random_state=0).fit(ft.datasets.albums())
    >>> rating, std = model.predict([("diego", "zhou-shen")], return_std=True)
    >>> bool(rating[0] > 3), bool(std[0] > 0.5)
    (True, True)
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "n_samples": Int(1),
        "n_chains": Int(1),
        "burn_in": Int(0),
        "features": OrNone(SomeOf(_NAMES, ("user", "item"))),
        "link": OneOf(("identity", "ordinal")),
        "n_kept": OrNone(Int(1)),
        "validation_fraction": Float(0, 0.9),
        "warm_start": BOOL,
        "n_jobs": N_JOBS,
    }
    _ceiling: ClassVar[str] = "n_samples"
    _unique_pairs: ClassVar[bool] = True
    _more_columns: ClassVar[tuple[str, ...]] = ("precision",)

    global_mean_: float
    user_biases_: Annotated[Float32, "users"]
    item_biases_: Annotated[Float32, "items"]
    mean_samples_: Annotated[Float64, "draws"]
    noise_samples_: Annotated[Float64, "draws"]
    user_bias_samples_: Annotated[Float32, "users", "draws"]
    item_bias_samples_: Annotated[Float32, "items", "draws"]
    day_bias_samples_: Annotated[Float32, "days", "draws"]
    user_factors_: Annotated[Float32, "users", "factors of draws"]
    item_factors_: Annotated[Float32, "items", "factors of draws"]
    day_factors_: Annotated[Float32, "days", "factors of draws"]
    days_: Annotated[Codes, "days"]
    features_: tuple[str, ...]
    classes_: Annotated[Float64, "classes"]
    cutpoint_samples_: Annotated[Float64, "draws", "cutpoints"]
    prior_means_: Annotated[Float32, "draws", "numbers"]
    prior_spreads_: Annotated[Float32, "draws", "numbers"]
    centres_: Annotated[Float32, "draws", "numbers"]
    centres_of_others_: Annotated[Float32, "draws", "factors"]
    vectors_of_user_features_: Annotated[Float32, "user features", "draws", "numbers"]
    seed_: int
    fingerprint_: str
    n_sweeps_: int
    last_rows_: Annotated[Float32, "rows", "numbers"]
    last_features_: Annotated[Float32, "features", "numbers"]
    last_means_: Annotated[Float64, "groups", "numbers"]
    last_cutpoints_: Annotated[Float64, "chains", "cutpoints"]
    last_mean_and_errors_: Annotated[Float64, "chains", "three"]
    validation_sums_: Annotated[Float64, "held out"]

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 10,
        *,
        n_samples: int = 500,
        n_chains: int = 5,
        burn_in: int = 5,
        features: tuple[str, ...] | None = None,
        link: Literal["identity", "ordinal"] = "identity",
        user_features: UserFeatures | Frame | None = None,
        item_features: ItemFeatures | Frame | None = None,
        n_kept: int | None = None,
        validation_fraction: float = 0.0,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.n_samples = n_samples
        self.n_chains = n_chains
        self.burn_in = burn_in
        self.features = features
        self.link = link
        self.user_features = user_features
        self.item_features = item_features
        self.n_kept = n_kept
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state

    # Learning -------------------------------------------------------------------------------------------------------

    def _training(self, interactions: Interactions) -> Training:  # noqa: ARG002  whatever they are, it is for so long
        done = self.n_sweeps_ if self._goes_on() else 0
        training = Training("BayesianFM", self._n_sweeps() - done, more={name: [] for name in self._more_columns})
        if done:
            training.go_on(self.curve_)
        return training

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        train, held_out = interactions, None
        interactions.require_ratings("BayesianFM")
        seed = self.seed_ if self._goes_on() else int(generator(self.random_state).integers(2**32))
        if self.validation_fraction > 0:
            train, held_out = hold_out(interactions, self.validation_fraction, np.random.default_rng(seed))
        data = self._data(train, held_out)
        sweeps = (self.burn_in, self._n_sweeps() - self.burn_in)
        settings = Settings(self.n_factors, self.link, self.n_chains, *sweeps, self.n_kept, seed)
        fingerprint = data.fingerprint(settings)
        begun = self._begun(interactions, fingerprint) if self._goes_on() else None
        return Chains(data, settings).run(training, self.n_jobs, begun) | {
            "features_": data.names,
            "days_": data.days,
            "seed_": seed,
            "fingerprint_": fingerprint,
        }

    def _goes_on(self) -> bool:
        return self.warm_start and hasattr(self, "seed_")

    def _n_sweeps(self) -> int:
        """Of each chain."""
        return self.burn_in + -(-self.n_samples // self.n_chains)

    def _data(self, interactions: Interactions, held_out: HeldOut | None) -> Data:
        """Blocks and their features."""
        moments = None if interactions.times is None else _days(interactions.times)
        names = (_NAMES if moments is not None else _NAMES[:-1]) if self.features is None else tuple(self.features)
        if "time" in names and moments is None:
            message = (
                "'time' is among the features of this BayesianFM, and the ratings have no times that are dates or unix "
                "seconds. Hint: add a 'time' column, or leave 'time' out."
            )
            raise DataError(message)
        described = []
        sides: tuple[tuple[Side, SparseRows, str], ...] = (
            ("user", interactions.by_user(), "implicit"),
            ("item", interactions.by_item(), "implicit_items"),
        )
        for side, rows, implicit in sides:
            parts = []
            if implicit in names:
                n_others = interactions.n_items if side == "user" else interactions.n_users
                parts.append((as_set(rows), np.zeros(n_others, np.int32)))
            own = features_given(self, side)
            if own is not None:
                parts.append((own.of(getattr(interactions, f"{side}s")), own.groups))
            described.append(Described.of(parts))
        both = None
        if moments is not None and "time" in names:
            both = moments, None if held_out is None or held_out.times is None else _days(held_out.times)
        return Data.of(interactions, held_out, names, (described[0], described[1]), both)

    def _begun(self, interactions: Interactions, fingerprint: str) -> Learned:
        """What the last fit has learned; it has to be of these ratings and parameters."""
        given = (interactions.users, interactions.items)
        same_ids = [
            own.ids.equals(ids.ids)
            for own, ids in zip((self.user_vocabulary_, self.item_vocabulary_), given, strict=True)
        ]
        if not all(same_ids) or self.fingerprint_ != fingerprint:
            message = (
                "warm_start=True goes on with the last fit, which was of other data or other parameters: all but "
                "'n_samples' and 'n_jobs' have to be the same. Hint: warm_start=False."
            )
            raise DataError(message)
        if self.n_sweeps_ > self._n_sweeps():
            n_made = (self.n_sweeps_ - self.burn_in) * self.n_chains
            message = (
                f"'n_samples' of BayesianFM must be at least {n_made} with warm_start=True, "
                f"which goes on from there; got {self.n_samples}."
            )
            raise InvalidParameterError(message)
        return dict(vars(self))

    # Ratings --------------------------------------------------------------------------------------------------------

    def predict(  # type: ignore[override]  # a second array where it is asked for
        self,
        X: Any,  # noqa: ANN401
        *,
        clip: bool = True,
        unknown: UnknownPolicy = "fallback",
        return_std: bool = False,
    ) -> Float64 | tuple[Float64, Float64]:
        """Predicted ratings of pairs: the mean over draws.

        Parameters
        ----------
        X : frame, list of pairs, array or Interactions
            A frame with `user` and `item` columns, or rows of (user, item). With a `time` column, or Interactions with
            times, predictions are for that day, where the model knows days.
        clip : bool
            Keep predictions within the scale of the training data.
        unknown : {"fallback", "nan", "raise"}
            For an unknown user or item: use what is known of the rest and give one `UnknownIdWarning` with the
            count, answer NaN, or raise.
        return_std : bool
            Besides, the standard deviation of the rating: of its prediction among draws, and of the rating around
            it. Somebody unknown may be like any of those known.

        Returns
        -------
        float64 array of shape (n_pairs,), or two of them

        Raises
        ------
        UnknownIdError
            An id is unknown and ``unknown="raise"``.
        """
        self._check_fitted("predict")
        user_codes, item_codes = self._pair_codes(X, unknown)
        day_codes = self._day_codes(X, user_codes.size)
        mean, variance = self._moments(self._samples(), user_codes, item_codes, day_codes)
        policy: Any = {"clip": clip, "unknown": unknown}
        predicted = self._finished(mean, user_codes, item_codes, **policy)
        if not return_std:
            return predicted
        strange = np.flatnonzero((user_codes < 0) | (item_codes < 0))
        if strange.size:
            strangers = self._samples().strangers(user_codes[strange], item_codes[strange], self.seed_)
            variance[strange] = self._moments(*strangers, day_codes[strange])[1]
        std = np.sqrt(variance)
        if unknown == "nan":
            std[strange] = np.nan
        return predicted, std

    def predict_proba(self, X: Any, *, unknown: UnknownPolicy = "fallback") -> Float64:  # noqa: ANN401
        """The probability of each rating, of a model with ``link="ordinal"``.

        Parameters
        ----------
        X : frame, list of pairs, array or Interactions
        unknown : {"fallback", "nan", "raise"}
            As in `predict`.

        Returns
        -------
        float64 array of shape (n_pairs, n_classes)
            A column a rating of `classes_`; rows add up to 1.

        Raises
        ------
        UnsupportedError
            The link is another.
        """
        self._check_fitted("predict_proba")
        link = self._link()
        if link is None:
            message = (
                "this BayesianFM takes ratings for numbers, so that single ratings have no probability. "
                "Hint: link='ordinal'."
            )
            raise UnsupportedError(message)
        user_codes, item_codes = self._pair_codes(X, unknown)
        day_codes = self._day_codes(X, user_codes.size)
        found = np.empty((user_codes.size, self.classes_.size))
        samples = self._samples()
        for piece in samples.pieces(user_codes.size):
            codes = (user_codes[piece], item_codes[piece], day_codes[piece])
            found[piece] = link.probabilities(samples.scores(*codes))
        if unknown == "nan":
            found[(user_codes < 0) | (item_codes < 0)] = np.nan
        return found

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        return self._moments(self._samples(), user_codes, item_codes, np.full(user_codes.size, -1, np.int32))[0]

    def _moments(
        self, samples: Samples, user_codes: Codes, item_codes: Codes, day_codes: Codes
    ) -> tuple[Float64, Float64]:
        """Mean and variance of the rating of each pair."""
        mean, variance = np.empty(user_codes.size), np.empty(user_codes.size)
        link = self._link()
        noise = float((self.noise_samples_**2).mean())
        for piece in samples.pieces(user_codes.size):
            scores = samples.scores(user_codes[piece], item_codes[piece], day_codes[piece])
            if link is not None:
                mean[piece] = link.expected(scores).mean(axis=1)
                squares = link.expected(scores, squared=True).mean(axis=1)
                variance[piece] = np.maximum(squares - mean[piece] ** 2, 0)
            else:
                numbers = scores.astype(np.float64)
                mean[piece] = numbers.mean(axis=1)
                variance[piece] = numbers.var(axis=1) + noise
        return mean, variance

    def _samples(self) -> Samples:
        biases = (self.user_bias_samples_, self.item_bias_samples_, self.day_bias_samples_)
        return Samples(self.mean_samples_, *biases, self.user_factors_, self.item_factors_, self.day_factors_)

    def _link(self) -> Link | None:
        """None where ratings are numbers."""
        return Link(self.classes_, self.cutpoint_samples_) if self.classes_.size else None

    def _day_codes(self, pairs: Any, n: int) -> Codes:  # noqa: ANN401  as `predict` takes them
        """The days of pairs that have times; -1 where the model does not know the day."""
        times = times_of(pairs)
        if times is None or not self.days_.size:
            return np.full(n, -1, np.int32)
        return day_codes(self.days_, np.floor(days(times, "the times of these pairs")))

    # Recommendations ------------------------------------------------------------------------------------------------

    def recommend(  # noqa: PLR0913  as that of all models
        self,
        users: Any = None,  # noqa: ANN401  an id or many
        n: int = 10,
        *,
        strategy: Literal["mean", "thompson", "upper"] = "mean",
        exploration: float = 1.0,
        random_state: RandomState = None,
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
        strategy : {"mean", "thompson", "upper"}
            What is highest: the prediction; the rating in one draw, another for each user (Thompson sampling: an item
            is shown as often as it is likely to be the best); or the prediction plus `exploration` times its standard
            deviation among draws, which favours what little is known of.
        exploration : float
        random_state : int, generator or None
            By which "thompson" chooses draws.
        exclude_seen, items, exclude, unknown, n_jobs
            As in `Recommender.recommend`.

        Returns
        -------
        frame with columns user, item, score, rank
        """
        self._check_fitted("recommend")
        allowed: dict[str, Constraint] = {
            "strategy": OneOf(("mean", "thompson", "upper")),
            "exploration": Float(0),
        }
        check_parameters("recommend", {"strategy": strategy, "exploration": exploration}, allowed)
        scorers = {
            "mean": self._scorer,
            "thompson": lambda: self._scorer_of_draws(random_state),
            "upper": lambda: self._scorer_of_all_draws(exploration),
        }
        chosen: Any = {"exclude_seen": exclude_seen, "items": items, "exclude": exclude, "unknown": unknown}
        return self._recommended(scorers[strategy], users, n, **chosen, n_jobs=n_jobs)

    def _scorer(self) -> Scorer:
        if self._link() is not None:
            return self._scorer_of_all_draws(0.0)
        parts = {"row_part": self.user_biases_, "column_part": self.item_biases_}
        nobody = np.zeros(self.user_factors_.shape[1], np.float32)
        factors = (self.user_factors_, self.item_factors_)
        scale = 1 / self.mean_samples_.size
        return Products(*factors, **parts, mean=self.global_mean_, unknown=lambda: nobody, scale=scale)

    def _scorer_of_draws(self, random_state: RandomState) -> Scorer:
        """Scores in one draw a user."""
        samples, n_users = self._samples(), len(self.user_vocabulary_)
        draws = generator(random_state).integers(self.mean_samples_.size, size=n_users + 1)  # the last: of -1

        def scores(block: Codes) -> Float32:
            found = np.empty((block.size, len(self.item_vocabulary_)), np.float32)
            for draw in np.unique(draws[block]):
                own = np.flatnonzero(draws[block] == draw)
                found[own] = self._rated(int(draw), self._scores_in(samples, int(draw), block[own]))
            return found

        return scores

    def _rated(self, draw: int, scores: Float32) -> Float32 | Float64:
        """Scores in a draw as ratings."""
        link = self._link()
        if link is None:
            return scores
        found = np.zeros(scores.shape)
        link.add_expected(draw, scores, found)
        return found

    def _scorer_of_all_draws(self, exploration: float) -> Scorer:
        """The mean of ratings over draws, and so many standard deviations of theirs."""
        samples = self._samples()

        def scores(block: Codes) -> Float32:
            shape = (block.size, len(self.item_vocabulary_))
            total, squares = np.zeros(shape), np.zeros(shape)
            for draw in range(self.mean_samples_.size):
                found = self._rated(draw, self._scores_in(samples, draw, block))
                total += found
                if exploration:
                    squares += np.square(found, dtype=np.float64)
            mean = total / self.mean_samples_.size
            if exploration:
                variance = np.maximum(squares / self.mean_samples_.size - mean**2, 0)
                mean += exploration * np.sqrt(variance)
            return mean.astype(np.float32)

        return scores

    @staticmethod
    def _scores_in(samples: Samples, draw: int, users: Codes) -> Float32:
        """Scores of all items for some users in one draw."""
        mean, user_biases, item_biases, user_factors, item_factors = samples.of_draw(draw)
        known: Float32 = (users >= 0).astype(np.float32)
        own: Float32 = user_biases[users] * known + np.float32(mean)
        scores: Float32 = np.matmul(user_factors[users] * known[:, None], item_factors.T)
        return scores + item_biases + own[:, None]

    def _vectors(self, side: Side) -> Float32:
        factors: Float32 = getattr(self, f"{side}_factors_")
        return factors

    # Reasons --------------------------------------------------------------------------------------------------------

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        """Each part by what it adds to those before, so that they add up under either link."""
        user, item = self.user_bias_samples_[user_code], self.item_bias_samples_[item_code]
        pair = np.array([[user_code], [item_code]], np.int32)
        scores = [self.mean_samples_, self.mean_samples_ + user, self.mean_samples_ + user + item]
        found = [self._mean_rating(own[None]) for own in scores] + [float(self._predict(*pair)[0])]
        names = ("global mean", "user bias", "item bias", "taste of the user for the item")
        return list(zip(names, np.diff(found, prepend=0.0).tolist(), strict=True))

    def _mean_rating(self, scores: Float64) -> float:
        link = self._link()
        return float((scores if link is None else link.expected(scores.astype(np.float32))).mean())

    # New users ------------------------------------------------------------------------------------------------------

    def _fold_in_users(self, users: Vocabulary, rows: SparseRows) -> Learned:
        own = features_given(self, "user")
        return self._fold_in(rows, [] if own is None else [(own.of(users), own.groups)])

    def _fold_in(self, rows: SparseRows, own: Iterable[tuple[SparseRows, Codes]] = ()) -> Learned:
        chosen = [(as_set(rows), np.zeros(len(self.item_vocabulary_), np.int32))]
        described = Described.of([*(chosen if "implicit" in self.features_ else []), *own])
        means, spreads = self.prior_means_ - self.centres_, self.prior_spreads_
        prior = Prior(means, spreads, self.centres_of_others_, self.vectors_of_user_features_, self.noise_samples_)
        factors, biases = newcomers(self._samples(), prior, rows, described, self._link(), self.seed_)
        return {"user_factors_": factors, "user_bias_samples_": biases, "user_biases_": averages(biases)}


def _days(times: pl.Series) -> Float64 | None:
    """Whole days since 1970; None of times that are neither dates nor numbers."""
    try:
        found = np.floor(days(times, "the times of the ratings"))
    except DataError:
        return None
    if (np.abs(found) > _LAST_DAY).any():
        message = (
            f"the times of the ratings reach {found[np.nanargmax(np.abs(found))]:.3g} days from 1970. Hint: numbers "
            "are unix seconds; divide milliseconds by 1e3 and nanoseconds by 1e9."
        )
        raise DataError(message)
    return found
