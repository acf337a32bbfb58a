import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foretaste as ft
from beside import SIDES, dataset, fitted, ours, pairs, ratings, real_rows, same

LEARNED = ("cltr_u", "cltr_i", "user_mean", "item_mean", "avg_cltr_u", "avg_cltr_i", "avg_cocltr")


@given(ratings(), st.integers(1, 4), st.integers(1, 4), st.integers(0, 4), st.integers(0, 9))
def test_it_learns_and_predicts_the_same_bits(rows, n_cltr_u, n_cltr_i, n_epochs, seed):
    settings = {"n_cltr_u": n_cltr_u, "n_cltr_i": n_cltr_i, "n_epochs": n_epochs, "random_state": seed}
    expected, found = fitted(rows, "CoClustering", **settings)
    for name in LEARNED:
        assert same(getattr(found, name), getattr(expected, name)), name
    assert same(found.test(pairs(rows)), expected.test(pairs(rows)))


def test_it_predicts_the_same_on_a_real_set(need_set):
    need_set("ml-100k")
    rows = real_rows(4000)
    expected, found = fitted(rows, "CoClustering", random_state=5)
    for name in LEARNED:
        assert same(getattr(found, name), getattr(expected, name)), name
    assert same(found.test(pairs(rows)), expected.test(pairs(rows)))


ROWS = [(user, item, (3 * user + 5 * item) % 6 - 0.5) for user in range(7) for item in range(6) if (user + item) % 3]


def test_without_a_seed_it_draws_from_the_generator_of_numpy():
    found = []
    for side in SIDES:
        np.random.seed(3)
        found.append(side.CoClustering(n_epochs=1).fit(dataset(side, ROWS).build_full_trainset()).cltr_u)
    assert same(found[1], found[0])


def test_it_prints_the_epochs_that_surprise_prints(capsys):
    printed = []
    for side in SIDES:
        side.CoClustering(n_epochs=3, random_state=0, verbose=True).fit(dataset(side, ROWS).build_full_trainset())
        printed.append(capsys.readouterr().out)
    assert printed[1] == printed[0] == "Processing epoch 0\nProcessing epoch 1\nProcessing epoch 2\n"


def test_averages_of_any_clusters_are_the_same():
    expected, found = fitted(ROWS, "CoClustering", random_state=0)
    rng = np.random.default_rng(0)
    clusters = rng.integers(3, size=7), rng.integers(3, size=6)
    assert same(found.compute_averages(*clusters), expected.compute_averages(*clusters))
    # a cluster that nobody is in stands at the mean of all
    assert found.compute_averages(np.zeros(7, int), np.zeros(6, int))[0][2] == found.trainset.global_mean


def test_the_unknown_are_predicted_by_the_mean_of_all():
    _, algo = fitted(ROWS, "CoClustering", random_state=0)
    mean = algo.trainset.global_mean
    for pair in (("nobody", 1), (1, "nothing"), ("nobody", "nothing")):
        prediction = algo.predict(*pair)
        assert (prediction.est, prediction.details) == (mean, {"was_impossible": False})


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"n_cltr_u": 0}, "high <= 0"), ({"n_cltr_i": -1}, "high <= 0"), ({"random_state": "a"}, "random_state")],
)
def test_clusters_and_seeds_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ours.CoClustering(**settings).fit(dataset(ours, ROWS).build_full_trainset())


def test_as_a_model_of_foretaste_it_predicts_the_same(tmp_path):
    _, algo = fitted(ROWS, "CoClustering", n_cltr_u=2, n_cltr_i=4, random_state=1)
    model = algo.to_foretaste()
    known = [(user, item) for user in range(7) for item in range(6)]
    expected = [algo.predict(*pair).est for pair in known]
    np.testing.assert_allclose(model.predict(known), expected, rtol=1e-12)
    best = model.recommend(1, n=2)
    np.testing.assert_allclose(
        best["score"], [algo.predict(1, item, clip=False).est for item in best["item"]], rtol=1e-6
    )
    assert model.explain(2, 3)["value"].sum() == pytest.approx(algo.predict(2, 3, clip=False).est)
    assert np.isfinite(model.fold_in({0: 3.5, 2: 1.5}, user="new").predict([("new", 1)])).all()
    model.save(tmp_path / "model.ft")
    np.testing.assert_array_equal(ft.load(tmp_path / "model.ft").predict(known), model.predict(known))
