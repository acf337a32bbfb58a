"""Slow, obviously right twins of every kernel and metric: plain loops in double precision, and small random inputs."""

import math
from itertools import chain, combinations

import numpy as np
from hypothesis import strategies as st

# Small inputs --------------------------------------------------------------------------------------------------------


@st.composite
def sparse(draw, max_rows=6, max_columns=7, values=(-1.5, -0.5, 0.0, 0.5, 1.0, 2.0)):
    """Rows of (column, value), no column twice in a row: among them empty rows, one row, one column, equal values."""
    n_rows, n_columns = draw(st.integers(1, max_rows)), draw(st.integers(1, max_columns))
    columns = st.lists(st.integers(0, n_columns - 1), unique=True, max_size=n_columns)
    rows = [[(column, draw(st.sampled_from(values))) for column in draw(columns)] for _ in range(n_rows)]
    return rows, n_columns


seeds = st.integers(0, 2**32 - 1)


def arrays(rows):
    """Rows of (column, value) as the kernels take them."""
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    indices = np.array([column for row in rows for column, _ in row], np.int32)
    values = np.array([value for row in rows for _, value in row], np.float32)
    return indptr, indices, values


# Sorting and numbering -----------------------------------------------------------------------------------------------


def group_by_code(codes, n_codes):
    places = [[t for t, code in enumerate(codes) if code == c] for c in range(n_codes)]
    indptr = [0]
    for group in places:
        indptr.append(indptr[-1] + len(group))
    return indptr, [t for group in places for t in group]


def first_repeat(rows):
    for r, row in enumerate(rows):
        for place, column in enumerate(row):
            if column in row[:place]:
                return r, column
    return -1, -1


def transpose(rows, n_columns):
    return [[(r, v) for r, row in enumerate(rows) for c, v in row if c == column] for column in range(n_columns)]


def add_repeats(rows):
    return [[(c, sum(v for d, v in row if d == c)) for c in dict.fromkeys(d for d, _ in row)] for row in rows]


def number(values):
    distinct = []
    for value in values:
        if value not in distinct:
            distinct.append(value)
    return distinct, [distinct.index(value) for value in values]


# Events --------------------------------------------------------------------------------------------------------------


def event_objective(row, features, gram, penalty, x):
    """What `solve_event_rows` minimises, of one row of (column, weight)."""
    errors = sum(w * (1 - features[c] @ x) ** 2 for c, w in row)
    return errors + x @ gram @ x + penalty * (x @ x)


def solve_event_row(row, features, gram, penalty):
    """The x at which the derivative of `event_objective` is zero."""
    k = features.shape[1]
    if not row:
        return np.zeros(k)
    matrix, right = gram + penalty * np.eye(k), np.zeros(k)
    for c, w in row:
        matrix = matrix + w * np.outer(features[c], features[c])
        right = right + w * features[c]
    return np.linalg.solve(matrix, right)


def event_loss(dense, users, items, alpha, reg, exponent):
    """The loss of `ImplicitALS` summed pair by pair, over the sum of the weights."""
    n_users, n_items = dense.shape
    total = 0.0
    for u in range(n_users):
        for i in range(n_items):
            score = users[u] @ items[i]
            total += dense[u, i] * (1 - score) ** 2 + alpha * score**2
    for u in range(n_users):
        total += reg * (dense[u].sum() + alpha * n_items) ** exponent * (users[u] @ users[u])
    for i in range(n_items):
        total += reg * (dense[:, i].sum() + alpha * n_users) ** exponent * (items[i] @ items[i])
    return total / dense.sum()


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


# Regressions ---------------------------------------------------------------------------------------------------------


def ridge_objective(row, features, offsets, penalty, penalty_per_rating, x):
    errors = [value - offsets[column] - sum(features[column] * x) for column, value in row]
    return sum(error**2 for error in errors) + sum((penalty + len(row) * penalty_per_rating) * x**2)


