"""`HybridMF`: users and items as sums of the vectors of their attributes, learned from events."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Frame, Id, Learned, RandomState
from foretaste.data.features import Features, ItemFeatures, UserFeatures
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.kernels.hybrid import (
    BPR,
    LOGISTIC,
    SQUARED,
    WARP,
    find_mistakes,
    find_warp,
    learn_users,
    move_columns,
    set_steps,
)
from foretaste.kernels.scoring import score_pairs
from foretaste.models._base import Side
from foretaste.models._described import DescribedModel, no_features, sums_of
from foretaste.models._factors import random_rows
from foretaste.models._ranking import Products, Scorer
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import BOOL, N_JOBS, Float, Int, OneOf, OrNone, check_parameters

_LOSSES = {"warp": WARP, "bpr": BPR, "logistic": LOGISTIC, "squared": SQUARED}

# Events whose mistakes are found before any of them is learned from: enough to share among threads, and few of all.
_BATCH, _SHARE = 4096, 64
# Events and columns of a piece of work.
_EVENTS, _COLUMNS = 2048, 64
# New users learned in a piece of work.
_USERS = 64
# Length of the first vectors: from nothing at all, no direction would be better than another.
_START = 0.1
# Penalties. That of WARP did best on a validation part of ml-1m; the others' gradients are smaller, and so is theirs.
_REG, _REG_ELSE = {"warp": 0.3}, 0.02
# Other draws of an item to compare with, where the first is one that the user has.
_DRAWS = 10


class HybridMF(DescribedModel):
    r"""Factors of users and items as sums of the vectors of their attributes, learned to put what a user has on top.

    .. math::

        s_{ui} = b_i + p_u \cdot q_i, \qquad p_u = v_u + \sum_a x_{ua} v_a, \quad
        q_i = y_i + \sum_a x_{ia} y_a, \quad b_i = \beta_i + \sum_a x_{ia} \beta_a

    with x the features and a vector of its own for each user and item of the training data (`identity`). Without
    features it is plain matrix factorisation; somebody who has features only is scored by these. A bias of users would
    not change any order, so there is none.

    For each event (u, i) items j that the user does not have are drawn. The losses are

    - "warp": :math:`L(\mathrm{rank}) \, [1 - s_{ui} + s_{uj}]_+`, with j the first draw that comes within 1 of the
      item and the rank estimated by how many draws that took; for the top of the list;
    - "bpr": :math:`\ln(1 + \exp(s_{uj} - s_{ui}))`, of one draw; for the order of all;
    - "logistic": :math:`\ln(1 + \exp(-s_{ui})) + \ln(1 + \exp s_{uj})`;
    - "squared": :math:`(1 - s_{ui})^2 + s_{uj}^2`.

    An event of weight w counts :math:`\log_2(1 + w)` times: 1 for one that happened once, and little more for one that
    happened a thousand times.

    Parameters
    ----------
    n_factors : int
    loss : {"warp", "bpr", "logistic", "squared"}
    item_features, user_features : ItemFeatures, UserFeatures or frame, optional
        A frame is read as `ItemFeatures.from_frame` reads it. Items that have features and no event are recommended
        like all others. Users and items of the training data without features are counted in one `DataWarning`.
    identity : bool
        Whether each user and item of the training data has a vector of its own besides; a side without features always
        has. Without them, only what the features say is learned.
    n_epochs : int
        Passes over the events.
    learning_rate : float
        The first step size; each vector's own shrinks as it learns.
    reg : float or None
        Penalty of the squares of vectors and biases, at each event that moves them. None: 0.3 for "warp", whose steps
        are larger than those of the others, else 0.02.
    max_sampled : int
        "warp": the most draws for an event.
    n_jobs : int, optional
        Threads; -1 for all cores. The result does not depend on it.
    random_state : int, generator or None

    Attributes
    ----------
    user_factors_, item_factors_ : float32 arrays of shape (n_users, n_factors) and (n_items, n_factors)
        The p and q. Those with features and without events follow the ids of the training data.
    item_biases_ : float32 array of shape (n_items,)
        The b.
    user_features_, item_features_ : SparseRows
        The x, of each user and item.
    user_feature_names_, item_feature_names_ : tuples of str
    vectors_of_user_features_, vectors_of_item_features_ : float32 arrays of shape (n_features, n_factors)
        The vectors of the features.
    biases_of_item_features_ : float32 array of shape (n_features,)
    history_ : frame
        A row an epoch; train_loss is the mean loss of the draws, of "warp" the mean L.

    References
    ----------
    Kula 2015, "Metadata embeddings for user and item cold-start recommendations". Weston, Bengio, Usunier 2011,
    "WSABIE: scaling up to large vocabulary image annotation" (WARP). Rendle, Freudenthaler, Gantner, Schmidt-Thieme
    2009, "BPR: Bayesian personalized ranking from implicit feedback".

    Examples
    --------
    >>> import foretaste as ft
    >>> liked = ft.Interactions.from_frame(ft.datasets.albums()).at_least(4)
    >>> model = ft.HybridMF(n_factors=4, item_features=ft.datasets.album_features(), random_state=0).fit(liked)
    >>> model.recommend("diego", n=1)["item"].to_list()
    ['zhou-shen']
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "loss": OneOf(tuple(_LOSSES)),
        "identity": BOOL,
        "n_epochs": Int(1),
        "learning_rate": Float(0, open_low=True),
        "reg": OrNone(Float(0)),
        "max_sampled": Int(1),
        "n_jobs": N_JOBS,
    }

    item_biases_: Annotated[Float32, "items"]
    biases_of_item_features_: Annotated[Float32, "item_features"]

    _sums: ClassVar = {
        "user": DescribedModel._sums["user"],  # noqa: SLF001  its own base's
        "item": DescribedModel._sums["item"] | {"item_biases_": "biases_of_item_features_"},  # noqa: SLF001
    }

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 64,
        *,
        loss: Literal["warp", "bpr", "logistic", "squared"] = "warp",
        item_features: ItemFeatures | Frame | None = None,
        user_features: UserFeatures | Frame | None = None,
        identity: bool = True,
        n_epochs: int = 30,
        learning_rate: float = 0.05,
        reg: float | None = None,
        max_sampled: int = 50,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.loss = loss
        self.item_features = item_features
        self.user_features = user_features
        self.identity = identity
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.reg = reg
        self.max_sampled = max_sampled
        self.n_jobs = n_jobs
        self.random_state = random_state

    # Learning -------------------------------------------------------------------------------------------------------

    def _fit(self, interactions: Interactions, training: Training) -> Learned:
        rng = generator(self.random_state)
        known = self._events(interactions)
        without = "stand for themselves alone" if self.identity else "are scored alike"
        described = self._both_described(interactions, without)
        start = (self.n_factors, rng)
        users = _Attributes.of(described["user"], interactions.users, *start, identity=self.identity)
        items = _Attributes.of(described["item"], interactions.items, *start, identity=self.identity)
        with workers(self.n_jobs) as run:
            self._descend(known, users, items, training, rng, run)
            return {
                **self._learned_side("user", users, interactions.users, described["user"], run),
                **self._learned_side("item", items, interactions.items, described["item"], run),
            }

    def _learned_side(
        self, side: Side, attributes: _Attributes, ids: Vocabulary, features: Features | None, run: Run
    ) -> Learned:
        n_features = 0 if features is None else len(features.names)
        learned: Learned = {
            f"{side}_factors_": attributes.summed(run)[:, : self.n_factors].copy(),
            f"vectors_of_{side}_features_": attributes.vectors[:n_features, : self.n_factors].copy(),
        }
        if side == "item":
            learned["item_biases_"] = attributes.summed_biases(run).copy()
            learned["biases_of_item_features_"] = attributes.biases[:n_features].copy()
        return self._with_described(side, ids, features, learned)

    def _descend(
        self,
        known: SparseRows,
        users: _Attributes,
        items: _Attributes,
        training: Training,
        rng: np.random.Generator,
        run: Run,
    ) -> None:
        """Learn from events, epoch by epoch; changes the vectors of the attributes."""
        n_events = known.indices.size
        columns = (known.row_codes(), known.indices)
        weights = _amounts(known)
        negatives = np.empty(n_events, np.int32)
        ups, downs = np.empty(n_events, np.float32), np.empty(n_events, np.float32)
        batch = max(min(_BATCH, n_events // _SHARE), 16)
        # What is shared is summed up anew for each batch; many attributes should not make that the larger part.
        batch = max(batch, min((users.n_shared + items.n_shared) // 8, n_events // 16))
        steps = np.empty(batch * (users.longest + 2 * items.longest), np.float32)
        find, which = (find_warp, ()) if self.loss == "warp" else (find_mistakes, (_LOSSES[self.loss],))
        by_trial, reg = self._losses_by_trial(len(items.rows.indptr) - 1), self._penalty()
        width, found = users.vectors.shape[1], (negatives, ups, downs)
        squares = (users.squares, items.squares, items.bias_squares, items.biases)
        sizes = (np.empty(n_events, np.float32), np.empty(n_events, np.float32))
        cuts = [(column, min(column + _COLUMNS, width)) for column in range(0, width, _COLUMNS)]
        moved = (*users.rows[:2], *items.rows[:2], users.vectors, items.vectors)

        for _ in training:
            losses: list[float] = []
            order, seed = rng.permutation(n_events).astype(np.int32), np.uint64(rng.integers(2**63))
            events = tuple(column[order] for column in columns)  # one after another, as they are learned from
            told = weights[order]
            for first in range(0, n_events, batch):
                last = min(first + batch, n_events)
                p, q, biases = users.summed(run), items.summed(run), items.summed_biases(run)
                pieces = [(start, min(start + _EVENTS, last)) for start in range(first, last, _EVENTS)]
                known_to = (p, q, biases, known.indptr, known.indices, by_trial, self.n_factors, *found, *sizes)
                losses += run(find, [(*which, *events, told, *piece, seed, *known_to) for piece in pieces])
                learning = (*users.rows, *items.rows, *squares, self.learning_rate, reg, steps)
                run(set_steps, [(*events, first, last, *found, *sizes, *learning)])
                moving = (*events, first, last, *found, steps, p, q, *moved)
                run(move_columns, [(*moving, *cut, reg) for cut in cuts])
            training.report(math.fsum(losses) / n_events)

    def _penalty(self) -> float:
        return self.reg if self.reg is not None else _REG.get(self.loss, _REG_ELSE)

    def _losses_by_trial(self, n_items: int) -> Float32:
        """What WARP makes of an item found in the first draw, in the second, and so on; elsewhere as many draws."""
        draws = np.arange(1, (self.max_sampled if self.loss == "warp" else _DRAWS) + 1)
        return np.log(np.maximum((n_items - 1) // draws, 1)).astype(np.float32)

    # Scores ---------------------------------------------------------------------------------------------------------

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:
        predicted = np.empty(user_codes.size)
        factors = (np.zeros(len(self.user_factors_), np.float32), self.item_biases_)
        typical = (self._typical("user"), self._typical("item"))
        pairs = (user_codes, item_codes, 0.0, *factors, self.user_factors_, self.item_factors_, *typical)
        score_pairs(*pairs, predicted)
        return predicted

    def _typical(self, side: Side) -> Float32:
        """The factors of somebody unknown: the average of those known."""
        factors: Float32 = getattr(self, f"{side}_factors_")
        return self._once(f"typical {side}", factors, lambda: factors.mean(axis=0))

    def _scorer(self) -> Scorer:
        factors, biases = (self.user_factors_, self.item_factors_), self.item_biases_
        return Products(*factors, column_part=biases, unknown=lambda: self._typical("user"))

    # Reasons --------------------------------------------------------------------------------------------------------

    def explain(self, user: Id, item: Id, *, side: Side = "item") -> Frame:
        """Where the score comes from, attribute by attribute; the terms add up to the score.

        Parameters
        ----------
        user, item : hashable
        side : {"item", "user"}
            What each feature of the item adds, or each of the user.

        Returns
        -------
        frame with columns term, value

        Raises
        ------
        UnknownIdError
            The model does not know the user or the item.
        """
        self._check_fitted("explain")
        check_parameters("explain", {"side": side}, {"side": OneOf(("item", "user"))})
        user_code, item_code = self._pair(user, item)
        return self._explained(self._shares(side, user_code, item_code))

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        return self._shares("item", user_code, item_code)

    def _shares(self, side: Side, user_code: int, item_code: int) -> list[tuple[str, float]]:
        other = (self.user_factors_[user_code] if side == "item" else self.item_factors_[item_code]).astype(np.float64)
        if side == "item":
            terms = self._feature_terms("item", item_code, other, self.biases_of_item_features_)
        else:
            terms = [("item bias", float(self.item_biases_[item_code])), *self._feature_terms("user", user_code, other)]
        score = float(self._predict(*np.array([[user_code], [item_code]], np.int32))[0])
        return [*terms, (f"the {side} itself", score - sum(value for _, value in terms))]

    # New users and items --------------------------------------------------------------------------------------------

    def _fold_in(self, rows: SparseRows, expected: Float32 | None = None) -> Learned:
        n_users, n_items = rows.indptr.size - 1, len(self.item_factors_)
        # From nothing or from what features say: the mean of all users would do no better.
        vectors = np.zeros((n_users, self.item_factors_.shape[1]), np.float32) if expected is None else expected.copy()
        events = (_LOSSES[self.loss], rows.indptr, rows.indices, _amounts(rows))
        items = (self.item_factors_, self.item_biases_, self._losses_by_trial(n_items))
        settings = (self.n_epochs, self.learning_rate, self._penalty())
        blocks = ((first, min(first + _USERS, n_users)) for first in range(0, n_users, _USERS))
        with workers(self.n_jobs) as run:
            run(learn_users, [(*events, *block, *items, *settings, vectors) for block in blocks])
        return {"user_factors_": vectors}


class _Attributes(NamedTuple):
    """The attributes of one side: which rows have which, and what is learned of each.

    Where every row has itself alone, its sum is the vector itself, and the arrays are the same.
    """

    rows: SparseRows
    vectors: Float32
    biases: Float32
    squares: Float32
    bias_squares: Float32
    sums: Float32
    bias_sums: Float32

    @classmethod
    def of(
        cls, features: Features | None, ids: Vocabulary, n_factors: int, rng: np.random.Generator, *, identity: bool
    ) -> _Attributes:
        """Random vectors for the features, and for each row, where it has one of its own."""
        if features is None:
            return cls.alone(random_rows(len(ids), n_factors, _START, rng))
        rows, n_features = features.of(ids), len(features.names)
        if identity:
            rows = _with_itself(rows, n_features)
        vectors = random_rows(n_features + identity * len(ids), n_factors, _START, rng)
        biases, squares = np.zeros(len(vectors), np.float32), np.ones(len(vectors), np.float32)
        sums = np.zeros((len(ids), vectors.shape[1]), np.float32)
        return cls(rows, vectors, biases, squares, squares.copy(), sums, np.zeros(len(ids), np.float32))

    @classmethod
    def alone(cls, vectors: Float32) -> _Attributes:
        """Rows that have themselves alone."""
        n = len(vectors)
        biases, squares = np.zeros(n, np.float32), np.ones(n, np.float32)
        return cls(_with_itself(no_features(n), 0), vectors, biases, squares, squares.copy(), vectors, biases)

    @property
    def n_shared(self) -> int:
        """Entries to be summed up for the rows' vectors."""
        return 0 if self.sums is self.vectors else self.rows.indices.size

    @property
    def longest(self) -> int:
        """The most attributes of a row."""
        return int(np.diff(self.rows.indptr).max(initial=0))

    def summed(self, run: Run) -> Float32:
        """The rows' vectors as they are now."""
        if self.n_shared:
            sums_of(run, self.rows, self.vectors, self.sums)
        return self.sums

    def summed_biases(self, run: Run) -> Float32:
        """The rows' biases as they are now."""
        if self.n_shared:
            sums_of(run, self.rows, self.biases, self.bias_sums)
        return self.bias_sums


def _amounts(events: SparseRows) -> Float32:
    """What each event counts."""
    return np.log2(1 + events.values).astype(np.float32)


def _with_itself(rows: SparseRows, n_features: int) -> SparseRows:
    """Rows of features with one more attribute each, its own, at the end of the row."""
    n_rows = rows.indptr.size - 1
    ends = rows.indptr[1:]
    own = np.arange(n_features, n_features + n_rows, dtype=np.int32)
    return SparseRows(
        rows.indptr + np.arange(n_rows + 1),
        np.insert(rows.indices, ends, own).astype(np.int32),
        np.insert(rows.values, ends, np.float32(1)).astype(np.float32),
    )
