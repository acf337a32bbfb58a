"""Lists of recommendations beside what is known of their users and items: what ranking metrics look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from foretaste._typing import Codes, Float32, Float64, Frame, Pointers
from foretaste.data.features import Features, ItemFeatures, as_features
from foretaste.data.frames import frame_column, frame_columns, is_frame
from foretaste.data.interactions import SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.kernels.ranking import best_values, count_rows, mark_gains


@dataclass(frozen=True)
class Catalogue:
    """The items that may be recommended, as the training part shows them.

    Attributes
    ----------
    items : Vocabulary
    training : sparse rows
        What each user of the training part has.
    features : sparse array of shape (n_items, n_features) or None
    """

    items: Vocabulary
    training: SparseRows
    features: sparse.csr_array | None = None

    @property
    def n_items(self) -> int:
        """How many there are."""
        return len(self.items)

    @cached_property
    def shares(self) -> Float64:
        """The share of users who have each item."""
        n_users = self.training.indptr.size - 1
        return count_rows(self.training.indptr, self.training.indices, self.n_items) / max(n_users, 1)

    @cached_property
    def vectors(self) -> sparse.csr_array:
        """What each item is like: its features, else who has it."""
        if self.features is not None:
            return self.features
        n_users = self.training.indptr.size - 1
        ones = np.ones(self.training.indices.size, np.float32)
        table = sparse.csc_array((ones, self.training.indices, self.training.indptr), shape=(self.n_items, n_users))
        by_item = table.tocsr()
        by_item.sum_duplicates()
        by_item.data[:] = 1  # who has it, not how often
        return by_item

    @cached_property
    def categories(self) -> Float64:
        """How much of each category an item is: its features."""
        if self.features is None or (self.features.data < 0).any():
            what = "none" if self.features is None else "a negative one"
            message = f"'calibration' needs 'item_features' that are shares of categories, 0 or more; got {what}."
            raise InvalidParameterError(message)
        categories: Float64 = self.features.toarray()
        return categories


def feature_table(features: ItemFeatures | Frame, items: Vocabulary) -> sparse.csr_array:
    """Features, or the numeric columns of a frame, in the order of a vocabulary; nothing of an item not described.

    Raises
    ------
    DataError
        A frame has no numeric columns besides `item`, or describes an item more than once.
    """
    if isinstance(features, Features):
        rows = as_features(features, ItemFeatures).of(items)
        entries = (rows.values.astype(np.float64), rows.indices, rows.indptr)
        return sparse.csr_array(entries, shape=(len(items), len(features.names)))
    if not is_frame(features):
        message = (
            f"'item_features' must be ItemFeatures or a frame with a column 'item', got {type(features).__name__}."
        )
        raise DataError(message)
    described, codes = Vocabulary.build(frame_column(features, "item"))
    if len(described) < codes.size:
        message = f"'item_features' describes {codes.size - len(described)} items more than once."
        raise DataError(message)
    columns = [frame_column(features, name) for name in frame_columns(features) if name != "item"]
    if not columns or not all(column.dtype.is_numeric() or str(column.dtype) == "Boolean" for column in columns):
        message = (
            "'item_features' needs numeric columns besides 'item', and no others. "
            "Hint: ItemFeatures.from_frame makes numbers of categories, tags and texts."
        )
        raise DataError(message)
    table = np.nan_to_num(np.column_stack([column.to_numpy() for column in columns]).astype(np.float64))
    place = described.encode(items)
    return sparse.csr_array(np.where((place >= 0)[:, None], table[place], 0.0))


@dataclass(frozen=True)
class Lists:
    """The lists of some users, each cut off at the same rank.

    Attributes
    ----------
    items : int32 array of shape (n_users, k)
        Item codes, best first; -1 where none is left.
    relevant : sparse rows
        What each user wanted, item codes ascending, and how much. An item the model does not know has a code beyond
        those of the catalogue.
    history : sparse rows
        What each user has already.
    catalogue : Catalogue
    areas : float64 array of shape (n_users,)
        Area under each user's curve; empty where it was not asked for.
    """

    items: Codes
    relevant: SparseRows
    history: SparseRows
    catalogue: Catalogue
    areas: Float64

    def cut(self, k: int | None) -> Lists:
        """The same lists at another cut-off, filled up where they are shorter."""
        if k is None or k == self.items.shape[1]:
            return self
        if k < self.items.shape[1]:
            return replace(self, items=np.ascontiguousarray(self.items[:, :k]))
        missing = np.full((self.items.shape[0], k - self.items.shape[1]), -1, np.int32)
        return replace(self, items=np.hstack([self.items, missing]))

    @property
    def n_relevant(self) -> Pointers:
        """How many items each user wanted."""
        return np.diff(self.relevant.indptr)

    @cached_property
    def gains(self) -> Float32:
        """What each listed item is worth to its user."""
        gains = np.empty(self.items.shape, np.float32)
        mark_gains(self.items, *self.relevant, gains)
        return gains

    @cached_property
    def hits(self) -> npt.NDArray[np.bool_]:
        """Whether each listed item was wanted."""
        found = np.empty(self.items.shape, np.float32)
        mark_gains(self.items, self.relevant.indptr, self.relevant.indices, np.ones_like(self.relevant.values), found)
        return found > 0

    @cached_property
    def ideal(self) -> Float32:
        """The highest gains each user could have found, in falling order."""
        if (self.relevant.values < 0).any():
            message = "'graded_ndcg' needs ratings or weights of 0 or more, got a negative one."
            raise DataError(message)
        best = np.empty(self.items.shape, np.float32)
        best_values(self.relevant.indptr, self.relevant.values, best)
        return best