def solve_row(row, features, offsets, penalty, penalty_per_rating):
    """The x at which the derivative of `ridge_objective` is zero."""
    if not row:
        return np.zeros(len(penalty))
    matrix = np.diag(penalty + len(row) * penalty_per_rating)
    right = np.zeros(len(penalty))
    for column, value in row:
        matrix = matrix + np.outer(features[column], features[column])
        right = right + (value - offsets[column]) * features[column]
    return np.linalg.solve(matrix, right)


def solve_row_nonnegative(row, features, offsets, penalty, penalty_per_rating):
    """The best by `ridge_objective` of the solutions on every subset of the unknowns that have no negative entry."""
    k, best, lowest = len(penalty), np.zeros(len(penalty)), math.inf
    for subset in chain.from_iterable(combinations(range(k), size) for size in range(k + 1)):
        x, used = np.zeros(k), list(subset)
        x[used] = solve_row(row, features[:, used], offsets, penalty[used], penalty_per_rating[used])
        objective = ridge_objective(row, features, offsets, penalty, penalty_per_rating, x)
        if (x >= 0).all() and objective < lowest:
            best, lowest = x, objective
    return best


def regress_row(row, features, reg, *, intercept):
    """Coefficients and intercept of one row; without a penalty the least squares solution of smallest norm."""
    k = features.shape[1]
    if not row:
        return np.zeros(k), 0.0
    x = np.array([features[column] for column, _ in row])
    y = np.array([value for _, value in row], np.float64)
    x_mean, y_mean = (x.mean(axis=0), y.mean()) if intercept else (np.zeros(k), 0.0)
    x, y = x - x_mean, y - y_mean
    w = np.linalg.solve(x.T @ x + reg * np.eye(k), x.T @ y) if reg else np.linalg.lstsq(x, y, rcond=1e-9)[0]
    return w, y_mean - w @ x_mean


# Matrices ------------------------------------------------------------------------------------------------------------


def multiply(rows, right):
    product = np.zeros((len(rows), right.shape[1]))
    for r, row in enumerate(rows):
        for column, value in row:
            product[r] += value * right[column]
    return product


# Gradient descent ----------------------------------------------------------------------------------------------------


def sgd_pass(users, p, q, b_u, b_i, g_u, g_i, *, rate, reg, shrinkage, beta):
    """One pass over {user: [(item, rating)]}, three ratings of a user at a time; everything but `users` is changed."""
    loss, k = 0.0, p.shape[1]
    for u, rated in users.items():
        for start in range(0, len(rated), 3):
            chunk = rated[start : start + 3]
            old_p, old_b, old_q = p[u].copy(), b_u[u], {i: q[i].copy() for i, _ in chunk}
            errors = {i: rating - b_u[u] - b_i[i] - sum(p[u] * q[i]) for i, rating in chunk}
            eta_u = rate / math.sqrt(g_u[u])
            for i, _ in chunk:
                error, eta_i = errors[i], rate / math.sqrt(g_i[i])
                way_p, way_q = error * old_q[i] - reg * old_p, error * old_p - reg * old_q[i]
                p[u] += eta_u * way_p
                q[i] += eta_i * way_q
                b_u[u] += beta * eta_u * (error - shrinkage[0][u] * old_b)
                b_i[i] += beta * eta_i * (error - shrinkage[1][i] * b_i[i])
                g_u[u] += sum(way_p**2) / k
                g_i[i] += sum(way_q**2) / k
                loss += error**2
    return loss


def implicit_rows(rows, y):
    return [sum((y[c] for c, _ in row), np.zeros(y.shape[1])) / math.sqrt(max(len(row), 1)) for row in rows]


