"""Principal axes and varimax: known answers, and what must not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

import naive_latent as naive
from foretaste.latent._coordinates import Coordinates, principal_axes, varimax


def cloud(seed, n=60, k=4):
    rng = np.random.default_rng(seed)
    return rng.laplace(size=(n, k)) * np.arange(k, 0, -1) @ ortho_group.rvs(k, random_state=seed) + 3


def test_principal_axes_are_those_of_scikit_learn_towards_the_longer_tail():
    points = cloud(0)
    found = PCA(svd_solver="full").fit(points)
    coordinates = Coordinates.of(points, "principal", None)
    np.testing.assert_allclose(np.abs(coordinates.basis), np.abs(found.components_.T), atol=1e-9)
    assert (((points - points.mean(axis=0)) @ coordinates.basis) ** 3).sum(axis=0).min() > 0
    np.testing.assert_allclose(coordinates.shares, found.explained_variance_ratio_)
    np.testing.assert_allclose(coordinates.centre, points.mean(axis=0))


@given(st.integers(0, 200), st.sampled_from(["principal", "varimax"]))
def test_coordinates_do_not_depend_on_how_the_space_was_turned(seed, rotation):
    points, turn = cloud(seed), ortho_group.rvs(4, random_state=seed + 1)
    places = []
    for given_points in (points, points @ turn):
        found = Coordinates.of(given_points, rotation, 3)
        np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(3), atol=1e-9)
        places.append((given_points - found.centre) @ found.basis)
    np.testing.assert_allclose(places[0], places[1], atol=1e-4)


def test_factors_as_they_are():
    points = cloud(1)
    found = Coordinates.of(points, None, 2)
    assert found.names == ("factor 1", "factor 2")
    np.testing.assert_array_equal(found.basis, np.eye(4)[:, :2])
    np.testing.assert_allclose(found.shares, points.var(axis=0)[:2] / points.var(axis=0).sum())


def test_varimax_finds_a_simple_structure_that_was_turned_away():
    simple = np.kron(np.eye(3), np.arange(1, 6)[:, None])  # each row is large on one column alone
    turn = ortho_group.rvs(3, random_state=0)
    rotation = varimax(simple @ turn)
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    back = simple @ turn @ rotation
    nearest = min(np.abs(back - simple @ swap).max() for swap in naive.all_signed_permutations(3))
    assert nearest < 1e-6


@given(st.integers(0, 200))
def test_varimax_is_a_maximum_of_its_criterion(seed):
    loadings = cloud(seed)
    best = loadings @ varimax(loadings)
    value = naive.varimax_criterion(best)
    assert value >= naive.varimax_criterion(loadings) - 1e-9
    for i, j in ((0, 1), (1, 3), (2, 3)):
        for angle in (0.01, -0.01):
            turn = np.eye(4)
            turn[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
            assert naive.varimax_criterion(best @ turn) <= value * (1 + 1e-9)


def test_varimax_does_not_depend_on_the_order_of_the_rows():
    loadings = cloud(3)
    order = np.random.default_rng(0).permutation(len(loadings))
    np.testing.assert_allclose(varimax(loadings), varimax(loadings[order]), atol=1e-6)


def test_points_that_are_all_the_same_have_coordinates_without_variance():
    found = Coordinates.of(np.ones((5, 3)), "varimax", 2)
    assert found.shares.tolist() == [0, 0]
    assert np.isfinite(found.basis).all()


def test_principal_axes_come_in_the_order_of_their_variance():
    centred = cloud(5) - cloud(5).mean(axis=0)
    spread = ((centred @ principal_axes(centred)) ** 2).sum(axis=0)
    assert (np.diff(spread) < 0).all()
    assert spread.sum() == pytest.approx((centred**2).sum())
