"""Which row comes next: the one that adds most to those above it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretaste._typing import Codes, Float32
from foretaste.kernels.pages import looked_at
from foretaste.pages.layout import Layout
from foretaste.pages.rows import Draft
from foretaste.pages.visit import Visit


class Shelf:
    r"""Rows that wait for a place.

    Pinned rows come first, in the order of the layout. Then, place by place, the row of the highest

    .. math:: g_r = \Big(1 - a \max_{q} \cos(c_r, c_q) - b \, n_r\Big)
        \sum_{k=0}^{K-1} \gamma_\rightarrow^k \, \gamma_\downarrow^d \, x(u, i_{rk})

    with :math:`i_{r0}, i_{r1}, \dots` its items that are not on the page yet, x the signal `predicted`,
    :math:`\gamma` the probabilities that somebody looks at the next slot to the right and the next row below, d the
    rows above, c the centre of a row's items, q the rows above, n the number of those of the same kind, and a and b
    `alike` and `again` of the layout. The sum grows less the more rows there are, so that this greedy choice is within
    1 - 1/e of the best without the penalties (Nemhauser, Wolsey, Fisher 1978). The factor of the rows above is the same
    for all that wait, and so left out.

    Attributes
    ----------
    shown : bool array of shape (n_items,)
        What the page holds already.
    """

    def __init__(
        self, drafts: Sequence[Draft], candidates: Codes, centres: Float32, visit: Visit, layout: Layout
    ) -> None:
        self.shown = np.zeros(visit.n_items, np.bool_)
        self._drafts, self._candidates, self._centres, self._layout = drafts, candidates, centres, layout
        self._appeal = visit.signal("predicted")
        self._kept = np.array([draft.spec.keeps_duplicates for draft in drafts], np.bool_)
        self._looks = (layout.patience_right ** np.arange(min(layout.columns, candidates.shape[1]))).astype(np.float32)
        self._pinned = [place for place, draft in enumerate(drafts) if draft.spec.pinned]
        self._kinds = np.array([draft.spec.kind for draft in drafts])
        self._waiting = np.ones(len(drafts), np.bool_)
        self._penalty = np.zeros(len(drafts), np.float32)  # for those of the same kind above
        self._nearest = np.zeros(len(drafts), np.float32)
        self._seen: Float32 | None = None  # the sums of the formula, until the next row is taken

    @classmethod
    def of(cls, drafts: Sequence[Draft], visit: Visit, layout: Layout) -> Shelf:
        """All drafts, none taken."""
        longest = max((draft.codes.size for draft in drafts), default=0)
        candidates = np.full((len(drafts), longest), -1, np.int32)
        for place, draft in enumerate(drafts):
            candidates[place, : draft.codes.size] = draft.codes
        first = candidates[:, : layout.columns]
        centres = np.einsum("rcd,rc->rd", visit.stage.space().vectors[first], (first >= 0).astype(np.float32))
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), np.float32(1e-12))
        return cls(drafts, candidates, centres, visit, layout)

    def next_row(self) -> Draft | None:
        """The row for the next place; None where none is left."""
        for place in self._pinned:
            if self._waiting[place]:
                return self._drafts[place]
        if not self._waiting.any():
            return None
        return self._drafts[int(np.where(self._waiting, self._gains(), -np.inf).argmax())]

    def take(self, draft: Draft, codes: Codes) -> None:
        """Put a row on the page, with these items."""
        place = self._place_of(draft)
        self._waiting[place] = False
        self._penalty[self._kinds == draft.spec.kind] += np.float32(self._layout.again)
        self.shown[codes] = True
        self._nearest = np.maximum(self._nearest, self._centres @ self._centres[place])
        self._seen = None

    def drop(self, draft: Draft) -> None:
        """Do without a row: too little of it is left."""
        self._waiting[self._place_of(draft)] = False

    def _place_of(self, draft: Draft) -> int:
        return next(place for place, other in enumerate(self._drafts) if other is draft)

    def _gains(self) -> Float32:
        if self._seen is None:
            self._seen = np.empty(len(self._drafts), np.float32)
            looked_at(self._candidates, self._appeal, self._kept, self.shown, self._looks, self._seen)
        worth: Float32 = self._seen * np.maximum(1 - self._layout.alike * self._nearest - self._penalty, 0)
        return worth
