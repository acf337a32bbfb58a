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
