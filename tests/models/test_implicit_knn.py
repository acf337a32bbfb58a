import math

import numpy as np
import pytest

import foretaste as ft
import naive_events
from foretaste.data.interactions import SparseRows

# Two items that two users share, and one that a third has alone
DENSE = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], float)
KINDS = ("cosine", "tfidf", "bm25")


def events(dense, *, weighted=False):
    users, items = np.nonzero(dense)
    return ft.Interactions.from_arrays(users, items, weights=dense[users, items] if weighted else None)


def counts(n_users=30, n_items=14, seed=0):
    rng = np.random.default_rng(seed)
    dense = rng.poisson(0.6, (n_users, n_items)).astype(float)
    dense[np.arange(n_users), np.arange(n_users) % n_items] += 1
    return dense


def array(rows, vocabularies):
    """A sparse matrix by ids 0, 1, 2 ... on both sides."""
    found = np.zeros([len(vocabulary) for vocabulary in vocabularies])
    ids = [vocabulary.ids.to_numpy() for vocabulary in vocabularies]
    for row in range(len(found)):
        own = slice(*rows.indptr[row : row + 2])
        found[ids[0][row], ids[1][rows.indices[own]]] = rows.values[own]
    return found


def item_weights(model):
    """Row i: what each item says of item i."""
    return array(model.item_neighbors_, [model.item_vocabulary_] * 2)


def user_weights(model):
    return array(model.user_neighbors_, [model.user_vocabulary_, model.rater_vocabulary_])


def twin(dense, kind, shrinkage, k1, b):
    rows = [{c: value for c, value in enumerate(row) if value} for row in dense]
    rows = naive_events.weighted_events(rows, dense.shape[1], kind, k1, b)
    found = [[naive_events.event_similarity(x, y, kind, shrinkage) for y in rows] for x in rows]
    return np.array(found) * (1 - np.eye(len(rows)))


def test_three_items_by_hand():
    model = ft.ImplicitItemKNN(similarity="cosine").fit(events(DENSE))
    a, b = 2 / math.sqrt(3 * 2), 1 / math.sqrt(3)  # items 0 and 1 share two of three and two users, 0 and 2 one
    expected = [[0, a, b, 0], [a, 0, 0, 0], [b, 0, 0, 0], [0, 0, 0, 0]]
    assert item_weights(model) == pytest.approx(np.array(expected), rel=1e-6)
    assert model.predict([(0, 2), (2, 1), (3, 0)]) == pytest.approx([b, a, 0], rel=1e-6)


def test_a_walk_of_three_steps_by_hand():
    # from item 0 to one of its three users, and from users 0 and 1 to one of their two items, of which 1 is one
    model = ft.ImplicitItemKNN(similarity="rp3beta", alpha=1.0, beta=0.0).fit(events(DENSE))
    assert item_weights(model)[1, 0] == pytest.approx(2 * (1 / 3) * (1 / 2))
    discounted = ft.ImplicitItemKNN(similarity="rp3beta", alpha=1.0, beta=0.5).fit(events(DENSE))
    assert item_weights(discounted)[1, 0] == pytest.approx(1 / 3 / math.sqrt(2))
    squared = ft.ImplicitItemKNN(similarity="rp3beta", alpha=2.0, beta=0.0).fit(events(DENSE))
    assert item_weights(squared)[1, 0] == pytest.approx(2 * (1 / 3) ** 2 * (1 / 2) ** 2)


def test_users_by_hand():
    model = ft.ImplicitUserKNN(similarity="cosine").fit(events(DENSE))
    expected = [[0, 1, 0.5, 0], [1, 0, 0.5, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 0]]
    assert user_weights(model) == pytest.approx(np.array(expected), rel=1e-6)
    assert model.predict([(0, 2), (2, 1), (0, 0)]) == pytest.approx([0.5, 1, 1.5], rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shrinkage", [0.0, 2.5])
def test_similarities_equal_their_twins(kind, shrinkage, weighted):
    dense = counts()
    settings = {"similarity": kind, "shrinkage": shrinkage, "k1": 1.7, "b": 0.6, "n_neighbors": 100}
    by_item, by_user = (
        m(**settings).fit(events(dense, weighted=weighted)) for m in (ft.ImplicitItemKNN, ft.ImplicitUserKNN)
    )
    seen = dense if weighted else (dense > 0).astype(float)
    np.testing.assert_allclose(item_weights(by_item), twin(seen.T, kind, shrinkage, 1.7, 0.6), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(user_weights(by_user), twin(seen, kind, shrinkage, 1.7, 0.6), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.7, 0.4), (1.3, 1.0)])
