"""Array types by their meaning, used in every signature."""

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Codes: TypeAlias = npt.NDArray[np.int32]
"""Internal positions of users or items, 0..n-1; -1 is unknown."""

Pointers: TypeAlias = npt.NDArray[np.int64]
"""Row starts of a sparse matrix, n_rows + 1 long."""

Short: TypeAlias = npt.NDArray[np.uint16]
"""Positions within a part of at most 65,536, where two bytes matter."""

Mask: TypeAlias = npt.NDArray[np.bool_]
"""Which of all users or items are meant, by their codes."""

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]


class Into(NamedTuple):
    """Beside the shape of an array of codes: the axis along which they are positions."""

    axis: str


Id: TypeAlias = Any
"""What the caller calls a user or an item: any hashable."""

Frame: TypeAlias = Any
"""A data frame of the caller's kind: polars, pandas or pyarrow."""

Learned: TypeAlias = dict[str, Any]
"""The learned attributes of a model, by name; what a fit returns and a file holds."""

UnknownPolicy: TypeAlias = Literal["fallback", "nan", "raise"]
DuplicatePolicy: TypeAlias = Literal["error", "last", "mean", "keep"]
RandomState: TypeAlias = int | np.random.Generator | np.random.RandomState | None
