import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
import naive_bayes
from foretaste.data.interactions import SparseRows
from foretaste.kernels.gibbs import draw_features, draw_rows, find_moments, predict_rows, shift_features
from foretaste.models._blocks import Described, Design, Sampler, joined
from foretaste.utils.threads import workers


def world(seed, n_blocks=3, *, described=True, n_ratings=40):
    """Ratings of a few rows of each block, some without a row in the last; features of two groups of the first two."""
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers(1, 7, n_blocks)]
    ratings = [{b: int(rng.integers(size)) for b, size in enumerate(sizes)} for _ in range(n_ratings)]
    for rating in ratings[::7]:
        if n_blocks > 2:
            del rating[n_blocks - 1]
    features = [None] * n_blocks
    if described:
        for block in range(2):
            features[block] = {
                row: {int(j): float(np.float32(rng.normal())) for j in np.flatnonzero(rng.random(5) < 0.5)}
                for row in range(sizes[block])
            }
    values = [float(np.float32(value)) for value in rng.normal(size=n_ratings)]
    return naive_bayes.World(ratings, values, sizes, features)


GROUPS = [0, 0, 1, 1, 1]


def design(made):
    """The same for the kernels."""
    codes = [np.array([rating.get(b, -1) for rating in made.ratings], np.int32) for b in range(len(made.sizes))]
    described = []
    for own, size in zip(made.features, made.sizes, strict=True):
        if own is None:
            described.append(None)
            continue
        rows = SparseRows(*naive.arrays([list(own[row].items()) for row in range(size)]))
        described.append(Described.of([(rows, np.array(GROUPS, np.int32))]))
    return Design(codes, made.sizes, described, np.array(made.values, np.float32))


def state(made, k, seed):
    rng = np.random.default_rng(seed)
    q = [rng.normal(0, 0.5, (size, k + 1)).astype(np.float32).astype(float) for size in made.sizes]
    w = [rng.normal(0, 0.5, (5 if own else 0, k + 1)).astype(np.float32).astype(float) for own in made.features]
    return naive_bayes.State(0.25, q, w)


