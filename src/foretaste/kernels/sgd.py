"""Stochastic gradient descent over the factors, in strata that threads can share and no thread count can change."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from foretaste._typing import Codes, Float32, Pointers, Short
from foretaste.kernels._compile import kernel
from foretaste.kernels.sorting import count_codes
from foretaste.utils.threads import Run

# float32 values to a cache line: rows of factors start on one, so that two threads never write the same line.
LINE = 16

# Parts by number of ratings: below the second line, cutting the matrix up costs more than threads could win; of many
# ratings, the item factors of an eighth are nearer to what the second cache holds.
_PARTS = ((10_000_000, 8), (20_000, 4), (0, 1))

# Items of a part that can be told apart in two bytes.
_SHORT = 2**16


class Strata(NamedTuple):
    """A rating matrix cut into B x B tiles of about equal weight, users and items relabelled along the cuts.

    Tile (a, b) holds the ratings of users `user_cuts[a]:user_cuts[a + 1]` for items `item_cuts[b]:item_cuts[b + 1]`,
    all by their new labels. Those of user u are `starts[row + u]:starts[row + u + 1]` with `row` the tile's
    `first_row`: a tile lies in one piece of memory and is read from end to end. `items` counts from the first item of
    its part, in two bytes unless a part has too many items for that. Tiles that share neither a row nor a column of
    tiles can be worked on side by side.
    """

    n_parts: int
    user_labels: Codes
    item_labels: Codes
    user_cuts: Pointers
    item_cuts: Pointers
    user_counts: Pointers
    item_counts: Pointers
    starts: Pointers
    items: Short | Codes
    values: Float32

    def first_row(self, block: int, part: int) -> int:
        """What to add to a user of a block to find the user's ratings of a part in `starts`."""
        first, last = self.user_cuts[block : block + 2]
        return int(self.n_parts * first + part * (last - first) - first)


def stratify(
    user_codes: Codes,
    item_codes: Codes,
    values: Float32,
    n_users: int,
    n_items: int,
    rng: np.random.Generator,
    run: Run,
) -> Strata:
    """Cut a rating matrix up; the number of parts depends on the data alone, never on the number of threads."""
    n_parts = next(parts for least, parts in _PARTS if values.size >= least)
    user_labels, user_counts = _relabelled(user_codes, n_users, rng)
    item_labels, item_counts = _relabelled(item_codes, n_items, rng)
    user_cuts, item_cuts = (_equal_cuts(counts, n_parts) for counts in (user_counts, item_counts))
    short = np.diff(item_cuts).max() <= _SHORT
    items: Short | Codes = np.empty(values.size, np.uint16) if short else np.empty(values.size, np.int32)
    carried, starts = np.empty(values.size, np.float32), np.zeros(n_parts * n_users + 1, np.int64)
    columns, before = (user_codes, item_codes, values), np.concatenate(([0], np.cumsum(user_counts)))
    blocks = []
    for first, last in pairwise(user_cuts):
        own = (user_counts[first:last], first, before[first], starts[n_parts * first : n_parts * last + 1])
        blocks.append((*columns, user_labels, item_labels, item_cuts, *own, items, carried))
    run(fill_block, blocks)
    return Strata(
        n_parts, user_labels, item_labels, user_cuts, item_cuts, user_counts, item_counts, starts, items, carried
    )


def _relabelled(codes: Codes, n_codes: int, rng: np.random.Generator) -> tuple[Codes, Pointers]:
    """A random new label of each code, and how often each label occurs."""
    labels = rng.permutation(n_codes).astype(np.int32)
    counts = np.empty(n_codes, np.int64)
    counts[labels] = count_codes(codes, n_codes)
    return labels, counts


def _equal_cuts(counts: Pointers, n_parts: int) -> Pointers:
    """Bounds that cut 0..n into parts of about equal total count."""
    total = np.cumsum(counts)
    inner = np.searchsorted(total, total[-1] * np.arange(1, n_parts) / n_parts)
    return np.concatenate(([0], inner, [counts.size])).astype(np.int64)


