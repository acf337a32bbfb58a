"""`SpectralFilter`: what somebody has, passed through a filter on the graph of users and items."""

from __future__ import annotations

from collections.abc import Mapping
from math import factorial
from typing import Annotated, Any, ClassVar

import numpy as np

from foretaste._typing import Codes, Float32, Float64, Learned, RandomState
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.kernels.sorting import transpose_rows
from foretaste.models._base import Side
from foretaste.models._decomposition import largest_parts, sparse_product
from foretaste.models._implicit import RowScored
from foretaste.models._ranking import Scorer
from foretaste.models._training import Training
from foretaste.utils.threads import Run, workers
from foretaste.utils.validation import BOOL, N_JOBS, Float, Int

# Vectors that pass the filter together. They are always so many, some of them empty, so that the numbers of one do not
# depend on its company.
_WIDTH = 64
# Of the decomposition: passes, and vectors beyond those wanted.
_N_ITER, _N_OVERSAMPLES = 8, 16
# Singular values below this share of the largest are rounding errors in single precision.
_NOTHING = 1e-5


class Filter:
    """The filter of a model, from what it has learned, for blocks of `_WIDTH` vectors over the items, a column each."""

    def __init__(self, learned: Mapping[str, Any]) -> None:
        by_user: SparseRows = learned["normalized_events_"]
        scales: Float32 = learned["item_scales_"]
        right: Float32 = learned["item_factors_"] / learned["singular_values_"]
        self._by_user, self._by_item = by_user, SparseRows(*transpose_rows(*by_user, scales.size))
        self._popular: Float32 = learned["low_pass_"] * scales[:, None] * right
        self._rare: Float32 = right / scales[:, None]
        self._terms: Float64 = learned["sharpening_terms_"]
        self._together: bool = learned["low_pass_sharpened_"]

    def scores(self, run: Run, had: Float32) -> Float32:
        """Scores of every item for somebody who has these."""
        smooth: Float32 = self._popular @ (self._rare.T @ had)
        if self._together:
            return self._sharpened(run, self._blurred(run, had) + smooth)
        return self._sharpened(run, self._blurred(run, had)) + smooth

    def responses(self, run: Run, scored: Float32) -> Float32:
        """What having each item adds to the score of these: the transpose of the other."""
        sharpened = self._sharpened(run, scored)
        smoothed = sharpened if self._together else scored
        found: Float32 = self._rare @ (self._popular.T @ smoothed)
        return self._blurred(run, sharpened) + found

    def _blurred(self, run: Run, block: Float32) -> Float32:
        """The product with Q."""
        return sparse_product(run, self._by_item, sparse_product(run, self._by_user, block))

    def _sharpened(self, run: Run, block: Float32) -> Float32:
        """The product with S, from its highest term down."""
        found: Float32 = np.float32(self._terms[-1]) * block
        for term in self._terms[-2::-1]:
            found = self._blurred(run, found) + np.float32(term) * block
        return found


