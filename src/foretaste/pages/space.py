"""`Space`: where items lie, so that one can say how near one is to another."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from foretaste._typing import Codes, Float32, Mask
from foretaste.data.interactions import SparseRows
from foretaste.pages.words import check_word

SpaceName: TypeAlias = Literal["factors", "events", "content"]

# Dimensions that sparse rows are brought down to: enough to tell genres and tastes apart, few enough to look at every
# item for every visitor.
_DIMENSIONS = 64


def check_space(name: str | None) -> None:
    """Raise `InvalidParameterError` for a name that is no space; None is the usual one."""
    if name is not None:
        check_word(name, get_args(SpaceName), "the space")


class Space:
    """Items as directions: vectors of length 1, or of zeros where nothing is known of an item.

    Attributes
    ----------
    vectors : float32 array of shape (n_items, n_dimensions)
    known : bool array of shape (n_items,)
        Whether anything is.
    """

    def __init__(self, vectors: Float32) -> None:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        self.known: Mask = lengths[:, 0] > 0
        self.vectors: Float32 = np.divide(
            vectors, lengths, out=np.zeros(vectors.shape, np.float32), where=lengths > 0, dtype=np.float32
        )

    @classmethod
    def of_rows(cls, rows: SparseRows, n_columns: int) -> Space:
        """From sparse rows, such as who had an item, or its attributes.

        Each column is divided by the root of its sum, so that what nearly all share says little; more than 64 columns
        are brought down to 64 dimensions by the singular value decomposition.
        """
        matrix = sparse.csr_array((rows.values, rows.indices, rows.indptr), (rows.indptr.size - 1, n_columns))
        sums = np.maximum(np.asarray(matrix.sum(axis=0)).ravel(), 1)
        matrix = (matrix @ sparse.dia_array((1 / np.sqrt(sums)[None], [0]), (n_columns, n_columns))).tocsr()
        if n_columns <= _DIMENSIONS:
            return cls(matrix.toarray().astype(np.float32))
        lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
        matrix = sparse.dia_array((1 / np.maximum(lengths, 1e-12)[None], [0]), (lengths.size,) * 2) @ matrix
        n_dimensions = min(_DIMENSIONS, *matrix.shape)
        with np.errstate(invalid="ignore"):  # of things all alike, of which there is no variance to have a share of
            vectors = TruncatedSVD(n_dimensions, random_state=0).fit_transform(matrix.tocsr())
        return cls(vectors.astype(np.float32))

    def to(self, point: Float32) -> Float32:
        """The cosine of every item with a point."""
        length = float(np.linalg.norm(point))
        cosines: Float32 = self.vectors @ (point / np.float32(length or 1))
        return cosines

    def near(self, items: Codes) -> Float32:
        """The cosines of some items with every item, shape (n_some, n_items)."""
        cosines: Float32 = self.vectors[items] @ self.vectors.T
        return cosines

    def between(self, items: Codes, others: Codes) -> Float32:
        """The cosines of some items with some others, shape (n_items, n_others)."""
        cosines: Float32 = self.vectors[items] @ self.vectors[others].T
        return cosines

    def centre(self, items: Codes, weights: Float32) -> Float32:
        """The weighted sum of some items' directions."""
        point: Float32 = weights.astype(np.float32) @ self.vectors[items]
        return point
