"""Lists that are varied: from candidates with scores to a few of them, chosen one by one.

Everything is float64: what is left of a vector beyond those chosen is a small difference of large numbers. Vectors have
length 1; one of zeros is like no other. Positions are those of the candidates, and among equals the first is chosen.
"""

import math

import numpy as np

from foretaste._typing import Codes, Float64, Pointers
from foretaste.kernels._compile import kernel

# A candidate with less than this left of its squared length 1 is one of those chosen, or a mixture of them: more is
# rounding where vectors come from single precision.
_NOTHING_NEW = 1e-10
# The share of what is wanted in what is listed, so that a value that the list lacks costs much, not infinitely much.
_SMOOTHING = 0.01


@kernel
def take_rows(indptr: Pointers, indices: Codes, rows: Codes) -> tuple[Pointers, Codes]:
    """Some rows of a sparse matrix, in the order they are named."""
    starts = np.zeros(rows.size + 1, np.int64)
    for r in range(rows.size):
        starts[r + 1] = starts[r] + indptr[rows[r] + 1] - indptr[rows[r]]
    taken = np.empty(starts[rows.size], np.int32)
    for r in range(rows.size):
        first = indptr[rows[r]]
        for t in range(starts[r], starts[r + 1]):
            taken[t] = indices[first + t - starts[r]]
    return starts, taken


@kernel
def value_vectors(indptr: Pointers, indices: Codes, n_values: int) -> Float64:
    """Vectors whose products are the cosines |A & B| / sqrt(|A| |B|) of the sets of values in two rows.

    A value that one row alone has takes part in no product, and has no column.
    """
    columns = np.zeros(n_values, np.int32)
    for value in indices:
        columns[value] += 1
    n_columns = 0
    for value in range(n_values):
        if columns[value] > 1:
            columns[value] = n_columns
            n_columns += 1
        else:
            columns[value] = -1
    vectors = np.zeros((indptr.size - 1, n_columns))
    for r in range(indptr.size - 1):
        size = indptr[r + 1] - indptr[r]
        for t in range(indptr[r], indptr[r + 1]):
            if columns[indices[t]] >= 0:
                vectors[r, columns[indices[t]]] = 1 / math.sqrt(size)
    return vectors


@kernel
def marginal_relevance(scores: Float64, vectors: Float64, weight: float, chosen: Codes) -> None:
    """One after the other the candidate of the highest (1 - w) s_i - w max over those chosen of x_i . x_j.

    The maximum over none is 0 (Carbonell, Goldstein 1998, "The use of MMR, diversity-based reranking for reordering
    documents and producing summaries").

    Parameters
    ----------
    scores : float64 array of shape (n_candidates,)
    vectors : float64 array of shape (n_candidates, n_dimensions)
    weight : float
        w, between 0 and 1.
    chosen : int32 array, written
        As many positions as it has places, not more than there are candidates.
    """
    n_candidates, n_dimensions = vectors.shape
    nearest, is_free = np.zeros(n_candidates), np.ones(n_candidates, np.bool_)
    for place in range(chosen.size):
        best, highest = -1, -np.inf
        for i in range(n_candidates):
            gain = (1 - weight) * scores[i] - weight * nearest[i]
            if is_free[i] and (best < 0 or gain > highest):
                best, highest = i, gain
        chosen[place], is_free[best] = best, False
        x = vectors[best]
        for i in range(n_candidates):
            cosine = 0.0
            for f in range(n_dimensions):
                cosine += x[f] * vectors[i, f]
            nearest[i] = cosine if place == 0 else max(nearest[i], cosine)


@kernel
def greedy_map(scores: Float64, vectors: Float64, weight: float, chosen: Codes) -> None:
    """One after the other the candidate that adds most to (1 - w) sum of s_i + w log det S, S_ij = x_i . x_j, S_ii = 1.

    That is w times log det of diag(q) S diag(q) with q_i = exp((1 - w) s_i / 2w), the kernel of a determinantal point
    process. What a candidate adds is (1 - w) s_i + w log d_i^2, with d_i^2 = 1 - |c_i|^2 and c_i its row of the
    Cholesky factor of S; choosing j makes each of these rows longer by e_i and d_i^2 smaller by its square:

    e_i = (S_ji - c_j . c_i) / d_j

    n candidates and k places take n k (k + n_dimensions) steps (Chen, Zhang, Zhou 2018, "Fast greedy MAP inference for
    determinantal point process to improve recommendation diversity", algorithm 1 and section 4). Where no candidate
    has anything left, the determinant is zero whatever comes next, and the others follow by their scores.

    Parameters
    ----------
    scores : float64 array of shape (n_candidates,)
    vectors : float64 array of shape (n_candidates, n_dimensions)
    weight : float
        w, above 0 and at most 1.
    chosen : int32 array, written
        As many positions as it has places, not more than there are candidates.
    """
    n_candidates, n_dimensions = vectors.shape
    rows = np.empty((chosen.size, n_candidates))  # rows[t, i] is entry t of c_i
    left, is_free = np.ones(n_candidates), np.ones(n_candidates, np.bool_)
    place = 0
    while place < chosen.size:
        best, highest = -1, -np.inf
        for i in range(n_candidates):
            if is_free[i] and left[i] > _NOTHING_NEW:
                gain = (1 - weight) * scores[i] + weight * math.log(left[i])
                if best < 0 or gain > highest:
                    best, highest = i, gain
        if best < 0:
            break
        chosen[place], is_free[best] = best, False
        x, row, length = vectors[best], rows[place], math.sqrt(left[best])
        for i in range(n_candidates):
            product = 0.0
            for f in range(n_dimensions):
                product += x[f] * vectors[i, f]
            row[i] = product
        for t in range(place):
            above, own = rows[t], rows[t, best]
            for i in range(n_candidates):
                row[i] -= own * above[i]
        for i in range(n_candidates):
            row[i] /= length
            left[i] -= row[i] * row[i]
        place += 1
    while place < chosen.size:
        best = -1
        for i in range(n_candidates):
            if is_free[i] and (best < 0 or scores[i] > scores[best]):
                best = i
        chosen[place], is_free[best] = best, False
        place += 1