class SpectralFilter(RowScored):
    r"""Graph filter: scores are what somebody has, smoothed over users and items that are connected.

    .. math::

        s_u = x_u \big(Q + \omega D^{-p} V V^\top D^{p}\big) S(Q), \qquad
        S(Q) = \sum_{m=0}^{M} \frac{(-\tau Q)^m}{m!}, \qquad Q = R^\top R

    where x are the events, D the sums of events of the items, E those of the users, and
    :math:`R = E^{-a} X D^{-c} / \sigma`, with :math:`\sigma` such that the largest singular value of R is 1 (as it is
    by itself for a = c = 1/2). V are the first k right singular vectors of R.

    Q passes on what is smooth, the more the smoother; V V' passes the smoothest parts whole and nothing else; S takes
    back a share of the smoothest, by which the rest stands out. With :math:`\tau = 0` there is no S, and with
    a = c = p = 1/2 it is GF-CF (Shen et al. 2021, "How powerful is graph convolution for recommendation?"). With S it
    is the blurring and sharpening of Choi et al. 2023, "Blurring-sharpening process models for collaborative
    filtering": one step by Euler (M = 1) or Runge and Kutta (M = 4) of the equation :math:`\dot s = -s Q` up to the
    time :math:`\tau`.

    Q is never formed: it is applied to users by products of sparse matrices with blocks of vectors.

    Parameters
    ----------
    n_factors : int
        The k; the model has fewer where the events have no more.
    low_pass : float
        The omega.
    user_exponent, item_exponent : float
        The a and c: how far active users and popular items are held back.
    degree_exponent : float
        The p: how far popular items are brought forward in the second term.
    sharpening : float
        The tau.
    sharpening_order : int
        The M.
    sharpen_low_pass : bool
        If not, the second term is left out of the sharpening, and added after it.
    n_jobs : int, optional
        Threads to learn with; -1 for all cores. The result does not depend on it.
    random_state : int, generator or None
        Of the decomposition, which a few passes bring to a few digits whatever the seed.

    Attributes
    ----------
    item_factors_ : float32 array of shape (n_items, n_factors)
        The V, times the singular values: the angle between two rows is how alike items are.
    singular_values_ : float32 array of shape (n_factors,)
        Of R, the largest first, which is 1.
    normalized_events_ : SparseRows
        The R, by users of the training data.
    item_scales_ : float32 array of shape (n_items,)
        The diagonal of D^p, in units of its geometric mean.
    typical_scores_ : float32 array of shape (n_items,)
        The mean scores of all users, by which somebody unknown is served.
    sharpening_terms_ : float64 array
        The coefficients of S.
    low_pass_, low_pass_sharpened_
        What it was fitted with.

    Examples
    --------
    >>> import foretaste as ft
    >>> events = [("an", "bts"), ("an", "sanam"), ("bo", "bts"), ("bo", "sanam"), ("cy", "ommazh")]
    >>> model = ft.SpectralFilter(2, random_state=0).fit(events)
    >>> model.fold_in(["bts"]).recommend(n=1)["item"].to_list()
    ['sanam']
    """

    _constraints: ClassVar = {
        "n_factors": Int(1),
        "low_pass": Float(0),
        "user_exponent": Float(0, 1),
        "item_exponent": Float(0, 1),
        "degree_exponent": Float(0, 1),
        "sharpening": Float(0),
        "sharpening_order": Int(1),
        "sharpen_low_pass": BOOL,
        "n_jobs": N_JOBS,
    }

    item_factors_: Annotated[Float32, "items", "factors"]
    singular_values_: Annotated[Float32, "factors"]
    normalized_events_: Annotated[SparseRows, "raters", "items"]
    item_scales_: Annotated[Float32, "items"]
    typical_scores_: Annotated[Float32, "items"]
    sharpening_terms_: Annotated[Float64, "terms"]
    low_pass_: float
    low_pass_sharpened_: bool

    def __init__(  # noqa: PLR0913  keyword-only, each with a default
        self,
        n_factors: int = 64,
        *,
        low_pass: float = 0.3,
        user_exponent: float = 0.3,
        item_exponent: float = 0.5,
        degree_exponent: float = 0.25,
        sharpening: float = 0.0,
        sharpening_order: int = 4,
        sharpen_low_pass: bool = True,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_factors = n_factors
        self.low_pass = low_pass
        self.user_exponent = user_exponent
        self.item_exponent = item_exponent
        self.degree_exponent = degree_exponent
        self.sharpening = sharpening
        self.sharpening_order = sharpening_order
        self.sharpen_low_pass = sharpen_low_pass
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, interactions: Interactions, training: Training) -> Learned:  # noqa: ARG002  no epochs
        events, (n_users, n_items) = self._events(interactions), (interactions.n_users, interactions.n_items)
        owner = events.row_codes()
        by_users, by_items = np.bincount(owner, events.values, n_users), np.bincount(events.indices, events.values)
        logs = np.log(events.values.astype(np.float64)) - self.user_exponent * np.log(by_users)[owner]
        logs -= self.item_exponent * np.log(by_items)[events.indices]
        # of weights of any size: what they are to each other is all that counts
        rows = events._replace(values=np.exp(logs - logs.max()).astype(np.float32))
        with workers(self.n_jobs) as run:
            columns = SparseRows(*transpose_rows(*rows, n_items))
            _, lengths, right = largest_parts(
                lambda block: sparse_product(run, rows, block),
                lambda block: sparse_product(run, columns, block),
                (n_users, n_items),
                self.n_factors,
                _N_OVERSAMPLES,
                _N_ITER,
                self.random_state,
            )
            lengths, right = (part[..., lengths > _NOTHING * lengths[0]] for part in (lengths, right))
            values = lengths / lengths[0]
            scales = self.degree_exponent * (np.log(by_items) - np.log(by_items).mean())
            order = int(self.sharpening_order) if self.sharpening else 0
            terms = [(-float(self.sharpening)) ** m / factorial(m) for m in range(order + 1)]
            learned: Learned = {
                "item_factors_": right * values,
                "singular_values_": values,
                "normalized_events_": rows._replace(values=rows.values / lengths[0]),
                "item_scales_": np.exp(scales).astype(np.float32),
                "sharpening_terms_": np.array(terms),
                "low_pass_": float(self.low_pass),
                "low_pass_sharpened_": bool(self.sharpen_low_pass),
            }
            mean = np.zeros((n_items, _WIDTH), np.float32)
            mean[:, 0] = by_items / n_users
            return learned | {"typical_scores_": Filter(learned).scores(run, mean)[:, 0].copy()}

    def _scorer(self) -> Scorer:
        n_items, passed = len(self.item_vocabulary_), self._filter()

        def scores(block: Codes) -> Float32:
            out = np.empty((block.size, n_items), np.float32)
            with workers(None) as run:  # the blocks themselves are spread over threads
                for first in range(0, block.size, _WIDTH):
                    users = block[first : first + _WIDTH]
                    had = np.zeros((n_items, _WIDTH), np.float32)
                    for place, user in enumerate(users):
                        own = slice(*self.known_.indptr[user : user + 2]) if user >= 0 else slice(0)
                        had[self.known_.indices[own], place] = self.known_.values[own]
                    out[first : first + users.size] = passed.scores(run, had)[:, : users.size].T
            out[block < 0] = self.typical_scores_
            return out

        return scores

    def _vectors(self, side: Side) -> Float32:
        return self.item_factors_ if side == "item" else super()._vectors(side)

    def _terms(self, user_code: int, item_code: int) -> list[tuple[str, float]]:
        one = np.zeros((len(self.item_vocabulary_), _WIDTH), np.float32)
        one[item_code, 0] = 1
        with workers(None) as run:
            said = self._filter().responses(run, one)[:, 0].astype(np.float64)
        own = slice(*self.known_.indptr[user_code : user_code + 2])
        return [
            (f"has {self.item_vocabulary_.decode_one(int(item))}", float(event) * float(said[item]))
            for item, event in zip(self.known_.indices[own], self.known_.values[own], strict=True)
        ]

    def _fold_in(self, rows: SparseRows) -> Learned:  # noqa: ARG002  nothing to learn: scores look at what they have
        self._filter()
        return {}

    def _filter(self) -> Filter:
        return self._once("filter", self.normalized_events_, lambda: Filter(vars(self)))
