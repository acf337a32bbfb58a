"""A slow, obviously right twin of the Gibbs sampler: plain loops in double precision, nothing kept but the numbers.

Ratings are dictionaries of their rows by block; every prediction is made from scratch.
"""

import numpy as np


class World:
    """Ratings, rows and features, as lists and dictionaries."""

    def __init__(self, ratings, values, sizes, features):
        self.ratings, self.values, self.sizes = ratings, values, sizes  # a list of {block: row}
        self.features = features  # by block: {row: {feature: weight}}, or None

    def rated_by(self, block, row):
        return [place for place, rating in enumerate(self.ratings) if rating.get(block) == row]


class State:
    """The numbers of a factorisation machine: q[block][row], with the bias last; w[block][feature], likewise."""

    def __init__(self, w0, q, w):
        self.w0, self.q, self.w = w0, q, w

    def predict(self, rating):
        total = self.w0
        rows = [self.q[block][row] for block, row in rating.items()]
        for place, row in enumerate(rows):
            total += row[-1]
            for other in rows[:place]:
                total += sum(x * y for x, y in zip(row[:-1], other[:-1], strict=True))
        return total

    def errors(self, world):
        return [self.predict(rating) - y for rating, y in zip(world.ratings, world.values, strict=True)]

    def slopes(self, block, rating):
        """By how much the prediction of a rating grows with each number of its row in the block."""
        k = len(self.q[block][0]) - 1
        c = np.zeros(k)
        for other, row in rating.items():
            if other != block:
                c = c + self.q[other][row][:k]
        return np.append(c, 1.0)

    def expected(self, world, block, row, mean):
        total = np.array(mean, float)
        for feature, weight in (world.features[block] or {}).get(row, {}).items():
            total = total + weight * self.w[block][feature]
        return total


def draw_row(world, state, block, row, precision, prior, mean, normal):
    """All numbers of one row, by the normal equations of the ratings it is in."""
    start = state.expected(world, block, row, mean)
    matrix, right = np.diag(prior).astype(float), prior * start
    for place in world.rated_by(block, row):
        slopes = state.slopes(block, world.ratings[place])
        own = slopes @ state.q[block][row]
        target = world.values[place] - (state.predict(world.ratings[place]) - own)
        matrix += precision * np.outer(slopes, slopes)
        right = right + precision * target * slopes
    root = np.linalg.cholesky(matrix)
    state.q[block][row] = np.linalg.solve(matrix, right) + np.linalg.solve(root.T, normal)


def shift_feature(  # noqa: PLR0917  as the kernel
    world, state, block, feature, numbers, precision, prior, mean, normal
):
    """A few numbers of a feature at once, the rows that have it moving along."""
    having = {r: x[feature] for r, x in world.features[block].items() if feature in x}
    matrix, right = np.diag(prior[numbers]).astype(float), prior[numbers] * mean[numbers]
    old = state.w[block][feature][numbers].copy()
    for row, weight in having.items():
        for place in world.rated_by(block, row):
            eta = weight * state.slopes(block, world.ratings[place])[numbers]
            error = state.predict(world.ratings[place]) - world.values[place]
            matrix += precision * np.outer(eta, eta)
            right = right + precision * eta * (eta @ old - error)
    root = np.linalg.cholesky(matrix)
    new = np.linalg.solve(matrix, right) + np.linalg.solve(root.T, normal[numbers])
    state.w[block][feature][numbers] = new
    for row, weight in having.items():
        state.q[block][row][numbers] += weight * (new - old)


def fours(n):
    """The numbers 0 to n - 1, four at a time."""
    return [np.arange(first, min(first + 4, n)) for first in range(0, n, 4)]


def draw_feature(  # noqa: PLR0917  as the kernel
    world, state, block, feature, f, row_prior, row_mean, prior, mean, normal
):
    """One number of a feature, the rows staying where they are: a regression of theirs on it."""
    square = slope = 0.0
    for row, own in world.features[block].items():
        if feature in own:
            rest = state.q[block][row] - state.expected(world, block, row, row_mean)
            square += own[feature] ** 2
            slope += own[feature] * (rest[f] + own[feature] * state.w[block][feature][f])
    pooled = prior + row_prior * square
    state.w[block][feature][f] = (prior * mean + row_prior * slope) / pooled + normal / np.sqrt(pooled)