@kernel
def fill_block(
    user_codes: Codes,
    item_codes: Codes,
    values: Float32,
    user_labels: Codes,
    item_labels: Codes,
    item_cuts: Pointers,
    user_counts: Pointers,
    first_user: int,
    before: int,
    starts: Pointers,
    tile_items: Short | Codes,
    tile_values: Float32,
) -> None:
    """Group the ratings of one block of users by part and user, as `Strata` holds them.

    First by user, then a user's ratings to the parts: so each step writes to few lines of memory at a time.

    Parameters
    ----------
    user_labels, item_labels : int32 arrays
        New labels by code.
    item_cuts : int64 array of shape (n_parts + 1,)
    user_counts : int64 array of shape (n_block_users,)
        Numbers of ratings of the block's users, whose labels begin at `first_user`.
    before : int
        How many ratings the blocks before this one hold.
    starts : int64 array of shape (n_parts * n_block_users + 1,)
        The block's own piece, all but the first written; the next block begins where this one ends.
    tile_items, tile_values : arrays of shape (n_ratings,)
        Of all blocks; this one's share is written.
    """
    n_users, n_parts = user_counts.size, item_cuts.size - 1
    indptr = np.zeros(n_users + 1, np.int64)
    for u in range(n_users):
        indptr[u + 1] = indptr[u] + user_counts[u]
    labels, carried, place = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32), indptr[:-1].copy()
    for t in range(user_codes.size):
        u = user_labels[user_codes[t]] - first_user
        if 0 <= u < n_users:
            labels[place[u]] = item_labels[item_codes[t]]
            carried[place[u]] = values[t]
            place[u] += 1

    part_of = np.empty(item_labels.size, np.int32)
    for part in range(n_parts):
        part_of[item_cuts[part] : item_cuts[part + 1]] = part
    row_place = np.zeros(n_parts * n_users, np.int64)
    for u in range(n_users):
        for t in range(indptr[u], indptr[u + 1]):
            row_place[part_of[labels[t]] * n_users + u] += 1
    end = before
    for row in range(row_place.size):
        count, row_place[row] = row_place[row], end
        end += count
        starts[row + 1] = end
    for u in range(n_users):
        for t in range(indptr[u], indptr[u + 1]):
            part = part_of[labels[t]]
            row = part * n_users + u
            tile_items[row_place[row]] = labels[t] - item_cuts[part]
            tile_values[row_place[row]] = carried[t]
            row_place[row] += 1


