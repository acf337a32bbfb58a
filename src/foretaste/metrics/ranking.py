r"""How well lists of recommended items meet what users wanted: one number a user.

Every function takes a row a user and a column a rank, best first: `hits` says whether the item at that rank was
wanted, and the number of columns is the cut-off k. `n_relevant` counts what each user wanted, on the list or not. In
the formulas :math:`h_j` is 1 for a hit at rank j and 0 otherwise, and n is `n_relevant`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32, Float64, Pointers
from foretaste.exceptions import DataError
from foretaste.kernels.ranking import area_under_curve


def precision(hits: npt.ArrayLike) -> Float64:
    r"""Share of the list that was wanted, :math:`\frac1k \sum_j h_j`; a list that is too short counts as one of k.

    Examples
    --------
    >>> precision([[1, 0, 1, 0]])
    array([0.5])
    """
    shares: Float64 = _table(hits).mean(axis=1)
    return shares


def recall(hits: npt.ArrayLike, n_relevant: npt.ArrayLike) -> Float64:
    r"""Share of what was wanted that is on the list, :math:`\frac1n \sum_j h_j`.

    Whoever wanted more than k items cannot reach 1; see `recall_capped`.

    Examples
    --------
    >>> recall([[1, 0, 1, 0]], [8])
    array([0.25])
    """
    given, wanted = _with_counts(hits, n_relevant)
    found: Float64 = given.sum(axis=1)
    return found / wanted


def recall_capped(hits: npt.ArrayLike, n_relevant: npt.ArrayLike) -> Float64:
    r"""Share of what could be on the list that is, :math:`\frac1{\min(k, n)} \sum_j h_j`.

    The Recall@k of Liang, Krishnan, Hoffman, Jebara 2018, "Variational autoencoders for collaborative filtering",
    section 4.2; above `recall` wherever somebody wanted more than k items.

    Examples
    --------
    >>> recall_capped([[1, 0, 1, 0]], [8])
    array([0.5])
    """
    given, wanted = _with_counts(hits, n_relevant)
    found: Float64 = given.sum(axis=1)
    return found / np.minimum(wanted, given.shape[1])


def hit_rate(hits: npt.ArrayLike) -> Float64:
    r"""Whether anything on the list was wanted, :math:`\max_j h_j`.

    Examples
    --------
    >>> hit_rate([[0, 0, 1], [0, 0, 0]])
    array([1., 0.])
    """
    any_found: Float64 = _table(hits).max(axis=1)
    return any_found


def reciprocal_rank(hits: npt.ArrayLike) -> Float64:
    r"""One over the rank of the first hit, 0 without one; its mean over users is MRR.

    Voorhees 1999, "The TREC-8 question answering track report", section 2.

    Examples
    --------
    >>> reciprocal_rank([[0, 1, 1], [0, 0, 0]])
    array([0.5, 0. ])
    """
    given = _table(hits)
    return np.where(given.any(axis=1), 1 / (given.argmax(axis=1) + 1), 0.0)


def average_precision(hits: npt.ArrayLike, n_relevant: npt.ArrayLike) -> Float64:
    r"""Precision at the rank of each hit, averaged over all that was wanted; its mean over users is MAP.

    .. math:: \frac1n \sum_j h_j \frac{\sum_{l \le j} h_l}{j}

    Manning, Raghavan, Schütze 2008, "Introduction to information retrieval", section 8.4, cut off at k. What is not on
    the list counts as a precision of 0; see `average_precision_capped` for the other denominator in use.

    Examples
    --------
    >>> average_precision([[1, 0, 1]], [4])  # (1/1 + 2/3) / 4
    array([0.41666667])
    """
    given, wanted = _with_counts(hits, n_relevant)
    return _summed_precision(given) / wanted


def average_precision_capped(hits: npt.ArrayLike, n_relevant: npt.ArrayLike) -> Float64:
    r"""`average_precision` with :math:`\min(k, n)` for n, so that a list of hits alone reaches 1.

    The denominator of the Million Song Dataset Challenge (McFee, Bertin-Mahieux, Ellis, Lanckriet 2012, section 3.2)
    and of the libraries implicit and RecBole.

    Examples
    --------
    >>> average_precision_capped([[1, 0, 1]], [4])  # (1/1 + 2/3) / 3
    array([0.55555556])
    """
    given, wanted = _with_counts(hits, n_relevant)
    return _summed_precision(given) / np.minimum(wanted, given.shape[1])


def ndcg(hits: npt.ArrayLike, n_relevant: npt.ArrayLike) -> Float64:
    r"""Normalised discounted cumulative gain: hits, worth less the further down, over the best that was possible.

    .. math:: \frac{\sum_j h_j / \log_2(j + 1)}{\sum_{j \le \min(k, n)} 1 / \log_2(j + 1)}

    Järvelin, Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", with the logarithm's base 2 at every
    rank, gains of 0 and 1, and an ideal list that is as long as the one measured.

    Examples
    --------
    >>> ndcg([[1, 0, 1]], [2])  # (1 + 1/2) / (1 + 1/log2(3))
    array([0.91972079])
    """
    given, wanted = _with_counts(hits, n_relevant)
    best = np.cumsum(_discounts(given.shape[1]))
    return given @ _discounts(given.shape[1]) / best[np.minimum(wanted, given.shape[1]).astype(np.int64) - 1]


def graded_ndcg(gains: npt.ArrayLike, ideal: npt.ArrayLike) -> Float64:
    r"""As `ndcg`, for gains that differ: what each listed item was worth, over what the best k wanted ones are worth.

    .. math:: \frac{\sum_j g_j / \log_2(j + 1)}{\sum_j g^*_j / \log_2(j + 1)}

    Gains are taken as they are, as by scikit-learn's `ndcg_score`; whoever wants :math:`2^g - 1` passes that.

    Parameters
    ----------
    gains, ideal : array-like of shape (n_users, k)
        Gains of the listed items, 0 for a miss; and the k highest gains there were, in falling order. A user without
        any gets NaN.

    Examples
    --------
    >>> graded_ndcg([[3, 0, 5]], [[5, 3, 0]])  # (3 + 5/2) / (5 + 3/log2(3))
    array([0.79793532])
    """
    given, best = _table(gains), _table(ideal)
    if given.shape != best.shape:
        message = f"gains and ideal gains must have the same shape, got {given.shape} and {best.shape}."
        raise DataError(message)
    discounts = _discounts(given.shape[1])
    reached, possible = given @ discounts, best @ discounts
    shares: Float64 = np.divide(reached, possible, out=np.full(reached.size, np.nan), where=possible > 0)
    return shares


def auc(scores: npt.ArrayLike, relevant: npt.ArrayLike) -> Float64:
    r"""Area under the ROC curve: how often something wanted is scored above something else, ties counting half.

    .. math:: \frac1{n m} \sum_{i \text{ wanted}} \sum_{j \text{ not}} [s_i > s_j] + \tfrac12 [s_i = s_j]

    over all candidates of a user, however far down: a metric without cut-off (Rendle, Freudenthaler, Gantner,
    Schmidt-Thieme 2009, "BPR: Bayesian personalized ranking from implicit feedback", section 6.2).

    Parameters
    ----------
    scores : array-like of shape (n_users, n_items)
        Minus infinity where an item is no candidate.
    relevant : bool array-like of shape (n_users, n_items)
        A user without anything wanted, or with nothing else, gets NaN.

    Examples
    --------
    >>> auc([[0.9, 0.8, 0.1, 0.8]], [[True, True, False, False]])  # 3.5 of 4 pairs
    array([0.875])
    """
    values, wanted = np.asarray(scores, np.float32), np.asarray(relevant, np.bool_)
    if values.ndim != 2 or values.shape != wanted.shape:  # noqa: PLR2004  rows and columns
        message = f"scores and relevance must be tables of the same shape, got {values.shape} and {wanted.shape}."
        raise DataError(message)
    _, columns = np.nonzero(wanted)
    indptr: Pointers = np.concatenate([[0], np.cumsum(wanted.sum(axis=1))]).astype(np.int64)
    return auc_of_rows(np.ascontiguousarray(values), indptr, columns.astype(np.int32))


def auc_of_rows(scores: Float32, indptr: Pointers, indices: Codes) -> Float64:
    """`auc` with the relevant items as sparse rows."""
    areas = np.empty(scores.shape[0], np.float64)
    area_under_curve(scores, indptr, indices, areas)
    return areas


def _summed_precision(hits: Float64) -> Float64:
    ranks = np.arange(1, hits.shape[1] + 1)
    total: Float64 = (hits * np.cumsum(hits, axis=1) / ranks).sum(axis=1)
    return total


def _discounts(k: int) -> Float64:
    discounts: Float64 = 1 / np.log2(np.arange(2, k + 2))
    return discounts


def _table(values: npt.ArrayLike) -> Float64:
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or not table.shape[1]:  # noqa: PLR2004  rows and columns
        message = f"a row a user and a column a rank are needed, got an array of shape {table.shape}."
        raise DataError(message)
    return table


def _with_counts(hits: npt.ArrayLike, n_relevant: npt.ArrayLike) -> tuple[Float64, Float64]:
    table, counts = _table(hits), np.asarray(n_relevant, np.float64)
    if counts.shape != (table.shape[0],) or (counts < 1).any():
        message = (
            f"'n_relevant' must hold a number of at least 1 for each of {table.shape[0]} users, got {n_relevant!r}. "
            f"Hint: users who wanted nothing say nothing; leave them out."
        )
        raise DataError(message)
    return table, counts
