"""Descent for orders of items over sums of attribute vectors: mistakes found side by side, learned from in turn."""

import math

import numpy as np

from foretaste._typing import Codes, Float32, Pointers
from foretaste.kernels._compile import kernel

# The losses of one draw.
BPR, LOGISTIC, SQUARED, WARP = 0, 1, 2, 3

# SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
_STEP, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# Another odd number, which sets the random numbers of neighbouring events far apart.
_APART = np.uint64(0xD1342543DE82EF95)


@kernel
def drawn(state: np.uint64, n: int) -> np.int64:
    """A number from 0 to n - 1 by the state of a generator: SplitMix64's output, scaled down to n."""
    z = (state ^ (state >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    z ^= z >> np.uint64(31)
    return np.int64(((z >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@kernel
def contains(codes: Codes, start: int, stop: int, code: np.int64) -> bool:
    """Whether `codes[start:stop]`, ascending, holds a code."""
    n = stop - start
    while n > 1:
        half = n >> 1
        start += half if codes[start + half] <= code else 0
        n -= half
    return n == 1 and codes[start] == code


@kernel
def find_warp(
    users: Codes,
    items: Codes,
    weights: Float32,
    first: int,
    last: int,
    seed: np.uint64,
    p: Float32,
    q: Float32,
    biases: Float32,
    indptr: Pointers,
    indices: Codes,
    by_trial: Float32,
    n_factors: int,
    negatives: Codes,
    ups: Float32,
    downs: Float32,
    user_sizes: Float32,
    item_sizes: Float32,
) -> float:
    r"""For events `first` to `last`: an item that WARP finds too high, how far the two should move; returns the loss.

    With :math:`s_{ui} = b_i + p_u \cdot q_i`, event (u, i) of weight w, and j the first of up to T random items with
    :math:`s_{uj} > s_{ui} - 1` that the user does not have, found in draw n:

    .. math:: e_i = w L_n, \qquad e_j = -e_i

    Arguments as those of `find_mistakes`, with the L_n in `by_trial`, one for each of the T draws. Four scores are
    under way at a time, which hides how long each item takes to come from memory; what is drawn first counts first.
    """
    width, n_items, n_draws = p.shape[1], q.shape[0], by_trial.size
    zero, one, share = np.float32(0), np.float32(1), np.float32(1.0 / n_factors)
    places, scores = np.empty(4, np.int64), np.empty(4, np.float32)
    total = 0.0
    for t in range(first, last):
        u, i, w = users[t], items[t], weights[t]
        p_u, q_i = p[u], q[i]
        threshold = biases[i] - one
        for f in range(width):
            threshold += p_u[f] * q_i[f]
        start, stop = indptr[u], indptr[u + 1]
        state = seed + np.uint64(t) * _APART
        negatives[t] = -1
        n = 0
        while n < n_draws and negatives[t] < 0:
            for lane in range(4):
                state += _STEP
                places[lane] = drawn(state, n_items)
            q0, q1, q2, q3 = q[places[0]], q[places[1]], q[places[2]], q[places[3]]
            dot0 = dot1 = dot2 = dot3 = zero
            for f in range(width):
                x = p_u[f]
                dot0 += x * q0[f]
                dot1 += x * q1[f]
                dot2 += x * q2[f]
                dot3 += x * q3[f]
            scores[0], scores[1], scores[2], scores[3] = dot0, dot1, dot2, dot3
            for lane in range(min(4, n_draws - n)):
                j = places[lane]
                if scores[lane] + biases[j] > threshold and not contains(indices, start, stop, j):
                    negatives[t] = j
                    total += by_trial[n + lane]
                    up = w * by_trial[n + lane]
                    q_j = q[j]
                    of_user = of_items = zero
                    for f in range(width):
                        x, way = p_u[f], q_i[f] - q_j[f]
                        of_user += way * way
                        of_items += x * x
                    ups[t], downs[t] = up, -up
                    user_sizes[t], item_sizes[t] = share * up * up * of_user, share * of_items
                    break
            n += 4
    return total


@kernel
def find_mistakes(
    loss: int,
    users: Codes,
    items: Codes,
    weights: Float32,
    first: int,
    last: int,
    seed: np.uint64,
    p: Float32,
    q: Float32,
    biases: Float32,
    indptr: Pointers,
    indices: Codes,
    by_trial: Float32,
    n_factors: int,
    negatives: Codes,
    ups: Float32,
    downs: Float32,
    user_sizes: Float32,
    item_sizes: Float32,
) -> float:
    r"""For events `first` to `last`: an item to compare theirs with, how far each should move; returns the loss.

    With :math:`s_{ui} = b_i + p_u \cdot q_i`, event (u, i) of weight w, and j a random item the user does not have:

    .. math::

        \text{bpr:} \quad & e_i = w / (1 + \exp(s_{ui} - s_{uj})), \; e_j = -e_i \\
        \text{logistic:} \quad & e_i = w / (1 + \exp s_{ui}), \; e_j = -w / (1 + \exp(-s_{uj})) \\
        \text{squared:} \quad & e_i = w (1 - s_{ui}), \; e_j = -w s_{uj}

    Nothing that it reads is written, so that pieces of the events may run side by side. The draws of an event follow
    from the seed and its place alone.

    Parameters
    ----------
    loss : int
        `BPR`, `LOGISTIC` or `SQUARED`.
    users, items, weights : arrays of shape (n_events,)
        The events, in the order in which they are learned from.
    p, q, biases : float32 arrays
        A row for each user and item; items that are drawn are rows of q.
    indptr, indices : arrays
        The items of each user, ascending.
    by_trial : float32 array
        As many draws are made to find an item that the user does not have.
    n_factors : int
        How many columns of p and q count; the rest is padding.
    negatives, ups, downs : arrays of shape (n_events,)
        Written from `first` to `last`: the j, e_i and e_j; j is -1 where nothing is to be learned.
    user_sizes, item_sizes : float32 arrays of shape (n_events,)
        Written likewise: mean squares of what the event moves its user by, e_i q_i + e_j q_j, and its items, p_u.
    """
    width, n_items, n_draws = p.shape[1], q.shape[0], by_trial.size
    zero, one, share = np.float32(0), np.float32(1), np.float32(1.0 / n_factors)
    total = 0.0
    for t in range(first, last):
        u, i, w = users[t], items[t], weights[t]
        p_u, q_i = p[u], q[i]
        score = biases[i]
        for f in range(width):
            score += p_u[f] * q_i[f]
        start, stop = indptr[u], indptr[u + 1]
        state = seed + np.uint64(t) * _APART
        negatives[t] = -1
        for _ in range(n_draws):
            state += _STEP
            j = drawn(state, n_items)
            if contains(indices, start, stop, j):
                continue
            q_j = q[j]
            other = biases[j]
            for f in range(width):
                other += p_u[f] * q_j[f]
            if loss == BPR:
                up = one / (one + np.exp(score - other))
                down = -up
                total += math.log1p(math.exp(min(float(other - score), 500.0)))
            elif loss == LOGISTIC:
                up, down = one / (one + np.exp(score)), -one / (one + np.exp(-other))
                total += math.log1p(math.exp(min(float(-score), 500.0))) + math.log1p(
                    math.exp(min(float(other), 500.0))
                )
            else:
                up, down = one - score, zero - other
                total += float(up) ** 2 + float(down) ** 2
            up, down = w * up, w * down
            of_user = of_items = zero
            for f in range(width):
                x, way = p_u[f], up * q_i[f] + down * q_j[f]
                of_user += way * way
                of_items += x * x
            negatives[t], ups[t], downs[t] = j, up, down
            user_sizes[t], item_sizes[t] = share * of_user, share * of_items
            break
    return total


@kernel
def set_steps(
    users: Codes,
    items: Codes,
    first: int,
    last: int,
    negatives: Codes,
    ups: Float32,
    downs: Float32,
    user_sizes: Float32,
    item_sizes: Float32,
    user_indptr: Pointers,
    user_indices: Codes,
    user_values: Float32,
    item_indptr: Pointers,
    item_indices: Codes,
    item_values: Float32,
    user_squares: Float32,
    item_squares: Float32,
    bias_squares: Float32,
    biases: Float32,
    learning_rate: float,
    reg: float,
    steps: Float32,
) -> None:
    r"""The step of each attribute at each event, in the order of the events; moves the attributes' biases with them.

    An attribute a at value x in the row of user u (or item i) has the gradient :math:`g = x (e_i q_i + e_j q_j)` (or
    :math:`x e_i p_u`), and

    .. math:: G_a \leftarrow G_a + \overline{g^2}, \qquad \eta = \frac{\eta_0}{\sqrt{G_a}}

    with the mean over the factors, so that each attribute has one step size (AdaGrad: Duchi, Hazan, Singer 2011,
    "Adaptive subgradient methods for online learning and stochastic optimization"; here one number a vector).

    Parameters
    ----------
    user_indptr, ..., item_values : arrays
        The attributes of each user and of each item.
    user_squares, item_squares, bias_squares : float32 arrays of shape (n_attributes,)
        The G; written.
    biases : float32 array of shape (n_item_attributes,)
        Written.
    steps : float32 array
        Written from its beginning: eta x for each attribute of the user, of the item and of the item it is compared
        with, event by event.
    """
    rate, shrinkage, place = np.float32(learning_rate), np.float32(reg), 0
    for t in range(first, last):
        j = negatives[t]
        if j < 0:
            continue
        u, i = users[t], items[t]
        for k in range(user_indptr[u], user_indptr[u + 1]):
            a, x = user_indices[k], user_values[k]
            user_squares[a] += x * x * user_sizes[t]
            steps[place] = rate * x / np.sqrt(user_squares[a])
            place += 1
        for row, error in ((i, ups[t]), (np.int32(j), downs[t])):
            for k in range(item_indptr[row], item_indptr[row + 1]):
                a, x = item_indices[k], item_values[k]
                way = x * error
                item_squares[a] += way * way * item_sizes[t]
                steps[place] = rate * x / np.sqrt(item_squares[a])
                place += 1
                way -= shrinkage * biases[a]
                bias_squares[a] += way * way
                biases[a] += rate * way / np.sqrt(bias_squares[a])


@kernel
def move_columns(
    users: Codes,
    items: Codes,
    first: int,
    last: int,
    negatives: Codes,
    ups: Float32,
    downs: Float32,
    steps: Float32,
    p: Float32,
    q: Float32,
    user_indptr: Pointers,
    user_indices: Codes,
    item_indptr: Pointers,
    item_indices: Codes,
    user_vectors: Float32,
    item_vectors: Float32,
    first_column: int,
    last_column: int,
    reg: float,
) -> None:
    r"""Move some columns of the attributes' vectors, event after event.

    .. math::

        v_a \leftarrow v_a + \eta x (e_i q_i + e_j q_j) - \eta x \lambda v_a, \qquad
        y_a \leftarrow y_a + \eta x e_i p_u - \eta x \lambda y_a

    for the attributes of the user, and of the item (and with e_j of the item it is compared with). No column looks at
    another, so that ranges of columns may run side by side.

    Parameters
    ----------
    steps : float32 array
        As `set_steps` wrote it.
    p, q : float32 arrays
        Users and items as sums of their vectors. Where each has one attribute, itself, they may be the vectors.
    user_vectors, item_vectors : float32 arrays
        The v and y, written from `first_column` to `last_column`.
    """
    width, place = last_column - first_column, 0
    penalty, one = np.float32(reg), np.float32(1)
    user, way = np.empty(width, np.float32), np.empty(width, np.float32)
    for t in range(first, last):
        j = negatives[t]
        if j < 0:
            continue
        u, i = users[t], items[t]
        up, down = ups[t], downs[t]
        p_u, q_i, q_j = (
            p[u, first_column:last_column],
            q[i, first_column:last_column],
            q[j, first_column:last_column],
        )
        for f in range(width):
            user[f] = p_u[f]
            way[f] = up * q_i[f] + down * q_j[f]
        for k in range(user_indptr[u], user_indptr[u + 1]):
            v, step = user_vectors[user_indices[k], first_column:last_column], steps[place]
            keep = max(np.float32(0), one - abs(step) * penalty)
            place += 1
            for f in range(width):
                v[f] = keep * v[f] + step * way[f]
        for row, error in ((i, up), (np.int32(j), down)):
            for k in range(item_indptr[row], item_indptr[row + 1]):
                y, step = item_vectors[item_indices[k], first_column:last_column], steps[place]
                keep = max(np.float32(0), one - abs(step) * penalty)
                step *= error
                place += 1
                for f in range(width):
                    y[f] = keep * y[f] + step * user[f]


@kernel
def learn_users(
    loss: int,
    indptr: Pointers,
    indices: Codes,
    weights: Float32,
    first: int,
    last: int,
    q: Float32,
    biases: Float32,
    by_trial: Float32,
    n_epochs: int,
    learning_rate: float,
    reg: float,
    p: Float32,
) -> None:
    r"""The vectors of users `first` to `last` beside items that stay as they are, an event at a time.

    .. math:: G \leftarrow G + \overline{(e_i q_i + e_j q_j)^2}, \qquad
        p_u \leftarrow p_u + \frac{\eta_0}{\sqrt G} (e_i q_i + e_j q_j - \lambda p_u)

    with j, e_i and e_j as `find_warp` and `find_mistakes` have them, and G from 1. A user's events come in a new order
    each epoch. Everybody has the same random numbers, so that what is learned of one depends on nobody else; only the
    items of the user and those drawn are looked at.

    Parameters
    ----------
    loss : int
        `BPR`, `LOGISTIC`, `SQUARED` or `WARP`.
    indptr, indices, weights : arrays
        The items of each user, ascending, and what they count.
    q, biases : float32 arrays
        A row for each item.
    by_trial : float32 array
        As `find_warp` and `find_mistakes` take it.
    p : float32 array of shape (n_users, n_factors)
        Written from `first` to `last`, where learning begins at what is there.
    """
    width, rate, penalty = p.shape[1], np.float32(learning_rate), np.float32(reg)
    zero, one = np.float32(0), np.float32(1)
    for u in range(first, last):
        n = indptr[u + 1] - indptr[u]
        items, amounts = indices[indptr[u] : indptr[u + 1]], weights[indptr[u] : indptr[u + 1]]
        users, own, vector = np.zeros(n, np.int32), np.array([0, n]), p[u : u + 1]
        order, negatives = np.arange(n), np.empty(n, np.int32)
        ups, downs = np.empty(n, np.float32), np.empty(n, np.float32)
        user_sizes, item_sizes = np.empty(n, np.float32), np.empty(n, np.float32)
        squares, state = one, _FIRST
        for epoch in range(n_epochs):
            seed = np.uint64(epoch) * _SECOND
            for place in range(n):
                state += _STEP
                other = place + drawn(state, n - place)
                order[place], order[other] = order[other], order[place]
                t = order[place]
                if loss == WARP:
                    find_warp(
                        users, items, amounts, t, t + 1, seed, vector, q, biases, own, items, by_trial, width,
                        negatives, ups, downs, user_sizes, item_sizes,
                    )  # fmt: skip
                else:
                    find_mistakes(
                        loss, users, items, amounts, t, t + 1, seed, vector, q, biases, own, items, by_trial, width,
                        negatives, ups, downs, user_sizes, item_sizes,
                    )  # fmt: skip
                if negatives[t] < 0:
                    continue
                squares += user_sizes[t]
                step, q_i, q_j, p_u = rate / np.sqrt(squares), q[items[t]], q[negatives[t]], vector[0]
                keep, up, down = max(zero, one - step * penalty), step * ups[t], step * downs[t]
                for f in range(width):
                    p_u[f] = keep * p_u[f] + up * q_i[f] + down * q_j[f]