def kernel_rows(numbers, k):
    """The numbers of all blocks as the kernels have them."""
    stacked = np.concatenate(numbers.q)
    q = np.zeros((len(stacked), -(-k // 8) * 8), np.float32)
    q[:, :k] = stacked[:, :k]
    return q, stacked[:, k].astype(np.float32)


def moments(block, numbers, k):
    q, t = kernel_rows(numbers, k)
    n, width = block.n_rows, q.shape[1]
    found = tuple(np.full(shape, 9, np.float32) for shape in ((n, width, width), (n, width), (n, width), (n, 3)))
    find_moments(block.indptr, block.others, block.values, np.float32(numbers.w0), q, t, 0, n, *found)
    own = slice(block.first, block.first + n)
    return found, q[own], t[own]


def row_errors(made, numbers, block, size):
    """By row: the sum of errors and of squared errors."""
    found = np.zeros((size, 2))
    for rating, error in zip(made.ratings, numbers.errors(made), strict=True):
        if block in rating:
            found[rating[block]] += error, error**2
    return found


worlds = given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(2, 3))


@worlds
@settings(max_examples=25, deadline=None)
def test_predictions_are_those_of_the_formula(seed, k, n_blocks):
    made = world(seed, n_blocks)
    numbers = state(made, k, seed)
    q, t = kernel_rows(numbers, k)
    codes = joined(
        [np.array([rating.get(b, -1) for rating in made.ratings], np.int32) for b in range(n_blocks)], made.sizes
    )
    out = np.full(len(codes), 9, np.float32)
    predict_rows(codes, np.float32(numbers.w0), q, t, 3, len(codes), out)
    expected = [numbers.predict(rating) for rating in made.ratings]
    np.testing.assert_allclose(out[3:], expected[3:], rtol=1e-4, atol=1e-5)
    assert (out[:3] == 9).all()


@worlds
@settings(max_examples=25, deadline=None)
def test_moments_are_sums_over_a_rows_ratings(seed, k, n_blocks):
    made = world(seed, n_blocks)
    numbers = state(made, k, seed)
    for b, block in enumerate(design(made).blocks):
        (squares, sums, targets, totals), *_ = moments(block, numbers, k)
        for row in range(block.n_rows):
            gram, m, g, total = np.zeros((k, k)), np.zeros(k), np.zeros(k), np.zeros(3)
            for place in made.rated_by(b, row):
                c = numbers.slopes(b, made.ratings[place])
                z = made.values[place] - numbers.predict(made.ratings[place]) + c @ numbers.q[b][row]
                gram, m, g, total = (
                    gram + np.outer(c[:k], c[:k]),
                    m + c[:k],
                    g + z * c[:k],
                    total + np.array([1, z, z**2]),
                )
            np.testing.assert_allclose(np.tril(squares[row, :k, :k]), np.tril(gram), rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(sums[row, :k], m, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(targets[row, :k], g, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(totals[row], total, rtol=1e-4, atol=1e-4)


@worlds
@settings(max_examples=25, deadline=None)
def test_rows_are_drawn_from_their_normal_equations(seed, k, n_blocks):
    made = world(seed, n_blocks)
    numbers = state(made, k, seed)
    rng = np.random.default_rng(seed)
    for b, block in enumerate(design(made).blocks):
        found, q, t = moments(block, numbers, k)
        prior, mean = rng.uniform(0.5, 3, k + 1), rng.normal(size=k + 1)
        normals = rng.normal(size=(block.n_rows, k + 1)).astype(np.float32)
        before = copy.deepcopy(numbers)
        expected = np.array([numbers.expected(made, b, row, mean) for row in range(block.n_rows)], np.float32)
        errors = np.zeros((block.n_rows, 2))
        settled = (np.float32(1.5), prior.astype(np.float32), expected, normals)
        first = min(1, block.n_rows - 1)
        draw_rows(*(part[first:] for part in found), *settled, first, block.n_rows, q, t, errors)
        for row in range(first, block.n_rows):
            naive_bayes.draw_row(made, numbers, b, row, 1.5, prior, mean, normals[row])
        np.testing.assert_allclose(np.column_stack([q[:, :k], t]), numbers.q[b], rtol=2e-3, atol=2e-4)
        expected = row_errors(made, numbers, b, block.n_rows)
        np.testing.assert_allclose(errors[first:], expected[first:], rtol=2e-3, atol=2e-3)
        numbers = before


@worlds
@settings(max_examples=25, deadline=None)
def test_features_are_drawn_number_by_number(seed, k, n_blocks):
    made = world(seed, n_blocks)
    numbers = state(made, k, seed)
    rng = np.random.default_rng(seed)
    for b, block in enumerate(design(made).blocks[:2]):
        found, q, t = moments(block, numbers, k)
        prior, mean = rng.uniform(0.5, 3, (2, k + 1)), rng.normal(size=(2, k + 1))
        row_prior, row_mean = rng.uniform(0.5, 3, k + 1), rng.normal(size=k + 1)
        priors = (prior.astype(np.float32), mean.astype(np.float32))
        w, groups = numbers.w[b].astype(np.float32), np.array(GROUPS, np.int32)
        errors = np.zeros((block.n_rows, 2))
        normals = rng.normal(size=(5, k + 1)).astype(np.float32)
        shift_features(*block.by_feature, groups, *found, np.float32(1.5), *priors, normals, q, t, w, errors)
        for together in naive_bayes.fours(k + 1):
            for j, group in enumerate(GROUPS):
                naive_bayes.shift_feature(made, numbers, b, j, together, 1.5, prior[group], mean[group], normals[j])
        np.testing.assert_allclose(w, numbers.w[b], rtol=2e-3, atol=2e-4)
        np.testing.assert_allclose(np.column_stack([q[:, :k], t]), numbers.q[b], rtol=2e-3, atol=5e-4)
        np.testing.assert_allclose(errors, row_errors(made, numbers, b, block.n_rows), rtol=2e-3, atol=5e-3)
        expected = [numbers.expected(made, b, row, row_mean) for row in range(block.n_rows)]
        deviations = np.array(numbers.q[b] - expected, np.float32)
        draw_features(*block.by_feature, groups, row_prior.astype(np.float32), *priors, normals, deviations, w)
        for j, group in enumerate(GROUPS):
            for f in range(k + 1):
                own = (prior[group, f], mean[group, f], normals[j, f])
                naive_bayes.draw_feature(made, numbers, b, j, f, row_prior[f], row_mean, *own)
        np.testing.assert_allclose(w, numbers.w[b], rtol=2e-3, atol=5e-4)
        expected = [numbers.expected(made, b, row, row_mean) for row in range(block.n_rows)]
        np.testing.assert_allclose(deviations, numbers.q[b] - expected, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("described", [False, True])
@pytest.mark.parametrize("n_blocks", [2, 3])
def test_the_chain_is_that_of_plain_loops(n_blocks, described):
    made = world(5, n_blocks, described=described, n_ratings=60)
    slow = naive_bayes.Chain(made, 3, [GROUPS if own else [] for own in made.features], seed=(7, 2))
    with workers(1) as run:
        fast = Sampler(design(made), 3, (7, 2), run)
        fast.start()
        for number in range(1, 6):
            slow.sweep(number)
            fast.sweep(number)
    rows = np.concatenate(slow.state.q)
    np.testing.assert_allclose(np.column_stack([fast.q[:, :3], fast.t]), rows, rtol=1e-4, atol=1e-5)
    for own, learned in zip(slow.state.w, fast.blocks, strict=True):
        np.testing.assert_allclose(learned.w, own, rtol=1e-4, atol=1e-5)
    assert fast.w0 == pytest.approx(slow.state.w0, rel=1e-4, abs=1e-5)
    assert fast.precision == pytest.approx(slow.precision, rel=1e-5)
    assert fast.errors == pytest.approx([sum(slow.errors), sum(e * e for e in slow.errors)], rel=1e-4, abs=1e-4)


def objective(made, numbers, penalties, means):
    """What coordinate descent lowers: squared errors and a penalty for each number's distance from its mean."""
    total = sum(error**2 for error in numbers.errors(made))
    for b, size in enumerate(made.sizes):
        for row in range(size):
            total += penalties @ (numbers.q[b][row] - numbers.expected(made, b, row, means)) ** 2
        total += (penalties * numbers.w[b] ** 2).sum()
    return total


def test_means_instead_of_draws_are_the_steps_of_coordinate_descent_in_a_ridge_regression():
    k, made = 2, world(11, 2)
    numbers = state(made, k, 3)
    penalties, nothing = np.array([0.5, 2.0, 1.0]), np.zeros(k + 1)
    (squares, *rest), q, t = moments(design(made).blocks[0], numbers, k)
    block = design(made).blocks[0]
    prior, groups = penalties.astype(np.float32), np.array(GROUPS, np.int32)
    expected = np.array([numbers.expected(made, 0, row, nothing) for row in range(block.n_rows)], np.float32)
    errors = np.zeros((block.n_rows, 2))
    still = np.zeros((block.n_rows, k + 1), np.float32)
    draw_rows(squares, *rest, np.float32(1), prior, expected, still, 0, block.n_rows, q, t, errors)
    numbers.q[0] = np.column_stack([q[:, :k], t]).astype(float)
    # the rows' step is the minimum over all their numbers: no move of one lowers the sum
    lowest = objective(made, numbers, penalties, nothing)
    for row in range(block.n_rows):
        for f in range(k + 1):
            for move in (-1e-3, 1e-3):
                numbers.q[0][row][f] += move
                assert objective(made, numbers, penalties, nothing) > lowest - 1e-7
                numbers.q[0][row][f] -= move
    # a feature's step, the rows moving along, is the minimum over its numbers, given those before it
    w, stay = numbers.w[0].astype(np.float32), np.zeros((5, k + 1), np.float32)
    priors = (np.tile(prior, (2, 1)), np.zeros((2, k + 1), np.float32))
    shift_features(*block.by_feature, groups, squares, *rest, np.float32(1), *priors, stay, q, t, w, errors)
    after, shifted = copy.deepcopy(numbers), w.copy()
    for j in range(5):
        for f in [0, 1, 2] * 40:
            along = [descend(made, after, penalties, nothing, j, f, move, with_rows=True) for move in (-1, 0, 1)]
            best = (along[0] - along[2]) / (2 * (along[0] - 2 * along[1] + along[2]))
            move_feature(made, after, j, f, best, with_rows=True)
    np.testing.assert_allclose(shifted, after.w[0], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(np.column_stack([q[:, :k], t]), after.q[0], rtol=1e-3, atol=1e-4)


def move_feature(made, numbers, j, f, move, *, with_rows):
    numbers.w[0][j][f] += move
    for row, own in made.features[0].items():
        if with_rows and j in own:
            numbers.q[0][row][f] += move * own[j]


def descend(made, numbers, penalties, means, j, f, move, *, with_rows):
    """The objective after a number of a feature of the first block has moved."""
    moved = copy.deepcopy(numbers)
    move_feature(made, moved, j, f, move, with_rows=with_rows)
    return objective(made, moved, penalties, means)


def test_any_number_of_threads_draws_the_same_bits():
    rng = np.random.default_rng(0)
    n = 300_000  # enough to be cut into pieces
    codes = [rng.integers(0, size, n).astype(np.int32) for size in (3000, 500)]
    values = rng.normal(size=n).astype(np.float32)
    features = SparseRows.of_entries(codes[0], 3000, codes[1] % 50)
    described = [Described.of([(features, np.zeros(50, np.int32))]), None]
    found = []
    for n_jobs in (1, 2, 3):
        with workers(n_jobs) as run:
            sampler = Sampler(Design(codes, (3000, 500), described, values), 5, (0, 0), run)
            sampler.start()
            for number in (1, 2):
                sampler.sweep(number)
        found.append((sampler.q.tobytes(), sampler.t.tobytes(), sampler.blocks[0].w.tobytes(), *sampler.errors))
    assert found[0] == found[1] == found[2]
