import numpy as np
import pytest

import foretaste as ft
import naive_events
from foretaste.data.interactions import SparseRows
from foretaste.exceptions import DataError

# Ten events of four users and three items
DENSE = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 1, 0]], float)


def events(dense, *, weighted=False):
    users, items = np.nonzero(dense)
    return ft.Interactions.from_arrays(users, items, weights=dense[users, items] if weighted else None)


def catalogue(n_users=60, n_items=25, seed=0):
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(n_users, 3)) @ rng.normal(size=(3, n_items))
    dense = (taste + rng.normal(size=taste.shape) > 1).astype(float)
    dense[np.arange(n_users), np.arange(n_users) % n_items] = 1
    dense[0] = 1  # so that any two items occur together, and all are neighbours
    return dense


def matrix(model):
    """The weights between items by their ids 0, 1, 2 ..., as an array."""
    weights = model.item_weights_
    if isinstance(weights, SparseRows):
        dense = np.zeros((len(model.item_vocabulary_),) * 2)
        dense[np.repeat(np.arange(len(dense)), np.diff(weights.indptr)), weights.indices] = weights.values
        weights = dense
    order = np.argsort(model.item_vocabulary_.ids.to_numpy())
    return weights[np.ix_(order, order)]


def test_two_items_by_hand():
    # G = [[2, 1], [1, 2]] and reg 1: each item is predicted by the other with weight 1 / (2 + 1)
    model = ft.EASE(reg=1).fit(events(np.array([[1, 1], [1, 0], [0, 1]], float)))
    assert matrix(model) == pytest.approx(np.array([[0, 1 / 3], [1 / 3, 0]]), rel=1e-6)
    assert model.predict([(0, 0), (1, 0), (1, 1)]) == pytest.approx([1 / 3, 0, 1 / 3], rel=1e-6)


@pytest.mark.parametrize(("dropout", "relaxation"), [(0, 0), (0.3, 0), (0, 0.4), (0.2, 0.6), (0, 1), (0.5, 1)])
@pytest.mark.parametrize("max_dense_items", [10_000, 0], ids=["dense", "sparse"])
def test_the_weights_equal_their_twin(dropout, relaxation, max_dense_items):
    dense = catalogue()
    model = ft.EASE(reg=3.0, dropout=dropout, relaxation=relaxation, max_dense_items=max_dense_items)
    expected = naive_events.linear_weights(dense, 3.0, dropout, relaxation)
    np.testing.assert_allclose(matrix(model.fit(events(dense))), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("exponents", [(0.5, 0.0), (0.0, 0.4), (0.3, 0.5)])
@pytest.mark.parametrize("max_dense_items", [10_000, 0], ids=["dense", "sparse"])
def test_events_of_the_active_and_the_popular_are_held_back_while_it_learns(exponents, max_dense_items):
    dense = catalogue()
    settings = {"user_exponent": exponents[0], "item_exponent": exponents[1], "max_dense_items": max_dense_items}
    model = ft.EASE(reg=3.0, dropout=0.2, **settings).fit(events(dense))
    scaled, scales = naive_events.held_back(dense, *exponents)
    expected = naive_events.linear_weights(scaled, 3.0, 0.2, 0.0) / scales[:, None] * scales
    np.testing.assert_allclose(matrix(model), expected, rtol=1e-3, atol=1e-5)
    own = [i for i in range(25) if dense[4, i]]
    assert model.predict([(4, 7)])[0] == pytest.approx(expected[own, 7].sum(), rel=1e-3)


def test_a_column_minimises_the_ridge_regression_without_its_own_item():
    dense = catalogue()
    weights = matrix(ft.EASE(reg=3.0).fit(events(dense)))
    for j in range(dense.shape[1]):
        others = np.delete(np.arange(dense.shape[1]), j)
        x = dense[:, others]
        expected = np.linalg.solve(x.T @ x + 3.0 * np.eye(others.size), x.T @ dense[:, j])
        np.testing.assert_allclose(weights[others, j], expected, rtol=1e-3, atol=1e-5)
        assert weights[j, j] == 0


def test_neighbourhoods_have_so_many_items_at_most():
    model = ft.EASE(reg=3.0, max_dense_items=0, n_neighbors=4).fit(events(catalogue()))
    assert (matrix(model) != 0).sum(axis=0).max() == 4


def test_the_unit_of_weights_does_not_matter():
    dense = DENSE * [[1, 2, 1], [3, 1, 1], [1, 1, 2], [1, 1, 1]]
    one, other = (ft.EASE(reg=2.0).fit(events(factor * dense, weighted=True)) for factor in (1, 60))
    np.testing.assert_allclose(matrix(one), matrix(other), rtol=1e-5)
    assert not np.allclose(matrix(one), matrix(ft.EASE(reg=2.0).fit(events(DENSE))))


def test_the_unknown_are_scored_as_all_users_on_average():
    model = ft.EASE(reg=1.0).fit(events(DENSE))
    everybody = model.predict([(u, i) for u in range(4) for i in range(3)]).reshape(4, 3).mean(axis=0)
    with pytest.warns(ft.exceptions.UnknownIdWarning):
        assert model.predict([(9, i) for i in range(3)]) == pytest.approx(everybody, rel=1e-5)


@pytest.mark.parametrize("max_dense_items", [100, 0])
def test_likeness_is_the_partial_correlation(max_dense_items):
    dense = catalogue()
    model = ft.EASE(reg=3.0, max_dense_items=max_dense_items).fit(events(dense))
    inverse = np.linalg.inv(dense.T @ dense + 3 * np.eye(dense.shape[1]))
    partial = -inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    found = model.similar_items(7, n=100)
    expected = {j: partial[7, j] for j in range(dense.shape[1]) if j != 7 and partial[7, j] > 0}
    assert dict(zip(found["similar_item"], found["similarity"], strict=True)) == pytest.approx(expected, rel=1e-2)


def test_an_explanation_has_a_share_for_each_item_of_the_user():
    model = ft.EASE(reg=1.0).fit(events(DENSE))
    terms = model.explain(0, 2)
    assert terms["term"].to_list() == ["has 0", "has 1"]
    assert terms["value"].to_numpy() == pytest.approx(matrix(model)[[0, 1], 2])


def test_a_new_user_is_scored_as_one_with_the_same_events():
    model = ft.EASE(reg=1.0).fit(events(DENSE))
    folded = model.fold_in([0, 1])
    pairs = [("new user", i) for i in range(3)]
    np.testing.assert_array_equal(folded.predict(pairs), model.predict([(0, i) for i in range(3)]))


def test_a_penalty_too_small_for_single_precision_is_refused():
    with pytest.raises(DataError, match=r"EASE cannot invert what it learned in single precision\. Hint: raise 'reg'"):
        ft.EASE(reg=1e-12).fit(events(np.ones((50, 20))))
