"""The three lists of what is near an item, and whether it is a hub."""

import numpy as np
import pytest

import foretaste as ft
import naive_latent as naive
from foretaste import latent
from foretaste.exceptions import DataError, InvalidParameterError, NotFittedError, UnknownIdError, UnsupportedError
from foretaste.latent._nearest import MEASURES, nearest_codes
from planted import Planted

# One long vector along the first axis, two short ones beside it, one along the second axis, one opposite.
POINTS = [[1.0, 0.0], [4.0, 0.2], [0.8, 0.4], [0.0, 1.0], [-1.0, 0.0]]
IDS = ["one", "long", "beside", "across", "opposite"]


@pytest.fixture(scope="module")
def hand():
    return latent.neighborhood(Planted(IDS, POINTS), "one", n=4)


def test_each_measure_orders_by_its_own_idea(hand):
    assert hand.items["euclidean"].to_list() == ["beside", "across", "opposite", "long"]
    assert hand.items["cosine"].to_list() == ["long", "beside", "across", "opposite"]
    assert hand.items["dot"].to_list() == ["long", "beside", "across", "opposite"]


def test_values_by_hand(hand):
    np.testing.assert_allclose(hand.values["euclidean"], [np.sqrt(0.2), np.sqrt(2), 2, np.hypot(3, 0.2)], rtol=1e-6)
    np.testing.assert_allclose(hand.values["cosine"][1:], [0.8 / np.sqrt(0.8), 0, -1], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(hand.values["dot"], [4, 0.8, 0, -1], rtol=1e-6, atol=1e-7)


def test_lists_are_compared():
    near = latent.neighborhood(Planted(IDS, POINTS), "one", n=2)
    assert near.overlaps == {("euclidean", "cosine"): 0.5, ("euclidean", "dot"): 0.5, ("cosine", "dot"): 1.0}


def test_the_frame_holds_the_lists_side_by_side(hand):
    table = hand.to_frame()
    assert table.columns == ["rank", "by_distance", "distance", "by_cosine", "cosine", "by_dot", "dot"]
    assert table["rank"].to_list() == [1, 2, 3, 4]
    assert table["by_distance"].to_list() == hand.items["euclidean"].to_list()


def test_a_long_vector_is_near_to_all_by_dot_product_alone():
    points = np.random.default_rng(0).normal(size=(200, 4)) + 1
    points[7] *= 30
    near = latent.neighborhood(Planted(range(200), points), 7, n=5)
    assert near.hub == {"euclidean": False, "cosine": False, "dot": True}
    assert near.length > 10
    assert near.occurrences["dot"] > 150
    assert near.expected == 5
    assert near.n_asked == 199


@pytest.mark.parametrize("measure", MEASURES)
def test_nearest_of_all_and_occurrences_equal_the_slow_twin(measure):
    points = np.random.default_rng(1).normal(size=(60, 5)) * np.linspace(0.3, 2, 60)[:, None] + 0.3
    table = -points @ points.T if measure == "dot" else naive.distances(points, cosine=measure == "cosine")
    found = nearest_codes(points, np.arange(60, dtype=np.int32), 6, measure)
    for row, near in enumerate(found):
        others = sorted((place for place in range(60) if place != row), key=lambda place: table[row, place])
        assert near.tolist() == others[:6]
    counts = naive.occurrences(table, 6)
    model = Planted(range(60), points)
    for item in (0, 30, 59):
        near = latent.neighborhood(model, item, n=6)
        assert near.occurrences[measure] == counts[item]
        assert item not in near.items[measure].to_list()


def test_a_sample_is_asked_where_there_are_many():
    points = np.random.default_rng(2).normal(size=(300, 3))
    near, again = (latent.neighborhood(Planted(range(300), points), 4, n=10, n_asked=50) for _ in range(2))
    assert near.n_asked == 50
    assert near.expected == pytest.approx(10 * 50 / 299)
    assert near.occurrences == again.occurrences


def test_a_vector_of_zeros_is_at_no_angle():
    near = latent.neighborhood(Planted(["zero", "a", "b"], [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]), "zero", n=9)
    assert near.values["cosine"].tolist() == [0, 0]
    assert near.values["euclidean"].tolist() == [1, 2]


def test_frames_are_of_the_kind_the_model_was_fitted_on():
    model = ft.ALS(n_factors=2, random_state=0).fit(ft.datasets.albums().to_pandas())
    table = latent.neighborhood(model, "bts", n=2).to_frame()
    assert type(table).__module__.startswith("pandas")


def test_mistakes_are_told():
    model = Planted(IDS, POINTS)
    with pytest.raises(UnknownIdError, match=r"1 of 1 item ids are unknown to this model: 'nowhere'"):
        latent.neighborhood(model, "nowhere")
    with pytest.raises(InvalidParameterError, match="'n' of neighborhood"):
        latent.neighborhood(model, "one", n=0)
    with pytest.raises(DataError, match="knows one alone"):
        latent.neighborhood(Planted(["one"], [[1.0, 2.0]]), "one")
    with pytest.raises(NotFittedError, match="before 'neighborhood'"):
        latent.neighborhood(ft.ALS(), "one")
    with pytest.raises(UnsupportedError, match="SlopeOne has none"):
        latent.neighborhood(ft.SlopeOne().fit(ft.datasets.albums()), "bts")