@kernel
def sgd_tile(
    starts: Pointers,
    items: Short | Codes,
    values: Float32,
    first_row: int,
    first_item: int,
    first_user: int,
    last_user: int,
    p: Float32,
    q: Float32,
    user_biases: Float32,
    item_biases: Float32,
    user_squares: Float32,
    item_squares: Float32,
    learning_rate: float,
    reg: float,
    user_shrinkage: Float32,
    item_shrinkage: Float32,
    bias_rate: float,
    n_factors: int,
) -> float:
    r"""One pass over a tile; returns the sum of squared errors met on the way.

    .. math::

        e_{ui} &= r_{ui} - b_u - b_i - p_u \cdot q_i \\
        p_u &\leftarrow p_u + \eta_u \sum_i (e_{ui} q_i - \lambda p_u), \qquad \eta_u = \eta / \sqrt{g_u} \\
        q_i &\leftarrow q_i + \eta_i (e_{ui} p_u - \lambda q_i), \qquad \eta_i = \eta / \sqrt{g_i} \\
        b_u &\leftarrow b_u + \beta \eta_u \sum_i (e_{ui} - \kappa_u b_u), \qquad
        b_i \leftarrow b_i + \beta \eta_i (e_{ui} - \kappa_i b_i)

    with kappa the shrinkage of a row's bias, and beta the `bias_rate`, 1 or, for a model without biases, 0. g is the
    sum, over the ratings a row has met so far, of its mean squared gradient (one step size a row: Chin, Zhuang, Juan,
    Lin 2015, "A learning-rate schedule for stochastic gradient methods to matrix factorization"), so that steps need
    no tuning to the size of the data.

    Three ratings of a user are taken at a time, all against the same p_u: three dot products in flight hide the
    latency of one, and the errors learned to are the same to four digits. The last row of the item arrays stands in
    for a missing second or third; it is zero and stays so.

    Parameters
    ----------
    starts, items, values : arrays
        As `Strata` holds them.
    first_row, first_item : int
        Where in `starts` the part of the tile begins, and its first item.
    first_user, last_user : int
        The users of the tile, the last one not included.
    p, q, user_biases, item_biases, user_squares, item_squares : float32 arrays
        Written; rows of users and items by their labels. The squares are the g.
    learning_rate, reg, user_shrinkage, item_shrinkage, bias_rate
        The eta, lambda, kappa and beta.
    n_factors : int
        How many columns of p and q count; the rest is padding.
    """
    width, nobody = p.shape[1], q.shape[0] - 1
    zero, one, two = np.float32(0), np.float32(1), np.float32(2)
    rate, penalty, bias_share = np.float32(learning_rate), np.float32(reg), np.float32(bias_rate)
    mean = np.float32(1.0 / n_factors)
    user = np.empty(width, np.float32)
    loss = 0.0
    for u in range(first_user, last_user):
        start, stop = starts[first_row + u], starts[first_row + u + 1]
        if start == stop:
            continue
        p_u, b_u, g_u = p[u], user_biases[u], user_squares[u]
        for f in range(width):
            user[f] = p_u[f]
        for t in range(start, stop, 3):
            n = min(3, stop - t)
            i0 = first_item + items[t]
            i1 = first_item + items[t + 1] if n > 1 else nobody
            i2 = first_item + items[t + 2] if n > 2 else nobody  # noqa: PLR2004
            q0, q1, q2 = q[i0], q[i1], q[i2]
            dot0 = dot1 = dot2 = zero
            square0 = square1 = square2 = square_u = zero
            for f in range(width):
                x, y0, y1, y2 = user[f], q0[f], q1[f], q2[f]
                dot0 += x * y0
                dot1 += x * y1
                dot2 += x * y2
                square0 += y0 * y0
                square1 += y1 * y1
                square2 += y2 * y2
                square_u += x * x
            error0 = values[t] - b_u - item_biases[i0] - dot0
            error1 = values[t + 1] - b_u - item_biases[i1] - dot1 if n > 1 else zero
            error2 = values[t + 2] - b_u - item_biases[i2] - dot2 if n > 2 else zero  # noqa: PLR2004
            loss += error0 * error0 + error1 * error1 + error2 * error2

            rate_u = rate / np.sqrt(g_u)
            rate0 = rate / np.sqrt(item_squares[i0])
            rate1 = rate / np.sqrt(item_squares[i1])
            rate2 = rate / np.sqrt(item_squares[i2])
            # |e q - reg p|^2 = e^2 |q|^2 - 2 e reg p.q + reg^2 |p|^2, and the same with p and q exchanged
            cross0, cross1, cross2 = (
                two * penalty * error0 * dot0,
                two * penalty * error1 * dot1,
                two * penalty * error2 * dot2,
            )
            count, small = np.float32(n), penalty * penalty
            g_u += mean * (
                (error0 * error0 * square0 - cross0)
                + (error1 * error1 * square1 - cross1)
                + (error2 * error2 * square2 - cross2)
                + count * small * square_u
            )
            item_squares[i0] += mean * (error0 * error0 * square_u - cross0 + small * square0)
            item_squares[i1] += mean * (error1 * error1 * square_u - cross1 + small * square1)
            item_squares[i2] += mean * (error2 * error2 * square_u - cross2 + small * square2)

            b_u += bias_share * rate_u * (error0 + error1 + error2 - count * user_shrinkage[u] * b_u)
            item_biases[i0] += bias_share * rate0 * (error0 - item_shrinkage[i0] * item_biases[i0])
            item_biases[i1] += bias_share * rate1 * (error1 - item_shrinkage[i1] * item_biases[i1])
            item_biases[i2] += bias_share * rate2 * (error2 - item_shrinkage[i2] * item_biases[i2])

            keep_u, keep0 = one - count * rate_u * penalty, one - rate0 * penalty
            keep1, keep2 = one - rate1 * penalty, one - rate2 * penalty
            for f in range(width):
                x, y0, y1, y2 = user[f], q0[f], q1[f], q2[f]
                user[f] = keep_u * x + rate_u * (error0 * y0 + error1 * y1 + error2 * y2)
                q0[f] = keep0 * y0 + rate0 * error0 * x
                q1[f] = keep1 * y1 + rate1 * error1 * x
                q2[f] = keep2 * y2 + rate2 * error2 * x
        for f in range(width):
            p_u[f] = user[f]
        user_biases[u], user_squares[u] = b_u, g_u
    return loss


@kernel
def gradient_rows(
    indptr: Pointers,
    indices: Codes,
    values: Float32,
    row_factors: Float32,
    column_factors: Float32,
    row_biases: Float32,
    column_biases: Float32,
    gradient: Float32,
    bias_gradient: Float32,
) -> float:
    r"""Sum over each row of the errors, weighted by the factors of the other side; returns the sum of squared errors.

    .. math:: e_{rc} = v_{rc} - b_r - b_c - p_r \cdot q_c, \qquad g_r = \sum_c e_{rc} q_c, \qquad h_r = \sum_c e_{rc}
    """
    width = row_factors.shape[1]
    loss = 0.0
    for r in range(indptr.size - 1):
        p_r, g_r = row_factors[r], gradient[r]
        g_r[:] = 0
        total = np.float32(0)
        for t in range(indptr[r], indptr[r + 1]):
            c = indices[t]
            q_c = column_factors[c]
            error = values[t] - row_biases[r] - column_biases[c]
            for f in range(width):
                error -= p_r[f] * q_c[f]
            for f in range(width):
                g_r[f] += error * q_c[f]
            total += error
            loss += error * error
        bias_gradient[r] = total
    return loss
