r"""What lists of recommended items are like, apart from being right: varied, new, fair to rare items, true to taste.

`items` holds a row of item codes a user, best first, -1 where none is left. `shares` holds, for each item, the share of
all users who have it. In the formulas :math:`L_u` is the list of user u.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from foretaste._typing import Codes, Float64
from foretaste.data.interactions import SparseRows
from foretaste.kernels.ranking import mark_leading, mean_cosine

# Steck's share of the history in the list's distribution, so that a category that is not on the list costs much, not
# infinitely much.
_STECK_ALPHA = 0.01


def coverage(items: Codes, n_items: int) -> float:
    r"""Share of all items that are on at least one list, :math:`|\bigcup_u L_u| / n`.

    Ge, Delgado-Battenfeld, Jannach 2010, "Beyond accuracy: evaluating recommender systems by coverage and
    serendipity", section 2.1 (catalog coverage). It grows with the number of lists.

    Examples
    --------
    >>> coverage(np.array([[0, 1], [1, 3]], np.int32), 4)
    0.75
    """
    return float(np.count_nonzero(_times_listed(items, n_items)) / n_items)


def gini(items: Codes, n_items: int) -> float:
    r"""How unevenly items are recommended: 0 if all equally often, 1 if all lists are the same item.

    .. math:: G = \frac{1}{n - 1} \sum_{j=1}^{n} (2j - n - 1)\, p_j

    with :math:`p_1 \le \dots \le p_n` the items' shares of all places on lists (Shani, Gunawardana 2011, "Evaluating
    recommendation systems", section 8.3.3.2). NaN where there is one item only.

    Examples
    --------
    >>> gini(np.array([[0, 1], [0, 1]], np.int32), 4)  # (-3 * 0 - 1 * 0 + 1 * 1/2 + 3 * 1/2) / 3
    0.6666666666666666
    """
    counts = np.sort(_times_listed(items, n_items))
    if n_items == 1 or not counts.any():
        return float("nan")
    places = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float(places @ counts / counts.sum() / (n_items - 1))


def novelty(items: Codes, shares: Float64) -> Float64:
    r"""Mean self-information of the list in bits, :math:`\frac{1}{|L_u|} \sum_{i \in L_u} -\log_2 s_i`.

    With :math:`s_i` the share of users who have item i: what half of all have is worth one bit (Zhou, Kuscsik, Liu,
    Medo, Wakeling, Zhang 2010, "Solving the apparent diversity-accuracy dilemma of recommender systems"). An item that
    nobody has counts as one that a single user has. NaN for an empty list.

    Examples
    --------
    >>> novelty(np.array([[0, 1]], np.int32), np.array([0.5, 0.125]))
    array([2.])
    """
    least = shares[shares > 0].min(initial=1.0)
    return _mean_over_lists(items, -np.log2(np.maximum(shares, least)))


def popularity(items: Codes, shares: Float64) -> Float64:
    r"""Mean popularity of the list, :math:`\frac{1}{|L_u|} \sum_{i \in L_u} s_i`; NaN for an empty one.

    Abdollahpouri, Burke, Mobasher 2019, "Managing popularity bias in recommender systems with personalized
    re-ranking", section 4.2 (average recommendation popularity), as a share of users.

    Examples
    --------
    >>> popularity(np.array([[0, 1]], np.int32), np.array([0.5, 0.25]))
    array([0.375])
    """
    return _mean_over_lists(items, shares)


def popularity_lift(items: Codes, shares: Float64, history: SparseRows) -> Float64:
    r"""By how much the list is more popular than what the user has: 0.5 is half as popular again.

    .. math:: \frac{\bar s(L_u) - \bar s(I_u)}{\bar s(I_u)}

    with :math:`I_u` the user's own items and the mean popularity of a set in the bar. After Abdollahpouri, Mansoury,
    Burke, Mobasher 2020, "The connection between popularity bias, calibration, and fairness in recommendation", who
    take it of groups of users; here each user is one. NaN for an empty list or history.

    Examples
    --------
    >>> history = SparseRows(np.array([0, 1]), np.array([1], np.int32), np.ones(1, np.float32))
    >>> popularity_lift(np.array([[0, 1]], np.int32), np.array([0.5, 0.25]), history)
    array([0.5])
    """
    own = _row_means(history, shares[:, None])[:, 0]
    listed = popularity(items, shares)
    lift: Float64 = np.divide(listed - own, own, out=np.full(own.size, np.nan), where=own > 0)
    return lift


def diversity(items: Codes, vectors: sparse.csr_array) -> Float64:
    r"""How different the items of a list are: 1 minus the mean cosine of all its pairs.

    .. math:: 1 - \frac{2}{|L_u| (|L_u| - 1)} \sum_{i < j \in L_u} \cos(x_i, x_j)

    Intra-list diversity (Smyth, McClave 2001, "Similarity vs. diversity"; Ziegler, McNee, Konstan, Lausen 2005,
    "Improving recommendation lists through topic diversification"). An item without a vector is like no other. NaN for
    a list of less than two items.

    Parameters
    ----------
    items : int32 array of shape (n_users, k)
    vectors : sparse array of shape (n_items, n_features)
        What the items are like: features, or who has them.

    Examples
    --------
    >>> diversity(np.array([[0, 1, 2]], np.int32), sparse.csr_array([[1, 0], [1, 0], [0, 1]]))
    array([0.66666667])
    """
    cosines = np.empty(items.shape[0], np.float64)
    indptr, indices = vectors.indptr.astype(np.int64), vectors.indices.astype(np.int32)
    values = vectors.data.astype(np.float64)
    mean_cosine(np.ascontiguousarray(items), indptr, indices, values, vectors.shape[1], cosines)
    return 1 - cosines


def calibration(items: Codes, history: SparseRows, categories: Float64) -> Float64:
    r"""How far the list's mix of categories is from that of what the user has; 0 is the same mix, lower is better.

    .. math:: \mathrm{KL}(p \,\|\, \tilde q) = \sum_g p_g \log_2 \frac{p_g}{\tilde q_g}, \qquad
        \tilde q = (1 - \alpha) q + \alpha p,\ \alpha = 0.01

    with p the mean share of category g in the user's own items and q in the list (Steck 2018, "Calibrated
    recommendations", section 3; in bits). An item in several categories is shared among them; one in none does not
    count. NaN where the history or the list has no category.

    Parameters
    ----------
    items : int32 array of shape (n_users, k)
    history : sparse rows of item codes
    categories : float64 array of shape (n_items, n_categories)
        Not negative: how much of each category an item is.

    Examples
    --------
    >>> history = SparseRows(np.array([0, 2]), np.array([0, 1], np.int32), np.ones(2, np.float32))
    >>> calibration(np.array([[1, 0]], np.int32), history, np.eye(2))
    array([0.])
    >>> calibration(np.array([[0]], np.int32), history, np.eye(2)).round(3)
    array([2.826])

    In the last line p is (1/2, 1/2) and the list's mix (0.995, 0.005).
    """
    total = categories.sum(axis=1, keepdims=True)
    shares = np.divide(categories, total, out=np.zeros_like(categories), where=total > 0)
    own, listed = _mix(_row_means(history, shares)), _mix(_row_means(_as_rows(items), shares))
    mixed = (1 - _STECK_ALPHA) * listed + _STECK_ALPHA * own
    ratio = np.divide(own, mixed, out=np.ones_like(own), where=own > 0)
    divergence: Float64 = (own * np.log2(ratio)).sum(axis=1)
    return np.where(np.isnan(own).any(axis=1) | np.isnan(listed).any(axis=1), np.nan, divergence)


def serendipity(items: Codes, hits: npt.ArrayLike, history: SparseRows, shares: Float64) -> Float64:
    r"""Share of the list that was wanted and is not what a list of the most popular items would have held.

    .. math:: \frac1k |\{i \in L_u : i \text{ wanted},\ i \notin P_u\}|

    with :math:`P_u` the k most popular items that the user does not have (Ge, Delgado-Battenfeld, Jannach 2010,
    section 2.2, popularity being the primitive model).

    Examples
    --------
    >>> history = SparseRows(np.array([0, 1]), np.array([0], np.int32), np.ones(1, np.float32))
    >>> items, shares = np.array([[1, 3]], np.int32), np.array([0.9, 0.5, 0.4, 0.1])
    >>> serendipity(items, [[1, 1]], history, shares)  # the popular list would be 1, 2
    array([0.5])
    """
    order = np.argsort(-shares, kind="stable").astype(np.int32)
    leading = np.empty(items.shape, np.bool_)
    mark_leading(np.ascontiguousarray(items), order, history.indptr, history.indices, items.shape[1], leading)
    surprising: Float64 = (np.asarray(hits, np.bool_) & ~leading).mean(axis=1)
    return surprising


def _times_listed(items: Codes, n_items: int) -> npt.NDArray[np.int64]:
    return np.bincount(items[(items >= 0) & (items < n_items)], minlength=n_items)


def _mean_over_lists(items: Codes, values: Float64) -> Float64:
    return _row_means(_as_rows(items), values[:, None])[:, 0]


def _as_rows(items: Codes) -> SparseRows:
    """Lists as sparse rows, without the empty places."""
    present = items >= 0
    indptr = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int64)
    return SparseRows(indptr, items[present], np.ones(indptr[-1], np.float32))


def _row_means(rows: SparseRows, values: Float64) -> Float64:
    """Mean of the values of each row's items that have any, shape (n_rows, n_values); NaN for a row without."""
    kept = rows.indices < values.shape[0]
    ones = kept.astype(np.float64)
    table = sparse.csr_array(
        (ones, np.where(kept, rows.indices, 0), rows.indptr), shape=(rows.indptr.size - 1, len(values))
    )
    counts = np.asarray(table.sum(axis=1))[:, None]
    means: Float64 = np.divide(
        table @ values, counts, out=np.full((counts.size, values.shape[1]), np.nan), where=counts > 0
    )
    return means


def _mix(shares: Float64) -> Float64:
    """Rows that add up to 1; NaN where there is nothing to add."""
    total = shares.sum(axis=1, keepdims=True)
    mixes: Float64 = np.divide(shares, total, out=np.full_like(shares, np.nan), where=total > 0)
    return mixes