def svdpp_pass(  # noqa: PLR0917  as the kernel
    users, p, q, y, b_u, b_i, g_u, g_i, g_y, *, rate, rate_y, reg, reg_y, shrinkage
):
    """As `sgd_pass`, and with every y of a user moved at every three of their ratings."""
    loss, k = 0.0, p.shape[1]
    for u, rated in users.items():
        own, root = [i for i, _ in rated], math.sqrt(len(rated))
        theta, gradient = {j: rate_y / math.sqrt(g_y[j]) for j in own}, np.zeros(k)
        for start in range(0, len(rated), 3):
            chunk = rated[start : start + 3]
            old_p, old_b, old_q = p[u].copy(), b_u[u], {i: q[i].copy() for i, _ in chunk}
            w = p[u] + sum(y[j] for j in own) / root
            eta_u = rate / math.sqrt(g_u[u])
            errors = {i: rating - b_u[u] - b_i[i] - sum(w * q[i]) for i, rating in chunk}
            for i, _ in chunk:
                error, eta_i = errors[i], rate / math.sqrt(g_i[i])
                p[u] += eta_u * (error * old_q[i] - reg * old_p)
                q[i] += eta_i * (error * w - reg * old_q[i])
                for j in own:
                    y[j] += theta[j] * error * old_q[i] / root
                gradient += error * old_q[i] / root
                b_u[u] += eta_u * (error - shrinkage[0] / len(rated) * old_b)
                b_i[i] += eta_i * (error - shrinkage[1][i] * b_i[i])
                g_u[u] += sum((error * old_q[i]) ** 2) / k
                g_i[i] += sum((error * w) ** 2) / k
                loss += error**2
        for j in own:
            y[j] /= 1 + theta[j] * len(own) * reg_y
            g_y[j] += sum(gradient**2) / k
    return loss


def half_squared_error(rows, p, q, b_r, b_c):
    total = 0.0
    for r, row in enumerate(rows):
        for c, value in row:
            total += (value - b_r[r] - b_c[c] - sum(p[r] * q[c])) ** 2 / 2
    return total


# Averages ------------------------------------------------------------------------------------------------------------


def deviations(rows):
    """(i, j) -> mean of r_i - r_j over the rows that hold both of two columns, and how many these are."""
    differences = {}
    for row in rows:
        for i, rating in row:
            for j, other in row:
                if i != j:
                    differences.setdefault((i, j), []).append(rating - other)
    return {pair: (sum(found) / len(found), len(found)) for pair, found in differences.items()}


def slope_one(row, i, found, *, weighted):
    """Prediction of column i for a row, from the `deviations` of all rows."""
    mean = sum(rating for _, rating in row) / len(row)
    company = [(rating, *found[i, j]) for j, rating in row if (i, j) in found]
    if not company:
        return mean
    if weighted:
        return sum(n * (d + rating) for rating, d, n in company) / sum(n for *_, n in company)
    return mean + sum(d for _, d, _ in company) / len(company)


def cell_sums(rows, row_offsets, column_offsets, row_clusters, column_clusters):
    """(g, h) -> count and sums of ratings, row offsets and column offsets; and the sum of squares of the rest."""
    cells, squares = {}, 0.0
    for r, row in enumerate(rows):
        for c, rating in row:
            entry = (1, rating, row_offsets[r], column_offsets[c])
            cell = row_clusters[r], column_clusters[c]
            cells[cell] = [a + b for a, b in zip(cells.get(cell, (0, 0, 0, 0)), entry, strict=True)]
            squares += (rating - row_offsets[r] - column_offsets[c]) ** 2
    return cells, squares


def cluster_error(row, offset, column_offsets, column_clusters, levels):
    """Squared error of a row in a cluster with these levels, one a cluster of columns."""
    return sum((rating - offset - column_offsets[c] - levels[column_clusters[c]]) ** 2 for c, rating in row)


# Scores and ranks ----------------------------------------------------------------------------------------------------


def score_pair(u, i, mean, b_u, b_i, p, q, typical_user, typical_item):  # noqa: PLR0917  as the kernel
    user_bias, user = (b_u[u], p[u]) if u >= 0 else (0.0, typical_user)
    item_bias, item = (b_i[i], q[i]) if i >= 0 else (0.0, typical_item)
    return mean + user_bias + item_bias + sum(float(x) * float(y) for x, y in zip(user, item, strict=True))


