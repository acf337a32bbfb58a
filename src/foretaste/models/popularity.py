"""`Popularity`: what most people have."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from foretaste._typing import Codes, Float64, Learned
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.models._implicit import ImplicitModel
from foretaste.models._training import Training


class Popularity(ImplicitModel):
    r"""Ranks items by how often they occur: the same list for everybody, less what each has seen.

    .. math:: s_{ui} = \sum_{v \in U_i} w_{vi}

    with :math:`U_i` the users of item i and w the weights (1 where there are none). Scores order items; they are not
    ratings.

    Attributes
    ----------
    item_counts_ : float64 array of shape (n_items,)
        The sums.

    Examples
    --------
    >>> import foretaste as ft
    >>> model = ft.Popularity().fit([("an", "bts", 1), ("bhavana", "bts", 5), ("an", "sanam", 5)])
    >>> model.recommend("bhavana")["item"].to_list()
    ['sanam']
    """

    item_counts_: Annotated[Float64, "items"]

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        return {
            "item_counts_": np.bincount(interactions.item_codes, interactions.weights, interactions.n_items).astype(
                np.float64
            )
        }

    def _predict(self, user_codes: Codes, item_codes: Codes) -> Float64:  # noqa: ARG002  the same for everybody
        return np.where(item_codes < 0, 0.0, self.item_counts_[item_codes])

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:  # noqa: ARG002  the same for everybody
        return [("popularity", float(self.item_counts_[item_code]))]

    def _fold_in(self, rows: SparseRows) -> Learned:  # noqa: ARG002  nothing to learn: only what they have seen counts
        return {}