class Chain:
    """The sampler itself, with the same draws in the same order."""

    def __init__(self, world, n_factors, groups, seed):
        self.world, self.k, self.groups, self.seed = world, n_factors, groups, seed
        rng = np.random.default_rng([*seed, 0])
        first = rng.normal(0, 0.1, (sum(world.sizes), n_factors))
        rows = np.split(np.column_stack([first, np.zeros(len(first))]), np.cumsum(world.sizes)[:-1])
        w = [np.zeros((len(own), n_factors + 1)) for own in groups]
        for own in w:
            own[:, :n_factors] = rng.normal(0, 0.1, (len(own), n_factors))
        self.state = State(0.0, [part.copy() for part in rows], w)
        for block, size in enumerate(world.sizes):
            for row in range(size):
                self.state.q[block][row] += self.state.expected(world, block, row, np.zeros(n_factors + 1))
        self.means = [np.zeros((1 + len(set(own)), n_factors + 1)) for own in groups]
        self.precisions = [np.ones_like(means) for means in self.means]
        self.errors = [-value for value in world.values]
        self.precision = 1.0

    def sweep(self, number):
        rng = np.random.default_rng([*self.seed, number])
        n = len(self.world.values)
        self.precision = rng.gamma((1 + n) / 2) / ((1 + sum(e * e for e in self.errors)) / 2)
        pooled = 1 + self.precision * n
        self.state.w0 = self.precision * (n * self.state.w0 - sum(self.errors)) / pooled + rng.normal() / np.sqrt(
            pooled
        )
        for block in range(len(self.world.sizes)):
            self._draw(block, rng)
            self.errors = self.state.errors(self.world)

    def _draw(self, block, rng):
        world, state, k = self.world, self.state, self.k
        nothing = np.zeros(k + 1)
        size, groups = world.sizes[block], self.groups[block]
        rest = [state.q[block][row] - state.expected(world, block, row, nothing) for row in range(size)]
        self._draw_prior(block, 0, rest, rng)
        normals = rng.standard_normal((size, k + 1), dtype=np.float32)
        for row in range(size):
            prior = (self.precisions[block][0], self.means[block][0])
            draw_row(world, state, block, row, self.precision, *prior, normals[row])
        if not len(groups):
            return
        for group in range(max(groups) + 1):
            own = [state.w[block][j] for j in range(len(groups)) if groups[j] == group]
            self._draw_prior(block, 1 + group, own, rng)
        normals = rng.standard_normal((len(groups), k + 1), dtype=np.float32)
        for numbers in fours(k + 1):
            for j, group in enumerate(groups):
                prior = (self.precisions[block][1 + group], self.means[block][1 + group])
                shift_feature(world, state, block, j, numbers, self.precision, *prior, normals[j])
        normals = rng.standard_normal((len(groups), k + 1), dtype=np.float32)
        for j, group in enumerate(groups):
            for f in range(k + 1):
                prior = (self.precisions[block][1 + group][f], self.means[block][1 + group][f])
                of_rows = (self.precisions[block][0][f], self.means[block][0])
                draw_feature(world, state, block, j, f, *of_rows, *prior, normals[j, f])

    def _draw_prior(self, block, group, numbers, rng):
        mean, n = self.means[block][group], len(numbers)
        squares = sum((x - mean) ** 2 for x in numbers) if n else 0.0
        precision = rng.gamma((2 + n) / 2, 1, self.k + 1) / ((1 + squares + mean**2) / 2)
        centre = (sum(numbers) if n else 0.0) / (n + 1)
        self.means[block][group] = centre + rng.normal(size=self.k + 1) / np.sqrt((n + 1) * precision)
        self.precisions[block][group] = precision