def top_n(row, n):
    """Columns and values, highest first, the first column among equals; -1 and minus infinity where none is left."""
    left = sorted((-value, column) for column, value in enumerate(row) if value > -math.inf)[:n]
    padding = n - len(left)
    return [column for _, column in left] + [-1] * padding, [-value for value, _ in left] + [-math.inf] * padding


def concordant_pairs(groups):
    """Over groups of (given, predicted): pairs in the same and in the reversed order."""
    same, reversed_ = 0.0, 0.0
    for group in groups:
        for given_a, predicted_a in group:
            for given_b, predicted_b in group:
                if given_a > given_b:
                    same += 1.0 if predicted_a > predicted_b else 0.5 if predicted_a == predicted_b else 0.0
                    reversed_ += 1.0 if predicted_a < predicted_b else 0.5 if predicted_a == predicted_b else 0.0
    return same, reversed_


# Metrics -------------------------------------------------------------------------------------------------------------


def mse(ratings, predictions):
    return sum((given - predicted) ** 2 for given, predicted in zip(ratings, predictions, strict=True)) / len(ratings)


def mae(ratings, predictions):
    return sum(abs(given - predicted) for given, predicted in zip(ratings, predictions, strict=True)) / len(ratings)


def fcp(ratings, predictions, users):
    groups = {}
    for given, predicted, user in zip(ratings, predictions, users, strict=True):
        groups.setdefault(user, []).append((given, predicted))
    same, reversed_ = concordant_pairs(groups.values())
    return same / (same + reversed_) if same + reversed_ else None


# Metrics of one user's list: `listed` items, best first, and `wanted` as {item: gain} -------------------------------


def precision(listed, wanted, k):
    return sum(item in wanted for item in listed[:k]) / k


def recall(listed, wanted, k):
    return len(set(listed[:k]) & set(wanted)) / len(wanted)


def recall_capped(listed, wanted, k):
    return len(set(listed[:k]) & set(wanted)) / min(k, len(wanted))


def hit_rate(listed, wanted, k):
    return float(any(item in wanted for item in listed[:k]))


def mrr(listed, wanted, k):
    for rank, item in enumerate(listed[:k], start=1):
        if item in wanted:
            return 1 / rank
    return 0.0


def summed_precision(listed, wanted, k):
    return sum(
        precision(listed, wanted, rank) for rank in range(1, min(k, len(listed)) + 1) if listed[rank - 1] in wanted
    )


def map_(listed, wanted, k):
    return summed_precision(listed, wanted, k) / len(wanted)


def map_capped(listed, wanted, k):
    return summed_precision(listed, wanted, k) / min(k, len(wanted))


def dcg(gains):
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def ndcg(listed, wanted, k):
    return dcg([float(item in wanted) for item in listed[:k]]) / dcg([1.0] * min(k, len(wanted)))


def graded_ndcg(listed, wanted, k):
    best = dcg(sorted(wanted.values(), reverse=True)[:k])
    return dcg([wanted.get(item, 0.0) for item in listed[:k]]) / best if best else math.nan


def auc(scores, wanted):
    """Over {item: score} of all candidates; what is wanted and no candidate is below all."""
    others = [score for item, score in scores.items() if item not in wanted]
    won = sum((scores[i] > s) + (scores[i] == s) / 2 for i in wanted if i in scores for s in others)
    return won / (len(wanted) * len(others)) if wanted and others else math.nan


def novelty(listed, shares):
    least = min((share for share in shares if share), default=1.0)
    return sum(-math.log2(max(shares[item], least)) for item in listed) / len(listed) if listed else math.nan


def popularity(listed, shares):
    return sum(shares[item] for item in listed) / len(listed) if listed else math.nan


def popularity_lift(listed, shares, own):
    mean = popularity(own, shares)
    return (popularity(listed, shares) - mean) / mean if mean > 0 else math.nan


