"""Slow, obviously right twins of what `foretaste.latent` computes."""

import math
from itertools import combinations, permutations

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score


def out_of_fold(points, values, folds):
    """Predictions of each fold by a ridge regression on the others, one attribute at a time."""
    predicted = np.empty_like(values)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(points)), fold)
        centred = points[rest] - points[rest].mean(axis=0)
        penalty = 0.1 * (centred**2).sum() / points.shape[1]
        for column in range(values.shape[1]):
            ridge = Ridge(alpha=penalty).fit(points[rest], values[rest, column])
            predicted[fold, column] = ridge.predict(points[fold])
    return predicted


def cross_validated_r2(points, values, folds):
    return r2_score(values, out_of_fold(points, values, folds), multioutput="raw_values")


def areas_by_folds(points, having, folds):
    """Of all pairs of items of one fold, with and without an attribute, the share in which the first is ahead."""
    predicted = out_of_fold(points, having, folds)
    areas = []
    for own, guess in zip(having.T, predicted.T, strict=True):
        won = [
            (guess[one] > guess[other] + 1e-12) + 0.5 * (abs(guess[one] - guess[other]) <= 1e-12)
            for fold in folds
            for one in fold
            for other in fold
            if own[one] and not own[other]
        ]
        areas.append(np.mean(won) if won else np.nan)
    return np.array(areas)


def step_down(scores):
    """Corrected p-values after Westfall and Young, one attribute and one arrangement at a time."""
    n_arrangements, n_attributes = scores.shape
    measured = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    order = sorted(range(n_attributes), key=lambda m: -measured[0, m])
    corrected, lowest = [0.0] * n_attributes, 0.0
    for place, attribute in enumerate(order):
        count = 0
        for row in range(n_arrangements):
            if max(measured[row, other] for other in order[place:]) >= measured[0, attribute]:
                count += 1
        lowest = max(lowest, count / n_arrangements)
        corrected[attribute] = lowest
    return np.array(corrected)


def overlap_chance(n_all, n_having, n_drawn, n_both):
    """Chance that so many or more of those drawn have it, by going through all draws."""
    draws = list(combinations(range(n_all), n_drawn))
    return sum(sum(item < n_having for item in draw) >= n_both for draw in draws) / len(draws)


def exact_rank_sum_chance(values, items):
    """Chance that a draw of as many items has as high a sum of values, by going through all draws."""
    draws = list(combinations(range(len(values)), len(items)))
    own = sum(values[item] for item in items)
    return sum(sum(values[item] for item in draw) >= own - 1e-9 for draw in draws) / len(draws)


def varimax_criterion(loadings):
    return sum(np.var(column**2) for column in loadings.T)


def all_signed_permutations(k):
    for order in permutations(range(k)):
        for signs in np.ndindex(*(2,) * k):
            yield np.eye(k)[:, order] * (1 - 2 * np.array(signs))


def distances(points, *, cosine=False):
    """Distances of all pairs, one at a time; of the directions of the points if by cosine."""
    if cosine:
        points = [point / np.linalg.norm(point) for point in points]
    return np.array([[math.dist(a, b) for b in points] for a in points])


def mutual_proximity(table):
    """1 minus the chance that both would have another item as near, with normal distances; one pair at a time."""
    n = len(table)
    chances = np.ones((n, n))

    def further(x, d):
        others = [table[x, z] for z in range(n) if z != x]
        return 0.5 * math.erfc((d - np.mean(others)) / np.std(others) / math.sqrt(2))

    for x in range(n):
        for y in range(n):
            if x != y:
                chances[x, y] = 1 - further(x, table[x, y]) * further(y, table[x, y])
    return chances


def occurrences(table, n_nearest):
    """In how many lists of nearest items each occurs; `table` holds distances."""
    counts = [0] * len(table)
    for x in range(len(table)):
        others = sorted((y for y in range(len(table)) if y != x), key=lambda y: table[x, y])
        for y in others[:n_nearest]:
            counts[y] += 1
    return np.array(counts)


def nearest_sets(points, n_nearest):
    table = distances(points)
    return [
        set(sorted((y for y in range(len(points)) if y != x), key=lambda y: table[x, y])[:n_nearest])
        for x in range(len(points))
    ]
