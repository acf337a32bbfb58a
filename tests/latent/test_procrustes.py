"""Points onto points: what was turned comes back, and nothing else would be nearer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group, special_ortho_group

from foretaste.latent._procrustes import procrustes


def turned(seed, n_points, n_dimensions, scale=1.0):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n_points, n_dimensions))
    rotation = ortho_group.rvs(n_dimensions, random_state=seed) if n_dimensions > 1 else np.array([[-1.0]])
    return source, rotation, scale * source @ rotation + rng.normal(size=n_dimensions)


@given(st.integers(0, 999), st.integers(1, 6), st.sampled_from([0.2, 1.0, 7.0]))
def test_what_was_turned_mirrored_shifted_and_scaled_comes_back(seed, n_dimensions, scale):
    source, rotation, target = turned(seed, 20, n_dimensions, scale)
    found = procrustes(source, target, scaling=True)
    assert found.scale == pytest.approx(scale)
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(found.move(source), target, atol=1e-9 * scale)


def test_a_quarter_turn_is_known_by_hand():
    source = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0]])
    target = np.array([[5.0, 1.0], [5.0, 3.0], [1.0, 1.0]])  # (x, y) -> (5 - y, 1 + x)
    found = procrustes(source, target)
    np.testing.assert_allclose(found.rotation, [[0, 1], [-1, 0]], atol=1e-12)
    np.testing.assert_allclose(found.move(np.array([[1.0, 1.0]])), [[4, 2]], atol=1e-12)
    np.testing.assert_allclose(found.turn(np.array([[1.0, 1.0]])), [[-1, 1]], atol=1e-12)


@given(st.integers(0, 999))
def test_no_other_rotation_comes_nearer(seed):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2, 15, 3))
    found = procrustes(source, target)
    best = ((found.move(source) - target) ** 2).sum()
    for rotation in special_ortho_group.rvs(3, size=20, random_state=seed):
        for mirrored in (rotation, -rotation):
            assert ((found._replace(rotation=mirrored).move(source) - target) ** 2).sum() >= best - 1e-9


def test_without_scaling_distances_stay():
    source, _, target = turned(0, 12, 4, scale=3)
    found = procrustes(source, target)
    assert found.scale == 1
    moved = found.move(source)
    np.testing.assert_allclose(np.linalg.norm(moved - moved[0], axis=1), np.linalg.norm(source - source[0], axis=1))


def test_a_single_point_is_shifted():
    found = procrustes(np.array([[1.0, 2.0]]), np.array([[4.0, 4.0]]), scaling=True)
    np.testing.assert_allclose(found.move(np.array([[1.0, 2.0]])), [[4, 4]])
    assert found.scale == 1