def cosine(x, y):
    lengths = math.hypot(*x) * math.hypot(*y)
    return sum(a * b for a, b in zip(x, y, strict=True)) / lengths if lengths else 0.0


def diversity(listed, vectors):
    pairs = list(combinations(listed, 2))
    return 1 - sum(cosine(vectors[i], vectors[j]) for i, j in pairs) / len(pairs) if pairs else math.nan


def category_mix(items, categories):
    total = [0.0] * len(categories[0])
    for item in items:
        for category, amount in enumerate(categories[item]):
            total[category] += amount / sum(categories[item]) if sum(categories[item]) else 0.0
    return [amount / sum(total) for amount in total] if sum(total) else None


def calibration(listed, own, categories):
    p, q = category_mix(own, categories), category_mix(listed, categories)
    if p is None or q is None:
        return math.nan
    return sum(a * math.log2(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a)


def serendipity(listed, wanted, own, shares, k):
    others = [item for item in range(len(shares)) if item not in own]
    popular = sorted(others, key=lambda item: -shares[item])[:k]
    return sum(item in wanted and item not in popular for item in listed[:k]) / k


def coverage(lists, n_items):
    return len({item for listed in lists for item in listed}) / n_items


def gini(lists, n_items):
    """Mean absolute difference of all pairs of items, over twice the mean; n / (n - 1) of it, so that 1 is reached."""
    counts = [sum(item in listed for listed in lists) for item in range(n_items)]
    if n_items == 1 or not any(counts):
        return math.nan
    differences = sum(abs(a - b) for a in counts for b in counts) / n_items**2
    return differences / (2 * sum(counts) / n_items) * n_items / (n_items - 1)


# Neighbours ----------------------------------------------------------------------------------------------------------


def similarity(x, y, kind, min_support, shrinkage):
    """Of two rows {column: value}."""
    common = [(x[c], y[c]) for c in x if c in y]
    n = len(common)
    if kind == "product":
        lengths = [sum(v**2 for v in row.values()) ** 0.5 for row in (x, y)]
        return sum(a * b for a, b in common) / (lengths[0] * lengths[1] + shrinkage) if common else 0.0
    if n < max(min_support, 1):
        return 0.0
    a, b = (np.array(side, np.float64) for side in zip(*common, strict=True))
    if kind == "msd":
        found = 1 / (1 + np.mean((a - b) ** 2))
    else:
        if kind == "pearson":
            a, b = a - a.mean(), b - b.mean()
        whole = kind == "whole cosine"
        lengths = [sum(v**2 for v in (row.values() if whole else part)) for row, part in ((x, a), (y, b))]
        length = math.sqrt(lengths[0]) * math.sqrt(lengths[1])
        found = sum(a * b) / length if length > 1e-9 else 0.0
    return found * ((n - 1) / (n - 1 + shrinkage) if shrinkage else 1.0)


def neighbors(queries, rows, kind, n_kept, min_support, shrinkage, *, own):
    """For each query the codes and similarities of the best rows, the lowest code among equals."""
    found = []
    for q, query in enumerate(queries):
        pairs = [
            (-similarity(dict(query), dict(row), kind, min_support, shrinkage), r)
            for r, row in enumerate(rows)
            if not (own and q == r)
        ]
        found.append([(r, -s) for s, r in sorted(pairs) if s < 0][:n_kept])
    return found


def deviation(near, given, column_centre, centres, spreads, n_neighbors, min_neighbors, damping):
    """What those near (code, similarity; best first) say, of whom `given` {code: value} is what they gave."""
    heard = [(r, w) for r, w in near if r in given][:n_neighbors]
    if not heard or len(heard) < min_neighbors:
        return 0.0
    total = sum(w * (given[r] - column_centre - centres[r]) / spreads[r] for r, w in heard)
    return total / (sum(w for _, w in heard) + damping)


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


# Hybrid models -----------------------------------------------------------------------------------------------------


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