def test_walks_equal_their_twin(alpha, beta, weighted):
    dense = counts()
    settings = {"similarity": "rp3beta", "alpha": alpha, "beta": beta, "n_neighbors": 100}
    model = ft.ImplicitItemKNN(**settings).fit(events(dense, weighted=weighted))
    seen, n = dense if weighted else (dense > 0).astype(float), dense.shape[1]
    expected = [
        [naive_events.three_steps(seen, i, j, alpha, beta) if i != j else 0 for j in range(n)] for i in range(n)
    ]
    np.testing.assert_allclose(item_weights(model), expected, rtol=1e-5)


@pytest.mark.parametrize("similarity", [*KINDS, "rp3beta"])
def test_an_item_is_scored_by_the_nearest_of_what_somebody_has(similarity):
    dense = counts()
    every = ft.ImplicitItemKNN(similarity=similarity, n_neighbors=100).fit(events(dense, weighted=True))
    few = ft.ImplicitItemKNN(similarity=similarity, n_neighbors=3).fit(events(dense, weighted=True))
    weights = item_weights(every)
    for row in weights:
        row[row < np.sort(row)[-3]] = 0
    np.testing.assert_allclose(item_weights(few), weights)
    pairs = [(u, i) for u in range(30) for i in range(14)]
    np.testing.assert_allclose(few.predict(pairs).reshape(30, 14), dense @ weights.T, rtol=1e-5)


@pytest.mark.parametrize("similarity", KINDS)
def test_the_nearest_users_have_what_is_recommended(similarity):
    dense = counts()
    model = ft.ImplicitUserKNN(similarity=similarity, n_neighbors=4).fit(events(dense, weighted=True))
    weights = user_weights(model)
    assert ((weights > 0).sum(axis=1) <= 4).all()
    pairs = [(u, i) for u in range(30) for i in range(14)]
    np.testing.assert_allclose(model.predict(pairs).reshape(30, 14), weights @ dense, rtol=1e-5)


@pytest.mark.parametrize("model", [ft.ImplicitItemKNN, ft.ImplicitUserKNN])
@pytest.mark.parametrize("similarity", KINDS)
def test_the_unit_of_weights_does_not_matter(model, similarity):
    dense = counts()
    settings = {"similarity": similarity, "shrinkage": 3.0, "n_neighbors": 5}
    one, other = (model(**settings).fit(events(factor * dense, weighted=True)) for factor in (1, 60))
    pairs = [(u, i) for u in range(30) for i in range(14)]
    np.testing.assert_allclose(60 * one.predict(pairs), other.predict(pairs), rtol=1e-4)


@pytest.mark.parametrize("model", [ft.ImplicitItemKNN(n_neighbors=5), ft.ImplicitUserKNN(n_neighbors=5)])
def test_the_unknown_are_scored_as_all_users_on_average(model):
    model.fit(events(counts(), weighted=True))
    everybody = model.predict([(u, i) for u in range(30) for i in range(14)]).reshape(30, 14).mean(axis=0)
    with pytest.warns(ft.exceptions.UnknownIdWarning):
        assert model.predict([(99, i) for i in range(14)]) == pytest.approx(everybody, rel=1e-5)


def test_an_explanation_names_the_items_that_speak():
    model = ft.ImplicitItemKNN(similarity="cosine").fit(events(DENSE))
    assert model.explain(2, 1)["term"].to_list() == ["has 0"]
    assert model.explain(3, 0).rows() == [("nothing they have is like it", 0.0)]


def test_an_explanation_names_the_users_who_speak():
    model = ft.ImplicitUserKNN(similarity="cosine").fit(events(DENSE))
    assert model.explain(2, 1)["term"].to_list() == ["0 has it, similarity 0.50", "1 has it, similarity 0.50"]
    assert model.explain(3, 0).rows() == [("nobody like them has it", 0.0)]


@pytest.mark.parametrize("similarity", KINDS)
def test_a_new_user_finds_the_neighbours_of_one_with_the_same_events(similarity):
    dense = counts()
    model = ft.ImplicitUserKNN(similarity=similarity, n_neighbors=6, shrinkage=1.0).fit(events(dense, weighted=True))
    model.set_params(shrinkage=50.0, n_neighbors=1, similarity="cosine", b=1.0)  # what it was fitted with counts
    folded = model.fold_in({i: dense[7, i] for i in range(14) if dense[7, i]})
    found = dict(zip(*folded.similar_users("new user", n=7)[["similar_user", "similarity"]], strict=True))
    own = found.pop(7)  # whoever has the same events is nearest of all
    assert own >= max(found.values())
    known = dict(zip(*model.similar_users(7, n=5)[["similar_user", "similarity"]], strict=True))
    assert found == pytest.approx(known, rel=1e-5)


def test_somebody_who_has_everything_says_nothing_of_what_goes_together():
    dense = np.vstack([DENSE, np.ones(4)])
    for similarity in ("tfidf", "bm25"):
        model = ft.ImplicitItemKNN(similarity=similarity).fit(events(dense))
        assert isinstance(model.item_neighbors_, SparseRows)
        assert item_weights(model)[3].tolist() == [0, 0, 0, 0]
