"""Slow, obviously right twins of what models of events compute, as `naive.py` has them of everything else."""

import math

import numpy as np

# Alternating least squares -------------------------------------------------------------------------------------------


def event_objective(row, features, gram, penalty, centre, x):
    """What `solve_event_rows` minimises, of one row of (column, weight)."""
    errors = sum(w * (1 - features[c] @ x) ** 2 for c, w in row)
    return errors + x @ gram @ x + penalty * ((x - centre) @ (x - centre))


def solve_event_row(row, features, gram, penalty, centre):
    """The x at which the derivative of `event_objective` is zero; the centre where there are no events."""
    if not row:
        return centre
    matrix, right = gram + penalty * np.eye(features.shape[1]), penalty * centre
    for c, w in row:
        matrix = matrix + w * np.outer(features[c], features[c])
        right = right + w * features[c]
    return np.linalg.solve(matrix, right)


def regress_on_features(x, features, penalty, reg):
    """The vectors of features at which sum penalty |x - F A|^2 + reg mean(penalty) |A|^2 is lowest."""
    matrix = features.T @ np.diag(penalty) @ features + reg * penalty.mean() * np.eye(features.shape[1])
    return np.linalg.solve(matrix, features.T @ np.diag(penalty) @ x)


def event_penalties(dense, alpha, reg, exponent):
    """Those of the rows, the users."""
    return np.array([reg * (row.sum() + alpha * row.size) ** exponent for row in dense])


def event_loss(dense, users, items, alpha, reg, exponent, described=(None, None), feature_reg=0.0):
    """The loss of `ImplicitALS` summed pair by pair, over the sum of the weights.

    `described` are features and their vectors, of users and of items.
    """
    n_users, n_items = dense.shape
    total = 0.0
    for u in range(n_users):
        for i in range(n_items):
            score = users[u] @ items[i]
            total += dense[u, i] * (1 - score) ** 2 + alpha * score**2
    for rows, factors, known in ((dense, users, described[0]), (dense.T, items, described[1])):
        penalties = event_penalties(rows, alpha, reg, exponent)
        centre = np.zeros(factors.shape) if known is None else known[0] @ known[1]
        total += sum(penalties[r] * ((x - centre[r]) @ (x - centre[r])) for r, x in enumerate(factors))
        if known is not None:
            total += feature_reg * penalties.mean() * (known[1] ** 2).sum()
    return total / dense.sum()


# Linear models -------------------------------------------------------------------------------------------------------


def held_back(dense, user_exponent, item_exponent):
    """Events over powers of the sums of their users and items, in units of their root mean square; and the latter."""
    scales = dense.sum(axis=0) ** item_exponent
    scaled = dense / dense.sum(axis=1)[:, None] ** user_exponent / scales
    return scaled / math.sqrt((scaled[dense > 0] ** 2).mean()), scales


def linear_weights(dense, reg, dropout, relaxation):
    """The weights of `EASE` and its relatives by an inverse in double precision."""
    gram = dense.T @ dense
    penalty = reg + dropout / (1 - dropout) * np.diag(gram)
    inverse = np.linalg.inv(gram + np.diag(penalty))
    weights = np.zeros_like(inverse)
    for j in range(len(gram)):
        relaxed = 1 - penalty[j] * inverse[j, j] > relaxation
        scale = (1 - relaxation) / inverse[j, j] if relaxed else penalty[j]
        for i in range(len(gram)):
            weights[i, j] = 0.0 if i == j else -inverse[i, j] * scale
    return weights


def neighbourhood_weights(gram, penalty, relaxation, width, kept):
    """The weights of regressions on the strongest neighbours, where G is known as far as `kept` entries of a row."""
    n = len(gram)
    lengths = np.sqrt(np.diag(gram))
    strongest = []
    for i in range(n):
        others = [j for j in range(n) if j != i and gram[i, j] > 0]
        strongest.append(sorted(others, key=lambda j: (-gram[i, j] / lengths[j], j))[:kept])
    weights = np.zeros((n, n))
    for i in range(n):
        own = sorted(strongest[i][:width])
        if not own:
            continue
        known = np.array([[j == k or k in strongest[j] or j in strongest[k] for k in own] for j in own])
        part = np.where(known, gram[np.ix_(own, own)], 0) + np.diag(penalty[own])
        solution = np.linalg.solve(part, gram[own, i])
        rest = max(gram[i, i] + penalty[i] - gram[i, own] @ solution, penalty[i])
        weights[own, i] = solution * max(penalty[i] / rest, 1 - relaxation)
    return weights


# Neighbours and filters ----------------------------------------------------------------------------------------------


def weighted_events(rows, n_columns, kind, k1, b):
    """Rows {column: events} as a similarity of events compares them."""
    mean = sum(sum(row.values()) for row in rows) / sum(len(row) for row in rows)
    mean_sum = sum(sum(row.values()) for row in rows) / mean / len(rows)
    found = []
    for row in rows:
        there = {}
        for column, value in row.items():
            x = value / mean
            rarity = math.log(len(rows) / sum(column in other for other in rows))
            total = sum(row.values()) / mean
            there[column] = {
                "cosine": x,
                "tfidf": math.sqrt(x) * rarity,
                "bm25": (k1 + 1) * x / (x + k1 * (1 - b + b * total / mean_sum)) * rarity,
            }[kind]
        found.append(there)
    return found


def event_similarity(x, y, kind, shrinkage):
    """Of two rows as `weighted_events` gives them."""
    product = sum(x[c] * y[c] for c in x if c in y)
    lengths = 1.0 if kind == "bm25" else math.sqrt(sum(v**2 for v in x.values()) * sum(v**2 for v in y.values()))
    return product / (lengths + shrinkage) if product else 0.0


