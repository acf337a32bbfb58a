"""Scores of attributes and their p-values against slow twins, and where the answer is known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_latent as naive
from foretaste.latent._regression import (
    CrossValidation,
    corrected_p_values,
    permutation_p_values,
    permuted_scores,
    standardised,
)


def problem(seed, n, k, m):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, k)) * rng.uniform(0.1, 3, k) + rng.normal(size=k)
    values = points @ rng.normal(size=(k, m)) * rng.uniform(0, 1, m) + rng.normal(size=(n, m))
    return points, values, rng


def split(n, n_folds, order):
    ends = [n * fold // n_folds for fold in range(n_folds + 1)]
    return [order[first:end] for first, end in pairwise(ends)]


@given(st.integers(0, 9999), st.integers(12, 40), st.integers(1, 6), st.integers(1, 4), st.integers(2, 5))
def test_scores_are_those_of_one_ridge_regression_after_another(seed, n, k, m, n_folds):
    points, values, rng = problem(seed, n, k, m)
    validation = CrossValidation(points, n_folds, rng)
    outcomes, known = standardised(values)
    scores = validation.scores(outcomes[validation.order], known)
    expected = naive.cross_validated_r2(points, values, split(n, n_folds, validation.order))
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-9)


def test_a_number_that_is_missing_takes_no_part_in_the_score():
    points, values, _ = problem(0, 60, 3, 2)
    values[::4, 1] = np.nan
    outcomes, known = standardised(values)
    assert known[:, 1].sum() == 45
    assert (outcomes[::4, 1] == 0).all()
    validation = CrossValidation(points, 5, np.random.default_rng(0))
    predicted = validation.predictions(outcomes[validation.order])
    truth, there = outcomes[validation.order], known[validation.order] > 0
    scores = validation.scores(truth, known[validation.order])
    for column in range(2):
        rows = there[:, column]
        errors = ((truth - predicted)[rows, column] ** 2).sum() / (truth[rows, column] ** 2).sum()
        assert scores[column] == pytest.approx(1 - errors)


def test_scores_do_not_change_when_the_space_is_turned_and_stretched():
    points, values, _ = problem(1, 80, 5, 3)
    outcomes, known = standardised(values)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))[0]
    scores = [
        CrossValidation(cloud, 4, np.random.default_rng(0)) for cloud in (points, 7 * points @ turn + np.arange(5))
    ]
    first, second = (each.scores(outcomes[each.order], known) for each in scores)
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_points_that_are_all_the_same_tell_nothing():
    _, values, _ = problem(2, 30, 2, 2)
    outcomes, known = standardised(values)
    validation = CrossValidation(np.ones((30, 2)), 3, np.random.default_rng(0))
    assert (validation.scores(outcomes[validation.order], known) <= 0).all()


def test_permutations_keep_the_attributes_of_an_item_together():
    points, values, _ = problem(3, 50, 2, 1)
    outcomes, known = standardised(np.hstack([values, -values]))  # two attributes that are one
    validation = CrossValidation(points, 5, np.random.default_rng(0))
    scores = permuted_scores(validation, outcomes, known, 30, np.random.default_rng(1))
    np.testing.assert_allclose(scores[:, 0], scores[:, 1], rtol=1e-9)
    assert np.unique(scores[:, 0].round(9)).size > 25


def test_the_true_arrangement_counts_among_the_others():
    scores = np.array([[0.5, 0.1], [0.2, 0.3], [0.6, 0.2], [0.1, 0.0]])
    assert permutation_p_values(scores).tolist() == [2 / 4, 3 / 4]
    best = np.vstack([[9.0, 9.0], np.random.default_rng(0).normal(size=(19, 2))])
    assert permutation_p_values(best).tolist() == [1 / 20, 1 / 20]


@given(st.integers(0, 9999), st.integers(3, 30), st.integers(1, 6))
def test_corrected_p_values_equal_the_slow_twin(seed, n_arrangements, m):
    scores = np.random.default_rng(seed).normal(size=(n_arrangements, m))
    np.testing.assert_allclose(corrected_p_values(scores), naive.step_down(scores), rtol=1e-12)


@given(st.integers(0, 9999), st.integers(1, 6))
def test_corrected_p_values_are_never_below_plain_ones_and_equal_for_one_attribute(seed, m):
    scores = np.random.default_rng(seed).normal(size=(40, m)) * np.arange(1, m + 1)
    plain, corrected = permutation_p_values(scores), corrected_p_values(scores)
    assert (corrected >= plain).all()
    if m == 1:
        assert corrected == plain


def test_attributes_that_are_one_need_no_correction():
    column = np.random.default_rng(0).normal(size=(100, 1))
    same = np.repeat(column, 8, axis=1)
    np.testing.assert_allclose(corrected_p_values(same), permutation_p_values(same))


def false_findings(p_values_of, n_worlds=400, m=10):
    """The share of worlds with nothing in them in which something is found at 5 %."""
    rng = np.random.default_rng(0)
    found = [(p_values_of(rng.normal(size=(200, m))) <= 0.05).any() for _ in range(n_worlds)]
    return np.mean(found)


def test_correction_holds_what_it_promises_and_is_needed():
    assert 0.02 <= false_findings(corrected_p_values) <= 0.08
    assert false_findings(permutation_p_values) > 0.3


def test_several_arrangements_at_a_time_score_as_one_after_the_other():
    points, values, _ = problem(4, 70, 3, 4)
    values[::6, 2] = np.nan
    outcomes, known = standardised(values)
    validation = CrossValidation(points, 5, np.random.default_rng(0))
    scores = permuted_scores(validation, outcomes, known, 7, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    orders = [validation.order, *(rng.permutation(70) for _ in range(7))]
    for row, order in zip(scores, orders, strict=True):
        errors = (outcomes[order] - validation.predictions(outcomes[order])) ** 2 * known[order]
        np.testing.assert_allclose(row, 1 - errors.sum(axis=0) / known.sum(axis=0), rtol=1e-9, atol=1e-12)


@given(st.integers(0, 9999), st.integers(12, 40), st.integers(1, 4), st.integers(2, 5))
def test_areas_compare_pairs_of_items_of_one_fold(seed, n, m, n_folds):
    points, values, rng = problem(seed, n, 3, m)
    having = (values > 0.3).astype(float)
    validation = CrossValidation(points, n_folds, rng)
    areas = validation.areas(having[validation.order])
    expected = naive.areas_by_folds(points, having, split(n, n_folds, validation.order))
    np.testing.assert_allclose(areas, expected, rtol=1e-9)


def test_areas_of_what_has_nothing_to_do_with_the_places_are_a_half():
    rng = np.random.default_rng(0)
    having = (rng.random((60, 400)) < 0.2).astype(float)
    areas = CrossValidation(rng.normal(size=(60, 2)), 5, rng).areas(having)
    assert areas.mean() == pytest.approx(0.5, abs=0.01)


def test_a_score_that_chance_reaches_but_for_rounding_is_reached():
    scores = np.array([[0.3], [0.3 - 1e-15], [0.3 + 1e-15], [0.1]])
    assert permutation_p_values(scores).tolist() == corrected_p_values(scores).tolist() == [3 / 4]
    level = np.array([[0.3], [0.3 - 1e-15], [0.3 - 2e-15], [0.3 - 1e-15]])
    assert permutation_p_values(level).tolist() == corrected_p_values(level).tolist() == [1]