@kernel
def calibrate(scores: Float64, indptr: Pointers, indices: Codes, wanted: Float64, weight: float, chosen: Codes) -> None:
    """One after the other the candidate that adds most to (1 - w) sum of s_i - w KL(p || q~).

    KL(p || q~) = sum over g of p_g log2(p_g / q~_g),  q~_g = (1 - a) q_g + a p_g,  a = 0.01

    with p what is wanted and q the mean share of each value in the list. An item of m values is 1 / m of each; one of
    none does not count, and of a list of such items q is zero (Steck 2018, "Calibrated recommendations", equations 2
    to 4). A candidate changes the terms of its own values alone, but for the length of the list.

    Parameters
    ----------
    scores : float64 array of shape (n_candidates,)
    indptr, indices : int64 and int32 arrays
        The values of each candidate, none twice.
    wanted : float64 array of shape (n_values,)
        p: not negative, with the sum 1.
    weight : float
        w, between 0 and 1.
    chosen : int32 array, written
        As many positions as it has places, not more than there are candidates.
    """
    n_candidates = scores.size
    liked = np.flatnonzero(wanted)
    listed, terms = np.zeros(wanted.size), np.zeros(wanted.size)
    is_free = np.ones(n_candidates, np.bool_)
    total = 0
    for place in range(chosen.size):
        stays, grows = 0.0, 0.0  # KL of the list as it is, and of the same with one item more of none of these values
        for g in liked:
            p = wanted[g]
            stays += p * math.log2(p / ((1 - _SMOOTHING) * listed[g] / max(total, 1) + _SMOOTHING * p))
            terms[g] = p * math.log2(p / ((1 - _SMOOTHING) * listed[g] / (total + 1) + _SMOOTHING * p))
            grows += terms[g]
        best, highest = -1, -np.inf
        for i in range(n_candidates):
            if not is_free[i]:
                continue
            size = indptr[i + 1] - indptr[i]
            divergence = grows if size > 0 else stays
            for t in range(indptr[i], indptr[i + 1]):
                g = indices[t]
                p = wanted[g]
                if p > 0:
                    share = (listed[g] + 1 / size) / (total + 1)
                    divergence += p * math.log2(p / ((1 - _SMOOTHING) * share + _SMOOTHING * p)) - terms[g]
            gain = (1 - weight) * scores[i] - weight * divergence
            if best < 0 or gain > highest:
                best, highest = i, gain
        chosen[place], is_free[best] = best, False
        size = indptr[best + 1] - indptr[best]
        for t in range(indptr[best], indptr[best + 1]):
            listed[indices[t]] += 1 / size
        total += size > 0


@kernel
def space_out(
    order: Codes, indptr: Pointers, indices: Codes, n_values: int, most: int, among: int, chosen: Codes
) -> int:
    """Each place for the first of an order that keeps every value to `most` of any `among` places in a row.

    Who does not fit waits, and comes at the first place where that is no longer so.

    Parameters
    ----------
    order : int32 array
        Positions of candidates, the first to be placed first.
    indptr, indices : int64 and int32 arrays
        The values of each candidate, none twice.
    chosen : int32 array, written
        Positions.

    Returns
    -------
    int
        How many places were filled; at the next one nobody who waits would fit.
    """
    counts = np.zeros(n_values, np.int32)  # of the last among - 1 places
    is_waiting = np.ones(order.size, np.bool_)
    for place in range(chosen.size):
        if place >= among:
            i = chosen[place - among]
            for t in range(indptr[i], indptr[i + 1]):
                counts[indices[t]] -= 1
        found = -1
        for turn in range(order.size):
            if not is_waiting[turn]:
                continue
            i = order[turn]
            fits = True
            for t in range(indptr[i], indptr[i + 1]):
                fits &= counts[indices[t]] < most
            if fits:
                found = turn
                break
        if found < 0:
            return place
        i = order[found]
        chosen[place], is_waiting[found] = i, False
        for t in range(indptr[i], indptr[i + 1]):
            counts[indices[t]] += 1
    return chosen.size