def three_steps(events, i, j, alpha, beta):
    """What item j says of item i on walks through users, of events as an array."""
    events = events / events[events > 0].mean()
    total = 0.0
    for row in events:
        if row[i] and row[j]:
            total += (row[j] / events[:, j].sum()) ** alpha * (row[i] / row.sum()) ** alpha
    return total / events[:, i].sum() ** beta


def filtered(
    events,
    n_factors,
    *,
    low_pass=0.3,
    user_exponent=0.3,
    item_exponent=0.5,
    degree_exponent=0.25,
    sharpening=0.0,
    sharpening_order=4,
    sharpen_low_pass=True,
):
    """Scores of a spectral filter, of events as an array."""
    users, items = events.sum(axis=1), events.sum(axis=0)
    rows = events / users[:, None] ** user_exponent / items**item_exponent
    _, lengths, right = np.linalg.svd(rows / np.linalg.norm(rows, 2))
    q = right.T[:, : lengths.size] * lengths**2 @ right[: lengths.size]
    smooth = (
        low_pass
        * (right[:n_factors].T / items[:, None] ** degree_exponent)
        @ (right[:n_factors] * items**degree_exponent)
    )
    sharpen, power = np.eye(len(q)), np.eye(len(q))
    for m in range(1, sharpening_order + 1):
        power = power @ (-sharpening * q) / m
        sharpen = sharpen + power
    return events @ ((q + smooth) @ sharpen if sharpen_low_pass else q @ sharpen + smooth)


# Hybrid models -------------------------------------------------------------------------------------------------------


def drawn(state, n):
    """SplitMix64's output for a state, scaled down to 0 .. n - 1."""
    z = state % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    z ^= z >> 31
    return (z >> 32) * n >> 32


def find_mistakes(loss, events, seed, p, q, b, seen, by_trial):
    """For each event (user, item, weight): None, or another item and how far the two are to move; and the loss."""
    found, total = [], 0.0
    for t, (u, i, w) in enumerate(events):
        score, state, mistake = b[i] + p[u] @ q[i], seed + t * 0xD1342543DE82EF95, None
        for level in by_trial:
            state += 0x9E3779B97F4A7C15
            j = drawn(state, len(q))
            other = b[j] + p[u] @ q[j]
            if j in seen[u] or (loss == "warp" and other <= score - 1):
                continue
            if loss == "warp":
                mistake, lost = (j, w * level, -w * level), level
            elif loss == "bpr":
                up = 1 / (1 + np.exp(score - other))
                mistake, lost = (j, w * up, -w * up), np.logaddexp(0, other - score)
            elif loss == "logistic":
                up, down = 1 / (1 + np.exp(score)), 1 / (1 + np.exp(-other))
                mistake, lost = (j, w * up, -w * down), np.logaddexp(0, -score) + np.logaddexp(0, other)
            else:
                mistake, lost = (j, w * (1 - score), -w * other), (1 - score) ** 2 + other**2
            total += lost
            break
        found.append(mistake)
    return found, total


def learn_from_mistakes(events, found, p, q, users, items, *, rate, reg):
    """Move the attributes of users (rows, vectors, squares) and items (with biases and their squares) in turn.

    `p` and `q` are looked at again at every event: where they are the vectors themselves, they move.
    """
    user_rows, v, g_v = users
    item_rows, y, g_y, beta, g_beta = items
    sizes = [
        (f and ((f[1] * q[i] + f[2] * q[f[0]]) ** 2).mean(), (p[u] ** 2).mean())
        for (u, i, _), f in zip(events, found, strict=True)
    ]
    for (u, i, _), mistake, (of_user, of_items) in zip(events, found, sizes, strict=True):
        if mistake is None:
            continue
        j, up, down = mistake
        person, way = p[u].copy(), up * q[i] + down * q[j]
        for a, x in user_rows[u]:
            g_v[a] += x * x * of_user
            step = rate * x / np.sqrt(g_v[a])
            v[a] = max(0, 1 - abs(step) * reg) * v[a] + step * way
        for row, error in ((i, up), (j, down)):
            for a, x in item_rows[row]:
                g_y[a] += (x * error) ** 2 * of_items
                step = rate * x / np.sqrt(g_y[a])
                y[a] = max(0, 1 - abs(step) * reg) * y[a] + step * error * person
                pull = x * error - reg * beta[a]
                g_beta[a] += pull**2
                beta[a] += rate * pull / np.sqrt(g_beta[a])


def learn_user(loss, own, q, b, by_trial, n_epochs, p, *, rate, reg):
    """The vector of a user with items and weights (`own`) from p on, beside items that stay, an event at a time."""
    items, p, squares, state = sorted(own), p.copy(), 1.0, 0xBF58476D1CE4E5B9
    order = list(range(len(items)))
    for epoch in range(n_epochs):
        for place in range(len(items)):
            state += 0x9E3779B97F4A7C15
            other = place + drawn(state, len(items) - place)
            order[place], order[other] = order[other], order[place]
            t = order[place]
            seed = epoch * 0x94D049BB133111EB + t * 0xD1342543DE82EF95
            event = (0, items[t], own[items[t]])
            (mistake,), _ = find_mistakes(loss, [event], seed, p[None], q, b, [items], by_trial)
            if mistake is not None:
                j, up, down = mistake
                way = up * q[items[t]] + down * q[j]
                squares += (way**2).mean()
                step = rate / np.sqrt(squares)
                p = max(0, 1 - step * reg) * p + step * way
    return p
