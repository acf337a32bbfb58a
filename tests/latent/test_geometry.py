"""What high dimensions do: slow twins, and clouds whose answers are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import skew

import foretaste as ft
import naive_latent as naive
from foretaste import latent
from foretaste.exceptions import DataError, InvalidParameterError, NotFittedError
from foretaste.latent.space_geometry import (
    concentration,
    euclidean,
    local_scaling,
    mutual_proximity,
    occurrences,
    skewness,
    two_nn,
)
from planted import Planted


def normal(k, n=800, seed=0):
    return np.random.default_rng(seed).normal(size=(n, k))


def measured(table, measure, column):
    return table.filter(measure=measure)[column].to_numpy()


@given(st.integers(0, 999), st.integers(2, 5))
def test_distances_equal_the_slow_twin(seed, k):
    points = normal(k, 15, seed) + 5
    np.testing.assert_allclose(euclidean(points), naive.distances(points), atol=1e-7)


@given(st.integers(0, 999))
def test_mutual_proximity_equals_the_slow_twin(seed):
    table = naive.distances(normal(3, 12, seed))
    found = mutual_proximity(table)
    off = ~np.eye(12, dtype=bool)
    np.testing.assert_allclose(found[off], naive.mutual_proximity(table)[off], atol=1e-9)
    np.testing.assert_allclose(found, found.T)


def test_local_scaling_by_hand():
    table = naive.distances([[0.0], [1.0], [3.0]])
    # the nearest are at 1, 1 and 2
    expected = 1 - np.exp(-np.array([1 / 1, 9 / 2, 4 / 2]))
    found = local_scaling(table, 1)
    np.testing.assert_allclose([found[0, 1], found[0, 2], found[1, 2]], expected)


@given(st.integers(0, 999), st.integers(1, 6))
def test_occurrences_equal_the_slow_twin(seed, n_neighbors):
    table = naive.distances(normal(3, 20, seed))
    found = occurrences(table, n_neighbors)
    np.testing.assert_array_equal(found, naive.occurrences(table, n_neighbors))
    assert found.sum() == 20 * n_neighbors


def test_skewness_is_that_of_scipy():
    counts = np.array([0, 0, 1, 2, 2, 9])
    assert skewness(counts) == pytest.approx(skew(counts))
    assert skewness(np.full(4, 7)) == 0


def test_concentration_by_hand():
    table = naive.distances([[0.0], [1.0], [3.0]])
    # contrasts: (3 - 1) / 1, (2 - 1) / 1, (3 - 2) / 2; distances 1, 3, 2
    contrast, variation = concentration(table)
    assert contrast == 1
    assert variation == pytest.approx(np.std([1, 3, 2]) / 2)


def test_variation_of_normal_coordinates_is_known():
    # squared distances are chi squared with k degrees of freedom, so that distances have sd / mean near 1 / sqrt(2 k)
    for k in (50, 200):
        assert concentration(euclidean(normal(k)))[1] == pytest.approx(1 / np.sqrt(2 * k), rel=0.06)


@pytest.mark.parametrize("d", [1, 2, 4])
def test_a_cube_has_the_dimension_it_has_however_many_coordinates_it_is_written_in(d):
    rng = np.random.default_rng(d)
    cube = rng.uniform(size=(2000, d)) @ np.linalg.qr(rng.normal(size=(10, 10)))[0][:d]
    assert two_nn(euclidean(cube)) == pytest.approx(d, rel=0.12)


def test_points_in_one_place_count_once_and_have_no_dimension():
    assert np.isnan(two_nn(euclidean(np.ones((10, 3)))))
    plane = normal(2, 500)
    twice = np.vstack([plane, plane[:200]]) + 100  # far from zero, where differences of squares are rounding
    assert two_nn(euclidean(twice)) == pytest.approx(two_nn(euclidean(plane)))
    far = euclidean(twice)
    assert (far[np.arange(200), np.arange(500, 700)] == 0).all()
    np.testing.assert_allclose(far, cdist(twice, twice), atol=1e-9)


def test_hubs_appear_and_distances_become_alike_with_dimension_and_remedies_help():
    planes = {str(k): Planted(range(800), normal(k)) for k in (3, 20, 100)}
    table = latent.geometry(planes).to_frame()
    hubness = measured(table, "euclidean", "hubness")
    assert hubness[0] < 0.5 < hubness[1] < hubness[2]
    assert hubness[2] > 2
    assert (np.diff(measured(table, "euclidean", "contrast")) < 0).all()
    assert (np.diff(measured(table, "euclidean", "orphans")) > 0).all()
    for remedy in ("cosine", "mutual proximity", "local scaling"):
        assert measured(table, remedy, "hubness")[2] < hubness[2] / 2
    assert measured(table, "mutual proximity", "orphans")[2] < measured(table, "euclidean", "orphans")[2] / 2
    assert np.isnan(measured(table, "dot", "contrast")).all()
    assert (np.diff(measured(table, "euclidean", "dimension")) > 0).all()


def test_one_model_is_looked_at_by_number_of_leading_factors():
    points = normal(6, 300) * [5, 4, 3, 0, 0, 0]  # three that matter
    turned = points @ np.linalg.qr(normal(6, 6))[0]
    table = latent.geometry(Planted(range(300), turned)).to_frame()
    assert measured(table, "euclidean", "n_factors").tolist() == [2, 4, 6]
    np.testing.assert_allclose(
        measured(table, "dot", "hubness")[1:], latent.geometry([Planted(range(300), points)]).rows[2].hubness
    )
    whole = latent.geometry(Planted(range(300), turned), n_factors=[6, 9]).to_frame()
    assert whole["n_factors"].to_list() == [6] * 5


def test_hubs_are_named():
    points = normal(4, 200) + 1
    points[11] *= 40
    found = latent.geometry([Planted([f"item {place}" for place in range(200)], points)], n_neighbors=5)
    hubs = found.hubs_to_frame().filter(measure="dot")
    assert hubs["item"][0] == "item 11"
    assert hubs["rank"].to_list() == list(range(1, 11))
    assert hubs["occurrences"].is_sorted(descending=True)
    row = found.to_frame().filter(measure="dot")
    assert row["largest_hub"][0] == hubs["occurrences"][0] / 5


def test_a_sample_is_drawn_by_the_seed():
    model = Planted(range(400), normal(5, 400))
    once, twice, other = (latent.geometry(model, n_sample=100, random_state=seed).to_frame() for seed in (0, 0, 1))
    assert once.equals(twice)
    assert not once.equals(other)
    assert latent.geometry(model, n_sample=100).n_items == {"Planted": 100}


def test_several_models_have_names():
    fits = [ft.ALS(n_factors=k, random_state=0).fit(ft.synthetic.make_catalogue(60, 40).ratings) for k in (2, 3)]
    named = latent.geometry(fits, n_neighbors=3)
    assert dict.fromkeys((row.model, row.n_factors) for row in named.rows) == {("ALS", 2): None, ("ALS 2", 3): None}
    given_names = latent.geometry({"small": fits[0]}, n_neighbors=3)
    assert {row.model for row in given_names.rows} == {"small"}


def test_mistakes_are_told():
    with pytest.raises(DataError, match="needs a model"):
        latent.geometry([])
    with pytest.raises(DataError, match="10 nearest of each item, and Planted has 6"):
        latent.geometry(Planted(range(6), normal(2, 6)))
    with pytest.raises(InvalidParameterError, match="'n_factors' of geometry"):
        latent.geometry(Planted(range(60), normal(2, 60)), n_factors=[0])
    with pytest.raises(NotFittedError, match="before 'geometry'"):
        latent.geometry(ft.ALS())
