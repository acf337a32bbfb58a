"""`HybridMF`: users and items as sums of the vectors of their attributes, learned from events."""

from __future__ import annotations

import copy
import math
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Frame, Id, Learned, RandomState
from foretaste.data.features import Features, ItemFeatures, UserFeatures, as_features
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, DataWarning, UnsupportedError
from foretaste.kernels.hybrid import (
    BPR,
    LOGISTIC,
    SQUARED,
    find_mistakes,
    find_warp,
    move_columns,
    set_steps,
)
from foretaste.kernels.products import multiply_rows
from foretaste.kernels.scoring import score_pairs
from foretaste.models._base import Side
from foretaste.models._factors import random_rows
from foretaste.models._implicit import ImplicitModel
from foretaste.models._ranking import Products, Scorer
from foretaste.models._training import Training
from foretaste.utils.random import generator
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import BOOL, N_JOBS, Float, Int, OneOf, OrNone, check_parameters
from foretaste.utils.warn import warn

_LOSSES = {"bpr": BPR, "logistic": LOGISTIC, "squared": SQUARED}
_KINDS: dict[Side, type[Features]] = {"item": ItemFeatures, "user": UserFeatures}

# Events whose mistakes are found before any of them is learned from: enough to share among threads, and few of all.
_BATCH, _SHARE = 4096, 64
# Events and columns of a piece of work.
_EVENTS, _COLUMNS = 2048, 64
# Rows summed up in a piece of work.
_ROWS = 4096
# Length of the first vectors: from nothing at all, no direction would be better than another.
_START = 0.1
# Penalties. That of WARP did best on a validation part of ml-1m; the others' gradients are smaller, and so is theirs.
_REG, _REG_ELSE = {"warp": 0.3}, 0.02
# Other draws of an item to compare with, where the first is one that the user has.
_DRAWS = 10


