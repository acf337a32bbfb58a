"""What models share that learn from events and from what is known of users and items: their features."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Annotated, ClassVar, Self

import numpy as np

from foretaste._typing import Float32, Float64, Frame, Learned
from foretaste.data.features import Features, ItemFeatures, UserFeatures, as_features
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, DataWarning, UnsupportedError
from foretaste.kernels.products import multiply_rows
from foretaste.models._base import Recommender, Side
from foretaste.models._implicit import ImplicitModel
from foretaste.utils.threads import Run, workers
from foretaste.utils.warn import warn

_KINDS: dict[Side, type[Features]] = {"user": UserFeatures, "item": ItemFeatures}

# Rows summed up in a piece of work.
_ROWS = 4096


def features_given(model: Recommender, side: Side) -> Features | None:
    """What a model's parameter says of its users or items; None for nothing."""
    given = getattr(model, f"{side}_features")
    return None if given is None else as_features(given, _KINDS[side])


class DescribedModel(ImplicitModel):
    """A model of events with a vector for each feature; who has features only has the sum of their vectors.

    Its parameters `user_features` and `item_features` are features, a frame or None. The users and items it knows are
    those of the training data and, after them, those that have features only.
    """

    user_factors_: Annotated[Float32, "users", "factors"]
    item_factors_: Annotated[Float32, "items", "factors"]
    user_features_: Annotated[SparseRows, "users", "user_features"]
    item_features_: Annotated[SparseRows, "items", "item_features"]
    user_feature_names_: Annotated[tuple[str, ...], "user_features"]
    item_feature_names_: Annotated[tuple[str, ...], "item_features"]
    vectors_of_user_features_: Annotated[Float32, "user_features", "factors"]
    vectors_of_item_features_: Annotated[Float32, "item_features", "factors"]

    # By side: what each row has, and of which learned array of its features it is the sum where there are no events.
    _sums: ClassVar[dict[Side, dict[str, str]]] = {
        "user": {"user_factors_": "vectors_of_user_features_"},
        "item": {"item_factors_": "vectors_of_item_features_"},
    }

    # Learning -------------------------------------------------------------------------------------------------------

    def _both_described(self, interactions: Interactions, without: str) -> dict[Side, Features | None]:
        """The features of both sides; one warning about those that have events and no features, who are `without`."""
        described: dict[Side, Features | None] = {side: features_given(self, side) for side in _KINDS}
        found = []
        for side, features in described.items():
            if features is not None:
                ids: Vocabulary = getattr(interactions, f"{side}s")
                n_without = int((np.diff(features.of(ids).indptr) == 0).sum())
                found += [f"{n_without} of {len(ids)} {side}s"] if n_without else []
        if found:
            warn(f"{' and '.join(found)} have no features and {without}.", DataWarning)
        return described

    def _with_described(self, side: Side, ids: Vocabulary, features: Features | None, learned: Learned) -> Learned:
        """What was learned of one side of the training data, then the same of those that have features only."""
        rows = no_features(len(ids)) if features is None else features.of(ids)
        names = () if features is None else features.names
        learned |= {f"{side}_vocabulary_": ids, f"{side}_features_": rows, f"{side}_feature_names_": names}
        return learned if features is None else learned | self._extended(side, learned, features)

    def _extended(self, side: Side, learned: Learned, features: Features) -> Learned:
        """The attributes of a side that grow where some of these features are of ids that are not there yet."""
        vocabulary, rows = learned[f"{side}_vocabulary_"], learned[f"{side}_features_"]
        new = Vocabulary(features.ids.decode(np.flatnonzero(vocabulary.encode(features.ids.ids) < 0)))
        more = features.of(new)
        grown: Learned = {
            f"{side}_vocabulary_": Vocabulary([*vocabulary, *new]),
            f"{side}_features_": SparseRows.stacked([rows, more]),
        }
        with workers(None) as run:
            for name, of_features in self._sums[side].items():
                grown[name] = np.concatenate([learned[name], sums_of(run, more, learned[of_features])])
        return grown

    def _vectors(self, side: Side) -> Float32:
        factors: Float32 = getattr(self, f"{side}_factors_")
        return factors

    # Reasons --------------------------------------------------------------------------------------------------------

    def _feature_terms(
        self, side: Side, code: int, other: Float64, biases: Float32 | None = None
    ) -> list[tuple[str, float]]:
        """What each feature of a user or item adds to its product with the `other` side's factors, and to its bias."""
        names: tuple[str, ...] = getattr(self, f"{side}_feature_names_")
        vectors: Float32 = getattr(self, f"vectors_of_{side}_features_")
        indptr, indices, values = getattr(self, f"{side}_features_")
        own = slice(*indptr[code : code + 2])
        shares = vectors[indices[own]] @ other + (0 if biases is None else biases[indices[own]])
        return [(names[a], float(x * s)) for a, x, s in zip(indices[own], values[own], shares, strict=True)]

    # New users and items --------------------------------------------------------------------------------------------

    def _fold_in_users(self, users: Vocabulary, rows: SparseRows) -> Learned:
        described = self.user_features_.taken(self.user_vocabulary_.encode(users.ids))
        with workers(None) as run:
            expected = sums_of(run, described, self.vectors_of_user_features_)
        return {"user_features_": described, **self._fold_in(rows, expected)}

    @abstractmethod
    def _fold_in(self, rows: SparseRows, expected: Float32 | None = None) -> Learned:
        """The factors of new users, from their events and from what their features say: zeros without any."""

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
        """A model that knows more users, by their features alone; as `with_items`.

        `fold_in` of such a user looks at the features as well as at the events.
        """
        return self._with("user", features)

    def _with(self, side: Side, given: Features | Frame) -> Self:
        self._check_fitted(f"with_{side}s")
        own, name = features_given(self, side), type(self).__name__
        if own is None or own.names != getattr(self, f"{side}_feature_names_"):
            message = (
                f"this {name} was fitted without {side}_features, or with others than it has now, so that those of new "
                f"{side}s say nothing. Hint: {name}({side}_features=...)."
            )
            raise UnsupportedError(message)
        new = given if isinstance(given, Features) else own.transform(given)
        if as_features(new, _KINDS[side]).names != own.names:
            message = f"these features are not those the model was fitted with. Hint: {side}_features.transform(frame)."
            raise DataError(message)
        grown = copy.copy(self)
        grown.__dict__.update(self._extended(side, self.__dict__, new))
        grown.known_ = self.known_.extended(len(grown.user_vocabulary_))
        return grown


def no_features(n_rows: int) -> SparseRows:
    """Rows without any feature."""
    return SparseRows(np.zeros(n_rows + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))


def sums_of(run: Run, rows: SparseRows, vectors: Float32, out: Float32 | None = None) -> Float32:
    """For each row of features the sum of their vectors (or numbers), written into `out` where it is given."""
    n_rows = rows.indptr.size - 1
    sums = np.empty((n_rows, *vectors.shape[1:]), np.float32) if out is None else out
    right, written = (vectors, sums) if vectors.ndim > 1 else (vectors[:, None], sums[:, None])
    blocks = [(first, min(first + _ROWS, n_rows)) for first in range(0, n_rows, _ROWS)]
    run(multiply_rows, [(*rows, right, *block, written) for block in blocks])
    return sums
