"""What moved: nothing but what was moved, however the space was turned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

import foretaste as ft
import naive_latent as naive
from foretaste import latent
from foretaste.exceptions import DataError, InvalidParameterError, NotFittedError, UnsupportedError
from planted import Planted


def cloud(n=80, k=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, k)) * np.arange(1, k + 1)


@given(st.integers(0, 999), st.sampled_from([0.2, 1.0, 9.0]))
def test_what_is_turned_mirrored_shifted_and_stretched_has_not_moved(seed, scale):
    points = cloud(seed=seed)
    turned = scale * points @ ortho_group.rvs(4, random_state=seed) + 3
    found = latent.drift(Planted(range(80), points), Planted(range(80), turned))
    np.testing.assert_allclose(found.moved, 0, atol=1e-5)
    assert found.agreement == pytest.approx(1)
    assert found.scale == pytest.approx(scale, rel=1e-5)
    assert found.kept.mean() > 0.99  # a tie may fall the other way


def test_one_item_that_was_moved_is_the_one_that_moved():
    points = cloud()
    turned = points @ ortho_group.rvs(4, random_state=1)
    turned[17] = -turned[17] * 2
    found = latent.drift(Planted(range(80), points), Planted(range(80), turned))
    table = found.to_frame()
    assert table["item"][0] == 17
    assert table["moved"][0] > 5 * table["moved"][1]
    assert table["kept"][0] < 0.2


def test_the_mean_square_is_twice_what_is_missing_to_full_agreement():
    points, other = cloud(), cloud(seed=9)
    found = latent.drift(Planted(range(80), points), Planted(range(80), points + 0.5 * other))
    assert (found.moved**2).mean() == pytest.approx(2 * (1 - found.agreement), rel=1e-6)


def test_neighbours_kept_equal_the_slow_twin():
    points = cloud()
    other = points + 0.6 * cloud(seed=5)
    found = latent.drift(Planted(range(80), points), Planted(range(80), other), n_neighbors=7)
    one, two = naive.nearest_sets(points, 7), naive.nearest_sets(other, 7)
    np.testing.assert_allclose(found.kept, [len(a & b) / len(a | b) for a, b in zip(one, two, strict=True)])


def test_models_with_different_numbers_of_factors():
    points = cloud()
    wider = np.hstack([points, np.zeros((80, 3))]) @ ortho_group.rvs(7, random_state=0)
    for old, new in ((points, wider), (wider, points)):
        found = latent.drift(Planted(range(80), old), Planted(range(80), new))
        np.testing.assert_allclose(found.moved, 0, atol=1e-5)


def test_new_items_and_those_that_are_gone():
    points = cloud()
    old = Planted([f"item {place}" for place in range(70)], points[:70])
    order = np.random.default_rng(0).permutation(np.arange(10, 80))
    new = Planted([f"item {place}" for place in order], points[order])
    found = latent.drift(old, new)
    assert sorted(found.new) == [f"item {place}" for place in range(70, 80)]
    assert sorted(found.gone) == [f"item {place}" for place in range(10)]
    assert len(found.items) == 60
    np.testing.assert_allclose(found.moved, 0, atol=1e-5)
    assert found.items.to_list() == [f"item {place}" for place in order if place < 70]


def test_spaces_that_have_nothing_in_common_move_by_about_the_root_of_two():
    found = latent.drift(Planted(range(2000), cloud(2000, seed=1)), Planted(range(2000), cloud(2000, seed=2)))
    assert np.sqrt((found.moved**2).mean()) == pytest.approx(np.sqrt(2), rel=0.05)
    assert found.kept.mean() < 0.05


def test_another_seed_moves_less_than_another_world():
    world = ft.synthetic.make_catalogue(300, 150, random_state=0)
    one, two = (ft.ALS(n_factors=6, random_state=seed).fit(world.ratings) for seed in (0, 1))
    raw = np.linalg.norm(one.item_factors_ - two.item_factors_, axis=1).mean()
    found = latent.drift(one, two)
    spread = np.sqrt(one.item_factors_.var(axis=0).sum())
    assert found.moved.mean() < 0.3 * raw / spread


def test_frames_are_of_the_kind_the_model_was_fitted_on():
    model = ft.ALS(n_factors=2, random_state=0).fit(ft.datasets.albums().to_pandas())
    assert type(latent.drift(model, model).to_frame()).__module__.startswith("pandas")


def test_mistakes_are_told():
    model = Planted(range(80), cloud())
    with pytest.raises(DataError, match="at least 3; these share 2"):
        latent.drift(model, Planted([1, 2, "three"], cloud(3)))
    with pytest.raises(InvalidParameterError, match="'n_neighbors' of drift"):
        latent.drift(model, model, n_neighbors=0)
    with pytest.raises(NotFittedError, match="before 'drift'"):
        latent.drift(model, ft.ALS())
    with pytest.raises(UnsupportedError, match="drift looks at factors of items"):
        latent.drift(ft.GlobalMean().fit(ft.datasets.albums()), model)