class HybridMF(ImplicitModel):
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
        "loss": OneOf(("warp", *_LOSSES)),
        "identity": BOOL,
        "n_epochs": Int(1),
        "learning_rate": Float(0, open_low=True),
        "reg": OrNone(Float(0)),
        "max_sampled": Int(1),
        "n_jobs": N_JOBS,
    }

    user_factors_: Annotated[Float32, "users", "factors"]
    item_factors_: Annotated[Float32, "items", "factors"]
    item_biases_: Annotated[Float32, "items"]
    user_features_: Annotated[SparseRows, "users", "user_features"]
    item_features_: Annotated[SparseRows, "items", "item_features"]
    user_feature_names_: Annotated[tuple[str, ...], "user_features"]
    item_feature_names_: Annotated[tuple[str, ...], "item_features"]
    vectors_of_user_features_: Annotated[Float32, "user_features", "factors"]
    vectors_of_item_features_: Annotated[Float32, "item_features", "factors"]
    biases_of_item_features_: Annotated[Float32, "item_features"]

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
        user_features, item_features = self._described("user"), self._described("item")
        self._count_undescribed((user_features, interactions.users), (item_features, interactions.items))
        start = (self.n_factors, rng)
        users = _Attributes.of(user_features, interactions.users, *start, identity=self.identity)
        items = _Attributes.of(item_features, interactions.items, *start, identity=self.identity)
        with workers(self.n_jobs) as run:
            self._descend(known, users, items, training, rng, run)
        return {
            **_learned_side("user", users, interactions.users, user_features, self.n_factors),
            **_learned_side("item", items, interactions.items, item_features, self.n_factors),
        }

    def _described(self, side: Side) -> Features | None:
        given = getattr(self, f"{side}_features")
        return None if given is None else as_features(given, _KINDS[side])

    def _count_undescribed(self, *sides: tuple[Features | None, Vocabulary]) -> None:
        """One warning about those that have events and no features."""
        found = []
        for features, ids in sides:
            if features is not None:
                n_without = int((np.diff(features.of(ids).indptr) == 0).sum())
                found += [f"{n_without} of {len(ids)} {features.side}s"] if n_without else []
        if found:
            stand = "stand for themselves alone" if self.identity else "are scored alike"
            warn(f"{' and '.join(found)} have no features and {stand}.", DataWarning)

    def _descend(
        self,
        known: SparseRows,
        users: _Attributes,
        items: _Attributes,
        training: Training | range,
        rng: np.random.Generator,
        run: Run,
    ) -> None:
        """Learn from events, epoch by epoch; changes the vectors of the attributes."""
        n_events = known.indices.size
        columns = (known.row_codes(), known.indices)
        weights = np.log2(1 + known.values).astype(np.float32)
        negatives = np.empty(n_events, np.int32)
        ups, downs = np.empty(n_events, np.float32), np.empty(n_events, np.float32)
        batch = max(min(_BATCH, n_events // _SHARE), 16)
        # What is shared is summed up anew for each batch; many attributes should not make that the larger part.
        batch = max(batch, min((users.n_shared + items.n_shared) // 8, n_events // 16))
        steps = np.empty(batch * (users.longest + 2 * items.longest), np.float32)
        reg = self.reg if self.reg is not None else _REG.get(self.loss, _REG_ELSE)
        find, which = (find_warp, ()) if self.loss == "warp" else (find_mistakes, (_LOSSES[self.loss],))
        n_draws = self.max_sampled if self.loss == "warp" else _DRAWS
        by_trial = np.log(np.maximum((len(items.rows.indptr) - 2) // np.arange(1, n_draws + 1), 1)).astype(np.float32)
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
            if isinstance(training, Training):
                training.report(math.fsum(losses) / n_events)

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

    def _vectors(self, side: Side) -> Float32:
        vectors: Float32 = getattr(self, f"{side}_factors_")
        return vectors

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
        of_item = side == "item"
        code = item_code if of_item else user_code
        names = self.item_feature_names_ if of_item else self.user_feature_names_
        indptr, indices, values = self.item_features_ if of_item else self.user_features_
        own = slice(*indptr[code : code + 2])
        other = (self.user_factors_[user_code] if of_item else self.item_factors_[item_code]).astype(np.float64)
        vectors = self.vectors_of_item_features_ if of_item else self.vectors_of_user_features_
        shares = vectors[indices[own]] @ other
        if of_item:
            shares = shares + self.biases_of_item_features_[indices[own]]
        terms = [] if of_item else [("item bias", float(self.item_biases_[item_code]))]
        terms += [(names[a], float(x * s)) for a, x, s in zip(indices[own], values[own], shares, strict=True)]
        score = float(self._predict(*np.array([[user_code], [item_code]], np.int32))[0])
        return [*terms, (f"the {side} itself", score - sum(value for _, value in terms))]

    # New users and items --------------------------------------------------------------------------------------------

    def _fold_in(self, rows: SparseRows) -> Learned:
        n_users = rows.indptr.size - 1
        users = _Attributes.alone(np.tile(self._typical("user"), (n_users, 1)))
        items = _Attributes.fixed(self.item_factors_, self.item_biases_)
        with workers(None) as run:
            self._descend(rows, users, items, range(self.n_epochs), generator(0), run)
        n_factors = self.user_factors_.shape[1]
        return {
            "user_factors_": np.ascontiguousarray(users.vectors[:, :n_factors]),
            "user_features_": SparseRows(
                np.zeros(n_users + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
            ),
        }

    def with_items(self, features: ItemFeatures | Frame) -> Self:
        """A model that knows more items, by their features alone and without training again.

        Parameters
        ----------
        features : ItemFeatures or frame
            A frame as the one the model was fitted with; what it says of items that the model knows is ignored.

        Returns
        -------
        model
            A fitted model of the same kind, its new items after those there were.

        Raises
        ------
        UnsupportedError
            The model was fitted without features of items.
        """
        return self._with("item", features)

    def with_users(self, features: UserFeatures | Frame) -> Self:
        """A model that knows more users, by their features alone; as `with_items`."""
        return self._with("user", features)

    def _with(self, side: Side, given: Features | Frame) -> Self:
        self._check_fitted(f"with_{side}s")
        own = self._described(side)
        if own is None or own.names != getattr(self, f"{side}_feature_names_"):
            message = (
                f"this {type(self).__name__} was fitted without {side}_features, or with others than it has now, so "
                f"that those of new {side}s say nothing. Hint: HybridMF({side}_features=...)."
            )
            raise UnsupportedError(message)
        new = given if isinstance(given, Features) else own.transform(given)
        if as_features(new, _KINDS[side]).names != own.names:
            message = f"these features are not those the model was fitted with. Hint: {side}_features.transform(frame)."
            raise DataError(message)
        vocabulary: Vocabulary = getattr(self, f"{side}_vocabulary_")
        unknown = np.flatnonzero(vocabulary.encode(new.ids.ids) < 0)
        ids = Vocabulary(new.ids.decode(unknown))
        rows = new.of(ids)
        grown = copy.copy(self)
        vectors, biases = self._of_features(side, rows)
        grown.__dict__[f"{side}_vocabulary_"] = Vocabulary([*vocabulary, *ids])
        grown.__dict__[f"{side}_features_"] = SparseRows.stacked([getattr(self, f"{side}_features_"), rows])
        grown.__dict__[f"{side}_factors_"] = np.concatenate([getattr(self, f"{side}_factors_"), vectors])
        if side == "item":
            grown.item_biases_ = np.concatenate([self.item_biases_, biases])
        else:
            grown.known_ = self.known_.extended(len(vocabulary) + len(ids))
        return grown

    def _of_features(self, side: Side, rows: SparseRows) -> tuple[Float32, Float32]:
        """Factors and biases of rows of features."""
        n_rows = rows.indptr.size - 1
        factors: Float32 = getattr(self, f"vectors_of_{side}_features_")
        vectors, biases = np.zeros((n_rows, factors.shape[1]), np.float32), np.zeros((n_rows, 1), np.float32)
        multiply_rows(*rows, factors, 0, n_rows, vectors)
        if side == "item":
            multiply_rows(*rows, self.biases_of_item_features_[:, None], 0, n_rows, biases)
        return vectors, biases[:, 0].copy()


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
        nothing = SparseRows(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
        biases, squares = np.zeros(n, np.float32), np.ones(n, np.float32)
        return cls(_with_itself(nothing, 0), vectors, biases, squares, squares.copy(), vectors, biases)

    @classmethod
    def fixed(cls, sums: Float32, bias_sums: Float32) -> _Attributes:
        """Rows without attributes, which nothing moves."""
        nothing = SparseRows(np.zeros(len(sums) + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
        none = np.zeros(0, np.float32)
        return cls(nothing, np.zeros((0, sums.shape[1]), np.float32), none, none, none, sums, bias_sums)

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
            run(multiply_rows, [(*self.rows, self.vectors, *block, self.sums) for block in self._blocks()])
        return self.sums

    def summed_biases(self, run: Run) -> Float32:
        """The rows' biases as they are now."""
        if self.n_shared:
            biases, sums = self.biases[:, None], self.bias_sums[:, None]
            run(multiply_rows, [(*self.rows, biases, *block, sums) for block in self._blocks()])
        return self.bias_sums

    def _blocks(self) -> list[tuple[int, int]]:
        n_rows = self.rows.indptr.size - 1
        return [(first, min(first + _ROWS, n_rows)) for first in range(0, n_rows, _ROWS)]


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


def _learned_side(
    side: Side, attributes: _Attributes, ids: Vocabulary, features: Features | None, n_factors: int
) -> Learned:
    """The learned attributes of one side: those of the training data first, then those that have features only."""
    with workers(None) as run:
        vectors, biases = attributes.summed(run)[:, :n_factors].copy(), attributes.summed_biases(run).copy()
    empty = SparseRows(np.zeros(len(ids) + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    names: tuple[str, ...] = ()
    rows = empty
    if features is not None:
        names = features.names
        new = Vocabulary(features.ids.decode(np.flatnonzero(ids.encode(features.ids.ids) < 0)))
        ids, known = Vocabulary([*ids, *new]), len(ids)
        rows = features.of(ids)
        beyond = np.zeros((len(new), attributes.vectors.shape[1]), np.float32), np.zeros((len(new), 1), np.float32)
        later = features.of(new)
        multiply_rows(*later, attributes.vectors, 0, len(new), beyond[0])
        multiply_rows(*later, attributes.biases[:, None], 0, len(new), beyond[1])
        vectors = np.concatenate([vectors[:known], beyond[0][:, :n_factors]])
        biases = np.concatenate([biases[:known], beyond[1][:, 0]])
    learned: Learned = {
        f"{side}_vocabulary_": ids,
        f"{side}_factors_": vectors,
        f"{side}_features_": rows,
        f"{side}_feature_names_": names,
        f"vectors_of_{side}_features_": np.ascontiguousarray(attributes.vectors[: len(names), :n_factors]),
    }
    if side == "item":
        learned |= {"item_biases_": biases, "biases_of_item_features_": attributes.biases[: len(names)].copy()}
    return learned
