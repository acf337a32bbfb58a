import numpy as np
import pytest

import foretaste as ft
import naive_events

DENSE = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], float)


def events(dense):
    users, items = np.nonzero(dense)
    return ft.Interactions.from_arrays(users, items, weights=dense[users, items])


def counts(n_users=45, n_items=20, seed=0):
    rng = np.random.default_rng(seed)
    dense = rng.poisson(0.5, (n_users, n_items)).astype(float)
    dense[np.arange(n_users), np.arange(n_users) % n_items] += 1
    return dense


def scores(model, shape):
    return model.predict([(u, i) for u in range(shape[0]) for i in range(shape[1])]).reshape(shape)


def test_a_walk_to_the_users_of_an_item_and_back_by_hand():
    # without a low pass: from item j to its users and from those to item i, over roots of how much each of them has
    model = ft.SpectralFilter(1, low_pass=0.0, user_exponent=0.5, random_state=0).fit(events(DENSE))
    folded = model.fold_in([0])
    expected = [1 / 3 * (1 / 2 + 1 / 2 + 1 / 2), (1 / 2 + 1 / 2) / np.sqrt(3 * 2), 1 / 2 / np.sqrt(3), 0]
    assert folded.predict([("new user", i) for i in range(4)]) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_with_every_factor_the_low_pass_gives_back_what_somebody_has():
    dense = counts()
    model = ft.SpectralFilter(100, low_pass=1.0, random_state=0).fit(events(dense))
    without = ft.SpectralFilter(1, low_pass=0.0, random_state=0).fit(events(dense))
    np.testing.assert_allclose(scores(model, dense.shape) - scores(without, dense.shape), dense, atol=1e-4)


@pytest.mark.parametrize("settings", [
    {}, {"user_exponent": 0.5, "degree_exponent": 0.5},
    {"low_pass": 2.0, "degree_exponent": 0.0},
    {"user_exponent": 0.3, "item_exponent": 0.6, "degree_exponent": 0.25},
    {"sharpening": 0.6, "sharpening_order": 1},
    {"sharpening": 2.5, "sharpening_order": 4},
    {"sharpening": 1.2, "sharpening_order": 2, "sharpen_low_pass": False},
])  # fmt: skip
def test_scores_equal_their_twin(settings):
    dense = counts()
    model = ft.SpectralFilter(4, random_state=0, **settings).fit(events(dense))
    np.testing.assert_allclose(
        scores(model, dense.shape), naive_events.filtered(dense, 4, **settings), rtol=1e-3, atol=2e-4
    )


def test_the_decomposition_is_that_of_the_normalised_events():
    dense = counts()
    model = ft.SpectralFilter(5, user_exponent=0.5, random_state=0).fit(events(dense))
    normalised = dense / np.sqrt(np.outer(dense.sum(axis=1), dense.sum(axis=0)))
    expected = np.linalg.svd(normalised, compute_uv=False)
    assert expected[0] == pytest.approx(1)
    np.testing.assert_allclose(model.singular_values_, expected[:5], rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(model.item_factors_, axis=0), expected[:5], rtol=1e-4)


def test_there_are_no_more_factors_than_the_events_have():
    # three users with the same two items, and one with another: rank two
    model = ft.SpectralFilter(3, user_exponent=0.5, random_state=0).fit(
        [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1), ("c", 2), ("d", 3)]
    )
    assert model.singular_values_.tolist() == pytest.approx([1, 1])


def test_the_unit_of_weights_does_not_matter():
    dense = counts()
    one, other = (ft.SpectralFilter(4, sharpening=0.5, random_state=0).fit(events(f * dense)) for f in (1, 1e6))
    np.testing.assert_allclose(1e6 * scores(one, dense.shape), scores(other, dense.shape), rtol=1e-3, atol=100)


def test_the_unknown_are_scored_as_all_users_on_average():
    dense = counts()
    model = ft.SpectralFilter(4, sharpening=0.5, random_state=0).fit(events(dense))
    with pytest.warns(ft.exceptions.UnknownIdWarning):
        found = model.predict([(99, i) for i in range(20)])
    assert found == pytest.approx(scores(model, dense.shape).mean(axis=0), rel=1e-3, abs=1e-5)


def test_an_explanation_has_a_share_for_each_item_of_the_user():
    dense = counts()
    model = ft.SpectralFilter(4, sharpening=0.5, degree_exponent=0.3, random_state=0).fit(events(dense))
    terms = model.explain(3, 7)
    assert sorted(terms["term"]) == sorted(f"has {i}" for i in np.flatnonzero(dense[3]))
    alone = {term: model.fold_in({int(term[4:]): dense[3, int(term[4:])]}) for term in terms["term"]}
    expected = [folded.predict([("new user", 7)])[0] for folded in alone.values()]
    assert terms["value"].to_numpy() == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_a_new_user_is_scored_as_one_with_the_same_events():
    dense = counts()
    model = ft.SpectralFilter(4, random_state=0).fit(events(dense))
    folded = model.fold_in({i: dense[7, i] for i in range(20) if dense[7, i]})
    model.set_params(low_pass=9.0, sharpening=3.0, degree_exponent=1.0)  # what it was fitted with counts
    found = folded.predict([("new user", i) for i in range(20)])
    np.testing.assert_array_equal(found, model.predict([(7, i) for i in range(20)]))
